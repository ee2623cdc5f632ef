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
export type { Page, PagePromise } from './page.js';
export type { ApiKeys } from './resources/api-keys.js';
export type { AuditEvents } from './resources/audit-events.js';
export type { Customers } from './resources/customers.js';
export type { PortalSessions, VerifyOptions } from './resources/portal-sessions.js';
export type { RequestOptions } from './transport.js';
export type * from './types.js';
