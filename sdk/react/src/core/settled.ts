/** Waits for the outcome of a payment after the customer has filled in the processor's form. */
import type { PaymentAttempt } from '../api-types.js';
import type { UnitPayClient } from './client.js';
import { ApiError } from './errors.js';
import { sleep } from './http.js';

/** `late`: the processor has not confirmed or refused the payment within half a minute. */
export type Settled = 'succeeded' | 'failed' | 'late';

const TRIES = 30;
const PAUSE_MS = 1000;

/** Reads the payment attempt each second until it is final, for half a minute at most. */
export async function waitForPayment(
  client: UnitPayClient,
  paymentAttemptId: string,
  signal: AbortSignal,
): Promise<Settled> {
  for (let tries = 0; tries < TRIES && !signal.aborted; tries += 1) {
    const status = await readStatus(client, paymentAttemptId);
    if (status === 'succeeded') return 'succeeded';
    if (status !== 'pending' && status !== 'requires_form') return 'failed';
    await sleep(PAUSE_MS, signal);
  }
  return 'late';
}

/** A temporary failure counts as pending, since the next try may succeed. */
async function readStatus(client: UnitPayClient, id: string): Promise<PaymentAttempt['status']> {
  try {
    return (await client.get<PaymentAttempt>(`/payment-attempts/${id}`)).status;
  } catch (error) {
    if (error instanceof ApiError && error.isPassing) return 'pending';
    throw error;
  }
}
