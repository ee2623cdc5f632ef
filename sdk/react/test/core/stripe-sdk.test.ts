/**
 * Stripe's own SDK as a judge: the stand-in that our adapter is tested against speaks to it as Stripe
 * does, and both check the signatures of webhooks alike.
 */
import Stripe from 'stripe';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { startStripe, WEBHOOK_SECRET, type StripeStand } from '../support/stripe.js';

let stand: StripeStand;
let sdk: Stripe;

beforeAll(async () => {
  stand = await startStripe();
  ({ sdk } = stand);
});
afterAll(() => stand.stop());

/** Fills in the form that a secret opens, as Stripe's script does. */
async function fillIn(secret: string, card: string): Promise<void> {
  const [id = ''] = secret.split('_secret');
  const kind = id.startsWith('seti') ? 'setup_intents' : 'payment_intents';
  const form = { key: stand.publishableKey, client_secret: secret, payment_method: card };
  const url = `${stand.stripeUrl}/v1/${kind}/${id}/confirm`;
  const answer = await fetch(url, { method: 'POST', body: new URLSearchParams(form) });
  expect(answer.status).toBe(200);
  const { status } = (await answer.json()) as { status: string };
  if (status !== 'requires_action') return;
  // The customer confirms at the bank.
  const body = new URLSearchParams({ client_secret: secret, accept: 'true' });
  await fetch(`${stand.stripeUrl}/authenticate`, { method: 'POST', body });
}

/** A customer with a saved card. */
async function withCard(card: string): Promise<{ customer: string; payment_method: string }> {
  const { id: customer } = await sdk.customers.create({ metadata: { unitpay_customer: card } });
  const setup = await sdk.setupIntents.create({
    customer,
    usage: 'off_session',
    allowed_payment_method_types: ['card'],
  });
  await fillIn(setup.client_secret ?? '', card);
  const done = await sdk.setupIntents.retrieve(setup.id, { expand: ['payment_method'] });
  const method = done.payment_method as Stripe.PaymentMethod;
  expect([done.status, method.customer, method.type]).toEqual(['succeeded', customer, 'card']);
  return { customer, payment_method: method.id };
}

const charge = (held: { customer: string; payment_method: string }, more: object = {}) => ({
  ...held,
  amount: 1_000,
  currency: 'usd',
  confirm: true,
  allowed_payment_method_types: ['card' as const],
  ...more,
});

/** The error that Stripe's SDK makes of a refusal. */
async function refused(promise: Promise<unknown>): Promise<Stripe.errors.StripeError> {
  const error: unknown = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(Stripe.errors.StripeError);
  return error as Stripe.errors.StripeError;
}

test('the SDK charges, lists and refunds on the stand-in', async () => {
  const held = await withCard('pm_card_visa');
  const once = { idempotencyKey: 'first' };
  const intent = await sdk.paymentIntents.create(charge(held), once);
  expect(intent.status).toBe('succeeded');
  const again = await sdk.paymentIntents.create(charge(held), once);
  expect(again.id).toBe(intent.id);
  await sdk.paymentIntents.create(charge(held, { off_session: true }));
  const listed = sdk.paymentIntents.list({ customer: held.customer });
  expect((await listed.autoPagingToArray({ limit: 100 })).length).toBe(2);
  const payment = { payment_intent: intent.id };
  const part = await sdk.refunds.create({ ...payment, amount: 400 });
  const rest = await sdk.refunds.create(payment);
  expect([part.amount, rest.amount, rest.status]).toEqual([400, 600, 'succeeded']);
  expect((await sdk.refunds.list(payment).autoPagingToArray({ limit: 100 })).length).toBe(2);
  expect((await refused(sdk.refunds.create(payment))).code).toBe('charge_already_refunded');
});

