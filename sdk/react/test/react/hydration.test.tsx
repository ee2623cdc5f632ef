/** A page takes over what its server rendered, without a difference and in StrictMode. */
import { cleanup, render } from '@testing-library/react';
import { StrictMode } from 'react';
import { renderToString } from 'react-dom/server';
import { afterEach, expect, inject, test, vi } from 'vitest';

import { firstData, mint } from '../support/backend.js';

interface Given {
  portalToken: string | null;
  initialData?: Record<string, unknown>;
}

/** The package, as it is loaded where there is a page or none. */
async function load() {
  vi.resetModules();
  const { BillingPortal, UnitPayProvider } = await import('../../src/index.js');
  return ({ portalToken, initialData }: Given) => (
    <StrictMode>
      <UnitPayProvider
        config={{ portalToken, apiBaseUrl: inject('baseUrl') }}
        initialData={initialData}
      >
        <BillingPortal />
      </UnitPayProvider>
    </StrictMode>
  );
}

async function renderOnServer(given: Given): Promise<string> {
  vi.stubGlobal('document', undefined);
  const page = await load();
  const markup = renderToString(page(given));
  vi.unstubAllGlobals();
  return markup;
}

afterEach(() => {
  cleanup();
  vi.restoreAllMocks();
});

test.for([
  ['without a token', false, false],
  ['with a token', true, false],
  ['with a token and its first data', true, true],
] as const)('%s', async ([, hasToken, hasData]) => {
  const { token } = await mint();
  const given: Given = hasToken ? { portalToken: token } : { portalToken: null };
  if (hasData) given.initialData = await firstData(token);
  const markup = await renderOnServer(given);
  expect(markup.includes('ada@example.com')).toBe(hasData);

  const container = document.createElement('div');
  container.innerHTML = markup;
  const page = await load();
  const said = [vi.spyOn(console, 'error'), vi.spyOn(console, 'warn')];
  const onRecoverableError = vi.fn();
  render(page(given), { container, hydrate: true, onRecoverableError });
  await vi.waitFor(() => {
    expect(container.textContent.includes('ada@example.com')).toBe(hasToken);
  });
  expect(onRecoverableError).not.toHaveBeenCalled();
  for (const spy of said) expect(spy).not.toHaveBeenCalled();
});
