/** Every way in which a call fails. */
import type { ErrorCode, ParamError, PaymentMethodDependencies } from '../api-types.js';

/** What an {@link ApiError} is made of. */
export interface ApiErrorDetails {
  /** The HTTP status; 0 where no answer came. */
  status: number;
  code?: ErrorCode | undefined;
  message: string;
  requestId?: string | undefined;
  headers?: Headers | undefined;
  errors?: readonly ParamError[] | undefined;
  declineReason?: string | undefined;
  dependencies?: PaymentMethodDependencies | undefined;
  /** Seconds. */
  retryAfter?: number | undefined;
  cause?: unknown;
}

/** The call did not succeed: what the server answered (RFC 9457), or that no answer came. */
export class ApiError extends Error {
  override readonly name: string = 'ApiError';
  /** The HTTP status; 0 where no answer came. */
  declare readonly status: number;
  /** Which error it is; undefined where the answer was not UnitPay's, but a proxy's, say. */
  declare readonly code: ErrorCode | undefined;
  /** Names the request in the server's log. */
  declare readonly requestId: string | undefined;
  /** The answer's headers; empty where no answer came. */
  declare readonly headers: Headers;
  /** What is wrong with which parameter; with `validation_failed` alone. */
  declare readonly errors: readonly ParamError[];
  /** Why the processor refused; with `payment_declined` alone. */
  declare readonly declineReason: string | undefined;
  /** In how many seconds to try again, where the server said so. */
  declare readonly retryAfter: number | undefined;
  /** What needs a payment method; with `payment_method_in_use` alone. */
  declare readonly dependencies: PaymentMethodDependencies | undefined;

  constructor({ message, cause, ...details }: ApiErrorDetails) {
    super(message, { cause });
    Object.assign(this, { code: undefined, headers: new Headers(), errors: [] }, details);
  }

  /** Whether the same call may succeed in a while: no answer came, too many calls, or the server failed. */
  get isPassing(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

/** 409 `payment_method_in_use`: what still needs the payment method. */
export class PmInUseError extends ApiError {
  override readonly name = 'PmInUseError';
  declare readonly dependencies: PaymentMethodDependencies;
}

/** The same error, as one that tells what is in the way, where it does. */
export function withDependencies(error: unknown): unknown {
  return error instanceof ApiError && error.dependencies ? new PmInUseError(error) : error;
}

/** The error that an answer stands for. `body` is its text: a problem of ours, or what a proxy wrote. */
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

/** Empty unless the answer is a problem (RFC 9457): another server's JSON has other meanings. */
function readProblem(headers: Headers, body: string): Problem {
  try {
    const isProblem = headers.get('content-type')?.startsWith('application/problem+json');
    return isProblem ? ((JSON.parse(body) as Problem | null) ?? {}) : {};
  } catch {
    return {};
  }
}

/** Our server writes seconds; the form with a date is a proxy's and stands for "not now". */
function retryAfter(headers: Headers): number | undefined {
  const value = headers.get('retry-after');
  return value !== null && /^\d+$/.test(value) ? Number(value) : undefined;
}
