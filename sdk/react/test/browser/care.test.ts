/** The page takes care of its readers: it keeps their input, says what is wrong, and warns in time. */
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';

import { call, mintFor, newCustomer } from '../support/backend.js';
import { addCard, newSubscriber, openShop, type Shop } from '../support/shop.js';
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

async function open(customerId: string, query: Record<string, string> = {}, scopes?: string[]) {
  const { token } = await mintFor(customerId, scopes ? { scopes } : {});
  const page = await context.newPage();
  const all = new URLSearchParams({ token, part: 'portal', tools: 'none', ...query });
  await page.goto(`http://127.0.0.1:${String(site.port)}/?${all.toString()}`);
  return page;
}

const press = (page: Page, name: string | RegExp) =>
  page
    .getByRole('button', { name, exact: typeof name === 'string' })
    .last()
    .click();
const details = { flow: JSON.stringify({ type: 'billing_details' }) };

test('escape asks before it drops what was typed', async () => {
  const page = await open(await newCustomer(), details);
  const dialog = page.getByRole('dialog');
  const name = dialog.getByLabel('Name', { exact: true });
  await name.fill('Lovelace Ltd');
  await page.keyboard.press('Escape');
  await page.getByText('Discard what you have entered?').waitFor();
  // Another Escape returns to the form, with the focus in the field.
  await page.keyboard.press('Escape');
  expect(await name.inputValue()).toBe('Lovelace Ltd');
  await expect.poll(() => name.evaluate((one) => one === document.activeElement)).toBe(true);
  await press(page, 'Close');
  await press(page, 'Keep editing');
  await press(page, 'Close');
  await press(page, 'Discard');
  await dialog.waitFor({ state: 'detached' });
});

test('escape closes a dialog in which nothing was typed', async () => {
  const page = await open(await newCustomer(), details);
  await page.getByRole('dialog').getByLabel('Name', { exact: true }).waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
});

test('form says at the field what is wrong', async () => {
  const page = await open(await newCustomer(), details);
  const dialog = page.getByRole('dialog');
  const email = dialog.getByLabel('E-mail');
  await dialog.getByLabel('Name', { exact: true }).fill('');
  await email.fill('nobody');
  await press(page, 'Save');
  await page.getByRole('alert').filter({ hasText: 'Please fill in this field.' }).waitFor();
  const note = page.getByRole('alert').filter({ hasText: 'Please enter an e-mail address' });
  await note.waitFor();
  expect(await email.getAttribute('aria-describedby')).toBe(await note.getAttribute('id'));
  expect(await email.getAttribute('aria-invalid')).toBe('true');
  const focus = () => page.evaluate(() => (document.activeElement as HTMLInputElement).value);
  expect(await focus()).toBe('');
  await email.fill('ada@example.com');
  await note.waitFor({ state: 'detached' });
});

test('amount outside the limits is refused at the field', async () => {
  const { id } = await call<{ id: string }>('/credit-currencies', {
    slug: `limits-${crypto.randomUUID().slice(0, 8)}`,
    name: 'Limits',
    denomination: 'EUR',
    minorUnitScale: 2,
    topUpMin: 500,
    topUpMax: 50_000,
  });
  const flow = { flow: JSON.stringify({ type: 'top_up', creditCurrencyId: id }) };
  const page = await open(await newCustomer(), flow);
  const dialog = page.getByRole('dialog');
  const amount = dialog.getByLabel(/^Amount/);
  await amount.fill('2');
  await dialog.getByRole('button', { name: /^Pay/ }).click();
  await page
    .getByRole('alert')
    .getByText('Please enter an amount from €5.00 to €500.00.')
    .waitFor();
  await amount.fill('25');
  await dialog.getByRole('button', { name: 'Pay €25.00' }).waitFor();
  expect(await amount.getAttribute('aria-invalid')).toBeNull();
});

test('message of one card replaces that of another', async () => {
  const page = await open(await newSubscriber(shop.plans.pro));
  const said = page.getByRole('status').filter({ hasText: /\S/ });
  await page.getByRole('button', { name: 'Edit: Billing details' }).click();
  await page.getByRole('dialog').getByLabel('Name', { exact: true }).fill('Lovelace Ltd');
  await press(page, 'Save');
  await said.filter({ hasText: 'Saved.' }).waitFor();
  await page.getByRole('button', { name: 'Add payment method' }).click();
  await press(page, 'Add card');
  await said.filter({ hasText: 'Payment method added.' }).waitFor();
  expect(await page.locator('[data-upay=notice]').allInnerTexts()).toEqual([
    'Payment method added.',
  ]);
});

