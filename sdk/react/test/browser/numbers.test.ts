/** The numbers that customers come for: used of included, the next bill, the effect of another plan. */
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';

import { ask, call, mintFor } from '../support/backend.js';
import { newDebtor, newSubscriber, openShop, track, type Shop } from '../support/shop.js';
import { launch, servePage, tabTo } from './support.js';

let browser: Browser;
let context: BrowserContext;
let site: Awaited<ReturnType<typeof servePage>>;
let shop: Shop;
/** Includes 1,000 calls and charges €0.10 for each further one, with single sign-on. */
let metered: string;
let ssoSlug: string;

beforeAll(async () => {
  [site, browser, shop] = await Promise.all([servePage(), launch(), openShop()]);
  const n = crypto.randomUUID().slice(0, 8);
  ssoSlug = `sso-${n}`;
  const { id: sso } = await call<{ id: string }>('/features', {
    productId: shop.product,
    slug: ssoSlug,
    name: 'Single sign-on',
    type: 'boolean',
  });
  const tiers = [{ upTo: null, unitPrice: '10' }];
  const { id } = await call<{ id: string }>('/plans', {
    productId: shop.product,
    slug: `metered-${n}`,
    name: 'Metered',
    tier: 3,
    billingInterval: 'month',
    currency: 'EUR',
    status: 'active',
    isPublic: true,
    charges: [
      { type: 'recurring', amount: 4900 },
      { type: 'usage', metricId: shop.metric, includedUnits: '1000', tiers },
    ],
    entitlements: [
      { featureId: shop.calls, type: 'metered', limit: null },
      { featureId: sso, type: 'boolean' },
    ],
  });
  metered = id;
});
afterAll(async () => {
  await Promise.all([browser.close(), site.close()]);
});
beforeEach(async () => {
  context = await browser.newContext();
});
afterEach(() => context.close());

/** `now`: the page's clock stands still. */
async function open(customerId: string, query: Record<string, string> = {}, now?: number) {
  const { token } = await mintFor(customerId);
  const page = await context.newPage();
  if (now !== undefined) await page.clock.setFixedTime(now);
  const all = new URLSearchParams({ token, part: 'portal', tools: 'none', ...query });
  await page.goto(`http://127.0.0.1:${String(site.port)}/?${all.toString()}`);
  return page;
}

const press = (page: Page, name: string | RegExp) =>
  page
    .getByRole('button', { name, exact: typeof name === 'string' })
    .last()
    .click();

test('billed usage is shown beside what the plan includes', async () => {
  const customerId = await newSubscriber(metered);
  await track(customerId, shop.event, 1200);
  const page = await open(customerId);
  await page.getByText('1,200 of 1,000 included').waitFor();
  await page.getByText('200 more than included · €20.00 so far').waitFor();
  await page.getByText(/^€69\.00 so far, on /).waitFor();
  await page.getByText('Next invoice').click();
  const bill = page.locator('[data-upay=bill]');
  await bill.waitFor();
  expect(await bill.locator('[data-upay=line-amount]').allInnerTexts()).toEqual(
    expect.arrayContaining(['€49.00', '€20.00']),
  );
});

test('usage names what the period is heading for', async () => {
  const customerId = await newSubscriber(metered);
  await track(customerId, shop.event, 1200);
  const { token } = await mintFor(customerId);
  const page = await context.newPage();
  const { data } = await ask<{ data: { usagePeriodStart: string; usagePeriodEnd: string }[] }>(
    `/subscriptions?customerId=${customerId}`,
  );
  const [from, to] = [data[0]?.usagePeriodStart, data[0]?.usagePeriodEnd].map((one = '') =>
    Date.parse(one),
  );
  // Half of the period is over: 2,400 units, of which 1,400 are billed.
  await page.clock.setFixedTime(((from ?? 0) + (to ?? 0)) / 2);
  const query = new URLSearchParams({ token, part: 'portal', tools: 'none' }).toString();
  await page.goto(`http://127.0.0.1:${String(site.port)}/?${query}`);
  await page.getByText(/€20\.00 so far · At this rate €140\.00 by /).waitFor();
  // Nothing is charged yet, but it will be: 1,200 units are heading for 200 that are billed.
  const early = await newSubscriber(metered);
  await track(early, shop.event, 600);
  const minted = await mintFor(early);
  const second = new URLSearchParams({ token: minted.token, part: 'portal', tools: 'none' });
  await page.goto(`http://127.0.0.1:${String(site.port)}/?${second.toString()}`);
  await page.getByText(/€0\.00 so far · At this rate €20\.00 by /).waitFor();
});

