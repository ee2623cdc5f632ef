import { PagePromise } from '../page.js';
import { KeyCache, type Jwks } from '../token/keys.js';
import { verifyToken } from '../token/verify.js';
import type { RequestOptions, Transport } from '../transport.js';
import type {
  CreatePortalSession,
  Introspection,
  LoginSettings,
  MintedPortalSession,
  PortalSession,
  PortalSessionQuery,
  PutLoginSettings,
  RevokePortalSessions,
  VerifiedClaims,
} from '../types.js';

/** The options of a local check of a portal token. */
export interface VerifyOptions {
  /** The server's public URL, where it is not `baseUrl` without `/v1`. */
  issuer?: string | undefined;
}

/** `unitpay.portalSessions`: what lets a customer's browser speak with UnitPay. */
export class PortalSessions {
  readonly #transport: Transport;
  readonly #keys: KeyCache;

  /** @internal */
  constructor(transport: Transport) {
    this.#transport = transport;
    this.#keys = new KeyCache(
      () => transport.getPublic<Jwks>('/.well-known/jwks.json'),
      () => transport.now(),
    );
  }

  /** Mints a session; hand its `token` to the customer's browser and nobody else. */
  create(session: CreatePortalSession, options?: RequestOptions): Promise<MintedPortalSession> {
    const path = ['portal-sessions'];
    return this.#transport.send({ method: 'POST', path, body: session }, options);
  }

  /**
   * Ends the session of a `jti`, or every session of a customer. Once it resolves, none of their
   * tokens is accepted any more. A `jti` of no living session resolves too.
   */
  revoke(which: RevokePortalSessions, options?: RequestOptions): Promise<void> {
    const path = ['portal-sessions', 'revoke'];
    return this.#transport.send({ method: 'POST', path, body: which }, options);
  }

  list(query: PortalSessionQuery = {}, options?: RequestOptions): PagePromise<PortalSession> {
    const path = ['portal-sessions'];
    return new PagePromise((cursor = query.cursor) =>
      this.#transport.send({ method: 'GET', path, query: { ...query, cursor } }, options),
    );
  }

  /** The session of an id `ps_…`, which is its first token's `jti`. */
  get(id: string, options?: RequestOptions): Promise<PortalSession> {
    return this.#transport.send({ method: 'GET', path: ['portal-sessions', id] }, options);
  }

  /** The settings of sign-in by e-mail, with the URL of its page. */
  getLoginSettings(options?: RequestOptions): Promise<LoginSettings> {
    return this.#transport.send({ method: 'GET', path: ['login-settings'] }, options);
  }

  /** Replaces the settings of sign-in by e-mail. */
  putLoginSettings(settings: PutLoginSettings, options?: RequestOptions): Promise<LoginSettings> {
    const path = ['login-settings'];
    return this.#transport.send({ method: 'PUT', path, body: settings }, options);
  }

  /** Asks the server whether a token is good at this moment (RFC 7662). */
  introspect(token: string, options?: RequestOptions): Promise<Introspection> {
    const path = ['portal-sessions', 'introspect'];
    return this.#transport.send({ method: 'POST', path, body: { token } }, options);
  }

  /**
   * Checks a token here, by the server's public keys, and gives its claims; rejects with an
   * `InvalidTokenError` where it is not good.
   *
   * **It cannot see revocation.** A revoked session's token passes until its `exp`, and so does
   * that of an archived customer. Ask `introspect` where that matters.
   *
   * The keys are loaded on first use, and again when they are five minutes old or a token names an
   * unknown one (every 30 seconds at most). Where they do not load, it rejects with an `ApiError`.
   */
  verify(token: string, { issuer }: VerifyOptions = {}): Promise<VerifiedClaims> {
    return verifyToken(token, (kid) => this.#keys.find(kid), {
      issuer: issuer ?? this.#transport.origin,
      now: Math.floor(this.#transport.now() / 1000),
    });
  }
}
