/** The handlers of `@unitpay/node/next`, between real requests and the real server. */
import { createServer, type IncomingMessage } from 'node:http';
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
  const route = (customerId: string | null | undefined) =>
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
    ['nobody is found', undefined, {}, 401],
    ['another site asks', 'cus_123', { 'sec-fetch-site': 'cross-site' }, 403],
    ['another host of the same site asks', 'cus_123', { 'sec-fetch-site': 'same-site' }, 403],
    ['the browser itself asks', 'cus_123', { 'sec-fetch-site': 'none' }, 403],
    ['another site asks and nobody is signed in', null, { 'sec-fetch-site': 'cross-site' }, 403],
  ] as const)('it mints nothing where %s', async ([, customerId, headers, status]) => {
    const before = await client().portalSessions.list({ customerId: 'cus_123' }).toArray();
    expect((await route(customerId)(post(headers))).status).toBe(status);
    const after = await client().portalSessions.list({ customerId: 'cus_123' }).toArray();
    expect(after.length).toBe(before.length);
  });

  test.for(['GET', 'PUT', 'PATCH', 'DELETE', 'HEAD'])('it takes no %s', async (method) => {
    const answer = await route('cus_123')(new Request(`${APP}/api/portal-session`, { method }));
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'POST']);
  });

  test('the customer comes from the app alone, whatever the request says', async () => {
    const { id } = await newCustomer();
    const body = JSON.stringify({ customerId: 'cus_123', ttlSeconds: 3600 });
    const asked = new Request(`${APP}/api/portal-session?customerId=cus_123`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', cookie: 'app_session=ada' },
      body,
    });
    const answer = await portalSessionRoute({
      customerId: (request) => (request.headers.get('cookie') === 'app_session=ada' ? id : null),
      ttlSeconds: 120,
      client: settings(),
    })(asked);
    const { token } = (await answer.json()) as { token: string };
    const { sub, exp, iat } = await client().portalSessions.verify(token);
    expect([sub, exp - iat]).toEqual([id, 120]);
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

  test('a failed write is repeated with its key, and executed once', async () => {
    const { id, headers } = await bearer();
    const write = () => {
      const sent = { ...headers, 'content-type': 'application/json', 'idempotency-key': 'once' };
      const body = '{"processorToken":"pm_sandbox_visa"}';
      const path = `/customers/${id}/payment-methods`;
      return proxy().POST(request(path, { method: 'POST', headers: sent, body }));
    };
    const [first, second] = [await write(), await write()];
    expect([first.status, second.status]).toEqual([201, 201]);
    expect(await second.json()).toEqual(await first.json());
  });

  test("the origin is the page's, for the API to judge", async () => {
    const { id } = await newCustomer();
    const allowedOrigins = [APP];
    const { token } = await client().portalSessions.create({ customerId: id, allowedOrigins });
    const ask = async (origin: string) => {
      const headers = { authorization: `Bearer ${token}`, origin };
      return (await proxy().GET(request(`/customers/${id}`, { headers }))).status;
    };
    expect([await ask(APP), await ask('https://other.example.com')]).toEqual([200, 403]);
  });

  test('a sign-out has no body, and is one', async () => {
    const { headers } = await bearer();
    const current = (method: 'GET' | 'DELETE') =>
      proxy()[method](request('/portal-sessions/current', { method, headers }));
    const answer = await current('DELETE');
    expect([answer.status, answer.body]).toEqual([204, null]);
    expect((await current('GET')).status).toBe(401);
  });

  test.for([
    ['said to be', { 'content-length': '65537' }],
    ['nowhere said to be', {}],
  ] as const)('a body is refused that is %s too long', async ([, headers]) => {
    let pulled = 0;
    const endless = new ReadableStream({
      pull: (controller) => {
        pulled += 1;
        controller.enqueue(new Uint8Array(16_384));
      },
    });
    const init = { method: 'PATCH', headers, body: endless, duplex: 'half' } as RequestInit;
    expect((await proxy().PATCH(request('/customers/x', init))).status).toBe(413);
    expect(pulled).toBeLessThan(10);
  });

  describe('towards the API', () => {
    let seen: IncomingMessage & { text?: string };
    const server = createServer((incoming, response) => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.on('end', () => {
        seen = Object.assign(incoming, { text: Buffer.concat(chunks).toString() });
        for (const [name, value] of Object.entries(ANSWER)) response.setHeader(name, value);
        response.writeHead(429).end('{"code":"rate_limited"}');
      });
    });
    beforeAll(async () => {
      await once(server.listen(0, '127.0.0.1'), 'listening');
    });
    afterAll(() => server.close());
    const mounted = () => {
      const { port } = server.address() as AddressInfo;
      return portalProxy({
        prefix: '/api/unitpay',
        baseUrl: `http://127.0.0.1:${String(port)}/v1`,
      });
    };

    const KEPT = {
      'content-type': 'application/problem+json',
      date: 'Sat, 01 Aug 2026 00:00:00 GMT',
      'retry-after': '7',
      ratelimit: '"portal";r=0;t=7',
      'ratelimit-policy': '"portal";q=100;w=2',
      'x-request-id': 'req_1',
    };
    const ANSWER = { ...KEPT, 'set-cookie': 'a=b', 'x-internal': '1', server: 'api' };

    test('method, query, body and four headers go on, and nothing else', async () => {
      const sent = {
        authorization: 'Bearer t',
        'content-type': 'application/json',
        'idempotency-key': 'k',
        origin: APP,
      };
      const dropped = { cookie: 'session=1', 'x-forwarded-for': '1.2.3.4', 'x-internal': '1' };
      await mounted().POST(
        request('/subscriptions?a=1&b=%20', {
          method: 'POST',
          headers: { ...sent, ...dropped },
          body: '{"planId":"x"}',
        }),
      );
      expect([seen.method, seen.url, seen.text]).toEqual([
        'POST',
        '/v1/subscriptions?a=1&b=%20',
        '{"planId":"x"}',
      ]);
      expect(seen.headers).toMatchObject(sent);
      for (const name of [...Object.keys(dropped), 'x-api-key']) {
        expect(Object.keys(seen.headers)).not.toContain(name);
      }
    });

    test('a credential of another kind is for this server alone', async () => {
      const headers = { authorization: 'Basic dXNlcjpwYXNz' };
      await mounted().GET(request('/customers/x', { headers }));
      expect(Object.keys(seen.headers)).not.toContain('authorization');
    });

    test('status, body and six headers come back, and nothing else', async () => {
      const answer = await mounted().GET(request('/customers/x'));
      expect([answer.status, await answer.text()]).toEqual([429, '{"code":"rate_limited"}']);
      expect(Object.fromEntries(answer.headers)).toEqual({ ...KEPT, 'cache-control': 'no-store' });
    });

    test('an API that does not answer is a failure of its own', async () => {
      const { GET } = portalProxy({ prefix: '/api/unitpay', baseUrl: 'http://127.0.0.1:1/v1' });
      const answer = await GET(request('/customers/x'));
      expect([answer.status, await answer.json()]).toMatchObject([502, { code: 'unavailable' }]);
    });
  });
});
