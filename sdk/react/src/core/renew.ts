/** A token of a new session, from the page's own server. */
import { requireSameOrigin } from './base.js';
import { ApiError } from './errors.js';
import { exchange, type Fetch } from './http.js';

/** A function, or a route of the page's own origin: POST, answers `{token}`. */
export type GetPortalToken =
  string | (() => string | null | undefined | Promise<string | null | undefined>);

/** Null where the page has none to give. Rejects where it may have one later: no answer, 429, 5xx. */
export async function fetchToken(source: GetPortalToken, fetch?: Fetch): Promise<string | null> {
  try {
    return (await (typeof source === 'string' ? post(source, fetch) : source())) ?? null;
  } catch (error) {
    if (isPassing(error)) throw error;
    return null;
  }
}

async function post(url: string, fetch: Fetch | undefined): Promise<string | null> {
  requireSameOrigin('getPortalToken', url);
  const read = async (response: Response) => {
    const { token } = (await response.json()) as { token?: unknown };
    return typeof token === 'string' ? token : null;
  };
  return exchange({ url, init: { method: 'POST' }, fetch, read });
}

/** A `TypeError` is what `fetch` rejects with where no answer came. */
function isPassing(error: unknown): boolean {
  return error instanceof ApiError ? error.isPassing : error instanceof TypeError;
}
