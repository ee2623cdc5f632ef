// Changes of the API and of the packages' types that break users of an earlier release.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { breaks } from '../../scripts/api-breaks.mjs';
import { typeExports } from '../../scripts/type-exports.mjs';
import { folderFor, root } from './support.mjs';

const read = (path) => JSON.parse(readFileSync(join(root, path), 'utf8'));
const api = read('openapi.json');

/** Returns the API after a change. */
function changed(change) {
  const copy = structuredClone(api);
  change(copy, copy.components.schemas);
  return copy;
}

test('additions to the API break nothing', () => {
  const later = changed(({ paths }, schemas) => {
    paths['/v1/new'] = { get: { responses: { 200: { description: '' } } } };
    paths['/v1/customers'].get.parameters.push({ in: 'query', name: 'new', schema: {} });
    schemas.Customer.properties.new = { type: 'string' };
    schemas.Customer.required.push('new');
    schemas.CreateCustomerRequest.properties.new = { type: 'string' };
    schemas.ApiKeyKind.enum.push('new');
  });
  assert.deepEqual(breaks(api, api), []);
  assert.deepEqual(breaks(api, later), []);
});

for (const [what, change, message] of [
  ['a missing path', ({ paths }) => delete paths['/v1/customers'], /^POST \/v1\/customers is gone/],
  [
    'a missing status',
    ({ paths }) => delete paths['/v1/customers'].post.responses[201],
    /no longer answers 201/,
  ],
  [
    'a new required parameter',
    ({ paths }) =>
      paths['/v1/customers'].get.parameters.push({ in: 'query', name: 'new', required: true }),
    /GET \/v1\/customers requires query new/,
  ],
  [
    'a missing parameter',
    ({ paths }) => paths['/v1/customers'].get.parameters.shift(),
    /GET \/v1\/customers no longer takes/,
  ],
  [
    'a missing field of a response',
    (_, { Customer }) => delete Customer.properties.email,
    /\/v1\/customers.*, 20\d.*\.email is gone/,
  ],
  [
    'a field of a response that may be absent',
    (_, { Customer }) => Customer.required.splice(Customer.required.indexOf('email'), 1),
    /\.email may be absent/,
  ],
  [
    'a field of another type',
    (_, { Customer }) => (Customer.properties.email = { type: 'integer' }),
    /\.email was string and is integer/,
  ],
  [
    'a missing field of a request',
    (_, { CreateCustomerRequest }) => delete CreateCustomerRequest.properties.externalId,
    /POST \/v1\/customers, request\.externalId is gone/,
  ],
  [
    'a new required field of a request',
    (_, { CreateCustomerRequest }) => CreateCustomerRequest.required.push('externalId'),
    /POST \/v1\/customers, request\.externalId is required/,
  ],
  ['a missing word', (_, { ApiKeyKind }) => ApiKeyKind.enum.pop(), /no longer has the value/],
  [
    'a missing credential',
    ({ paths }) => (paths['/v1/customers'].get.security = [{ other: [] }]),
    /GET \/v1\/customers no longer accepts/,
  ],
]) {
  test(`${what} breaks the API`, () => {
    const found = breaks(api, changed(change));
    assert.ok(
      found.some((line) => message.test(line)),
      found.join('\n'),
    );
  });
}

test('types export names and members', (t) => {
  const folder = folderFor(t);
  const exports = { '.': { import: { types: './dist/index.d.ts' } } };
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ exports }));
  mkdirSync(join(folder, 'dist'));
  writeFileSync(
    join(folder, 'dist/index.d.ts'),
    `import type { Part } from './part.js';
     export type { Part };
     export declare class Client { #secret; private hidden; list(): Part[]; }
     export declare function open(): Client;
     interface Other { x: number }
     export type Choice = Other | string;`,
  );
  writeFileSync(join(folder, 'dist/part.d.ts'), 'export interface Part { id: string; on?: Date }');
  assert.deepEqual(typeExports(folder), [
    '. Choice',
    '. Client',
    '. Client.list',
    '. Part',
    '. Part.id',
    '. Part.on',
    '. open',
  ]);
});

test('API and types are compatible with every kept release', () => {
  const kept = join(root, 'testdata/api');
  for (const release of existsSync(kept) ? readdirSync(kept) : []) {
    assert.deepEqual(breaks(read(join('testdata/api', release, 'openapi.json')), api), [], release);
    for (const name of ['node', 'react']) {
      const now = new Set(typeExports(join(root, 'sdk', name)));
      const before = readFileSync(join(kept, release, `${name}.txt`), 'utf8')
        .trim()
        .split('\n');
      assert.deepEqual(
        before.filter((line) => !now.has(line)),
        [],
        `${name} of ${release}`,
      );
    }
  }
});
