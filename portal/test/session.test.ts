/** The page while it is open: its end, the way out, and what is loaded on demand. */
import type { Browser, BrowserContext } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';

import { APP, brand, mint, revoke } from './support/backend.js';
import { heading, isFull, launch, openTab } from './support/browser.js';

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

test('a session that is revoked while the page is open ends at its next request', async () => {
  const { url, jti } = await mint({ returnUrl: `${APP}/` });
  const { page } = await openTab(context, url);
  await isFull(page);
  await revoke(jti);
  await page.getByRole('button', { name: 'History' }).click();
  await heading(page, 'Your session has ended');
  await page.getByText('It was ended for your security.').waitFor();
  expect(await page.getByText('Ada Lovelace').count()).toBe(0);
  await page.getByRole('link', { name: 'Back to Nimbus' }).click();
  await page.waitForURL(`${APP}/?reason=expired`);
});

test('signing out ends the session for good, in every tab', async () => {
  const { url } = await mint({ returnUrl: `${APP}/` });
  const [one, two] = [await openTab(context, url), await openTab(context, url)];
  await Promise.all([isFull(one.page), isFull(two.page)]);
  await one.page.getByRole('button', { name: 'Sign out' }).click();
  await heading(one.page, 'You have signed out');
  await heading(two.page, 'You have signed out');
  await one.page.reload();
  await heading(one.page, 'Your session has ended');
  await two.page.getByRole('link', { name: 'Back to Nimbus' }).click();
  await two.page.waitForURL(`${APP}/?reason=completed`);
});

test('signing out offline says that it did not happen', async () => {
  const { page } = await openTab(context, (await mint()).url);
  await isFull(page);
  await context.setOffline(true);
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByText('You are still signed in').waitFor();
  await context.setOffline(false);
  await page.getByRole('button', { name: 'Sign out' }).click();
  await heading(page, 'You have signed out');
});

test('what is shown on demand is loaded then, and says so where it cannot be', async () => {
  const { page, said } = await openTab(context, (await mint()).url);
  await isFull(page);
  const loaded: string[] = [];
  page.on('request', (request) => loaded.push(request.url()));
  await page.getByRole('button', { name: 'Change plan' }).click();
  await page.getByRole('dialog').getByRole('heading', { name: 'Scale' }).waitFor();
  expect(loaded.filter((one) => one.includes('/portal/assets/forms-'))).toHaveLength(1);
  expect(said).toEqual([]);
  await context.route('**/forms-*.js', (route) => route.abort());
  await page.reload();
  await isFull(page);
  await page.getByRole('button', { name: 'History' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Try again' }).waitFor();
});

test('an invoice is saved as a file', async () => {
  const { page, said } = await openTab(context, (await mint()).url);
  await isFull(page);
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: /PDF/ }).first().click(),
  ]);
  expect(download.suggestedFilename()).toMatch(/^INV-\d+\.pdf$/);
  expect(said).toEqual([]);
});
