/** `@unitpay/node`: UnitPay's API for servers. */
export { UnitPay } from './client.js';
export type { Fetch, UnitPayOptions } from './config.js';
export {
  ApiError,
  AuthenticationError,
  BadRequestError,
  ConflictError,
  ConnectionError,
  InternalServerError,
  InvalidTokenError,
  NotFoundError,
  PaymentError,
  PermissionError,
  RateLimitError,
  TimeoutError,
  ValidationError,
} from './errors.js';
export type { InvalidTokenReason } from './errors.js';
export { UnitPayIngestion } from './ingestion.js';
export type { IngestionOptions } from './ingestion.js';
export type { Page, PagePromise } from './page.js';
export type { ApiKeys } from './resources/api-keys.js';
export type { AuditEvents } from './resources/audit-events.js';
export type { Collection, ListQuery } from './resources/collection.js';
export type { Credits } from './resources/credits.js';
export type { Customers } from './resources/customers.js';
export type { Emails } from './resources/emails.js';
export type { Events } from './resources/events.js';
export type { Invoices } from './resources/invoices.js';
export type { PaymentMethods } from './resources/payment-methods.js';
export type { PortalSessions, VerifyOptions } from './resources/portal-sessions.js';
export type { Subscriptions } from './resources/subscriptions.js';
export type { TestClock } from './resources/test-clock.js';
export type { Usage } from './resources/usage.js';
export type { WebhookEndpoints } from './resources/webhook-endpoints.js';
export type { RequestOptions } from './transport.js';
export type * from './types.js';
export { WebhookVerificationError } from './webhook.js';
export type { VerifyWebhookOptions, WebhookErrorReason, WebhookHeaders } from './webhook.js';
