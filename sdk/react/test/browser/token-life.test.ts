/** A token's life in Chromium, against the real server, with tokens of four seconds. */
import type { Browser, BrowserContext } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, afterEach, expect, test } from 'vitest';

import { mint, mintFor, newCustomer, revoke } from '../support/backend.js';
import { click, launch, openPage, refreshesOf, servePage } from './support.js';

let browser: Browser;
let context: BrowserContext;
let site: Awaited<ReturnType<typeof servePage>>;

const address = (query: Record<string, string>, host = '127.0.0.1') =>
  `http://${host}:${String(site.port)}/?${new URLSearchParams(query).toString()}`;

beforeAll(async () => {
  [site, browser] = await Promise.all([servePage(), launch()]);
});
afterAll(async () => {
  await Promise.all([browser.close(), site.close()]);
});
beforeEach(async () => {
  context = await browser.newContext();
});
afterEach(() => context.close());

test('the provider and a card are enough, and nothing is said on the console', async () => {
  const { token } = await mint();
  const { page, said } = await openPage(
    context,
    address({ token, part: 'details', tools: 'none' }),
  );
  await page.getByText('ada@example.com').waitFor();
  await page.getByText('Name').first().waitFor();
  expect(said).toEqual([]);
});

test('a token is refreshed before its end, again and again', async () => {
  const refreshes = refreshesOf(context);
  const { page, shows, give } = await openPage(context, address({}));
  await give((await mint({ ttlSeconds: 4 })).token);
  await shows('generation', '2');
  await click(page, 'Ask again');
  await shows('name', 'Ada');
  await shows('reasons', '');
  expect(refreshes.length).toBe(2);
});

test('four tabs make one new token in a lifetime, with two requests at most', async () => {
  const refreshes = refreshesOf(context);
  const tabs = await Promise.all([1, 2, 3, 4].map(() => openPage(context, address({}))));
  const { token } = await mint({ ttlSeconds: 8 });
  await Promise.all(tabs.map(({ give }) => give(token)));
  for (const generation of ['1', '2']) {
    await Promise.all(tabs.map(({ shows }) => shows('generation', generation)));
    const requests = refreshes.splice(0).length;
    expect(requests).toBeGreaterThan(0);
    expect(requests).toBeLessThanOrEqual(2);
  }
});

test('a session that is revoked while the page is open says so once', async () => {
  const { token, jti } = await mint();
  const { page, shows } = await openPage(context, address({ token, part: 'portal' }));
  await shows('name', 'Ada');
  await revoke(jti);
  await click(page, 'Ask again');
  await shows('state', 'expired');
  await shows('name', 'session_revoked');
  await shows('reasons', 'revoked');
  await page.getByRole('heading', { name: 'Your session has ended' }).waitFor();
});

test('offline degrades the session, and back online it goes on', async () => {
  const { token } = await mint({ ttlSeconds: 16 });
  const { page, shows } = await openPage(context, address({ token }));
  await shows('name', 'Ada');
  await context.setOffline(true);
  await shows('state', 'degraded');
  await page.waitForEvent('requestfailed', (request) => request.url().endsWith('/refresh'));
  await shows('reasons', '');
  await context.setOffline(false);
  await shows('generation', '1');
  await shows('state', 'active');
});

test('out of the back-forward cache it asks before it shows', async () => {
  const { token, jti } = await mint();
  const { page, shows } = await openPage(context, address({ token }));
  await shows('name', 'Ada');
  await page.evaluate(() => {
    addEventListener('pageshow', ({ persisted }) => {
      document.title = `${String(persisted)} ${document.querySelector('[data-testid=name]')?.textContent ?? ''}`;
    });
  });
  await page.getByRole('link', { name: 'Elsewhere' }).click();
  await page.waitForURL('**/elsewhere');
  await page.goBack({ waitUntil: 'commit' });
  await shows('name', 'Ada');
  expect(await page.title()).toMatch(/^true /);
  await page.getByRole('link', { name: 'Elsewhere' }).click();
  await page.waitForURL('**/elsewhere');
  await revoke(jti);
  await page.goBack({ waitUntil: 'commit' });
  await shows('state', 'expired');
  await shows('name', 'session_revoked');
  await shows('reasons', 'revoked');
});

test('a plain-http origin is enough', async () => {
  const { page, shows, give } = await openPage(context, address({}, 'plain.test'));
  expect(await page.evaluate(() => isSecureContext)).toBe(false);
  await give((await mint({ ttlSeconds: 4 })).token);
  await shows('generation', '1');
  await shows('name', 'Ada');
});

test('a mount with the first token goes on with the newest', async () => {
  const { page, shows, give } = await openPage(context, address({}));
  await give((await mint({ ttlSeconds: 4 })).token);
  await shows('generation', '1');
  await click(page, 'Mount');
  await page.getByTestId('state').waitFor({ state: 'detached' });
  await click(page, 'Mount');
  await shows('generation', /^[12]$/);
  await shows('name', 'Ada');
});

test("another customer's token remounts our parts, and not the page's", async () => {
  const [one, two] = [await mint(), await mintFor(await newCustomer('Grace'))];
  const query = `token=${one.token}&token=${two.token}&part=details`;
  const { page, shows } = await openPage(context, `${address({})}${query}`);
  await shows('name', 'Ada');
  await page.getByLabel('Note').fill('half a sentence');
  await click(page, 'Edit: Billing details');
  await page.getByLabel('Name', { exact: true }).fill('Mallory');
  await page.getByRole('button', { name: 'Other customer' }).dispatchEvent('click');
  await shows('name', 'Grace');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  expect(await page.getByLabel('Note').inputValue()).toBe('half a sentence');
  await shows('reasons', '');
});

test('a new session takes over without the loss of a half-filled form', async () => {
  const customerId = await newCustomer();
  const [first, second] = [await mintFor(customerId), await mintFor(customerId)];
  const url = address({ token: first.token, renewed: second.token, part: 'details' });
  const { page, shows } = await openPage(context, url);
  await shows('name', 'Ada');
  await click(page, 'Edit: Billing details');
  await page.getByLabel('Name', { exact: true }).fill('Ada Lovelace');
  await revoke(first.jti);
  await click(page, 'Save');
  await page.getByText('Saved.').waitFor();
  await shows('name', 'Ada Lovelace');
  await shows('reasons', '');
});

test('a machine that slept beyond the end has an end, once', async () => {
  const { page, shows, give } = await openPage(context, address({}));
  const { token, expiresAt } = await mint({ ttlSeconds: 4 });
  await give(token);
  await shows('name', 'Ada');
  const debug = await context.newCDPSession(page);
  await debug.send('Debugger.enable');
  await debug.send('Debugger.pause');
  // The page does not run, so another one waits for the token's end.
  const other = await context.newPage();
  await other.waitForFunction((end) => Date.now() > end, Date.parse(expiresAt) + 500);
  await debug.send('Debugger.resume');
  await shows('state', 'expired');
  await shows('reasons', 'expired');
});

test('signing out ends every tab, and is told to the others alone', async () => {
  const { token } = await mint();
  const [one, two] = [
    await openPage(context, address({ token })),
    await openPage(context, address({ token })),
  ];
  await Promise.all([one.shows('name', 'Ada'), two.shows('name', 'Ada')]);
  await click(one.page, 'Sign out');
  await Promise.all([one.shows('state', 'signed_out'), two.shows('state', 'signed_out')]);
  await two.shows('reasons', 'signed_out_elsewhere');
  await one.shows('reasons', '');
});
