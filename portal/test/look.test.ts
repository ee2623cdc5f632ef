/** Branding, language, hostile texts and accessibility of the page. */
import { readdir } from 'node:fs/promises';
import type { Browser, BrowserContext, BrowserContextOptions } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';

import { brand, call, mint } from './support/backend.js';
import { flaws, heading, isFull, launch, openTab } from './support/browser.js';

let browser: Browser;

/** A gray square. */
const GIF = 'data:image/gif;base64,R0lGODdhAQABAIAAAMLCwgAAACwAAAAAAQABAAACAkQBADs=';

beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser.close());
afterEach(() => Promise.all(browser.contexts().map((context) => context.close())));

async function open(url: string, options: BrowserContextOptions = {}) {
  return openTab(await browser.newContext(options), url);
}

/** Returns a browser that prefers these languages, best first. */
async function inLanguages(...languages: string[]): Promise<BrowserContext> {
  const context = await browser.newContext({ locale: languages[0] ?? 'en' });
  await context.addInitScript((all) => {
    Object.defineProperty(navigator, 'languages', { get: () => all });
  }, languages);
  return context;
}

test('a branding is seen: name, logo, color, corners, whom to write to', async () => {
  await brand({ logo: GIF, accentColor: '#d6336c', radius: 3 });
  const { page, said } = await open((await mint()).url);
  await isFull(page);
  await page.getByText('Nimbus', { exact: true }).waitFor();
  expect(await page.locator('img').getAttribute('src')).toBe(GIF);
  const mail = page.getByRole('link', { name: 'billing@nimbus.example' });
  expect(await mail.getAttribute('href')).toBe('mailto:billing%40nimbus.example');
  const card = page.locator('[data-upay=card]').first();
  expect(await card.evaluate((one) => getComputedStyle(one).borderRadius)).toBe('3px');
  const bar = page.locator('[data-upay=chart-bar]').first();
  expect(await bar.evaluate((one) => getComputedStyle(one).fill)).toBe('rgb(205, 49, 104)');
  await page.emulateMedia({ colorScheme: 'dark' });
  expect(await bar.evaluate((one) => getComputedStyle(one).fill)).not.toBe('rgb(205, 49, 104)');
  expect(said).toEqual([]);
});

test('colors of every kind leave text that can be read', async () => {
  for (const accentColor of ['#ffff00', '#000000', '#808080']) {
    await brand({ accentColor });
    for (const colorScheme of ['light', 'dark'] as const) {
      const { page } = await open((await mint()).url, { colorScheme });
      await isFull(page);
      expect(await flaws(page, { runOnly: ['color-contrast'] })).toEqual([]);
    }
  }
});

test('no text of a branding or a customer is more than text', async () => {
  const evil = `<img src=x onerror="window.evil=1"><script>window.evil=1</script>"'\${evil}{name}$&`;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9" onload="window.evil=1"><script>window.evil=1</script></svg>`;
  const logo = `data:image/svg+xml;base64,${btoa(svg)}`;
  await brand({ name: evil, logo, supportEmail: `"><script>evil</script>"@x.example` }).catch(() =>
    brand({ name: evil, logo: null, supportEmail: `a?cc=evil@x.example` }),
  );
  const customer = { name: evil, email: 'evil@example.com' };
  const { id } = await call<{ id: string }>('POST', '/customers', customer);
  const { url } = await mint({ customerId: id });
  const { page, said } = await open(url);
  await page.locator('bdi').filter({ hasText: evil }).first().waitFor();
  const mail = await page.locator('a[href^="mailto:"]').getAttribute('href');
  expect(mail).not.toMatch(/[<>"?]/);
  const again = await open(url);
  await heading(again.page, 'This link no longer works');
  await again.page.locator('bdi').filter({ hasText: evil }).waitFor();
  for (const one of [page, again.page]) {
    expect(await one.evaluate(() => 'evil' in window)).toBe(false);
    expect(await one.locator('script:not([src])').count()).toBe(0);
  }
  expect(said).toEqual([]);
});

test('the language is the session’s, else the customer’s, else the browser’s', async () => {
  await brand();
  const german = await open((await mint({ locale: 'de-AT' })).url);
  await heading(german.page, 'Abrechnung');
  expect(await german.page.locator('html').getAttribute('lang')).toBe('de');
  await german.page.getByRole('button', { name: 'Abmelden' }).waitFor();
  const arabic = await open((await mint({ locale: 'ar' })).url);
  await arabic.page.getByRole('button', { name: 'تسجيل الخروج' }).waitFor();
  expect(await arabic.page.locator('html').getAttribute('dir')).toBe('rtl');
  const browsers = await open((await mint()).url, { locale: 'de-DE' });
  await heading(browsers.page, 'Abrechnung');
  const unknown = await open((await mint({ locale: 'tlh' })).url, { locale: 'de-DE' });
  await heading(unknown.page, 'Billing');
  for (const { said } of [german, arabic, browsers, unknown]) expect(said).toEqual([]);
  const portuguese = await open((await mint({ locale: 'pt-PT' })).url);
  await heading(portuguese.page, 'Faturamento');
  const simplified = await open((await mint({ locale: 'zh-SG' })).url);
  await heading(simplified.page, '费用中心');
  const traditional = await open((await mint({ locale: 'zh-TW' })).url);
  await heading(traditional.page, 'Billing');
  const canadian = await openTab(await inLanguages('zh-TW', 'fr-CA', 'de'), (await mint()).url);
  await heading(canadian.page, 'Facturation');
});

test('axe finds nothing, in light and dark, in both directions, open and closed', async () => {
  await brand();
  for (const locale of ['en', 'ar']) {
    for (const colorScheme of ['light', 'dark'] as const) {
      const { url } = await mint({ locale });
      const { page } = await open(url, { colorScheme });
      await isFull(page);
      const closed = await open(url, { colorScheme, locale });
      await closed.page.locator('.closed').waitFor();
      for (const one of [page, closed.page]) {
        expect(await flaws(one)).toEqual([]);
      }
    }
  }
});

test('nothing is cut off at 320 pixels', async () => {
  await brand({ name: 'A company with a name that goes on for rather longer than names do' });
  const files = await readdir(new URL('../src/languages', import.meta.url));
  for (const locale of ['en', ...files.map((file) => file.replace('.ts', ''))]) {
    const { page } = await open((await mint({ locale })).url, {
      viewport: { width: 320, height: 640 },
    });
    await isFull(page);
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    expect([locale, width]).toEqual([locale, 320]);
    expect(await page.locator('html').getAttribute('lang')).toBe(locale);
  }
});
