/** The client when the network, a proxy or the server fails. */
import { inspect } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, expect, inject, test } from 'vitest';

import {
  ApiError,
  ConnectionError,
  ConflictError,
  InternalServerError,
  PaymentError,
  PermissionError,
  RateLimitError,
  TimeoutError,
} from '../src/index.js';
import { client, clientOn, failure, newCustomer } from './support/client.js';
import { startProxy, type Proxy } from './support/proxy.js';
import { ManualRuntime } from './support/runtime.js';

let proxy: Proxy;
let elsewhere: Proxy;
let runtime: ManualRuntime;
let customerId: string;

const connect = (options = {}) => clientOn(runtime, { baseUrl: proxy.baseUrl, ...options });
const html = {
  status: 502,
  headers: { 'content-type': 'text/html' },
  body: '<html><title>Bad gateway</title></html>',
};

beforeAll(async () => {
  const origin = new URL(inject('baseUrl')).origin;
  [proxy, elsewhere] = await Promise.all([startProxy(origin), startProxy(origin)]);
  customerId = (await newCustomer()).id;
});
afterAll(() => Promise.all([proxy.close(), elsewhere.close()]));
beforeEach(() => {
  runtime = new ManualRuntime();
  proxy.seen.length = 0;
  proxy.faults = [];
});
afterEach(() => {
  expect(proxy.faults).toEqual([]);
  expect(runtime.deadlines).toBe(0);
});

test.for([
  [{ status: 429 }],
  [{ status: 500 }],
  [{ status: 503 }],
  [html],
  ['reset' as const],
  ['cut the answer' as const],
  [{ status: 503 }, 'reset' as const],
])('a call survives %j', async (faults) => {
  proxy.faults = [...faults];
  expect(await connect().customers.get(customerId)).toMatchObject({ id: customerId });
  expect(runtime.pauses).toEqual([375, 750].slice(0, faults.length));
});

test('all attempts of a POST carry one idempotency key, and each call has its own', async () => {
  proxy.faults = [{ status: 503 }, 'reset'];
  const { portalSessions } = connect({ idempotencyKeyPrefix: 'shop-' });
  await portalSessions.create({ customerId });
  await portalSessions.create({ customerId });
  const keys = proxy.seen.map(({ headers }) => headers['idempotency-key']);
  expect(keys).toHaveLength(4);
  expect(new Set(keys.slice(0, 3)).size).toBe(1);
  expect(new Set(keys).size).toBe(2);
  for (const key of keys) expect(key).toMatch(/^shop-[0-9a-f-]{36}$/);
});

test('a DELETE carries an idempotency key; a GET and a PATCH do not', async () => {
  const { transport, customers } = connect();
  await customers.get(customerId);
  await customers.update(customerId, { name: 'Ada' });
  // Browsers call this route; a secret key is refused there, which does not matter here.
  await failure(transport.send({ method: 'DELETE', path: ['portal-sessions', 'current'] }));
  const keys = proxy.seen.map(({ headers }) => typeof headers['idempotency-key']);
  expect(keys).toEqual(['undefined', 'undefined', 'string']);
});

test('a session whose answer was lost is not minted twice', async () => {
  const { id } = await newCustomer();
  proxy.faults = ['lose the answer'];
  const { portalSessions } = connect();
  const session = await portalSessions.create({ customerId: id });
  const sessions = await portalSessions.list({ customerId: id }).toArray();
  expect(sessions.map((session) => session.id)).toEqual([session.jti]);
});

test('an idempotency key can be given, and a bad one is refused before anything is sent', async () => {
  const { portalSessions } = connect();
  await portalSessions.create({ customerId }, { idempotencyKey: 'order-1' });
  expect(proxy.seen[0]?.headers['idempotency-key']).toBe('order-1');
  for (const idempotencyKey of ['', 'a b', 'é', 'x'.repeat(256)]) {
    const error = await failure(portalSessions.create({ customerId }, { idempotencyKey }));
    expect(error).toBeInstanceOf(TypeError);
  }
  expect(proxy.seen).toHaveLength(1);
});

test('after its retries a call fails with the last error', async () => {
  proxy.faults = ['reset', { status: 500 }, html];
  const error = await failure(connect().customers.get(customerId));
  expect(error).toBeInstanceOf(InternalServerError);
  expect(error).toMatchObject({ status: 502, code: undefined, requestId: undefined });
  expect((error as Error).message).toBe('The server answered 502, and not as UnitPay does.');
  expect(proxy.seen).toHaveLength(3);
});

test('retries: 0 means one attempt, for a client or for one call', async () => {
  proxy.faults = [{ status: 503 }, 'reset'];
  const once = connect({ retries: 0 }).customers.get(customerId);
  expect(await failure(once)).toMatchObject({ status: 503 });
  const alsoOnce = connect().customers.get(customerId, { retries: 0 });
  expect(await failure(alsoOnce)).toBeInstanceOf(ConnectionError);
  expect(proxy.seen).toHaveLength(2);
  expect(runtime.pauses).toEqual([]);
});

test('an answer that is final is not tried again', async () => {
  await failure(connect().customers.get('nobody'));
  await failure(connect().portalSessions.create({ customerId, ttlSeconds: 1 }));
  await failure(connect({ apiKey: 'upay_sk_wrong' }).customers.get(customerId));
  expect(proxy.seen).toHaveLength(3);
});

