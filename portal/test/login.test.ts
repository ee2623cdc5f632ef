/** Signing in with a code from an e-mail. */
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';

import { flaws, heading, launch, openTab } from './support/browser.js';
import { startDemo, type Demo } from './support/demo.js';
import { startMailbox, type Mailbox } from './support/smtp.js';

let browser: Browser;
let mailbox: Mailbox;
/** Its own: it sends e-mail. */
let demo: Demo;

async function call<T>(method: string, path: string, body: object): Promise<T> {
  const response = await fetch(`${demo.origin}/v1${path}`, {
    method,
    headers: { 'content-type': 'application/json', 'x-api-key': demo.apiKey },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${path}: ${await response.text()}`);
  return (await response.json()) as T;
}

beforeAll(async () => {
  [browser, mailbox] = await Promise.all([launch(), startMailbox()]);
  demo = await startDemo({
    UNITPAY_EMAIL_SERVER: `smtp://127.0.0.1:${String(mailbox.port)}`,
    UNITPAY_EMAIL_SENDER: 'billing@nimbus.example',
    UNITPAY_LIMITS_LOGINS_PER_HOUR: '0',
  });
  await call('PUT', '/branding', { name: 'Nimbus', accentColor: '#3b5bdb' });
  const { url } = await call<{ url: string }>('PUT', '/login-settings', {
    enabled: true,
    scopes: ['customer:read', 'invoices:read'],
  });
  expect(url).toMatch(/\/portal\/login\/org_\w+\?environment=sandbox$/);
});
afterAll(async () => {
  mailbox.stop();
  await Promise.all([browser.close(), demo.stop()]);
});
afterEach(() => Promise.all(browser.contexts().map((context) => context.close())));

let number = 0;

/** Creates a customer with an address of its own, which no other test has used up. */
async function newCustomer(name: string, given?: string): Promise<string> {
  const email = given ?? `someone${String((number += 1))}@example.com`;
  await call('POST', '/customers', { name, email });
  return email;
}

async function openLogin(context: BrowserContext) {
  return openTab(context, `${demo.origin}/portal/login/default?environment=sandbox`);
}

/** Asks for a code by keyboard alone: the address has the focus. */
async function ask(page: Page, email: string): Promise<void> {
  await page.locator('input[type=email]:focus').waitFor();
  await page.keyboard.type(email);
  await page.keyboard.press('Enter');
  await page.locator('input[inputmode=numeric]:focus').waitFor();
}

async function codeFor(email: string): Promise<string> {
  const { text } = await mailbox.next(email);
  return /\b\d{6}\b/.exec(text)?.[0] ?? '';
}

