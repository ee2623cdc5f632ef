/** Hooks and parts below a provider, and every request that it sends. */
import { renderHook } from '@testing-library/react';
import type { ReactNode } from 'react';
import { inject } from 'vitest';

import { UnitPayProvider, type UnitPayProviderProps } from '../../src/index.js';

/** Stands in the way of a request: what it answers is the answer, and till then there is none. */
export type Block = (path: string) => Response | undefined | Promise<undefined>;

export function provided(
  portalToken: string | null,
  props: UnitPayProviderProps = {},
  block?: Block,
) {
  const requests: string[] = [];
  const config = {
    apiBaseUrl: inject('baseUrl'),
    fetch: async (url: string, init: RequestInit) => {
      const path = new URL(url).pathname.replace('/v1', '');
      requests.push(`${init.method ?? 'GET'} ${path}`);
      return (await block?.(path)) ?? fetch(url, init);
    },
    ...props.config,
  };
  const below = (children: ReactNode) => (
    <UnitPayProvider portalToken={portalToken} {...props} config={config}>
      {children}
    </UnitPayProvider>
  );
  const run = <T,>(hook: () => T) =>
    renderHook(hook, { wrapper: ({ children }: { children: ReactNode }) => below(children) });
  return { requests, below, run };
}

/** A server that is there, and refuses. */
export function refusal(status: number, code: string): Response {
  const headers = { 'content-type': 'application/problem+json' };
  return new Response(JSON.stringify({ status, code, detail: code }), { status, headers });
}
