/** A session's life against the real server, with tokens of four seconds where time has to pass. */
import { describe, expect, inject, test, type TestContext } from 'vitest';

import { unitpay } from '../../../node/test/support/program.js';
import { startProxy, type Proxy } from '../../../node/test/support/proxy.js';
import { ApiError } from '../../src/core.js';
import { call, mint, mintFor, newCustomer, revoke } from '../support/backend.js';
import { failure, openTab, until } from '../support/tab.js';

const CURRENT = '/portal-sessions/current';
const REFRESH = 'POST /v1/portal-sessions/refresh';

async function proxied({ onTestFinished }: TestContext): Promise<Proxy> {
  const proxy = await startProxy(inject('baseUrl').replace(/\/v1$/, ''));
  onTestFinished(() => proxy.close());
  return proxy;
}

describe.concurrent('refresh', () => {
  test('comes before the end, in its window, and its token opens the same', async (t) => {
    const { token, jti, customerId } = await mint({ ttlSeconds: 4 });
    const { session, client, states, requests } = openTab(t, token);
    await until(session, () => session.token?.text !== token);
    const early = (session.expiresAt?.getTime() ?? 0) - Date.now();
    expect(early).toBeGreaterThan(3000);
    expect(session.token).toMatchObject({ sid: jti, generation: 1, sub: customerId });
    expect(states).toEqual(['refreshing', 'active']);
    expect(await client.get(CURRENT)).toMatchObject({ session: { id: jti, refreshCount: 1 } });
    expect(requests).toEqual([REFRESH, 'GET /v1/portal-sessions/current']);
  });

  test('of four tabs makes one token with two requests at most', async (t) => {
    const { token, jti } = await mint({ ttlSeconds: 4 });
    const tabs = [1, 2, 3, 4].map(() => openTab(t, token));
    for (const generation of [1, 2]) {
      await Promise.all(
        tabs.map(({ session }) => until(session, () => session.token?.generation === generation)),
      );
      const requests = tabs.flatMap((tab) => tab.requests.splice(0));
      expect(requests.length).toBeLessThanOrEqual(2);
      expect(requests.length).toBeGreaterThan(0);
    }
    expect(await tabs[0]?.client.get(CURRENT)).toMatchObject({ session: { refreshCount: 2 } });
    expect(new Set(tabs.map(({ session }) => session.token?.jti))).toEqual(new Set([`${jti}.2`]));
  });

  test.for([-7200_000, 7200_000])('is in time on a clock that is %d ms off', async (off, t) => {
    const { token } = await mint({ ttlSeconds: 16 });
    // The page's clock is right and the server's is off: the same thing, seen from here.
    const shift = (response: Response) => {
      const headers = new Headers(response.headers);
      const date = Date.parse(headers.get('date') ?? '') + off;
      headers.set('date', new Date(date).toUTCString());
      return new Response(response.body, { status: response.status, headers });
    };
    const shifted = shiftedToken(token, off);
    const { session, client, requests } = openTab(t, shifted, {
      fetch: async (url, init) => {
        requests.push(url);
        const headers = { ...(init.headers as object), authorization: `Bearer ${token}` };
        return shift(await fetch(url, { ...init, headers }));
      },
    });
    await client.get(CURRENT);
    await until(session, () => session.token?.text !== shifted);
    expect(session.state).toBe('active');
    expect(session.token?.generation).toBe(1);
  });

  test('stops at the absolute end, and a new session of the page takes over at once', async (t) => {
    const customerId = await newCustomer();
    const { token } = await mintFor(customerId, { ttlSeconds: 4, maxLifetimeSeconds: 4 });
    let asked = 0;
    const getPortalToken = async () => {
      asked += 1;
      return (await mintFor(customerId)).token;
    };
    const { session, reasons, requests } = openTab(t, token, { getPortalToken });
    const first = session.token?.sid;
    await until(session, () => session.token?.sid !== first && session.state === 'active');
    expect(requests).toEqual([REFRESH]);
    expect(asked).toBe(1);
    expect(reasons).toEqual([]);
  });

  test('without a way on lets the token live until its end, and no longer', async (t) => {
    const { token } = await mint({ ttlSeconds: 4, maxLifetimeSeconds: 4 });
    const { session, client, reasons, requests } = openTab(t, token);
    await until(session, () => requests.includes(REFRESH) && session.state === 'active');
    expect(await client.get(CURRENT)).toMatchObject({ session: { status: 'active' } });
    await until(session, () => session.state === 'expired');
    expect(Date.now()).toBeGreaterThanOrEqual(session.expiresAt?.getTime() ?? Infinity);
    const sent = requests.length;
    expect(await failure(client.get(CURRENT))).toMatchObject({ status: 401 });
    expect(requests.length).toBe(sent);
    expect(reasons).toEqual(['expired']);
  });
});

