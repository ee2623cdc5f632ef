/** Loading data does not shift the layout. */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { mintFor } from '../support/backend.js';
import { newSubscriber, openShop, track, type Shop } from '../support/shop.js';
import { launch, servePage } from './support.js';

let browser: Browser;
let site: Awaited<ReturnType<typeof servePage>>;
let shop: Shop;
let customerId: string;

/** A typical customer: one plan, its first invoice, a card, some usage, two kinds of credits. */
beforeAll(async () => {
  [site, browser, shop] = await Promise.all([servePage(), launch(), openShop()]);
  customerId = await newSubscriber(shop.plans.pro);
  await track(customerId, shop.event, 1234);
});
afterAll(() => Promise.all([browser.close(), site.close()]));

/** Sums up how much was moved, by how far, as browsers do. */
function watch() {
  const shifts = { sum: 0 };
  Object.assign(window, { shifts });
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) shifts.sum += (entry as unknown as Shift).value;
  }).observe({ type: 'layout-shift', buffered: true });
}

interface Shift {
  value: number;
}

const LIMIT = 0.02;
/** Each with something below it, which would move. */
const PARTS: [parts: string, wide: number, narrow: number][] = [
  ['portal', LIMIT, LIMIT],
  ['plan details', LIMIT, LIMIT],
  ['usage details', LIMIT, LIMIT],
  ['credits details', LIMIT, LIMIT],
  ['methods details', LIMIT, LIMIT],
  ['details methods', LIMIT, LIMIT],
  // How many there are is not known before, so what is below them does move: the portal has
  // invoices at the end of a column, and plans in a dialog.
  ['invoices details', 0.04, 0.04],
  ['plans details', LIMIT, 0.25],
];
const CASES = PARTS.flatMap(([parts, wide, narrow]) => [
  { parts, width: 1280, limit: wide },
  { parts, width: 390, limit: narrow },
]);

test.for(CASES)('as $parts come at $width pixels', async ({ parts, width, limit }) => {
  const context = await browser.newContext({ viewport: { width, height: 820 } });
  const page = await context.newPage();
  await page.addInitScript(watch);
  let release: () => void = () => undefined;
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  await page.route('**/v1/**', async (route) => {
    await released;
    await route.continue();
  });
  // Other tests sell theirs on the same server.
  await page.route('**/v1/credit-currencies*', async (route) => {
    await released;
    const response = await route.fetch();
    const { data, ...rest } = (await response.json()) as { data: { id: string }[] };
    const own = data.filter(({ id }) => [shop.credits, shop.money].includes(id));
    await route.fulfill({ response, json: { ...rest, data: own } });
  });
  const { token } = await mintFor(customerId);
  const query = new URLSearchParams({ token, part: parts, tools: 'none' });
  await page.goto(`http://127.0.0.1:${String(site.port)}/?${query.toString()}`);
  await page.locator('[data-upay=skeleton]').first().waitFor();
  release();
  await page.waitForFunction(() => !document.querySelector('[data-upay=skeleton]'));
  await page.waitForLoadState('networkidle');
  const { sum } = await page.evaluate(
    () => (window as unknown as { shifts: { sum: number } }).shifts,
  );
  expect(sum).toBeLessThanOrEqual(limit);
  await context.close();
});
