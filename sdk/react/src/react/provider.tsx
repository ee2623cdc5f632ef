import { QueryClient } from '@tanstack/react-query';
import { useEffect, useMemo, useRef, useState, type ReactNode } from 'react';

import { requireSameOrigin, resolveBase, type Addresses } from '../core/base.js';
import { connectionOf, type Connection } from '../core/registry.js';
import type { Host } from '../core/session.js';
import type { CurrentSession } from '../api-types.js';
import { readToken } from '../core/token.js';
import { keyOf, pendingClient, PortalContext, type Appearance, type Portal } from './context.js';
import { useFirstToken } from './first-token.js';
import { useLayout } from './layout.js';
import type { StripeSource } from '../stripe/types.js';

type Token = string | null | undefined;

/** The connection to the server, and the callbacks of the host page. */
export interface UnitPayConfig extends Addresses, Host {
  portalToken?: Token;
  /** Not needed: the token names the customer. */
  customerId?: string | undefined;
  /** The default product of `usePricing` and `PricingTable`. */
  productId?: string | undefined;
}

/** The props of {@link UnitPayProvider}. */
export interface UnitPayProviderProps {
  /**
   * The token that your server minted; null until it arrives. It overrides `config.portalToken`.
   * If neither is given, the provider gets the token from `config.getPortalToken`.
   */
  portalToken?: Token;
  config?: UnitPayConfig | undefined;
  /** Default: a private one. Your components never see it. */
  queryClient?: QueryClient | undefined;
  appearance?: Appearance | undefined;
  /** BCP 47. Default: the session's, the customer's, `en`. */
  locale?: string | undefined;
  /** IANA. Default `UTC`, which billing periods are in. */
  timeZone?: string | undefined;
  /** Replaces the English texts; the locale chooses among several languages. */
  messages?: Portal['messages'] | undefined;
  /** Responses by path and query, shown before the first request. */
  initialData?: Readonly<Record<string, unknown>> | undefined;
  /**
   * Stripe.js of your organization's own account, or the promise of `loadStripe`. Default: loaded
   * when a form of Stripe's is first shown.
   */
  stripe?: StripeSource | undefined;
  children?: ReactNode;
}

interface Held {
  token: Token;
  addresses: string;
  /** The last one, which stays while there is no token. */
  connection: Connection | null;
  /** The first customer's id. */
  first: string | null;
}

/** Every bundler writes its value in place of this. */
declare const process: { env: { NODE_ENV?: string } };

const none = {};

/**
 * Provides a customer's portal session to the hooks and components below, and keeps it alive.
 *
 * It renders no element. A new token of the same customer continues the session in place; a token
 * of another customer remounts UnitPay's components, but not yours.
 */
export function UnitPayProvider(props: UnitPayProviderProps): ReactNode {
  const { children } = props;
  const config: UnitPayConfig = props.config ?? none;
  const isGiven = props.portalToken !== undefined || config.portalToken !== undefined;
  const {
    token: firstToken,
    error,
    isBusy,
    retry,
  } = useFirstToken({
    source: isGiven ? null : (config.getPortalToken ?? null),
    fetch: config.fetch,
  });
  const token = isGiven ? (props.portalToken ?? config.portalToken) : firstToken;
  const { connection, first } = useConnection(token, config);
  const [ownClient] = useState(() => props.queryClient ?? new QueryClient());
  const queryClient = props.queryClient ?? ownClient;
  useSession(connection, token, config, queryClient);
  useEffect(() => {
    // Counted: where the host mounts its client, too, this does nothing more.
    queryClient.mount();
    return () => {
      queryClient.unmount();
    };
  }, [queryClient]);
  const {
    appearance = none,
    locale,
    messages = none,
    timeZone = 'UTC',
    initialData = none,
    stripe,
  } = props;
  const { productId } = config;
  const session = connection?.session ?? null;
  const isTheirs = (readOwner(initialData) ?? first) === session?.customerId;
  const portal = useMemo<Portal>(
    () => ({
      session,
      opening: { error, isBusy, retry },
      client: connection?.client ?? pendingClient,
      queryClient,
      appearance,
      locale,
      timeZone,
      messages,
      initialData: isTheirs ? initialData : none,
      productId,
      stripe,
    }),
    [
      session,
      error,
      isBusy,
      retry,
      connection,
      queryClient,
      appearance,
      locale,
      timeZone,
      messages,
      initialData,
      isTheirs,
      productId,
      stripe,
    ],
  );
  return <PortalContext.Provider value={portal}>{children}</PortalContext.Provider>;
}

/** Returns the customer of the initial data, if it names one. */
function readOwner(initialData: Portal['initialData']): string | undefined {
  return (initialData['/portal-sessions/current'] as CurrentSession | undefined)?.session
    .customerId;
}

/** Returns the session of the token, the same one as long as the customer is the same. */
function useConnection(token: Token, config: UnitPayConfig): Pick<Held, 'connection' | 'first'> {
  if (typeof config.getPortalToken === 'string') {
    requireSameOrigin('getPortalToken', config.getPortalToken);
  }
  const addresses = JSON.stringify([config.proxyBaseUrl, config.apiBaseUrl]);
  const follow = (held: Held | null): Held => {
    const connection = token
      ? (continueWith(held?.connection, token, config) ?? connectionOf(token, config))
      : (held?.connection ?? null);
    const first = held?.first ?? connection?.session.customerId ?? null;
    return { token, addresses, connection, first };
  };
  const [last, setHeld] = useState(() => follow(null));
  let held = last;
  if (held.token !== token || held.addresses !== addresses) setHeld((held = follow(held)));
  return token ? held : { ...held, connection: null };
}

function continueWith(held: Connection | null | undefined, text: string, config: UnitPayConfig) {
  const token = readToken(text);
  if (!token || held?.session.customerId !== token.sub) return null;
  return held.session.base === resolveBase(config, token) ? held : null;
}

function useSession(
  connection: Connection | null,
  token: Token,
  config: UnitPayConfig,
  queryClient: QueryClient,
): void {
  const host = useRef<Host>(config);
  const session = connection?.session;
  /** The last one that there was. */
  const shown = useRef(session);
  useLayout(() => {
    host.current = config;
  });
  useLayout(() => {
    const former = shown.current;
    shown.current = session ?? former;
    if (!former || former === shown.current) return;
    // Another customer: nothing of the former one is shown or sent any more.
    former.retire();
    queryClient.removeQueries({ queryKey: keyOf(former) });
  }, [session, queryClient]);
  useLayout(() => {
    if (!session) return undefined;
    const forget = session.subscribe(() => {
      if (session.endError) queryClient.removeQueries({ queryKey: keyOf(session) });
    });
    const detach = session.attach(() => host.current);
    return () => {
      forget();
      detach();
    };
  }, [session, queryClient]);
  useLayout(() => {
    if (session && token) session.adopt(token);
  }, [session, token]);
  if (process.env.NODE_ENV !== 'production') {
    const { customerId } = config;
    const owner = session?.customerId;
    // The condition is the same at each rendering.
    useEffect(() => {
      warnOfOther(customerId, owner);
    }, [customerId, owner]);
  }
}

function warnOfOther(customerId: string | undefined, owner: string | null | undefined): void {
  if (!customerId || !owner || customerId === owner) return;
  if (!/^cus_[0-7][0-9a-z]{25}$/.test(customerId)) return;
  console.warn("UnitPay: config.customerId is not the token's customer. The token's is shown.");
}
