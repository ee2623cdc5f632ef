import type { PagePromise } from '../page.js';
import type { RequestOptions, Transport } from '../transport.js';
import type {
  BillingSettings,
  CancelSubscription,
  ChangePlan,
  CreateSubscription,
  PreviewChange,
  PutBillingSettings,
  PutDiscount,
  SettleOutcome,
  Subscription,
  SubscriptionPreview,
  SubscriptionQuery,
  UpcomingInvoice,
} from '../types.js';
import { listed } from './collection.js';

/** `unitpay.subscriptions`. What may take money answers a `SettleOutcome`: look at its `kind`. */
export class Subscriptions {
  readonly #transport: Transport;

  /** @internal */
  constructor(transport: Transport) {
    this.#transport = transport;
  }

  list(query?: SubscriptionQuery, options?: RequestOptions): PagePromise<Subscription> {
    return listed(this.#transport, ['subscriptions'], query, options);
  }

  get(id: string, options?: RequestOptions): Promise<Subscription> {
    return this.#transport.send({ method: 'GET', path: ['subscriptions', id] }, options);
  }

  /** Returns the price of a new subscription; changes nothing. */
  preview(
    subscription: CreateSubscription,
    options?: RequestOptions,
  ): Promise<SubscriptionPreview> {
    return this.#post(['preview'], subscription, options);
  }

  create(subscription: CreateSubscription, options?: RequestOptions): Promise<SettleOutcome> {
    return this.#post([], subscription, options);
  }

  /** Returns the price of a change. Pass its `prorationDate` to `changePlan` to pay that price. */
  previewChange(
    id: string,
    change: PreviewChange,
    options?: RequestOptions,
  ): Promise<SubscriptionPreview> {
    return this.#post([id, 'preview-change'], change, options);
  }

  changePlan(id: string, change: ChangePlan, options?: RequestOptions): Promise<SettleOutcome> {
    return this.#post([id, 'change-plan'], change, options);
  }

  /** Ends it with its period, or at once with `{ mode: 'now' }`. */
  cancel(
    id: string,
    params: CancelSubscription = {},
    options?: RequestOptions,
  ): Promise<Subscription> {
    return this.#post([id, 'cancel'], params, options);
  }

  /** Takes back a cancellation that has not come about yet. */
  uncancel(id: string, options?: RequestOptions): Promise<Subscription> {
    return this.#post([id, 'uncancel'], {}, options);
  }

  /** Gives it a discount from its next period on, in place of the one that it has. */
  putDiscount(id: string, discount: PutDiscount, options?: RequestOptions): Promise<Subscription> {
    const path = ['subscriptions', id, 'discount'];
    return this.#transport.send({ method: 'PUT', path, body: discount }, options);
  }

  /** Removes its discount from its next period on. */
  removeDiscount(id: string, options?: RequestOptions): Promise<Subscription> {
    const path = ['subscriptions', id, 'discount'];
    return this.#transport.send({ method: 'DELETE', path }, options);
  }

  /** Returns a preview of the next invoice. */
  upcomingInvoice(id: string, options?: RequestOptions): Promise<UpcomingInvoice> {
    const path = ['subscriptions', id, 'upcoming-invoice'];
    return this.#transport.send({ method: 'GET', path }, options);
  }

  /** Returns the settings of billing. */
  getSettings(options?: RequestOptions): Promise<BillingSettings> {
    return this.#transport.send({ method: 'GET', path: ['billing-settings'] }, options);
  }

  /** Replaces the settings of billing: a field that is absent is reset. */
  putSettings(settings: PutBillingSettings, options?: RequestOptions): Promise<BillingSettings> {
    const path = ['billing-settings'];
    return this.#transport.send({ method: 'PUT', path, body: settings }, options);
  }

  #post<T>(path: readonly string[], body: object, options?: RequestOptions): Promise<T> {
    return this.#transport.send(
      { method: 'POST', path: ['subscriptions', ...path], body },
      options,
    );
  }
}