test('limited usage warns before the limit', async () => {
  const customerId = await newSubscriber(shop.plans.free);
  await track(customerId, shop.event, 900);
  const page = await open(customerId);
  await page.getByText('900 of 1,000', { exact: true }).waitFor();
  const bar = page.locator('[data-upay=limit-used]');
  expect(await bar.getAttribute('width')).toBe('90');
  expect(await bar.getAttribute('class')).toContain('upay-limit-used-warn');
});

test('chart reads each day by the arrow keys', async () => {
  const customerId = await newSubscriber(shop.plans.free);
  const now = Date.now();
  const on = (days: number) => new Date(now - days * 86_400_000).toISOString();
  for (const days of [1, 2, 3, 4, 5]) await track(customerId, shop.event, 30, on(days));
  await track(customerId, shop.event, 800, on(0));
  const page = await open(customerId, {}, now);
  const day = page.getByRole('slider', { name: 'API calls' });
  await day.waitFor();
  // The free plan allows 1,000 in a month.
  await page.getByText(/^Limit: 3\d per day on average$/).waitFor();
  expect(await page.locator('[data-upay=chart-limit]').count()).toBe(1);
  // One day of 800 is cut, so that the others are seen.
  expect(await page.locator('[data-upay=chart-cut]').count()).toBe(1);
  const ticks = await page.locator('[data-upay=chart-scale] span').allInnerTexts();
  expect(ticks).toEqual(['40', '30', '20', '10', '0']);
  const tip = page.locator('[data-upay=chart-tip]');
  expect(await tip.count()).toBe(0);
  await tabTo(page, day);
  expect(await tip.innerText()).toMatch(/: 800$/);
  await page.keyboard.press('ArrowLeft');
  expect(await tip.innerText()).toMatch(/: 30$/);
  expect(await day.getAttribute('aria-valuetext')).toBe(await tip.innerText());
  await page.keyboard.press('Home');
  expect(await tip.innerText()).toMatch(/: 0$/);
  const plot = page.locator('[data-upay=chart-plot]');
  const [tipBox, plotBox] = await Promise.all([tip.boundingBox(), plot.boundingBox()]);
  expect(tipBox?.x).toBeCloseTo(plotBox?.x ?? 0, 0);
  await page.keyboard.press('Tab');
  expect(await tip.count()).toBe(0);
  const { x = 0, y = 0, width = 0 } = (await plot.boundingBox()) ?? {};
  await page.mouse.move(x + (width * 28.5) / 30, y + 10);
  expect(await tip.innerText()).toMatch(/: 30$/);
  await page.mouse.move(x, y - 40);
  await tip.waitFor({ state: 'detached' });
});

test('plan without usage shows its next bill', async () => {
  const page = await open(await newSubscriber(shop.plans.scale));
  await page.getByText(/^€99\.00 on /).waitFor();
});

