/** The shared parts of the hooks that read. */
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
import type { Group } from './groups.js';

/** An id, or null or undefined for an idle hook: it sends no request and is not loading. */
export type Id = string | null | undefined;

/** The result of a hook that reads. */
export type Read<T> = T & {
  /** True until the first data or error arrives. */
  isLoading: boolean;
  isFetching: boolean;
  error: ApiError | null;
  refetch: () => Promise<void>;
};

/** The result of a hook that reads a list page by page. */
export type Paged<T> = Read<
  T & { hasMore: boolean; isFetchingMore: boolean; fetchMore: () => Promise<void> }
>;

const STALE_MS = 30_000;

/** Retries are the client's task, so TanStack Query does none; `always` lets them run offline too. */
const options = { networkMode: 'always', retry: false, staleTime: STALE_MS } as const;

interface Target {
  group: Group;
  path: Id;
  query?: Query | undefined;
}

function useTarget({ group, path, query = {} }: Target) {
  const { session, opening, client, queryClient, initialData } = usePortal();
  const isOpen = session !== null && !session.endError && !session.isVeiled;
  const isIdle = path == null;
  const queryKey: QueryKey = [...keyOf(session), path, query];
  const initial = isIdle ? undefined : initialData[pathOf(path, query)];
  const shared = { ...options, queryKey, meta: { group }, enabled: isOpen && !isIdle && isPage };
  /** Hides data and errors once the session has ended, or while its state is unknown. */
  const show = <D>(result: { data: D | undefined; error: Error | null; isFetching: boolean }) => {
    const data = isOpen && !isIdle ? result.data : undefined;
    const failure = isOpen && !isIdle ? (result.error as ApiError | null) : null;
    const error = isIdle ? null : session ? (session.endError ?? failure) : opening.error;
    const isLoading = !isIdle && data === undefined && !error;
    return { data, error, isLoading, isFetching: result.isFetching || opening.isBusy };
  };
  /** Without a session only another token can bring data. */
  const retry = session ? null : opening.retry;
  return { client, queryClient, shared, initial, show, retry, path: path ?? '', query };
}

export type Loaded<D> = Read<{ data: D | undefined }>;

/** Reads one resource with GET. */
export function useRead<D>(group: Group, path: Id, query?: Query): Loaded<D> {
  const target = useTarget({ group, path, query });
  const result = useTargetQuery<D>(target, () => target.client.get<D>(target.path, target.query));
  const refetch = useVoid(target.retry ?? result.refetch);
  return { ...target.show(result), refetch };
}

/** Reads one resource and returns it as the member `name`; null while there is none. */
export function useOne<K extends string, D>(
  name: K,
  group: Group,
  path: Id,
  query?: Query,
): Read<Record<K, D | null>> {
  const { data = null, ...state } = useRead<D>(group, path, query);
  return { ...state, [name]: data } as unknown as Read<Record<K, D | null>>;
}

/** Reads up to 100 rows of a short list and returns them as the member `name`. */
export function useAll<K extends string, D>(
  name: K,
  group: Group,
  path: Id,
  query?: Query,
): Read<Record<K, D[]>> {
  const { data, ...state } = useRead<Page<D>>(group, path, { limit: 100, ...query });
  return { ...state, [name]: data?.data ?? [] } as unknown as Read<Record<K, D[]>>;
}

/** Returns `path` when the session has `scope` or has no token yet, else null. */
export function useIfAllowed(scope: Scope, path: string): Id {
  const { session } = usePortal();
  return !session || session.can(scope) ? path : null;
}

/** Reads with a POST that changes nothing, such as a preview. */
export function useAsk<D>(group: Group, path: Id, body: object): Loaded<D> {
  const target = useTarget({ group, path, query: body as Query });
  const result = useTargetQuery<D>(target, () => target.client.post<D>(target.path, body));
  const refetch = useVoid(target.retry ?? result.refetch);
  return { ...target.show(result), refetch };
}

/** Reads one resource and returns TanStack Query's own result. */
export function useQueryOf<D>(group: Group, path: Id): UseQueryResult<D, ApiError> {
  const target = useTarget({ group, path });
  return useTargetQuery<D>(target, () => target.client.get<D>(target.path));
}

function useTargetQuery<D>(
  { shared, initial, queryClient }: ReturnType<typeof useTarget>,
  queryFn: () => Promise<D>,
): UseQueryResult<D, ApiError> {
  const initialData = initial as D;
  return useQuery<D, ApiError>({ ...shared, queryFn, initialData }, queryClient);
}

export type LoadedPages<D> = Paged<{ rows: D[] }>;

/** Reads a list page by page. */
export function usePages<D>(group: Group, path: Id, query?: Query): LoadedPages<D> {
  const target = useTarget({ group, path, query });
  const { client, queryClient, shared, initial, show } = target;
  const result = useInfiniteQuery(
    {
      ...shared,
      queryKey: [...shared.queryKey, 'pages'],
      queryFn: ({ pageParam }) => client.list<D>(target.path, { ...query, cursor: pageParam }),
      initialPageParam: null as string | null,
      getNextPageParam: (last: Page<D>) => (last.hasMore ? last.nextCursor : null),
      ...(initial ? { initialData: { pages: [initial as Page<D>], pageParams: [null] } } : {}),
    },
    queryClient,
  );
  const { refetch, fetchNextPage } = result;
  const { data, ...state } = show(result);
  const rows = data?.pages.flatMap((page) => page.data) ?? [];
  return {
    ...state,
    rows,
    hasMore: data !== undefined && result.hasNextPage,
    isFetchingMore: result.isFetchingNextPage,
    refetch: useVoid(target.retry ?? refetch),
    fetchMore: useVoid(fetchNextPage),
  };
}

/** Drops the result: the hook's other members show it. */
function useVoid(run: () => Promise<unknown>): () => Promise<void> {
  return useCallback(async () => {
    await run();
  }, [run]);
}
