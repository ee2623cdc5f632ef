import { beforeAll, expect, test } from 'vitest';

import { client, failure, newCustomer } from './support/client.js';
import { makeShop, type Shop } from './support/shop.js';

const unitpay = client();
let shop: Shop;
let customerId: string;

beforeAll(async () => {
  shop = await makeShop(unitpay);
  customerId = (await newCustomer()).id;
  await unitpay.subscriptions.create({ customerId, planId: shop.free.id });
});

test('an event counts once for its key, and one of several may be refused', async () => {
  const event = { customerId, eventName: shop.calls.eventName, quantity: 3, idempotencyKey: 'a' };
  expect(await unitpay.track(event)).toEqual({ accepted: 1, rejected: 0, rejections: [] });
  const again = await unitpay.usage.track([event, { ...event, quantity: 4 }]);
  expect(again).toMatchObject({ accepted: 1, rejected: 1 });
  expect(again.rejections).toMatchObject([{ index: 1, reason: 'rejected_duplicate' }]);
  // Without a key each call counts.
  const keyless = { customerId, eventName: shop.calls.eventName, quantity: '0.5' };
  await unitpay.track(keyless);
  await unitpay.track(keyless);
  const { id: metricId } = shop.calls;
  expect(await unitpay.usage.get({ customerId, metricId })).toMatchObject({
    usage: '4',
    limit: 10,
    isUnlimited: false,
    percentage: 40,
  });
  const day = new Date().toISOString().slice(0, 10);
  const { data } = await unitpay.usage.aggregate({ customerId, from: day, to: day });
  expect(data).toEqual([{ date: day, eventName: event.eventName, total: '4' }]);
});

test('check tells what may be used, and why not', async () => {
  const limited = { customerId, featureSlug: shop.metered.slug };
  expect(await unitpay.check({ ...limited, requestedUsage: 6 })).toMatchObject({
    access: true,
    remaining: '6',
  });
  expect(await unitpay.check({ ...limited, requestedUsage: '6.000001' })).toMatchObject({
    access: false,
    deniedReason: 'usage_exceeded',
  });
  const paid = { customerId, featureSlug: shop.credit.slug };
  expect(await unitpay.check({ ...paid, requestedUsage: 25 })).toMatchObject({
    access: true,
    creditBalance: 50,
  });
  expect((await unitpay.check({ ...paid, requestedUsage: 26 })).deniedReason).toBe(
    'credit_exhausted',
  );
  const { id: nobody } = await newCustomer();
  expect((await unitpay.check({ ...paid, customerId: nobody })).deniedReason).toBe(
    'no_entitlement',
  );
  expect(await failure(unitpay.check({ customerId, featureSlug: 'none' }))).toMatchObject({
    name: 'NotFoundError',
  });
  const { data } = await unitpay.customers.entitlements(customerId);
  expect(data.map(({ slug, type }) => [slug, type])).toEqual(
    expect.arrayContaining([
      [shop.metered.slug, 'metered'],
      [shop.credit.slug, 'credit'],
    ]),
  );
});