test("the SDK reads the errors of the stand-in as Stripe's", async () => {
  const held = await withCard('pm_card_visa');
  const create = (more: object, options: Stripe.RequestOptions = {}) =>
    refused(sdk.paymentIntents.create(charge(held, more), { maxNetworkRetries: 0, ...options }));
  const poor = await withCard('pm_card_chargeDeclined');
  const declined = await create(poor);
  expect(declined).toBeInstanceOf(Stripe.errors.StripeCardError);
  expect([declined.statusCode, declined.code, declined.decline_code]).toEqual([
    402,
    'card_declined',
    'generic_decline',
  ]);
  expect(declined.payment_intent?.status).toBe('requires_payment_method');
  const strong = await withCard('pm_card_authenticationRequired');
  expect((await create({ ...strong, off_session: true })).code).toBe('authentication_required');
  const asked = await sdk.paymentIntents.create(charge(strong));
  expect(asked.status).toBe('requires_action');
  const small = await create({ amount: 1 });
  expect(small).toBeInstanceOf(Stripe.errors.StripeInvalidRequestError);
  expect(small.code).toBe('amount_too_small');
  expect((await create({ payment_method: 'pm_nothing' })).param).toBe('payment_method');
  expect((await create({ payment_method_types: ['card'] })).code).toBe('parameter_unknown');
  await sdk.paymentIntents.create(charge(held), { idempotencyKey: 'used' });
  const other = await create({ amount: 2_000 }, { idempotencyKey: 'used' });
  expect(other).toBeInstanceOf(Stripe.errors.StripeIdempotencyError);
  const wrong = await create({}, { apiKey: 'sk_test_unknown' });
  expect(wrong).toBeInstanceOf(Stripe.errors.StripeAuthenticationError);
});

test('webhooks that the SDK signs are taken, and its forgeries are refused', async () => {
  await withCard('pm_card_visa');
  const [event] = (await sdk.events.list({ types: ['setup_intent.succeeded'] })).data;
  const payload = JSON.stringify(event);
  const now = Math.floor(Date.now() / 1_000);
  const header = (secret: string, timestamp: number, signed = payload) =>
    sdk.webhooks.generateTestHeaderString({ payload: signed, secret, timestamp });
  const good = header(WEBHOOK_SECRET, now);
  const other = header('whsec_of_another', now);
  const v1 = (from: string) => from.split('v1=')[1] ?? '';
  for (const [signature, status] of [
    [good, 204],
    [`${good},v0=${v1(other)}`, 204],
    [`t=${String(now)},v1=${v1(other)},v1=${v1(good)}`, 204],
    [header(WEBHOOK_SECRET, now - 290), 204],
    [header(WEBHOOK_SECRET, now - 301), 400],
    [other, 400],
    [header(WEBHOOK_SECRET, now, `${payload} `), 400],
    [`t=${String(now - 1)},v1=${v1(good)}`, 400],
    [`t=${String(now)},v0=${v1(good)}`, 400],
    [`t=${String(now)},v1=${v1(good).toUpperCase()}`, 400],
    [`v1=${v1(good)}`, 400],
    ['', 400],
  ] as const) {
    expect(await stand.post(payload, signature), signature).toBe(status);
    // Both judge alike.
    const judged = () => sdk.webhooks.constructEvent(payload, signature, WEBHOOK_SECRET);
    if (status === 204) expect(judged().id).toBe(event?.id);
    else expect(judged, signature).toThrow();
  }
});

test('headers that we make are taken by the SDK, and our forgeries are refused', async () => {
  const payload = '{"id":"evt_1","object":"event"}';
  const now = Math.floor(Date.now() / 1_000);
  const sign = async (secret: string, seconds: number) => {
    const form = new URLSearchParams({ secret, seconds: String(seconds), body: payload });
    const signed = await fetch(`${stand.stripeUrl}/sign`, { method: 'POST', body: form });
    return (await signed.json()) as string;
  };
  const check = (header: string, body = payload) =>
    sdk.webhooks.constructEvent(body, header, WEBHOOK_SECRET);
  const good = await sign(WEBHOOK_SECRET, now);
  expect(check(good).id).toBe('evt_1');
  expect(() => check(good, `${payload} `)).toThrow();
  for (const forged of [await sign('whsec_of_another', now), await sign(WEBHOOK_SECRET, now - 301)])
    expect(() => check(forged)).toThrow();
});
