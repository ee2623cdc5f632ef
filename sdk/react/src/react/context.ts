/** The context that the provider passes to hooks and components. */
import type { QueryClient } from '@tanstack/react-query';
import { createContext, useContext, useSyncExternalStore } from 'react';

import type { ErrorCode } from '../api-types.js';
import { UnitPayClient } from '../core/client.js';
import type { Messages } from '../locales/en.js';
import type { ClassNames, Variables } from '../ui/names.js';
import type { PortalSession } from '../core/session.js';
import type { Opening } from './first-token.js';
import type { StripeSource } from '../stripe/types.js';

/** Your texts by key; absent keys stay English. Each error code may have a text of its own. */
export type Texts = Readonly<Partial<Messages & Record<`error.${ErrorCode}`, string>>>;

/** Theme, variables and class names for every component. */
export interface Appearance {
  /** Default `auto`: as the reader's system says. */
  theme?: 'auto' | 'light' | 'dark' | undefined;
  /** By name without `--upay-`, say `{ accent: '#0a5', radius: '4px' }`. */
  variables?: Variables | undefined;
  /** By `data-upay` part, for every component. */
  classNames?: ClassNames | undefined;
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
  messages: Texts | readonly Texts[];
  initialData: Readonly<Record<string, unknown>>;
  productId: string | undefined;
  /** Stripe.js, if the page has loaded it. */
  stripe: StripeSource | undefined;
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
