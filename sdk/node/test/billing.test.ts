/** Subscriptions, invoices and payments, on a server of their own: its test clock moves. */
import { afterAll, beforeAll, expect, test } from 'vitest';

import { ConflictError, PaymentError, UnitPay, type SettleOutcome } from '../src/index.js';
import { failure } from './support/client.js';
import { startServer, type Server } from './support/program.js';
import { makeShop, type Shop } from './support/shop.js';

let server: Server;
let unitpay: UnitPay;
let shop: Shop;

beforeAll(async () => {
  server = await startServer();
  unitpay = new UnitPay(server);
  shop = await makeShop(unitpay);
});
afterAll(() => server.stop());

async function customer(token?: string): Promise<string> {
  const { id } = await unitpay.customers.create({ name: 'Ada', email: 'ada@example.com' });
  if (token !== undefined) await unitpay.paymentMethods.add(id, { processorToken: token });
  return id;
}

function expectKind<K extends SettleOutcome['kind']>(
  outcome: SettleOutcome,
  kind: K,
): Extract<SettleOutcome, { kind: K }> {
  expect(outcome.kind).toBe(kind);
  return outcome as Extract<SettleOutcome, { kind: K }>;
}

test('the catalog is made, read, listed, changed and shown', async () => {
  expect(await unitpay.plans.get(shop.pro.id)).toEqual(shop.pro);
  const plans = await unitpay.plans.list({ productId: shop.productId }).toArray();
  expect(plans.map(({ name }) => name)).toEqual(['scale', 'pro', 'free']);
  const description = 'For teams.';
  expect(await unitpay.plans.update(shop.pro.id, { description })).toMatchObject({ description });
  const { product, tiers } = await unitpay.pricing(shop.productId);
  expect(product.id).toBe(shop.productId);
  expect(tiers.flatMap(({ monthly }) => monthly.map(({ name }) => name)).sort()).toEqual([
    'free',
    'pro',
    'scale',
  ]);
  const branding = await unitpay.putBranding({ name: 'Nimbus', accentColor: '#3b5bdb' });
  expect(await unitpay.getBranding()).toEqual(branding);
});

test('a subscription is previewed, made, changed, canceled and taken back', async () => {
  const customerId = await customer('pm_sandbox_visa');
  const wanted = { customerId, planId: shop.pro.id };
  expect(await unitpay.subscriptions.preview(wanted)).toMatchObject({ totalAmount: 2900 });
  const made = expectKind(await unitpay.subscriptions.create(wanted), 'charged_inline');
  expect(made.invoice).toMatchObject({ status: 'paid', totalAmount: 2900 });
  const id = made.subscription?.id ?? '';
  expect(await unitpay.subscriptions.get(id)).toMatchObject({ id, status: 'active' });
  expect(await unitpay.subscriptions.list({ customerId }).toArray()).toHaveLength(1);
  expect(await failure(unitpay.subscriptions.create(wanted))).toMatchObject({
    name: 'ConflictError',
    code: 'subscription_exists',
  });

  const planId = shop.scale.id;
  const shown = await unitpay.subscriptions.previewChange(id, { planId });
  const { prorationDate } = shown;
  const change = await unitpay.subscriptions.changePlan(id, { planId, prorationDate });
  expect(expectKind(change, 'charged_inline').invoice.totalAmount).toBe(shown.totalAmount);
  const back = await unitpay.subscriptions.changePlan(id, { planId: shop.pro.id });
  expect(expectKind(back, 'deferred').effectiveAt).toBe(
    back.kind === 'deferred' && back.subscription.currentBillingPeriodEnd,
  );

  expect(await unitpay.subscriptions.cancel(id)).toMatchObject({ cancelAtPeriodEnd: true });
  expect(await unitpay.subscriptions.uncancel(id)).toMatchObject({ cancelAtPeriodEnd: false });
  expect(await unitpay.subscriptions.upcomingInvoice(id)).toHaveProperty('invoice');
  const ended = await unitpay.subscriptions.cancel(id, { mode: 'now', reason: 'moved' });
  expect(ended.status).toBe('canceled');
  expect(await failure(unitpay.subscriptions.cancel(id))).toMatchObject({
    code: 'subscription_not_active',
  });
});

