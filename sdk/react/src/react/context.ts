/** The context that the provider passes to hooks and components. */
import type { QueryClient } from '@tanstack/react-query';
import { createContext, useContext, useSyncExternalStore } from 'react';

import { UnitPayClient } from '../core/client.js';
import type { PortalSession } from '../core/session.js';
import type { Opening } from './first-token.js';

export interface Appearance {
  /** Default `auto`: as the reader's system says. */
  theme?: 'auto' | 'light' | 'dark' | undefined;
  /** By name without `--upay-`, say `{ accent: '#0a5', radius: '4px' }`. */
  variables?: Readonly<Record<string, string>> | undefined;
  /** By `data-upay` part, for every component. */
  classNames?: Readonly<Record<string, string>> | undefined;
}

export interface Portal {
  /** Null while there is no token. */
  session: PortalSession | null;
  opening: Opening;
  client: UnitPayClient;
  queryClient: QueryClient;
  appearance: Appearance;
  locale: string | undefined;
  timeZone: string;
  messages: Readonly<Record<string, string>> | readonly Readonly<Record<string, string>>[];
  initialData: Readonly<Record<string, unknown>>;
  productId: string | undefined;
}

export const PortalContext = /* @__PURE__ */ createContext<Portal | null>(null);

/** Used while there is no token. */
export const pendingClient = /* @__PURE__ */ new UnitPayClient(null);

const never = () => () => undefined;

/** Returns the context and re-renders after each change of the session. */
export function usePortal(): Portal {
  const portal = useContext(PortalContext);
  if (!portal) throw new Error('UnitPay: no provider above.');
  const { session } = portal;
  const version = () => session?.version ?? 0;
  useSyncExternalStore(session?.subscribe ?? never, version, version);
  return portal;
}

/** Returns the prefix of the query keys of a customer. */
export function keyOf(session: PortalSession | null): readonly unknown[] {
  return ['unitpay', session?.base, session?.customerId];
}
