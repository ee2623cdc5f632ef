import { beforeAll, expect, test } from 'vitest';

import type { CreditAccount } from '../src/index.js';
import { client, failure, newCustomer } from './support/client.js';
import { makeShop, type Shop } from './support/shop.js';

const unitpay = client();
let shop: Shop;
let customerId: string;

beforeAll(async () => {
  shop = await makeShop(unitpay);
  customerId = (await newCustomer()).id;
  await unitpay.paymentMethods.add(customerId, { processorToken: 'pm_sandbox_visa' });
  await unitpay.subscriptions.create({ customerId, planId: shop.free.id });
});

async function wallet(): Promise<CreditAccount> {
  const [account] = await unitpay.customers.listCreditAccounts(customerId).toArray();
  if (account === undefined) throw new Error('no wallet');
  return account;
}

async function answer(quantity: number) {
  return unitpay.track({ customerId, eventName: shop.answers.eventName, quantity });
}

test('credits are bought, given, spent and given back, and the ledger tells of each', async () => {
  const before = await wallet();
  expect(before).toMatchObject({ balance: 50, status: 'active', autoTopUp: null });
  expect(await unitpay.credits.listAccounts({ customerId }).toArray()).toEqual([before]);
  const offer = { name: 'Hundred', credits: 100, price: 500, currency: 'USD' };
  const creditCurrencyId = shop.credits.id;
  const { id: packageId } = await unitpay.creditPackages.create({ creditCurrencyId, ...offer });
  const bought = await unitpay.credits.topUp(customerId, {
    creditCurrencyId,
    packageId,
    quantity: 2,
  });
  expect(bought).toMatchObject({ kind: 'charged_inline', invoice: { totalAmount: 1000 } });
  expect(await unitpay.credits.listTopUps(before.id).toArray()).toMatchObject([
    { status: 'succeeded', credits: 200, amount: 1000, automatic: false },
  ]);
  const gift = { amount: 7, description: 'sorry' };
  expect(await unitpay.credits.grant(before.id, gift)).toMatchObject({ source: 'promotional' });
  expect(await answer(4)).toMatchObject({ accepted: 1 });
  const [spent] = await unitpay.credits.ledger(before.id).toArray({ max: 1 });
  expect(spent).toMatchObject({ type: 'deduction', amount: -8, balanceAfter: 249 });
  const refund = { ledgerEntryId: spent?.id ?? '' };
  expect(await unitpay.credits.refund(before.id, refund)).toMatchObject({
    type: 'refund',
    amount: 8,
  });
  expect(await failure(unitpay.credits.refund(before.id, refund))).toMatchObject({
    name: 'ConflictError',
  });
  const entries = await unitpay.credits.ledger(before.id, { limit: 2 }).toArray();
  expect(entries.map(({ amount }) => amount)).toEqual([8, -8, 7, 200, 50]);
  const stats = await unitpay.credits.stats({ creditAccountId: before.id, days: 7 });
  expect(stats).toMatchObject({ balance: 257, granted: 257, used: 0 });
  expect(stats.days).toHaveLength(7);
});

test('a frozen wallet pays for nothing until it is unfrozen', async () => {
  const { id } = await wallet();
  expect(await unitpay.credits.freeze(id)).toMatchObject({ status: 'frozen' });
  expect((await answer(1)).rejections).toMatchObject([{ reason: 'rejected_insufficient_credits' }]);
  expect(await unitpay.credits.unfreeze(id)).toMatchObject({ status: 'active' });
  expect(await answer(1)).toMatchObject({ accepted: 1, rejections: [] });
});

test('a wallet is told to top itself up, and not to', async () => {
  const offer = { name: 'Ten', credits: 10, price: 100, currency: 'USD' };
  const creditCurrencyId = shop.credits.id;
  const { id: packageId } = await unitpay.creditPackages.create({ creditCurrencyId, ...offer });
  const rule = { enabled: true, mode: 'package', threshold: 5, packageId } as const;
  const set = await unitpay.credits.setAutoTopUp(customerId, creditCurrencyId, rule);
  expect(set.autoTopUp).toMatchObject({ ...rule, quantity: 1, maxPerMonth: 10, paused: false });
  const off = { ...rule, enabled: false };
  const unset = await unitpay.credits.setAutoTopUp(customerId, creditCurrencyId, off);
  expect(unset.autoTopUp?.enabled).toBe(false);
});
