/** From an answer that is not a success to the error that stands for it. */
import {
  ApiError,
  AuthenticationError,
  BadRequestError,
  ConflictError,
  InternalServerError,
  NotFoundError,
  PaymentError,
  PermissionError,
  RateLimitError,
  ValidationError,
  type ApiErrorDetails,
} from './errors.js';
import { readRetryAfter } from './retry.js';
import type {
  CouponNotApplicableReason,
  ErrorCode,
  ParamError,
  PaymentMethodDependencies,
} from './types.js';

/** `body` is the answer's text: a problem of the server, or what a proxy wrote. */
export function errorOf(response: Response, body: string, now: number): ApiError {
  const { status, headers } = response;
  const problem = readProblem(headers, body);
  return make({
    status,
    code: text(problem.code) as ErrorCode | undefined,
    message: text(problem.detail) ?? text(problem.title) ?? foreignAnswer(status),
    requestId: text(problem.requestId) ?? headers.get('x-request-id') ?? undefined,
    headers,
    errors: Array.isArray(problem.errors) ? (problem.errors as ParamError[]) : [],
    retryAfter: readRetryAfter(headers, now),
    declineReason: text(problem.declineReason),
    dependencies: problem.dependencies as PaymentMethodDependencies | undefined,
    reason: text(problem.reason) as CouponNotApplicableReason | undefined,
  });
}

function make(details: ApiErrorDetails): ApiError {
  switch (details.status) {
    case 400:
      return new BadRequestError(details);
    case 401:
      return new AuthenticationError(details);
    case 402:
      return new PaymentError(details);
    case 403:
      return new PermissionError(details);
    case 404:
      return new NotFoundError(details);
    case 409:
      return new ConflictError(details);
    case 422:
      return new ValidationError(details);
    case 429:
      return new RateLimitError(details);
    default:
      return details.status >= 500 ? new InternalServerError(details) : new ApiError(details);
  }
}

/** Empty unless the answer is a problem (RFC 9457): another server's JSON has other meanings. */
function readProblem(headers: Headers, body: string): Record<string, unknown> {
  if (!headers.get('content-type')?.startsWith('application/problem+json')) return {};
  try {
    // A value that is not an object has none of these members.
    return (JSON.parse(body) ?? {}) as Record<string, unknown>;
  } catch {
    return {};
  }
}

function foreignAnswer(status: number): string {
  const redirect = status >= 300 && status < 400;
  return redirect
    ? `The server answered with a redirect (${String(status)}), which is not followed. Check baseUrl.`
    : `The server answered ${String(status)}, and not as UnitPay does.`;
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
