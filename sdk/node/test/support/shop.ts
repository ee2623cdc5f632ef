/** Something to sell, on a server: a plan for money, with calls that are metered and answers that cost credits. */
import type { UnitPay } from '../../src/index.js';

export async function makeShop(unitpay: UnitPay) {
  const slug = `shop-${crypto.randomUUID()}`;
  const { id: productId } = await unitpay.products.create({ slug, name: 'Nimbus' });
  const metric = async (eventName: string) =>
    unitpay.billableMetrics.create({ productId, eventName, name: eventName, aggregation: 'sum' });
  const [calls, answers] = [await metric(`call-${slug}`), await metric(`answer-${slug}`)];
  const credits = await unitpay.creditCurrencies.create({
    slug,
    name: 'AI credits',
    denomination: 'unit',
  });
  const feature = { productId, name: 'Feature' };
  const metered = await unitpay.features.create({
    ...feature,
    slug: `calls-${slug}`.slice(0, 60),
    type: 'metered',
    metricId: calls.id,
  });
  const credit = await unitpay.features.create({
    ...feature,
    slug: `answers-${slug}`.slice(0, 60),
    type: 'credit',
    metricId: answers.id,
    creditCurrencyId: credits.id,
    creditCost: '2',
  });
  const plan = (name: string, amount: number) =>
    unitpay.plans.create({
      productId,
      slug: `${name}-${slug}`.slice(0, 60),
      name,
      billingInterval: 'month',
      currency: 'USD',
      status: 'active',
      charges: amount === 0 ? [] : [{ type: 'recurring', amount }],
      entitlements: [
        { featureId: metered.id, type: 'metered', limit: 10 },
        { featureId: credit.id, type: 'credit' },
      ],
      grantRules: [{ creditCurrencyId: credits.id, amount: 50, cadence: 'period', rolloverCap: 0 }],
    });
  return {
    productId,
    calls,
    answers,
    credits,
    metered,
    credit,
    free: await plan('free', 0),
    pro: await plan('pro', 2900),
    scale: await plan('scale', 9900),
  };
}

export type Shop = Awaited<ReturnType<typeof makeShop>>;
