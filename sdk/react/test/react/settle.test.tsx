/** Outcomes of calls that may move money and their handlers, on React 18 and 19. */
import { act, cleanup, waitFor } from '@testing-library/react';
import { afterEach, beforeAll, expect, test, vi } from 'vitest';

import {
  useChangePlan,
  useCreateSubscription,
  usePayInvoice,
  useTopUp,
  type SettleHandlers,
  type SettleOutcome,
} from '../../src/index.js';
import { ask, call, mintFor, newCustomer } from '../support/backend.js';
import { provided } from '../support/provided.js';
import { addCard, newDebtor, newSubscriber, openShop, type Shop } from '../support/shop.js';

let shop: Shop;
/** Costs too little to be charged alone. */
let cheap: string;

beforeAll(async () => {
  shop = await openShop();
  const { id } = await call<{ id: string }>('/plans', {
    productId: shop.product,
    slug: `cheap-${crypto.randomUUID().slice(0, 8)}`,
    name: 'Cheap',
    tier: 1,
    billingInterval: 'month',
    currency: 'EUR',
    status: 'active',
    isPublic: true,
    charges: [{ type: 'recurring', amount: 20 }],
    entitlements: [],
  });
  cheap = id;
});
afterEach(cleanup);

const HANDLERS = [
  'onChargedInline',
  'onRequiresForm',
  'onInvoiceSent',
  'onInvoiceAdded',
  'onDeferred',
  'onCreated',
  'onNoAction',
  'onError',
] as const satisfies (keyof SettleHandlers)[];

const spies = () =>
  Object.fromEntries(HANDLERS.map((name) => [name, vi.fn()])) as Record<
    (typeof HANDLERS)[number],
    ReturnType<typeof vi.fn<(given: unknown) => void>>
  >;

function useVerbs(handlers: SettleHandlers) {
  const start = useCreateSubscription(handlers);
  const change = useChangePlan(handlers);
  const pay = usePayInvoice(handlers);
  const fill = useTopUp(handlers);
  return { start, change, pay, fill };
}

type Verbs = ReturnType<typeof useVerbs>;

const idOf = async (path: string) =>
  (await ask<{ data: { id: string }[] }>(path)).data[0]?.id ?? '';
const change = async ({ change: { changePlan } }: Verbs, customerId: string, planId: string) =>
  changePlan({
    subscriptionId: await idOf(`/subscriptions?customerId=${customerId}`),
    planId,
  });
const start = ({ start: { createSubscription } }: Verbs, planId: string) =>
  createSubscription({ planId });

async function newPayer(card = 'visa'): Promise<string> {
  const customerId = await newCustomer();
  await addCard(customerId, card);
  return customerId;
}

async function newInvoiced(): Promise<string> {
  const customerId = await newCustomer();
  await call(`/customers/${customerId}`, { collectionMethod: 'send_invoice' }, 'PATCH');
  return customerId;
}

type Case = [
  name: string,
  handler: (typeof HANDLERS)[number],
  kind: SettleOutcome['kind'],
  who: () => Promise<string>,
  act: (verbs: Verbs, customerId: string) => Promise<SettleOutcome>,
];

const CASES: Case[] = [
  [
    'a plan that a card pays',
    'onChargedInline',
    'charged_inline',
    newPayer,
    (verbs) => start(verbs, shop.plans.pro),
  ],
  [
    'a higher plan that a card pays',
    'onChargedInline',
    'charged_inline',
    () => newSubscriber(shop.plans.pro),
    (verbs, who) => change(verbs, who, shop.plans.scale),
  ],
  [
    'an invoice that a card pays',
    'onChargedInline',
    'charged_inline',
    async () => {
      const { customerId } = await newDebtor(shop.plans.pro);
      await addCard(customerId);
      return customerId;
    },
    async ({ pay }, who) => pay.payInvoice(await idOf(`/invoices?customerId=${who}`)),
  ],
  [
    'credits that a card pays',
    'onChargedInline',
    'charged_inline',
    newPayer,
    ({ fill }) => fill.topUp({ creditCurrencyId: shop.money, amount: 2500 }),
  ],
  [
    'a plan that wants a form',
    'onRequiresForm',
    'requires_form',
    () => newPayer('requires_form'),
    (verbs) => start(verbs, shop.plans.pro),
  ],
  [
    'credits that want a form',
    'onRequiresForm',
    'requires_form',
    () => newPayer('requires_form'),
    ({ fill }) => fill.topUp({ creditCurrencyId: shop.money, amount: 2500 }),
  ],
  [
    'a plan that is invoiced',
    'onInvoiceSent',
    'invoice_sent',
    newInvoiced,
    (verbs) => start(verbs, shop.plans.pro),
  ],
  [
    'a plan that costs too little to charge',
    'onInvoiceAdded',
    'invoice_added',
    newPayer,
    (verbs) => start(verbs, cheap),
  ],
  [
    'a lower plan, which comes later',
    'onDeferred',
    'deferred',
    () => newSubscriber(shop.plans.scale),
    (verbs, who) => change(verbs, who, shop.plans.pro),
  ],
  [
    'a plan that is free',
    'onCreated',
    'created_no_charge',
    newPayer,
    (verbs) => start(verbs, shop.plans.free),
  ],
  [
    'the plan that is there already',
    'onNoAction',
    'no_action',
    () => newSubscriber(shop.plans.pro),
    (verbs, who) => change(verbs, who, shop.plans.pro),
  ],
];

test.each(CASES)('%s is for %s', async (_, handler, kind, who, perform) => {
  const customerId = await who();
  const handlers = spies();
  const { run } = provided((await mintFor(customerId)).token);
  const { result } = run(() => useVerbs(handlers));
  const outcome = await act(() => perform(result.current, customerId));
  expect(outcome.kind).toBe(kind);
  for (const name of HANDLERS) {
    expect([name, handlers[name].mock.calls]).toEqual([name, name === handler ? [[outcome]] : []]);
  }
});

test('every kind of outcome was among them', () => {
  const taken = new Set(CASES.map(([, handler]) => handler));
  expect(HANDLERS.filter((name) => !taken.has(name))).toEqual(['onError']);
});

test('refusal calls onError, rejects and sets `error`', async () => {
  const customerId = await newPayer('declined');
  const handlers = spies();
  const { run } = provided((await mintFor(customerId)).token);
  const { result } = run(() => useVerbs(handlers));
  let refused: unknown;
  await act(async () => {
    refused = await start(result.current, shop.plans.pro).catch((error: unknown) => error);
  });
  expect(refused).toMatchObject({ status: 402, code: 'payment_declined' });
  for (const name of HANDLERS) {
    const calls = name === 'onError' ? [[refused]] : [];
    expect([name, handlers[name].mock.calls]).toEqual([name, calls]);
  }
  await waitFor(() => {
    expect(result.current.start).toMatchObject({ isPending: false, error: refused });
  });
  expect(result.current.change.error).toBeNull();
});
