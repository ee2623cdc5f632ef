/** Writes invalidate the groups of queries that they change, on React 18 and 19. */
import { act, cleanup, waitFor } from '@testing-library/react';
import { afterEach, expect, test } from 'vitest';

import { useCreateSubscription, useCustomer, useInvoices, usePlans } from '../../src/index.js';
import { mintFor, newCustomer } from '../support/backend.js';
import { provided } from '../support/provided.js';
import { addCard, openShop } from '../support/shop.js';

afterEach(cleanup);

async function open() {
  const [customerId, shop] = await Promise.all([newCustomer(), openShop()]);
  await addCard(customerId);
  const { token } = await mintFor(customerId);
  const { run, requests } = provided(token);
  const { result } = run(() => ({
    customer: useCustomer(),
    invoices: useInvoices(),
    plans: usePlans(),
    create: useCreateSubscription(),
  }));
  await waitFor(() => {
    const { customer, invoices, plans } = result.current;
    expect([customer, invoices, plans].map(({ isLoading }) => isLoading)).toEqual([
      false,
      false,
      false,
    ]);
  });
  requests.length = 0;
  return { result, requests, shop, path: `/customers/${customerId}` };
}

test('a change of the profile refetches the customer and nothing else', async () => {
  const { result, requests, path } = await open();
  await act(() => result.current.customer.update({ name: 'Grace' }));
  await waitFor(() => {
    expect(result.current.customer.customer?.name).toBe('Grace');
  });
  expect(requests).toEqual([`PATCH ${path}`, `GET ${path}`]);
});

test('a new subscription refetches the account but not the catalog', async () => {
  const { result, requests, shop, path } = await open();
  await act(() => result.current.create.createSubscription({ planId: shop.plans.pro }));
  await waitFor(() => {
    expect(result.current.invoices.invoices).toHaveLength(1);
  });
  expect([...requests].sort()).toEqual(
    ['POST /subscriptions', `GET ${path}`, `GET ${path}/entitlements`, 'GET /invoices'].sort(),
  );
});
