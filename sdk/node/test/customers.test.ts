import { beforeAll, expect, inject, test } from 'vitest';

import { UnitPay, type Customer } from '../src/index.js';
import { client, failure, newCustomer } from './support/client.js';
import { unitpay } from './support/program.js';
import { startProxy } from './support/proxy.js';

const { customers, portalSessions } = client();

test('a customer is made, read, changed and listed', async () => {
  const externalId = `user/7 ?#%é ${String(process.hrtime.bigint())}`;
  const made = await customers.create({
    name: 'Grace',
    email: 'grace@example.com',
    externalId,
    metadata: { plan: 'gold' },
  });
  expect(made.id).toMatch(/^cus_[0-9a-z]{26}$/);
  expect(await customers.get(made.id)).toEqual(made);
  expect(await customers.get(externalId)).toEqual(made);
  const changed = await customers.update(externalId, { name: 'Grace H.', externalId: null });
  expect(changed).toMatchObject({ id: made.id, name: 'Grace H.', externalId: null });
  expect((await customers.list({ limit: 100 })).data).toContainEqual(changed);
});

test('an archived customer gets no session until it is unarchived', async () => {
  const { id: customerId } = await newCustomer();
  await customers.archive(customerId);
  const error = await failure(portalSessions.create({ customerId }));
  expect(error).toMatchObject({ name: 'ConflictError', status: 409, code: 'customer_archived' });
  await customers.unarchive(customerId);
  expect(await portalSessions.create({ customerId })).toMatchObject({ customerId });
});

test('an erased customer takes no change', async () => {
  const { id } = await newCustomer();
  const erased = await customers.erase(id);
  expect(erased).toMatchObject({ id, name: 'Erased customer', status: 'archived' });
  expect(erased.erasedAt).toMatch(/Z$/);
  const error = await failure(customers.update(id, { name: 'Grace' }));
  expect(error).toMatchObject({ name: 'ConflictError', status: 409, code: 'customer_erased' });
});

test('an id that a URL cannot hold is refused, not sent as another one', async () => {
  for (const id of ['', '.', '..', undefined as unknown as string]) {
    expect(await failure(customers.get(id))).toBeInstanceOf(TypeError);
    expect(await failure(customers.archive(id))).toBeInstanceOf(TypeError);
  }
});

test('a new external id that is taken is a conflict', async () => {
  const externalId = `taken-${String(process.hrtime.bigint())}`;
  await newCustomer(externalId);
  expect(await failure(newCustomer(externalId))).toMatchObject({ name: 'ConflictError' });
});

// An environment of its own, so that no other test's customers stand in between.
let live: UnitPay;
let made: Customer[];

beforeAll(async () => {
  const apiKey = await unitpay(inject('dataDir'), 'keys', 'create', '--env', 'live');
  live = new UnitPay({ apiKey, baseUrl: inject('baseUrl') });
  made = [];
  for (const name of ['one', 'two', 'three', 'four', 'five']) {
    made.unshift(await live.customers.create({ name, email: `${name}@example.com` }));
  }
});

test('await gives one page, and its cursors lead to the others', async () => {
  const first = await live.customers.list({ limit: 2 });
  expect(first).toMatchObject({ data: made.slice(0, 2), hasMore: true });
  const second = await live.customers.list({ limit: 2, cursor: first.nextCursor ?? '' });
  expect(second).toMatchObject({ data: made.slice(2, 4), hasMore: true });
  const third = await live.customers.list({ limit: 2, cursor: second.nextCursor ?? '' });
  expect(third).toMatchObject({ data: made.slice(4), hasMore: false, nextCursor: null });
  const back = await live.customers.list({ limit: 2, cursor: third.prevCursor ?? '' });
  expect(back.data).toEqual(second.data);
});

test('for await gives every row of all pages', async () => {
  const rows: Customer[] = [];
  for await (const customer of live.customers.list({ limit: 2 })) rows.push(customer);
  expect(rows).toEqual(made);
});

test('toArray gives all rows, or so many, and loads no page too many', async () => {
  const proxy = await startProxy(new URL(inject('baseUrl')).origin);
  const apiKey = await unitpay(inject('dataDir'), 'keys', 'create', '--env', 'live');
  const { customers } = new UnitPay({ apiKey, baseUrl: proxy.baseUrl });
  expect(await customers.list({ limit: 2 }).toArray()).toEqual(made);
  expect(proxy.seen).toHaveLength(3);
  expect(await customers.list({ limit: 2 }).toArray({ max: 2 })).toEqual(made.slice(0, 2));
  expect(proxy.seen).toHaveLength(4);
  expect(await customers.list({ limit: 2 }).toArray({ max: 3 })).toEqual(made.slice(0, 3));
  expect(proxy.seen).toHaveLength(6);
  expect(await customers.list().toArray({ max: 0 })).toEqual([]);
  expect(proxy.seen).toHaveLength(6);
  await proxy.close();
});

test('a list is a promise like any other, and is asked for once', async () => {
  const proxy = await startProxy(new URL(inject('baseUrl')).origin);
  const list = client({ baseUrl: proxy.baseUrl }).customers.list({ limit: 1 });
  expect(proxy.seen).toEqual([]);
  let ended = false;
  const [one, other] = await Promise.all([
    list,
    list.finally(() => {
      ended = true;
    }),
  ]);
  expect(one).toBe(other);
  expect(ended).toBe(true);
  expect((await list.toArray({ max: 1 }))[0]).toBe(one.data[0]);
  expect(proxy.seen).toHaveLength(1);
  await proxy.close();
});

test('a list that fails says so where it is awaited, caught or walked', async () => {
  const bad = () => customers.list({ cursor: 'no cursor' });
  expect(await failure(bad())).toMatchObject({ name: 'ValidationError' });
  expect(await bad().catch(() => 'caught')).toBe('caught');
  expect(await failure(bad().toArray())).toMatchObject({ errors: [{ param: 'cursor' }] });
});
