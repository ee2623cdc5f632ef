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
  errors?: ParamError[] | undefined;
  declineReason?: string | undefined;
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

  constructor({ message, cause, ...details }: ApiErrorDetails) {
    super(message, cause === undefined ? {} : { cause });
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
  readonly dependencies: PaymentMethodDependencies;

  constructor(details: ApiErrorDetails, dependencies: PaymentMethodDependencies) {
    super(details);
    this.dependencies = dependencies;
  }
}

/** The error that an answer stands for. `body` is its text: a problem of ours, or what a proxy wrote. */
export function errorOf(status: number, headers: Headers, body: string): ApiError {
  const problem = readProblem(headers, body);
  const details: ApiErrorDetails = {
    status,
    code: text(problem.code) as ErrorCode | undefined,
    message: text(problem.detail) ?? `The server answered ${String(status)}.`,
    requestId: text(problem.requestId) ?? headers.get('x-request-id') ?? undefined,
    headers,
    errors: Array.isArray(problem.errors) ? (problem.errors as ParamError[]) : [],
    declineReason: text(problem.declineReason),
    retryAfter: retryAfter(headers),
  };
  return details.code === 'payment_method_in_use' && isObject(problem.dependencies)
    ? new PmInUseError(details, problem.dependencies as unknown as PaymentMethodDependencies)
    : new ApiError(details);
}

/** Empty unless the answer is a problem (RFC 9457): another server's JSON has other meanings. */
function readProblem(headers: Headers, body: string): Record<string, unknown> {
  if (!headers.get('content-type')?.startsWith('application/problem+json')) return {};
  try {
    const problem: unknown = JSON.parse(body);
    return isObject(problem) ? problem : {};
  } catch {
    return {};
  }
}

/** Our server writes seconds; the form with a date is a proxy's and stands for "not now". */
function retryAfter(headers: Headers): number | undefined {
  const value = headers.get('retry-after');
  return value !== null && /^\d+$/.test(value) ? Number(value) : undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
