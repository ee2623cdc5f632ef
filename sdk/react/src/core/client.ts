/** The API as a portal session sees it. */
import { ApiError } from './errors.js';
import { sleep } from './http.js';
import type { PortalSession } from './session.js';
import type { PortalToken } from './token.js';

/** One page of a list, newest row first. */
export interface Page<T> {
  data: T[];
  /** Whether there are older rows than these. */
  hasMore: boolean;
  /** The `cursor` of the page of older rows. */
  nextCursor: string | null;
  /** The `cursor` of the page of newer rows. */
  prevCursor: string | null;
}

export type Query = Readonly<Record<string, string | number | boolean | null | undefined>>;

export interface CallOptions {
  /** Makes the call happen once however often it is sent: see `once`. */
  idempotencyKey?: string | undefined;
}

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

interface Call<T> extends CallOptions {
  method: Method;
  path: string;
  body?: object | undefined;
  read: (response: Response) => Promise<T>;
}

/** A GET is tried again this often; nothing else is. */
const RETRIES = 2;
const LONGEST_PAUSE_MS = 10_000;

export class UnitPayClient {
  /** Null until the page has a token; calls are refused till then. */
  readonly session: PortalSession | null;

  constructor(session: PortalSession | null) {
    this.session = session;
  }

  /** `path` begins after `/v1`, say `/invoices`; parts of it that are ids are to be escaped. */
  get<T>(path: string, query: Query = {}): Promise<T> {
    return this.#run({ method: 'GET', path: pathOf(path, query), read: json<T> });
  }

  list<T>(path: string, query?: Query): Promise<Page<T>> {
    return this.get(path, query);
  }

  post<T>(path: string, body?: object, options: CallOptions = {}): Promise<T> {
    return this.#run({ ...options, method: 'POST', path, body, read: json<T> });
  }

  put<T>(path: string, body: object, options: CallOptions = {}): Promise<T> {
    return this.#run({ ...options, method: 'PUT', path, body, read: json<T> });
  }

  patch<T>(path: string, body: object, options: CallOptions = {}): Promise<T> {
    return this.#run({ ...options, method: 'PATCH', path, body, read: json<T> });
  }

  delete<T>(path: string, options: CallOptions = {}): Promise<T> {
    return this.#run({ ...options, method: 'DELETE', path, read: json<T> });
  }

  /** A document, such as an invoice's PDF. */
  download(path: string): Promise<Blob> {
    return this.#run({ method: 'GET', path, read: (response) => response.blob() });
  }

  async #run<T>(call: Call<T>): Promise<T> {
    const { session } = this;
    if (!session) {
      const message = 'There is no token yet.';
      throw new ApiError({ status: 401, code: 'missing_credentials', message });
    }
    let isReplaced = false;
    for (let failures = 0; ;) {
      const token = await session.usableToken();
      try {
        return await session.send(request(call, token));
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        if (error.status === 401 && !isReplaced) {
          await session.replaceRefused(token, error);
          isReplaced = true;
        } else if (call.method === 'GET' && error.isPassing && failures < RETRIES) {
          await sleep(pause(error, failures), session.signal);
          failures += 1;
        } else throw error;
      }
    }
  }
}

function request<T>({ method, path, body, idempotencyKey, read }: Call<T>, token: PortalToken) {
  const headers: Record<string, string> = { accept: 'application/json' };
  if (body !== undefined) headers['content-type'] = 'application/json';
  if (idempotencyKey !== undefined) headers['idempotency-key'] = idempotencyKey;
  return { token, method, path, headers, body: body && JSON.stringify(body), read };
}

/** Undefined for an answer without a body. */
async function json<T>(response: Response): Promise<T> {
  const text = await response.text();
  return (text === '' ? undefined : JSON.parse(text)) as T;
}

/** Half a second, then one; spread, so that tabs that failed together do not come back together. */
function pause(error: ApiError, failures: number): number {
  const backoff = 500 * 2 ** failures * (0.5 + Math.random() / 2);
  return Math.min(LONGEST_PAUSE_MS, Math.max(backoff, (error.retryAfter ?? 0) * 1000));
}

/** A path with its query, as it is sent. */
export function pathOf(path: string, query: Query): string {
  const pairs = Object.entries(query).filter(([, value]) => value != null);
  const text = new URLSearchParams(pairs.map(([name, value]) => [name, String(value)])).toString();
  return text ? `${path}?${text}` : path;
}
