// @vitest-environment node
/** Rendering on a server: no request, a skeleton or what was loaded before. */
import { StrictMode, type ReactNode } from 'react';
import { renderToString } from 'react-dom/server';
import { afterEach, expect, inject, test, vi } from 'vitest';

import type { Customer } from '../../src/api-types.js';
import { BillingPortal } from '../../src/components/billing-portal.js';
import { UnitPayProvider } from '../../src/react/provider.js';
import { useRead } from '../../src/react/read.js';
import { firstData, mint } from '../support/backend.js';

function Name({ id }: { id: string }) {
  const { data, isLoading } = useRead<Customer>('customer', `/customers/${id}`);
  return <p>{isLoading ? 'loading' : data?.name}</p>;
}

afterEach(() => {
  vi.restoreAllMocks();
});

interface Given {
  token: string | null;
  initialData?: Record<string, unknown>;
}

/** Renders on a server, without requests and console output. */
function render(children: ReactNode, { token, initialData }: Given): string {
  const quiet = [
    vi.spyOn(globalThis, 'fetch'),
    vi.spyOn(globalThis, 'setTimeout'),
    vi.spyOn(globalThis, 'BroadcastChannel'),
    vi.spyOn(console, 'error'),
    vi.spyOn(console, 'warn'),
  ];
  const markup = renderToString(
    <StrictMode>
      <UnitPayProvider
        config={{ portalToken: token, apiBaseUrl: inject('baseUrl') }}
        initialData={initialData}
      >
        {children}
      </UnitPayProvider>
    </StrictMode>,
  );
  for (const spy of quiet) expect(spy).not.toHaveBeenCalled();
  return markup;
}

test('a hook loads, or has what it was given', async () => {
  const { token, customerId } = await mint();
  const name = <Name id={customerId} />;
  expect(render(name, { token })).toBe('<p>loading</p>');
  const initialData = { [`/customers/${customerId}`]: { name: 'Ada' } };
  expect(render(name, { token, initialData })).toBe('<p>Ada</p>');
  expect(render(name, { token: null, initialData })).toBe('<p>loading</p>');
});

test('the portal is skeletons, or shows what it was given', async () => {
  const { token } = await mint();
  const portal = <BillingPortal />;
  const initialData = await firstData(token);
  const [pending, empty, filled] = [
    render(portal, { token: null }),
    render(portal, { token }),
    render(portal, { token, initialData }),
  ];
  for (const markup of [pending, empty, filled]) {
    expect(markup).toContain('Billing');
    // The first data are all that is shown at first.
    expect(markup.includes('Loading…')).toBe(markup !== filled);
    expect(markup).not.toContain('style=');
  }
  expect(pending).not.toContain('ada@example.com');
  expect(empty).not.toContain('ada@example.com');
  expect(filled).toContain('ada@example.com');
});

test('a rendering knows nothing of the one before', async () => {
  const [first, second] = [await mint(), await mint()];
  const initialData = await firstData(first.token);
  expect(render(<BillingPortal />, { token: first.token, initialData })).toContain('ada@');
  expect(render(<BillingPortal />, { token: second.token, initialData })).not.toContain('ada@');
  expect(render(<BillingPortal />, { token: first.token })).not.toContain('ada@');
});

test.for(['', 'nonsense', 'a.b.c'])('a token that is none, %j, does no harm', (token) => {
  expect(render(<BillingPortal />, { token })).toContain('Billing');
});
