/** The built package, as an integrator uses it. */
import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { afterEach, expect, inject, test, vi } from 'vitest';

import { UnitPay } from '@unitpay/node';

import { failure, newCustomer } from './support/client.js';

const root = new URL('..', import.meta.url);
const environment = () => ({
  UNITPAY_API_KEY: inject('apiKey'),
  UNITPAY_BASE_URL: `${inject('baseUrl')}/`,
});

afterEach(() => {
  vi.unstubAllEnvs();
});

test('the lines of the guide run as they stand', async () => {
  for (const [name, value] of Object.entries(environment())) vi.stubEnv(name, value);
  const customerId = 'cus_123';
  const unitpay = new UnitPay({ apiKey: process.env.UNITPAY_API_KEY });
  const session = await unitpay.portalSessions.create({ customerId, ttlSeconds: 3600 });
  expect(session).toMatchObject({
    token: expect.any(String) as string,
    expiresAt: expect.any(String) as string,
  });
  expect(await unitpay.portalSessions.introspect(session.token)).toMatchObject({ active: true });
  await unitpay.portalSessions.revoke({ customerId: 'cus_123' });
  expect(await unitpay.portalSessions.introspect(session.token)).toEqual({ active: false });
});

test.for([
  ['module', "import { ApiError, UnitPay } from '@unitpay/node';"],
  ['commonjs', "const { ApiError, UnitPay } = require('@unitpay/node');"],
])('it runs as %s, and leaves nothing that keeps a program alive', async ([type, load]) => {
  const { id } = await newCustomer();
  const program = `${load ?? ''}
    const unitpay = new UnitPay();
    unitpay.portalSessions
      .create({ customerId: process.argv[1] })
      .then(({ token }) => unitpay.portalSessions.verify(token))
      .then(({ sub }) => unitpay.customers.get(sub))
      .then(({ id }) => console.log(id))
      .then(() => unitpay.customers.get('nobody'))
      .catch((error) => console.log(error instanceof ApiError, error.code));`;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [`--input-type=${type ?? ''}`, '--eval', program, id],
    { cwd: root, env: environment() },
  );
  expect(stdout).toBe(`${id}\ntrue customer_not_found\n`);
});

test('it needs nothing but what the Web has', async () => {
  const files = await readdir(new URL('dist/', root));
  const code = files.filter((file) => /\.c?js$/.test(file));
  expect(code).toEqual(expect.arrayContaining(['index.js', 'index.cjs', 'next.js', 'next.cjs']));
  for (const file of code) {
    const text = await readFile(new URL(`dist/${file}`, root), 'utf8');
    const outside =
      /\brequire\((?!["']\.\/)|\bfrom ['"](?!\.\/)|\bimport\(|node:|\bBuffer\b|\beval\b/;
    expect(text, file).not.toMatch(outside);
  }
});

test('the package has no dependencies', async () => {
  const manifest = JSON.parse(await readFile(new URL('package.json', root), 'utf8')) as object;
  expect(Object.keys(manifest)).not.toContain('dependencies');
  expect(Object.keys(manifest)).not.toContain('peerDependencies');
});

test('a fetch of the caller is used in place of the global one', async () => {
  const seen: string[] = [];
  const unitpay = new UnitPay({
    apiKey: inject('apiKey'),
    baseUrl: inject('baseUrl'),
    fetch: (url, init) => {
      seen.push(url);
      return fetch(url, init);
    },
  });
  await failure(unitpay.customers.get('nobody'));
  expect(seen).toEqual([`${inject('baseUrl')}/customers/nobody`]);
});
