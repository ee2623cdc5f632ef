/** Clients for the tests. */
import { inject } from 'vitest';

import { UnitPay, type Customer, type UnitPayOptions } from '../../src/index.js';
import { readConfig } from '../../src/config.js';
import { Customers } from '../../src/resources/customers.js';
import { PortalSessions } from '../../src/resources/portal-sessions.js';
import { Transport } from '../../src/transport.js';
import { TIMEOUT, type ManualRuntime } from './runtime.js';

/** A client of the real server, as anyone makes it. */
export function client(options: UnitPayOptions = {}): UnitPay {
  return new UnitPay({ apiKey: inject('apiKey'), baseUrl: inject('baseUrl'), ...options });
}

/** The same parts as a client's, on a clock that the test moves. */
export function clientOn(runtime: ManualRuntime, options: UnitPayOptions = {}) {
  const settings = { apiKey: inject('apiKey'), baseUrl: inject('baseUrl'), timeout: TIMEOUT };
  const transport = new Transport(readConfig({ ...settings, ...options }), runtime);
  return {
    transport,
    customers: new Customers(transport),
    portalSessions: new PortalSessions(transport),
  };
}

export function newCustomer(externalId?: string): Promise<Customer> {
  return client().customers.create({ name: 'Ada', email: 'ada@example.com', externalId });
}

/** Returns the error that a promise rejects with. */
export async function failure(promise: PromiseLike<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('it did not fail');
}
