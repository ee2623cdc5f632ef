/** Payments by form, by amount and by automatic top-up, in Chromium. */
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';

import { ask, call, mintFor, newCustomer } from '../support/backend.js';
import { openOffer } from '../support/features.js';
import { addCard, newDebtor, newSubscriber, openShop, track, type Shop } from '../support/shop.js';
import { launch, openPage, servePage } from './support.js';

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

async function open(customerId: string, query: Record<string, string> = {}) {
  const { token } = await mintFor(customerId);
  const all = new URLSearchParams({ token, part: 'portal', tools: 'none', ...query });
  return openPage(context, `http://127.0.0.1:${String(site.port)}/?${all.toString()}`);
}

const press = (page: Page, name: string | RegExp) =>
  page
    .getByRole('button', { name, exact: typeof name === 'string' })
    .last()
    .click();

/** Waits until the page tells it. */
const told = (page: Page, text: string) =>
  page.getByRole('status').filter({ hasText: text }).first().waitFor();

interface Row {
  id: string;
  planId: string;
  status: string;
  quantity?: number;
}

async function rowOf(path: string): Promise<Row> {
  const { data } = await ask<{ data: Row[] }>(path);
  const [first] = data;
  if (!first) throw new Error(`nothing in ${path}`);
  return first;
}

const subscriptionOf = (customerId: string) => rowOf(`/subscriptions?customerId=${customerId}`);

/** Creates a plan with a price per seat. */
async function newSeatPlan(): Promise<string> {
  const { id } = await call<{ id: string }>('/plans', {
    productId: shop.product,
    slug: `seats-${crypto.randomUUID().slice(0, 8)}`,
    name: 'Team',
    tier: 3,
    billingInterval: 'month',
    currency: 'EUR',
    status: 'active',
    isPublic: true,
    charges: [{ type: 'recurring', amount: 1000, perUnit: true }],
    entitlements: [],
  });
  return id;
}

/** Has a plan, and a card that wants a confirmation for the next one. */
async function newCautious(): Promise<string> {
  const customerId = await newSubscriber(shop.plans.pro);
  await addCard(customerId, 'requires_form');
  return customerId;
}

describe('a change of plan that wants a form', () => {
  test('is made by it, and by nothing before', async () => {
    const customerId = await newCautious();
    const { page } = await open(customerId);
    await press(page, 'Change plan');
    await press(page, 'Upgrade to Scale');
    await press(page, /^Pay €/);
    await press(page, 'Decline payment');
    await page.getByRole('alert').filter({ hasText: 'The payment was declined.' }).waitFor();
    expect((await subscriptionOf(customerId)).planId).toBe(shop.plans.pro);
    await press(page, /^Pay €/);
    await told(page, 'Your plan is now Scale.');
    expect((await subscriptionOf(customerId)).planId).toBe(shop.plans.scale);
  });

  test('is not made where it is given up', async () => {
    const customerId = await newCautious();
    const flow = JSON.stringify({ type: 'change_plan', planId: shop.plans.scale });
    const { page, shows } = await open(customerId, { flow });
    await press(page, /^Pay €/);
    await page.getByRole('button', { name: 'Decline payment' }).waitFor();
    await press(page, 'Cancel');
    await page.getByRole('button', { name: 'Decline payment' }).waitFor({ state: 'detached' });
    await page.keyboard.press('Escape');
    await shows('flow-end', 'canceled');
    expect(await page.getByText('Your plan is now').count()).toBe(0);
    expect((await subscriptionOf(customerId)).planId).toBe(shop.plans.pro);
  });
});

test('after a form it asks each second, for half a minute, and then says that it is late', async () => {
  const { customerId, number } = await newDebtor(shop.plans.pro);
  await addCard(customerId, 'requires_form');
  const { token } = await mintFor(customerId);
  const page = await context.newPage();
  await page.clock.install();
  // The processor takes the form, and is never heard of again.
  const headers = { 'access-control-allow-origin': '*' };
  await page.route('**/forms/confirm', (route) => route.fulfill({ json: {}, headers }));
  const query = new URLSearchParams({ token, part: 'invoices', tools: 'none' });
  await page.goto(`http://127.0.0.1:${String(site.port)}/?${query.toString()}`);
  await press(page, `Pay €29.00 for invoice ${number}`);
  await press(page, 'Pay €29.00');
  await page.getByRole('button', { name: 'Decline payment' }).waitFor();
  const asked: number[] = [];
  const isAsked = (url: string) => url.includes('/payment-attempts/');
  page.on('request', (request) => {
    if (isAsked(request.url())) asked.push(asked.length);
  });
  for (let second = 0; second < 30; second += 1) {
    const answered = page.waitForResponse((response) => isAsked(response.url()));
    if (second === 0) await press(page, 'Pay €29.00');
    else await page.clock.runFor(1000);
    await answered;
    expect(await page.getByText('The payment has not been confirmed yet.').count()).toBe(0);
  }
  await page.clock.runFor(1000);
  await told(page, 'The payment has not been confirmed yet.');
  await page.clock.runFor(10_000);
  expect(asked).toHaveLength(30);
  await page.getByRole('dialog').getByRole('button', { name: 'Close' }).last().click();
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  // It is still open, and may be paid.
  await page.unroute('**/forms/confirm');
  await press(page, `Pay €29.00 for invoice ${number}`);
  await press(page, 'Pay €29.00');
  await page.getByRole('button', { name: 'Decline payment' }).waitFor();
  await press(page, 'Pay €29.00');
  await told(page, `Invoice ${number} is paid.`);
});

