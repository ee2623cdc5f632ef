/** Each success message stays after its dialog has closed. */
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';

import { call, mint } from './support/backend.js';
import { launch, openTab } from './support/browser.js';

let browser: Browser;
let context: BrowserContext;
let planId: string;

interface Listed {
  data: { id: string; slug: string; status: string }[];
}

beforeAll(async () => {
  browser = await launch();
  const { data } = await call<Listed>('GET', '/plans?limit=100');
  planId = data.find(({ slug }) => slug === 'pro-monthly')?.id ?? '';
});
afterAll(() => browser.close());
beforeEach(async () => {
  context = await browser.newContext();
  // Counts the `close` events of dialogs, which arrive after the dialogs are gone.
  await context.addInitScript(() => {
    const page = globalThis as unknown as { closedDialogs: number };
    page.closedDialogs = 0;
    const method = Object.getOwnPropertyDescriptor(HTMLDialogElement.prototype, 'showModal');
    const showModal = method?.value as (this: HTMLDialogElement) => void;
    HTMLDialogElement.prototype.showModal = function (this: HTMLDialogElement) {
      this.addEventListener('close', () => {
        page.closedDialogs += 1;
      });
      showModal.call(this);
    };
  });
});
afterEach(() => context.close());

async function newSubscriber(): Promise<string> {
  const customer = { name: 'Ada', email: 'ada@example.com' };
  const { id } = await call<{ id: string }>('POST', '/customers', customer);
  for (const card of ['visa', 'mastercard']) {
    const processorToken = `pm_sandbox_${card}`;
    const body = { processorToken, setDefault: card === 'visa' };
    await call('POST', `/customers/${id}/payment-methods`, body);
  }
  await call('POST', '/subscriptions', { customerId: id, planId });
  return id;
}

const press = (page: Page, name: string | RegExp) =>
  page.getByRole('dialog').last().getByRole('button', { name }).last().click();

/** Each task: the button that starts it, the steps in its dialog, and the message at its end. */
const TASKS: [string, string | RegExp, (page: Page) => Promise<void>, string | RegExp][] = [
  [
    'a change of plan',
    'Change plan',
    async (page) => {
      await press(page, 'Upgrade to Scale');
      await press(page, /^Pay \$/);
    },
    'Your plan is now Scale.',
  ],
  ['a cancellation', 'Cancel plan', (page) => press(page, 'Cancel plan'), /^Ends on /],
  ['a new card', 'Add payment method', (page) => press(page, 'Add card'), 'Payment method added.'],
  [
    'a removed card',
    'Remove Mastercard ending in 4444',
    (page) => press(page, 'Remove'),
    'Payment method removed.',
  ],
  ['a top-up', /^Buy credits/, (page) => press(page, /^Pay \$/), 'Credits added.'],
  [
    'a change of the details',
    'Edit: Billing details',
    async (page) => {
      await page.getByLabel('Name', { exact: true }).fill('Grace');
      await press(page, 'Save');
    },
    'Saved.',
  ],
];

/** Waits for the dialogs' late events, and then for the page to render what they changed. */
async function settle(page: Page, dialogs: number): Promise<void> {
  await page.waitForFunction(
    (wanted) => (globalThis as unknown as { closedDialogs: number }).closedDialogs >= wanted,
    dialogs,
  );
  await page.evaluate(
    () =>
      new Promise<void>((resolve) => {
        requestAnimationFrame(() => {
          setTimeout(resolve);
        });
      }),
  );
}

test.each(TASKS)('the message of %s stays', async (_, start, run, message) => {
  const { page, said } = await openTab(
    context,
    (await mint({ customerId: await newSubscriber() })).url,
  );
  await page.getByRole('button', { name: start }).first().click();
  await page.getByRole('dialog').first().waitFor();
  await run(page);
  const shown = page.getByRole('status').filter({ hasText: message });
  await shown.first().waitFor();
  await settle(page, 1);
  expect(await shown.count()).toBe(1);
  expect(said).toEqual([]);
});

test('the message of a paid invoice stays', async () => {
  const customerId = await newSubscriber();
  await call('PATCH', `/customers/${customerId}`, { collectionMethod: 'send_invoice' });
  const { data } = await call<Listed>('GET', '/credit-currencies');
  const packages = await call<Listed>('GET', '/credit-packages');
  await call('POST', `/customers/${customerId}/top-ups`, {
    creditCurrencyId: data[0]?.id,
    packageId: packages.data[0]?.id,
  });
  const { page, said } = await openTab(context, (await mint({ customerId })).url);
  await page
    .getByRole('button', { name: /^Pay \$\S+ for invoice/ })
    .first()
    .click();
  await press(page, /^Pay \$/);
  const shown = page.getByRole('status').filter({ hasText: /^Invoice \S+ is paid\.$/ });
  await shown.first().waitFor();
  await settle(page, 1);
  expect(await shown.count()).toBe(1);
  expect(said).toEqual([]);
});
