/** The API as a portal session sees it. */
import { ApiError } from './errors.js';
import { sleep } from './http.js';
import type { PortalSession } from './session.js';

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

/** The query parameters of a request. Null and undefined are left out. */
export type Query = Readonly<Record<string, string | number | boolean | null | undefined>>;

/** The options of one call. */
export interface CallOptions {
  /** Makes the call happen once however often it is sent: see `once`. */
  idempotencyKey?: string | undefined;
}

/** A GET is tried again this often; nothing else is. */
const RETRIES = 2;
const LONGEST_PAUSE_MS = 10_000;

/** The API client of a portal session. It refreshes tokens and retries GETs. */
export class UnitPayClient {
  /** Null until the page has a token; calls are refused till then. */
  readonly session: PortalSession | null;

  constructor(session: PortalSession | null) {
    this.session = session;
  }

  /** `path` begins after `/v1`, say `/invoices`; parts of it that are ids are to be escaped. */
  get<T>(path: string, query: Query = {}): Promise<T> {
    return this.#run('GET', pathOf(path, query));
  }

  list<T>(path: string, query?: Query): Promise<Page<T>> {
    return this.get(path, query);
  }

  post<T>(path: string, body?: object, options?: CallOptions): Promise<T> {
    return this.#run('POST', path, body, options);
  }

  put<T>(path: string, body: object, options?: CallOptions): Promise<T> {
    return this.#run('PUT', path, body, options);
  }

  patch<T>(path: string, body: object, options?: CallOptions): Promise<T> {
    return this.#run('PATCH', path, body, options);
  }

  delete<T>(path: string, options?: CallOptions): Promise<T> {
    return this.#run('DELETE', path, undefined, options);
  }

  /** A document, such as an invoice's PDF. */
  download(path: string): Promise<Blob> {
    return this.#run('GET', path, undefined, {}, (response) => response.blob());
  }

  async #run<T>(
    method: string,
    path: string,
    body?: object,
    { idempotencyKey }: CallOptions = {},
    read: (response: Response) => Promise<T> = json,
  ): Promise<T> {
    const { session } = this;
    if (!session) {
      const message = 'No token yet.';
      throw new ApiError({ status: 401, code: 'missing_credentials', message });
    }
    const headers: Record<string, string> = { accept: 'application/json' };
    if (body) headers['content-type'] = 'application/json';
    if (idempotencyKey !== undefined) headers['idempotency-key'] = idempotencyKey;
    const request = { method, path, headers, body: body && JSON.stringify(body), read };
    let isReplaced = false;
    for (let failures = 0; ;) {
      const token = await session.usableToken();
      try {
        return await session.send({ token, ...request });
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        if (error.status === 401 && !isReplaced) {
          await session.replaceRefused(token, error);
          isReplaced = true;
        } else if (method === 'GET' && error.isPassing && failures < RETRIES) {
          await sleep(pause(error, failures), session.signal);
          failures += 1;
        } else throw error;
      }
    }
  }
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
