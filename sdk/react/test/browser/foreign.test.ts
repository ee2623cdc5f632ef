/** Tokens of elsewhere: they open nothing, and nothing of them is shown. */
import type { Browser, BrowserContext } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, inject, test } from 'vitest';

import { startServer } from '../../../node/test/support/program.js';
import { mint, mintFor, newCustomer, revoke } from '../support/backend.js';
import { launch, openPage, servePage } from './support.js';

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

const open = (query: Record<string, string>) =>
  openPage(
    context,
    `http://127.0.0.1:${String(site.port)}/?${new URLSearchParams(query).toString()}`,
  );

test('a token of another installation opens nothing here', async () => {
  const other = await startServer();
  const post = async (path: string, body: object) => {
    const response = await fetch(other.baseUrl + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-api-key': other.apiKey },
      body: JSON.stringify(body),
    });
    return (await response.json()) as { id: string; token: string };
  };
  const { id } = await post('/customers', { name: 'Eve', email: 'eve@example.com' });
  const { token } = await post('/portal-sessions', { customerId: id });
  const { page, shows, said } = await open({ token, api: inject('baseUrl'), part: 'portal' });
  await page.getByRole('heading', { name: 'Your session has ended' }).waitFor();
  await page.getByText('Go back and open billing again to continue.').waitFor();
  await shows('state', 'expired');
  await shows('name', 'invalid_token');
  await shows('reasons', 'expired');
  expect(await page.getByText('Eve').count()).toBe(0);
  expect(said.filter((text) => !text.includes('401'))).toEqual([]);
  // Where it is at home it is good: what differs is the keys alone.
  const home = await open({ token, part: 'portal' });
  await home.shows('name', 'Eve');
  await other.stop();
});

test("another customer's token does not take over, and nothing of it is shown", async () => {
  const [mine, theirs] = [await mint(), await mintFor(await newCustomer('Grace'))];
  const { page, shows } = await open({
    token: mine.token,
    renewed: theirs.token,
    part: 'portal',
  });
  await shows('name', 'Ada');
  const asked: string[] = [];
  page.on('request', (request) => asked.push(request.url()));
  await revoke(mine.jti);
  await page.getByRole('button', { name: 'Ask again' }).click();
  await page.getByRole('heading', { name: 'Your session has ended' }).waitFor();
  await shows('reasons', 'subject_changed');
  expect(await page.getByText('Grace').count()).toBe(0);
  expect(asked.filter((url) => url.includes(theirs.customerId))).toEqual([]);
});
