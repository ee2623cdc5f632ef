/** Starts the demo once for all tests, with tokens that may live for four seconds. */
import type { TestProject } from 'vitest/node';

import { startDemo } from './demo.js';

declare module 'vitest' {
  export interface ProvidedContext {
    origin: string;
    apiKey: string;
    printedUrl: string;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const demo = await startDemo({ UNITPAY_PORTAL_MIN_TTL_SECONDS: '4' });
  project.provide('origin', demo.origin);
  project.provide('apiKey', demo.apiKey);
  project.provide('printedUrl', demo.url);
  return demo.stop;
}
