/** The first token, when the page gives only a way to mint one. */
import { cleanup, fireEvent, render, screen, waitFor } from '@testing-library/react';
import { StrictMode } from 'react';
import { afterEach, expect, inject, test, vi } from 'vitest';

import { ApiError } from '../../src/core/errors.js';
import type { GetPortalToken } from '../../src/core/renew.js';
import {
  BillingPortal,
  FeatureGate,
  SubscriptionCard,
  UnitPayProvider,
  useCustomer,
  usePortalSession,
  type UnitPayProviderProps,
} from '../../src/index.js';
import { mint } from '../support/backend.js';

afterEach(cleanup);

function Name() {
  const { customer, isLoading, error, refetch } = useCustomer();
  const { state } = usePortalSession();
  return (
    <button onClick={() => void refetch()}>
      {state}: {isLoading ? 'loading' : (error?.code ?? customer?.name ?? error?.status)}
    </button>
  );
}

function show(getPortalToken: GetPortalToken, props: UnitPayProviderProps = {}) {
  const config = { apiBaseUrl: inject('baseUrl'), getPortalToken };
  const tree = (more: UnitPayProviderProps) => (
    <StrictMode>
      <UnitPayProvider config={config} {...more}>
        <Name />
        {props.children}
      </UnitPayProvider>
    </StrictMode>
  );
  const { rerender } = render(tree(props));
  return (more: UnitPayProviderProps) => {
    rerender(tree({ ...props, ...more }));
  };
}

const button = (name: string) => screen.findByRole('button', { name }, { timeout: 20_000 });

test('provider mints once at mount when it has no token', async () => {
  const { token } = await mint();
  const getPortalToken = vi.fn(() => Promise.resolve(token));
  show(getPortalToken);
  expect(screen.getByText('pending: loading')).toBeTruthy();
  await button('active: Ada');
  expect(getPortalToken).toHaveBeenCalledTimes(1);
});

test('provider does not mint when the page passes a token', async () => {
  const { token } = await mint();
  const getPortalToken = vi.fn(() => Promise.resolve(token));
  const update = show(getPortalToken, { portalToken: null });
  await new Promise((resolve) => setTimeout(resolve));
  expect(screen.getByText('pending: loading')).toBeTruthy();
  update({ portalToken: token });
  await button('active: Ada');
  expect(getPortalToken).not.toHaveBeenCalled();
});

test('failed mint is a message with a way to try again', async () => {
  const { token } = await mint();
  const answers = [
    () => Promise.reject(new TypeError('Failed to fetch')),
    () => Promise.reject(new ApiError({ status: 502, message: 'Bad gateway' })),
    () => Promise.resolve(null),
    () => Promise.resolve(token),
  ];
  const getPortalToken = vi.fn(() => answers.shift()?.() ?? Promise.resolve(null));
  const children = (
    <>
      <BillingPortal />
      <FeatureGate featureSlug="sso" fallback={<p>Closed</p>} />
    </>
  );
  show(getPortalToken, { children });
  await button('pending: network_error');
  expect(screen.getByRole('heading', { name: 'Billing could not be opened.' })).toBeTruthy();
  expect(screen.getByText('No connection. Please try again.')).toBeTruthy();
  expect(screen.getByText('Closed')).toBeTruthy();
  expect(screen.queryByRole('status')).toBeNull();
  for (const text of [/^Something went wrong/, /^Your session has ended/]) {
    fireEvent.click(await button('Try again'));
    await screen.findByText(text);
  }
  fireEvent.click(await button('Try again'));
  await button('active: Ada');
  expect(screen.getByRole('heading', { name: 'Billing' })).toBeTruthy();
  expect(screen.queryByRole('heading', { name: 'Billing could not be opened.' })).toBeNull();
});

test('refetch mints again after a failed mint', async () => {
  const { token } = await mint();
  const getPortalToken = vi
    .fn<() => Promise<string | null>>()
    .mockResolvedValueOnce(null)
    .mockResolvedValueOnce(token);
  show(getPortalToken, { children: <SubscriptionCard /> });
  fireEvent.click(await button('pending: missing_credentials'));
  await button('active: Ada');
  await screen.findByText('You have no plan yet.');
});

test('late token of an unmounted provider is ignored', async () => {
  const { token } = await mint();
  let give: (token: string) => void = () => undefined;
  const getPortalToken = vi.fn(() => new Promise<string>((resolve) => (give = resolve)));
  show(getPortalToken);
  await waitFor(() => {
    expect(getPortalToken).toHaveBeenCalledTimes(1);
  });
  cleanup();
  give(token);
  await Promise.resolve();
  const next = vi.fn(() => Promise.resolve(null));
  show(next);
  await button('pending: missing_credentials');
});
