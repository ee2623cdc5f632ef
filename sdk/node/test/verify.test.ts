/** The local check against the real server's keys: what is loaded, how often, and what is kept. */
import { afterAll, beforeAll, beforeEach, expect, inject, test } from 'vitest';

import { clientOn, failure, newCustomer } from './support/client.js';
import { unitpay } from './support/program.js';
import { startProxy, type Proxy } from './support/proxy.js';
import { ManualRuntime } from './support/runtime.js';

const issuer = new URL(inject('baseUrl')).origin;
let proxy: Proxy;
let runtime: ManualRuntime;
let customerId: string;

const connect = () => clientOn(runtime, { baseUrl: proxy.baseUrl }).portalSessions;
const loads = () => proxy.seen.filter(({ url }) => url === '/.well-known/jwks.json').length;
const mint = async () => (await clientOn(runtime).portalSessions.create({ customerId })).token;
/** A token of the same form that names a key which nobody has. */
const withUnknownKey = (token: string) => {
  const header = `{"alg":"EdDSA","typ":"portal+jwt","kid":"${'A'.repeat(43)}"}`;
  return token.replace(/^[^.]+/, btoa(header).replace(/=+$/, ''));
};

beforeAll(async () => {
  proxy = await startProxy(issuer);
  customerId = (await newCustomer()).id;
});
afterAll(() => proxy.close());
beforeEach(() => {
  runtime = new ManualRuntime();
  proxy.seen.length = 0;
});

test("a fresh token's claims are its session's", async () => {
  const { portalSessions } = clientOn(runtime);
  const session = await portalSessions.create({ customerId, ttlSeconds: 600 });
  const claims = await portalSessions.verify(session.token);
  expect(claims).toMatchObject({
    iss: issuer,
    aud: 'unitpay:portal',
    sub: customerId,
    sid: session.jti,
    jti: session.jti,
    env: 'sandbox',
    scope: session.scopes.join(' '),
  });
  expect(claims.exp * 1000).toBe(Date.parse(session.expiresAt));
  expect(claims.exp - claims.iat).toBe(600);
});

test('the issuer must be the expected one', async () => {
  const token = await mint();
  // Seen through the proxy, the server's address is not what its tokens say.
  const error = await failure(connect().verify(token));
  expect(error).toMatchObject({ name: 'InvalidTokenError', reason: 'bad_claims' });
  expect((error as Error).message).toContain(proxy.origin);
  expect(await connect().verify(token, { issuer })).toMatchObject({ iss: issuer });
});

test('a token ends at its exp, to the second', async () => {
  const portalSessions = connect();
  const token = await mint();
  const { exp } = await portalSessions.verify(token, { issuer });
  runtime.time = exp * 1000 - 1;
  expect(await portalSessions.verify(token, { issuer })).toMatchObject({ exp });
  runtime.time = exp * 1000;
  const error = await failure(portalSessions.verify(token, { issuer }));
  expect(error).toMatchObject({ reason: 'expired' });
});

test('it cannot see revocation', async () => {
  const portalSessions = connect();
  const { token, jti } = await portalSessions.create({ customerId });
  await portalSessions.revoke({ jti });
  expect(await portalSessions.verify(token, { issuer })).toMatchObject({ jti });
  expect(await portalSessions.introspect(token)).toEqual({ active: false });
});

test('the keys are loaded once, without the API key, and again after five minutes', async () => {
  const portalSessions = connect();
  const token = await mint();
  await Promise.all([1, 2, 3].map(() => portalSessions.verify(token, { issuer })));
  runtime.time += 299_999;
  await portalSessions.verify(token, { issuer });
  expect(loads()).toBe(1);
  expect(proxy.seen[0]?.headers['x-api-key']).toBeUndefined();
  runtime.time += 1;
  await portalSessions.verify(token, { issuer });
  expect(loads()).toBe(2);
});

test('an unknown key loads them at most every 30 seconds', async () => {
  const portalSessions = connect();
  const token = await mint();
  const unknown = withUnknownKey(token);
  await portalSessions.verify(token, { issuer });
  for (const [pause, expected] of [
    [29_999, 1],
    [1, 2],
    [29_999, 2],
    [1, 3],
  ] as const) {
    runtime.time += pause;
    const errors = await Promise.all(
      [1, 2, 3].map(() => failure(portalSessions.verify(unknown, { issuer }))),
    );
    expect(errors.map((error) => (error as { reason?: string }).reason)).toEqual(
      Array(3).fill('unknown_key'),
    );
    expect(loads()).toBe(expected);
  }
});

test('however long they take to load, they are loaded once', async () => {
  const portalSessions = connect();
  const token = await mint();
  let second: Promise<unknown> | undefined;
  proxy.faults = ['hang'];
  proxy.onHang = () => {
    runtime.time += 30_000;
    second = portalSessions.verify(token, { issuer });
    runtime.passDeadlines();
  };
  const first = await portalSessions.verify(token, { issuer });
  expect(await second).toEqual(first);
  // The attempt that hung, and the one after it.
  expect(loads()).toBe(2);
});

test('a text that is no token loads nothing', async () => {
  expect(await failure(connect().verify('no token'))).toMatchObject({ reason: 'malformed' });
  expect(loads()).toBe(0);
});

test('a token of a rotated key is good at once', async () => {
  const portalSessions = connect();
  const old = await mint();
  await portalSessions.verify(old, { issuer });
  // The next key is always published, so it takes two rotations to sign with an unknown one.
  await unitpay(inject('dataDir'), 'signing-keys', 'rotate');
  await unitpay(inject('dataDir'), 'signing-keys', 'rotate');
  runtime.time += 30_000;
  const token = await mint();
  expect(await portalSessions.verify(token, { issuer })).toMatchObject({ sub: customerId });
  expect(loads()).toBe(2);
  expect(await portalSessions.verify(old, { issuer })).toMatchObject({ sub: customerId });
});

test('keys that do not load are an ApiError, and the next call tries again', async () => {
  const portalSessions = connect();
  const token = await mint();
  proxy.faults = ['reset', 'reset', 'reset'];
  const error = await failure(portalSessions.verify(token, { issuer }));
  expect(error).toMatchObject({ name: 'ConnectionError' });
  expect(await portalSessions.verify(token, { issuer })).toMatchObject({ sub: customerId });
});

test('while the keys do not load, known ones stay good for their five minutes', async () => {
  const portalSessions = connect();
  const token = await mint();
  const unknown = withUnknownKey(token);
  await portalSessions.verify(token, { issuer });
  runtime.time += 30_000;
  proxy.faults = ['reset', 'reset', 'reset'];
  for (let n = 0; n < 2; n += 1) {
    const error = await failure(portalSessions.verify(unknown, { issuer }));
    expect(error).toMatchObject({ name: 'ConnectionError' });
    expect(await portalSessions.verify(token, { issuer })).toMatchObject({ sub: customerId });
  }
  expect(proxy.seen).toHaveLength(4);
});

test('a document that is no key set is an error', async () => {
  proxy.faults = [{ status: 200, body: '{"keys":{}}' }];
  const error = await failure(connect().verify(await mint(), { issuer }));
  expect((error as Error).message).toMatch(/JWK set/);
});
