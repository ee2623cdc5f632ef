import type { PagePromise } from '../page.js';
import type { RequestOptions, Transport } from '../transport.js';
import type {
  CreatedWebhookEndpoint,
  CreateWebhookEndpoint,
  RecoverWebhookEndpoint,
  UpdateWebhookEndpoint,
  WebhookDelivery,
  WebhookDeliveryQuery,
  WebhookEndpoint,
  WebhookEndpointQuery,
  WebhookRecovery,
  WebhookTest,
} from '../types.js';
import { listed } from './collection.js';

const PATH = 'webhook-endpoints';

/** `unitpay.webhookEndpoints`: the URLs to which events are delivered. */
export class WebhookEndpoints {
  readonly #transport: Transport;

  /** @internal */
  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Only this response contains the signing `secret`. */
  create(
    endpoint: CreateWebhookEndpoint,
    options?: RequestOptions,
  ): Promise<CreatedWebhookEndpoint> {
    return this.#transport.send({ method: 'POST', path: [PATH], body: endpoint }, options);
  }

  list(query?: WebhookEndpointQuery, options?: RequestOptions): PagePromise<WebhookEndpoint> {
    return listed(this.#transport, [PATH], query, options);
  }

  get(id: string, options?: RequestOptions): Promise<WebhookEndpoint> {
    return this.#transport.send({ method: 'GET', path: [PATH, id] }, options);
  }

  update(
    id: string,
    changes: UpdateWebhookEndpoint,
    options?: RequestOptions,
  ): Promise<WebhookEndpoint> {
    return this.#transport.send({ method: 'PATCH', path: [PATH, id], body: changes }, options);
  }

  delete(id: string, options?: RequestOptions): Promise<void> {
    return this.#transport.send({ method: 'DELETE', path: [PATH, id] }, options);
  }

  /** Returns a new `secret`. The one that it replaces stays valid for a day. */
  rotateSecret(id: string, options?: RequestOptions): Promise<CreatedWebhookEndpoint> {
    return this.#transport.send({ method: 'POST', path: [PATH, id, 'rotate-secret'] }, options);
  }

  /** Sends a `webhook_endpoint.tested` event to this endpoint only. */
  test(id: string, options?: RequestOptions): Promise<WebhookTest> {
    return this.#transport.send({ method: 'POST', path: [PATH, id, 'test'] }, options);
  }

  /** Sends the events since an instant again that the endpoint did not accept. */
  recover(
    id: string,
    params: RecoverWebhookEndpoint,
    options?: RequestOptions,
  ): Promise<WebhookRecovery> {
    const path = [PATH, id, 'recover'];
    return this.#transport.send({ method: 'POST', path, body: params }, options);
  }

  /** Newest first. */
  listDeliveries(
    id: string,
    query?: WebhookDeliveryQuery,
    options?: RequestOptions,
  ): PagePromise<WebhookDelivery> {
    return listed(this.#transport, [PATH, id, 'deliveries'], query, options);
  }

  /** Sends a delivery again, whatever its status. */
  resend(id: string, deliveryId: string, options?: RequestOptions): Promise<WebhookDelivery> {
    const path = [PATH, id, 'deliveries', deliveryId, 'resend'];
    return this.#transport.send({ method: 'POST', path }, options);
  }
}
