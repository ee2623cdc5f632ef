/** The handlers of `@unitpay/node/next`, between real requests and the real server. */
import { createServer, type IncomingHttpHeaders } from 'node:http';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest';

import { portalProxy, portalSessionRoute } from '@unitpay/node/next';

import { client, newCustomer } from './support/client.js';

const APP = 'https://app.example.com';
const settings = () => ({ apiKey: inject('apiKey'), baseUrl: inject('baseUrl') });

describe('the route that mints', () => {
  const post = (headers: Record<string, string> = {}) =>
    new Request(`${APP}/api/portal-session`, { method: 'POST', headers });
  const route = (customerId: string | null) =>
    portalSessionRoute({ customerId: () => customerId, ttlSeconds: 120, client: settings() });

  test('it gives the signed-in user a token of theirs, and nothing else', async () => {
    const { id } = await newCustomer();
    const answer = await route(id)(post({ 'sec-fetch-site': 'same-origin' }));
    expect(answer.status).toBe(200);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    const body = (await answer.json()) as { token: string; expiresAt: string };
    expect(Object.keys(body).sort()).toEqual(['expiresAt', 'token']);
    const claims = await client().portalSessions.verify(body.token);
    expect(claims.sub).toBe(id);
    expect(claims.exp - claims.iat).toBe(120);
  });

  test.for([
    ['nobody is signed in', null, {}, 401],
    ['another site asks', 'cus_123', { 'sec-fetch-site': 'cross-site' }, 403],
    ['another host of the same site asks', 'cus_123', { 'sec-fetch-site': 'same-site' }, 403],
  ] as const)('it mints nothing where %s', async ([, customerId, headers, status]) => {
    const before = await client().portalSessions.list({ customerId: 'cus_123' }).toArray();
    expect((await route(customerId)(post(headers))).status).toBe(status);
    const after = await client().portalSessions.list({ customerId: 'cus_123' }).toArray();
    expect(after.length).toBe(before.length);
  });

  test('it takes nothing but a POST', async () => {
    const answer = await route('cus_123')(new Request(`${APP}/api/portal-session`));
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'POST']);
  });

  test('a customer whom the server does not know is a failure, told in the log', async () => {
    const log = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const answer = await route('nobody')(post());
    expect(answer.status).toBe(502);
    expect(log.mock.calls.join()).toContain('customer_not_found');
    expect(log.mock.calls.join()).not.toContain(inject('apiKey'));
    log.mockRestore();
  });

  test('what the app itself throws is not hidden', async () => {
    const broken = portalSessionRoute({
      customerId: () => Promise.reject(new Error('no session store')),
      client: settings(),
    });
    await expect(broken(post())).rejects.toThrow('no session store');
  });
});

