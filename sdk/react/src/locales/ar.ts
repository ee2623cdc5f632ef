import type { Messages } from './en.js';
export const ar: Messages = {} as Messages;
