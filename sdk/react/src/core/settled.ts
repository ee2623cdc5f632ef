/** After a processor's form: whether what it was for has come about. */
import type { CreditAccount, Invoice, SettleOutcome, Subscription } from '../api-types.js';
import type { UnitPayClient } from './client.js';
import { sleep } from './http.js';

type Waiting = Extract<SettleOutcome, { kind: 'requires_form' }>;

const TRIES = 30;
const PAUSE_MS = 1000;

/** Asks each second, for half a minute; false where nothing has come about by then. */
export async function settled(client: UnitPayClient, outcome: Waiting, signal: AbortSignal) {
  for (let tries = 0; tries < TRIES && !signal.aborted; tries += 1) {
    if (await isSettled(client, outcome)) return true;
    await sleep(PAUSE_MS, signal);
  }
  return false;
}

async function isSettled(client: UnitPayClient, outcome: Waiting) {
  const { subscription, invoice, creditAccount } = outcome;
  if (invoice) {
    const { status } = await client.get<Invoice>(`/invoices/${invoice.id}`);
    return status === 'paid';
  }
  if (subscription) {
    const path = `/subscriptions/${subscription.id}`;
    const { status, planId } = await client.get<Subscription>(path);
    return (
      status !== 'pending' && (subscription.status === 'pending' || planId !== subscription.planId)
    );
  }
  if (!creditAccount) return true;
  const { data } = await client.list<CreditAccount>('/credit-accounts', { limit: 100 });
  const now = data.find(({ id }) => id === creditAccount.id);
  return now !== undefined && now.balance !== creditAccount.balance;
}
