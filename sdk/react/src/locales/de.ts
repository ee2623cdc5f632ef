import type { Messages } from './en.js';
export const de: Messages = {} as Messages;
