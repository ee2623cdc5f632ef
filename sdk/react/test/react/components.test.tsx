/** Language, class names and error handling of all components. */
import { act, cleanup, fireEvent, render, screen, waitFor } from '@testing-library/react';
import type { ReactNode } from 'react';
import { afterEach, beforeAll, expect, inject, test, vi } from 'vitest';

import { BillingDetails } from '../../src/components/billing-details.js';
import { FeatureGate } from '../../src/components/gates.js';
import { InvoiceList } from '../../src/components/invoice-list.js';
import { Money } from '../../src/components/money.js';
import { useCustomer } from '../../src/hooks/customer.js';
import { ar } from '../../src/locales/ar.js';
import { de } from '../../src/locales/de.js';
import { UnitPayProvider, type UnitPayProviderProps } from '../../src/react/provider.js';
import { call, mintFor, newCustomer } from '../support/backend.js';
import { newDebtor, openShop } from '../support/shop.js';

let debtor: Awaited<ReturnType<typeof newDebtor>>;

beforeAll(async () => {
  debtor = await newDebtor((await openShop()).plans.pro);
});
afterEach(() => {
  cleanup();
  vi.restoreAllMocks();
});

/** `answer` may stand in the way of a request. */
function tree(
  children: ReactNode,
  token: string,
  more: Partial<UnitPayProviderProps> = {},
  answer: (path: string) => Response | undefined = () => undefined,
) {
  const config = {
    apiBaseUrl: inject('baseUrl'),
    fetch: (url: string, init: RequestInit) => {
      const given = answer(new URL(url).pathname.replace('/v1', ''));
      return given ? Promise.resolve(given) : fetch(url, init);
    },
  };
  return (
    <UnitPayProvider config={config} portalToken={token} messages={[de, ar]} {...more}>
      {children}
    </UnitPayProvider>
  );
}

const text = (wanted: string | RegExp) => waitFor(() => screen.getByText(wanted));

test('the language is the page’s, else the session’s, else the customer’s', async () => {
  const parts = (
    <>
      <BillingDetails />
      <Money minor={123_456} currency="EUR" />
    </>
  );
  const shows = async (token: string, title: string, amount: string, locale?: string) => {
    render(tree(parts, token, { locale }));
    await text(title);
    await text(amount);
    cleanup();
  };
  const customerId = await newCustomer();
  await shows((await mintFor(customerId)).token, 'Billing details', '€1,234.56');
  await call(`/customers/${customerId}`, { locale: 'de' }, 'PATCH');
  await shows((await mintFor(customerId)).token, de['details.title'], '1.234,56 €');
  const { token } = await mintFor(customerId, { locale: 'ar-EG' });
  const arabic = new Intl.NumberFormat('ar-EG', { style: 'currency', currency: 'EUR' });
  const amount = arabic.format(1234.56).replace(/\s/g, ' ');
  await shows(token, ar['details.title'], amount);
  await shows(token, de['details.title'], '1.234,56 €', 'de-DE');
});

test('what cannot be read is an error of the customer’s, and denies nothing', async () => {
  const { token } = await mintFor(await newCustomer());
  const [onDenied, asked] = [vi.fn(), vi.fn()];
  let isBroken = true;
  let refetch: () => Promise<void> = () => Promise.resolve();
  function Told() {
    const { error, customer, isLoading, ...rest } = useCustomer();
    ({ refetch } = rest);
    return <p>{isLoading ? 'loading' : (error?.code ?? error?.status ?? customer?.name)}</p>;
  }
  const parts = (
    <>
      <Told />
      <FeatureGate featureSlug="sso" fallback="closed" onDenied={onDenied}>
        open
      </FeatureGate>
    </>
  );
  const refused = JSON.stringify({ code: 'insufficient_scope', detail: 'No.' });
  const headers = { 'content-type': 'application/problem+json' };
  render(
    tree(parts, token, {}, (path) => {
      asked(path.split('/').at(-1));
      return isBroken && path.endsWith('/entitlements')
        ? new Response(refused, { status: 403, headers })
        : undefined;
    }),
  );
  await text('insufficient_scope');
  await text('closed');
  expect(onDenied).not.toHaveBeenCalled();
  isBroken = false;
  asked.mockClear();
  await act(() => refetch());
  await text('Ada');
  expect(asked).toHaveBeenCalledTimes(2);
  expect(onDenied.mock.calls).toEqual([['no_entitlement']]);
});

test('a card that fell over an answer asks again, and goes on', async () => {
  vi.spyOn(console, 'error').mockImplementation(() => undefined);
  const { token } = await mintFor(debtor.customerId);
  let broken = 0;
  const headers = { 'content-type': 'application/json' };
  render(
    tree(<InvoiceList />, token, {}, (path) =>
      path === '/invoices' && (broken += 1) === 1
        ? new Response('{"data":[{"id":"inv_1"}]}', { headers })
        : undefined,
    ),
  );
  fireEvent.click(await text('Something went wrong. Please try again.'));
  await text(debtor.number);
});

test('variables are set, changed and taken away', async () => {
  const { token } = await mintFor(await newCustomer());
  const given = (variables?: Record<string, string>) =>
    tree(<BillingDetails />, token, { appearance: { variables } });
  const view = render(given({ accent: 'red', radius: '3px' }));
  await text('Billing details');
  const valueOf = (name: string) =>
    view.container
      .querySelector<HTMLElement>('[data-upay=root]')
      ?.style.getPropertyValue(`--upay-${name}`);
  expect([valueOf('accent'), valueOf('radius')]).toEqual(['red', '3px']);
  view.rerender(given({ accent: 'blue' }));
  expect([valueOf('accent'), valueOf('radius')]).toEqual(['blue', '']);
  view.rerender(given());
  expect(valueOf('accent')).toBe('');
});
