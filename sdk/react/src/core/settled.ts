/** Waits for the outcome of a payment after the customer has filled in the processor's form. */
import type { PaymentAttempt, SettleOutcome, Subscription } from '../api-types.js';
import type { UnitPayClient } from './client.js';
import { ApiError } from './errors.js';
import { sleep } from './http.js';

/** `late`: the processor has not confirmed or refused the payment within half a minute. */
export type Settled = 'succeeded' | 'failed' | 'late';

const TRIES = 30;
const PAUSE_MS = 1000;

type Outcome = Extract<SettleOutcome, { kind: 'requires_form' }>;

/**
 * Waits for the payment of a form, or for the start of the subscription that waits for a payment
 * method, for half a minute at most.
 */
export function waitForForm(
  client: UnitPayClient,
  { paymentAttemptId, subscription }: Outcome,
  signal: AbortSignal,
): Promise<Settled> {
  if (paymentAttemptId) return waitForPayment(client, paymentAttemptId, signal);
  const path = `/subscriptions/${subscription?.id ?? ''}`;
  return wait(async () => ofStart(await readStatus<Subscription>(client, path)), signal);
}

/** Reads the payment attempt each second until it is final, for half a minute at most. */
export function waitForPayment(
  client: UnitPayClient,
  paymentAttemptId: string,
  signal: AbortSignal,
): Promise<Settled> {
  const path = `/payment-attempts/${paymentAttemptId}`;
  return wait(async () => ofPayment(await readStatus<PaymentAttempt>(client, path)), signal);
}

async function wait(read: () => Promise<Settled | null>, signal: AbortSignal): Promise<Settled> {
  for (let tries = 0; tries < TRIES && !signal.aborted; tries += 1) {
    const settled = await read();
    if (settled) return settled;
    await sleep(PAUSE_MS, signal);
  }
  return 'late';
}

function ofPayment(status: PaymentAttempt['status'] | 'pending'): Settled | null {
  if (status === 'succeeded') return 'succeeded';
  return status === 'pending' || status === 'requires_form' ? null : 'failed';
}

function ofStart(status: Subscription['status']): Settled | null {
  if (status === 'pending') return null;
  return status === 'canceled' ? 'failed' : 'succeeded';
}

/** A temporary failure counts as pending, since the next try may succeed. */
async function readStatus<T extends { status: string }>(
  client: UnitPayClient,
  path: string,
): Promise<T['status'] | 'pending'> {
  try {
    return (await client.get<T>(path)).status;
  } catch (error) {
    if (error instanceof ApiError && error.isPassing) return 'pending';
    throw error;
  }
}
