/** Customer tasks in Chromium against the real server, by mouse and by keyboard. */
import { readFile } from 'node:fs/promises';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';

import { ask, call, mintFor, newCustomer } from '../support/backend.js';
import { addCard, newDebtor, newSubscriber, openShop, track, type Shop } from '../support/shop.js';
import { launch, servePage, tabTo } from './support.js';

let browser: Browser;
let context: BrowserContext;
let site: Awaited<ReturnType<typeof servePage>>;
let shop: Shop;

beforeAll(async () => {
  [site, browser, shop] = await Promise.all([servePage(), launch(), openShop()]);
});
afterAll(async () => {
  await Promise.all([browser.close(), site.close()]);
});
beforeEach(async () => {
  context = await browser.newContext();
});
afterEach(() => context.close());

async function open(customerId: string, query: Record<string, string> = {}): Promise<Page> {
  const { token } = await mintFor(customerId);
  const page = await context.newPage();
  const all = new URLSearchParams({ token, part: 'portal', tools: 'none', ...query });
  await page.goto(`http://127.0.0.1:${String(site.port)}/?${all.toString()}`);
  return page;
}

const button = (page: Page, name: string | RegExp) =>
  page.getByRole('button', { name, exact: typeof name === 'string' });

/** The part that has the focus, by its title or by what it says. */
const focused = (page: Page) =>
  page.evaluate(() => {
    const part = document.activeElement;
    const title = part?.querySelector('h2')?.textContent ?? part?.textContent;
    return [part?.getAttribute('data-upay'), title];
  });

const pressInDialog = (page: Page, name: string) =>
  page.getByRole('dialog').last().getByRole('button', { name, exact: true }).click();

/** Waits until the page tells it. */
const told = (page: Page, text: string) =>
  page.getByRole('status').filter({ hasText: text }).first().waitFor();

interface Paid {
  status: string;
  payments: { amount: number }[];
}

async function invoiceOf(customerId: string): Promise<Paid> {
  const { data } = await ask<{ data: { id: string }[] }>(`/invoices?customerId=${customerId}`);
  return ask(`/invoices/${data[0]?.id ?? ''}`);
}

const planOf = async (customerId: string) => {
  const { data } = await ask<{ data: { planId: string; cancelAtPeriodEnd: boolean }[] }>(
    `/subscriptions?customerId=${customerId}`,
  );
  return data[0];
};

