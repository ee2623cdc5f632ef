/** Opening the page by link and by cookie, and the messages when that fails. */
import type { Browser, BrowserContext } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, inject, test } from 'vitest';

import { APP, brand, call, mint, revoke } from './support/backend.js';
import { addressOf, heading, isFull, launch, openTab } from './support/browser.js';

const EXCHANGE = 'POST /v1/portal-sessions/exchange';
let browser: Browser;
let context: BrowserContext;

beforeAll(async () => {
  browser = await launch();
  await brand();
});
afterAll(() => browser.close());
beforeEach(async () => {
  context = await browser.newContext();
});
afterEach(() => context.close());

test('the link that the demo prints opens a full page by one call, and nothing is said', async () => {
  const { page, said, calls } = await openTab(context, inject('printedUrl'));
  await isFull(page);
  expect(addressOf(page)).toBe('/portal#ps_…');
  expect(await page.title()).toBe('Billing · Nimbus');
  await page.waitForLoadState('networkidle');
  expect(calls).toEqual([EXCHANGE]);
  expect(said).toEqual([]);
});

test('page shows an outline until its script is there', async () => {
  const page = await context.newPage();
  let go: () => void = () => undefined;
  const gate = new Promise<void>((resolve) => (go = resolve));
  await context.route('**/portal/assets/main-*.js', async (route) => {
    await gate;
    await route.continue();
  });
  await page.goto((await mint()).url, { waitUntil: 'commit' });
  const ghosts = page.locator('.ghost');
  await ghosts.first().waitFor();
  expect(await ghosts.count()).toBe(5);
  const size = await ghosts.last().boundingBox();
  expect(size?.height).toBeGreaterThan(100);
  go();
  await isFull(page);
  expect(await ghosts.first().isVisible()).toBe(false);
});

test('a reload goes on by the cookie, with one call', async () => {
  const { page, said, calls } = await openTab(context, (await mint()).url);
  await isFull(page);
  await page.reload();
  await isFull(page);
  expect(calls).toEqual([EXCHANGE, EXCHANGE]);
  expect(said).toEqual([]);
});

test('a link opens once, but for the browser that opened it', async () => {
  const { url } = await mint({ returnUrl: `${APP}/billing?team=1` });
  await isFull((await openTab(context, url)).page);
  await isFull((await openTab(context, url)).page);
  const elsewhere = await browser.newContext();
  const { page } = await openTab(elsewhere, url);
  await heading(page, 'This link no longer works');
  await page.getByText('Nimbus', { exact: true }).waitFor();
  await page.getByRole('link', { name: 'Back to Nimbus' }).click();
  await page.waitForURL(`${APP}/billing?team=1&reason=expired`);
  await elsewhere.close();
});

test('a made-up link is refused kindly, and leads nowhere', async () => {
  const { jti } = await mint({ returnUrl: `${APP}/` });
  for (const code of [`${jti}.${'A'.repeat(43)}`, `${jti}.`, jti, 'nonsense', '<img src=x>']) {
    const { page } = await openTab(context, `${inject('origin')}/portal#${code}`);
    await heading(page, 'This link no longer works');
    expect(await page.getByRole('link').count()).toBe(0);
    await page.close();
  }
});

test('without a link the page says where to get one', async () => {
  const { page, said, calls } = await openTab(context, `${inject('origin')}/portal`);
  await heading(page, 'Open billing from your account');
  expect(calls).toEqual([]);
  expect(said).toEqual([]);
});

test('the link of a session that has ended says so, and leads back', async () => {
  const short = await mint({ ttlSeconds: 4, maxLifetimeSeconds: 4, returnUrl: `${APP}/` });
  const revoked = await mint({ returnUrl: `${APP}/` });
  await revoke(revoked.jti);
  const { page } = await openTab(context, revoked.url);
  await heading(page, 'Your session has ended');
  await page.getByText('It was ended for your security.').waitFor();
  await page.waitForFunction((end) => Date.now() > end, Date.parse(short.expiresAt) + 500);
  const late = await openTab(context, short.url);
  await heading(late.page, 'Your session has ended');
  await late.page.getByText('Everything that you saved is kept.').waitFor();
  await late.page.getByRole('link', { name: 'Back to Nimbus' }).click();
  await late.page.waitForURL(`${APP}/?reason=expired`);
});

test("an archived customer's link says that the account is closed", async () => {
  const customer = { name: 'Gone', email: 'gone@example.com' };
  const { id } = await call<{ id: string }>('POST', '/customers', customer);
  const { url } = await mint({ customerId: id });
  await call('POST', `/customers/${id}/archive`);
  await heading((await openTab(context, url)).page, 'This account is closed');
});

test('where nothing answers the page offers another try, which uses the same link', async () => {
  await context.route('**/exchange', (route) => route.abort());
  const { page } = await openTab(context, (await mint()).url);
  await heading(page, 'No connection');
  await context.unroute('**/exchange');
  await page.getByRole('button', { name: 'Try again' }).click();
  await isFull(page);
});

test('where the server fails the page says that it is not the reader', async () => {
  await context.route('**/exchange', (route) => route.fulfill({ status: 503, body: 'busy' }));
  const { page } = await openTab(context, (await mint()).url);
  await heading(page, 'Billing is unavailable right now');
  await context.unroute('**/exchange');
  await page.getByRole('button', { name: 'Try again' }).click();
  await isFull(page);
});

test('another link in the same tab opens the other session', async () => {
  const { page } = await openTab(context, (await mint()).url);
  await isFull(page);
  const { url } = await mint({ customerId: 'acme' });
  await page.evaluate((next) => {
    location.href = next;
  }, url);
  await page.getByText('Acme Incorporated').first().waitFor();
});
