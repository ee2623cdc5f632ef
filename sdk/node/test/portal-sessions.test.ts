import { expect, inject, test } from 'vitest';

import { NotFoundError, UnitPay, ValidationError } from '../src/index.js';
import { client, failure, newCustomer } from './support/client.js';

const { portalSessions } = client();

/** Reads the session and the customer with a token, as a browser does. */
async function current(token: string): Promise<number> {
  const url = `${inject('baseUrl')}/portal-sessions/current`;
  const { status } = await fetch(url, { headers: { authorization: `Bearer ${token}` } });
  return status;
}

test('a minted session lets its token in, until it is revoked by jti', async () => {
  const { id: customerId } = await newCustomer();
  const session = await portalSessions.create({ customerId, ttlSeconds: 3600 });
  expect(session).toMatchObject({ customerId });
  expect(session.token.split('.')).toHaveLength(3);
  expect(session.expiresAt).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  expect(Date.parse(session.absoluteExpiresAt)).toBeGreaterThan(Date.parse(session.expiresAt));
  expect(await current(session.token)).toBe(200);
  await portalSessions.revoke({ jti: session.jti });
  expect(await current(session.token)).toBe(401);
});

test('revoking by customer ends all of its sessions, and only those', async () => {
  const externalId = `revoke-all-${String(process.hrtime.bigint())}`;
  const [, other] = [await newCustomer(externalId), await newCustomer()];
  const first = await portalSessions.create({ customerId: externalId });
  const second = await portalSessions.create({ customerId: externalId });
  const third = await portalSessions.create({ customerId: other.id });
  await portalSessions.revoke({ customerId: externalId });
  expect(await Promise.all([first, second, third].map(({ token }) => current(token)))).toEqual([
    401, 401, 200,
  ]);
});

test('a session carries what it was minted with', async () => {
  const { id: customerId } = await newCustomer();
  const minted = await portalSessions.create({
    customerId,
    ttlSeconds: 60,
    maxLifetimeSeconds: 120,
    scopes: ['customer:read', 'invoices:read'],
    allowedOrigins: ['https://app.example.com'],
    metadata: { device: 'phone' },
  });
  expect(await portalSessions.get(minted.jti)).toMatchObject({
    id: minted.jti,
    customerId,
    status: 'active',
    scopes: ['customer:read', 'invoices:read'],
    allowedOrigins: ['https://app.example.com'],
    expiresAt: minted.expiresAt,
    absoluteExpiresAt: minted.absoluteExpiresAt,
    refreshCount: 0,
    revokedAt: null,
    revokedReason: null,
    metadata: { device: 'phone' },
  });
  const readOnly = await portalSessions.create({ customerId, readOnly: true });
  expect(readOnly.scopes.every((scope) => scope.endsWith(':read'))).toBe(true);
});

test('sessions are listed by customer and status, newest first, over pages', async () => {
  const { id: customerId } = await newCustomer();
  const minted: string[] = [];
  for (let n = 0; n < 3; n += 1) minted.push((await portalSessions.create({ customerId })).jti);
  await portalSessions.revoke({ jti: minted[0] ?? '' });
  const all = await portalSessions.list({ customerId, limit: 1 }).toArray();
  expect(all.map((session) => session.id)).toEqual(minted.toReversed());
  const page = await portalSessions.list({ customerId, status: 'revoked' });
  expect(page).toMatchObject({ hasMore: false, nextCursor: null });
  expect(page.data.map((session) => session.id)).toEqual(minted.slice(0, 1));
  expect(page.data[0]?.revokedAt).not.toBeNull();
});

test('introspection sees a revocation at once', async () => {
  const { id: customerId } = await newCustomer();
  const { token, jti } = await portalSessions.create({ customerId });
  const active = await portalSessions.introspect(token);
  expect(active).toMatchObject({ active: true, sub: customerId, jti });
  await portalSessions.revoke({ jti });
  expect(await portalSessions.introspect(token)).toEqual({ active: false });
  expect(await portalSessions.introspect('no token at all')).toEqual({ active: false });
});

test('an unknown customer is told from a wrong parameter', async () => {
  const unknown = await failure(portalSessions.create({ customerId: 'nobody' }));
  expect(unknown).toBeInstanceOf(NotFoundError);
  expect(unknown).toMatchObject({ status: 404, code: 'customer_not_found' });
  const { id: customerId } = await newCustomer();
  const wrong = await failure(portalSessions.create({ customerId, ttlSeconds: 59 }));
  expect(wrong).toBeInstanceOf(ValidationError);
  expect(wrong).toMatchObject({ status: 422, code: 'validation_failed' });
  expect((wrong as ValidationError).errors).toMatchObject([{ param: 'ttlSeconds' }]);
  expect((wrong as ValidationError).requestId).toMatch(/^req_/);
  expect((wrong as ValidationError).headers.get('x-request-id')).toBe(
    (wrong as ValidationError).requestId,
  );
});

test('revoking exactly one of the two is a matter of types, and of the server', async () => {
  const both = { jti: 'ps_01kwgt3qt8f689ez1ekre217xw', customerId: 'cus_123' };
  // @ts-expect-error -- not both
  expect(await failure(portalSessions.revoke(both))).toBeInstanceOf(ValidationError);
  // @ts-expect-error -- not neither
  expect(await failure(portalSessions.revoke({}))).toBeInstanceOf(ValidationError);
});

test('a wrong key is an AuthenticationError', async () => {
  const stranger = new UnitPay({ apiKey: 'upay_sk_wrong', baseUrl: inject('baseUrl') });
  const error = await failure(stranger.portalSessions.list());
  expect(error).toMatchObject({
    name: 'AuthenticationError',
    status: 401,
    code: 'invalid_api_key',
  });
});
