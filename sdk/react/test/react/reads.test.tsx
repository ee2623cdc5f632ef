/** Hooks that read: lists page after page, meters, wallets, the seller; on React 18 and 19. */
import { act, cleanup, render, screen, waitFor } from '@testing-library/react';
import { afterEach, beforeAll, expect, test } from 'vitest';

import {
  InvoiceList,
  LedgerTable,
  useBranding,
  useCreditBurn,
  useCreditLedger,
  useInvoices,
  useUsageMeter,
  type Invoice,
  type LedgerEntry,
} from '../../src/index.js';
import { ask, call, mintFor, newCustomer } from '../support/backend.js';
import { openOffer, type Offer } from '../support/features.js';
import { provided } from '../support/provided.js';
import { addCard, openShop } from '../support/shop.js';

/** More than a page has. */
const MANY = 23;
const PAGE = 20;

let offer: Offer;
/** Has many invoices, and as many entries in its wallet. */
let buyer: string;
let wallet: string;

async function buyOften(customerId: string, creditCurrencyId: string): Promise<string> {
  await addCard(customerId);
  for (let n = 1; n <= MANY; n += 1) {
    await call(`/customers/${customerId}/top-ups`, { creditCurrencyId, amount: 1000 + n });
  }
  const path = `/customers/${customerId}/credit-accounts`;
  return (await ask<{ data: { id: string }[] }>(path)).data[0]?.id ?? '';
}

beforeAll(async () => {
  const [made, shop] = [await openOffer(), await openShop()];
  offer = made;
  buyer = await newCustomer();
  wallet = await buyOften(buyer, shop.money);
});
afterEach(cleanup);

const tokenOf = async (customerId: string) => (await mintFor(customerId)).token;

const idsOf = async (path: string) =>
  (await ask<{ data: { id: string }[] }>(path)).data.map(({ id }) => id);

interface List {
  rows: readonly { id: string }[];
  hasMore: boolean;
  isLoading: boolean;
  isFetchingMore: boolean;
  fetchMore: () => Promise<void>;
  refetch: () => Promise<void>;
}

const useAllInvoices = (): List => {
  const { invoices, ...state } = useInvoices();
  return { ...state, rows: invoices satisfies Invoice[] };
};
const useEntries = (): List => {
  const { entries, ...state } = useCreditLedger(wallet);
  return { ...state, rows: entries satisfies LedgerEntry[] };
};

test.each<[string, () => List, () => string]>([
  ['invoices', useAllInvoices, () => `/invoices?customerId=${buyer}&limit=100`],
  ['ledger', useEntries, () => `/credit-accounts/${wallet}/ledger?limit=100`],
])('the %s come page after page, in the server’s order', async (_, useList, path) => {
  let release: () => void = () => undefined;
  const released = new Promise<undefined>((resolve) => {
    release = () => {
      resolve(undefined);
    };
  });
  const hold = () => (requests.length === 2 ? released : undefined);
  const { run, requests } = provided(await tokenOf(buyer), {}, hold);
  const { result } = run(useList);
  expect(result.current).toMatchObject({ rows: [], hasMore: false, isLoading: true });
  await waitFor(() => {
    expect(result.current.rows).toHaveLength(PAGE);
  });
  expect(result.current).toMatchObject({ hasMore: true, isFetchingMore: false });
  act(() => {
    void result.current.fetchMore();
  });
  await waitFor(() => {
    expect(result.current).toMatchObject({ isFetchingMore: true, isLoading: false });
  });
  release();
  await waitFor(() => {
    expect(result.current.rows).toHaveLength(MANY);
  });
  const all = await idsOf(path());
  expect(all).toHaveLength(MANY);
  expect(result.current.rows.map(({ id }) => id)).toEqual(all);
  expect(result.current).toMatchObject({ hasMore: false, isFetchingMore: false });
  expect(requests).toHaveLength(2);
  // Again from the beginning, as many pages as there are.
  await act(() => result.current.refetch());
  expect(result.current.rows.map(({ id }) => id)).toEqual(all);
  expect(requests).toHaveLength(4);
});

test.each([
  ['invoices', () => <InvoiceList />],
  ['ledger', () => <LedgerTable accountId={wallet} />],
])('the table of the %s shows more when asked to', async (_, part) => {
  const { below } = provided(await tokenOf(buyer));
  const { container } = render(below(part()));
  const rows = () => container.querySelectorAll('[data-upay=table-body] > [data-upay=row]');
  const more = await screen.findByRole('button', { name: 'Show more' });
  expect(rows()).toHaveLength(PAGE);
  act(() => {
    more.click();
  });
  await waitFor(() => {
    expect(rows()).toHaveLength(MANY);
  });
  expect(screen.queryByRole('button', { name: 'Show more' })).toBeNull();
});

test('a meter tells what was used, of how much', async () => {
  const { run, requests } = provided(await tokenOf(offer.user));
  const { result } = run(() => ({
    own: useUsageMeter(offer.metricId),
    idle: useUsageMeter(null),
  }));
  expect(result.current.own).toMatchObject({ isLoading: true, meter: null });
  await waitFor(() => {
    expect(result.current.own.meter).toMatchObject({
      metricId: offer.metricId,
      usage: '4',
      limit: 10,
      isUnlimited: false,
      percentage: 40,
    });
  });
  expect(result.current.idle).toMatchObject({ isLoading: false, meter: null, error: null });
  expect(requests).toEqual(['GET /usage']);
});

test('a wallet tells how fast it is used up, over as many days as are asked for', async () => {
  const { run, requests } = provided(await tokenOf(offer.user));
  const { result } = run(() => ({
    month: useCreditBurn(offer.accountId),
    week: useCreditBurn(offer.accountId, { days: 7 }),
    idle: useCreditBurn(undefined),
  }));
  await waitFor(() => {
    expect(result.current.month.stats).toMatchObject({ granted: 100, used: 10, balance: 90 });
    expect(result.current.week.stats).toMatchObject({ granted: 100, used: 10, balance: 90 });
  });
  expect(result.current.month.stats?.days).toHaveLength(30);
  expect(result.current.week.stats?.days).toHaveLength(7);
  expect(result.current.week.stats?.days.at(-1)).toMatchObject({ granted: 100, used: 10 });
  expect(result.current.idle).toMatchObject({ isLoading: false, stats: null });
  expect(requests).toEqual(['GET /credits/stats', 'GET /credits/stats']);
});

test('the branding is the seller’s', async () => {
  const branding = {
    name: 'Nimbus',
    accentColor: '#3b5bdb',
    radius: 3,
    supportEmail: 'a@x.example',
  };
  await call('/branding', branding, 'PUT');
  const { run } = provided(await tokenOf(offer.user));
  const { result } = run(() => useBranding());
  expect(result.current).toMatchObject({ isLoading: true, branding: null });
  await waitFor(() => {
    expect(result.current.branding).toMatchObject(branding);
  });
});
