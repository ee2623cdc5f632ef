/** Hooks for credit accounts, their ledger and top-ups. */
import type {
  AutoTopUp,
  AutoTopUpRule,
  CreditAccount,
  CreditCurrency,
  CreditStats,
  LedgerEntry,
  SettleOutcome,
} from '../api-types.js';
import {
  useAll,
  useIfAllowed,
  useOne,
  usePages,
  type Id,
  type Paged,
  type Read,
} from '../react/read.js';
import { useSettle, useWrite, type SettleHandlers } from '../react/write.js';
import { useCustomerPath } from './customer.js';

/** Returns the customer's credit accounts. The server refuses any other customer's id. */
export function useCreditAccounts(customerId?: string): Read<{ accounts: CreditAccount[] }> {
  return useAll('accounts', 'credits', '/credit-accounts', { customerId });
}

/** Returns the credit accounts, or none when the session lacks the scope. */
export function useAllowedCreditAccounts(): Read<{ accounts: CreditAccount[] }> {
  return useAll('accounts', 'credits', useIfAllowed('credits:read', '/credit-accounts'));
}

/** Returns the credit currencies of the organization. */
export function useCreditCurrencies(): Read<{ currencies: CreditCurrency[] }> {
  return useAll('currencies', 'catalog', '/credit-currencies');
}

/** Returns the entries of a credit account, newest first. */
export function useCreditLedger(accountId: Id): Paged<{ entries: LedgerEntry[] }> {
  const path = accountId && `/credit-accounts/${accountId}/ledger`;
  const { rows, ...state } = usePages<LedgerEntry>('credits', path);
  return { ...state, entries: rows };
}

/**
 * A purchase of credits: an amount of money or a package. `expectedAmount` is the price that was shown;
 * another price is refused with `price_changed`.
 */
export type TopUp = { creditCurrencyId: string; expectedAmount?: number | undefined } & (
  | { amount: number; packageId?: undefined; quantity?: undefined }
  | { packageId: string; quantity?: number | undefined; amount?: undefined }
);

/** Returns a call that buys credits. */
export function useTopUp(handlers?: SettleHandlers) {
  const path = useCustomerPath('/top-ups');
  return useSettle('topUp', handlers, (client, idempotencyKey, input: TopUp) =>
    client.post<SettleOutcome>(path, input, { idempotencyKey }),
  );
}

/** Returns the automatic top-up of a credit currency, and a call to change it. */
export function useAutoTopUp(creditCurrencyId: Id): Read<{ rule: AutoTopUp | null }> & {
  /** Null turns it off. */
  set: (rule: AutoTopUpRule | null) => Promise<void>;
  isPending: boolean;
} {
  const { accounts, ...state } = useCreditAccounts();
  const path = useCustomerPath('/auto-topup-rules');
  const account = accounts.find((one) => one.creditCurrencyId === creditCurrencyId);
  const rule = account?.autoTopUp ?? null;
  const { put, isPending, error } = useWrite(
    'put',
    (client, idempotencyKey, id: string, next: AutoTopUpRule) =>
      client.put<undefined>(`${path}/${id}`, next, { idempotencyKey }),
  );
  const set = async (wanted: AutoTopUpRule | null) => {
    const next = wanted ?? (rule && requestOf(rule, false));
    if (creditCurrencyId && next) await put(creditCurrencyId, next);
  };
  return { ...state, error: state.error ?? error, rule, set, isPending };
}

/** Converts a rule into the request that stores it. */
function requestOf(rule: AutoTopUp, enabled: boolean): AutoTopUpRule {
  const { mode, threshold, amount, packageId, quantity, maxPerMonth } = rule;
  const bought =
    mode === 'amount' ? { amount: amount ?? 0 } : { packageId: packageId ?? '', quantity };
  return { enabled, mode, threshold, maxPerMonth, ...bought };
}

/** Returns how much of a credit account was used in the last `days`. */
export function useCreditBurn(
  accountId: Id,
  { days = 30 }: { days?: number } = {},
): Read<{ stats: CreditStats | null }> {
  return useOne('stats', 'credits', accountId && '/credits/stats', {
    creditAccountId: accountId,
    days,
  });
}
