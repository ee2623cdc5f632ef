/** Opens an example in a browser and uses it. */
import { expect } from 'vitest';
import type { Browser, Page } from 'playwright-core';

const TIMEOUT_MS = 100_000;

/** A tab, and what is wrong by what it says to the console. */
export async function open(browser: Browser, url: string) {
  const context = await browser.newContext();
  const page = await context.newPage();
  // A server that edits compiles what it is asked for.
  page.setDefaultTimeout(TIMEOUT_MS);
  const wrong: string[] = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) wrong.push(message.text());
  });
  page.on('pageerror', (error) => wrong.push(error.message));
  await page.goto(url);
  return { page, wrong, close: () => context.close() };
}

/** Gives the token that the page is handed. */
export async function logIn(page: Page, user: string): Promise<string> {
  const answered = page.waitForResponse('**/api/portal-session');
  await page.getByLabel('User').selectOption(user);
  await page.getByRole('button', { name: 'Log in' }).click();
  const answer = await answered;
  expect([answer.request().method(), answer.status()]).toEqual(['POST', 200]);
  return ((await answer.json()) as { token: string }).token;
}

export async function logOut(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Log out' }).click();
  await page.getByRole('button', { name: 'Log in' }).waitFor();
}

/** The portal of one of the demo's customers, with data of each kind in it. */
export async function seePortal(page: Page, name: string, plan: string): Promise<void> {
  await page.getByRole('heading', { name: 'Billing', exact: true }).waitFor();
  await page.getByText(name).first().waitFor();
  await page.getByText(plan, { exact: true }).first().waitFor();
  await page
    .getByRole('button', { name: /^Download invoice / })
    .first()
    .waitFor();
  await page
    .getByText(/ending in \d{4}/)
    .first()
    .waitFor();
}

/** 200, or the code of the refusal. */
export async function current(baseUrl: string, token: string): Promise<unknown> {
  const answer = await fetch(`${baseUrl}/portal-sessions/current`, {
    headers: { authorization: `Bearer ${token}` },
  });
  const { code } = (await answer.json()) as { code?: string };
  return code ?? answer.status;
}

/** Logs in and out as two customers, of whom one has the feature that the gate is for. */
export async function walkThrough(browser: Browser, origin: string, baseUrl: string) {
  const { page, wrong, close } = await open(browser, origin);
  const closed = page.getByText('Single sign-on comes with the plan Scale.');
  const opened = page.getByText('Single sign-on is on.');

  const token = await logIn(page, 'ada');
  await seePortal(page, 'Ada Lovelace', 'Pro');
  await closed.waitFor();
  expect(await opened.count()).toBe(0);
  expect(await current(baseUrl, token)).toBe(200);

  await logOut(page);
  expect(await current(baseUrl, token)).toBe('session_revoked');
  expect(await page.getByText('Ada Lovelace').count()).toBe(0);

  await logIn(page, 'grace');
  await seePortal(page, 'Acme Incorporated', 'Scale');
  await opened.waitFor();
  expect(await closed.count()).toBe(0);
  expect(await page.getByText('Ada Lovelace').count()).toBe(0);
  expect(wrong).toEqual([]);
  await close();
}

/** The route's answer when it gives no token. */
export async function refusals(origin: string): Promise<unknown[]> {
  const ask = async (headers: Record<string, string>, method = 'POST') =>
    (await fetch(`${origin}/api/portal-session`, { method, headers })).status;
  return [await ask({}), await ask({ 'sec-fetch-site': 'cross-site' }), await ask({}, 'GET')];
}
