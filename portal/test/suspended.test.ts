/** A seller whose billing is switched off: the page says so, and what it tells the product is `error`. */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { startServer, unitpay, type Server } from '../../sdk/node/test/support/program.js';
import { APP } from './support/backend.js';
import { heading, launch, openTab } from './support/browser.js';

let browser: Browser;
/** Its own: nobody else is to be suspended. */
let server: Server;

beforeAll(async () => {
  [browser, server] = await Promise.all([launch(), startServer()]);
});
afterAll(async () => {
  await Promise.all([browser.close(), server.stop()]);
});

async function call<T>(method: string, path: string, body: object): Promise<T> {
  const response = await fetch(server.baseUrl + path, {
    method,
    headers: { 'content-type': 'application/json', 'x-api-key': server.apiKey },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${path}: ${await response.text()}`);
  return (await response.json()) as T;
}

test('the page cannot be shown, leads back with the reason, and opens once it can', async () => {
  await call('PUT', '/branding', { name: 'Nimbus', portalOrigins: [APP] });
  const { id: customerId } = await call<{ id: string }>('POST', '/customers', {
    name: 'Ada',
    email: 'ada@example.com',
  });
  const { url } = await call<{ url: string }>('POST', '/portal-sessions', {
    customerId,
    returnUrl: `${APP}/billing?team=1`,
  });
  const [organization = ''] = (await unitpay(server.dataDir, 'orgs', 'list')).split(' ');
  await unitpay(server.dataDir, 'orgs', 'suspend', organization);
  const context = await browser.newContext();
  const { page } = await openTab(context, url);
  await heading(page, 'Billing is unavailable right now');
  expect(await page.getByText('Ada').count()).toBe(0);
  await page.getByRole('link', { name: 'Back to Nimbus' }).click();
  await page.waitForURL(`${APP}/billing?team=1&reason=error`);
  await unitpay(server.dataDir, 'orgs', 'resume', organization);
  await heading((await openTab(context, url)).page, 'Billing');
});
