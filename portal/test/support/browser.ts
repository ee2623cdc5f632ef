/** The system's Chromium, a tab on the hosted page, and what happens in it. */
import axe, { type RunOptions } from 'axe-core';
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core';
import { inject } from 'vitest';

import { APP } from './backend.js';

export function launch(): Promise<Browser> {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}

export interface Tab {
  page: Page;
  /** Console messages, errors and violations of the content security policy. */
  said: string[];
  /** The API requests. */
  calls: string[];
}

export async function openTab(context: BrowserContext, url: string): Promise<Tab> {
  // The product that the page leads back to.
  await context.route(`${APP}/**`, (route) =>
    route.fulfill({ contentType: 'text/html', body: '<title>The product</title>' }),
  );
  const page = await context.newPage();
  const [said, calls]: [string[], string[]] = [[], []];
  page.on('console', (message) => said.push(`${message.type()}: ${message.text()}`));
  page.on('pageerror', (error) => said.push(error.message));
  page.on('dialog', (dialog) => {
    said.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on('request', (request) => {
    const { pathname, search } = new URL(request.url());
    if (pathname.startsWith('/v1/')) calls.push(`${request.method()} ${pathname}${search}`);
  });
  await page.goto(url);
  return { page, said, calls };
}

/** Every section of the demo's first customer is there. */
export async function isFull(page: Page): Promise<void> {
  await page.getByRole('heading', { level: 1 }).waitFor();
  await page.getByText(/^INV-/).first().waitFor();
  for (const part of ['plan-name', 'chart-plot', 'figure', 'item']) {
    await page.locator(`[data-upay=${part}]`).first().waitFor();
  }
}

/** Returns the findings of axe: each rule with the elements that break it. */
export async function flaws(page: Page, options: RunOptions = {}): Promise<string[]> {
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate(
    (wanted) => (globalThis as unknown as { axe: typeof axe }).axe.run(wanted),
    options,
  );
  return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));
}

export const heading = (page: Page, name: string) =>
  page.getByRole('heading', { name, exact: true }).waitFor();

/** The address without what differs from session to session. */
export const addressOf = (page: Page) =>
  page
    .url()
    .replace(inject('origin'), '')
    .replace(/ps_\w{26}$/, 'ps_…');
