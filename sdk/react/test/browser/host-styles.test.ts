/** The portal inside a page with rules of its own: nothing of it looks another way. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { call, mintFor } from '../support/backend.js';
import { newSubscriber, openShop, track, type Shop } from '../support/shop.js';
import { launch, servePage } from './support.js';

let browser: Browser;
let site: Awaited<ReturnType<typeof servePage>>;
let shop: Shop;
let customer: string;

beforeAll(async () => {
  [site, browser, shop] = await Promise.all([servePage(), launch(), openShop()]);
  customer = await newSubscriber(shop.plans.pro);
  const [creditCurrencyId, amount] = [shop.money, 2000];
  await track(customer, shop.event, 1234);
  await call(`/customers/${customer}/top-ups`, { creditCurrencyId, amount });
});
afterAll(async () => {
  await Promise.all([browser.close(), site.close()]);
});

const OPENED: Record<string, () => object | null> = {
  'all cards': () => null,
  plans: () => ({ type: 'change_plan' }),
  'a plan': () => ({ type: 'change_plan', planId: shop.plans.scale }),
  'a card': () => ({ type: 'add_payment_method' }),
  details: () => ({ type: 'billing_details' }),
};

/** The visible styles of an element, besides its position and edges. */
const SEEN = [
  'backgroundColor backgroundImage boxShadow clipPath cursor display fill',
  'fontStyle fontVariantNumeric fontWeight letterSpacing listStyleType opacity overflowX overflowY position stroke textAlign textDecorationLine',
  'textIndent textTransform touchAction visibility whiteSpace wordBreak outlineStyle',
  'borderTopLeftRadius borderBottomRightRadius transitionDuration',
]
  .join(' ')
  .split(' ');
/** Of those with a text of their own. */
const FONT = ['fontFamily', 'fontSize', 'color'];
const SIDES = ['Top', 'Right', 'Bottom', 'Left'];

type Look = [part: string, seen: Record<string, string>][];

/** Every part's computed style, in the order of the document. */
async function look(query: Record<string, string>): Promise<Look> {
  const context = await browser.newContext({ viewport: { width: 1100, height: 900 } });
  const page: Page = await context.newPage();
  const { token } = await mintFor(customer);
  const all = new URLSearchParams({
    token,
    part: 'portal',
    tools: 'none',
    theme: 'light',
    ...query,
  });
  await page.goto(`http://127.0.0.1:${String(site.port)}/?${all.toString()}`);
  await page.locator('.upay').first().waitFor();
  if (query.flow) await page.getByRole('dialog').last().waitFor();
  // A plan's name and price come after the subscription to it.
  await page.waitForFunction(
    () =>
      !document.querySelector('.upay-skeleton-line') &&
      [...document.querySelectorAll('[data-upay=price-amount]')].every((one) => one.textContent),
  );
  // The page's own margin is none of ours.
  await page.addStyleTag({ content: 'body { margin: 0 }' });
  const seen = await page.evaluate(
    ({ properties, font, sides }) => {
      const measure = (element: HTMLElement) => {
        const style = getComputedStyle(element) as unknown as Record<string, string>;
        const edge = (side: string) => {
          const width = style[`border${side}Width`] ?? '';
          // One of no width has any style and color.
          const [kind, color] = [style[`border${side}Style`], style[`border${side}Color`]];
          return [`border${side}`, width === '0px' ? '' : [width, kind, color].join(' ')] as const;
        };
        const { x, y, width, height } = element.getBoundingClientRect();
        const place = [x, y, width, height].map((one) => one.toFixed(1)).join(' ');
        const hasText =
          element.matches('select, input:not([type=radio], [type=checkbox])') ||
          [...element.childNodes].some(({ nodeType }) => nodeType === Node.TEXT_NODE);
        const names = [...properties, ...(hasText ? font : [])];
        return Object.fromEntries([
          ['place', place] as const,
          ...sides.map(edge),
          ...names.map((name) => [name, style[name] ?? ''] as const),
        ]);
      };
      return [...document.querySelectorAll<HTMLElement>('[data-upay]')].map(
        (element) => [element.dataset.upay ?? '', measure(element)] as const,
      );
    },
    { properties: SEEN, font: FONT, sides: SIDES },
  );
  await context.close();
  return seen.map(([part, own]) => [part, own]);
}

/** Each looked at once. */
const alone = new Map<string, Look>();

/** Returns the differences, each once. */
function differences(plain: Look, framed: Look): string[] {
  expect(framed.map(([part]) => part)).toEqual(plain.map(([part]) => part));
  const found = plain.flatMap(([part, seen], index) => {
    const other = framed[index]?.[1] ?? {};
    return (
      Object.keys(seen)
        .filter((name) => seen[name] !== other[name])
        // The heading stands on the host's background, in the host's color.
        .filter((name) => !(part.startsWith('portal-') && name === 'color'))
        .map((name) => `${part}: ${name} ${seen[name] ?? ''} -> ${other[name] ?? ''}`)
    );
  });
  return [...new Set(found)];
}

describe.each([
  ['Bootstrap 5', { frame: 'bootstrap' }],
  ['Tailwind 4', { frame: 'tailwind' }],
  ['Tailwind 4, with our rules in a layer', { sheet: 'none', frame: 'layers' }],
  ['a page without rules, with ours in a layer', { sheet: 'layer' }],
])('inside %s', (_, frame) => {
  test.each(Object.entries(OPENED))('%s: it looks as it does alone', async (name, opened) => {
    const flow = opened();
    const query: Record<string, string> = flow ? { flow: JSON.stringify(flow) } : {};
    const plain = alone.get(name) ?? (await look(query));
    alone.set(name, plain);
    expect(plain.length).toBeGreaterThan(50);
    expect(differences(plain, await look({ ...query, ...frame }))).toEqual([]);
  });
});

test('what a page does to its elements would be seen', async () => {
  const plain = await look({});
  expect(differences(plain, await look({ sheet: 'none' }))).not.toEqual([]);
  const parts = new Set(plain.map(([part]) => part));
  for (const part of ['button', 'card', 'chart-bar', 'td', 'title', 'text'])
    expect(parts).toContain(part);
});
