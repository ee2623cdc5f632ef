/** Gets the first token when the page has only a way to mint one. */
import { useCallback, useEffect, useRef, useState } from 'react';

import type { ErrorCode } from '../api-types.js';
import { ApiError } from '../core/errors.js';
import type { Fetch } from '../core/http.js';
import { fetchToken, type GetPortalToken } from '../core/renew.js';
import { useLayout } from './layout.js';

/** The state of the first token, for the hooks and components that wait for it. */
export interface Opening {
  /** The failure to get a token; null while one is awaited. */
  error: ApiError | null;
  /** A token is being requested. */
  isBusy: boolean;
  /** Requests a token again. */
  retry: () => Promise<void>;
}

interface Wish {
  /** Null: the page passes the token itself. */
  source: GetPortalToken | null;
  fetch: Fetch | undefined;
}

/**
 * Calls `getPortalToken` when the component mounts. Calls at the same time are one. A result that
 * arrives after the unmount is ignored.
 */
export function useFirstToken({ source, fetch }: Wish): Opening & { token: string | null } {
  const [state, setState] = useState(WAITING);
  const isWanted = source !== null;
  const hasToken = state.token !== null;
  // The newest callback, and the call in progress.
  const latest = useRef<Latest>({ source, fetch, call: null });
  useLayout(() => {
    Object.assign(latest.current, { source, fetch });
  });
  const retry = useCallback(() => {
    const { current } = latest;
    if (current.source === null) return Promise.resolve();
    if (current.call) return current.call;
    setState((former) => ({ ...former, isBusy: true }));
    const call: Promise<void> = firstToken(current.source, current.fetch).then((result) => {
      if (current.call !== call) return;
      current.call = null;
      setState({ ...result, isBusy: false });
    });
    return (current.call = call);
  }, []);
  useEffect(() => {
    if (!isWanted || hasToken) return undefined;
    const { current } = latest;
    let isMounted = true;
    // Strict Mode mounts twice in one task, which must not mint twice.
    queueMicrotask(() => {
      if (isMounted) void retry();
    });
    return () => {
      isMounted = false;
      current.call = null;
    };
  }, [isWanted, hasToken, retry]);
  return { ...state, retry };
}

interface Latest extends Wish {
  call: Promise<void> | null;
}

interface State {
  token: string | null;
  error: ApiError | null;
  isBusy: boolean;
}

const WAITING: State = { token: null, error: null, isBusy: false };

/** Returns the token, or an error that can be shown. It never rejects. */
async function firstToken(source: GetPortalToken, fetch: Fetch | undefined) {
  try {
    const token = await fetchToken(source, fetch);
    return { token, error: token ? null : failure('missing_credentials') };
  } catch (error) {
    return { token: null, error: error instanceof ApiError ? error : failure('network_error') };
  }
}

function failure(code: ErrorCode): ApiError {
  return new ApiError({ status: 0, code, message: 'No portal token.' });
}
