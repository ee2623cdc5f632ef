/** Every screen of the portal: whose it is, how it opens, and what is done until it is there. */
import type { Page } from 'playwright-core';

import type { MessageKey } from '../../src/locales/en.js';
import { ask, call, newCustomer } from '../support/backend.js';
import { addCard, newDebtor, newSubscriber, openShop, track } from '../support/shop.js';

export type Query = Record<string, string>;
export type Texts = Readonly<Record<MessageKey, string>>;

export interface Screen {
  who: string;
  query: Query;
  /** Stands in the way of the page's requests. */
  before?: (page: Page) => Promise<unknown>;
  /** The steps to the screen. */
  open?: (page: Page, t: Texts) => Promise<unknown>;
}

export const NAMES = [
  'all cards',
  'all cards, opened',
  'nothing yet',
  'nothing that can be read',
  'the end of the session',
  'plans',
  'a plan',
  'a cancellation',
  'a card',
  'a card to remove',
  'a card in use',
  'credits',
  'a ledger',
  'automatic top-up',
  'details',
  'details that are wrong',
  'an invoice',
  'a confirmation',
] as const;

const flow = (one: object): Query => ({ flow: JSON.stringify(one) });

const press = (page: Page, name: string) =>
  page.getByRole('button', { name, exact: true }).first().click();

/** In each language the texts are others; the cards are the same. */
const fill = (text: string, values: Record<string, string>) =>
  text.replace(/\{(\w+)\}/g, (_, name: string) => values[name] ?? '');
const cardOf = (t: Texts, brand: string, last4: string) =>
  fill(t['methods.card'], { brand, last4 });

export async function makeScreens(): Promise<Record<(typeof NAMES)[number], Screen>> {
  const shop = await openShop();
  /** Has a plan, cards, credits, usage and an invoice. */
  const who = await newSubscriber(shop.plans.pro);
  const owned = `/customers/${who}`;
  await call(`${owned}/top-ups`, { creditCurrencyId: shop.money, amount: 2000 });
  await track(who, shop.event, 1234);
  await call(`${owned}/payment-methods`, { processorToken: 'pm_sandbox_mastercard' });
  const { data: own } = await ask<{ data: { id: string }[] }>(`/subscriptions?customerId=${who}`);
  const subscriptionId = own[0]?.id;
  /** Owes an invoice, which wants a confirmation. */
  const { customerId: debtor } = await newDebtor(shop.plans.pro);
  await addCard(debtor, 'requires_form');
  const { data } = await ask<{ data: { id: string }[] }>(`/invoices?customerId=${debtor}`);
  const owing = flow({ type: 'pay_invoice', invoiceId: data[0]?.id });
  const details = flow({ type: 'billing_details' });
  const remove = (brand: string, last4: string) => (page: Page, t: Texts) =>
    press(page, fill(t['methods.removeOf'], { card: cardOf(t, brand, last4) }));
  return {
    'all cards': {
      who,
      query: {},
      open: (page) => page.locator('[data-upay=chart-plot]').waitFor(),
    },
    'all cards, opened': {
      who,
      query: {},
      open: async (page) => {
        for (const summary of await page.locator('summary').all()) await summary.click();
        await page.locator('[data-upay=bill]').waitFor();
        await page.locator('[data-upay=chart] [data-upay=table]').waitFor();
      },
    },
    'nothing yet': { who: await newCustomer(), query: {} },
    'nothing that can be read': {
      who,
      query: {},
      before: (page) =>
        page.route('**/v1/**', (route) => route.fulfill({ status: 500, body: 'oh' })),
      open: (page) => page.locator('[data-upay=failure]').nth(5).waitFor(),
    },
    'the end of the session': { who, query: { token: 'garbage' } },
    plans: { who, query: flow({ type: 'change_plan' }) },
    'a plan': { who, query: flow({ type: 'change_plan', planId: shop.plans.scale }) },
    'a cancellation': { who, query: flow({ type: 'cancel', subscriptionId }) },
    'a card': { who, query: flow({ type: 'add_payment_method' }) },
    'a card to remove': { who, query: {}, open: remove('Mastercard', '4444') },
    'a card in use': { who, query: {}, open: remove('Visa', '4242') },
    credits: { who, query: flow({ type: 'top_up', creditCurrencyId: shop.money }) },
    'a ledger': {
      who,
      query: {},
      open: async (page, t) => {
        await press(page, t['credits.ledger']);
        await page.getByRole('dialog').getByRole('table').waitFor();
      },
    },
    'automatic top-up': {
      who,
      query: {},
      open: async (page, t) => {
        await press(page, `${t['action.edit']}: ${t['credits.auto']}`);
        await page.getByLabel(t['credits.autoThreshold']).waitFor();
      },
    },
    details: { who, query: details },
    'details that are wrong': {
      who,
      query: details,
      open: async (page, t) => {
        await page.getByLabel(t['details.name'], { exact: true }).fill('x'.repeat(300));
        await press(page, t['action.save']);
        await page.locator('[aria-invalid=true]').waitFor();
      },
    },
    'an invoice': { who: debtor, query: owing },
    'a confirmation': {
      who: debtor,
      query: {},
      open: async (page, t) => {
        await page.locator('[data-upay=row-actions] .upay-button-primary').click();
        const dialog = page.getByRole('dialog');
        await dialog.locator('.upay-button-primary').click();
        await dialog.getByRole('button', { name: t['form.decline'] }).waitFor();
      },
    },
  };
}
