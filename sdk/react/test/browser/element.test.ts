/** `<unitpay-portal>` on the page of the guide, under a policy that allows nothing inline. */
import { readdirSync, readFileSync } from 'node:fs';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import axe from 'axe-core';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, inject, test } from 'vitest';

import { call, mintFor, revoke, type Minted } from '../support/backend.js';
import { newSubscriber, openShop, type Shop } from '../support/shop.js';
import { launch } from './support.js';

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const [, guide = ''] = read('../../docs/react.md').split('\n## Without React\n');
/** The script and its languages, by path. */
const scripts = Object.fromEntries(
  readdirSync(new URL('../../dist', import.meta.url))
    .filter((name) => name.startsWith('unitpay-portal'))
    .map((name): [string, [string, string]] => [
      `/${name}`,
      ['text/javascript', read(`dist/${name}`)],
    ]),
);
const blockOf = (language: string) =>
  new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\``, 'ms').exec(guide)?.[1] ?? '';

let browser: Browser;
let context: BrowserContext;
let server: Server;
let shop: Shop;
/** The sessions that the endpoint has minted, newest last. */
let minted: Minted[];
/** The languages that the page has loaded. */
let languages: string[];
/** Whether the page has the script without its languages. */
let isAlone: boolean;
let customerId: string;
/** The endpoint's status. */
let status: number;

beforeAll(async () => {
  const files: Record<string, [string, string]> = {
    '/': ['text/html', blockOf('html')],
    '/billing.js': ['text/javascript', blockOf('js')],
    ...scripts,
  };
  const policy = [
    "default-src 'none'; script-src 'self'; style-src 'self'",
    `connect-src 'self' ${new URL(inject('baseUrl')).origin}`,
  ].join('; ');
  server = createServer(({ url = '/', method }, answer) => {
    if (method === 'POST' && url === '/api/portal-session') {
      const send = (body: object) =>
        answer.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
      if (status !== 200) return send({ error: 'no session' });
      return void mintFor(customerId).then((one) => {
        minted.push(one);
        send({ token: one.token });
      });
    }
    const [, language] = /^\/unitpay-portal\.([\w-]+)\.js$/.exec(url) ?? [];
    if (language) languages.push(language);
    if (language && isAlone) return answer.writeHead(404).end();
    const [type, body] = files[url] ?? ['text/plain', ''];
    answer.writeHead(200, { 'content-type': type, 'content-security-policy': policy }).end(body);
  });
  server.listen(0, '127.0.0.1');
  [browser, shop] = await Promise.all([launch(), openShop(), once(server, 'listening')]);
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await browser.close();
});
beforeEach(async () => {
  [minted, languages, status, isAlone] = [[], [], 200, false];
  context = await browser.newContext();
  customerId = await newSubscriber(shop.plans.pro);
});
afterEach(() => context.close());

/** Opens the page, and collects what its policy refuses and what its scripts throw. */
async function open(): Promise<{ page: Page; faults: string[] }> {
  const page = await context.newPage();
  const faults: string[] = [];
  page.on('pageerror', (error) => faults.push(error.message));
  page.on('console', (message) => {
    if (/Content Security Policy|UnitPay/.test(message.text())) faults.push(message.text());
  });
  await page.goto(`http://127.0.0.1:${String((server.address() as AddressInfo).port)}/`);
  return { page, faults };
}

const set = (page: Page, name: string, value: string) =>
  page.locator('unitpay-portal').evaluate(
    (element, [one, to]) => {
      element.setAttribute(one, to);
    },
    [name, value] as const,
  );

