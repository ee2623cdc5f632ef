import type { PagePromise } from '../page.js';
import type { RequestOptions, Transport } from '../transport.js';
import type { EventQuery, WebhookEvent } from '../types.js';
import { listed } from './collection.js';

/** `unitpay.events`: what happened, as sent to webhook endpoints. */
export class Events {
  readonly #transport: Transport;

  /** @internal */
  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Newest first. */
  list(query?: EventQuery, options?: RequestOptions): PagePromise<WebhookEvent> {
    return listed(this.#transport, ['events'], query, options);
  }

  get(id: string, options?: RequestOptions): Promise<WebhookEvent> {
    return this.#transport.send({ method: 'GET', path: ['events', id] }, options);
  }
}