test('choice of a plan names its direction and its saving', async () => {
  const page = await open(await newSubscriber(shop.plans.pro));
  await press(page, 'Change plan');
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('button', { name: 'Upgrade to Scale' }).waitFor();
  await dialog.getByRole('button', { name: 'Downgrade to Free' }).waitFor();
  expect(await dialog.locator('.upay-button-primary').allInnerTexts()).toEqual([
    'Upgrade to Scale',
  ]);
  await press(page, 'Yearly save up to 17%');
  await press(page, 'Switch to yearly, save 17%');
  // The confirmation is a step of the same dialog.
  await page.getByRole('dialog', { name: 'Change to Pro' }).waitFor();
  expect(await page.locator('dialog[open]').count()).toBe(1);
  await press(page, 'Cancel');
  await dialog.getByRole('button', { name: 'Switch to yearly, save 17%' }).waitFor();
});

test('confirmation lists what the customer gains and loses', async () => {
  const flow = (planId: string) => ({ flow: JSON.stringify({ type: 'change_plan', planId }) });
  const up = await open(await newSubscriber(shop.plans.free), flow(metered));
  await up.getByText('You gain').waitFor();
  await up.getByText('API calls: 1,000 → 1,000 included, then €0.10 each').waitFor();
  await up.getByText('Single sign-on', { exact: true }).last().waitFor();
  const customerId = await newSubscriber(metered);
  const down = await open(customerId, flow(shop.plans.free));
  await down.getByText('You lose').waitFor();
  const { data } = await ask<{ data: { id: string }[] }>(`/subscriptions?customerId=${customerId}`);
  const cancel = { type: 'cancel', subscriptionId: data[0]?.id };
  const page = await open(customerId, { flow: JSON.stringify(cancel) });
  await page.getByText(/^You lose on /).waitFor();
});

test('paywall sells the plan that opens the gate, by keyboard', async () => {
  const page = await open(await newSubscriber(shop.plans.free), {
    part: 'locked',
    feature: ssoSlug,
  });
  const enter = async (name: string | RegExp) => {
    await tabTo(page, page.getByRole('button', { name }));
    await page.keyboard.press('Enter');
  };
  await enter('Unlock');
  const dialog = page.getByRole('dialog', { name: 'Plans with Single sign-on' });
  await dialog.getByRole('heading', { name: 'Metered' }).waitFor();
  // The plans without it are not for sale here.
  expect(await dialog.locator('[data-upay=plan-name]').allInnerTexts()).toEqual(['Metered']);
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });
  await page.getByRole('button', { name: 'Unlock' }).waitFor();
  await enter('Unlock');
  await enter('Upgrade to Metered');
  await page.getByRole('dialog', { name: 'Change to Metered' }).waitFor();
  await enter(/^Pay €/);
  await page.getByText('Unlocked').waitFor();
  await expect.poll(() => page.locator('dialog').count()).toBe(0);
});

test('comparison has a row for each feature', async () => {
  const page = await open(await newSubscriber(shop.plans.pro));
  await press(page, 'Change plan');
  await page.getByText('Compare all features').click();
  const table = page.getByRole('region', { name: 'Compare all features' });
  expect(await table.getByRole('row').allInnerTexts()).toEqual([
    expect.stringMatching(/Free\s+Pro\s+Scale\s+Metered/),
    expect.stringMatching(/^API calls\s+1,000\s+Unlimited\s+Unlimited\s+1,000 included/),
    expect.stringMatching(/^Single sign-on\s+—\s+—\s+—\s+Included/),
  ]);
});

test('several unpaid invoices are added up', async () => {
  const { customerId } = await newDebtor(shop.plans.pro);
  const planId = (await openShop()).plans.scale;
  await call('/subscriptions', { customerId, planId });
  const page = await open(customerId);
  await page.getByRole('heading', { name: 'Amount due €128.00' }).waitFor();
  await page
    .getByRole('button', { name: /^Pay €99\.00 for invoice / })
    .first()
    .waitFor();
});

test('unpaid invoice names the reference for a transfer', async () => {
  const { customerId, number } = await newDebtor(shop.plans.pro);
  const page = await open(customerId);
  await page.getByRole('button', { name: `Show invoice ${number}` }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByText('Pay by bank transfer').waitFor();
  expect(await dialog.locator('[data-upay=transfer]').innerText()).toContain(number);
});
