/**
 * The claims of a portal token. They are not verified here; only the server decides whether the
 * token is valid.
 */
import type { Scope } from '../api-types.js';

/** The claims of a portal token, as the page reads them. */
export interface PortalToken {
  /** The token itself. */
  text: string;
  /** The server's address. */
  iss: string;
  /** The customer's id. */
  sub: string;
  /** The portal session's id. */
  sid: string;
  jti: string;
  /** Number of refreshes before it. */
  generation: number;
  /** In milliseconds since the Unix epoch, as `exp` is. */
  iat: number;
  exp: number;
  scopes: readonly Scope[];
}

/** The expected claims. */
type Claims = Record<'iss' | 'sub' | 'sid' | 'jti' | 'scope', string> &
  Record<'iat' | 'exp', number>;

/** Returns null if the text is no portal token. */
export function readToken(text: string): PortalToken | null {
  try {
    const payload = text.split('.')[1] ?? '';
    const claims: unknown = JSON.parse(atob(payload.replace(/-/g, '+').replace(/_/g, '/')));
    const { iss, sub, sid, jti, iat, exp, scope } = claims as Claims;
    const areTexts = [iss, sub, sid, jti, scope].every((text) => text && typeof text === 'string');
    const areTimes = Number.isSafeInteger(iat) && Number.isSafeInteger(exp) && exp > iat;
    if (!areTexts || !areTimes || !/^https?:\/\//.test(iss)) return null;
    const generation = jti === sid ? 0 : Number(jti.slice(sid.length + 1));
    if (!jti.startsWith(sid) || !Number.isSafeInteger(generation)) return null;
    const scopes = scope.split(' ') as Scope[];
    return { text, iss, sub, sid, jti, generation, iat: iat * 1000, exp: exp * 1000, scopes };
  } catch {
    return null;
  }
}

/** Returns whether `next` may replace `current`: same customer and not older. */
export function replaces(next: PortalToken, current: PortalToken): boolean {
  if (next.sub !== current.sub || next.text === current.text) return false;
  return next.sid === current.sid ? next.generation > current.generation : next.iat >= current.iat;
}
