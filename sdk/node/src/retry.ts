/** Whether a failed attempt is worth another one, and when. */
import { ApiError, ConnectionError, TimeoutError } from './errors.js';

const FIRST_WAIT = 500;
const LONGEST_BACKOFF = 8_000;
/** Nobody waits longer inside a call; the error says `Retry-After` to the caller instead. */
const LONGEST_RETRY_AFTER = 60_000;

/**
 * Milliseconds until the next attempt; undefined where there shall be none.
 *
 * The backoff doubles with each attempt and is spread over its upper half, so that clients that
 * failed together do not come back together. `Retry-After` is never undercut.
 */
export function retryDelay(
  error: unknown,
  attempt: number,
  random: number,
  now: number,
): number | undefined {
  if (!(error instanceof ApiError) || !isPassing(error)) return undefined;
  const backoff = Math.min(LONGEST_BACKOFF, FIRST_WAIT * 2 ** attempt) * (0.5 + random / 2);
  const asked = (readRetryAfter(error.headers, now) ?? 0) * 1000;
  return asked > LONGEST_RETRY_AFTER ? undefined : Math.max(asked, backoff);
}

/** The header's seconds, from either of its forms (RFC 9110 section 10.2.3). */
export function readRetryAfter(headers: Headers, now: number): number | undefined {
  const value = headers.get('retry-after');
  if (value === null) return undefined;
  if (/^\d+$/.test(value)) return Number(value);
  const date = value.endsWith(' GMT') ? Date.parse(value) : NaN;
  return Number.isNaN(date) ? undefined : Math.max(0, Math.ceil((date - now) / 1000));
}

function isPassing(error: ApiError): boolean {
  return (
    error instanceof ConnectionError ||
    error instanceof TimeoutError ||
    error.status === 429 ||
    error.status >= 500
  );
}
