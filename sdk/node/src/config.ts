/**
 * Checks the options of the constructor, so that no later call fails because of them.
 *
 * No message here quotes a credential: it would end up in a log.
 */

/** The part of the Web's `fetch` that this package calls. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** The options of `UnitPay`; absent ones come from the environment. */
export interface UnitPayOptions {
  /** The secret key, `upay_sk_…`. Default: the variable `UNITPAY_API_KEY`. */
  apiKey?: string | undefined;
  /**
   * The API's address with its `/v1`. Default: the variable `UNITPAY_BASE_URL`, else
   * `http://127.0.0.1:4000/v1`.
   */
  baseUrl?: string | undefined;
  /** Milliseconds for one attempt, its answer's body included. Default 30000. */
  timeout?: number | undefined;
  /** Number of retries of a failed call. Default 2. */
  retries?: number | undefined;
  /** Stands before every generated `Idempotency-Key`; up to 200 visible ASCII characters. */
  idempotencyKeyPrefix?: string | undefined;
  /** Used in place of the global `fetch`. */
  fetch?: Fetch | undefined;
  /** Not for this package: a portal token belongs to `@unitpay/react`, in the browser. */
  portalToken?: never;
}

export interface Config {
  apiKey: string;
  /** Without a slash at its end. */
  baseUrl: string;
  timeout: number;
  retries: number;
  idempotencyKeyPrefix: string;
  fetch: Fetch;
}

const LOCAL_BASE_URL = 'http://127.0.0.1:4000/v1';
/** Timers hold no more than 31 bits; a longer one would fire at once. */
const LONGEST_TIMEOUT = 2 ** 31 - 1;
const VISIBLE_ASCII = /^[\x21-\x7e]+$/;

export function readConfig(options: UnitPayOptions): Config {
  if ((options as { portalToken?: unknown }).portalToken != null) {
    throw new TypeError(
      '@unitpay/node takes no portalToken. It runs on your server with a secret key; a portal ' +
        'token belongs in the browser, where @unitpay/react takes it.',
    );
  }
  const { idempotencyKeyPrefix = '', fetch } = options;
  if (idempotencyKeyPrefix !== '') checkIdempotencyKey(idempotencyKeyPrefix, 200);
  return {
    apiKey: readApiKey(options.apiKey ?? variable('UNITPAY_API_KEY')),
    baseUrl: readBaseUrl(options.baseUrl ?? variable('UNITPAY_BASE_URL') ?? LOCAL_BASE_URL),
    timeout: checkTimeout(options.timeout ?? 30_000),
    retries: checkRetries(options.retries ?? 2),
    idempotencyKeyPrefix,
    // Looked up at each call and called bare: Workers refuse a `fetch` with another `this`.
    fetch: fetch ?? ((url, init) => globalThis.fetch(url, init)),
  };
}

export function checkTimeout(timeout: number): number {
  if (!(timeout > 0 && timeout <= LONGEST_TIMEOUT)) {
    throw new RangeError(`timeout must be 1 to ${String(LONGEST_TIMEOUT)} milliseconds.`);
  }
  return timeout;
}

export function checkRetries(retries: number): number {
  if (!Number.isSafeInteger(retries) || retries < 0) {
    throw new RangeError('retries must be 0 or a positive integer.');
  }
  return retries;
}

/** The server takes 1 to 255 visible ASCII characters. */
export function checkIdempotencyKey(key: string, longest = 255): string {
  if (!VISIBLE_ASCII.test(key) || key.length > longest) {
    throw new TypeError(
      `An idempotency key (or its prefix) must be 1 to ${String(longest)} visible ASCII characters.`,
    );
  }
  return key;
}

function readApiKey(key: string | undefined): string {
  if (!key) {
    throw new TypeError(
      'No API key. Pass apiKey, or set the environment variable UNITPAY_API_KEY.',
    );
  }
  if (key.startsWith('upay_pk_')) {
    throw new TypeError(
      'The API key is a publishable key (upay_pk_…). A server needs a secret key (upay_sk_…).',
    );
  }
  if (/^eyJ[^.]*\.[^.]*\./.test(key)) {
    throw new TypeError('The API key is a token (a JWT). A server needs a secret key (upay_sk_…).');
  }
  // `fetch` would quote a header value that it refuses.
  if (!VISIBLE_ASCII.test(key)) {
    throw new TypeError('The API key contains white space or other characters that no key has.');
  }
  return key;
}

function readBaseUrl(baseUrl: string): string {
  let url;
  try {
    url = new URL(baseUrl);
  } catch {
    throw new TypeError('baseUrl is not a URL.');
  }
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    throw new TypeError('baseUrl must begin with https:// or http://.');
  }
  if (url.username || url.password || url.search || url.hash) {
    throw new TypeError('baseUrl must have no user name, password, query or fragment.');
  }
  return url.href.replace(/\/+$/, '');
}

/** An empty variable is none. Not every runtime has `process`. */
function variable(name: string): string | undefined {
  const { process } = globalThis as {
    process?: { env?: Record<string, string | undefined> };
  };
  const value = process?.env?.[name];
  return value === '' ? undefined : value;
}
