/** Tabs that nobody looks at, really hidden and really frozen, with short tokens and the real server. */
import type { BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';

import { mint, mintFor } from '../support/backend.js';
import { launchWindow, openPage, refreshesOf, servePage } from './support.js';

let window: Awaited<ReturnType<typeof launchWindow>>;
let site: Awaited<ReturnType<typeof servePage>>;
let context: BrowserContext;
/** The page in the foreground. */
let other: Page;

beforeAll(async () => {
  [site, window] = await Promise.all([servePage(), launchWindow()]);
  ({ context } = window);
});
afterAll(async () => {
  await Promise.all([window.close(), site.close()]);
});
beforeEach(async () => {
  other = await context.newPage();
});
afterEach(async () => {
  for (const page of context.pages()) if (page !== other) await page.close();
});

async function open(query: Record<string, string> = {}) {
  const all = new URLSearchParams(query).toString();
  const opened = await openPage(context, `http://127.0.0.1:${String(site.port)}/?${all}`);
  const { page } = opened;
  // What the card's line said, one after another.
  await page.evaluate(() => {
    const told = new Set<string>();
    const look = () => told.add(document.querySelector('[data-testid=name]')?.textContent ?? '');
    new MutationObserver(look).observe(document, {
      subtree: true,
      childList: true,
      characterData: true,
    });
    Object.assign(globalThis, { told });
  });
  const told = () =>
    page.evaluate(() => [...(globalThis as unknown as { told: Set<string> }).told]);
  const textOf = (id: string) => page.getByTestId(id).textContent();
  const seen = () => page.evaluate(() => document.visibilityState);
  const lifecycle = await context.newCDPSession(page);
  const freeze = (isFrozen: boolean) =>
    lifecycle.send('Page.setWebLifecycleState', { state: isFrozen ? 'frozen' : 'active' });
  return { ...opened, told, textOf, seen, freeze };
}

/** The page may not run, so that another one waits until then. */
const untilAfter = (time: number) =>
  other.waitForFunction((end) => Date.now() > end, time, { polling: 50 });

test('a hidden tab refreshes once in a lifetime, and goes on when it is looked at', async () => {
  const { page, give, shows, seen, textOf, told } = await open();
  const refreshes = refreshesOf(context);
  await other.bringToFront();
  expect(await seen()).toBe('hidden');
  await give((await mint({ ttlSeconds: 32 })).token);
  await expect.poll(() => textOf('generation'), { timeout: 45_000 }).toBe('1');
  expect(await seen()).toBe('hidden');
  expect(refreshes).toHaveLength(1);
  await page.bringToFront();
  await page.getByRole('button', { name: 'Ask again' }).click();
  await shows('generation', '1');
  await shows('state', 'active');
  await shows('reasons', '');
  expect(await told()).toEqual(['loading', 'Ada']);
});

test('a tab that was frozen for a while refreshes at once when it wakes', async () => {
  const { page, give, shows, freeze, told } = await open();
  const refreshes = refreshesOf(context);
  const { token, expiresAt } = await mint({ ttlSeconds: 16 });
  await give(token);
  await shows('name', 'Ada');
  await other.bringToFront();
  await freeze(true);
  // Every time that was planned is over by then.
  await untilAfter(Date.parse(expiresAt) - 1900);
  expect(refreshes).toHaveLength(0);
  await freeze(false);
  await page.bringToFront();
  await shows('generation', '1');
  await shows('reasons', '');
  expect(await told()).toEqual(['loading', 'Ada']);
});

test('after an hour out of sight, longer than its token, it goes on with a new session', async () => {
  const { token, expiresAt, customerId } = await mint({ ttlSeconds: 4 });
  const next = await mintFor(customerId);
  const { page, give, shows, freeze, told } = await open({ renewed: next.token });
  await give(token);
  await shows('name', 'Ada');
  await other.bringToFront();
  await freeze(true);
  await untilAfter(Date.parse(expiresAt) + 500);
  await freeze(false);
  await page.bringToFront();
  await shows('generation', '0');
  await expect
    .poll(() => page.evaluate(() => document.querySelector('[data-testid=state]')?.textContent))
    .toBe('active');
  await page.getByRole('button', { name: 'Ask again' }).click();
  await shows('reasons', '');
  expect((await told()).filter((text) => !['loading', 'Ada'].includes(text))).toEqual([]);
});
