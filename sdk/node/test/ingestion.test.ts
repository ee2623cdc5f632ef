/** Usage in batches: what is sent, when, and what becomes of events that do not go through. */
import { afterAll, beforeAll, beforeEach, expect, inject, test } from 'vitest';

import {
  UnitPayIngestion,
  type IngestionOptions,
  type UsageEvent,
  type UsageRejection,
} from '../src/index.js';
import { client, failure, newCustomer } from './support/client.js';
import { startProxy, type Proxy } from './support/proxy.js';
import { ManualRuntime } from './support/runtime.js';
import { makeShop, type Shop } from './support/shop.js';

const unitpay = client();
let proxy: Proxy;
let shop: Shop;
let customerId: string;
let rejected: [UsageEvent, Omit<UsageRejection, 'index'>][];
let errors: unknown[];

beforeAll(async () => {
  proxy = await startProxy(new URL(inject('baseUrl')).origin);
  shop = await makeShop(unitpay);
});
afterAll(() => proxy.close());
beforeEach(async () => {
  [proxy.seen.length, proxy.faults, rejected, errors] = [0, [], [], []];
  customerId = (await newCustomer()).id;
  await unitpay.subscriptions.create({ customerId, planId: shop.free.id });
});

function ingestion(options: IngestionOptions = {}, runtime = new ManualRuntime()) {
  return new UnitPayIngestion(
    {
      apiKey: inject('apiKey'),
      baseUrl: proxy.baseUrl,
      retries: 0,
      onRejected: (event, rejection) => rejected.push([event, rejection]),
      onError: (error) => errors.push(error),
      ...options,
    },
    runtime,
  );
}

const event = (more: Partial<UsageEvent> = {}): UsageEvent => ({
  customerId,
  eventName: shop.calls.eventName,
  ...more,
});
const used = async () => (await unitpay.usage.get({ customerId, metricId: shop.calls.id })).usage;
const sizes = () =>
  proxy.seen.map(({ body }) => (JSON.parse(body) as { events: unknown[] }).events.length);

test('events are gathered and sent together, when it is time or when they are many', async () => {
  const runtime = new ManualRuntime();
  runtime.onPause = () => undefined;
  const usage = ingestion({ flushInterval: 1000, batchSize: 3 }, runtime);
  usage.track(event());
  usage.track([event(), event({ quantity: 5 })]);
  await usage.flush();
  usage.track(event());
  expect(usage.bufferSize).toBe(1);
  // One timer a batch, however many events came.
  expect(runtime.pauses).toEqual([1000, 1000]);
  await usage.shutdown();
  expect([sizes(), usage.bufferSize, await used()]).toEqual([[3, 1], 0, '8']);
});

test('buffered events are flushed automatically', async () => {
  const sent = new Promise<void>((resolve) => {
    const usage = ingestion({
      flushInterval: 1,
      fetch: async (url, init) => {
        const answer = await fetch(url, init);
        resolve();
        return answer;
      },
    });
    usage.track(event());
  });
  await sent;
  expect(await used()).toBe('1');
});

test.for(['reset', 'lose the answer', { status: 503 }] as const)(
  'after %j the same events are sent again and count once',
  async (fault) => {
    const runtime = new ManualRuntime();
    const usage = ingestion({}, runtime);
    runtime.onPause = () => undefined;
    proxy.faults = [fault];
    usage.track([event(), event()]);
    const sentAt = new Date(runtime.time).toISOString();
    expect(await failure(usage.flush())).toBeInstanceOf(Error);
    expect(usage.bufferSize).toBe(2);
    // Later it still says when they happened.
    runtime.time += 60_000;
    await usage.flush();
    expect(proxy.seen[1]?.body).toBe(proxy.seen[0]?.body);
    expect(proxy.seen[0]?.body).toContain(sentAt);
    expect([usage.bufferSize, await used(), rejected]).toEqual([0, '2', []]);
  },
);

