/** The client against the real server, and what a healthy one cannot show. */
import { expect, inject, test, type TestContext } from 'vitest';

import { startProxy, type Fault } from '../../../node/test/support/proxy.js';
import { once, type Customer } from '../../src/core.js';
import { mint } from '../support/backend.js';
import { failure, openTab } from '../support/tab.js';

async function open(t: TestContext, faults: Fault[] = []) {
  const proxy = await startProxy(inject('baseUrl').replace(/\/v1$/, ''));
  t.onTestFinished(() => proxy.close());
  proxy.faults = faults;
  const minted = await mint();
  const { client } = openTab(t, minted.token, { apiBaseUrl: `${proxy.baseUrl}/` });
  return { client, path: `/customers/${minted.customerId}`, seen: proxy.seen };
}

const keysOf = (seen: { headers: Record<string, unknown> }[]) =>
  seen.map(({ headers }) => headers['idempotency-key']);

test('the address is the one that the token names where nothing else is said', async (t) => {
  const { token, customerId } = await mint();
  const { client, session } = openTab(t, token, { apiBaseUrl: undefined });
  expect(session.base).toBe(inject('baseUrl'));
  expect(await client.get(`/customers/${customerId}`)).toMatchObject({ id: customerId });
});

test.for<[string, Fault]>([
  ['no answer', 'reset'],
  ['half an answer', 'cut the answer'],
  ['503', { status: 503 }],
  ['429', { status: 429 }],
])('a GET is tried twice more after %s', async ([, fault], t) => {
  const { client, path, seen } = await open(t, [fault, fault]);
  expect(await client.get(path)).toMatchObject({ name: 'Ada' });
  expect(seen.length).toBe(3);
});

test('a GET gives up after the third', async (t) => {
  const { client, path, seen } = await open(t, ['reset', 'reset', 'reset']);
  expect(await failure(client.get(path))).toMatchObject({ status: 0, code: 'network_error' });
  expect(seen.length).toBe(3);
});

test('nothing else is tried again', async (t) => {
  const { client, path, seen } = await open(t, [{ status: 503 }]);
  expect(await failure(client.patch(path, { name: 'Grace' }))).toMatchObject({ status: 503 });
  expect(seen.length).toBe(1);
});

test('a refusal tells its code, its request and what is wrong', async (t) => {
  const { client, path } = await open(t);
  expect(await failure(client.patch(path, { email: 7 }))).toMatchObject({
    name: 'ApiError',
    status: 422,
    code: 'validation_failed',
    requestId: expect.stringMatching(/^req_/) as string,
    errors: [{ param: 'email' }],
  });
});

test('the same intention while it is under way is carried out once', async (t) => {
  const { client, path, seen } = await open(t);
  const rename = () =>
    once(client, 'rename', ['Grace'], (idempotencyKey) =>
      client.patch<Customer>(path, { name: 'Grace' }, { idempotencyKey }),
    );
  const [first, second] = [rename(), rename()];
  expect(second).toBe(first);
  await first;
  expect(seen.length).toBe(1);
});

test.for<[string, Fault, boolean]>([
  ['a lost answer', 'lose the answer', true],
  ['a failure of the server', { status: 500 }, true],
  ['a refusal', { status: 402 }, false],
])('the next click after %s', async ([, fault, isSame], t) => {
  const { client, path, seen } = await open(t, [fault]);
  const rename = () =>
    once(client, 'rename', [path], (idempotencyKey) =>
      client.patch<Customer>(path, { name: 'Grace' }, { idempotencyKey }),
    );
  await failure(rename());
  await rename();
  await rename();
  const [first, second, third] = keysOf(seen);
  expect(second === first).toBe(isSame);
  expect(third).not.toBe(second);
});

test('calls end with the reason where the customer is switched', async (t) => {
  const { client, path } = await open(t, ['hang']);
  const pending = failure(client.get(path));
  client.session?.retire();
  expect(await pending).toMatchObject({ code: 'invalid_token' });
});
