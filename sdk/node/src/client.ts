import { readConfig, type UnitPayOptions } from './config.js';
import { ApiKeys } from './resources/api-keys.js';
import { AuditEvents } from './resources/audit-events.js';
import { Collection } from './resources/collection.js';
import { CreditNotes } from './resources/credit-notes.js';
import { Credits } from './resources/credits.js';
import { Customers } from './resources/customers.js';
import { Emails } from './resources/emails.js';
import { Events } from './resources/events.js';
import { Invoices } from './resources/invoices.js';
import { PaymentMethods } from './resources/payment-methods.js';
import { PortalSessions } from './resources/portal-sessions.js';
import { Subscriptions } from './resources/subscriptions.js';
import { TestClock } from './resources/test-clock.js';
import { Usage } from './resources/usage.js';
import { WebhookEndpoints } from './resources/webhook-endpoints.js';
import { systemRuntime } from './runtime.js';
import { Transport, type RequestOptions } from './transport.js';
import type * as t from './types.js';
import { verifyWebhook } from './webhook.js';

/**
 * A client for your server. Make one and keep it: it holds the public keys that `verify` uses.
 *
 * It keeps the secret key where neither `JSON.stringify` nor a debugger's print-out reaches it.
 */
export class UnitPay {
  readonly apiKeys: ApiKeys;
  readonly auditEvents: AuditEvents;
  readonly billableMetrics: Collection<
    t.BillableMetric,
    t.CreateBillableMetric,
    t.UpdateBillableMetric,
    t.BillableMetricQuery
  >;
  readonly coupons: Collection<t.Coupon, t.CreateCoupon, t.UpdateCoupon, t.CouponQuery>;
  readonly creditCurrencies: Collection<
    t.CreditCurrency,
    t.CreateCreditCurrency,
    t.UpdateCreditCurrency,
    t.CreditCurrencyQuery
  >;
  readonly creditPackages: Collection<
    t.CreditPackage,
    t.CreateCreditPackage,
    t.UpdateCreditPackage,
    t.CreditPackageQuery
  >;
  readonly creditNotes: CreditNotes;
  readonly credits: Credits;
  readonly customers: Customers;
  readonly emails: Emails;
  readonly events: Events;
  readonly features: Collection<t.Feature, t.CreateFeature, t.UpdateFeature, t.FeatureQuery>;
  readonly invoices: Invoices;
  readonly paymentMethods: PaymentMethods;
  readonly plans: Collection<t.Plan, t.CreatePlan, t.UpdatePlan, t.PlanQuery>;
  readonly portalSessions: PortalSessions;
  readonly products: Collection<t.Product, t.CreateProduct, t.UpdateProduct, t.ProductQuery>;
  readonly promotionCodes: Collection<
    t.PromotionCode,
    t.CreatePromotionCode,
    t.UpdatePromotionCode,
    t.PromotionCodeQuery
  >;
  readonly subscriptions: Subscriptions;
  readonly testClock: TestClock;
  readonly usage: Usage;
  readonly webhookEndpoints: WebhookEndpoints;
  readonly #transport: Transport;

  /** Returns the event of a webhook request. Needs no client, and no key but the secret. */
  static readonly verifyWebhook = verifyWebhook;

  /** Throws a `TypeError` or `RangeError` for options that could never work. */
  constructor(options: UnitPayOptions = {}) {
    const transport = new Transport(readConfig(options), systemRuntime);
    this.#transport = transport;
    this.apiKeys = new ApiKeys(transport);
    this.auditEvents = new AuditEvents(transport);
    this.billableMetrics = new Collection(transport, 'billable-metrics');
    this.coupons = new Collection(transport, 'coupons');
    this.creditCurrencies = new Collection(transport, 'credit-currencies');
    this.creditPackages = new Collection(transport, 'credit-packages');
    this.creditNotes = new CreditNotes(transport);
    this.credits = new Credits(transport);
    this.customers = new Customers(transport);
    this.emails = new Emails(transport);
    this.events = new Events(transport);
    this.features = new Collection(transport, 'features');
    this.invoices = new Invoices(transport);
    this.paymentMethods = new PaymentMethods(transport);
    this.plans = new Collection(transport, 'plans');
    this.portalSessions = new PortalSessions(transport);
    this.products = new Collection(transport, 'products');
    this.promotionCodes = new Collection(transport, 'promotion-codes');
    this.subscriptions = new Subscriptions(transport);
    this.testClock = new TestClock(transport);
    this.usage = new Usage(transport);
    this.webhookEndpoints = new WebhookEndpoints(transport);
  }

  /** The same as `usage.track`. */
  track(
    events: t.UsageEvent | readonly t.UsageEvent[],
    options?: RequestOptions,
  ): Promise<t.Tracked> {
    return this.usage.track(events, options);
  }

  /** Whether a customer may use a feature now. It changes nothing; `track` records the use. */
  check(question: t.Check, options?: RequestOptions): Promise<t.Checked> {
    return this.#transport.send({ method: 'POST', path: ['check'], body: question }, options);
  }

  /** Returns the data of a pricing page. */
  pricing(productId: string, options?: RequestOptions): Promise<t.Pricing> {
    const path = ['public', 'pricing', productId];
    return this.#transport.send({ method: 'GET', path }, options);
  }

  /** Returns the branding and the seller. */
  getBranding(options?: RequestOptions): Promise<t.Branding> {
    return this.#transport.send({ method: 'GET', path: ['branding'] }, options);
  }

  /** Replaces the whole branding. */
  putBranding(branding: t.PutBranding, options?: RequestOptions): Promise<t.Branding> {
    return this.#transport.send({ method: 'PUT', path: ['branding'], body: branding }, options);
  }
}
