/** One page and several customers, one after the other: none sees what is another's. */
import { QueryClient } from '@tanstack/react-query';
import { cleanup, render, screen, waitFor } from '@testing-library/react';
import { afterEach, beforeAll, expect, inject, test } from 'vitest';

import type { Customer } from '../../src/api-types.js';
import { useInvoices } from '../../src/hooks/invoices.js';
import { UnitPayProvider, type UnitPayProviderProps } from '../../src/react/provider.js';
import { useRead } from '../../src/react/read.js';
import { usePortalSession } from '../../src/react/session.js';
import { useWrite } from '../../src/react/write.js';
import { firstData, mintFor, newCustomer } from '../support/backend.js';
import { newDebtor, openShop } from '../support/shop.js';

let debtor: Awaited<ReturnType<typeof newDebtor>>;

beforeAll(async () => {
  debtor = await newDebtor((await openShop()).plans.pro);
});
afterEach(cleanup);

const config = { apiBaseUrl: inject('baseUrl') };
const text = (wanted: string) => waitFor(() => screen.getByText(wanted));

/** Everything that was ever shown, and to whom. */
function Invoices({ shown }: { shown: string[] }) {
  const { customerId } = usePortalSession();
  const { invoices, isLoading } = useInvoices();
  const what = isLoading ? 'loading' : invoices.map(({ invoiceNumber }) => invoiceNumber).join();
  shown.push(`${String(customerId)}: ${what}`);
  return <p>{what || 'none'}</p>;
}

test.for(['and says so', 'and does not say so'])(
  'what the page began with is the first customer’s, %s',
  async (says) => {
    const { customerId, number } = debtor;
    const [one, two] = [await mintFor(customerId), await mintFor(await newCustomer())];
    const all = await firstData(one.token);
    const { '/invoices': invoices } = all;
    const initialData = says === 'and says so' ? all : { '/invoices': invoices };
    const shown: string[] = [];
    const tree = (portalToken: string, more: Partial<UnitPayProviderProps> = {}) => (
      <UnitPayProvider
        config={config}
        portalToken={portalToken}
        initialData={initialData}
        {...more}
      >
        <Invoices shown={shown} />
      </UnitPayProvider>
    );
    const view = render(tree(one.token));
    expect(shown[0]).toBe(`${customerId}: ${number}`);
    view.rerender(tree(two.token));
    await text('none');
    expect(shown).not.toContain(`${two.customerId}: ${number}`);
    cleanup();
    if (says === 'and says so') {
      // Not even where the page begins with another's.
      render(tree(two.token));
      await text('none');
      expect(shown).not.toContain(`${two.customerId}: ${number}`);
    }
  },
);

function Name() {
  const { customerId, state } = usePortalSession();
  const { data } = useRead<Customer>('customer', customerId && `/customers/${customerId}`);
  return <p>{data?.name ?? state}</p>;
}

test('between two customers there may be none, and nothing of the first stays', async () => {
  const [ada, grace] = [await newCustomer('Ada'), await newCustomer('Grace')];
  const [one, two] = [await mintFor(ada), await mintFor(grace)];
  const queryClient = new QueryClient();
  let rename: (name: string) => Promise<unknown> = () => Promise.resolve();
  function Own() {
    ({ rename } = useWrite('rename', (client, _key, name: string) =>
      client.patch(`/customers/${ada}`, { name }),
    ));
    return <Name />;
  }
  const tree = (portalToken: string | null) => (
    <UnitPayProvider config={config} portalToken={portalToken} queryClient={queryClient}>
      <Own />
    </UnitPayProvider>
  );
  const view = render(tree(one.token));
  await text('Ada');
  const stale = rename;
  view.rerender(tree(null));
  await text('pending');
  view.rerender(tree(two.token));
  await text('Grace');
  const cached = queryClient.getQueryCache().getAll();
  expect(cached.map(({ queryKey }) => queryKey[2])).not.toContain(ada);
  await expect(stale('Mallory')).rejects.toMatchObject({ code: 'invalid_token' });
});

test('the same customer comes back to what was there', async () => {
  const customerId = await newCustomer('Ada');
  const [first, second] = [await mintFor(customerId), await mintFor(customerId)];
  const requests: string[] = [];
  const counted = {
    ...config,
    fetch: (url: string, init: RequestInit) => {
      requests.push(url);
      return fetch(url, init);
    },
  };
  const tree = (portalToken: string | null) => (
    <UnitPayProvider config={counted} portalToken={portalToken}>
      <Name />
    </UnitPayProvider>
  );
  const view = render(tree(first.token));
  await text('Ada');
  view.rerender(tree(null));
  await text('pending');
  view.rerender(tree(second.token));
  await text('Ada');
  expect(requests).toHaveLength(1);
});