/** The same token on a server whose clock is off: nothing here reads its signature. */
function shiftedToken(token: string, off: number): string {
  const [header, payload, signature] = token.split('.');
  const claims = JSON.parse(Buffer.from(payload ?? '', 'base64url').toString()) as {
    iat: number;
    exp: number;
  };
  claims.iat += off / 1000;
  claims.exp += off / 1000;
  const shifted = Buffer.from(JSON.stringify(claims)).toString('base64url');
  return [header, shifted, signature].join('.');
}

describe.concurrent('an end', () => {
  test('by revocation shows at the next request, once, and in the sibling tabs', async (t) => {
    const { token, jti } = await mint();
    const [one, two] = [openTab(t, token), openTab(t, token)];
    await one.client.get(CURRENT);
    await revoke(jti);
    const errors = await Promise.all([
      failure(one.client.get(CURRENT)),
      failure(one.client.get('/customers/me')),
    ]);
    expect(errors).toMatchObject([{ code: 'session_revoked' }, { code: 'session_revoked' }]);
    await until(two.session, () => two.session.state === 'expired');
    expect(one.session.state).toBe('expired');
    expect([one.reasons, two.reasons]).toEqual([['revoked'], ['revoked']]);
    expect(two.requests).toEqual(['GET /v1/portal-sessions/current']);
  });

  test('by archiving the customer has a reason of its own', async (t) => {
    const { token, customerId } = await mint();
    await call(`/customers/${customerId}/archive`, {});
    const { client, reasons } = openTab(t, token);
    expect(await failure(client.get(CURRENT))).toMatchObject({ code: 'customer_archived' });
    expect(reasons).toEqual(['archived']);
  });

  test('by signing out is told to the other tabs and not to its own', async (t) => {
    const { token } = await mint();
    const [one, two] = [openTab(t, token), openTab(t, token)];
    await one.session.signOut();
    await until(two.session, () => two.session.state === 'signed_out');
    expect(one.session.state).toBe('signed_out');
    expect([one.reasons, two.reasons]).toEqual([[], ['signed_out_elsewhere']]);
    expect(await failure(openTab(t, token).client.get(CURRENT))).toMatchObject({
      code: 'session_revoked',
    });
  });

  test('does not come of a sign-out that no server has seen', async (t) => {
    const proxy = await proxied(t);
    const { token } = await mint();
    const { session, client } = openTab(t, token, { apiBaseUrl: proxy.baseUrl });
    proxy.faults.push('reset');
    expect(await failure(session.signOut())).toMatchObject({ code: 'network_error' });
    expect(session.state).toBe('active');
    expect(await client.get(CURRENT)).toMatchObject({ session: { status: 'active' } });
  });

  test('of a text that is no token comes without a request', async (t) => {
    const { session, client, reasons, requests } = openTab(t, 'no.token.at-all');
    expect(await failure(client.get(CURRENT))).toMatchObject({ code: 'invalid_token' });
    expect(session.state).toBe('expired');
    expect(reasons).toEqual(['expired']);
    expect(requests).toEqual([]);
  });

  test('does not come of a suspended organization or a missing scope', async (t) => {
    const { token } = await mint({ scopes: ['usage:read'] });
    const { session, client, reasons } = openTab(t, token);
    const { customerId } = session;
    const path = `/customers/${customerId ?? ''}`;
    expect(await failure(client.get(path))).toMatchObject({ code: 'insufficient_scope' });
    expect(session.state).toBe('active');
    expect(reasons).toEqual([]);
  });

  test("does not come of a stranger's 401", async (t) => {
    const proxy = await proxied(t);
    const { token } = await mint();
    const { session, client } = openTab(t, token, { apiBaseUrl: proxy.baseUrl });
    proxy.faults.push({ status: 401, body: 'Log in to the intranet.' });
    expect(await failure(client.get(CURRENT))).toMatchObject({ status: 401, code: undefined });
    expect(session.state).toBe('active');
  });
});

