/** The lines of the guides, run as they stand there against a server of their own. */
import { afterAll, beforeAll, expect, test, vi } from 'vitest';

import { UnitPay } from '../src/index.js';
import { startServer, type Server } from './support/program.js';

let server: Server;
let unitpay: UnitPay;

beforeAll(async () => {
  server = await startServer();
  unitpay = new UnitPay(server);
  vi.stubEnv('UNITPAY_API_KEY', server.apiKey);
  vi.stubEnv('UNITPAY_BASE_URL', server.baseUrl);
  const customer = { name: 'Ada', email: 'ada@example.com', externalId: 'cus_123' };
  await unitpay.customers.create(customer);
  await unitpay.paymentMethods.add('cus_123', { processorToken: 'pm_sandbox_visa' });
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await server.stop();
});

/** Written by scripts/guides.mjs. */
const run = (guide: string) => import(`./consumer/guides/${guide}.ts`) as Promise<unknown>;

test('the README', async () => {
  vi.spyOn(console, 'log').mockReturnValue(undefined);
  await run('readme');
  expect(
    (await unitpay.portalSessions.list({ customerId: 'cus_123', status: 'revoked' })).data,
  ).not.toEqual([]);
});

test('docs/billing.md', async () => {
  await run('billing');
  const [subscription] = await unitpay.subscriptions.list({ customerId: 'cus_123' }).toArray();
  expect(subscription?.status).toBe('active');
  const [product] = await unitpay.products.list().toArray();
  expect(product?.slug).toBe('nimbus');
  // It ends a year on, by the test clock, each month of them billed.
  const invoices = await unitpay.invoices.list({ customerId: 'cus_123' }).toArray();
  expect(invoices.length).toBeGreaterThan(12);
  expect(new Set(invoices.map(({ status }) => status))).toEqual(new Set(['paid']));
});
