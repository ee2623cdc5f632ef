import type { PagePromise } from '../page.js';
import type { RequestOptions, Transport } from '../transport.js';
import type {
  AdjustBalance,
  BalanceEntry,
  BalanceEntryQuery,
  CreateCustomer,
  CreditAccount,
  Customer,
  CustomerBalance,
  CustomerEntitlements,
  CustomerQuery,
  InvoiceSummary,
  PaymentMethod,
  UpdateCustomer,
} from '../types.js';
import { listed, type ListQuery } from './collection.js';

/**
 * `unitpay.customers`. Each `id` is ours (`cus_…`) or your own `externalId`.
 *
 * An `externalId` of `.` or `..` cannot be part of a URL; it rejects with a `TypeError`.
 */
export class Customers {
  readonly #transport: Transport;

  /** @internal */
  constructor(transport: Transport) {
    this.#transport = transport;
  }

  create(customer: CreateCustomer, options?: RequestOptions): Promise<Customer> {
    return this.#transport.send({ method: 'POST', path: ['customers'], body: customer }, options);
  }

  get(id: string, options?: RequestOptions): Promise<Customer> {
    return this.#transport.send({ method: 'GET', path: ['customers', id] }, options);
  }

  list(query?: CustomerQuery, options?: RequestOptions): PagePromise<Customer> {
    return listed(this.#transport, ['customers'], query, options);
  }

  /** Changes what is given; `null` clears an optional field. */
  update(id: string, changes: UpdateCustomer, options?: RequestOptions): Promise<Customer> {
    const path = ['customers', id];
    return this.#transport.send({ method: 'PATCH', path, body: changes }, options);
  }

  /** Ends every portal session of the customer for good, and refuses new ones. */
  archive(id: string, options?: RequestOptions): Promise<Customer> {
    return this.#transport.send({ method: 'POST', path: ['customers', id, 'archive'] }, options);
  }

  /** Allows new portal sessions again; the old ones stay ended. */
  unarchive(id: string, options?: RequestOptions): Promise<Customer> {
    return this.#transport.send({ method: 'POST', path: ['customers', id, 'unarchive'] }, options);
  }

  /**
   * Erases the customer's personal data, which cannot be undone, and archives it. Issued invoices
   * keep the name and address that they were issued with.
   */
  erase(id: string, options?: RequestOptions): Promise<Customer> {
    return this.#transport.send({ method: 'POST', path: ['customers', id, 'erase'] }, options);
  }

  listInvoices(
    id: string,
    query?: ListQuery,
    options?: RequestOptions,
  ): PagePromise<InvoiceSummary> {
    return listed(this.#transport, ['customers', id, 'invoices'], query, options);
  }

  listPaymentMethods(
    id: string,
    query?: ListQuery,
    options?: RequestOptions,
  ): PagePromise<PaymentMethod> {
    return listed(this.#transport, ['customers', id, 'payment-methods'], query, options);
  }

  listCreditAccounts(
    id: string,
    query?: ListQuery,
    options?: RequestOptions,
  ): PagePromise<CreditAccount> {
    return listed(this.#transport, ['customers', id, 'credit-accounts'], query, options);
  }

  /** Returns the money that the customer has with you. The next invoices are paid from it. */
  balance(id: string, options?: RequestOptions): Promise<CustomerBalance> {
    return this.#transport.send({ method: 'GET', path: ['customers', id, 'balance'] }, options);
  }

  listBalanceEntries(
    id: string,
    query?: BalanceEntryQuery,
    options?: RequestOptions,
  ): PagePromise<BalanceEntry> {
    return listed(this.#transport, ['customers', id, 'balance', 'entries'], query, options);
  }

  /** Adds money to the balance, or takes it with a negative `amount`. */
  adjustBalance(
    id: string,
    adjustment: AdjustBalance,
    options?: RequestOptions,
  ): Promise<BalanceEntry> {
    const path = ['customers', id, 'balance', 'adjustments'];
    return this.#transport.send({ method: 'POST', path, body: adjustment }, options);
  }

  /** Returns the customer's entitlements with the remaining amounts. */
  entitlements(id: string, options?: RequestOptions): Promise<CustomerEntitlements> {
    return this.#transport.send(
      { method: 'GET', path: ['customers', id, 'entitlements'] },
      options,
    );
  }
}
