/** A plan that gives a feature of every type, and the customers who use it. */
import { ask, call, newCustomer } from './backend.js';
import { addCard, track } from './shop.js';

export const TYPES = ['boolean', 'metered', 'credit', 'config', 'enum'] as const;
type FeatureType = (typeof TYPES)[number];

export interface Offer {
  /** Of each type's feature. */
  slugs: Record<FeatureType, string>;
  /** Of what the metered feature counts. */
  metricId: string;
  /** Has used 4 of 10 calls and 10 of 100 tokens. */
  user: string;
  /** The event that debits two tokens. */
  debitEvent: string;
  /** The user's wallet. */
  accountId: string;
  /** Has used every call, and never had a token. */
  spent: string;
}

/** Another one for each caller. */
export async function openOffer(): Promise<Offer> {
  const n = crypto.randomUUID().slice(0, 8);
  const make = async (path: string, body: object) => (await call<{ id: string }>(path, body)).id;
  const productId = await make('/products', { slug: `desk-${n}`, name: 'Desk' });
  const metric = (eventName: string) =>
    make('/billable-metrics', { productId, eventName, name: eventName, aggregation: 'sum' });
  const [callsOf, answersOf] = [`desk_call_${n}`, `desk_answer_${n}`];
  const [metricId, answers] = [await metric(callsOf), await metric(answersOf)];
  const creditCurrencyId = await make('/credit-currencies', {
    slug: `desk-tokens-${n}`,
    name: 'Desk tokens',
    denomination: 'unit',
  });
  const packageId = await make('/credit-packages', {
    creditCurrencyId,
    name: 'Small',
    credits: 100,
    price: 500,
    currency: 'EUR',
  });
  const slugs = {
    boolean: `sso-${n}`,
    metered: `desk-calls-${n}`,
    credit: `answers-${n}`,
    config: `support-${n}`,
    enum: `regions-${n}`,
  };
  const more = {
    metered: { metricId },
    credit: { metricId: answers, creditCurrencyId, creditCost: '2' },
  };
  const given = {
    metered: { limit: 10 },
    config: { value: 'Priority' },
    enum: { values: ['eu', 'us'] },
  };
  const entitlements: object[] = [];
  for (const type of TYPES) {
    const of = (all: Partial<Record<FeatureType, object>>) => all[type] ?? {};
    const body = { productId, slug: slugs[type], name: type, type, ...of(more) };
    entitlements.push({ featureId: await make('/features', body), type, ...of(given) });
  }
  const planId = await make('/plans', {
    productId,
    slug: `desk-free-${n}`,
    name: 'Desk',
    tier: 0,
    billingInterval: 'month',
    currency: 'EUR',
    status: 'active',
    isPublic: true,
    charges: [],
    entitlements,
  });
  const subscribe = async () => {
    const customerId = await newCustomer();
    await call('/subscriptions', { customerId, planId });
    return customerId;
  };
  const [user, spent] = [await subscribe(), await subscribe()];
  await addCard(user);
  const bought = await call<{ invoice: object }>(`/customers/${user}/top-ups`, {
    creditCurrencyId,
    packageId,
  });
  if (!('invoice' in bought)) throw new Error(JSON.stringify(bought));
  await track(user, callsOf, 4);
  await track(user, answersOf, 5);
  await track(spent, callsOf, 10);
  return { slugs, metricId, user, spent, debitEvent: answersOf, accountId: await accountOf(user) };
}

async function accountOf(customerId: string): Promise<string> {
  const path = `/customers/${customerId}/credit-accounts`;
  const { data } = await ask<{ data: { id: string }[] }>(path);
  return data[0]?.id ?? '';
}