describe('the proxy', () => {
  const proxy = () => portalProxy({ prefix: '/api/unitpay', baseUrl: inject('baseUrl') });
  const request = (path: string, init: RequestInit = {}) =>
    new Request(`${APP}/api/unitpay${path}`, init);
  const bearer = async () => {
    const { id } = await newCustomer();
    const { token } = await client().portalSessions.create({ customerId: id });
    return { id, headers: { authorization: `Bearer ${token}` } };
  };

  test('it passes on what a page reads and writes', async () => {
    const { id, headers } = await bearer();
    const read = await proxy().GET(request(`/customers/${id}`, { headers }));
    expect([read.status, await read.json()]).toMatchObject([200, { id, name: 'Ada' }]);
    expect(read.headers.get('x-request-id')).toMatch(/^req_/);
    expect(read.headers.get('date')).toBeTruthy();
    const json = { ...headers, 'content-type': 'application/json' };
    const change = { method: 'PATCH', headers: json, body: '{"name":"Grace"}' };
    const written = await proxy().PATCH(request(`/customers/${id}`, change));
    expect([written.status, await written.json()]).toMatchObject([200, { name: 'Grace' }]);
    expect((await client().customers.get(id)).name).toBe('Grace');
  });

  test('an error comes through as the API told it', async () => {
    const { headers } = await bearer();
    const answer = await proxy().GET(request('/customers/cus_123', { headers }));
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
    expect([answer.status, await answer.json()]).toMatchObject([
      404,
      { code: 'customer_not_found' },
    ]);
  });

  test('every operation that takes a portal token passes, and no other', async () => {
    const file = new URL('../../../openapi.json', import.meta.url);
    interface Operation {
      security?: Record<string, string[]>[];
    }
    interface Description {
      paths: Record<string, Record<string, Operation>>;
    }
    const { paths } = JSON.parse(await readFile(file, 'utf8')) as Description;
    const seen: string[] = [];
    const handlers = portalProxy({
      prefix: '/api/unitpay/',
      fetch: (url, init) => {
        seen.push(`${init.method ?? ''} ${url}`);
        return Promise.resolve(Response.json({}));
      },
    });
    for (const [path, operations] of Object.entries(paths)) {
      for (const [name, { security = [] }] of Object.entries(operations)) {
        const method = name.toUpperCase() as 'GET';
        const concrete = path.replace(/^\/v1/, '').replace(/\{\w+\}/g, 'x');
        const { status } = await handlers[method](request(concrete, { method }));
        const takes = security.some((one) => 'portalToken' in one);
        expect([path, method, status]).toEqual([path, method, takes ? 200 : 404]);
      }
    }
    expect(seen).toContain('GET http://127.0.0.1:4000/v1/customers/x');
  });

  test.for([
    '/customers/../api-keys',
    '/customers/%2e%2e/api-keys',
    '/customers/x/archive',
    '/portal-sessions/revoke',
    '/../../customers/x',
    '//customers/x',
    '',
  ])('%s is no way around it', async (path) => {
    const { headers } = await bearer();
    for (const method of ['GET', 'POST'] as const) {
      expect((await proxy()[method](request(path, { method, headers }))).status).toBe(404);
    }
  });

  test('a secret key is refused, wherever it stands', async () => {
    for (const headers of [
      { 'x-api-key': inject('apiKey') },
      { authorization: `Bearer ${inject('apiKey')}` },
      { authorization: `bearer  ${inject('apiKey')}` },
    ]) {
      const answer = await proxy().GET(request('/customers/cus_123', { headers }));
      expect(answer.status).toBe(403);
    }
  });

  describe('towards the API', () => {
    let headers: IncomingHttpHeaders;
    const server = createServer((incoming, response) => {
      headers = incoming.headers;
      response.setHeader('set-cookie', 'a=b').setHeader('x-internal', '1').end('{}');
    });
    beforeAll(async () => {
      await once(server.listen(0, '127.0.0.1'), 'listening');
    });
    afterAll(() => server.close());

    test('cookies stay here, and so does what the API says to us alone', async () => {
      const { port } = server.address() as AddressInfo;
      const { GET } = portalProxy({
        prefix: '/api/unitpay',
        baseUrl: `http://127.0.0.1:${String(port)}/v1`,
      });
      const sent = { cookie: 'session=1', authorization: 'Bearer t', 'x-forwarded-for': '1.2.3.4' };
      const answer = await GET(request('/customers/x', { headers: sent }));
      expect(headers).toMatchObject({ authorization: 'Bearer t' });
      expect(Object.keys(headers)).not.toContain('cookie');
      expect(Object.keys(headers)).not.toContain('x-api-key');
      expect(Object.keys(headers)).not.toContain('x-forwarded-for');
      expect(answer.headers.has('set-cookie')).toBe(false);
      expect(answer.headers.has('x-internal')).toBe(false);
    });

    test('an API that does not answer is a failure of its own', async () => {
      const { GET } = portalProxy({ prefix: '/api/unitpay', baseUrl: 'http://127.0.0.1:1/v1' });
      expect((await GET(request('/customers/x'))).status).toBe(502);
    });
  });
});
