/**
 * The strict local check of a portal token. It is pure: the keys, the issuer and the time come in.
 *
 * No JSON parser reads a token. The server writes both JSON parts in one spelling only (fixed
 * members in a fixed order, no white space, no escapes, shortest integers), so a pattern reads
 * them, and what differs by a byte is refused: other members, duplicates and coercible values are
 * no cases of their own. `testdata/tokens.json` holds this and the server to the same answers.
 */
import { InvalidTokenError, type InvalidTokenReason } from '../errors.js';
import type { Scope, VerifiedClaims } from '../types.js';
import { decodeBase64url } from './base64url.js';

/** Gives the public key of a `kid`, where there is one. */
export type FindKey = (kid: string) => Promise<CryptoKey | undefined>;

export interface Expected {
  /** Compared exactly. */
  issuer: string;
  /** In Unix seconds; there is no leeway: a token ends at its `exp`. */
  now: number;
}

const LONGEST_TOKEN = 2048;
const LONGEST_LIFE_SECONDS = 86_400;
/** The last second of the year 9999. */
const LATEST_TIME = 253_402_300_799;
const HIGHEST_REFRESH = 2 ** 32 - 1;
const AUDIENCE = 'unitpay:portal';

/** Each known scope; the server adds none without a release of this package. */
const SCOPES: ReadonlySet<string> = new Set<Scope>([
  'customer:read',
  'customer:write',
  'subscriptions:read',
  'subscriptions:write',
  'invoices:read',
  'invoices:pay',
  'payment_methods:read',
  'payment_methods:write',
  'credits:read',
  'credits:write',
  'usage:read',
]);

const HEADER = /^\{"alg":"EdDSA","typ":"portal\+jwt","kid":"([A-Za-z0-9_-]{43})"\}$/;

type Claim = keyof VerifiedClaims;

/** Printable ASCII but for the quote and the backslash. */
const text = (claim: Claim) => `"${claim}":"(?<${claim}>[ !#-[\\]-~]*)"`;
const integer = (claim: Claim) => `"${claim}":(?<${claim}>0|[1-9][0-9]*)`;
const MEMBERS = [
  ...(['iss', 'aud', 'sub', 'sid', 'jti', 'org', 'env'] as const).map(text),
  ...(['iat', 'exp'] as const).map(integer),
  text('scope'),
];
const PAYLOAD = new RegExp(`^\\{${MEMBERS.join(',')}\\}$`);

/** A TypeID's 26 characters hold 130 bits, so the first one uses its lower three only. */
const TYPE_ID = '_[0-7][0-9a-hjkmnp-tv-z]{25}';
const CUSTOMER_ID = new RegExp(`^cus${TYPE_ID}$`);
const SESSION_ID = new RegExp(`^ps${TYPE_ID}$`);
const ORGANIZATION_ID = new RegExp(`^org${TYPE_ID}$`);

/** The claims of a good token; rejects with an `InvalidTokenError` otherwise. */
export async function verifyToken(
  token: string,
  findKey: FindKey,
  expected: Expected,
): Promise<VerifiedClaims> {
  if (typeof token !== 'string' || token.length > LONGEST_TOKEN) throw malformed();
  const [header, payload, signature, ...more] = token.split('.').map(decodeBase64url);
  if (!header || !payload || signature?.length !== 64 || more.length > 0) throw malformed();
  const kid = HEADER.exec(latin1(header))?.[1];
  if (kid === undefined) throw malformed();

  const key = await findKey(kid);
  if (!key) throw refused('unknown_key', 'The token is signed by a key that its server lacks.');
  const signed = new TextEncoder().encode(token.slice(0, token.lastIndexOf('.')));
  if (!(await crypto.subtle.verify({ name: 'Ed25519' }, key, signature, signed))) {
    throw refused('bad_signature', 'The token is not signed by the key that it names.');
  }

  const claims = readClaims(latin1(payload));
  if (claims.iss !== expected.issuer) {
    throw badClaims(
      `iss is ${JSON.stringify(claims.iss)} and not ${JSON.stringify(expected.issuer)}: ` +
        'where the server has a public URL of its own, pass it as issuer',
    );
  }
  if (expected.now >= claims.exp) throw refused('expired', 'The token has ended.');
  return claims;
}

function readClaims(payload: string): VerifiedClaims {
  const claims = PAYLOAD.exec(payload)?.groups as Record<Claim, string> | undefined;
  if (!claims) throw badClaims('the payload is not as its server writes it');
  const { iss, aud, sub, sid, jti, org, env, scope } = claims;
  if (iss === '' || iss.includes(' ')) throw badClaims('iss');
  if (aud !== AUDIENCE) throw badClaims('aud');
  if (!CUSTOMER_ID.test(sub)) throw badClaims('sub');
  if (!SESSION_ID.test(sid)) throw badClaims('sid');
  if (!isTokenId(jti, sid)) throw badClaims('jti');
  if (!ORGANIZATION_ID.test(org)) throw badClaims('org');
  if (env !== 'sandbox' && env !== 'live') throw badClaims('env');
  const iat = Number(claims.iat);
  const exp = Number(claims.exp);
  if (exp > LATEST_TIME || exp <= iat || exp - iat > LONGEST_LIFE_SECONDS) {
    throw badClaims('iat and exp');
  }
  if (!isScope(scope)) throw badClaims('scope');
  return { iss, aud, sub, sid, jti, org, env, iat, exp, scope };
}

/** The session's id for its first token, `<sid>.<n>` for its n-th refresh. */
function isTokenId(jti: string, sid: string): boolean {
  if (jti === sid) return true;
  const refresh = jti.startsWith(`${sid}.`) ? jti.slice(sid.length + 1) : '';
  return /^[1-9][0-9]*$/.test(refresh) && Number(refresh) <= HIGHEST_REFRESH;
}

/** At least one scope, each known and once, with single spaces between. */
function isScope(scope: string): boolean {
  const words = scope.split(' ');
  return words.every((word) => SCOPES.has(word)) && new Set(words).size === words.length;
}

function latin1(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}

function malformed(): InvalidTokenError {
  return refused('malformed', 'The text is no portal token.');
}

function badClaims(fault: string): InvalidTokenError {
  return refused('bad_claims', `The token is not a portal token of this server (${fault}).`);
}

function refused(reason: InvalidTokenReason, message: string): InvalidTokenError {
  return new InvalidTokenError(reason, message);
}