test('a debit during the form of a top-up does not count as its payment', async () => {
  const offer = await openOffer();
  await addCard(offer.user, 'requires_form');
  const { page } = await open(offer.user);
  // The processor accepts the form but does not confirm the payment.
  const headers = { 'access-control-allow-origin': '*' };
  await page.route('**/forms/confirm', (route) => route.fulfill({ json: {}, headers }));
  await page.getByRole('button', { name: 'Buy credits: Desk tokens' }).first().click();
  await press(page, 'Pay €5.00');
  await page.getByRole('button', { name: 'Decline payment' }).waitFor();
  await track(offer.user, offer.debitEvent, 1);
  const asked = () => page.waitForResponse(/\/payment-attempts\//);
  const first = asked();
  await press(page, 'Pay €5.00');
  await first;
  await asked();
  await page.getByRole('dialog').getByText('One moment…').waitFor();
  expect(await page.getByText('Credits added.').count()).toBe(0);
});

test('a change of quantity alone is confirmed by the form', async () => {
  const planId = await newSeatPlan();
  const customerId = await newSubscriber(planId);
  await addCard(customerId, 'requires_form');
  const { page } = await open(customerId);
  await press(page, 'Change quantity');
  await page.getByLabel('Quantity', { exact: true }).fill('3');
  await press(page, /^Pay €/);
  await page.getByRole('button', { name: 'Decline payment' }).waitFor();
  await press(page, /^Pay €/);
  await told(page, 'Saved.');
  await page.getByText(/^Quantity: 3/).waitFor();
  expect(await subscriptionOf(customerId)).toMatchObject({ planId, quantity: 3 });
});

test('after a decline the customer pays with another card', async () => {
  const { customerId, number } = await newDebtor(shop.plans.pro);
  await call(`/customers/${customerId}/payment-methods`, { processorToken: 'pm_sandbox_visa' });
  await addCard(customerId, 'declined');
  const { page } = await open(customerId);
  await press(page, `Pay €29.00 for invoice ${number}`);
  await page.getByRole('dialog').getByText('Visa ending in 0002').waitFor();
  await press(page, 'Pay €29.00');
  await page.getByRole('alert').filter({ hasText: 'The payment was declined.' }).waitFor();
  await page.getByRole('radio', { name: /4242/ }).check();
  await press(page, 'Pay €29.00');
  await told(page, `Invoice ${number} is paid.`);
});

test('a plan is paid with a card that is added on the way', async () => {
  const customerId = await newSubscriber(shop.plans.pro);
  await addCard(customerId, 'declined');
  const query = { part: 'change', planId: shop.plans.scale };
  const { id: subscriptionId } = await subscriptionOf(customerId);
  const { page, shows } = await open(customerId, { ...query, subscriptionId });
  await press(page, 'Take it');
  await page.getByRole('dialog').getByText('Visa ending in 0002').waitFor();
  await press(page, 'Edit: Payment method');
  await press(page, 'Add payment method');
  await page.getByRole('radio', { name: /Mastercard/ }).check();
  await press(page, 'Add card');
  await page.getByText('This becomes your default payment method.').waitFor();
  await press(page, /^Pay €/);
  await shows('outcomes', 'charged_inline');
  const path = `/customers/${customerId}/payment-methods`;
  const { data } = await ask<{ data: { cardLast4: string; isDefault: boolean }[] }>(path);
  expect(data.find(({ isDefault }) => isDefault)?.cardLast4).toBe('4444');
});

test('credits are bought for an amount, with a point or a comma', async () => {
  const customerId = await newSubscriber(shop.plans.pro);
  await call(`/customers/${customerId}/top-ups`, { creditCurrencyId: shop.money, amount: 2000 });
  const { page } = await open(customerId);
  // The customer's own wallet comes before those that other tests' shops would open.
  await page.getByRole('button', { name: 'Buy credits: Prepaid' }).first().click();
  const amount = page.getByLabel('Amount (EUR)', { exact: true });
  await amount.fill('12,5');
  await page.getByRole('button', { name: 'Pay €12.50' }).waitFor();
  await amount.fill('25.50');
  await press(page, 'Pay €25.50');
  await told(page, 'Credits added.');
  await page.getByText('€45.50', { exact: true }).waitFor();
  const { data } = await ask<{ data: { balance: number }[] }>(
    `/customers/${customerId}/credit-accounts`,
  );
  expect(data).toMatchObject([{ balance: 4550 }]);
  expect(await rowOf(`/invoices?customerId=${customerId}`)).toMatchObject({ totalAmount: 2550 });
});

test('an automatic top-up is switched off, and keeps what it was set to', async () => {
  const customerId = await newSubscriber(shop.plans.pro);
  await call(`/customers/${customerId}/top-ups`, { creditCurrencyId: shop.money, amount: 2000 });
  const rule = { mode: 'amount', threshold: 500, amount: 2500, maxPerMonth: 3 };
  const path = `/customers/${customerId}/auto-topup-rules/${shop.money}`;
  await call(path, { enabled: true, ...rule }, 'PUT');
  const { page } = await open(customerId);
  await page.getByText('On: below €5.00').waitFor();
  await press(page, 'Edit: Automatic top-up');
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('When the balance falls below').waitFor();
  await dialog.getByRole('checkbox', { name: 'Automatic top-up' }).uncheck();
  expect(await dialog.getByLabel('When the balance falls below').count()).toBe(0);
  await press(page, 'Save');
  await told(page, 'Saved.');
  await page.getByText('Off', { exact: true }).waitFor();
  const { data } = await ask<{ data: object[] }>(`/customers/${customerId}/credit-accounts`);
  expect(data).toMatchObject([{ autoTopUp: { enabled: false, ...rule } }]);
  await press(page, 'Edit: Automatic top-up');
  await dialog.getByRole('checkbox', { name: 'Automatic top-up' }).check();
  expect(await dialog.getByLabel('When the balance falls below').inputValue()).toBe('5.00');
});

describe('the dialog of a plan, on a page of its own', () => {
  const WAYS: [string, (page: Page) => Promise<void>][] = [
    ['its cross', (page) => press(page, 'Close')],
    ['its button', (page) => press(page, 'Cancel')],
    ['Escape', (page) => page.keyboard.press('Escape')],
  ];

  test.each(WAYS)('given up by %s it hands over nothing', async (_, giveUp) => {
    const customerId = await newSubscriber(shop.plans.pro);
    const { id: subscriptionId } = await subscriptionOf(customerId);
    const query = { part: 'change', planId: shop.plans.scale, subscriptionId };
    const { page, shows } = await open(customerId, query);
    await press(page, 'Take it');
    await page.getByRole('heading', { name: 'Change to Scale' }).waitFor();
    await page.getByText('Due now').waitFor();
    await giveUp(page);
    await shows('outcomes', 'nothing');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    expect((await subscriptionOf(customerId)).planId).toBe(shop.plans.pro);
  });

  test('changes the plan that is named, and hands over what came of it', async () => {
    const customerId = await newSubscriber(shop.plans.pro);
    const { id: subscriptionId } = await subscriptionOf(customerId);
    const query = { part: 'change', planId: shop.plans.scale, subscriptionId };
    const { page, shows } = await open(customerId, query);
    await press(page, 'Take it');
    await press(page, /^Pay €/);
    await shows('outcomes', 'charged_inline');
    expect((await subscriptionOf(customerId)).planId).toBe(shop.plans.scale);
  });

  test('starts a plan where none is named, and hands over that it wanted a form', async () => {
    const customerId = await newCustomer();
    const { page, shows } = await open(customerId, { part: 'change', planId: shop.plans.pro });
    await press(page, 'Take it');
    await page.getByRole('heading', { name: 'Start Pro' }).waitFor();
    await press(page, 'Pay €29.00');
    await page.getByRole('button', { name: 'Decline payment' }).waitFor();
    await press(page, 'Pay €29.00');
    await shows('outcomes', 'requires_form');
    expect(await subscriptionOf(customerId)).toMatchObject({
      planId: shop.plans.pro,
      status: 'active',
    });
  });
});
