/** The sessions of this page: one for a base and session id, however often it is mounted. */
import { resolveBase, type Addresses } from './base.js';
import { UnitPayClient } from './client.js';
import { isPage } from './page.js';
import { PortalSession } from './session.js';
import { readToken } from './token.js';

export interface Connection {
  readonly session: PortalSession;
  readonly client: UnitPayClient;
}

const connections = new Set<Connection>();

/**
 * The session of a token: the one that this page has already, or a new one. It does not take over
 * the token where the page knows the session; `PortalSession.adopt` does.
 */
export function connectionOf(portalToken: string, addresses: Addresses): Connection {
  const token = readToken(portalToken);
  const base = resolveBase(addresses, token) ?? '';
  const name = token?.sid ?? portalToken;
  for (const connection of connections) {
    const { session } = connection;
    if (session.base === base && session.isKnownAs(name)) return connection;
  }
  const session = new PortalSession(base || null, portalToken);
  const connection = { session, client: new UnitPayClient(session) };
  // On a server each rendering has its own, and none is kept.
  if (isPage) connections.add(connection);
  return connection;
}
