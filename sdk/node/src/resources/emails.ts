import type { PagePromise } from '../page.js';
import type { RequestOptions, Transport } from '../transport.js';
import type { Email, EmailQuery, EmailSettings, PutEmailSettings } from '../types.js';
import { listed } from './collection.js';

/** `unitpay.emails`: e-mail that the server sends. */
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

  getSettings(options?: RequestOptions): Promise<EmailSettings> {
    return this.#transport.send({ method: 'GET', path: ['email-settings'] }, options);
  }

  /** Replaces the settings: sender, reply and alert addresses, and the kinds that are not sent. */
  putSettings(settings: PutEmailSettings, options?: RequestOptions): Promise<EmailSettings> {
    const path = ['email-settings'];
    return this.#transport.send({ method: 'PUT', path, body: settings }, options);
  }

  /** Sends an e-mail again, as a new one, to its recipient's present address. */
  resend(id: string, options?: RequestOptions): Promise<Email> {
    return this.#transport.send({ method: 'POST', path: ['emails', id, 'resend'] }, options);
  }
}
