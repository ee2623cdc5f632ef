/** A seller with something to sell, made by the API as an integrator would. */
import { call, newCustomer } from './backend.js';

interface Made {
  id: string;
}

export interface Shop {
  product: string;
  metric: string;
  /** The metered feature that counts it. */
  calls: string;
  /** The event name of the metric. */
  event: string;
  plans: { free: string; pro: string; scale: string; proYearly: string };
  credits: string;
  money: string;
}

/** Another one for each caller. */
export async function openShop(): Promise<Shop> {
  const n = crypto.randomUUID().slice(0, 8);
  const make = async (path: string, body: object) => (await call<Made>(path, body)).id;
  const product = await make('/products', { slug: `cloud-${n}`, name: 'Cloud' });
  const event = `api_call_${n}`;
  const metric = await make('/billable-metrics', {
    productId: product,
    eventName: event,
    name: 'API calls',
    aggregation: 'sum',
  });
  const credits = await make('/credit-currencies', {
    slug: `tokens-${n}`,
    name: 'Tokens',
    denomination: 'unit',
  });
  const money = await make('/credit-currencies', {
    slug: `prepaid-${n}`,
    name: 'Prepaid',
    denomination: 'EUR',
    minorUnitScale: 2,
  });
  for (const [name, amount, price] of [
    ['Small', 1000, 1000],
    ['Large', 5000, 4000],
  ] as const) {
    const body = { creditCurrencyId: credits, name, credits: amount, price, currency: 'EUR' };
    await make('/credit-packages', body);
  }
  const calls = await make('/features', {
    productId: product,
    slug: `calls-${n}`,
    name: 'API calls',
    type: 'metered',
    metricId: metric,
  });
  const plan = (slug: string, name: string, tier: number, amount: number, interval = 'month') =>
    make('/plans', {
      productId: product,
      slug: `${slug}-${n}`,
      name,
      tier,
      billingInterval: interval,
      currency: 'EUR',
      status: 'active',
      isPublic: true,
      charges: amount > 0 ? [{ type: 'recurring', amount }] : [],
      entitlements: [{ featureId: calls, type: 'metered', limit: amount > 0 ? null : 1000 }],
    });
  const plans = {
    free: await plan('free', 'Free', 0, 0),
    pro: await plan('pro', 'Pro', 1, 2900),
    scale: await plan('scale', 'Scale', 2, 9900),
    proYearly: await plan('pro-yearly', 'Pro', 1, 29_000, 'year'),
  };
  return { product, metric, calls, event, plans, credits, money };
}

/** Counts for them, now or at another time. */
export function track(
  customerId: string,
  eventName: string,
  quantity: number,
  timestamp = new Date().toISOString(),
): Promise<unknown> {
  const idempotencyKey = crypto.randomUUID();
  return call('/usage/track', { customerId, eventName, quantity, idempotencyKey, timestamp });
}

/** A card of the sandbox, as the default. */
export function addCard(customerId: string, card = 'visa'): Promise<Made> {
  const body = { processorToken: `pm_sandbox_${card}`, setDefault: true };
  return call(`/customers/${customerId}/payment-methods`, body);
}

/** A customer who has a plan and the card that pays it. */
export async function newSubscriber(planId: string, name = 'Ada'): Promise<string> {
  const customerId = await newCustomer(name);
  await addCard(customerId);
  await call('/subscriptions', { customerId, planId });
  return customerId;
}

/** Creates a customer who is billed by invoice and has not paid. */
export async function newDebtor(planId: string): Promise<{ customerId: string; number: string }> {
  const customerId = await newCustomer();
  await call(`/customers/${customerId}`, { collectionMethod: 'send_invoice' }, 'PATCH');
  const { invoice } = await call<{ invoice: { invoiceNumber: string } }>('/subscriptions', {
    customerId,
    planId,
  });
  return { customerId, number: invoice.invoiceNumber };
}
