/** Every screen for everybody: axe, target sizes, forced colours, less motion; in each theme and direction. */
import axe from 'axe-core';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { ar } from '../../src/locales/ar.js';
import { de } from '../../src/locales/de.js';
import { en } from '../../src/locales/en.js';
import { mintFor } from '../support/backend.js';
import { pseudo, strayTexts } from '../support/pseudo.js';
import { makeScreens, NAMES, type Screen, type Texts } from './screens.js';
import { launch, servePage } from './support.js';

let browser: Browser;
let site: Awaited<ReturnType<typeof servePage>>;
let screens: Awaited<ReturnType<typeof makeScreens>>;

beforeAll(async () => {
  [site, browser, screens] = await Promise.all([servePage(), launch(), makeScreens()]);
});
afterAll(async () => {
  await Promise.all([browser.close(), site.close()]);
});

/** Opens a screen, shows it to `see` when all of it is there, and closes it. */
async function look(
  { who, query, before, open }: Screen,
  { locale = 'en', theme = 'auto', ...options }: BrowserContextOptions & { theme?: string },
  see: (page: Page) => Promise<void>,
): Promise<void> {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  await before?.(page);
  const { token } = await mintFor(who);
  // In Japanese no date, amount or country has a Latin letter.
  const language = locale === 'pseudo' ? { locale: 'ja', messages: PSEUDO } : { locale };
  const all = { token, part: 'portal', tools: 'none', theme, ...language, ...query };
  const address = new URLSearchParams(all).toString();
  await page.goto(`http://127.0.0.1:${String(site.port)}/?${address}`);
  await page.locator('.upay').first().waitFor();
  // The confirmation of a plan stands above the plans.
  if (query.flow) await page.getByRole('dialog').last().waitFor();
  await page.waitForFunction(() => !document.querySelector('.upay-skeleton-line'));
  await open?.(page, locale === 'pseudo' ? { ...en, ...own } : (LANGUAGES[locale] ?? en));
  await page.waitForFunction(() => !document.querySelector('.upay-skeleton-line'));
  await see(page);
  await context.close();
}

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

const LANGUAGES: Record<string, Texts> = { en, de, ar };

/** Own texts without a language have that of the page. */
const own = Object.fromEntries(Object.entries(pseudo(en)).filter(([key]) => key !== 'language'));
const PSEUDO = JSON.stringify(own);
/** The names that the shop, its customers and the sandbox's cards have, in no language; other tests add some. */
const NAMES_OF_DATA = [
  /\b(ada@example\.com|ada|pro|scale|free|api calls|inv-\d+|prepaid|tokens|small|large|eur|default|desk|limits)(?![a-z])/gi,
  /\b(visa|mastercard|declined|requires_form|expires|timeout)\b/gi,
];

test.each(NAMES)('every text is one of the messages, and long ones have room: %s', async (name) => {
  const options = { locale: 'pseudo', viewport: { width: 320, height: 640 } };
  await look(screens[name], options, async (page) => {
    const stray = await page.evaluate(strayTexts);
    const rest = stray.map((text) =>
      NAMES_OF_DATA.reduce((all, one) => all.replace(one, ''), text),
    );
    expect(rest.filter((text) => /[a-z]/i.test(text))).toEqual([]);
    expect(await stickingOut(page)).toEqual([]);
  });
});

describe.each(Object.keys(LANGUAGES))('in %s', (locale) => {
  test.each(NAMES)('axe finds nothing, and at 320 pixels nothing sticks out: %s', async (name) => {
    await look(screens[name], { locale, reducedMotion: 'reduce' }, async (page) => {
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme });
        expect([colorScheme, await flaws(page)]).toEqual([colorScheme, []]);
      }
      await page.setViewportSize({ width: 320, height: 640 });
      expect(await stickingOut(page)).toEqual([]);
      expect(await flaws(page)).toEqual([]);
    });
  });
});

test('a theme that the page chooses is the one of a system that is so', async () => {
  const colors = (page: Page) =>
    page
      .locator('[data-upay]')
      .evaluateAll((all) =>
        all.map((part) => [getComputedStyle(part).color, getComputedStyle(part).backgroundColor]),
      );
  const seen = new Map<string, string>();
  for (const theme of ['light', 'dark', 'auto'] as const) {
    for (const colorScheme of ['light', 'dark'] as const) {
      await look(screens['all cards'], { theme, colorScheme }, async (page) => {
        seen.set(`${theme} in ${colorScheme}`, JSON.stringify(await colors(page)));
      });
    }
  }
  const of = (name: string) => seen.get(name);
  expect(of('light in light')).not.toBe(of('dark in dark'));
  expect(of('auto in light')).toBe(of('light in light'));
  expect(of('light in dark')).toBe(of('light in light'));
  expect(of('auto in dark')).toBe(of('dark in dark'));
  expect(of('dark in light')).toBe(of('dark in dark'));
});

/** The parts that reach beyond the page, or beyond the dialog that they are in; and what scrolls sideways. */
function stickingOut(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const isWider = ({ scrollWidth, clientWidth }: Element) => scrollWidth > clientWidth;
    const found = [document.documentElement, ...document.querySelectorAll('dialog')]
      .filter(isWider)
      .map(({ tagName, scrollWidth }) => `${tagName} scrolls: ${String(scrollWidth)}`);
    for (const part of document.querySelectorAll<HTMLElement>('[data-upay]')) {
      const { left, right, width } = part.getBoundingClientRect();
      const around = (
        part.parentElement?.closest('dialog') ?? document.documentElement
      ).getBoundingClientRect();
      const isOut = left < around.left - 0.5 || right > around.right + 0.5;
      if (width > 1 && isOut)
        found.push(`${part.dataset.upay ?? ''}: ${part.outerHTML.slice(0, 120)}`);
    }
    return found;
  });
}

test('what is wrong would be found', async () => {
  await look(screens['all cards'], {}, async (page) => {
    await page.evaluate(() => {
      const wrong = '<button class="small" type="button"></button>'.repeat(2);
      document.querySelector('.upay')?.insertAdjacentHTML('afterbegin', wrong);
      for (const button of document.querySelectorAll<HTMLElement>('.small')) {
        button.style.cssText = 'width: 8px; height: 8px; padding: 0; margin: 0; float: left';
      }
    });
    const rules = new Set((await flaws(page)).map((flaw) => flaw.split(':', 1)[0]));
    expect([...rules].sort()).toEqual(['button-name', 'target-size']);
    await page.evaluate(() => {
      const wide = '<p data-upay="text"><span data-upay="wide">.</span></p>';
      document.querySelector('.upay')?.insertAdjacentHTML('afterbegin', wide);
      const span = document.querySelector<HTMLElement>('[data-upay=wide]');
      if (span) span.style.cssText = 'display: block; width: 200vw';
    });
    expect((await stickingOut(page)).map((one) => one.split(':', 1)[0])).toContain('wide');
  });
});

test('in forced colours every button has an edge', async () => {
  await look(screens['all cards'], { forcedColors: 'active' }, async (page) => {
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
  await look(screens['all cards'], { reducedMotion: 'reduce' }, async (page) => {
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
