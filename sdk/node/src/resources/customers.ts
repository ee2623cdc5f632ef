import { PagePromise } from '../page.js';
import type { RequestOptions, Transport } from '../transport.js';
import type { CreateCustomer, Customer, CustomerQuery, UpdateCustomer } from '../types.js';

/**
 * `unitpay.customers`. Each `id` is ours (`cus_…`) or your own `externalId`.
 *
 * An `externalId` of `.` or `..` cannot stand in a URL; it rejects with a `TypeError`.
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

  list(query: CustomerQuery = {}, options?: RequestOptions): PagePromise<Customer> {
    const path = ['customers'];
    return new PagePromise((cursor = query.cursor) =>
      this.#transport.send({ method: 'GET', path, query: { ...query, cursor } }, options),
    );
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
}
