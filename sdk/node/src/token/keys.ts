/**
 * The server's public keys (RFC 7517, RFC 8037), kept for `portalSessions.verify`.
 *
 * A client speaks with one server, so it has one set of them, from one issuer.
 */
import { decodeBase64url } from './base64url.js';

/** The fields of `/.well-known/jwks.json` that this package reads. */
export interface Jwks {
  keys: readonly Record<string, unknown>[];
}

type Keys = ReadonlyMap<string, CryptoKey>;

/** As long as the server lets the document be cached: a key that it revokes is gone by then. */
const LIFE = 300_000;
/** The pause between two loads that only an unknown `kid` asked for; anyone can make one up. */
const PAUSE = 30_000;

export class KeyCache {
  readonly #load: () => Promise<Jwks>;
  readonly #now: () => number;
  #keys: Keys | undefined;
  #loadedAt = -Infinity;
  #loading: Promise<Keys> | undefined;
  #startedAt = -Infinity;
  #isLoading = false;

  constructor(load: () => Promise<Jwks>, now: () => number) {
    this.#load = load;
    this.#now = now;
  }

  /** Rejects where the keys are needed and do not load: then nothing can be said of a token. */
  async find(kid: string): Promise<CryptoKey | undefined> {
    const now = this.#now();
    const isFresh = now - this.#loadedAt < LIFE;
    const known = isFresh ? this.#keys?.get(kid) : undefined;
    if (known) return known;
    // Callers that come while a load is under way, or too soon after one, share its outcome.
    if (!this.#isLoading && now - this.#startedAt >= PAUSE) void this.#start(now);
    return (await this.#loading)?.get(kid);
  }

  async #start(now: number): Promise<void> {
    this.#isLoading = true;
    this.#startedAt = now;
    this.#loading = this.#load().then(importKeys);
    try {
      this.#keys = await this.#loading;
      this.#loadedAt = now;
    } catch {
      // Without good keys the next call tries at once; with them, only an unknown `kid` waits.
      if (now - this.#loadedAt >= LIFE) this.#startedAt = -Infinity;
    }
    this.#isLoading = false;
  }
}

/** The keys that can sign portal tokens, by `kid`; others in the document are left aside. */
export async function importKeys(jwks: Jwks): Promise<Keys> {
  if (!Array.isArray(jwks.keys)) throw new TypeError('The answer is not a JWK set. Check baseUrl.');
  const keys = new Map<string, CryptoKey>();
  for (const { kty, crv, kid, x } of jwks.keys) {
    const bytes = typeof x === 'string' ? decodeBase64url(x) : undefined;
    if (kty !== 'OKP' || crv !== 'Ed25519' || typeof kid !== 'string' || bytes?.length !== 32) {
      continue;
    }
    const algorithm = { name: 'Ed25519' };
    keys.set(kid, await crypto.subtle.importKey('raw', bytes, algorithm, false, ['verify']));
  }
  return keys;
}
