/** A new link by e-mail, for one that no longer opens anything. */
import type { Browser, BrowserContextOptions } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';

import type { Minted } from './support/backend.js';
import { flaws, heading, isFull, launch, openTab } from './support/browser.js';
import { startDemo, type Demo } from './support/demo.js';
import { startMailbox, type Mailbox } from './support/smtp.js';

let browser: Browser;
let mailbox: Mailbox;
/** Its own: it sends e-mail. */
let demo: Demo;

async function call<T>(path: string, body: object): Promise<T> {
  const response = await fetch(`${demo.origin}/v1${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-api-key': demo.apiKey },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${path}: ${await response.text()}`);
  return (await response.json()) as T;
}

/** Returns a link that another browser has opened. */
async function usedLink(customerId = 'cus_123'): Promise<string> {
  const { url } = await call<Minted>('/portal-sessions', { customerId });
  const elsewhere = await browser.newContext();
  const { page } = await openTab(elsewhere, url);
  await page.getByRole('heading', { level: 1 }).waitFor();
  await elsewhere.close();
  return url;
}

beforeAll(async () => {
  [browser, mailbox] = await Promise.all([launch(), startMailbox()]);
  demo = await startDemo({
    UNITPAY_EMAIL_SERVER: `smtp://127.0.0.1:${String(mailbox.port)}`,
    UNITPAY_EMAIL_SENDER: 'billing@nimbus.example',
    UNITPAY_LIMITS_LOGINS_PER_HOUR: '0',
  });
});
afterAll(async () => {
  mailbox.stop();
  await Promise.all([browser.close(), demo.stop()]);
});
afterEach(() => Promise.all(browser.contexts().map((context) => context.close())));

test('a used link sends a new one by keyboard, which opens once and stays for a reload', async () => {
  const context = await browser.newContext();
  const { page } = await openTab(context, await usedLink());
  await heading(page, 'This link no longer works');
  const send = page.getByRole('button', { name: 'Send a new link to a…@example.com' });
  await send.focus();
  await page.keyboard.press('Enter');
  await page.getByRole('status').getByText('is on its way to a…@example.com').waitFor();
  expect(await send.count()).toBe(0);
  const { text } = await mailbox.next('ada@example.com', '/portal#');
  const [link = ''] = /http:\S+\/portal#eml_\S+/.exec(text) ?? [];
  const opened = await openTab(context, link);
  await isFull(opened.page);
  expect(opened.page.url()).toMatch(/\/portal#ps_\w{26}$/);
  await opened.page.reload();
  await isFull(opened.page);
  // The browser that opened it may follow it again; another one is offered the next link.
  await isFull((await openTab(context, link)).page);
  const other = await openTab(await browser.newContext(), link);
  await heading(other.page, 'This link no longer works');
  await other.page.getByRole('button', { name: /^Send a new link/ }).waitFor();
});

test('after too many links the page says that none was sent', async () => {
  const { page } = await openTab(await browser.newContext(), await usedLink('acme'));
  for (const at of [1, 2, 3, 4]) {
    await page.getByRole('button', { name: 'Send a new link to b…@acme.example' }).click();
    const text = at < 4 ? 'is on its way' : 'The link could not be sent.';
    await page.getByRole('status').getByText(text).waitFor();
    if (at < 4) await page.reload();
  }
});

test('a made-up link offers nothing', async () => {
  const url = await usedLink('globex');
  const forged = `${url.slice(0, -2)}AA`;
  const { page } = await openTab(await browser.newContext(), forged);
  await heading(page, 'This link no longer works');
  expect(await page.getByRole('button').count()).toBe(0);
});

test('axe finds nothing in any language, light and dark, and nothing is cut off', async () => {
  const url = await usedLink('globex');
  for (const locale of ['en', 'de', 'ar']) {
    for (const colorScheme of ['light', 'dark'] as const) {
      for (const width of [320, 390, 1440]) {
        const viewport = { width, height: 720 };
        const options: BrowserContextOptions = { locale, colorScheme, viewport };
        const context = await browser.newContext(options);
        const { page } = await openTab(context, url);
        await page.getByRole('button', { name: /a…@globex\.example/ }).waitFor();
        expect(await flaws(page)).toEqual([]);
        const all = await page.evaluate(() => document.documentElement.scrollWidth);
        expect(all).toBe(width);
        const { SCREENSHOTS } = process.env;
        const name = `link-${locale}-${colorScheme}-${String(width)}`;
        if (SCREENSHOTS) await page.screenshot({ path: `${SCREENSHOTS}/${name}.png` });
        await context.close();
      }
    }
  }
});
