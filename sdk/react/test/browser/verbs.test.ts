/** The requests and messages of customer actions. */
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';

import { call, mintFor, newCustomer } from '../support/backend.js';
import { addCard, newDebtor, newSubscriber, openShop, type Shop } from '../support/shop.js';
import { launch, servePage } from './support.js';

let browser: Browser;
let context: BrowserContext;
let site: Awaited<ReturnType<typeof servePage>>;
let shop: Shop;

beforeAll(async () => {
  [site, browser, shop] = await Promise.all([servePage(), launch(), openShop()]);
});
afterAll(async () => {
  await Promise.all([browser.close(), site.close()]);
});
beforeEach(async () => {
  context = await browser.newContext();
});
afterEach(() => context.close());

/** Opens the page, and keeps what it asks: `GET /invoices`, ids as `…`. */
async function open(customerId: string, query: Record<string, string> = {}) {
  const { token } = await mintFor(customerId);
  const page = await context.newPage();
  const calls: string[] = [];
  page.on('request', (request) => {
    const [, path] = new URL(request.url()).pathname.split('/v1');
    const name = `${request.method()} ${(path ?? '').replace(/[a-z]+_[0-9a-z]{26}/g, '…')}`;
    if (path && request.method() !== 'OPTIONS') calls.push(name);
  });
  const all = new URLSearchParams({ token, part: 'portal', tools: 'none', ...query });
  await page.goto(`http://127.0.0.1:${String(site.port)}/?${all.toString()}`);
  await loaded(page);
  return { page, calls };
}

async function loaded(page: Page) {
  await page.locator('[data-upay=root]').first().waitFor();
  await page.waitForFunction(() => !document.querySelector('[data-upay=skeleton]'));
}

const button = (page: Page, name: string | RegExp) =>
  page.getByRole('button', { name, exact: typeof name === 'string' });

test('a card form asks for nothing again, and a card for what hangs on it alone', async () => {
  const { page, calls } = await open(await newSubscriber(shop.plans.pro));
  calls.length = 0;
  await button(page, 'Add payment method').click();
  await button(page, 'Add card').waitFor();
  expect(calls).toEqual(['POST /customers/…/payment-methods/setup']);
  await button(page, 'Add card').click();
  await page.getByText('Payment method added.').waitFor();
  await page.waitForLoadState('networkidle');
  expect(calls.slice(1).sort()).toEqual([
    'GET /credit-accounts',
    'GET /customers/…',
    'GET /customers/…/payment-methods',
    'POST /customers/…/payment-methods',
  ]);
});

test('new details are read alone, a payment leaves the catalog as it is', async () => {
  const { customerId, number } = await newDebtor(shop.plans.pro);
  await addCard(customerId);
  const { page, calls } = await open(customerId);
  calls.length = 0;
  await button(page, /^Edit: Billing/).click();
  await page.getByLabel('Name', { exact: true }).fill('Grace');
  await button(page, 'Save').click();
  await page.getByText('Saved.').waitFor();
  await page.waitForLoadState('networkidle');
  expect(new Set(calls)).toEqual(
    new Set(['PATCH /customers/…', 'GET /customers/…', 'GET /portal-sessions/current']),
  );
  calls.length = 0;
  await button(page, `Pay €29.00 for invoice ${number}`).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Pay €29.00' }).click();
  await page.getByText(`Invoice ${number} is paid.`).waitFor();
  await page.waitForLoadState('networkidle');
  expect(calls).toContain('GET /invoices');
  expect(calls).toContain('GET /subscriptions');
  expect(calls.filter((one) => /plans|products|branding|currencies|metrics/.test(one))).toEqual([]);
});

const REASONS = [
  ['en', 'insufficient_funds', 'This card has insufficient funds.'],
  ['de', 'insufficient_funds', 'Diese Karte ist nicht ausreichend gedeckt.'],
  ['en', 'incorrect_cvc', 'The security code is incorrect.'],
  ['en', 'expired_card', 'This card has expired.'],
  ['en', 'a_reason_of_tomorrow', 'The payment was declined. Please try another payment method.'],
] as const;

test.each(REASONS)('in %s a payment declined for %s says so', async (locale, reason, text) => {
  const { customerId } = await newDebtor(shop.plans.pro);
  await addCard(customerId);
  const { page } = await open(customerId, { locale });
  // The sandbox's cards know few reasons; a bank has them all.
  await page.route('**/pay', (route) =>
    route.fulfill({
      status: 402,
      contentType: 'application/problem+json',
      headers: { 'access-control-allow-origin': '*' },
      body: JSON.stringify({
        code: 'payment_declined',
        detail: 'Declined.',
        declineReason: reason,
      }),
    }),
  );
  await page.locator('[data-upay=row-actions] .upay-button-primary').first().click();
  await page.locator('[data-upay=dialog] .upay-button-primary').click();
  await page.getByRole('alert').filter({ hasText: text }).waitFor();
});

test('top-up names its limits and refuses other amounts', async () => {
  const name = `Prepaid ${crypto.randomUUID().slice(0, 8)}`;
  const currency = {
    name,
    denomination: 'EUR',
    minorUnitScale: 2,
    topUpMin: 500,
    topUpMax: 50_000,
  };
  const { id } = await call<{ id: string }>('/credit-currencies', {
    ...currency,
    slug: name.toLowerCase().replace(' ', '-'),
  });
  const customerId = await newCustomer();
  await addCard(customerId);
  const flow = JSON.stringify({ type: 'top_up', creditCurrencyId: id });
  const { page } = await open(customerId, { flow });
  const amount = page.getByLabel('Amount (EUR)');
  await page.getByText('€5.00 – €500.00', { exact: true }).waitFor();
  expect(await amount.evaluate((one) => one.getAttribute('aria-describedby'))).toBeTruthy();
  await amount.fill('4.99');
  await button(page, /^Pay €/).click();
  await page.getByText('Please enter an amount from €5.00 to €500.00.').waitFor();
  await amount.fill('5');
  await button(page, 'Pay €5.00').click();
  await page.getByText('Credits added.').waitFor();
});

test('who has no plan yet sees the plans of the first of several products', async () => {
  await openShop();
  const { page, calls } = await open(await newCustomer(), { part: 'plans' });
  await page.getByRole('heading', { name: 'Scale' }).waitFor();
  expect(calls.filter((one) => one.includes('/public/pricing/'))).toHaveLength(1);
});
