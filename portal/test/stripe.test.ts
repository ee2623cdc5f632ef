/** Stripe's form on the hosted page, under Stripe's host names and the pages' own policies. */
import type { Browser, BrowserContext, Page, Route } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';

import { startStripe, type StripeStand } from '../../sdk/react/test/support/stripe.js';
import { flaws, openTab } from './support/browser.js';

const FIELDS = 'iframe[title="Secure payment input frame"]';
const APP = 'https://app.example.com';
let stand: StripeStand;
let browser: Browser;
let context: BrowserContext;

beforeAll(async () => {
  stand = await startStripe();
  const branding = { name: 'Nimbus', accentColor: '#3b5bdb', portalOrigins: [APP] };
  const seller = { line1: 'Torstraße 1', city: 'Berlin', postalCode: '10119', country: 'DE' };
  const seat = { legalName: 'Nimbus Cloud GmbH', address: seller };
  await stand.call('PUT', '/branding', { ...branding, ...seat });
  browser = await stand.launch();
});
afterAll(async () => {
  await browser.close();
  await stand.stop();
});
beforeEach(async () => {
  context = await browser.newContext({ ignoreHTTPSErrors: true });
});
afterEach(() => context.close());

async function open(customerId: string, settings: object = {}) {
  const session = { customerId, returnUrl: `${APP}/billing`, ...settings };
  const { url } = await stand.call<{ url: string }>('POST', '/portal-sessions', session);
  const { origin } = new URL(stand.server.baseUrl);
  return openTab(context, url.replace(/^https?:\/\/[^/]+/, origin));
}

async function fill(page: Page, number: string): Promise<void> {
  await page.frameLocator(FIELDS).getByLabel('Card number').fill(number);
}

const press = (page: Page, name: string | RegExp) =>
  page.getByRole('button', { name, exact: true }).click();
const methodsOf = async (customerId: string) => {
  const path = `/customers/${customerId}/payment-methods`;
  return (await stand.call<{ data: { cardLast4: string }[] }>('GET', path)).data;
};
const shown = (page: Page, text: string | RegExp) => page.getByText(text).first().waitFor();

/** An open invoice of 25.00 EUR for a new customer. */
async function billed(): Promise<[customerId: string, invoiceId: string]> {
  const { id: customerId } = await stand.call<{ id: string }>('POST', '/customers', {
    name: 'Ada',
    email: 'ada@example.com',
    collectionMethod: 'send_invoice',
  });
  const slug = `plan-${customerId.slice(-8)}`;
  const product = await stand.call<{ id: string }>('POST', '/products', { slug, name: 'Main' });
  const plan = await stand.call<{ id: string }>('POST', '/plans', {
    productId: product.id,
    slug,
    name: 'Pro',
    status: 'active',
    billingInterval: 'month',
    currency: 'EUR',
    charges: [{ type: 'recurring', amount: 2500 }],
  });
  const { invoice } = await stand.call<{ invoice: { id: string } }>('POST', '/subscriptions', {
    customerId,
    planId: plan.id,
  });
  return [customerId, invoice.id];
}

const statusOf = async (invoiceId: string) =>
  (await stand.call<{ status: string }>('GET', `/invoices/${invoiceId}`)).status;

test('card_is_added_in_a_document_of_its_own', async () => {
  const customerId = await stand.customer();
  const { page, said } = await open(customerId);
  await page.getByRole('button', { name: 'Add payment method' }).click();
  await page.waitForURL('**/portal/pay');
  // Stripe's script finds neither the session's token nor a way to this server.
  const found = await page.evaluate(() => JSON.stringify(sessionStorage) + document.cookie);
  expect(found).not.toContain('eyJ');
  await expect(
    page.evaluate(() => fetch('/v1/portal-sessions/exchange', { method: 'POST' })),
  ).rejects.toThrow();
  const refusals = said.splice(0);
  expect(refusals.join()).toContain('connect-src');
  expect(await flaws(page)).toEqual([]);
  await fill(page, '5555 5555 5555 4444');
  await press(page, 'Add card');
  await page.waitForURL('**/portal#ps_*');
  await shown(page, 'Payment method added.');
  await shown(page, 'Mastercard ending in 4444');
  expect(await methodsOf(customerId)).toMatchObject([{ cardLast4: '4444' }]);
  expect(said).toEqual([]);
  const left = await page.evaluate(() => Object.keys(sessionStorage));
  expect(left).toEqual([]);
});

