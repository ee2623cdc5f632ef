/** The demo's company through the SDK, as its backend sees it: what was, and what can be done. */
import { afterAll, beforeAll, expect, test } from 'vitest';

import { PaymentError, UnitPay } from '../src/index.js';
import { failure } from './support/client.js';
import { startDemo } from './support/program.js';

let demo: Awaited<ReturnType<typeof startDemo>>;
let unitpay: UnitPay;

beforeAll(async () => {
  demo = await startDemo();
  unitpay = new UnitPay(demo);
}, 60_000);
afterAll(() => demo.stop());

const day = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);

async function subscriptionOf(customerId: string) {
  const [subscription] = await unitpay.subscriptions.list({ customerId }).toArray();
  if (subscription === undefined) throw new Error(`${customerId} has no subscription`);
  return subscription;
}

async function walletOf(customerId: string) {
  const [wallet] = await unitpay.customers.listCreditAccounts(customerId).toArray();
  if (wallet === undefined) throw new Error(`${customerId} has no wallet`);
  return wallet;
}

async function planOf(slug: string) {
  const plan = (await unitpay.plans.list().toArray()).find((plan) => plan.slug === slug);
  if (plan === undefined) throw new Error(`no plan ${slug}`);
  return plan;
}

test('its pricing has three sizes, by month and by year', async () => {
  const [product] = await unitpay.products.list().toArray();
  const { tiers } = await unitpay.pricing(product?.id ?? '');
  expect(tiers.map(({ name }) => name)).toEqual(['Free', 'Pro', 'Scale']);
  expect(tiers.map(({ monthly, yearly }) => [monthly.length, yearly.length])).toEqual([
    [1, 1],
    [1, 1],
    [1, 1],
  ]);
});

test.for([
  ['cus_123', 'active'],
  ['acme', 'active'],
  ['globex', 'past_due'],
] as const)('%s has months behind it', async ([customerId, status]) => {
  expect((await subscriptionOf(customerId)).status).toBe(status);
  const invoices = await unitpay.customers.listInvoices(customerId).toArray();
  expect(invoices.length).toBeGreaterThanOrEqual(4);
  for (const { id, subtotal } of invoices) {
    const { items } = await unitpay.invoices.get(id);
    expect(items.reduce((sum, { amount }) => sum + amount, 0)).toBe(subtotal);
    expect((await unitpay.invoices.pdf(id)).byteLength).toBeGreaterThan(5000);
  }
  const wallet = await walletOf(customerId);
  const entries = await unitpay.credits.ledger(wallet.id, { limit: 100 }).toArray();
  expect(entries.length).toBeGreaterThan(200);
  expect(entries.reduce((sum, { amount }) => sum + amount, 0)).toBe(wallet.balance);
  expect(wallet.grants.reduce((sum, { remaining }) => sum + remaining, 0)).toBe(wallet.balance);
  const { data } = await unitpay.usage.aggregate({ customerId, from: day(-30), to: day(-1) });
  expect(new Set(data.map(({ eventName }) => eventName))).toEqual(
    new Set(['ai_answer', 'api_call', 'report']),
  );
});

test('an upgrade costs what its preview shows; a cancellation is taken back', async () => {
  const { id } = await subscriptionOf('cus_123');
  const { id: planId } = await planOf('scale-monthly');
  const { totalAmount, prorationDate } = await unitpay.subscriptions.previewChange(id, { planId });
  expect(totalAmount).toBeGreaterThan(0);
  const outcome = await unitpay.subscriptions.changePlan(id, { planId, prorationDate });
  expect(outcome).toMatchObject({ kind: 'charged_inline', invoice: { totalAmount } });
  expect(await unitpay.subscriptions.cancel(id)).toMatchObject({ cancelAtPeriodEnd: true });
  expect(await unitpay.subscriptions.uncancel(id)).toMatchObject({ cancelAtPeriodEnd: false });
});

test('the invoice that is past due is paid by a better card', async () => {
  const [invoice] = await unitpay.invoices
    .list({ customerId: 'globex', status: 'overdue' })
    .toArray();
  const id = invoice?.id ?? '';
  expect(await failure(unitpay.invoices.pay(id))).toBeInstanceOf(PaymentError);
  const card = await unitpay.paymentMethods.add('globex', { processorToken: 'pm_sandbox_visa' });
  const outcome = await unitpay.invoices.pay(id, { paymentMethodId: card.id });
  expect(outcome).toMatchObject({ kind: 'charged_inline', invoice: { status: 'paid' } });
  expect((await subscriptionOf('globex')).status).toBe('active');
});

test('credits are bought, and usage comes off them', async () => {
  const { id, balance, creditCurrencyId } = await walletOf('acme');
  const packages = await unitpay.creditPackages.list({ creditCurrencyId }).toArray();
  const { id: packageId, credits = 0 } = packages.find(({ credits }) => credits === 5000) ?? {};
  await unitpay.credits.topUp('acme', { creditCurrencyId, packageId });
  await unitpay.track({ customerId: 'acme', eventName: 'ai_answer', quantity: 10 });
  expect((await walletOf('acme')).balance).toBe(balance + credits - 20);
  const [newest] = await unitpay.credits.ledger(id).toArray({ max: 1 });
  expect(newest).toMatchObject({ type: 'deduction' });
});