describe.each(['mouse', 'keyboard'] as const)('by %s', (by) => {
  const press = async (page: Page, name: string | RegExp) => {
    const target = button(page, name).last();
    if (by === 'mouse') return target.click();
    await tabTo(page, target);
    await page.keyboard.press('Enter');
  };
  const choose = async (page: Page, name: string | RegExp) => {
    const target = page.getByRole('radio', { name });
    if (by === 'mouse') return target.click();
    // One of a group has the focus; the arrows choose.
    await tabTo(page, page.getByRole('radio'));
    while (!(await target.isChecked())) await page.keyboard.press('ArrowDown');
  };
  const fill = async (page: Page, label: string, text: string) => {
    const field = page.getByLabel(label, { exact: true });
    if (by === 'mouse') return field.fill(text);
    await tabTo(page, field);
    await page.keyboard.press('Control+A');
    await page.keyboard.type(text);
  };

  test('a higher plan is taken for what the preview says, and the focus comes back', async () => {
    const customerId = await newSubscriber(shop.plans.pro);
    const page = await open(customerId);
    await press(page, 'Change plan');
    await press(page, 'Upgrade to Scale');
    await page.getByText('Due now').waitFor();
    const pay = button(page, /^Pay €/);
    const amount = ((await pay.textContent()) ?? '').replace('Pay ', '');
    expect(await page.getByText(amount, { exact: true }).count()).toBeGreaterThan(0);
    await press(page, /^Pay €/);
    await told(page, 'Your plan is now Scale.');
    expect((await planOf(customerId))?.planId).toBe(shop.plans.scale);
    await expect.poll(() => focused(page)).toEqual(['button', 'Change plan']);
  });

  test('a promotion code lowers the price of a change', async () => {
    const terms = { name: 'Spring', percentOff: 20, duration: 'forever' };
    const { id: couponId } = await call<{ id: string }>('/coupons', terms);
    const code = `spring-${crypto.randomUUID().slice(0, 8)}`;
    await call('/promotion-codes', { couponId, code });
    const customerId = await newSubscriber(shop.plans.pro);
    const page = await open(customerId);
    await press(page, 'Change plan');
    await press(page, 'Upgrade to Scale');
    await page.getByText('Due now').waitFor();
    const head = page.getByText('Promotion code').first();
    if (by === 'mouse') await head.click();
    else {
      await tabTo(page, page.locator('summary').filter({ hasText: 'Promotion code' }));
      await page.keyboard.press('Enter');
    }
    await fill(page, 'Promotion code', 'wrong');
    await press(page, 'Apply');
    await page.getByRole('alert').filter({ hasText: 'This code is not valid.' }).waitFor();
    await fill(page, 'Promotion code', code);
    await press(page, 'Apply');
    await page.getByText(/^Discounts included$/).waitFor();
    await press(page, /^Pay €/);
    await told(page, 'Your plan is now Scale.');
    await page.getByText('20% off').waitFor();
  });

  test('a change that is given up by its cross is none', async () => {
    const customerId = await newSubscriber(shop.plans.pro);
    const flow = JSON.stringify({ type: 'change_plan', planId: shop.plans.scale });
    const page = await open(customerId, { flow });
    await page.getByText('Due now').waitFor();
    await press(page, 'Close');
    await page.getByText('Due now').waitFor({ state: 'detached' });
    await page
      .getByTestId('flow-end')
      .filter({ hasText: /^canceled$/ })
      .waitFor({ state: 'attached' });
    expect(await page.getByText('Your plan is now').count()).toBe(0);
    expect((await planOf(customerId))?.planId).toBe(shop.plans.pro);
  });

  test('a lower plan comes later, and may be called off', async () => {
    const page = await open(await newSubscriber(shop.plans.scale));
    await press(page, 'Change plan');
    await press(page, 'Downgrade to Pro');
    await press(page, /^Change on /);
    await told(page, 'Changes to Pro on');
    await press(page, 'Keep plan');
    await told(page, 'Your plan will continue.');
    await page.getByText('Changes to Pro').waitFor({ state: 'detached' });
  });

  test('a plan is cancelled with a reason, and kept after all', async () => {
    const customerId = await newSubscriber(shop.plans.pro);
    const page = await open(customerId);
    await press(page, 'Cancel plan');
    await choose(page, 'It costs too much');
    await press(page, 'Cancel plan');
    await told(page, 'Ends on');
    expect((await planOf(customerId))?.cancelAtPeriodEnd).toBe(true);
    await press(page, 'Keep plan');
    await told(page, 'Your plan will continue.');
    expect((await planOf(customerId))?.cancelAtPeriodEnd).toBe(false);
  });

  test('an open invoice is paid, and its PDF saved', async () => {
    const { customerId, number } = await newDebtor(shop.plans.pro);
    await addCard(customerId);
    const page = await open(customerId);
    await press(page, `Pay €29.00 for invoice ${number}`);
    await page.getByRole('dialog').getByText('Visa ending in 4242').waitFor();
    await pressInDialog(page, 'Pay €29.00');
    await told(page, `Invoice ${number} is paid.`);
    expect((await invoiceOf(customerId)).payments).toHaveLength(1);
    // Its button is gone.
    await expect.poll(() => focused(page)).toEqual(['card', 'Invoices']);
    const download = page.waitForEvent('download');
    await press(page, `Download invoice ${number} as PDF`);
    const file = await download;
    expect(file.suggestedFilename()).toBe(`${number}.pdf`);
    expect(String(await readFile(await file.path())).slice(0, 5)).toBe('%PDF-');
  });

  test('without a card the form asks, a decline is told, and a confirmation pays', async () => {
    const { customerId, number } = await newDebtor(shop.plans.pro);
    await addCard(customerId, 'requires_form');
    const page = await open(customerId);
    await press(page, `Pay €29.00 for invoice ${number}`);
    await pressInDialog(page, 'Pay €29.00');
    await press(page, 'Decline payment');
    await page.getByRole('alert').filter({ hasText: 'The payment was declined.' }).waitFor();
    expect((await invoiceOf(customerId)).payments).toHaveLength(0);
    await pressInDialog(page, 'Pay €29.00');
    await told(page, `Invoice ${number} is paid.`);
    expect((await invoiceOf(customerId)).payments).toHaveLength(1);
  });

  test('a confirmation that is closed may be opened again', async () => {
    const { customerId, number } = await newDebtor(shop.plans.pro);
    await addCard(customerId, 'requires_form');
    const page = await open(customerId);
    const dialog = page.getByRole('dialog', { name: `Pay invoice ${number}` });
    for (const close of [() => press(page, 'Close'), () => page.keyboard.press('Escape')]) {
      await press(page, `Pay €29.00 for invoice ${number}`);
      await pressInDialog(page, 'Pay €29.00');
      await dialog.getByRole('button', { name: 'Decline payment' }).waitFor();
      await close();
      await dialog.waitFor({ state: 'detached' });
    }
    await press(page, `Pay €29.00 for invoice ${number}`);
    await pressInDialog(page, 'Pay €29.00');
    await dialog.getByRole('button', { name: 'Decline payment' }).waitFor();
    await pressInDialog(page, 'Pay €29.00');
    await told(page, `Invoice ${number} is paid.`);
    expect((await invoiceOf(customerId)).payments).toHaveLength(1);
  });

  test('cards are added, made the default and removed, but not while one is needed', async () => {
    const page = await open(await newSubscriber(shop.plans.pro));
    await press(page, 'Remove Visa ending in 4242');
    await page.getByText('You cannot remove it while it is in use:').waitFor();
    await page.getByText('Plan Pro').waitFor();
    await press(page, 'Close');
    await press(page, 'Add payment method');
    await choose(page, /Mastercard/);
    await press(page, 'Add card');
    await told(page, 'Payment method added.');
    await press(page, 'Make default: Mastercard ending in 4444');
    await told(page, 'Mastercard ending in 4444 is now the default.');
    await expect.poll(() => focused(page)).toEqual(['card', 'Payment methods']);
    await press(page, 'Remove Visa ending in 4242');
    await press(page, 'Remove');
    await told(page, 'Payment method removed.');
    await page.getByText('Visa ending in 4242').waitFor({ state: 'detached' });
  });

  test('credits are bought, bought by themselves, and their history is told', async () => {
    const customerId = await newSubscriber(shop.plans.pro);
    const page = await open(customerId);
    await press(page, 'Buy credits: Tokens');
    await choose(page, /Large/);
    await press(page, 'Pay €40.00');
    await told(page, 'Credits added.');
    await page.getByText('5,000', { exact: true }).waitFor();
    await press(page, 'Edit: Automatic top-up');
    await fill(page, 'When the balance falls below', '250');
    await press(page, 'Save');
    await page.getByText('On: below 250 Tokens').waitFor();
    await press(page, 'History');
    const table = page.getByRole('table', { name: 'History' });
    await table.getByRole('cell', { name: '+5,000' }).waitFor();
    await press(page, 'Close');
    await table.waitFor({ state: 'detached' });
  });

  test('the first credits of all may want a confirmation, and are told of', async () => {
    const customerId = await newCustomer();
    await addCard(customerId, 'requires_form');
    const page = await open(customerId);
    await press(page, 'Buy credits: Tokens');
    await choose(page, /Small/);
    await press(page, 'Pay €10.00');
    await button(page, 'Decline payment').waitFor();
    await press(page, 'Pay €10.00');
    await told(page, 'Credits added.');
    await page.getByText('1,000', { exact: true }).waitFor();
    expect(await page.getByText('Credits added.').count()).toBe(1);
    await expect.poll(() => focused(page)).toEqual(['button', 'Buy credits']);
  });

  test('usage is a chart, and the same day by day in a table', async () => {
    const customerId = await newSubscriber(shop.plans.pro);
    const yesterday = new Date(Date.now() - 86_400_000).toISOString();
    await track(customerId, shop.event, 1234);
    await track(customerId, shop.event, 66, yesterday);
    const page = await open(customerId);
    const card = page.getByRole('region', { name: /^Usage/ });
    const summary = card.locator('summary');
    if (by === 'mouse') await summary.click();
    else {
      await tabTo(page, summary);
      await page.keyboard.press('Enter');
    }
    const table = card.getByRole('table');
    await table.waitFor();
    const rows = await table.locator('tbody tr').all();
    const cells = await Promise.all(rows.map((row) => row.getByRole('cell').allTextContents()));
    expect(await card.locator('[data-upay=chart-bar]').count()).toBe(cells.length);
    expect(cells.map(([, total]) => total).filter((total) => total !== '0')).toEqual([
      '1,234',
      '66',
    ]);
    await card.getByText('1,300', { exact: true }).waitFor();
  });

  test('billing details are changed, tax ids too', async () => {
    const customerId = await newCustomer();
    const page = await open(customerId);
    await press(page, 'Edit: Billing details');
    await fill(page, 'Name', 'Lovelace Ltd');
    await fill(page, 'Street address', '1 Analytical Way');
    await fill(page, 'City', 'London');
    await page.getByLabel('Country').selectOption('GB');
    await press(page, 'Add tax ID');
    await fill(page, 'Number', 'GB123456789');
    await page.getByLabel('Type').selectOption('gb_vat');
    await press(page, 'Save');
    await told(page, 'Saved.');
    await page.getByText('United Kingdom').waitFor();
    const customer = await ask<{ taxIds: object[] }>(`/customers/${customerId}`);
    expect(customer.taxIds).toEqual([{ type: 'gb_vat', value: 'GB123456789' }]);
  });
});

