/**
 * Portal sessions and the API without React: for Vue, Svelte and plain pages.
 *
 * ```ts
 * const { session, client, close } = connect({ portalToken });
 * const invoices = await client.list('/invoices');
 * ```
 *
 * @packageDocumentation
 */
import { requireSameOrigin, type Addresses } from './core/base.js';
import { connectionOf, type Connection } from './core/registry.js';
import type { Host } from './core/session.js';

export type * from './api-types.js';
export type { Addresses } from './core/base.js';
export { UnitPayClient, type CallOptions, type Page, type Query } from './core/client.js';
export { ApiError, PmInUseError } from './core/errors.js';
export type { Fetch } from './core/http.js';
export type { GetPortalToken } from './core/renew.js';
export { once } from './core/verbs.js';
export type { PortalToken } from './core/token.js';
export type { EndReason, Host, PortalSession, SessionState } from './core/session.js';

export { formatCredits, formatMoney } from './format/money.js';

/** The options of {@link connect}. */
export interface ConnectOptions extends Addresses, Host {
  /** The token that your server minted for the customer who is signed in. */
  portalToken: string;
}

/** A session and its client, until it is closed. */
export interface OpenConnection extends Connection {
  /** Stops the session's timers. Its token stays in memory for the next `connect`. */
  close: () => void;
}

/** Keeps a portal session alive, and gives the client that speaks for it. */
export function connect(options: ConnectOptions): OpenConnection {
  if (typeof options.getPortalToken === 'string') {
    requireSameOrigin('getPortalToken', options.getPortalToken);
  }
  const { session, client } = connectionOf(options.portalToken, options);
  session.adopt(options.portalToken);
  return { session, client, close: session.attach(() => options) };
}