test('Retry-After is waited for, in seconds or until a date', async () => {
  const date = new Date(runtime.time + 9_000).toUTCString();
  proxy.faults = [
    { status: 429, headers: { 'retry-after': '7' } },
    { status: 503, headers: { 'retry-after': date } },
  ];
  await connect().customers.get(customerId);
  expect(runtime.pauses[0]).toBe(7000);
  expect([9000, 8000]).toContain(runtime.pauses[1]);
});

test('a long Retry-After is left to the caller', async () => {
  proxy.faults = [{ status: 429, headers: { 'retry-after': '3600' } }];
  const error = await failure(connect().customers.get(customerId));
  expect(error).toBeInstanceOf(RateLimitError);
  expect(error).toMatchObject({ status: 429, retryAfter: 3600 });
  expect(runtime.pauses).toEqual([]);
});

test('a slow answer ends the attempt, and the next one has a signal of its own', async () => {
  proxy.faults = ['hang'];
  proxy.onHang = () => {
    runtime.passDeadlines();
  };
  expect(await connect().customers.get(customerId)).toMatchObject({ id: customerId });
  proxy.faults = ['hang', 'hang', 'hang'];
  const error = await failure(connect().customers.get(customerId));
  expect(error).toBeInstanceOf(TimeoutError);
  expect(error).toMatchObject({ status: 0, message: 'No answer within 29999 ms.' });
  expect(proxy.seen).toHaveLength(5);
});

test("the timer of a real clock ends an attempt, too, by the call's own timeout", async () => {
  proxy.faults = ['hang'];
  proxy.onHang = () => undefined;
  const { customers } = client({ baseUrl: proxy.baseUrl });
  const error = await failure(customers.get(customerId, { timeout: 20, retries: 0 }));
  expect(error).toMatchObject({ name: 'TimeoutError', message: 'No answer within 20 ms.' });
});

test("the caller's signal ends an attempt with the caller's reason", async () => {
  const abort = new AbortController();
  const reason = new Error('the visitor left');
  proxy.faults = ['hang'];
  proxy.onHang = () => {
    abort.abort(reason);
  };
  const call = connect().customers.get(customerId, { signal: abort.signal });
  expect(await failure(call)).toBe(reason);
  expect(await failure(connect().customers.get(customerId, { signal: abort.signal }))).toBe(reason);
  expect(proxy.seen).toHaveLength(1);
});

test("the caller's signal ends a pause", async () => {
  const abort = new AbortController();
  proxy.faults = [{ status: 503 }];
  runtime.onPause = () => {
    setImmediate(() => {
      abort.abort('enough');
    });
  };
  const call = connect().customers.get(customerId, { signal: abort.signal });
  expect(await failure(call)).toBe('enough');
  expect(proxy.seen).toHaveLength(1);
});

test('a server that is not there is a ConnectionError with its cause', async () => {
  const gone = await startProxy('http://127.0.0.1:1');
  await gone.close();
  const error = await failure(connect({ baseUrl: gone.baseUrl }).customers.get(customerId));
  expect(error).toBeInstanceOf(ConnectionError);
  expect((error as Error).message).toMatch(/ECONNREFUSED/);
  expect((error as Error).cause).toBeInstanceOf(Error);
  expect(runtime.pauses).toHaveLength(2);
});

test('a redirect is not followed: the key goes nowhere else', async () => {
  proxy.faults = [{ status: 307, headers: { location: `${elsewhere.baseUrl}/customers` } }];
  const error = await failure(connect().customers.get(customerId));
  expect(error).toMatchObject({ name: 'ApiError', status: 307, code: undefined });
  expect((error as Error).message).toMatch(/redirect.*baseUrl/);
  expect(elsewhere.seen).toEqual([]);
});

test('a page in place of an answer is an error', async () => {
  proxy.faults = [{ ...html, status: 200 }];
  const error = await failure(connect().customers.get(customerId));
  expect(error).toMatchObject({ name: 'ApiError', status: 200, code: undefined });
});

test.for([
  [402, PaymentError],
  [403, PermissionError],
  [409, ConflictError],
  [413, ApiError],
] as const)('status %i maps to its error class', async ([status, Kind]) => {
  proxy.faults = [{ status, body: '{"code":"teapot","detail":"of another service"}' }];
  const error = await failure(connect().customers.get(customerId));
  expect(error).toBeInstanceOf(Kind);
  expect(error).toMatchObject({ status, code: undefined });
});

test.for(['', 'null', '[]', '{"code":7,"detail":{},"errors":"x"}', '{"code":'])(
  'a problem that is none (%j) breaks nothing',
  async (body) => {
    const headers = { 'content-type': 'application/problem+json', 'x-request-id': 'req_1' };
    proxy.faults = [{ status: 422, headers, body }];
    const error = await failure(connect().customers.get(customerId));
    expect(error).toMatchObject({ name: 'ValidationError', code: undefined, errors: [] });
    expect(error).toMatchObject({ requestId: 'req_1' });
  },
);

test('neither a client nor an error shows the key', async () => {
  const apiKey = inject('apiKey');
  const unitpay = client({ baseUrl: proxy.baseUrl, retries: 0 });
  proxy.faults = ['reset', html];
  const errors = [
    await failure(unitpay.customers.get(customerId)),
    await failure(unitpay.customers.get(customerId)),
    await failure(unitpay.customers.get('nobody')),
    await failure(unitpay.portalSessions.revoke({ jti: 'x' })),
  ];
  for (const value of [unitpay, unitpay.customers, unitpay.portalSessions, ...errors]) {
    expect(inspect(value, { depth: Infinity, showHidden: true })).not.toContain(apiKey);
    expect(JSON.stringify(value)).not.toContain(apiKey);
    expect(String(value)).not.toContain(apiKey);
  }
});