test('details are saved with a warning about characters that invoices cannot show', async () => {
  const page = await open(await newCustomer());
  await button(page, 'Edit: Billing details').click();
  await page.getByLabel('Name', { exact: true }).fill('Lugal \u{12217}');
  await button(page, 'Save').click();
  const status = page.getByRole('status').filter({ hasText: 'Saved.' });
  await status.filter({ hasText: 'Invoices cannot show some of the characters.' }).waitFor();
});

test('a purchase whose price has changed shows the new price and asks again', async () => {
  const customerId = await newSubscriber(shop.plans.pro);
  const page = await open(customerId);
  await button(page, 'Buy credits: Tokens').click();
  await page.getByRole('radio', { name: /Small/ }).check();
  const pay = (amount: string) => button(page, `Pay ${amount}`);
  await pay('€10.00').waitFor();
  const packages = `/credit-packages?creditCurrencyId=${shop.credits}`;
  const { data } = await ask<{ data: { id: string; name: string }[] }>(packages);
  const small = `/credit-packages/${data.find(({ name }) => name === 'Small')?.id ?? ''}`;
  await call(small, { price: 50_000 }, 'PATCH');
  try {
    await pay('€10.00').click();
    await page.getByRole('alert').filter({ hasText: 'The price has changed.' }).waitFor();
    await pay('€500.00').click();
    await page.getByRole('status').filter({ hasText: 'Credits added.' }).waitFor();
  } finally {
    await call(small, { price: 1000 }, 'PATCH');
  }
  const invoices = await ask<{ data: { totalAmount: number }[] }>(
    `/invoices?customerId=${customerId}`,
  );
  expect(invoices.data.map(({ totalAmount }) => totalAmount)).toEqual([50_000, 2900]);
});

