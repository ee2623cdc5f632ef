/** Every kind of e-mail in every language, as a browser shows it. */
import { readFileSync } from 'node:fs';

import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { flaws, launch } from './support/browser.js';

interface Letter {
  kind: string;
  locale: string;
  accent: string;
  html: string;
}

/** The server's tests write it: `crates/server/tests/it/email_texts.rs`. */
const RECORDED = new URL('../../testdata/emails.jsonl', import.meta.url);
const letters = readFileSync(RECORDED, 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Letter);

let browser: Browser;
beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser.close());

const rgb = (color: string) =>
  `rgb(${[1, 3, 5].map((at) => String(parseInt(color.slice(at, at + 2), 16))).join(', ')})`;

test.each([
  [600, 'light'],
  [600, 'dark'],
  [360, 'light'],
  [360, 'dark'],
] as const)('at %i pixels, %s', async (width, colorScheme) => {
  expect(letters.length).toBeGreaterThan(140);
  const context = await browser.newContext({ colorScheme, viewport: { width, height: 900 } });
  const requests: string[] = [];
  await context.route('**', (route) => {
    requests.push(route.request().url());
    return route.abort();
  });
  const page = await context.newPage();
  for (const { kind, locale, accent, html } of letters) {
    const name = `${kind}-${locale}-${colorScheme}-${String(width)}`;
    await page.setContent(html);
    const { SCREENSHOTS } = process.env;
    if (SCREENSHOTS) await page.screenshot({ path: `${SCREENSHOTS}/${name}.png`, fullPage: true });
    const seen = await page.evaluate(() => {
      const card = document.querySelector<HTMLElement>('.card');
      if (!card) throw new Error('there is no card');
      const { direction, borderTopColor, backgroundColor } = getComputedStyle(card);
      const wide = [...card.querySelectorAll('*')].filter((element) => {
        const { left, right } = element.getBoundingClientRect();
        return left < 0 || right > document.documentElement.clientWidth;
      });
      return {
        direction,
        accent: borderTopColor,
        isDark: backgroundColor !== 'rgb(255, 255, 255)',
        overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth,
        wide: wide.map((element) => element.outerHTML),
        placeholders: card.innerText.match(/\{[a-z]+\}/g),
      };
    });
    // Nothing sticks out, and the language decides the direction.
    expect([name, seen]).toEqual([
      name,
      {
        direction: locale === 'ar' ? 'rtl' : 'ltr',
        accent: rgb(accent),
        isDark: colorScheme === 'dark',
        overflow: 0,
        wide: [],
        placeholders: null,
      },
    ]);
    // Of each width, each look, each direction and each script of letters once.
    if (['en', 'ar', 'ja'].includes(locale) && (width === 360) === (colorScheme === 'dark')) {
      expect([name, await flaws(page)]).toEqual([name, []]);
    }
  }
  expect(requests).toEqual([]);
  await context.close();
});
