/** The provider and its hooks against the real server, on React 18 and 19. */
import { QueryClient, QueryClientProvider, useQueryClient } from '@tanstack/react-query';
import { act, cleanup, render, renderHook, screen, waitFor } from '@testing-library/react';
import { StrictMode, useEffect, version, type ReactNode } from 'react';
import { afterEach, expect, inject, test, vi } from 'vitest';

import type { Customer } from '../../src/api-types.js';
import { UnitPayProvider, type UnitPayProviderProps } from '../../src/react/provider.js';
import { useRead } from '../../src/react/read.js';
import { useBilling, usePortalSession } from '../../src/react/session.js';
import { useWrite } from '../../src/react/write.js';
import { firstData, mint, mintFor, newCustomer, revoke } from '../support/backend.js';

afterEach(cleanup);

/** Sees every request of the provider's. */
function watched(props: Partial<UnitPayProviderProps> = {}) {
  const requests: string[] = [];
  const config = {
    apiBaseUrl: inject('baseUrl'),
    fetch: (url: string, init: RequestInit) => {
      requests.push(`${init.method ?? 'GET'} ${new URL(url).pathname.replace('/v1', '')}`);
      return fetch(url, init);
    },
    ...props.config,
  };
  return { requests, props: { ...props, config } };
}

function useName(id: string | null | undefined) {
  return useRead<Customer>('customer', id && `/customers/${id}`);
}

function Name({ id }: { id: string }) {
  const { data, isLoading, error } = useName(id);
  const { state } = usePortalSession();
  return (
    <p>
      {state}: {isLoading ? 'loading' : (error?.code ?? data?.name)}
    </p>
  );
}

const text = (wanted: string) => waitFor(() => screen.getByText(wanted));

test('it runs on the React that it should', () => {
  expect(version.split('.')[0]).toBe(inject('react'));
});

test('without a token it waits, and asks for nothing', async () => {
  const { requests, props } = watched({ portalToken: null });
  const view = render(
    <UnitPayProvider {...props}>
      <Name id="x" />
    </UnitPayProvider>,
  );
  await text('pending: loading');
  expect(requests).toEqual([]);
  const { token, customerId } = await mint();
  view.rerender(
    <UnitPayProvider {...props} portalToken={token}>
      <Name id={customerId} />
    </UnitPayProvider>,
  );
  await text('active: Ada');
  expect(requests).toEqual([`GET /customers/${customerId}`]);
});

test('strict mode and several hooks make one request', async () => {
  const { token, customerId } = await mint();
  const { requests, props } = watched({ portalToken: token });
  render(
    <StrictMode>
      <UnitPayProvider {...props}>
        <Name id={customerId} />
      </UnitPayProvider>
    </StrictMode>,
  );
  await text('active: Ada');
  expect(requests).toEqual([`GET /customers/${customerId}`]);
});

test('null is idle, and not loading', () => {
  const { props } = watched({ portalToken: null });
  const wrapper = ({ children }: { children: ReactNode }) => (
    <UnitPayProvider {...props}>{children}</UnitPayProvider>
  );
  const { result } = renderHook(() => useName(null), { wrapper });
  expect(result.current).toMatchObject({ isLoading: false, isFetching: false, error: null });
});

test('the queries of the page stay with the client of the page', async () => {
  const { token, customerId } = await mint();
  const { props } = watched({ portalToken: token });
  const mine = new QueryClient();
  let seen: QueryClient | null = null;
  function Mine() {
    seen = useQueryClient();
    return <Name id={customerId} />;
  }
  render(
    <QueryClientProvider client={mine}>
      <UnitPayProvider {...props}>
        <Mine />
      </UnitPayProvider>
    </QueryClientProvider>,
  );
  await text('active: Ada');
  expect(seen).toBe(mine);
  expect(mine.getQueryCache().getAll()).toEqual([]);
});

test('queries have the documented key in a client that is given', async () => {
  const { token, customerId } = await mint();
  const queryClient = new QueryClient();
  const { props } = watched({ portalToken: token, queryClient });
  render(
    <UnitPayProvider {...props}>
      <Name id={customerId} />
    </UnitPayProvider>,
  );
  await text('active: Ada');
  const keys = queryClient.getQueryCache().getAll();
  expect(keys.map(({ queryKey }) => queryKey)).toEqual([
    ['unitpay', inject('baseUrl'), customerId, `/customers/${customerId}`, {}],
  ]);
});

test('a write is under way, ends, and makes what was read fresh', async () => {
  const { token, customerId } = await mint();
  const { requests, props } = watched({ portalToken: token });
  const wrapper = ({ children }: { children: ReactNode }) => (
    <UnitPayProvider {...props}>{children}</UnitPayProvider>
  );
  const path = `/customers/${customerId}`;
  const { result } = renderHook(
    () => ({
      name: useName(customerId).data?.name,
      ...useWrite('rename', (client, idempotencyKey, name: string) =>
        client.patch<Customer>(path, { name }, { idempotencyKey }),
      ),
    }),
    { wrapper },
  );
  await waitFor(() => {
    expect(result.current.name).toBe('Ada');
  });
  let [first, second]: Promise<unknown>[] = [];
  act(() => {
    first = result.current.rename('Grace');
    second = result.current.rename('Grace');
  });
  expect(result.current.isPending).toBe(true);
  await act(() => Promise.all([first, second]));
  expect(result.current).toMatchObject({ isPending: false, error: null });
  await waitFor(() => {
    expect(result.current.name).toBe('Grace');
  });
  expect(requests.filter((request) => request.startsWith('PATCH'))).toHaveLength(1);
  await act(() => result.current.rename('').catch(() => undefined));
  expect(result.current).toMatchObject({ isPending: false, error: { code: 'validation_failed' } });
});

