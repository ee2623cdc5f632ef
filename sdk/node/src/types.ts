/** The wire's shapes (docs: the HTTP contract). Times are RFC 3339 texts, as on the wire. */

export type Environment = 'sandbox' | 'live';

/** What a portal session may do. */
export type Scope =
  | 'customer:read'
  | 'customer:write'
  | 'subscriptions:read'
  | 'subscriptions:write'
  | 'invoices:read'
  | 'invoices:pay'
  | 'payment_methods:read'
  | 'payment_methods:write'
  | 'credits:read'
  | 'credits:write'
  | 'usage:read';

/** Every `code` that an error of the server carries. */
export type ErrorCode =
  | 'malformed_request'
  | 'ambiguous_credentials'
  | 'missing_credentials'
  | 'invalid_api_key'
  | 'invalid_token'
  | 'token_expired'
  | 'session_revoked'
  | 'customer_archived'
  | 'invalid_code'
  | 'insufficient_scope'
  | 'origin_not_allowed'
  | 'secret_key_in_browser'
  | 'organization_suspended'
  | 'not_found'
  | 'customer_not_found'
  | 'method_not_allowed'
  | 'request_timeout'
  | 'payload_too_large'
  | 'unsupported_media_type'
  | 'conflict'
  | 'validation_failed'
  | 'idempotency_key_reused'
  | 'rate_limited'
  | 'internal'
  | 'unavailable'
  | 'overloaded';

/** One parameter that is wrong. */
export interface ParamError {
  param: string;
  message: string;
}

export type Metadata = Record<string, string>;

/** Which page of a list. */
export interface PageQuery {
  /** Rows in a page, 1 to 100; default 20. */
  limit?: number | undefined;
  /** A page's `nextCursor` or `prevCursor`. */
  cursor?: string | undefined;
}

export interface CreatePortalSession {
  /** The customer's id (`cus_…`) or your `externalId`. */
  customerId: string;
  /** The token's life, 60 to 86400; default 3600. */
  ttlSeconds?: number | undefined;
  /** The end that no refresh passes, `ttlSeconds` to 86400; the default is the longest. */
  maxLifetimeSeconds?: number | undefined;
  /** Default: all that the key may grant. */
  scopes?: Scope[] | undefined;
  /** Grants every scope that ends in `:read`; stands in place of `scopes`. */
  readOnly?: boolean | undefined;
  /** The only pages that may use the token from a browser, up to 10; default: any. */
  allowedOrigins?: string[] | undefined;
  /** Ends the customer's other sessions. */
  invalidateExisting?: boolean | undefined;
  metadata?: Metadata | undefined;
}

export interface MintedPortalSession {
  token: string;
  expiresAt: string;
  absoluteExpiresAt: string;
  /** For `revoke`; equal to the session's id. */
  jti: string;
  customerId: string;
  scopes: Scope[];
}

/** Exactly one of the two. */
export type RevokePortalSessions =
  { jti: string; customerId?: undefined } | { customerId: string; jti?: undefined };

export type PortalSessionStatus = 'active' | 'expired' | 'revoked';

export interface PortalSessionQuery extends PageQuery {
  customerId?: string | undefined;
  status?: PortalSessionStatus | undefined;
}

/** A session as it is listed: never with a token. */
export interface PortalSession {
  id: string;
  customerId: string;
  status: PortalSessionStatus;
  scopes: Scope[];
  allowedOrigins: string[];
  createdAt: string;
  expiresAt: string;
  absoluteExpiresAt: string;
  refreshCount: number;
  revokedAt: string | null;
  revokedReason: string | null;
  createdByKeyId: string;
  metadata: Metadata;
}

/** A good token's claims, or that it is not good, and no more. */
export type Introspection = ({ active: true } & VerifiedClaims) | { active: false };

/** The claims of a portal token. */
export interface VerifiedClaims {
  iss: string;
  aud: 'unitpay:portal';
  /** The customer's id. */
  sub: string;
  /** The portal session's id. */
  sid: string;
  jti: string;
  /** The organization's id. */
  org: string;
  env: Environment;
  /** In Unix seconds, as `exp` is. */
  iat: number;
  exp: number;
  /** Separated by spaces. */
  scope: string;
}

export interface CreateCustomer {
  name: string;
  email: string;
  /** Your own id, 1 to 128 bytes; may stand wherever a customer's id is asked for. */
  externalId?: string | undefined;
  metadata?: Metadata | undefined;
}

/** `null` clears an optional field. */
export interface UpdateCustomer {
  name?: string | undefined;
  email?: string | undefined;
  externalId?: string | null | undefined;
  metadata?: Metadata | null | undefined;
}

export type CustomerQuery = PageQuery;

export interface Customer {
  id: string;
  externalId: string | null;
  name: string;
  email: string;
  metadata: Metadata;
  createdAt: string;
  archivedAt: string | null;
}

export interface CreateApiKey {
  name: string;
  scopes?: string[] | undefined;
  expiresAt?: string | undefined;
}

export interface ApiKey {
  id: string;
  name: string;
  /** The key's last four characters. */
  lastFour: string;
  environment: Environment;
  scopes: string[];
  createdAt: string;
  lastUsedAt: string | null;
  expiresAt: string | null;
  revokedAt: string | null;
}

export interface CreatedApiKey extends ApiKey {
  /** Absent from a replayed answer. */
  key?: string;
}

export interface RevokeApiKey {
  revokeSessions?: boolean | undefined;
}

export type AuditEventQuery = PageQuery;

export interface AuditEvent {
  id: string;
  createdAt: string;
}