test('what is wrong is told beside it, in the language of the page', async () => {
  const page = await open(await newCustomer(), { locale: 'de' });
  // The country can only be chosen, so what is sent is made wrong on its way.
  await page.route('**/customers/*', async (route) => {
    const data = route.request().postData()?.replace('"GB"', '"gb"');
    return route.continue(data === undefined ? {} : { postData: data });
  });
  await button(page, 'Bearbeiten: Rechnungsangaben').click();
  const field = (label: string) => page.getByLabel(label, { exact: true });
  await field('Name').fill('x'.repeat(300));
  await field('Straße und Hausnummer').fill('1 Analytical Way');
  await field('Ort').fill('London');
  await field('Land').selectOption('GB');
  await button(page, 'Steuernummer hinzufügen').click();
  await field('Nummer').fill('1'.repeat(50));
  await button(page, 'Speichern').click();
  await page.getByRole('alert').filter({ hasText: 'Bitte prüfen Sie Ihre Eingaben.' }).waitFor();
  for (const label of ['Name', 'Land', 'Nummer']) {
    const why = await field(label).getAttribute('aria-describedby');
    const told = page.locator(`[id="${why ?? ''}"]`);
    expect([label, await told.textContent()]).toEqual([label, expect.stringMatching(/^Bitte /)]);
  }
  expect(await page.locator('[aria-invalid=true]').count()).toBe(3);
});

