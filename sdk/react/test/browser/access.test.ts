/** Every screen for everybody: axe, target sizes, forced colours, less motion; in each theme and direction. */
import axe from 'axe-core';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { ask, call, mintFor } from '../support/backend.js';
import { newDebtor, newSubscriber, openShop, type Shop } from '../support/shop.js';
import { launch, servePage } from './support.js';

let browser: Browser;
let site: Awaited<ReturnType<typeof servePage>>;
let shop: Shop;
/** Has a plan, a card, credits, usage and an invoice. */
let customer: string;
/** Owes an invoice. */
let debtor: string;
let invoiceId: string;

beforeAll(async () => {
  [site, browser, shop] = await Promise.all([servePage(), launch(), openShop()]);
  customer = await newSubscriber(shop.plans.pro);
  await call(`/customers/${customer}/top-ups`, { creditCurrencyId: shop.money, amount: 2000 });
  ({ customerId: debtor } = await newDebtor(shop.plans.pro));
  const { data } = await ask<{ data: { id: string }[] }>(`/invoices?customerId=${debtor}`);
  invoiceId = data[0]?.id ?? '';
});
afterAll(async () => {
  await Promise.all([browser.close(), site.close()]);
});

type Query = Record<string, string>;

/** Opens the portal, shows it to `look` when all of it is there, and closes it. */
async function look(
  query: Query,
  options: BrowserContextOptions,
  see: (page: Page) => Promise<void>,
  who = customer,
): Promise<void> {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const { token } = await mintFor(who);
  const all = new URLSearchParams({ token, part: 'portal', tools: 'none', ...query });
  await page.goto(`http://127.0.0.1:${String(site.port)}/?${all.toString()}`);
  await page.locator('.upay').first().waitFor();
  // The confirmation of a plan stands above the plans.
  if (query.flow) await page.getByRole('dialog').last().waitFor();
  await page.waitForFunction(() => !document.querySelector('.upay-skeleton-line'));
  await see(page);
  await context.close();
}

const screens = (): [name: string, query: Query, who?: string][] => [
  ['all cards', {}],
  ['plans', { flow: JSON.stringify({ type: 'change_plan' }) }],
  ['a plan', { flow: JSON.stringify({ type: 'change_plan', planId: shop.plans.scale }) }],
  ['a card', { flow: JSON.stringify({ type: 'add_payment_method' }) }],
  ['credits', { flow: JSON.stringify({ type: 'top_up', creditCurrencyId: shop.money }) }],
  ['details', { flow: JSON.stringify({ type: 'billing_details' }) }],
  ['an invoice', { flow: JSON.stringify({ type: 'pay_invoice', invoiceId }) }, debtor],
];

/** With the rules of WCAG 2.2, the sizes of targets among them. */
async function flaws(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate(
    (wanted) => (globalThis as unknown as { axe: typeof axe }).axe.run(document, wanted),
    {
      rules: { 'target-size': { enabled: true } },
    },
  );
  return violations
    .filter(({ id }) => !OF_THE_HOST.includes(id))
    .flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));
}

/** The test's page is no document of its own: it has no title, language, landmark or heading. */
const OF_THE_HOST = [
  'document-title',
  'html-has-lang',
  'landmark-one-main',
  'page-has-heading-one',
  'region',
];

describe.each(['en', 'de', 'ar'])('in %s', (locale) => {
  test.each(['light', 'dark'])('axe finds nothing on any screen in %s', async (theme) => {
    for (const [name, query, who] of screens()) {
      const see = async (page: Page) => {
        expect(await flaws(page), name).toEqual([]);
      };
      await look({ ...query, locale, theme }, {}, see, who);
    }
  });
});

test('what is wrong would be found', async () => {
  await look({}, {}, async (page) => {
    await page.evaluate(() => {
      const wrong = '<button class="small" type="button"></button>'.repeat(2);
      document.querySelector('.upay')?.insertAdjacentHTML('afterbegin', wrong);
      for (const button of document.querySelectorAll<HTMLElement>('.small')) {
        button.style.cssText = 'width: 8px; height: 8px; padding: 0; margin: 0; float: left';
      }
    });
    const rules = new Set((await flaws(page)).map((flaw) => flaw.split(':', 1)[0]));
    expect([...rules].sort()).toEqual(['button-name', 'target-size']);
  });
});

test('in forced colours every button has an edge', async () => {
  await look({}, { forcedColors: 'active' }, async (page) => {
    expect(await flaws(page)).toEqual([]);
    const bare = await page.evaluate(() =>
      [...document.querySelectorAll('.upay .upay-button')]
        .filter((button) => {
          const { borderTopWidth, borderTopStyle, outlineStyle, textDecorationLine } =
            getComputedStyle(button);
          const edged = borderTopStyle !== 'none' && parseFloat(borderTopWidth) > 0;
          return !edged && outlineStyle === 'none' && textDecorationLine === 'none';
        })
        .map((button) => button.outerHTML),
    );
    expect(bare).toEqual([]);
  });
});

test('who wants less motion sees none', async () => {
  await look({}, { reducedMotion: 'reduce' }, async (page) => {
    const moving = await page.evaluate(() =>
      [...document.querySelectorAll('.upay, .upay *')]
        .filter((element) => {
          const { animationName, transitionDuration } = getComputedStyle(element);
          return animationName !== 'none' || parseFloat(transitionDuration) > 0;
        })
        .map((element) => element.outerHTML.slice(0, 120)),
    );
    expect(moving).toEqual([]);
  });
});
