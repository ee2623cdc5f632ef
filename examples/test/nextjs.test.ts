/** `examples/nextjs`, as its README says to start it. */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';

import { startDemo } from '../../sdk/node/test/support/program.js';
import { launch } from '../../sdk/react/test/browser/support.js';
import { copyOf, install, npm, start, type Running } from './support/app.js';
import { logIn, open, refusals, seePortal, walkThrough } from './support/visit.js';

let demo: Awaited<ReturnType<typeof startDemo>>;
let browser: Browser;
let app: string;

beforeAll(async () => {
  app = await copyOf('nextjs', inject('root'));
  [demo, browser] = await Promise.all([startDemo(), launch(), install(app)]);
});
afterAll(() => Promise.all([demo.stop(), browser.close()]));

describe('as it is deployed', () => {
  let running: Running;
  beforeAll(async () => {
    // Types are checked by it, too.
    await npm(app, 'run', 'build');
    running = await start(app, ['start'], demo);
  });
  afterAll(() => running.stop());

  test('customers see their own portal, and a token ends with the login', async () => {
    await walkThrough(browser, running.origin, demo.baseUrl);
  });

  test('the route gives a token to nobody else', async () => {
    expect(await refusals(running.origin)).toEqual([401, 403, 405]);
  });

  test('by way of the proxy a page speaks to its own origin alone', async () => {
    const { page, wrong, close } = await open(browser, `${running.origin}/proxied`);
    const asked: URL[] = [];
    page.on('request', (request) => asked.push(new URL(request.url())));
    await logIn(page, 'ada');
    await seePortal(page, 'Ada Lovelace', 'Pro');
    expect(new Set(asked.map(({ origin }) => origin))).toEqual(new Set([running.origin]));
    expect(asked.map(({ pathname }) => pathname)).toContain('/api/unitpay/subscriptions');
    expect(wrong).toEqual([]);
    await close();
  });
});

describe('as it is edited', () => {
  let running: Running;
  beforeAll(async () => {
    running = await start(app, ['dev'], demo);
  });
  afterAll(() => running.stop());

  test('the portal is there', async () => {
    const { page, wrong, close } = await open(browser, running.origin);
    await logIn(page, 'ada');
    await seePortal(page, 'Ada Lovelace', 'Pro');
    expect(wrong).toEqual([]);
    await close();
  });
});
