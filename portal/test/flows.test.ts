/** Deep links: what the page opens with, and what it tells the product once that has ended. */
import type { Browser, BrowserContext } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';

import { APP, brand, call, mint } from './support/backend.js';
import { isFull, launch, openTab } from './support/browser.js';

const RETURN = `${APP}/billing`;
let browser: Browser;
let context: BrowserContext;

interface Listed {
  data: { id: string; status?: string; slug?: string }[];
}

async function idOf(path: string, fits: (one: Listed['data'][number]) => boolean): Promise<string> {
  const { data } = await call<Listed>('GET', path);
  const found = data.find(fits);
  if (!found) throw new Error(`nothing fits in ${path}`);
  return found.id;
}

const subscription = () => idOf('/subscriptions?customerId=cus_123', () => true);

/** Each flow: its type, customer, title and parameters. */
const FLOWS: [string, string, RegExp, () => Promise<object>][] = [
  ['change_plan', 'cus_123', /^Plans$/, () => Promise.resolve({})],
  ['change_plan', 'cus_123', /^Plans$/, async () => ({ subscriptionId: await subscription() })],
  [
    'change_plan',
    'cus_123',
    /^Change to Scale$/,
    async () => ({
      planId: await idOf('/plans?limit=100', ({ slug }) => slug === 'scale-monthly'),
    }),
  ],
  ['cancel', 'cus_123', /^Cancel Pro\?$/, async () => ({ subscriptionId: await subscription() })],
  [
    'pay_invoice',
    'globex',
    /./,
    async () => ({
      invoiceId: await idOf('/invoices?customerId=globex', ({ status }) => status !== 'paid'),
    }),
  ],
  ['add_payment_method', 'cus_123', /payment method$/, () => Promise.resolve({})],
  [
    'top_up',
    'cus_123',
    /AI credits/,
    async () => ({ creditCurrencyId: await idOf('/credit-currencies', () => true) }),
  ],
  ['billing_details', 'cus_123', /details$/, () => Promise.resolve({})],
];

beforeAll(async () => {
  browser = await launch();
  await brand();
});
afterAll(() => browser.close());
beforeEach(async () => {
  context = await browser.newContext();
});
afterEach(() => context.close());

test.each(FLOWS.flatMap((flow) => [[...flow, 'Escape'] as const, [...flow, 'its cross'] as const]))(
  '%s opens at once for %s, and given up it leads back',
  async (type, customerId, title, more, by) => {
    const flow = { type, ...(await more()) };
    const { url } = await mint({ customerId, flow, returnUrl: RETURN });
    const { page, said } = await openTab(context, url);
    const dialog = page.getByRole('dialog').last();
    await dialog.getByRole('heading', { name: title }).first().waitFor();
    expect(said).toEqual([]);
    const left = page.waitForURL(`${RETURN}?reason=canceled`);
    // From the innermost.
    for (const open of (await page.getByRole('dialog').all()).reverse()) {
      if (by === 'Escape') await page.keyboard.press('Escape');
      else await open.getByRole('button', { name: 'Close' }).first().click();
    }
    await left;
  },
);

test('what was carried out leads back as completed', async () => {
  const flow = { type: 'billing_details' };
  const { url } = await mint({ customerId: 'acme', flow, returnUrl: `${RETURN}?team=1` });
  const { page } = await openTab(context, url);
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Name', { exact: true }).fill('Acme International');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await page.waitForURL(`${RETURN}?team=1&reason=completed`);
  expect((await call<{ name: string }>('GET', '/customers/acme')).name).toBe('Acme International');
});

test('leaving before the end of a flow cancels it', async () => {
  const { url } = await mint({
    returnUrl: RETURN,
    scopes: ['customer:read'],
    flow: { type: 'billing_details' },
  });
  const { page } = await openTab(context, url);
  await page.getByRole('link', { name: 'Back to Nimbus' }).click();
  await page.waitForURL(`${RETURN}?reason=canceled`);
});

test('without a flow the way back says completed', async () => {
  const { page } = await openTab(context, (await mint({ returnUrl: RETURN })).url);
  await isFull(page);
  await page.getByRole('link', { name: 'Back to Nimbus' }).click();
  await page.waitForURL(`${RETURN}?reason=completed`);
});

test('without a way back the page stays, and a reload does not begin again', async () => {
  const { url } = await mint({ flow: { type: 'billing_details' } });
  const { page } = await openTab(context, url);
  await page.getByRole('dialog').waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  await page.reload();
  await isFull(page);
  expect(await page.getByRole('dialog').count()).toBe(0);
});
