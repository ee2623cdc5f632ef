/** Starts the real server once for all tests, with tokens that may live for four seconds. */
import type { TestProject } from 'vitest/node';

import { startServer } from '../../../node/test/support/program.js';

declare module 'vitest' {
  export interface ProvidedContext {
    apiKey: string;
    baseUrl: string;
    dataDir: string;
    /** Its major version. */
    react: string;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const server = await startServer({ UNITPAY_PORTAL_MIN_TTL_SECONDS: '4' });
  project.provide('apiKey', server.apiKey);
  project.provide('baseUrl', server.baseUrl);
  project.provide('dataDir', server.dataDir);

  return server.stop;
}
