/** Wallets, what is in them and how it got there. */
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
import { useOwnPath } from './customer.js';

/** `customerId` is the token's: another's wallets are not to be had. */
export function useCreditAccounts(customerId?: string): Read<{ accounts: CreditAccount[] }> {
  return useAll('accounts', '/credit-accounts', { customerId });
}

/** The same where the session may read them; else none, and nothing is asked for. */
export function useOwnCreditAccounts(): Read<{ accounts: CreditAccount[] }> {
  return useAll('accounts', useIfAllowed('credits:read', '/credit-accounts'));
}

export function useCreditCurrencies(): Read<{ currencies: CreditCurrency[] }> {
  return useAll('currencies', '/credit-currencies');
}

export function useCreditLedger(accountId: Id): Paged<{ entries: LedgerEntry[] }> {
  const path = accountId && `/credit-accounts/${accountId}/ledger`;
  const { rows, ...state } = usePages<LedgerEntry>(path);
  return { ...state, entries: rows };
}

export type TopUp = { creditCurrencyId: string } & (
  | { amount: number; packageId?: undefined; quantity?: undefined }
  | { packageId: string; quantity?: number | undefined; amount?: undefined }
);

export function useTopUp(handlers?: SettleHandlers) {
  const path = useOwnPath('/top-ups');
  return useSettle('topUp', handlers, (client, idempotencyKey, input: TopUp) =>
    client.post<SettleOutcome>(path, input, { idempotencyKey }),
  );
}

export function useAutoTopUp(creditCurrencyId: Id): Read<{ rule: AutoTopUp | null }> & {
  /** Null turns it off. */
  set: (rule: AutoTopUpRule | null) => Promise<void>;
  isPending: boolean;
} {
  const { accounts, ...state } = useCreditAccounts();
  const path = useOwnPath('/auto-topup-rules');
  const account = accounts.find((one) => one.creditCurrencyId === creditCurrencyId);
  const rule = account?.autoTopUp ?? null;
  const { put, isPending, error } = useWrite(
    'put',
    (client, idempotencyKey, id: string, next: AutoTopUpRule) =>
      client.put<undefined>(`${path}/${id}`, next, { idempotencyKey }),
  );
  const set = async (wanted: AutoTopUpRule | null) => {
    const next = wanted ?? (rule && ruleOf(rule, false));
    if (creditCurrencyId && next) await put(creditCurrencyId, next);
  };
  return { ...state, error: state.error ?? error, rule, set, isPending };
}

/** What is set, as it is sent. */
function ruleOf(rule: AutoTopUp, enabled: boolean): AutoTopUpRule {
  const { mode, threshold, amount, packageId, quantity, maxPerMonth } = rule;
  const bought =
    mode === 'amount' ? { amount: amount ?? 0 } : { packageId: packageId ?? '', quantity };
  return { enabled, mode, threshold, maxPerMonth, ...bought };
}

/** How fast a wallet is used up. */
export function useCreditBurn(
  accountId: Id,
  { days = 30 }: { days?: number } = {},
): Read<{ stats: CreditStats | null }> {
  return useOne('stats', accountId && '/credits/stats', { creditAccountId: accountId, days });
}