test('card that expires soon names what it pays for', async () => {
  const customerId = await newSubscriber(shop.plans.pro);
  await addCard(customerId, 'expires');
  await call(
    `/customers/${customerId}/auto-topup-rules/${shop.money}`,
    { enabled: true, mode: 'amount', threshold: 500, amount: 2000, maxPerMonth: 2 },
    'PUT',
  );
  const page = await open(customerId);
  await page.getByText(/^Expires soon: /).waitFor();
  await page.getByText('Pays for: Plan Pro, Automatic top-up of Prepaid').waitFor();
});

test('card that was declined is marked and names what it pays for', async () => {
  const customerId = await newSubscriber(shop.plans.pro);
  await addCard(customerId, 'declined');
  const topUp = { creditCurrencyId: shop.money, amount: 2000 };
  await expect(call(`/customers/${customerId}/top-ups`, topUp)).rejects.toThrow('payment_declined');
  const page = await open(customerId);
  await page.getByText('Last payment declined').waitFor();
  await page.getByText('Pays for: Plan Pro').waitFor();
});

test('only what the customer can pay for is offered', async () => {
  const customerId = await newCustomer();
  const dollars = {
    productId: shop.product,
    slug: `dollars-${crypto.randomUUID().slice(0, 8)}`,
    name: 'Dollars',
    tier: 3,
    billingInterval: 'month',
    currency: 'USD',
    status: 'active',
    isPublic: true,
    charges: [{ type: 'recurring', amount: 1900 }],
    entitlements: [],
  };
  const { id: planId } = await call<{ id: string }>('/plans', dollars);
  await addCard(customerId);
  await call('/subscriptions', { customerId, planId });
  const page = await open(customerId, {
    flow: JSON.stringify({ type: 'top_up', creditCurrencyId: shop.credits }),
  });
  await page.getByText('These credits are not sold in the currency of your account.').waitFor();
  expect(await page.getByRole('dialog').getByRole('button', { name: /^Pay/ }).count()).toBe(0);
  // Its prepaid wallet holds euros.
  expect(await page.getByText('Prepaid', { exact: true }).count()).toBe(0);
  await press(page, 'Close');
  await press(page, 'Change plan');
  const plans = page.getByRole('dialog').getByRole('heading', { level: 3 });
  await plans.first().waitFor();
  expect(await plans.allInnerTexts()).toEqual(['Dollars']);
});

test('session that may change nothing says so', async () => {
  const who = await newSubscriber(shop.plans.pro);
  const reads = await open(who, {}, ['subscriptions:read', 'invoices:read']);
  await reads.getByText('You can view billing here, but you cannot change anything.').waitFor();
});

test('session that may only write says what it may do', async () => {
  const who = await newCustomer();
  const page = await open(who, {}, ['payment_methods:write', 'invoices:pay']);
  const text = 'You cannot view billing data here. You can: pay invoices, manage payment methods.';
  await page.getByText(text).waitFor();
});

test('address form follows the country', async () => {
  const page = await open(await newCustomer(), details);
  const dialog = page.getByRole('dialog');
  const country = dialog.getByLabel('Country');
  await country.selectOption('US');
  await dialog.getByLabel('State or region').selectOption('California');
  await dialog.getByLabel('Street address').fill('500 Howard Street');
  await dialog.getByLabel('City').fill('San Francisco');
  await dialog.getByLabel('Postal code').fill('94105');
  await press(page, 'Save');
  await page.getByText('San Francisco, CA 94105', { exact: true }).waitFor();
  await press(page, 'Edit: Billing details');
  expect(await dialog.getByLabel('State or region').inputValue()).toBe('CA');
  await country.selectOption('DE');
  await dialog.getByLabel('State or region').waitFor({ state: 'detached' });
  const labels = await dialog
    .getByRole('group', { name: 'Address' })
    .locator('label')
    .allInnerTexts();
  expect(labels).toEqual([
    'Country',
    'Street address',
    'Apartment or suite',
    'Postal code',
    'City',
  ]);
});

test('accent of the host is readable in both themes', async () => {
  const page = await open(await newSubscriber(shop.plans.pro), {
    variables: new URLSearchParams({ accent: 'hsl(60 100% 50%)' }).toString(),
  });
  const color = () =>
    page
      .getByRole('button', { name: 'Add payment method' })
      .evaluate((one) => getComputedStyle(one).color);
  await page.emulateMedia({ colorScheme: 'dark' });
  expect(await color()).toBe('rgb(255, 255, 0)');
  await page.emulateMedia({ colorScheme: 'light' });
  expect(await color()).not.toBe('rgb(255, 255, 0)');
});
