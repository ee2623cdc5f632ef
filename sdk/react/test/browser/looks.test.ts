/** Alignment in both writing directions and in narrow containers. */
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { call, mintFor } from '../support/backend.js';
import { newDebtor, newSubscriber, openShop, type Shop } from '../support/shop.js';
import { launch, servePage } from './support.js';

let browser: Browser;
let site: Awaited<ReturnType<typeof servePage>>;
let shop: Shop;
let customer: string;

beforeAll(async () => {
  [site, browser, shop] = await Promise.all([servePage(), launch(), openShop()]);
  customer = await newSubscriber(shop.plans.pro);
  await call(`/customers/${customer}/top-ups`, { creditCurrencyId: shop.money, amount: 2000 });
});
afterAll(async () => {
  await Promise.all([browser.close(), site.close()]);
});

/** Opens the portal at a width, shows it to `see`, and closes it. */
async function look(
  query: Record<string, string>,
  width: number,
  see: (page: Page) => Promise<void>,
  who = customer,
) {
  const context = await browser.newContext({ viewport: { width, height: 800 } });
  const page = await context.newPage();
  const { token } = await mintFor(who);
  const all = new URLSearchParams({ token, part: 'portal', tools: 'none', ...query });
  await page.goto(`http://127.0.0.1:${String(site.port)}/?${all.toString()}`);
  await page.locator('.upay').first().waitFor();
  if (query.flow) await page.getByRole('dialog').last().waitFor();
  await page.waitForFunction(() => !document.querySelector('.upay-skeleton-line'));
  await see(page);
  await context.close();
}

/** Where the text of an element begins and ends, and its card's or dialog's content. */
const edges = (target: Locator) =>
  target.first().evaluate((element) => {
    const range = document.createRange();
    range.selectNodeContents(element);
    const card = element.closest('.upay-dialog, .upay-card') ?? element;
    const { left, right } = card.getBoundingClientRect();
    const { paddingLeft, paddingRight, borderLeftWidth } = getComputedStyle(card);
    const border = parseFloat(borderLeftWidth);
    const text = range.getBoundingClientRect();
    return {
      start: text.left - left - parseFloat(paddingLeft) - border,
      end: right - parseFloat(paddingRight) - border - text.right,
    };
  });

test.for([
  ['en', 1240, 'end'],
  ['de', 320, 'end'],
  ['ar', 1240, 'start'],
  ['ar', 320, 'start'],
] as const)(
  'in %s at %i pixels the plain buttons stand in one line',
  async ([locale, width, edge]) => {
    await look({ locale }, width, async (page) => {
      for (const place of ['card-head', 'item', 'row-actions']) {
        const buttons = page.locator(`.upay-${place} > .upay-button-plain:last-child`);
        const found = await buttons.all();
        expect(found.length, place).toBeGreaterThan(0);
        for (const button of found) expect((await edges(button))[edge], place).toBeCloseTo(0, 0);
      }
    });
  },
);

test('a tax id is one row where there is room, and its own block where there is none', async () => {
  const taxIds = [{ type: 'eu_vat', value: 'DE123456789' }];
  await call(`/customers/${customer}`, { taxIds }, 'PATCH');
  const flow = JSON.stringify({ type: 'billing_details' });
  const columns = async (page: Page) => {
    const pair = page.locator('.upay-pair');
    const text = await pair.evaluate((one) => getComputedStyle(one).gridTemplateColumns);
    return text.split(' ').length;
  };
  await look({ flow }, 900, async (page) => {
    expect(await columns(page)).toBe(3);
  });
  await look({ flow }, 320, async (page) => {
    expect(await columns(page)).toBe(1);
    expect((await edges(page.locator('.upay-pair > .upay-button'))).end).toBeLessThan(9);
  });
});

test('a dialog begins with its title, and what is behind it is not first', async () => {
  for (const flow of [{ type: 'billing_details' }, { type: 'change_plan' }]) {
    await look({ flow: JSON.stringify(flow) }, 900, async (page) => {
      const has = await page.evaluate(() => document.activeElement?.className);
      expect(has).toBe('upay-title');
    });
  }
});

test('two plans have a line between them', async () => {
  const other = await openShop();
  const both = await newSubscriber(shop.plans.pro);
  await call('/subscriptions', { customerId: both, planId: other.plans.scale });
  const see = async (page: Page) => {
    const lines = await page
      .locator('.upay-subscription')
      .evaluateAll((all) => all.map((one) => getComputedStyle(one).borderBlockStartWidth));
    expect(lines).toEqual(['0px', '1px']);
  };
  await look({}, 1240, see, both);
});

test('from right to left nothing points or stands the other way', async () => {
  const { customerId } = await newDebtor(shop.plans.pro);
  await call(
    `/customers/${customerId}`,
    {
      billingAddress: {
        line1: 'Boompjes 60',
        city: 'Rotterdam',
        postalCode: '3011 XB',
        country: 'NL',
      },
    },
    'PATCH',
  );
  const flow = JSON.stringify({ type: 'billing_details' });
  await look(
    { locale: 'ar', flow },
    900,
    async (page) => {
      const code = page.locator('input[value="3011 XB"]');
      expect(await code.evaluate((input) => getComputedStyle(input).direction)).toBe('ltr');
      const arrow = await page
        .locator('.upay-details-head')
        .first()
        .evaluate((head) => {
          const { borderRightWidth, borderBottomWidth, rotate } = getComputedStyle(
            head,
            '::before',
          );
          return [parseFloat(borderRightWidth) > 0, parseFloat(borderBottomWidth) > 0, rotate];
        });
      expect(arrow).toEqual([true, true, '45deg']);
    },
    customerId,
  );
});