test('what the customer must do is asked for, and what is declined changes nothing', async () => {
  const without = await customer();
  const outcome = await unitpay.subscriptions.create({ customerId: without, planId: shop.pro.id });
  const form = expectKind(outcome, 'requires_form');
  expect(form).toMatchObject({
    reason: 'payment_method_required',
    client: { processor: 'sandbox' },
  });
  expect(form.subscription?.status).toBe('pending');

  const poor = await customer('pm_sandbox_declined');
  const error = await failure(
    unitpay.subscriptions.create({ customerId: poor, planId: shop.pro.id }),
  );
  expect(error).toBeInstanceOf(PaymentError);
  expect(error).toMatchObject({ code: 'payment_declined', declineReason: 'card_declined' });
  expect(await unitpay.subscriptions.list({ customerId: poor }).toArray()).toEqual([]);
});

test('invoices are listed, read, drawn, paid, voided and paid by transfer', async () => {
  const customerId = await customer();
  await unitpay.customers.update(customerId, { collectionMethod: 'send_invoice', netDays: 14 });
  const wanted = { customerId, planId: shop.pro.id };
  const { invoice } = expectKind(await unitpay.subscriptions.create(wanted), 'invoice_sent');
  expect(await unitpay.invoices.list({ customerId }).toArray()).toMatchObject([{ id: invoice.id }]);
  expect(await unitpay.customers.listInvoices(customerId).toArray()).toHaveLength(1);
  const whole = await unitpay.invoices.get(invoice.id);
  expect(whole.items).toMatchObject([{ type: 'recurring', amount: 2900 }]);
  const pdf = await unitpay.invoices.pdf(invoice.id);
  expect(new TextDecoder().decode(pdf.slice(0, 5))).toBe('%PDF-');

  const part = await unitpay.invoices.recordPayment(invoice.id, { amount: 900, reference: 'SEPA' });
  expect(part).toMatchObject({ status: 'partially_paid', amountDue: 2000 });
  expect(await failure(unitpay.invoices.void(invoice.id))).toMatchObject({
    code: 'invoice_not_payable',
  });
  const card = await unitpay.paymentMethods.add(customerId, { processorToken: 'pm_sandbox_visa' });
  const paid = await unitpay.invoices.pay(invoice.id, { paymentMethodId: card.id });
  expect(expectKind(paid, 'charged_inline').invoice).toMatchObject({
    status: 'paid',
    amountDue: 0,
  });
  expect((await unitpay.invoices.get(invoice.id)).payments.map(({ amount }) => amount)).toEqual([
    900, 2000,
  ]);

  const { invoice: second } = expectKind(
    await unitpay.credits.topUp(customerId, {
      creditCurrencyId: shop.credits.id,
      packageId: (await pack()).id,
    }),
    'invoice_sent',
  );
  expect(await unitpay.invoices.void(second.id)).toMatchObject({ status: 'void' });
});

test('a balance is adjusted, shown in previews and pays before the card', async () => {
  const customerId = await customer('pm_sandbox_visa');
  const currency = 'USD';
  const entry = await unitpay.customers.adjustBalance(
    customerId,
    { currency, amount: 900, description: 'Goodwill' },
    { idempotencyKey: `balance-${customerId}` },
  );
  expect(entry).toMatchObject({ type: 'adjustment', amount: 900, balanceAfter: 900 });
  const wanted = { customerId, planId: shop.pro.id };
  expect(await unitpay.subscriptions.preview(wanted)).toMatchObject({
    totalAmount: 2900,
    balanceApplied: 900,
    amountDue: 2000,
  });
  const { invoice } = expectKind(await unitpay.subscriptions.create(wanted), 'charged_inline');
  expect(invoice).toMatchObject({ balanceApplied: 900, amountPaid: 2000, amountDue: 0 });
  const { balances } = await unitpay.customers.balance(customerId);
  expect(balances).toMatchObject([{ currency, amount: 0 }]);
  const entries = await unitpay.customers.listBalanceEntries(customerId, { currency }).toArray();
  expect(entries.map(({ type, amount }) => [type, amount])).toEqual([
    ['applied', -900],
    ['adjustment', 900],
  ]);
  const take = unitpay.customers.adjustBalance(customerId, { currency, amount: -1 });
  expect(await failure(take)).toMatchObject({ code: 'amount_out_of_range' });
});

