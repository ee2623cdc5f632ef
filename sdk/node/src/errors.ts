/**
 * Every way in which a call fails.
 *
 * An `ApiError` tells what the server answered (RFC 9457); no error carries the API key.
 */
import type {
  CouponNotApplicableReason,
  ErrorCode,
  ParamError,
  PaymentMethodDependencies,
} from './types.js';

/** The fields of an {@link ApiError}. */
export interface ApiErrorDetails {
  /** The HTTP status; 0 where no answer came. */
  status: number;
  code?: ErrorCode | undefined;
  message: string;
  requestId?: string | undefined;
  headers?: Headers;
  errors?: ParamError[];
  retryAfter?: number | undefined;
  declineReason?: string | undefined;
  dependencies?: PaymentMethodDependencies | undefined;
  reason?: CouponNotApplicableReason | undefined;
  cause?: unknown;
}

/** The call did not succeed. Each subclass stands for one status, or for no answer at all. */
export class ApiError extends Error {
  override readonly name: string = 'ApiError';
  /** The HTTP status; 0 where no answer came. */
  readonly status: number;
  /** Which error it is; undefined where the answer was not UnitPay's, but a proxy's, say. */
  readonly code: ErrorCode | undefined;
  /** Names the request in the server's log. */
  readonly requestId: string | undefined;
  /** The answer's headers; empty where no answer came. */
  readonly headers: Headers;

  constructor(details: ApiErrorDetails) {
    super(details.message, details.cause === undefined ? {} : { cause: details.cause });
    this.status = details.status;
    this.code = details.code;
    this.requestId = details.requestId;
    this.headers = details.headers ?? new Headers();
  }
}

/** 400: the request is not well-formed. */
export class BadRequestError extends ApiError {
  override readonly name = 'BadRequestError';
}

/** 401: the key is missing, wrong, expired or revoked. */
export class AuthenticationError extends ApiError {
  override readonly name = 'AuthenticationError';
}

/** 402: a payment was declined, and nothing changed. */
export class PaymentError extends ApiError {
  override readonly name = 'PaymentError';
  /** Why the processor declined it. */
  readonly declineReason: string | undefined;

  constructor(details: ApiErrorDetails) {
    super(details);
    this.declineReason = details.declineReason;
  }
}

/** 403: the key is good, but may not do this. */
export class PermissionError extends ApiError {
  override readonly name = 'PermissionError';
}

/** 404: there is no such object in the key's organization and environment. */
export class NotFoundError extends ApiError {
  override readonly name = 'NotFoundError';
}

/** 409: the object's state does not allow it. */
export class ConflictError extends ApiError {
  override readonly name = 'ConflictError';
  /** With `payment_method_in_use` alone: what uses it. */
  readonly dependencies: PaymentMethodDependencies | undefined;
  /** With `coupon_not_applicable` alone: why the coupon does not lower this price. */
  readonly reason: CouponNotApplicableReason | undefined;

  constructor(details: ApiErrorDetails) {
    super(details);
    this.dependencies = details.dependencies;
    this.reason = details.reason;
  }
}

/** 422: a parameter is wrong; `errors` names each. */
export class ValidationError extends ApiError {
  override readonly name = 'ValidationError';
  readonly errors: ParamError[];

  constructor(details: ApiErrorDetails) {
    super(details);
    this.errors = details.errors ?? [];
  }
}

/** 429: too many requests. */
export class RateLimitError extends ApiError {
  override readonly name = 'RateLimitError';
  /** In how many seconds to try again, where the server said so. */
  readonly retryAfter: number | undefined;

  constructor(details: ApiErrorDetails) {
    super(details);
    this.retryAfter = details.retryAfter;
  }
}

/** 5xx: the server, or a proxy before it, failed. */
export class InternalServerError extends ApiError {
  override readonly name = 'InternalServerError';
}

/** No complete answer came: refused, reset, cut short, no such host. */
export class ConnectionError extends ApiError {
  override readonly name = 'ConnectionError';
}

/** No complete answer came in time. */
export class TimeoutError extends ApiError {
  override readonly name = 'TimeoutError';
}

/** Why `portalSessions.verify` refused a token. */
export type InvalidTokenReason =
  'malformed' | 'unknown_key' | 'bad_signature' | 'bad_claims' | 'expired';

/** The token is not good. No request failed: this is the outcome of a local check. */
export class InvalidTokenError extends Error {
  override readonly name = 'InvalidTokenError';
  readonly reason: InvalidTokenReason;

  constructor(reason: InvalidTokenReason, message: string) {
    super(message);
    this.reason = reason;
  }
}
