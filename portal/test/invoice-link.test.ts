/** The page of a link to one invoice. */
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';

import { flaws, heading, launch, openTab } from './support/browser.js';
import { startDemo, type Demo } from './support/demo.js';
import { startMailbox, type Mailbox } from './support/smtp.js';

let browser: Browser;
let mailbox: Mailbox;
/** Its own: it sends e-mail. */
let demo: Demo;

async function call<T>(method: string, path: string, body?: object): Promise<T> {
  const response = await fetch(`${demo.origin}/v1${path}`, {
    method,
    headers: { 'content-type': 'application/json', 'x-api-key': demo.apiKey },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  if (!response.ok) throw new Error(`${path}: ${await response.text()}`);
  return (response.status === 204 ? undefined : await response.json()) as T;
}

beforeAll(async () => {
  [browser, mailbox] = await Promise.all([launch(), startMailbox()]);
  demo = await startDemo({
    UNITPAY_EMAIL_SERVER: `smtp://127.0.0.1:${String(mailbox.port)}`,
    UNITPAY_EMAIL_SENDER: 'billing@nimbus.example',
    UNITPAY_LIMITS_LOGINS_PER_HOUR: '0',
  });
  await call('PUT', '/branding', {
    name: 'Nimbus',
    accentColor: '#3b5bdb',
    supportEmail: 'billing@nimbus.example',
    legalName: 'Nimbus Cloud GmbH',
    address: { line1: 'Torstraße 1', city: 'Berlin', postalCode: '10119', country: 'DE' },
  });
});
afterAll(async () => {
  mailbox.stop();
  await Promise.all([browser.close(), demo.stop()]);
});
afterEach(() => Promise.all(browser.contexts().map((context) => context.close())));

let count = 0;

interface Sent {
  link: string;
  invoiceId: string;
  customerId: string;
}

/** Sends an invoice to a new customer and returns the link in the e-mail. */
async function sendInvoice(locale?: string): Promise<Sent> {
  const email = `someone${String((count += 1))}@example.com`;
  const { id: customerId } = await call<{ id: string }>('POST', '/customers', {
    name: 'Grace Hopper',
    email,
    collectionMethod: 'send_invoice',
    ...(locale && { locale }),
  });
  const { id: invoiceId } = await call<{ id: string }>('POST', '/invoices', {
    customerId,
    currency: 'USD',
    items: [
      { description: 'Migration', unitAmount: 12_000 },
      { description: 'A rather long description of something that was delivered', unitAmount: 345 },
    ],
  });
  const { text } = await mailbox.next(email, '/portal#');
  const [link = ''] = /http:\S+\/portal#inv_\S+/.exec(text) ?? [];
  return { link, invoiceId, customerId };
}

/** Opens the payment's form by keyboard alone. */
async function pay(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Pay $123.45' }).press('Enter');
  const dialog = page.getByRole('dialog');
  await dialog.waitFor();
  await dialog.getByRole('button', { name: 'Pay $123.45' }).press('Enter');
  await dialog.getByRole('button', { name: 'Decline' }).waitFor();
}

test('an invoice is read, saved and paid by keyboard, and nothing else is shown', async () => {
  const { link, invoiceId, customerId } = await sendInvoice();
  const context = await browser.newContext();
  const { page, said, calls } = await openTab(context, link);
  await page.getByRole('heading', { level: 1, name: /^Invoice INV-/ }).waitFor();
  expect(page.url()).toMatch(/\/portal#ps_\w{26}$/);
  await page.getByText('Migration').waitFor();
  expect(await page.getByText('Grace Hopper').count()).toBe(0);
  const saving = page.waitForEvent('download');
  await page
    .getByRole('button', { name: /^PDF|^Download/ })
    .first()
    .press('Enter');
  expect((await saving).suggestedFilename()).toMatch(/^INV-\d+\.pdf$/);
  await page.reload();
  await page.getByText('Migration').waitFor();
  await pay(page);
  await page.getByRole('button', { name: 'Decline' }).press('Enter');
  await page.getByRole('dialog').getByRole('alert').waitFor();
  await page.getByRole('dialog').getByRole('button', { name: 'Pay $123.45' }).press('Enter');
  await heading(page, 'This invoice is paid');
  expect(await flaws(page)).toEqual([]);
  const paid = await call<{ status: string }>('GET', `/invoices/${invoiceId}`);
  expect(paid.status).toBe('paid');
  const methods = await call<{ data: unknown[] }>(
    'GET',
    `/customers/${customerId}/payment-methods`,
  );
  expect(methods.data).toEqual([]);
  // The link has ended with the debt, in every browser.
  await page.reload();
  await heading(page, 'This invoice is paid');
  await heading((await openTab(await browser.newContext(), link)).page, 'This invoice is paid');
  const paths = new Set(calls.map((one) => one.replace(/(inv|pa|pay)_\w{26}/, 'id')));
  for (const one of ['/customers', '/subscriptions', '/credit-accounts', '/payment-methods']) {
    expect([...paths].filter((path) => path.includes(one))).toEqual([]);
  }
  expect(said.filter((line) => !/40[12]/.test(line))).toEqual([]);
});

test('the page says why a link opens nothing', async () => {
  const { link, invoiceId, customerId } = await sendInvoice();
  const { page } = await openTab(await browser.newContext(), link);
  await page.getByText('Migration').waitFor();
  await call('POST', `/invoices/${invoiceId}/void`, {});
  // An open page finds out with its next request.
  await page.getByRole('button', { name: 'Pay $123.45' }).press('Enter');
  await page.getByRole('dialog').getByRole('button', { name: 'Pay $123.45' }).press('Enter');
  await heading(page, 'This invoice was canceled');
  await heading(
    (await openTab(await browser.newContext(), link)).page,
    'This invoice was canceled',
  );
  const forged = await openTab(await browser.newContext(), `${link.slice(0, -2)}AA`);
  await heading(forged.page, 'This link no longer works');
  expect(await forged.page.getByRole('button').count()).toBe(0);
  expect(await flaws(forged.page)).toEqual([]);
  const second = await sendInvoice();
  const opened = await openTab(await browser.newContext(), second.link);
  await opened.page.getByText('Migration').waitFor();
  await call('POST', '/portal-sessions/revoke', { customerId: second.customerId });
  await opened.page.reload();
  await heading(opened.page, 'Your session has ended');
  await heading(
    (await openTab(await browser.newContext(), second.link)).page,
    'This link no longer works',
  );
  expect(customerId).not.toBe(second.customerId);
});

test('signing out ends the session and not the link', async () => {
  const { link } = await sendInvoice();
  const { page } = await openTab(await browser.newContext(), link);
  await page.getByRole('button', { name: 'Sign out' }).press('Enter');
  await heading(page, 'You have signed out');
  await (await openTab(await browser.newContext(), link)).page.getByText('Migration').waitFor();
});

test('axe finds nothing in any language, light and dark, and nothing is cut off', async () => {
  for (const locale of ['en', 'de', 'ar']) {
    // The customer's language, whatever the browser prefers.
    const { link } = await sendInvoice(locale);
    for (const colorScheme of ['light', 'dark'] as const) {
      for (const width of [320, 390, 1440]) {
        const viewport = { width, height: 720 };
        const options: BrowserContextOptions = { locale: 'en', colorScheme, viewport };
        const context = await browser.newContext(options);
        const { page, said } = await openTab(context, link);
        await page.getByText('Migration').waitFor();
        expect(await page.locator('html').getAttribute('lang')).toBe(locale);
        expect(await flaws(page)).toEqual([]);
        const all = await page.evaluate(() => document.documentElement.scrollWidth);
        expect(all).toBe(width);
        const { SCREENSHOTS } = process.env;
        const name = `invoice-${locale}-${colorScheme}-${String(width)}`;
        if (SCREENSHOTS) await page.screenshot({ path: `${SCREENSHOTS}/${name}.png` });
        await page.locator('[data-upay=button].upay-button-primary').press('Enter');
        await page.getByRole('dialog').waitFor();
        expect(await flaws(page)).toEqual([]);
        expect(said).toEqual([]);
        await context.close();
      }
    }
  }
});
