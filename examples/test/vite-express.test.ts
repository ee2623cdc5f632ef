/** `examples/vite-express`, as its README says to start it. */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';

import { startDemo } from '../../sdk/node/test/support/program.js';
import { launch } from '../../sdk/react/test/browser/support.js';
import { copyOf, install, npm, start, type Running } from './support/app.js';
import { current, logIn, logOut, open, refusals, seePortal, walkThrough } from './support/visit.js';

let demo: Awaited<ReturnType<typeof startDemo>>;
let browser: Browser;
let app: string;

beforeAll(async () => {
  app = await copyOf('vite-express', inject('root'));
  [demo, browser] = await Promise.all([startDemo(), launch(), install(app)]);
});
afterAll(() => Promise.all([demo.stop(), browser.close()]));

describe('as it is deployed', () => {
  let running: Running;
  beforeAll(async () => {
    await npm(app, 'run', 'build');
    running = await start(app, ['start'], demo, { NODE_ENV: 'production' });
  });
  afterAll(() => running.stop());

  test('customers see their own portal, and a token ends with the login', async () => {
    await walkThrough(browser, running.origin, demo.baseUrl);
  });
});

describe('as it is edited', () => {
  let running: Running;
  beforeAll(async () => {
    running = await start(app, ['start'], demo);
  });
  afterAll(() => running.stop());

  test('customers see their own portal, and a token ends with the login', async () => {
    await walkThrough(browser, running.origin, demo.baseUrl);
  });

  test('a logout leaves the same user in another browser signed in', async () => {
    const [here, there] = [
      await open(browser, running.origin),
      await open(browser, running.origin),
    ];
    await logIn(here.page, 'grace');
    const token = await logIn(there.page, 'grace');
    await logOut(here.page);
    expect(await current(demo.baseUrl, token)).toBe(200);
    await there.page.reload();
    await seePortal(there.page, 'Acme Incorporated', 'Scale');
    await Promise.all([here.close(), there.close()]);
  });

  test('the route gives a token to nobody else', async () => {
    // What is no route of the server's is a page of the app's.
    expect(await refusals(running.origin)).toEqual([401, 403, 200]);
  });

  // The last: from here on Ada's plan is another.
  test('the gate opens when the plan is changed in the portal', async () => {
    const { page, wrong, close } = await open(browser, running.origin);
    await logIn(page, 'ada');
    await page.getByText('Single sign-on comes with the plan Scale.').waitFor();
    await page.getByRole('button', { name: 'Change plan' }).click();
    await page.getByRole('button', { name: 'Upgrade to Scale' }).click();
    const dialog = page.getByRole('dialog', { name: 'Change to Scale' });
    await dialog.getByRole('button', { name: /^Pay \$/ }).click();
    await page.getByText('Single sign-on is on.').waitFor();
    expect(wrong).toEqual([]);
    await close();
  });
});