test('element of the guide opens the portal, once its endpoint answers', async () => {
  status = 503;
  const { page, faults } = await open();
  await page.getByText('Billing could not be opened.').waitFor();
  status = 200;
  await page.getByRole('button', { name: 'Try again' }).click();
  await page.getByText('Pro', { exact: true }).first().waitFor();
  await page.locator('[data-upay=chart-plot], [data-upay=text]').first().waitFor();
  const button = page.locator('.upay-button').first();
  expect(await button.evaluate((one) => getComputedStyle(one).borderRadius)).not.toBe('0px');
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate(() =>
    (globalThis as unknown as { axe: typeof axe }).axe.run(),
  );
  expect(violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)])).toEqual([]);
  await set(page, 'locale', 'de');
  await set(page, 'theme', 'dark');
  await page.getByRole('heading', { name: 'Rechnungen' }).waitFor();
  expect(await page.locator('[data-upay-theme=dark]').count()).toBeGreaterThan(0);
  expect(minted.length).toBe(1);
  expect(languages).toEqual(['de']);
  expect(faults).toEqual([]);
});

test('element loads the language of the customer, and no other', async () => {
  await call(`/customers/${customerId}`, { locale: 'pt-PT' }, 'PATCH');
  const { page, faults } = await open();
  await page.getByRole('heading', { name: 'Faturas' }).waitFor();
  await set(page, 'locale', 'zh-TW');
  await page.getByRole('heading', { name: 'Invoices' }).waitFor();
  await set(page, 'locale', 'zh-CN');
  await page.getByRole('heading', { name: '账单', exact: true }).waitFor();
  await set(page, 'locale', 'pt');
  await page.getByRole('heading', { name: 'Faturas' }).waitFor();
  expect(languages).toEqual(['pt-BR', 'zh-Hans']);
  expect(faults).toEqual([]);
});

test('element without the files of its languages stays in English', async () => {
  isAlone = true;
  await call(`/customers/${customerId}`, { locale: 'fr' }, 'PATCH');
  const { page, faults } = await open();
  await page.getByRole('heading', { name: 'Invoices' }).waitFor();
  await expect
    .poll(() => faults)
    .toEqual(['UnitPay: unitpay-portal.fr.js is not beside unitpay-portal.js.']);
  await page.getByRole('button', { name: 'Change plan' }).click();
  await page.getByRole('button', { name: 'Upgrade to Scale' }).waitFor();
});

test('element opens a task and reports its end', async () => {
  const { page, faults } = await open();
  await page.getByText('Pro', { exact: true }).first().waitFor();
  await page.locator('unitpay-portal').evaluate((element) => {
    Object.assign(element, { flow: { type: 'billing_details' } });
    element.addEventListener('unitpay-portal-flow-end', (event) => {
      document.title = (event as CustomEvent<{ reason: string }>).detail.reason;
    });
  });
  const dialog = page.getByRole('dialog', { name: 'Billing details' });
  await dialog.getByLabel('Name').fill('Lovelace Ltd');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Lovelace Ltd').first().waitFor();
  await expect.poll(() => page.title()).toBe('completed');
  expect(faults).toEqual([]);
});

test('element gets a new token when its session is revoked, until there is none', async () => {
  const { page, faults } = await open();
  await page.getByText('Pro', { exact: true }).first().waitFor();
  await revoke(minted[0]?.jti ?? '');
  await page.getByRole('button', { name: 'Change plan' }).click();
  await page.getByRole('button', { name: 'Upgrade to Scale' }).waitFor();
  expect(minted.length).toBe(2);
  status = 401;
  await revoke(minted[1]?.jti ?? '');
  await page.getByRole('button', { name: 'Upgrade to Scale' }).click();
  await page.getByText('Your session has ended').waitFor();
  // The page's own script listens.
  await expect.poll(() => page.title()).toBe('Signed out (revoked)');
  expect(faults).toEqual([]);
});

test('element without an endpoint says so', async () => {
  const { page, faults } = await open();
  await page.locator('unitpay-portal').evaluate((element) => {
    element.removeAttribute('token-endpoint');
  });
  await page.getByText('Billing could not be opened.').waitFor();
  expect(faults).toEqual(['UnitPay: <unitpay-portal> needs the attribute token-endpoint.']);
});
