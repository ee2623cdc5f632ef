/** Missing scopes, failing servers, expired tokens and hostile texts. */
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';

import { en } from '../../src/locales/en.js';
import { call, mintFor, newCustomer } from '../support/backend.js';
import { newDebtor, newSubscriber, openShop, type Shop } from '../support/shop.js';
import { launch, servePage } from './support.js';

let browser: Browser;
let context: BrowserContext;
let site: Awaited<ReturnType<typeof servePage>>;
let shop: Shop;
let customerId: string;
let debtor: string;

beforeAll(async () => {
  [site, browser, shop] = await Promise.all([servePage(), launch(), openShop()]);
  customerId = await newSubscriber(shop.plans.pro);
  ({ customerId: debtor } = await newDebtor(shop.plans.pro));
});
afterAll(async () => {
  await Promise.all([browser.close(), site.close()]);
});
beforeEach(async () => {
  context = await browser.newContext();
});
afterEach(() => context.close());

/** `before` may stand in the way of the page's requests; `more` is added to its address. */
async function open(token: string, before?: (page: Page) => Promise<unknown>, more: object = {}) {
  const page = await context.newPage();
  const asked: string[] = [];
  const said: string[] = [];
  page.on('request', (request) => asked.push(new URL(request.url()).pathname));
  page.on('pageerror', (error) => said.push(error.message));
  await before?.(page);
  const query = new URLSearchParams({ token, part: 'portal', tools: 'none', ...more });
  await page.goto(`http://127.0.0.1:${String(site.port)}/?${query.toString()}`);
  const isLoaded = () => !document.querySelector('[data-upay=skeleton]');
  const loaded = () => page.waitForFunction(isLoaded);
  await page.locator('[data-upay=root]').first().waitFor();
  return { page, asked, said, loaded };
}

const SECTIONS = [
  ['subscriptions:read', 'Plan', /\/(subscriptions)$/],
  ['usage:read', 'Usage', /\/usage\/aggregate$/],
  ['invoices:read', 'Invoices', /\/invoices$/],
  ['credits:read', 'Credits', /\/credit-accounts$/],
  ['payment_methods:read', 'Payment methods', /\/payment-methods$/],
  ['customer:read', 'Billing details', /\/customers\/[^/]+$/],
] as const;
const READS = SECTIONS.map(([scope]) => scope);
const WRITES = [
  'customer:write',
  'subscriptions:write',
  'invoices:pay',
  'payment_methods:write',
  'credits:write',
];

/** The titles of the sections. That of usage has another card, which only metered features have. */
async function titlesOf(page: Page): Promise<string[]> {
  const titles = await page.getByRole('heading', { level: 2 }).allTextContents();
  return titles.filter((one) => !one.startsWith('This period'));
}

test.for(SECTIONS)(
  'without %s its section is not there, and nothing is asked for',
  async ([scope, title, path]) => {
    const scopes = [...READS, ...WRITES].filter((one) => one !== scope);
    const { page, asked, loaded } = await open((await mintFor(customerId, { scopes })).token);
    await loaded();
    const titles = await titlesOf(page);
    expect(titles.some((one) => one.startsWith(title))).toBe(false);
    expect(titles).toHaveLength(SECTIONS.length - 1);
    expect(asked.filter((one) => path.test(one))).toEqual([]);
  },
);

const ACTIONS: Record<string, RegExp> = {
  'customer:write': /^Edit: Billing details/,
  'subscriptions:write': /^(Change|Cancel) plan/,
  'invoices:pay': /^Pay €/,
  'payment_methods:write': /^(Remove|Make default|Add payment method)/,
  'credits:write': /^(Buy credits|Edit: Automatic)/,
};

test.for(Object.entries(ACTIONS))(
  'without %s its buttons are not there',
  async ([scope, names]) => {
    const all = [...READS, ...WRITES];
    const who = scope === 'invoices:pay' ? debtor : customerId;
    const whole = await open((await mintFor(who)).token);
    await whole.loaded();
    expect(await whole.page.getByRole('button', { name: names }).count()).toBeGreaterThan(0);
    const scopes = all.filter((one) => one !== scope);
    const less = await open((await mintFor(who, { scopes })).token);
    await less.loaded();
    expect(await less.page.getByRole('button', { name: names }).count()).toBe(0);
  },
);

test('a session that may only read has every section and no verb', async () => {
  const { page, loaded } = await open((await mintFor(customerId, { readOnly: true })).token);
  await loaded();
  await page.getByText('Visa ending in 4242').waitFor();
  expect(await titlesOf(page)).toHaveLength(SECTIONS.length);
  for (const names of Object.values(ACTIONS)) {
    expect(await page.getByRole('button', { name: names }).count()).toBe(0);
  }
});

