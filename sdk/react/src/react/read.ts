/** Reading hooks: what every one of them does. */
import {
  useInfiniteQuery,
  useQuery,
  type QueryKey,
  type UseQueryResult,
} from '@tanstack/react-query';
import { useCallback } from 'react';

import type { Scope } from '../api-types.js';
import { pathOf, type Page, type Query } from '../core/client.js';
import type { ApiError } from '../core/errors.js';
import { isPage } from '../core/page.js';
import { keyOf, usePortal } from './context.js';

/** Null: idle, and not loading. */
export type Id = string | null | undefined;

export type Read<T> = T & {
  /** Nothing to show yet, and it may come. */
  isLoading: boolean;
  isFetching: boolean;
  error: ApiError | null;
  refetch: () => Promise<void>;
};

export type Paged<T> = Read<
  T & { hasMore: boolean; isFetchingMore: boolean; fetchMore: () => Promise<void> }
>;

const STALE_MS = 30_000;

/** What both kinds of query share. The client alone tries again, offline too. */
const options = { networkMode: 'always', retry: false, staleTime: STALE_MS } as const;

function useTarget(path: Id, query: Query) {
  const { session, client, queryClient, initialData } = usePortal();
  const isOpen = session !== null && !session.endError && !session.isVeiled;
  const isIdle = path == null;
  const key: QueryKey = [...keyOf(session), path, query];
  const initial = isIdle ? undefined : initialData[pathOf(path, query)];
  const isEnabled = isOpen && !isIdle && isPage;
  /** What there is to show: nothing of a session that ended, or that may have. */
  const shown = <D>(result: { data: D | undefined; error: Error | null; isFetching: boolean }) => {
    const data = isOpen && !isIdle ? result.data : undefined;
    const failure = isOpen && !isIdle ? (result.error as ApiError | null) : null;
    const error = isIdle ? null : (session?.endError ?? failure);
    const isLoading = !isIdle && data === undefined && !error;
    return { data, error, isLoading, isFetching: result.isFetching };
  };
  return { client, queryClient, key, initial, isEnabled, shown };
}

export type Loaded<D> = Read<{ data: D | undefined }>;

/** One GET. */
export function useRead<D>(path: Id, query: Query = {}): Loaded<D> {
  const target = useTarget(path, query);
  const result = useTargetQuery<D>(target, () => target.client.get<D>(path ?? '', query));
  const refetch = useQuietly(result.refetch);
  return { ...target.shown(result), refetch };
}

/** One GET of a thing, under its name; null while there is none. */
export function useOne<K extends string, D>(
  name: K,
  path: Id,
  query?: Query,
): Read<Record<K, D | null>> {
  const { data = null, ...state } = useRead<D>(path, query);
  return { ...state, [name]: data } as unknown as Read<Record<K, D | null>>;
}

/** One GET of a short list, under its name. A customer has few of each, and a seller too. */
export function useAll<K extends string, D>(
  name: K,
  path: Id,
  query?: Query,
): Read<Record<K, D[]>> {
  const { data, ...state } = useRead<Page<D>>(path, { limit: 100, ...query });
  return { ...state, [name]: data?.data ?? [] } as unknown as Read<Record<K, D[]>>;
}

/** The path where the session may read it, or may come to. */
export function useIfAllowed(scope: Scope, path: string): Id {
  const { session } = usePortal();
  return !session || session.can(scope) ? path : null;
}

/** One POST that asks and changes nothing, such as a preview. */
export function useAsk<D>(path: Id, body: object): Loaded<D> {
  const target = useTarget(path, body as Query);
  const result = useTargetQuery<D>(target, () => target.client.post<D>(path ?? '', body));
  const refetch = useQuietly(result.refetch);
  return { ...target.shown(result), refetch };
}

/** One GET, as TanStack tells it. */
export function useQueryOf<D>(path: Id): UseQueryResult<D, ApiError> {
  const target = useTarget(path, {});
  return useTargetQuery<D>(target, () => target.client.get<D>(path ?? ''));
}

function useTargetQuery<D>(
  { key, initial, isEnabled, queryClient }: ReturnType<typeof useTarget>,
  queryFn: () => Promise<D>,
): UseQueryResult<D, ApiError> {
  const initialData = initial as D;
  return useQuery<D, ApiError>(
    { ...options, queryKey: key, queryFn, enabled: isEnabled, initialData },
    queryClient,
  );
}

export type LoadedPages<D> = Paged<{ rows: D[]; isEmpty: boolean }>;

/** A list, page after page. */
export function usePages<D>(path: Id, query: Query = {}): LoadedPages<D> {
  const { client, queryClient, key, initial, isEnabled, shown } = useTarget(path, query);
  const result = useInfiniteQuery(
    {
      ...options,
      queryKey: [...key, 'pages'],
      queryFn: ({ pageParam }) => client.list<D>(path ?? '', { ...query, cursor: pageParam }),
      initialPageParam: null as string | null,
      getNextPageParam: (last: Page<D>) => (last.hasMore ? last.nextCursor : null),
      enabled: isEnabled,
      ...(initial ? { initialData: { pages: [initial as Page<D>], pageParams: [null] } } : {}),
    },
    queryClient,
  );
  const { refetch, fetchNextPage } = result;
  const { data, ...state } = shown(result);
  const rows = data?.pages.flatMap((page) => page.data) ?? [];
  return {
    ...state,
    rows,
    isEmpty: data !== undefined && rows.length === 0,
    hasMore: data !== undefined && result.hasNextPage,
    isFetchingMore: result.isFetchingNextPage,
    refetch: useQuietly(refetch),
    fetchMore: useQuietly(fetchNextPage),
  };
}

/** What came of it is shown by the hook's other members. */
function useQuietly(run: () => Promise<unknown>): () => Promise<void> {
  return useCallback(async () => {
    await run();
  }, [run]);
}
