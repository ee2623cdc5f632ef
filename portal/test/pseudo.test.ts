/** The page in a language that nobody speaks: every text is translated, and long ones have room. */
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';

import { pseudo, strayTexts } from '../../sdk/react/test/support/pseudo.js';
import * as german from '../src/languages/de.js';
import { brand, mint } from './support/backend.js';
import { isFull, launch, openTab } from './support/browser.js';

let browser: Browser;
let context: BrowserContext;

/** German is the longest. `language` is a tag, and no text. */
const { messages, ...own } = pseudo({ ...german });
const source = Object.entries({ ...own, messages: { ...messages, language: 'ja' } })
  .map(([name, value]) => `export const ${name} = ${JSON.stringify(value)};`)
  .join('\n');

beforeAll(async () => {
  browser = await launch();
  await brand();
});
afterAll(() => browser.close());
beforeEach(async () => {
  // In Japanese no date, amount or country has a Latin letter.
  context = await browser.newContext({ locale: 'ja', viewport: { width: 320, height: 640 } });
  await context.route(/\/assets\/(\w+-)?ja-[^/]*\.js$/, (route) =>
    route.fulfill({ contentType: 'text/javascript', body: source }),
  );
});
afterEach(() => context.close());

/** The names that the demo's organization and its data have, in no language. */
const NAMES = [
  /\b(Nimbus( Cloud GmbH)?|billing@nimbus\.example|INV-\d+|Visa|Mastercard|EUR|USD)(?![a-z])/gi,
  /\b(Ada Lovelace|ada@example\.com|220 NW 8th Avenue|Portland, OR|Pro|API calls|Reports)\b/g,
  /\bAI (answers|credits)\b/g,
];

async function check(page: Page): Promise<void> {
  const stray = await page.evaluate(strayTexts);
  const rest = stray.map((text) => NAMES.reduce((all, one) => all.replace(one, ''), text));
  expect(rest.filter((text) => /[a-z]/i.test(text))).toEqual([]);
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(320);
}

test('every text of the portal is in the language of the page', async () => {
  const { page, said } = await openTab(context, (await mint({ locale: 'ja' })).url);
  await isFull(page);
  await check(page);
  expect(said).toEqual([]);
});

test('every text of a used link is in the language of the page', async () => {
  const { url } = await mint({ locale: 'ja' });
  await openTab(await browser.newContext(), url);
  const { page } = await openTab(context, url);
  await page.locator('.closed').waitFor();
  await check(page);
});

test('every text of the sign-in page is in the language of the page', async () => {
  const { page } = await openTab(
    context,
    `${new URL((await mint()).url).origin}/portal/login/default`,
  );
  await page.getByRole('heading', { level: 1 }).waitFor();
  await check(page);
});
