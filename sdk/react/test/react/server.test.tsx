// @vitest-environment node
/** Rendering on a server: no request, a skeleton or what was loaded before. */
import { renderToString } from 'react-dom/server';
import { expect, inject, test, vi } from 'vitest';

import type { Customer } from '../../src/api-types.js';
import { UnitPayProvider } from '../../src/react/provider.js';
import { useRead } from '../../src/react/read.js';
import { mint } from '../support/backend.js';

function Name({ id }: { id: string }) {
  const { data, isLoading } = useRead<Customer>(`/customers/${id}`);
  return <p>{isLoading ? 'loading' : data?.name}</p>;
}

test('a server asks for nothing, says nothing and shows what it was given', async () => {
  const { token, customerId } = await mint();
  const said = vi.spyOn(console, 'error');
  const fetched = vi.spyOn(globalThis, 'fetch');
  const render = (initialData: Record<string, unknown>) =>
    renderToString(
      <UnitPayProvider
        config={{ portalToken: token, apiBaseUrl: inject('baseUrl') }}
        initialData={initialData}
      >
        <Name id={customerId} />
      </UnitPayProvider>,
    );
  expect(render({})).toBe('<p>loading</p>');
  expect(render({ [`/customers/${customerId}`]: { name: 'Ada' } })).toBe('<p>Ada</p>');
  expect(fetched).not.toHaveBeenCalled();
  expect(said).not.toHaveBeenCalled();
  vi.restoreAllMocks();
});
