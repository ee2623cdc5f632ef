/** Errors of API calls. */
import type { ErrorCode, ParamError, PaymentMethodDependencies, Price } from '../api-types.js';

/** The fields of an {@link ApiError}. */
export interface ApiErrorDetails {
  /** The HTTP status; 0 without a response. */
  status: number;
  code?: ErrorCode | undefined;
  message: string;
  requestId?: string | undefined;
  headers?: Headers | undefined;
  errors?: readonly ParamError[] | undefined;
  declineReason?: string | undefined;
  dependencies?: PaymentMethodDependencies | undefined;
  price?: Price | undefined;
  /** Seconds. */
  retryAfter?: number | undefined;
  cause?: unknown;
}

/** A failed call: the server's problem (RFC 9457), or no response. */
export class ApiError extends Error {
  override readonly name: string = 'ApiError';
  /** The HTTP status; 0 without a response. */
  declare readonly status: number;
  /** The error code; undefined if a proxy wrote the response. */
  declare readonly code: ErrorCode | undefined;
  /** The id of the request in the server's log. */
  declare readonly requestId: string | undefined;
  /** The response headers; empty without a response. */
  declare readonly headers: Headers;
  /** The invalid parameters; only with `validation_failed`. */
  declare readonly errors: readonly ParamError[];
  /** The reason for the decline; only with `payment_declined`. */
  declare readonly declineReason: string | undefined;
  /** Seconds until the next try, if the server named them. */
  declare readonly retryAfter: number | undefined;
  /** The records that need the payment method; only with `payment_method_in_use`. */
  declare readonly dependencies: PaymentMethodDependencies | undefined;
  /** The price now; only with `price_changed`. */
  declare readonly price: Price | undefined;

  constructor({ message, cause, ...details }: ApiErrorDetails) {
    super(message, { cause });
    Object.assign(this, { code: undefined, headers: new Headers(), errors: [] }, details);
  }

  /** True if a later try may succeed: no response, 429 or 5xx. */
  get isPassing(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

/** 409 `payment_method_in_use`, with the records that need the payment method. */
export class PmInUseError extends ApiError {
  override readonly name = 'PmInUseError';
  declare readonly dependencies: PaymentMethodDependencies;
}

/** Returns a `PmInUseError` for an error with dependencies, else the error itself. */
export function withDependencies(error: unknown): unknown {
  return error instanceof ApiError && error.dependencies ? new PmInUseError(error) : error;
}

/** Returns the error for a response. `body` may be a problem or the page of a proxy. */
export function errorOf(status: number, headers: Headers, body: string): ApiError {
  const { detail, ...problem } = readProblem(headers, body);
  return new ApiError({
    requestId: headers.get('x-request-id') ?? undefined,
    ...problem,
    status,
    message: detail ?? `Status ${String(status)}.`,
    headers,
    retryAfter: retryAfter(headers),
  });
}

interface Problem extends Partial<ApiErrorDetails> {
  detail?: string;
}

/** Returns the problem (RFC 9457) in a body, or an empty object for any other body. */
function readProblem(headers: Headers, body: string): Problem {
  try {
    const isProblem = headers.get('content-type')?.startsWith('application/problem+json');
    return isProblem ? ((JSON.parse(body) as Problem | null) ?? {}) : {};
  } catch {
    return {};
  }
}

/** Returns the seconds of `Retry-After`. Only proxies send a date. */
function retryAfter(headers: Headers): number | undefined {
  const value = headers.get('retry-after');
  return value !== null && /^\d+$/.test(value) ? Number(value) : undefined;
}
