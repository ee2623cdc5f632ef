import type { PagePromise } from '../page.js';
import type { RequestOptions, Transport } from '../transport.js';
import type { Email, EmailQuery } from '../types.js';
import { listed } from './collection.js';

/** `unitpay.emails`: e-mail that the server sends to customers. */
export class Emails {
  readonly #transport: Transport;

  /** @internal */
  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Newest first. */
  list(query?: EmailQuery, options?: RequestOptions): PagePromise<Email> {
    return listed(this.#transport, ['emails'], query, options);
  }

  /** Sends an e-mail again, as a new one, to the customer's present address. */
  resend(id: string, options?: RequestOptions): Promise<Email> {
    return this.#transport.send({ method: 'POST', path: ['emails', id, 'resend'] }, options);
  }
}