test('a double click pays once', async () => {
  const { customerId, number } = await newDebtor(shop.plans.pro);
  await addCard(customerId);
  const page = await open(customerId);
  const sent: string[] = [];
  page.on('request', (request) => {
    if (request.method() === 'POST') sent.push(request.url());
  });
  await button(page, `Pay €29.00 for invoice ${number}`).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Pay €29.00' }).dblclick();
  await told(page, `Invoice ${number} is paid.`);
  expect(sent.filter((url) => url.endsWith('/pay'))).toHaveLength(1);
  expect((await invoiceOf(customerId)).payments).toHaveLength(1);
});

test('after an answer that was lost the next click is the same payment', async () => {
  const { customerId, number } = await newDebtor(shop.plans.pro);
  await addCard(customerId);
  const page = await open(customerId);
  const keys: (string | undefined)[] = [];
  await page.route('**/pay', async (route) => {
    keys.push(route.request().headers()['idempotency-key']);
    if (keys.length > 1) return route.continue();
    await route.fetch();
    return route.abort();
  });
  await button(page, `Pay €29.00 for invoice ${number}`).click();
  await pressInDialog(page, 'Pay €29.00');
  await page
    .getByRole('alert')
    .filter({ hasText: /No connection.* You will not be charged twice/ })
    .waitFor();
  await pressInDialog(page, 'Pay €29.00');
  await told(page, `Invoice ${number} is paid.`);
  expect(new Set(keys).size).toBe(1);
  expect((await invoiceOf(customerId)).payments).toHaveLength(1);
});

test('deep links open their dialog and tell how it ended', async () => {
  const { customerId } = await newDebtor(shop.plans.pro);
  await addCard(customerId);
  const { data } = await ask<{ data: { id: string }[] }>(`/invoices?customerId=${customerId}`);
  const flow = { type: 'pay_invoice', invoiceId: data[0]?.id };
  const page = await open(customerId, { flow: JSON.stringify(flow) });
  await pressInDialog(page, 'Pay €29.00');
  await page.getByRole('dialog', { name: /^Pay invoice/ }).waitFor();
  await pressInDialog(page, 'Pay €29.00');
  await page
    .getByTestId('flow-end')
    .filter({ hasText: 'completed' })
    .waitFor({ state: 'attached' });
  const other = await open(customerId, { flow: '{"type":"add_payment_method"}' });
  await other.getByRole('dialog').waitFor();
  await other.keyboard.press('Escape');
  await other
    .getByTestId('flow-end')
    .filter({ hasText: 'canceled' })
    .waitFor({ state: 'attached' });
});
