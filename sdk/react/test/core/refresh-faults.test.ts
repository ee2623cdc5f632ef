/** Refreshes that fail. The random parts of their times are fixed, so that the second one is in time. */
import { beforeAll, describe, expect, inject, test, vi, type TestContext } from 'vitest';

import { startProxy, type Proxy } from '../../../node/test/support/proxy.js';
import { mint } from '../support/backend.js';
import { openTab, until } from '../support/tab.js';

beforeAll(() => {
  vi.spyOn(Math, 'random').mockReturnValue(0.6);
});

async function proxied({ onTestFinished }: TestContext): Promise<Proxy> {
  const proxy = await startProxy(inject('baseUrl').replace(/\/v1$/, ''));
  onTestFinished(() => proxy.close());
  return proxy;
}

describe.concurrent('a refresh', () => {
  test('that fails degrades the session, and is tried again', async (t) => {
    const proxy = await proxied(t);
    const { token } = await mint({ ttlSeconds: 8 });
    proxy.faults.push({ status: 503 }, { status: 429 });
    const { session, states, reasons } = openTab(t, token, { apiBaseUrl: proxy.baseUrl });
    await until(session, () => states.includes('degraded'));
    expect(session.token?.text).toBe(token);
    expect(reasons).toEqual([]);
  });

  test('goes on after the network was lost', async (t) => {
    const proxy = await proxied(t);
    const { token } = await mint({ ttlSeconds: 16 });
    proxy.faults.push('reset');
    const { session, states, reasons } = openTab(t, token, { apiBaseUrl: proxy.baseUrl });
    await until(session, () => session.token?.generation === 1);
    expect(states).toEqual(['refreshing', 'degraded', 'refreshing', 'active']);
    expect(reasons).toEqual([]);
  });
});