test('invoice_is_paid_after_a_decline_by_another_card', async () => {
  const [customerId, invoiceId] = await billed();
  const { page, said } = await open(customerId);
  await press(page, 'Pay €25.00');
  await page.getByRole('dialog').getByRole('button', { name: 'Pay €25.00' }).click();
  await page.waitForURL('**/portal/pay');
  await press(page, 'Pay €25.00');
  await page.getByRole('alert').filter({ hasText: 'Please check your entries.' }).waitFor();
  await fill(page, '4000 0000 0000 9995');
  await press(page, 'Pay €25.00');
  await page.getByRole('alert').filter({ hasText: 'insufficient funds' }).waitFor();
  expect(await statusOf(invoiceId)).toBe('issued');
  await fill(page, '4242 4242 4242 4242');
  await press(page, 'Pay €25.00');
  await page.waitForURL('**/portal#ps_*');
  // Nothing is paid because the browser came back.
  await shown(page, 'One moment…');
  expect(await statusOf(invoiceId)).toBe('issued');
  await stand.deliver();
  await shown(page, 'Payment received.');
  expect(await statusOf(invoiceId)).toBe('paid');
  expect(said.filter((one) => !one.includes('402'))).toEqual([]);
});

/**
 * Presses a button of the bank's dialog, inside of its frame: Chromium may send the input to the frame of
 * an earlier dialog, which was at the same place.
 */
async function answerBank(page: Page, name: string): Promise<void> {
  await page
    .frameLocator('iframe[title=Bank]')
    .getByRole('button', { name })
    .dispatchEvent('click');
}

test('bank_confirmation_is_refused_then_accepted', async () => {
  const customerId = await stand.customer();
  const flow = { type: 'add_payment_method' };
  const { page, said } = await open(customerId, { flow });
  await page.waitForURL('**/portal/pay');
  await fill(page, '4000 0027 6000 3184');
  await press(page, 'Add card');
  await answerBank(page, 'Refuse');
  await page.getByRole('alert').filter({ hasText: 'Your bank did not confirm' }).waitFor();
  expect(await methodsOf(customerId)).toEqual([]);
  await press(page, 'Add card');
  await answerBank(page, 'Confirm');
  // The session's task is done.
  await page.waitForURL(`${APP}/billing?reason=completed`);
  expect(await methodsOf(customerId)).toHaveLength(1);
  expect(said).toEqual([]);
});

test('redirect_of_the_bank_comes_back_to_the_form', async () => {
  const customerId = await stand.customer();
  const { page, said } = await open(customerId);
  await page.getByRole('button', { name: 'Add payment method' }).click();
  await page.waitForURL('**/portal/pay');
  await fill(page, '4000 0000 0000 0001');
  await press(page, 'Add card');
  await page.waitForURL('https://hooks.stripe.com/**');
  await press(page, 'Confirm');
  await page.waitForURL('**/portal#ps_*');
  await shown(page, 'Payment method added.');
  expect(await methodsOf(customerId)).toHaveLength(1);
  expect(said).toEqual([]);
});

test('forged_return_address_adds_and_pays_nothing', async () => {
  const [customerId, invoiceId] = await billed();
  const { page } = await open(customerId);
  await press(page, 'Pay €25.00');
  await page.getByRole('dialog').getByRole('button', { name: 'Pay €25.00' }).click();
  await page.waitForURL('**/portal/pay');
  await page.goto(`${page.url()}?payment_intent=pi_1&redirect_status=succeeded`);
  await page.frameLocator(FIELDS).getByLabel('Card number').waitFor();
  expect(new URL(page.url()).search).toBe('');
  await press(page, 'Cancel');
  await page.waitForURL('**/portal#ps_*');
  // The invoice that the form was to pay is open again.
  await page.getByRole('dialog').getByRole('button', { name: 'Pay €25.00' }).waitFor();
  expect(await statusOf(invoiceId)).toBe('issued');
});

