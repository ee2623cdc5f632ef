/** A secret key gets every member that a type declares, except those that only a write returns. */
import { readFile } from 'node:fs/promises';
import { beforeAll, expect, test } from 'vitest';

import { client, newCustomer } from './support/client.js';

interface Document {
  components: { schemas: Record<string, { properties: object }> };
}

const { apiKeys, auditEvents, customers, portalSessions } = client();
const file = new URL('../../../openapi.json', import.meta.url);
const { components } = JSON.parse(await readFile(file, 'utf8')) as Document;
const members = (schema: string) => Object.keys(components.schemas[schema]?.properties ?? {});

beforeAll(async () => {
  const { id: customerId } = await newCustomer();
  await portalSessions.create({ customerId });
});

test.for([
  ['Customer', () => customers.list({ limit: 1 }), ['erasedAt', 'warnings']],
  ['PortalSession', () => portalSessions.list({ limit: 1 }), []],
  ['ApiKey', () => apiKeys.list({ limit: 1 }), ['secret']],
  ['AuditEvent', () => auditEvents.list({ limit: 1 }), []],
] as const)('%s has every member that its type has', async ([schema, list, absent]) => {
  const page = await list();
  expect(Object.keys(page).sort()).toEqual(['data', 'hasMore', 'nextCursor', 'prevCursor']);
  const expected = members(schema).filter(
    (member) => !(absent as readonly string[]).includes(member),
  );
  expect(Object.keys(page.data[0] ?? {}).sort()).toEqual(expected.sort());
});
