/**
 * One call over HTTP: its address, its headers, its attempts, its outcome.
 *
 * It knows nothing of what is called. All of the resources go through it.
 */
import { checkIdempotencyKey, checkRetries, checkTimeout, type Config } from './config.js';
import { ApiError, ConnectionError, TimeoutError } from './errors.js';
import { errorOf } from './problem.js';
import { retryDelay } from './retry.js';
import type { Runtime } from './runtime.js';

/** Settings of one call, which override those of the client. */
export interface RequestOptions {
  /** Ends the call, between attempts too; it then rejects with the signal's reason. */
  signal?: AbortSignal | undefined;
  /** Milliseconds for one attempt. */
  timeout?: number | undefined;
  /** Number of retries of a failed call. */
  retries?: number | undefined;
  /** Sent in place of a generated one with POST and DELETE. */
  idempotencyKey?: string | undefined;
}

/** The request of a resource. The transport escapes each part of the path. */
export interface Call {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  path: readonly string[];
  query?: Readonly<Record<string, string | number | undefined>> | undefined;
  body?: object | undefined;
}

interface Attempt {
  url: string;
  init: RequestInit;
  timeout: number;
  signal: AbortSignal | undefined;
}

/** A whole answer. */
interface Answer {
  response: Response;
  bytes: ArrayBuffer;
}

const LATE = Symbol('late');

export class Transport {
  readonly #config: Config;
  readonly #runtime: Runtime;

  constructor(config: Config, runtime: Runtime) {
    this.#config = config;
    this.#runtime = runtime;
  }

  /** Milliseconds since the Unix epoch. */
  now(): number {
    return this.#runtime.now();
  }

  /** The server's own address, which is its issuer unless it is published under another one. */
  get origin(): string {
    return this.#config.baseUrl.replace(/\/v1$/, '');
  }

  /** Sends a call with the secret key; undefined for an answer without a body. */
  async send<T>(call: Call, options: RequestOptions = {}): Promise<T> {
    return json(await this.#send(call, options)) as T;
  }

  /** The same for an answer that is a document. */
  async download(call: Call, options: RequestOptions = {}): Promise<ArrayBuffer> {
    return (await this.#send(call, options)).bytes;
  }

  /** Gets a public document of the server, from its root and without the key. */
  async getPublic<T>(path: string): Promise<T> {
    const init = { method: 'GET', headers: { accept: 'application/json' } };
    return json(await this.#run(this.origin + path, init, {})) as T;
  }

  #send(call: Call, options: RequestOptions): Promise<Answer> {
    const headers: Record<string, string> = {
      accept: 'application/json',
      'x-api-key': this.#config.apiKey,
    };
    if (call.body !== undefined) headers['content-type'] = 'application/json';
    if (call.method === 'POST' || call.method === 'DELETE') {
      headers['idempotency-key'] = this.#idempotencyKey(options);
    }
    const url = this.#config.baseUrl + path(call.path) + query(call.query ?? {});
    const body = call.body === undefined ? null : JSON.stringify(call.body);
    return this.#run(url, { method: call.method, headers, body }, options);
  }

  async #run(url: string, init: RequestInit, options: RequestOptions): Promise<Answer> {
    const retries = checkRetries(options.retries ?? this.#config.retries);
    const timeout = checkTimeout(options.timeout ?? this.#config.timeout);
    const attempt = { url, init, timeout, signal: options.signal };
    for (let failed = 0; ; failed += 1) {
      try {
        const answer = await this.#exchange(attempt);
        if (answer.response.ok) return answer;
        throw errorOf(answer.response, text(answer.bytes), this.now());
      } catch (error) {
        if (failed >= retries) throw error;
        const delay = retryDelay(error, failed, this.#runtime.random(), this.now());
        if (delay === undefined) throw error;
        await this.#sleep(delay, options.signal);
      }
    }
  }

  /** One request and its whole answer, under a fresh abort signal. */
  async #exchange({ url, init, timeout, signal }: Attempt): Promise<Answer> {
    signal?.throwIfAborted();
    const abort = new AbortController();
    const onAbort = () => {
      abort.abort(signal?.reason);
    };
    signal?.addEventListener('abort', onAbort);
    const cancel = this.#runtime.after(timeout, () => {
      abort.abort(LATE);
    });
    try {
      // A redirect is not followed: `fetch` would take the key along to any other host.
      const redirect = 'manual';
      const response = await this.#config.fetch(url, { ...init, redirect, signal: abort.signal });
      return { response, bytes: await response.arrayBuffer() };
    } catch (cause) {
      signal?.throwIfAborted();
      if (abort.signal.reason === LATE) {
        const message = `No answer within ${String(timeout)} ms.`;
        throw new TimeoutError({ status: 0, message, cause });
      }
      throw new ConnectionError({ status: 0, message: `No answer: ${reason(cause)}.`, cause });
    } finally {
      cancel();
      signal?.removeEventListener('abort', onAbort);
    }
  }

  #sleep(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        cancel();
        // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- the caller's own reason, whatever it is
        reject(signal?.reason);
      };
      const cancel = this.#runtime.after(milliseconds, () => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      });
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }

  #idempotencyKey({ idempotencyKey }: RequestOptions): string {
    return idempotencyKey === undefined
      ? this.#config.idempotencyKeyPrefix + crypto.randomUUID()
      : checkIdempotencyKey(idempotencyKey);
  }
}

/** Undefined for an answer without a body. */
function json({ response: { status, headers }, bytes }: Answer): unknown {
  const body = text(bytes);
  if (body === '') return undefined;
  try {
    return JSON.parse(body);
  } catch {
    throw new ApiError({ status, headers, message: 'The answer is not JSON. Check baseUrl.' });
  }
}

function text(bytes: ArrayBuffer): string {
  return new TextDecoder().decode(bytes);
}

function path(parts: readonly string[]): string {
  return parts.map((part) => `/${segment(part)}`).join('');
}

/** A URL cannot hold these three in its path: they would silently name another resource. */
function segment(part: string): string {
  if (typeof part !== 'string' || part === '' || part === '.' || part === '..') {
    throw new TypeError(`Not an id that a request's path can hold: ${JSON.stringify(part)}.`);
  }
  return encodeURIComponent(part);
}

function query(parameters: Readonly<Record<string, string | number | undefined>>): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined) search.set(name, String(value));
  }
  const text = search.toString();
  return text && `?${text}`;
}

/** Node says "fetch failed" and keeps the reason below. */
function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? reason(error.cause) : error.message;
}
