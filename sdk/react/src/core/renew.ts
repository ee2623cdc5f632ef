/** A token of a new session, from the page's own server. */
import { ApiError } from './errors.js';
import { exchange, type Fetch } from './http.js';

/** A function, or a route of the page's own origin: POST, answers `{token}`. */
export type GetPortalToken =
  string | (() => string | null | undefined | Promise<string | null | undefined>);

/** Null where the page has none to give. Rejects where it may have one later: no answer, 429, 5xx. */
export async function fetchToken(source: GetPortalToken, fetch?: Fetch): Promise<string | null> {
  try {
    if (typeof source === 'function') return (await source()) ?? null;
    const read = async (response: Response) =>
      ((await response.json()) as { token?: string }).token ?? null;
    return await exchange({ url: source, init: { method: 'POST' }, fetch, read });
  } catch (error) {
    // A `TypeError` is what `fetch` rejects with where no answer came.
    if (error instanceof ApiError ? error.isPassing : error instanceof TypeError) throw error;
    return null;
  }
}
