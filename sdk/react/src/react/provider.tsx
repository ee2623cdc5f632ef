import { QueryClient } from '@tanstack/react-query';
import { useEffect, useLayoutEffect, useMemo, useRef, useState, type ReactNode } from 'react';

import { requireSameOrigin, resolveBase, type Addresses } from '../core/base.js';
import { isPage } from '../core/page.js';
import { connectionOf, type Connection } from '../core/registry.js';
import type { Host } from '../core/session.js';
import { readToken } from '../core/token.js';
import { keyOf, pendingClient, PortalContext, type Appearance, type Portal } from './context.js';

type Token = string | null | undefined;

export interface UnitPayConfig extends Addresses, Host {
  portalToken?: Token;
  /** Not needed: the token names the customer. */
  customerId?: string | undefined;
  /** What `usePricing` and `PricingTable` show where they are not told. */
  productId?: string | undefined;
}

export interface UnitPayProviderProps {
  /** The token that your server minted; null until it is there. It wins over the one in `config`. */
  portalToken?: Token;
  config?: UnitPayConfig | undefined;
  /** Default: one of its own. It is never given to your components. */
  queryClient?: QueryClient | undefined;
  appearance?: Appearance | undefined;
  /** BCP 47. Default: the session's, the customer's, `en`. */
  locale?: string | undefined;
  /** IANA. Default `UTC`, which billing periods are in. */
  timeZone?: string | undefined;
  /** Texts in place of the English ones; or several languages, of which the locale chooses. */
  messages?: Portal['messages'] | undefined;
  /** Answers by path and query, to show before any was asked for. */
  initialData?: Readonly<Record<string, unknown>> | undefined;
  children?: ReactNode;
}

interface Held {
  token: Token;
  addresses: string;
  connection: Connection | null;
}

/** Every bundler writes its value in place of this. */
declare const process: { env: { NODE_ENV?: string } };

/** On the server there is no layout, and React 18 says so in the log. */
const useLayout = isPage ? useLayoutEffect : useEffect;

const none = {};

/**
 * Gives hooks and components below it a customer's portal session, and keeps it alive.
 *
 * It renders nothing and holds nothing of yours: a new token of the same customer is gone on with
 * in place, and one of another customer remounts UnitPay's components alone.
 */
export function UnitPayProvider(props: UnitPayProviderProps): ReactNode {
  const { children } = props;
  const config: UnitPayConfig = props.config ?? none;
  const token = props.portalToken ?? config.portalToken;
  const connection = useConnection(token, config);
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
  } = props;
  const { productId } = config;
  const portal = useMemo<Portal>(
    () => ({
      session: connection?.session ?? null,
      client: connection?.client ?? pendingClient,
      queryClient,
      appearance,
      locale,
      timeZone,
      messages,
      initialData,
      productId,
    }),
    [connection, queryClient, appearance, locale, timeZone, messages, initialData, productId],
  );
  return <PortalContext.Provider value={portal}>{children}</PortalContext.Provider>;
}

/** The session that the token stands for: the same one as long as the customer is. */
function useConnection(token: Token, config: UnitPayConfig): Connection | null {
  if (typeof config.getPortalToken === 'string') {
    requireSameOrigin('getPortalToken', config.getPortalToken);
  }
  const addresses = JSON.stringify([config.proxyBaseUrl, config.apiBaseUrl]);
  const follow = (held: Held | null): Held => ({
    token,
    addresses,
    connection: token
      ? (goesOn(held?.connection, token, config) ?? connectionOf(token, config))
      : null,
  });
  const [held, setHeld] = useState(() => follow(null));
  if (held.token === token && held.addresses === addresses) return held.connection;
  const next = follow(held);
  setHeld(next);
  return next.connection;
}

function goesOn(held: Connection | null | undefined, text: string, config: UnitPayConfig) {
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
  const shown = useRef(connection);
  const session = connection?.session;
  useLayout(() => {
    host.current = config;
  });
  useLayout(() => {
    const former = shown.current?.session;
    shown.current = connection;
    if (!former || former === session || !session) return;
    // Another customer: nothing of the former one is shown or sent any more.
    former.retire();
    queryClient.removeQueries({ queryKey: keyOf(former) });
  }, [connection, session, queryClient]);
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
  const { customerId } = config;
  const owner = session?.customerId;
  if (process.env.NODE_ENV !== 'production') {
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