test('an invoice is written, and an item waits for the next one', async () => {
  const customerId = await customer('pm_sandbox_visa');
  const items = [{ description: 'Hours', quantity: 3, unitAmount: 9000 }];
  const written = { customerId, currency: 'USD', items };
  expect(await unitpay.invoices.create({ ...written, dueInDays: 14 })).toMatchObject({
    status: 'issued',
    reason: 'manual',
    totalAmount: 27_000,
  });
  expect(await unitpay.invoices.create({ ...written, autoCollect: true })).toMatchObject({
    status: 'paid',
    amountPaid: 27_000,
  });
  const item = { customerId, description: 'Import', unitAmount: 500 };
  expect((await unitpay.invoices.createItem(item)).items).toMatchObject([{ amount: 500 }]);
});

test('a paid invoice is credited, refunded in part, shown and drawn', async () => {
  const customerId = await customer('pm_sandbox_visa');
  const wanted = { customerId, planId: shop.pro.id };
  const { invoice } = expectKind(await unitpay.subscriptions.create(wanted), 'charged_inline');
  const order = {
    amount: 900,
    reason: 'order_change',
    refundAmount: 600,
    creditAmount: 300,
  } as const;
  const amounts = await unitpay.creditNotes.preview(invoice.id, order);
  expect(amounts).toMatchObject({ totalAmount: 900, amountDueReduction: 0, refundAmount: 600 });
  const note = await unitpay.creditNotes.create(invoice.id, order);
  expect(note).toMatchObject(amounts);
  expect(note.refunds).toMatchObject([{ amount: 600, status: 'succeeded' }]);
  expect(await unitpay.creditNotes.get(note.id)).toEqual(note);
  const more = await unitpay.creditNotes.create(invoice.id, { amount: 100, reason: 'other' });
  const list = await unitpay.creditNotes.list({ invoiceId: invoice.id }).toArray();
  expect(list.map(({ id }) => id)).toEqual([more.id, note.id]);
  const pdf = await unitpay.creditNotes.pdf(note.id);
  expect(new TextDecoder().decode(pdf.slice(0, 5))).toBe('%PDF-');
  expect(await unitpay.creditNotes.void(more.id)).toMatchObject({ status: 'void' });
  expect(await failure(unitpay.creditNotes.void(note.id))).toMatchObject({ code: 'conflict' });
  expect(await unitpay.invoices.get(invoice.id)).toMatchObject({ amountCredited: 900 });
  const { balances } = await unitpay.customers.balance(customerId);
  expect(balances).toMatchObject([{ currency: 'USD', amount: 300 }]);
});

function pack() {
  const offer = { name: 'Hundred', credits: 100, price: 500, currency: 'USD' };
  return unitpay.creditPackages.create({ creditCurrencyId: shop.credits.id, ...offer });
}

test('payment methods are set up, added, listed, made the default and removed', async () => {
  const customerId = await customer('pm_sandbox_visa');
  expect(await unitpay.paymentMethods.setup(customerId)).toMatchObject({ processor: 'sandbox' });
  const second = await unitpay.paymentMethods.add(customerId, {
    processorToken: 'pm_sandbox_mastercard',
  });
  expect(second).toMatchObject({ isDefault: false, card: { brand: 'mastercard', last4: '4444' } });
  const [, first] = await unitpay.customers.listPaymentMethods(customerId).toArray();
  expect(first?.isDefault).toBe(true);
  expect(await unitpay.paymentMethods.setDefault(second.id)).toMatchObject({ isDefault: true });
  await unitpay.paymentMethods.remove(first?.id ?? '');
  await unitpay.subscriptions.create({ customerId, planId: shop.pro.id });
  expect(await unitpay.paymentMethods.dependencies(second.id)).toMatchObject({
    blocksDetach: true,
  });
  const error = await failure(unitpay.paymentMethods.remove(second.id));
  expect(error).toBeInstanceOf(ConflictError);
  const { code, dependencies } = error as ConflictError;
  expect(code).toBe('payment_method_in_use');
  expect(dependencies?.subscriptions).toHaveLength(1);
  expect(await unitpay.customers.listPaymentMethods(customerId).toArray()).toHaveLength(1);
});