test('one dead endpoint leaves the rest alive, and its card offers to try again', async () => {
  const { token } = await mintFor(customerId);
  const { page } = await open(token, (page) =>
    page.route('**/v1/invoices', (route) => route.fulfill({ status: 500, body: 'oh' })),
  );
  const card = page.getByRole('region', { name: 'Invoices' });
  await card.getByRole('button', { name: 'Try again' }).waitFor();
  await page.getByText('Visa ending in 4242').waitFor();
  await page.unroute('**/v1/invoices');
  await card.getByRole('button', { name: 'Try again' }).click();
  await card.getByText('INV-').first().waitFor();
});

const ANSWERS = [
  ['is down', (page: Page) => page.route('**/v1/**', (route) => route.abort()), 'No connection.'],
  [
    'fails',
    (page: Page) => page.route('**/v1/**', (route) => route.fulfill({ status: 500, body: '' })),
    'Something went wrong.',
  ],
] as const;

test.for(ANSWERS)(
  'an API that %s is told in each card, and nothing throws',
  async ([, before, text]) => {
    const { page, said, loaded } = await open((await mintFor(customerId)).token, before);
    await loaded();
    // The section of usage has two cards.
    const alerts = page.getByRole('alert').filter({ hasText: text });
    expect(await alerts.count()).toBe(SECTIONS.length + 1);
    // What was only asked for is nothing that could be done twice.
    expect(await page.getByText('twice').count()).toBe(0);
    expect(said).toEqual([]);
  },
);

test('a slow API is waited for where it is slow, and the rest is there', async () => {
  let release: () => void = () => undefined;
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  const { page } = await open((await mintFor(customerId)).token, (page) =>
    page.route('**/v1/invoices', async (route) => {
      await released;
      await route.continue();
    }),
  );
  await page.getByText('Visa ending in 4242').waitFor();
  const card = page.getByRole('region', { name: 'Invoices' });
  expect(await card.locator('[data-upay=skeleton]').count()).toBe(1);
  release();
  await card.getByText('INV-').first().waitFor();
});

test('too many calls are waited out', async () => {
  let refused = 0;
  const { page } = await open((await mintFor(customerId)).token, (page) =>
    page.route('**/v1/invoices', (route) => {
      if ((refused += 1) > 1) return route.continue();
      const headers = { 'retry-after': '1', 'access-control-allow-origin': '*' };
      return route.fulfill({ status: 429, headers, body: '' });
    }),
  );
  await page.getByRole('region', { name: 'Invoices' }).getByText('INV-').first().waitFor();
  expect(refused).toBe(2);
});

test('a token that is none, or another installation’s, says that the session is over', async () => {
  const { page, said } = await open('garbage');
  await page.getByRole('heading', { name: 'Your session has ended' }).waitFor();
  expect(said).toEqual([]);
  const { token } = await mintFor(customerId);
  const [head = '', body = '', signature = ''] = token.split('.');
  const forged = `${head}.${body}.${signature.split('').reverse().join('')}`;
  const other = await open(forged);
  await other.page.getByRole('heading', { name: 'Your session has ended' }).waitFor();
});

const CODE = '<img src=x onerror="document.title=1"><script>document.title=1</script>';

/** Only as text, and nothing of it was done. */
async function expectText(page: Page, text: string) {
  expect(await page.getByText(text).count()).toBeGreaterThan(0);
  const root = page.locator('[data-upay=root]');
  expect(await root.locator('img, script').count()).toBe(0);
  expect(await page.title()).toBe("A customer's page");
}

test('names that look like code are text', async () => {
  const hostile = await newCustomer(CODE);
  await call('/subscriptions', { customerId: hostile, planId: shop.plans.free });
  const { page, loaded } = await open((await mintFor(hostile)).token);
  await loaded();
  await expectText(page, CODE);
});

const FLOWS = ['portal', 'change_plan', 'cancel', 'add_payment_method', 'billing_details'];

test.for(FLOWS)(
  'texts that look like code are text, with what is put in them: %s',
  async (type) => {
    const name = `${CODE} {name} $&`;
    const plan = await call<{ id: string }>('/plans', {
      productId: shop.product,
      slug: `hostile-${crypto.randomUUID()}`,
      name,
      billingInterval: 'month',
      currency: 'EUR',
      status: 'active',
      isPublic: true,
    });
    const hostile = await newSubscriber(plan.id);
    const texts = Object.entries(en).map(([key, text]) => [key, `${CODE} ${text} {name}`]);
    const messages = JSON.stringify({ ...Object.fromEntries(texts), language: 'en' });
    const flow = type !== 'portal' && { flow: JSON.stringify({ type }) };
    const { token } = await mintFor(hostile);
    const { page, said, loaded } = await open(token, undefined, { messages, ...flow });
    if (flow) await page.getByRole('dialog').waitFor();
    await loaded();
    await expectText(page, `${CODE} Billing {name}`);
    if (type === 'cancel') await expectText(page, `${CODE} Cancel ${name}? {name}`);
    expect(said).toEqual([]);
  },
);
