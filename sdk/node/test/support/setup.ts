/**
 * Starts the real server once for all tests, on an empty store but for the customer that the guide
 * and the example speak of, and stops it after them.
 */
import type { TestProject } from 'vitest/node';

import { UnitPay } from '../../src/index.js';
import { startServer } from './program.js';

declare module 'vitest' {
  export interface ProvidedContext {
    apiKey: string;
    baseUrl: string;
    dataDir: string;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const server = await startServer();
  project.provide('apiKey', server.apiKey);
  project.provide('baseUrl', server.baseUrl);
  project.provide('dataDir', server.dataDir);
  await new UnitPay(server).customers.create({
    name: 'Ada',
    email: 'ada@example.com',
    externalId: 'cus_123',
  });
  return server.stop;
}