test('a lost answer is asked for again and moves no money twice', async () => {
  const customerId = await customer('pm_sandbox_timeout');
  const wanted = { customerId, planId: shop.pro.id };
  let lost = 0;
  const flaky = new UnitPay({
    ...server,
    fetch: async (url, init) => {
      const answer = await fetch(url, init);
      if (lost > 0) return answer;
      lost += 1;
      throw new TypeError('connection reset');
    },
  });
  await flaky.subscriptions.create(wanted);
  expect(lost).toBe(1);
  expect(await unitpay.subscriptions.list({ customerId }).toArray()).toHaveLength(1);
  expect(await unitpay.invoices.list({ customerId }).toArray()).toHaveLength(1);
});

test('on the test clock months pass, and each is billed', async () => {
  const customerId = await customer('pm_sandbox_visa');
  await unitpay.subscriptions.create({ customerId, planId: shop.pro.id });
  const { now } = await unitpay.testClock.get();
  const to = new Date(Date.parse(now) + 95 * 86_400_000).toISOString();
  expect(await unitpay.testClock.advance({ to })).toMatchObject({ status: 'ready' });
  const invoices = await unitpay.invoices.list({ customerId }).toArray();
  expect(invoices.map(({ status, totalAmount }) => [status, totalAmount])).toEqual(
    Array(4).fill(['paid', 2900]),
  );
});

test('a coupon lowers a price, by its code and for a subscription that runs', async () => {
  const coupon = await unitpay.coupons.create({
    name: 'Spring',
    percentOff: 20,
    duration: 'repeating',
    durationInPeriods: 3,
  });
  const code = await unitpay.promotionCodes.create({ couponId: coupon.id, code: 'spring' });
  expect(code).toMatchObject({ code: 'SPRING', active: true, timesRedeemed: 0 });
  const customerId = await customer('pm_sandbox_visa');
  const wanted = { customerId, planId: shop.pro.id, promotionCode: 'Spring' };
  expect(await unitpay.subscriptions.preview(wanted)).toMatchObject({ totalAmount: 2320 });
  const made = expectKind(await unitpay.subscriptions.create(wanted), 'charged_inline');
  expect(made.invoice.items?.[0]).toMatchObject({
    amount: 2320,
    discount: { couponId: coupon.id, name: 'Spring', amount: 580 },
  });
  const id = made.subscription?.id ?? '';
  expect(made.subscription?.discount).toMatchObject({ percentOff: 20, periodsLeft: 2 });
  expect(await unitpay.subscriptions.removeDiscount(id)).toMatchObject({ discount: null });
  const again = unitpay.subscriptions.putDiscount(id, { couponId: coupon.id });
  expect(await failure(again)).toMatchObject({
    code: 'coupon_not_applicable',
    reason: 'redeemed',
  });
  const amountOff = { name: 'Five', amountOff: 500, currency: 'USD', duration: 'forever' } as const;
  const other = await unitpay.coupons.create(amountOff);
  const put = await unitpay.subscriptions.putDiscount(id, { couponId: other.id });
  expect(put.discount).toMatchObject({ amountOff: 500, periodsLeft: null, inForce: false });
  await unitpay.coupons.update(coupon.id, { status: 'archived' });
  expect((await unitpay.coupons.get(coupon.id)).timesRedeemed).toBe(1);
  expect(await unitpay.promotionCodes.list({ couponId: coupon.id }).toArray()).toHaveLength(1);
  const late = unitpay.subscriptions.preview({ ...wanted, customerId: await customer() });
  expect(await failure(late)).toMatchObject({ status: 422, code: 'promotion_code_invalid' });
});
