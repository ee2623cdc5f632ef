import { expect, inject, test } from 'vitest';

import { type ApiKey, UnitPay } from '../src/index.js';
import { client, failure, newCustomer } from './support/client.js';
import { unitpay } from './support/program.js';

/** A key grants its sessions no more than it may do itself. */
const TILL: ApiKey['scopes'] = ['portal_sessions:write', 'customers:read'];

/** A key that may make keys: none has that by default. */
async function admin(): Promise<UnitPay> {
  const scopes = ['api_keys:read', 'api_keys:write', 'audit:read', ...TILL];
  const apiKey = await unitpay(
    inject('dataDir'),
    ...['keys', 'create', '--env', 'sandbox', '--scopes', scopes.join(',')],
  );
  return new UnitPay({ apiKey, baseUrl: inject('baseUrl') });
}

test('a key is made, used, listed and revoked, with what it minted', async () => {
  const { id: customerId } = await newCustomer();
  const { apiKeys } = await admin();
  const made = await apiKeys.create({ name: 'till', scopes: TILL });
  const till = client({ apiKey: made.secret });
  const { token, scopes } = await till.portalSessions.create({ customerId });
  expect(scopes).toEqual(['customer:read']);

  const listed = (await apiKeys.list().toArray()).find((key) => key.id === made.id);
  expect(listed).toMatchObject({ name: 'till', scopes: TILL });
  expect(JSON.stringify(listed)).not.toContain(made.secret);

  await apiKeys.revoke(made.id, { revokeSessions: true });
  const refused = await failure(till.portalSessions.create({ customerId }));
  expect(refused).toMatchObject({ name: 'AuthenticationError', code: 'invalid_api_key' });
  expect(await client().portalSessions.introspect(token)).toEqual({ active: false });
});

test('what a key minted outlives it, unless the revocation says otherwise', async () => {
  const { id: customerId } = await newCustomer();
  const { apiKeys } = await admin();
  const made = await apiKeys.create({ name: 'till', scopes: TILL });
  const till = client({ apiKey: made.secret });
  const { token } = await till.portalSessions.create({ customerId });
  expect((await apiKeys.revoke(made.id)).revokedAt).not.toBeNull();
  expect(await failure(till.portalSessions.list())).toMatchObject({ code: 'invalid_api_key' });
  expect(await client().portalSessions.introspect(token)).toMatchObject({ active: true });
});

test('a key without the scope to make keys is told so', async () => {
  const error = await failure(client().apiKeys.create({ name: 'till' }));
  expect(error).toMatchObject({ name: 'PermissionError', status: 403, code: 'insufficient_scope' });
});

test('what was done stands in the audit events', async () => {
  const unitpay = await admin();
  const { id } = await unitpay.apiKeys.create({ name: 'audited', scopes: ['audit:read'] });
  const events = await unitpay.auditEvents.list({ limit: 100 }).toArray({ max: 100 });
  expect(events.map((event) => event.id)).toEqual(
    events
      .map((event) => event.id)
      .sort()
      .reverse(),
  );
  expect(JSON.stringify(events)).toContain(id);
});