test('canceled_task_leads_back_and_going_back_closes_the_form', async () => {
  const flow = { type: 'add_payment_method' };
  const { page } = await open(await stand.customer(), { flow });
  await page.waitForURL('**/portal/pay');
  await press(page, 'Cancel');
  await page.waitForURL(`${APP}/billing?reason=canceled`);
  const other = await open(await stand.customer());
  await other.page.getByRole('button', { name: 'Add payment method' }).click();
  await other.page.waitForURL('**/portal/pay');
  await other.page.goBack();
  await other.page.getByRole('button', { name: 'Add payment method' }).waitFor();
  await other.page.getByRole('dialog').waitFor({ state: 'detached' });
});

test('blocked_script_says_so_and_can_be_retried', async () => {
  const { page } = await open(await stand.customer());
  await context.route('https://js.stripe.com/**', (route) => route.abort());
  await page.getByRole('button', { name: 'Add payment method' }).click();
  await page.getByRole('alert').filter({ hasText: 'could not be loaded' }).waitFor();
  await context.unroute('https://js.stripe.com/**');
  // A filter that neither loads nor refuses: ten seconds.
  const held: Route[] = [];
  await context.route('https://js.stripe.com/**', (route) => {
    held.push(route);
  });
  await page.clock.install();
  await press(page, 'Try again');
  await page.getByRole('status').filter({ hasText: 'Loading' }).waitFor();
  await page.clock.runFor(10_000);
  await page.getByRole('alert').filter({ hasText: 'could not be loaded' }).waitFor();
  await context.unroute('https://js.stripe.com/**');
  await Promise.all(held.map((route) => route.abort()));
  await page.clock.resume();
  await press(page, 'Try again');
  await page.frameLocator(FIELDS).getByLabel('Card number').waitFor();
});

test('form_follows_the_theme_the_language_and_the_branding', async () => {
  const arabic = await stand.call<{ id: string }>('POST', '/customers', {
    name: 'Ada',
    email: 'ada@example.com',
    locale: 'ar',
  });
  const { page, said } = await open(arabic.id, { flow: { type: 'add_payment_method' } });
  await page.waitForURL('**/portal/pay');
  const body = page.frameLocator(FIELDS).locator('body');
  const field = async (name: string) => body.getAttribute(`data-${name}`);
  await body.locator('xpath=self::*[@data-theme="stripe"]').waitFor();
  expect(await field('locale')).toBe('ar');
  expect(await page.evaluate(() => document.documentElement.dir)).toBe('rtl');
  const light = JSON.parse((await field('variables')) ?? '') as Record<string, string>;
  expect(light.colorPrimary).toBe('#3b5bdb');
  await page.emulateMedia({ colorScheme: 'dark' });
  await body.locator('xpath=self::*[@data-theme="night"]').waitFor();
  const dark = JSON.parse((await field('variables')) ?? '') as Record<string, string>;
  expect(dark.colorBackground).not.toBe(light.colorBackground);
  for (const color of Object.entries(dark).filter(([name]) => name.startsWith('color'))) {
    expect(color[1]).toMatch(/^#[0-9a-f]{6}$/);
  }
  expect(await flaws(page)).toEqual([]);
  await page.setViewportSize({ width: 320, height: 640 });
  const width = await page.evaluate(() => document.documentElement.scrollWidth);
  expect(width).toBeLessThanOrEqual(320);
  expect(said).toEqual([]);
});

test('pay_page_without_a_form_says_where_to_get_one', async () => {
  const { origin } = new URL(stand.server.baseUrl);
  const { page, said, calls } = await openTab(context, `${origin}/portal/pay`);
  await page.getByRole('heading', { name: 'Open billing from your account' }).waitFor();
  expect([said, calls]).toEqual([[], []]);
});
