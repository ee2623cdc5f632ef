/** One request and its whole answer. It knows nothing of tokens, sessions and retries. */
import type { ErrorCode } from '../api-types.js';
import { ApiError, errorOf } from './errors.js';
import type { ServerClock } from './clock.js';

/** The `fetch` that sends the requests. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** No answer within this time is a `timeout`. */
const TIMEOUT_MS = 30_000;

export interface Exchange<T> {
  url: string;
  init: RequestInit;
  /** Takes what is needed of a good answer. */
  read: (response: Response) => Promise<T>;
  fetch: Fetch | undefined;
  clock?: ServerClock;
  signal?: AbortSignal | undefined;
}

/** Rejects with an {@link ApiError}, or with the reason of the signal that ended it. */
export async function exchange<T>(request: Exchange<T>): Promise<T> {
  const { url, init, read, fetch, clock, signal } = request;
  signal?.throwIfAborted();
  const abort = new AbortController();
  const onAbort = () => {
    abort.abort();
  };
  signal?.addEventListener('abort', onAbort);
  let code: ErrorCode = 'network_error';
  const timer = setTimeout(() => {
    code = 'timeout';
    onAbort();
  }, TIMEOUT_MS);
  const sent = Date.now();
  try {
    // A page's own fetch wants to be called on the page.
    const call: Fetch = fetch ?? ((input, options) => globalThis.fetch(input, options));
    const options: RequestInit = { cache: 'no-store', redirect: 'error', ...init };
    const response = await call(url, { ...options, signal: abort.signal });
    clock?.observe(response.headers.get('date'), sent, Date.now());
    const { status, headers } = response;
    if (!response.ok) throw errorOf(status, headers, await response.text());
    return await read(response);
  } catch (cause) {
    if (cause instanceof ApiError) throw cause;
    signal?.throwIfAborted();
    throw new ApiError({ status: 0, code, message: 'No answer.', cause });
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
  }
}

/** Ends early, and well, where the signal says so. */
export function sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    signal.addEventListener('abort', done);
    if (signal.aborted) done();
  });
}
