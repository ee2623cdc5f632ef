/** The system's Chromium, and a page of an integrator's that uses the package as it is built. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  chromium,
  type Browser,
  type BrowserContext,
  type Locator,
  type Page,
} from 'playwright-core';
import { build } from 'vite';

import { lineWith } from '../../../node/test/support/program.js';

/** Playwright turns off what is to be tested. */
const KEEP = [
  '--disable-back-forward-cache',
  '--disable-background-timer-throttling',
  '--disable-backgrounding-occluded-windows',
  '--disable-renderer-backgrounding',
];

export function launch(): Promise<Browser> {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    ignoreDefaultArgs: KEEP,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--host-resolver-rules=MAP plain.test 127.0.0.1',
    ],
  });
}

/**
 * Chromium as a user starts it, with one context: Playwright's own makes every tab believe that it
 * is in front.
 */
export async function launchWindow() {
  const profile = await mkdtemp(join(tmpdir(), 'unitpay-chromium-'));
  const options = ['--headless', '--no-sandbox', '--disable-gpu', '--no-first-run'];
  const child = spawn(
    process.env.CHROMIUM ?? '/usr/bin/chromium',
    [...options, '--remote-debugging-port=0', `--user-data-dir=${profile}`, 'about:blank'],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  const address = await lineWith(child, child.stderr, /listening on (ws:\S+)/);
  const browser = await chromium.connectOverCDP(address, { noDefaults: true });
  const [context] = browser.contexts();
  if (!context) throw new Error('Chromium has no window');
  const close = async () => {
    const exited = once(child, 'exit');
    const session = await browser.newBrowserCDPSession();
    await Promise.all([exited, session.send('Browser.close')]);
    await rm(profile, { recursive: true });
  };
  return { context, close };
}

/** Serves the page; `elsewhere` is another one. */
export async function servePage() {
  const { output } = (await build({
    configFile: false,
    root: fileURLToPath(new URL('page', import.meta.url)),
    logLevel: 'error',
    mode: 'production',
    define: { 'process.env.NODE_ENV': '"production"' },
    // The tests' own NODE_ENV would have it otherwise.
    oxc: { jsx: { runtime: 'automatic', development: false } },
    build: { write: false, minify: false, modulePreload: false },
  })) as {
    output: ({ fileName: string } & ({ code: string } | { source: string | Uint8Array }))[];
  };
  const files = new Map(
    output.map((file) => [`/${file.fileName}`, 'code' in file ? file.code : file.source]),
  );
  const types: Record<string, string> = { js: 'text/javascript', css: 'text/css' };
  // Addresses may hold all texts of a language.
  const server = createServer({ maxHeaderSize: 2 ** 18 }, ({ url = '/' }, answer) => {
    const path = url.split('?', 1)[0] ?? '';
    const body = files.get(path === '/' ? '/index.html' : path) ?? '<title>Elsewhere</title>';
    const type = types[path.split('.').at(-1) ?? ''] ?? 'text/html';
    answer.writeHead(200, { 'content-type': type }).end(body);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** A tab on the page, and what it says to the console. */
export async function openPage(context: BrowserContext, url: string) {
  const page = await context.newPage();
  const said: string[] = [];
  page.on('console', (message) => said.push(`${message.type()}: ${message.text()}`));
  page.on('pageerror', (error) => said.push(error.message));
  await page.goto(url);
  const shows = (id: string, text: string | RegExp) =>
    page
      .getByTestId(id)
      .filter({ hasText: typeof text === 'string' ? new RegExp(`^${text}$`) : text })
      .waitFor({ state: 'attached' });
  /** Hands the page its token, so that none is old before the page has loaded. */
  const give = (token: string) =>
    page.evaluate((detail) => dispatchEvent(new CustomEvent('token', { detail })), token);
  return { page, said, shows, give };
}

/** The refreshes that a context sends. */
export function refreshesOf(context: BrowserContext): string[] {
  const seen: string[] = [];
  context.on('request', (request) => {
    if (request.method() === 'POST' && request.url().endsWith('/refresh')) seen.push(request.url());
  });
  return seen;
}

export const click = (page: Page, name: string) => page.getByRole('button', { name }).click();

/** More than there are on any screen. */
const MOST_STOPS = 120;

/** Goes on by Tab until one of these has the focus. */
export async function tabTo(page: Page, target: Locator): Promise<void> {
  await target.first().waitFor();
  for (let stops = 0; stops < MOST_STOPS; stops += 1) {
    const isThere = await target.evaluateAll((all) =>
      all.includes(document.activeElement as never),
    );
    if (isThere) return;
    await page.keyboard.press('Tab');
  }
  throw new Error(`no way by Tab to ${String(target)}`);
}