test('a session that is revoked shows it at the next request, once, and drops the data', async () => {
  const { token, customerId, jti } = await mint();
  const onSessionExpired = vi.fn();
  const queryClient = new QueryClient();
  const { props } = watched({ portalToken: token, queryClient, config: { onSessionExpired } });
  let refetch: () => Promise<void> = () => Promise.resolve();
  function Refetching() {
    ({ refetch } = useName(customerId));
    return <Name id={customerId} />;
  }
  render(
    <StrictMode>
      <UnitPayProvider {...props}>
        <Refetching />
      </UnitPayProvider>
    </StrictMode>,
  );
  await text('active: Ada');
  await revoke(jti);
  await act(() => refetch());
  await text('expired: session_revoked');
  expect(onSessionExpired.mock.calls).toEqual([['revoked']]);
  expect(queryClient.getQueryData(['unitpay', inject('baseUrl'), customerId])).toBeUndefined();
  const cached = queryClient.getQueryCache().getAll();
  expect(cached.map(({ state }) => state.data)).toEqual(cached.map(() => undefined));
});

test('a mount with the first token goes on with the newest', async () => {
  const { token, customerId } = await mint({ ttlSeconds: 4 });
  const { props } = watched({ portalToken: token });
  let generation: number | undefined;
  function Watch() {
    generation = useBilling().session?.token?.generation;
    usePortalSession();
    return <Name id={customerId} />;
  }
  const tree = (
    <UnitPayProvider {...props}>
      <Watch />
    </UnitPayProvider>
  );
  const view = render(tree);
  await waitFor(
    () => {
      expect(generation).toBe(1);
    },
    { timeout: 6000 },
  );
  view.unmount();
  render(tree);
  expect(generation).toBe(1);
  await text('active: Ada');
});

test('a newer token of the same customer is gone on with in place', async () => {
  const customerId = await newCustomer();
  const [first, second] = [await mintFor(customerId), await mintFor(customerId)];
  const { props } = watched();
  const mounted = vi.fn();
  function Mounted() {
    useEffect(() => {
      mounted();
    }, []);
    return <Name id={customerId} />;
  }
  const view = render(
    <UnitPayProvider {...props} portalToken={first.token}>
      <Mounted />
    </UnitPayProvider>,
  );
  await text('active: Ada');
  await revoke(first.jti);
  view.rerender(
    <UnitPayProvider {...props} portalToken={second.token}>
      <Mounted />
    </UnitPayProvider>,
  );
  await text('active: Ada');
  expect(mounted).toHaveBeenCalledTimes(1);
});

test("another customer's token never shows or sends what was the former one's", async () => {
  const [ada, grace] = [await newCustomer('Ada'), await newCustomer('Grace')];
  const [one, two] = [await mintFor(ada), await mintFor(grace)];
  const queryClient = new QueryClient();
  const { requests, props } = watched({ queryClient });
  const shown: string[] = [];
  let rename: (name: string) => Promise<unknown> = () => Promise.resolve();
  function Own() {
    const { customerId } = usePortalSession();
    const { data } = useName(customerId);
    const path = `/customers/${customerId ?? ''}`;
    ({ rename } = useWrite('rename', (client, _key, name: string) => client.patch(path, { name })));
    shown.push(`${String(customerId)} ${data?.name ?? ''}`);
    return <p>{data?.name}</p>;
  }
  const tree = (token: string) => (
    <UnitPayProvider {...props} portalToken={token}>
      <Own />
    </UnitPayProvider>
  );
  const view = render(tree(one.token));
  await text('Ada');
  const stale = rename;
  view.rerender(tree(two.token));
  await text('Grace');
  expect(shown).not.toContain(`${grace} Ada`);
  await expect(stale('Mallory')).rejects.toMatchObject({ code: 'invalid_token' });
  expect(requests.some((request) => request.startsWith('PATCH'))).toBe(false);
  const keys = queryClient
    .getQueryCache()
    .getAll()
    .map(({ queryKey }) => queryKey[2]);
  expect(new Set(keys)).toEqual(new Set([grace]));
});

test('initial data is shown without a request', async () => {
  const { token, customerId } = await mint();
  const { requests, props } = watched({ portalToken: token });
  const initialData = await firstData(token);
  const given = initialData[`/customers/${customerId}`] as Customer;
  const told = { ...initialData, [`/customers/${customerId}`]: { ...given, name: 'Lovelace' } };
  render(
    <UnitPayProvider {...props} initialData={told}>
      <Name id={customerId} />
    </UnitPayProvider>,
  );
  // At the first rendering, and the server, which has another name, is not asked.
  expect(screen.getByText('active: Lovelace')).toBeTruthy();
  await act(() => firstData(token));
  expect(screen.getByText('active: Lovelace')).toBeTruthy();
  expect(requests).toEqual([]);
});

test('a proxy of another origin is refused', () => {
  vi.spyOn(console, 'error').mockImplementation(() => undefined);
  const config = { portalToken: 'a.b.c', proxyBaseUrl: 'https://elsewhere.example/billing' };
  expect(() => render(<UnitPayProvider config={config} />)).toThrow(/proxyBaseUrl/);
  vi.restoreAllMocks();
});

test("a customer of the page's that is not the token's is warned of", async () => {
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
  const { token, customerId } = await mint();
  const other = await newCustomer();
  for (const id of ['cus_123', customerId, other]) {
    const { props } = watched({ portalToken: token, config: { customerId: id } });
    render(<UnitPayProvider {...props} />);
    cleanup();
  }
  expect(warn).toHaveBeenCalledTimes(1);
  vi.restoreAllMocks();
});