describe.concurrent('after a 401', () => {
  test('a call is sent again, once, with the token of a new session', async (t) => {
    const customerId = await newCustomer();
    const { token, jti } = await mintFor(customerId);
    const minted: string[] = [];
    const getPortalToken = async () => {
      const session = await mintFor(customerId);
      minted.push(session.jti);
      return session.token;
    };
    const { session, client, reasons, states } = openTab(t, token, { getPortalToken });
    const sibling = openTab(t, token);
    await revoke(jti);
    const answers = await Promise.all([client.get(CURRENT), client.get(CURRENT)]);
    expect(answers).toMatchObject([{ session: { id: minted[0] } }, { session: { id: minted[0] } }]);
    expect(minted.length).toBe(1);
    expect(states).toEqual(['refreshing', 'active']);
    await until(sibling.session, () => sibling.session.token?.sid === minted[0]);
    expect([reasons, sibling.reasons]).toEqual([[], []]);
    expect(session.token?.sid).toBe(minted[0]);
  });

  test('a sibling that has a newer token gives it, and no refresh begins', async (t) => {
    const { token } = await mint({ ttlSeconds: 4 });
    const first = openTab(t, token);
    await until(first.session, () => first.session.token?.generation === 1);
    const { session, client, requests } = openTab(t, token);
    await until(session, () => session.token?.generation === 1);
    expect(await client.get(CURRENT)).toMatchObject({ session: { status: 'active' } });
    expect(requests).not.toContain(REFRESH);
  });

  test("another customer's token ends the session", async (t) => {
    const { token, jti } = await mint();
    const getPortalToken = async () => (await mint()).token;
    const { session, client, reasons } = openTab(t, token, { getPortalToken });
    await revoke(jti);
    expect(await failure(client.get(CURRENT))).toBeInstanceOf(ApiError);
    expect(session.state).toBe('expired');
    expect(reasons).toEqual(['subject_changed']);
  });

  test('a page that cannot be reached degrades, and the next call gets its token', async (t) => {
    const customerId = await newCustomer();
    const { token, jti } = await mintFor(customerId);
    let isDown = true;
    const getPortalToken = async () => {
      if (isDown) throw new TypeError('fetch failed');
      return (await mintFor(customerId)).token;
    };
    const { session, client, reasons } = openTab(t, token, { getPortalToken });
    await revoke(jti);
    expect(await failure(client.get(CURRENT))).toBeInstanceOf(TypeError);
    expect(session.state).toBe('degraded');
    isDown = false;
    expect(await client.get(CURRENT)).toMatchObject({ customer: { id: customerId } });
    expect(reasons).toEqual([]);
  });

  test('a page that has no token to give ends the session', async (t) => {
    const { token, jti } = await mint();
    const { session, client, reasons } = openTab(t, token, { getPortalToken: () => null });
    await revoke(jti);
    await failure(client.get(CURRENT));
    expect(session.state).toBe('expired');
    expect(reasons).toEqual(['revoked']);
  });
});

describe.concurrent('a token', () => {
  test('never gives way to an older one', async (t) => {
    const { token } = await mint({ ttlSeconds: 4 });
    const { session } = openTab(t, token);
    await until(session, () => session.token?.generation === 1);
    expect(session.adopt(token)).toBe(false);
    expect(session.token?.generation).toBe(1);
  });

  test("never gives way to another customer's", async (t) => {
    const [mine, other] = [await mint(), await mint()];
    const { session } = openTab(t, mine.token);
    expect(session.adopt(other.token)).toBe(false);
    expect(session.customerId).toBe(mine.customerId);
  });

  test('of a new session of the same customer is gone on with, after an end too', async (t) => {
    const customerId = await newCustomer();
    const { token, jti } = await mintFor(customerId);
    const { session, client } = openTab(t, token);
    await revoke(jti);
    await failure(client.get(CURRENT));
    expect(session.adopt((await mintFor(customerId)).token)).toBe(true);
    expect(await client.get(CURRENT)).toMatchObject({ customer: { id: customerId } });
    expect(session.state).toBe('active');
  });
});

test('a suspended organization is an error and no end', async (t) => {
  const { token } = await mint();
  const { session, client, reasons } = openTab(t, token);
  await unitpay(inject('dataDir'), 'orgs', 'suspend', 'default');
  try {
    expect(await failure(client.get(CURRENT))).toMatchObject({ code: 'organization_suspended' });
  } finally {
    await unitpay(inject('dataDir'), 'orgs', 'resume', 'default');
  }
  expect(await client.get(CURRENT)).toMatchObject({ session: { status: 'active' } });
  expect([session.state, reasons]).toEqual(['active', []]);
});
