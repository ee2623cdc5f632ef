/** The tokens that the server's own verifier is held to: accepted and refused, with the reason. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

import { importKeys, type Jwks } from '../src/token/keys.js';
import { verifyToken } from '../src/token/verify.js';
import { failure } from './support/client.js';

interface TestTokens {
  jwks: Jwks;
  issuer: string;
  now: number;
  tokens: { name: string; token: string; accept: boolean; reason: string | null }[];
}

const file = new URL('../../../testdata/tokens.json', import.meta.url);
const { jwks, issuer, now, tokens } = JSON.parse(readFileSync(file, 'utf8')) as TestTokens;
const keys = await importKeys(jwks);
const verify = (token: string) =>
  verifyToken(token, (kid) => Promise.resolve(keys.get(kid)), { issuer, now });

test('there are tokens of both kinds', () => {
  expect(new Set(tokens.map((token) => token.accept))).toEqual(new Set([true, false]));
});

test.for(tokens.filter((token) => token.accept))('accepted: $name', async ({ token }) => {
  const claims = JSON.parse(atob(token.split('.')[1] ?? '')) as unknown;
  expect(await verify(token)).toEqual(claims);
});

test.for(tokens.filter((token) => !token.accept))('refused: $name', async ({ token, reason }) => {
  expect(await failure(verify(token))).toMatchObject({ name: 'InvalidTokenError', reason });
});

test('a refusal shows nothing of the token', async () => {
  for (const { token } of tokens.filter((token) => !token.accept)) {
    const error = (await failure(verify(token))) as Error;
    for (const part of token.split('.').filter((part) => part.length > 20)) {
      expect(error.message).not.toContain(part);
    }
  }
});

test('what is no text is refused as a malformed token is', async () => {
  for (const token of [undefined, null, 1, {}, []]) {
    expect(await failure(verify(token as string))).toMatchObject({
      reason: 'malformed',
    });
  }
});

test('keys of another kind in the JWKS are left aside', async () => {
  const [key] = jwks.keys;
  const others = [
    { kty: 'RSA', kid: 'rsa', n: 'AQAB', e: 'AQAB' },
    { ...key, crv: 'X25519', kid: 'x25519' },
    { ...key, x: 'AQAB', kid: 'short' },
    { ...key, kid: 1 },
  ];
  expect([...(await importKeys({ keys: [...others, ...jwks.keys] })).keys()]).toEqual(
    jwks.keys.map((key) => key.kid),
  );
});