test('a customer signs in by keyboard, and sees what the settings allow', async () => {
  const email = await newCustomer('Grace Hopper');
  const { page, said, calls } = await openLogin(await browser.newContext());
  await heading(page, 'Sign in');
  expect(await page.title()).toBe('Sign in · Nimbus');
  await ask(page, email);
  await page.getByText(`If we know ${email}, a code is on its way there.`).waitFor();
  const code = await codeFor(email);
  await page.keyboard.type(`${code.slice(0, 3)} ${code.slice(3)}`);
  await page.keyboard.press('Enter');
  await page.getByText('Grace Hopper').first().waitFor();
  expect(page.url()).toMatch(/\/portal#ps_\w{26}$/);
  await heading(page, 'Invoices');
  expect(await page.getByRole('heading', { name: 'Payment methods' }).count()).toBe(0);
  await page.reload();
  await page.getByText('Grace Hopper').first().waitFor();
  expect(calls.filter((one) => one.includes('logins'))).toEqual([
    'GET /v1/logins?organization=default&environment=sandbox',
    'POST /v1/logins',
    'POST /v1/logins/enter',
  ]);
  expect(said).toEqual([]);
});

test('wrong codes are counted, and a new one is asked for', async () => {
  const email = await newCustomer('Grace Hopper');
  const { page } = await openLogin(await browser.newContext());
  await ask(page, email);
  const code = await codeFor(email);
  const wrong = code === '000000' ? '000001' : '000000';
  for (const left of [4, 3, 2, 1]) {
    await page.locator('input').fill(wrong);
    await page.keyboard.press('Enter');
    await page
      .getByRole('alert')
      .getByText(`This code is wrong. Tries left: ${String(left)}`)
      .waitFor();
  }
  await page.locator('input').fill(wrong);
  await page.keyboard.press('Enter');
  await page.getByRole('alert').getByText('This code no longer works.').waitFor();
  await page.locator('input').fill(code);
  await page.keyboard.press('Enter');
  await page.getByRole('alert').getByText('This code no longer works.').waitFor();
  await page.getByRole('button', { name: 'Another address or a new code' }).press('Enter');
  await ask(page, email);
  await page.keyboard.type(await codeFor(email));
  await page.keyboard.press('Enter');
  await page.getByText('Grace Hopper').first().waitFor();
});

test('a code of another browser is refused, and an address that nobody has looks the same', async () => {
  const email = await newCustomer('Grace Hopper');
  const [one, two] = [await browser.newContext(), await browser.newContext()];
  const [asked, other] = [await openLogin(one), await openLogin(two)];
  await ask(asked.page, email);
  await ask(other.page, 'nobody@example.com');
  const code = await codeFor(email);
  await other.page.keyboard.type(code);
  await other.page.keyboard.press('Enter');
  await other.page.getByRole('alert').getByText('Tries left: 4').waitFor();
  const text = async (page: Page) => (await page.locator('main').innerText()).split('\n');
  await asked.page.keyboard.type(code === '000000' ? '000001' : '000000');
  await asked.page.keyboard.press('Enter');
  await asked.page.getByRole('alert').getByText('Tries left: 4').waitFor();
  const [known, unknown] = [await text(asked.page), await text(other.page)];
  expect(known.map((line) => line.replace(email, 'X'))).toEqual(
    unknown.map((line) => line.replace('nobody@example.com', 'X')),
  );
});

test('a reload goes on with the code, and one of several customers is chosen', async () => {
  const email = await newCustomer('First Ltd');
  await newCustomer('Second <b>Ltd</b>', email);
  const { page, said } = await openLogin(await browser.newContext());
  await ask(page, email);
  await page.reload();
  await page.locator('input[inputmode=numeric]:focus').waitFor();
  await page.keyboard.type(await codeFor(email));
  await page.keyboard.press('Enter');
  await heading(page, 'Which account do you want to open?');
  expect(await page.locator('h1:focus').count()).toBe(1);
  expect(await flaws(page)).toEqual([]);
  await page.keyboard.press('Tab');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await page.getByText('Second <b>Ltd</b>').first().waitFor();
  expect(said).toEqual([]);
});

test('a page without sign-in says so', async () => {
  const context = await browser.newContext();
  for (const path of ['nobody?environment=sandbox', 'default', '%', '%3Cimg%20src=x%3E']) {
    const { page } = await openTab(context, `${demo.origin}/portal/login/${path}`);
    await heading(page, 'There is no sign-in here');
    expect(await flaws(page)).toEqual([]);
    await page.close();
  }
  const { page } = await openLogin(context);
  await page.locator('input[type=email]:focus').waitFor();
  await context.setOffline(true);
  await page.keyboard.type('ada@example.com');
  await page.keyboard.press('Enter');
  await page.getByRole('alert').getByText('Check your connection').waitFor();
});

test('axe finds nothing in any language, light and dark, and nothing is cut off', async () => {
  for (const locale of ['en', 'de', 'ar']) {
    for (const colorScheme of ['light', 'dark'] as const) {
      for (const width of [320, 390, 1440]) {
        const options: BrowserContextOptions = {
          locale,
          colorScheme,
          viewport: { width, height: 720 },
        };
        const context = await browser.newContext(options);
        const { page, said } = await openLogin(context);
        await page.locator('input[type=email]:focus').waitFor();
        expect(await page.locator('html').getAttribute('dir')).toBe(
          locale === 'ar' ? 'rtl' : 'ltr',
        );
        expect(await flaws(page)).toEqual([]);
        await shoot(page, `email-${locale}-${colorScheme}-${String(width)}`);
        await ask(page, `unknown${String((number += 1))}@a-rather-long-domain.example.com`);
        await page.keyboard.type('1');
        await page.keyboard.press('Enter');
        await page.getByRole('alert').getByText('4').waitFor();
        expect(await flaws(page)).toEqual([]);
        const all = await page.evaluate(() => document.documentElement.scrollWidth);
        expect(all).toBe(width);
        await shoot(page, `code-${locale}-${colorScheme}-${String(width)}`);
        expect(said.filter((line) => !line.includes('401'))).toEqual([]);
        await context.close();
      }
    }
  }
});

/** Keeps a picture if a folder is named. */
async function shoot(page: Page, name: string): Promise<void> {
  const { SCREENSHOTS } = process.env;
  if (SCREENSHOTS) await page.screenshot({ path: `${SCREENSHOTS}/login-${name}.png` });
}
