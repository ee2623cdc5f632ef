/** A verifier that is not ours, `jose`, comes to the same answers with nothing but the public keys. */
import { createRemoteJWKSet, errors, jwtVerify } from 'jose';
import { beforeAll, expect, inject, test } from 'vitest';

import { InvalidTokenError } from '../src/index.js';
import { client, failure, newCustomer } from './support/client.js';

const { portalSessions } = client();
const issuer = new URL(inject('baseUrl')).origin;
const audience = 'unitpay:portal';
const keys = createRemoteJWKSet(new URL('/.well-known/jwks.json', issuer));
const expected = { issuer, audience, typ: 'portal+jwt', algorithms: ['EdDSA'] };
let token: string;

beforeAll(async () => {
  const { id: customerId } = await newCustomer();
  ({ token } = await portalSessions.create({ customerId }));
});

test('a minted token has the same claims for both', async () => {
  const { payload } = await jwtVerify(token, keys, expected);
  expect(payload).toEqual(await portalSessions.verify(token));
});

test.for([
  ['issuer', { ...expected, issuer: 'https://elsewhere.example' }],
  ['audience', { ...expected, audience: 'unitpay:other' }],
] as const)('it is refused where another %s is expected', async ([, other]) => {
  const error = await failure(jwtVerify(token, keys, other));
  expect(error).toBeInstanceOf(errors.JWTClaimValidationFailed);
});

test.for([
  ['header', 0],
  ['payload', 1],
  ['signature', 2],
] as const)('whichever byte of the %s changes, both refuse it', async ([, part]) => {
  const parts = token.split('.');
  const bytes = Buffer.from(parts[part] ?? '', 'base64url');
  expect(bytes.length).toBeGreaterThanOrEqual(64);
  for (const index of bytes.keys()) {
    const changed = Buffer.from(bytes);
    changed.writeUInt8(changed.readUInt8(index) ^ 1, index);
    const forged = parts.with(part, changed.toString('base64url')).join('.');
    expect(await failure(jwtVerify(forged, keys, expected))).toBeInstanceOf(errors.JOSEError);
    expect(await failure(portalSessions.verify(forged))).toBeInstanceOf(InvalidTokenError);
  }
});
