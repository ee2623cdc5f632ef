/** A new session from a route of the page's own, in Chromium. */
import type { Browser, BrowserContext } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';

import { mintFor, newCustomer, revoke } from '../support/backend.js';
import { click, launch, openPage, servePage } from './support.js';

const ROUTE = '/api/portal-session';
let browser: Browser;
let context: BrowserContext;
let site: Awaited<ReturnType<typeof servePage>>;

beforeAll(async () => {
  [site, browser] = await Promise.all([servePage(), launch()]);
});
afterAll(async () => {
  await Promise.all([browser.close(), site.close()]);
});
beforeEach(async () => {
  context = await browser.newContext();
});
afterEach(() => context.close());

/** A page whose session can be revoked, and what its route is asked. */
async function open(route: string, answer: (token: string) => { status: number; json: unknown }) {
  const customerId = await newCustomer();
  const [first, second] = [await mintFor(customerId), await mintFor(customerId)];
  const asked: string[] = [];
  await context.route(`**${ROUTE}`, (request) => {
    const { method, url } = { method: request.request().method(), url: request.request().url() };
    asked.push(`${method} ${new URL(url).pathname}`);
    return request.fulfill(answer(second.token));
  });
  const query = new URLSearchParams({ token: first.token, route });
  const address = `http://127.0.0.1:${String(site.port)}/?${query.toString()}`;
  return { first, asked, ...(await openPage(context, address)) };
}

test('a session that is over goes on with the token that the route answers', async () => {
  const { first, asked, page, shows } = await open(ROUTE, (token) => ({
    status: 200,
    json: { token },
  }));
  await shows('name', 'Ada');
  expect(asked).toEqual([]);
  await revoke(first.jti);
  const answered = page.waitForResponse(`**${ROUTE}`);
  await click(page, 'Ask again');
  await answered;
  await shows('state', 'active');
  await shows('name', 'Ada');
  await shows('reasons', '');
  expect(asked).toEqual([`POST ${ROUTE}`]);
});

test.each([
  ['refuses', 401, { error: 'not signed in' }],
  ['has none', 200, { token: null }],
  ['answers something else', 200, { token: 'nonsense' }],
])('a route that %s ends it, once', async (_, status, json) => {
  const { first, asked, page, shows } = await open(ROUTE, () => ({ status, json }));
  await shows('name', 'Ada');
  await revoke(first.jti);
  await click(page, 'Ask again');
  await shows('state', 'expired');
  await shows('reasons', 'revoked');
  expect(asked).toEqual([`POST ${ROUTE}`]);
});

test('a route of another origin is refused before it is asked for anything', async () => {
  const { asked, said } = await open(`http://elsewhere.example${ROUTE}`, (token) => ({
    status: 200,
    json: { token },
  }));
  await expect.poll(() => said.join()).toContain('getPortalToken has to be of this page');
  expect(asked).toEqual([]);
});
