/** The integrator's side of it: examples/express-portal-session, run as it stands. */
import { spawn, type ChildProcess } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';

import { client } from './support/client.js';
import { lineWith, stop } from './support/program.js';

const folder = new URL('../../../examples/express-portal-session/', import.meta.url);
const { portalSessions, customers } = client();
let app: ChildProcess;
let origin: string;

beforeAll(async () => {
  const child = spawn(process.execPath, ['server.js'], {
    cwd: folder,
    env: { UNITPAY_API_KEY: inject('apiKey'), UNITPAY_BASE_URL: inject('baseUrl'), PORT: '0' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  app = child;
  origin = await lineWith(child, child.stdout, /listening on (http:\/\/127\.0\.0\.1:\d+)/);
});
afterAll(() => stop(app));

function post(path: string, cookie = '', body?: object): Promise<Response> {
  const headers = { cookie, 'content-type': 'application/json' };
  return fetch(origin + path, { method: 'POST', headers, body: JSON.stringify(body ?? {}) });
}

async function login(user: string): Promise<string> {
  const { headers } = await post('/login', '', { user });
  return headers.getSetCookie()[0]?.split(';')[0] ?? '';
}

test('a signed-in user gets a token of the own customer, until the logout', async () => {
  const { id } = await customers.get('cus_123');
  const cookie = await login('ada');
  // What the request says of a customer does not matter.
  const answer = await post('/portal-session', cookie, { customerId: 'cus_124' });
  expect(answer.status).toBe(200);
  expect(answer.headers.get('cache-control')).toBe('no-store');
  const session = (await answer.json()) as { token: string; expiresAt: string };
  expect(Object.keys(session)).toEqual(['token', 'expiresAt']);
  expect(await portalSessions.verify(session.token)).toMatchObject({ sub: id });
  const second = (await (await post('/portal-session', cookie)).json()) as { token: string };

  expect((await post('/logout', cookie)).status).toBe(204);
  for (const { token } of [session, second]) {
    expect(await portalSessions.introspect(token)).toEqual({ active: false });
  }
  expect((await post('/portal-session', cookie)).status).toBe(401);
});

test('a logout leaves the same user on another device signed in', async () => {
  const [here, there] = [await login('ada'), await login('ada')];
  const { token } = (await (await post('/portal-session', there)).json()) as { token: string };
  await post('/portal-session', here);
  await post('/logout', here);
  expect(await portalSessions.introspect(token)).toMatchObject({ active: true });
});

test('nobody gets a token without a login', async () => {
  expect((await post('/portal-session')).status).toBe(401);
  expect((await post('/portal-session', 'app_session=made-up')).status).toBe(401);
  expect((await post('/login', '', { user: 'mallory' })).status).toBe(401);
});

test('a failure of the portal is said to the log, and no more than that to the browser', async () => {
  const answer = await post('/portal-session', await login('grace'));
  expect(answer.status).toBe(502);
  expect(await answer.json()).toEqual({ error: 'the portal is not available' });
});

test('the example is tested with the version of Express that it installs', async () => {
  const read = async (from: URL) => JSON.parse(await readFile(from, 'utf8')) as unknown;
  const pinned = (await read(new URL('package.json', folder))) as { dependencies: object };
  const tested = (await read(new URL('../../package.json', folder))) as { devDependencies: object };
  expect(pinned.dependencies).toHaveProperty('express');
  expect(pinned.dependencies).toMatchObject({
    express: (tested.devDependencies as { express: string }).express,
  });
});
