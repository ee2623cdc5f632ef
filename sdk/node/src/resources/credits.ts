import type { PagePromise } from '../page.js';
import type { RequestOptions, Transport } from '../transport.js';
import type {
  BuyCredits,
  CreditAccount,
  CreditAccountQuery,
  CreditGrant,
  CreditStats,
  CreditStatsQuery,
  GrantCredits,
  LedgerEntry,
  RefundCredits,
  SetAutoTopUp,
  SettleOutcome,
  TopUp,
} from '../types.js';
import { listed, type ListQuery } from './collection.js';

/** `unitpay.credits`: wallets, which are credit accounts, and what is in them. */
export class Credits {
  readonly #transport: Transport;

  /** @internal */
  constructor(transport: Transport) {
    this.#transport = transport;
  }

  listAccounts(query?: CreditAccountQuery, options?: RequestOptions): PagePromise<CreditAccount> {
    return listed(this.#transport, ['credit-accounts'], query, options);
  }

  /** Every change of a wallet's balance, newest first. */
  ledger(accountId: string, query?: ListQuery, options?: RequestOptions): PagePromise<LedgerEntry> {
    return listed(this.#transport, ['credit-accounts', accountId, 'ledger'], query, options);
  }

  /** Returns the purchases of a wallet, including automatic top-ups. */
  listTopUps(accountId: string, query?: ListQuery, options?: RequestOptions): PagePromise<TopUp> {
    return listed(this.#transport, ['credit-accounts', accountId, 'top-ups'], query, options);
  }

  /** Returns the credits granted, used and expired by day. */
  stats(query: CreditStatsQuery, options?: RequestOptions): Promise<CreditStats> {
    return this.#transport.send({ method: 'GET', path: ['credits', 'stats'], query }, options);
  }

  /** Sells credits to a customer; makes the wallet where there is none. */
  topUp(
    customerId: string,
    purchase: BuyCredits,
    options?: RequestOptions,
  ): Promise<SettleOutcome> {
    const path = ['customers', customerId, 'top-ups'];
    return this.#transport.send({ method: 'POST', path, body: purchase }, options);
  }

  /** Sets the rule of automatic top-ups. */
  setAutoTopUp(
    customerId: string,
    creditCurrencyId: string,
    rule: SetAutoTopUp,
    options?: RequestOptions,
  ): Promise<CreditAccount> {
    const path = ['customers', customerId, 'auto-topup-rules', creditCurrencyId];
    return this.#transport.send({ method: 'PUT', path, body: rule }, options);
  }

  /** Gives credits away. */
  grant(accountId: string, grant: GrantCredits, options?: RequestOptions): Promise<CreditGrant> {
    return this.#post(accountId, 'grants', grant, options);
  }

  /** Undoes a ledger entry, once: gives a deduction back, or takes what is left of a grant. */
  refund(accountId: string, refund: RefundCredits, options?: RequestOptions): Promise<LedgerEntry> {
    return this.#post(accountId, 'refunds', refund, options);
  }

  /** No debit and no top-up until `unfreeze`. */
  freeze(accountId: string, options?: RequestOptions): Promise<CreditAccount> {
    return this.#post(accountId, 'freeze', undefined, options);
  }

  unfreeze(accountId: string, options?: RequestOptions): Promise<CreditAccount> {
    return this.#post(accountId, 'unfreeze', undefined, options);
  }

  #post<T>(id: string, verb: string, body?: object, options?: RequestOptions): Promise<T> {
    return this.#transport.send(
      { method: 'POST', path: ['credit-accounts', id, verb], body },
      options,
    );
  }
}