test('a failure in the background is told, and the events wait for the next round', async () => {
  const runtime = new ManualRuntime();
  const usage = ingestion({ batchSize: 1 }, runtime);
  runtime.onPause = () => undefined;
  proxy.faults = ['reset'];
  usage.track(event());
  await failure(usage.flush());
  await Promise.resolve();
  expect([errors.length, usage.bufferSize, runtime.pauses.length]).toEqual([1, 1, 1]);
  await usage.shutdown();
  expect(await used()).toBe('1');
});

test('what the server does not take is told with its event, and the others count', async () => {
  const usage = ingestion();
  usage.track([
    event({ idempotencyKey: 'a' }),
    event({ eventName: 'nothing-measures-this' }),
    event({ customerId: 'nobody' }),
    event({ quantity: -1 }),
    event({ properties: { text: 'x'.repeat(5000) } }),
    event({ properties: { unwritable: 1n } }),
    event({ quantity: 2 }),
  ]);
  await usage.shutdown();
  expect(await used()).toBe('3');
  const told = rejected.map(([{ quantity, eventName }, { reason }]) => [
    eventName,
    quantity,
    reason,
  ]);
  const { eventName } = event();
  expect(told).toHaveLength(5);
  expect(told).toEqual(
    expect.arrayContaining([
      ['nothing-measures-this', undefined, 'rejected_no_metric'],
      [eventName, undefined, 'rejected_unknown_customer'],
      [eventName, -1, 'rejected_invalid'],
      [eventName, undefined, 'rejected_invalid'],
    ]),
  );
});

test('a refused batch is halved, and a half that was sent is not sent again', async () => {
  const usage = ingestion();
  const wrong = event({ eventName: 'nothing-measures-this' });
  usage.track([wrong, event(), event({ quantity: -1 }), event()]);
  proxy.faults = [{ status: 422 }, 'forward', { status: 503 }];
  expect(await failure(usage.flush())).toBeInstanceOf(Error);
  expect([sizes(), usage.bufferSize, rejected.length]).toEqual([[4, 2, 2], 2, 1]);
  await usage.shutdown();
  expect(sizes().slice(3)).toEqual([2]);
  expect([await used(), usage.bufferSize]).toEqual(['2', 0]);
  expect(rejected.map(([, { reason }]) => reason)).toEqual([
    'rejected_no_metric',
    'rejected_invalid',
  ]);
});

test('many large events go in requests that the server takes', async () => {
  const usage = ingestion({ batchSize: 1000 });
  const properties = { text: 'é'.repeat(1900) };
  usage.track(Array.from({ length: 400 }, () => event({ properties })));
  await usage.shutdown();
  expect([await used(), rejected]).toEqual(['400', []]);
  expect(Math.max(...proxy.seen.map(({ body }) => Buffer.byteLength(body)))).toBeLessThan(2 ** 20);
});

test('a callback that throws neither loses events nor sends them for ever', async () => {
  const usage = ingestion({
    onRejected: () => {
      throw new Error('the log is full');
    },
  });
  usage.track([event({ eventName: 'nothing-measures-this' }), event()]);
  await usage.shutdown();
  expect([await used(), usage.bufferSize, sizes()]).toEqual(['1', 0, [2]]);
  expect(errors).toMatchObject([{ message: 'the log is full' }]);
});

test('a full buffer and a shutdown refuse all of what is tracked', async () => {
  const usage = ingestion({ maxBufferSize: 2 });
  usage.track(event());
  expect(() => {
    usage.track([event(), event()]);
  }).toThrow(RangeError);
  expect(usage.bufferSize).toBe(1);
  await usage.shutdown();
  expect(() => {
    usage.track(event());
  }).toThrow('after shutdown');
  expect(await used()).toBe('1');
  for (const wrong of [{ batchSize: 1001 }, { batchSize: 0 }, { flushInterval: 0 }]) {
    expect(() => ingestion(wrong)).toThrow(RangeError);
  }
});

test('check sends what waits before it asks', async () => {
  const usage = ingestion();
  usage.track(event({ quantity: 9 }));
  const asked = { customerId, featureSlug: shop.metered.slug, requestedUsage: 2 };
  expect(await usage.check(asked)).toMatchObject({ access: false, deniedReason: 'usage_exceeded' });
  await usage.shutdown();
});
