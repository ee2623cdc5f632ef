/** The page while a browser's translation replaces its text nodes by `<font>` elements. */
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';

import { call, mint } from './support/backend.js';
import { launch, openTab } from './support/browser.js';

let browser: Browser;
let context: BrowserContext;

beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser.close());
beforeEach(async () => {
  context = await browser.newContext();
});
afterEach(() => context.close());

interface Listed {
  data: { id: string; slug: string; cancelAtPeriodEnd: boolean }[];
}

async function newSubscriber(): Promise<string> {
  const { data } = await call<Listed>('GET', '/plans?limit=100');
  const plan = data.find(({ slug }) => slug === 'pro-monthly');
  const customer = { name: 'Ada', email: 'ada@example.com' };
  const { id } = await call<{ id: string }>('POST', '/customers', customer);
  await call('POST', `/customers/${id}/payment-methods`, { processorToken: 'pm_sandbox_visa' });
  await call('POST', '/subscriptions', { customerId: id, planId: plan?.id });
  return id;
}

/** Replaces each text node by `<font><font>text</font></font>`, now and whenever one is added. */
const translate = (page: Page) =>
  page.evaluate(() => {
    const isDone = (node: Node) => node.parentElement?.closest('font, script, style') !== null;
    const replace = (root: Node) => {
      const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
      const texts: Text[] = [];
      while (walker.nextNode()) texts.push(walker.currentNode as Text);
      for (const text of texts) {
        if (isDone(text) || !text.data.trim()) continue;
        const holder = document.createElement('template');
        holder.innerHTML = '<font><font></font></font>';
        const font = holder.content.querySelector('font font');
        if (font) font.textContent = text.data;
        text.replaceWith(holder.content);
      }
    };
    replace(document.body);
    new MutationObserver((changes) => {
      for (const { target } of changes) replace(target);
    }).observe(document.body, { childList: true, subtree: true });
  });

test('a translated page follows a cancellation, and undo is another button', async () => {
  const customer = await newSubscriber();
  const { url } = await mint({ customerId: customer });
  const { page, said } = await openTab(context, url);
  const plan = page.getByRole('region', { name: 'Plan', exact: true });
  const badge = (text: string) => plan.locator('[data-upay=badge]', { hasText: text });
  const button = (name: string) => plan.getByRole('button', { name, exact: true });
  await badge('Active').waitFor();
  await translate(page);
  expect(await page.locator('font').count()).toBeGreaterThan(20);
  const cancel = await button('Cancel plan').evaluateHandle((element) => element);
  await button('Cancel plan').click();
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel plan' }).click();
  await badge('Ending').waitFor();
  await badge('Active').waitFor({ state: 'detached' });
  await plan.getByText('Ends on').first().waitFor();
  await button('Keep plan').waitFor();
  // A second click on the button that was there does not undo the cancellation.
  expect(await cancel.evaluate((element) => element.isConnected)).toBe(false);
  const subscription = async () => {
    const list = await call<Listed>('GET', `/subscriptions?customerId=${customer}`);
    return list.data[0];
  };
  expect((await subscription())?.cancelAtPeriodEnd).toBe(true);
  await button('Keep plan').click();
  await badge('Active').waitFor();
  await badge('Ending').waitFor({ state: 'detached' });
  await button('Cancel plan').waitFor();
  expect((await subscription())?.cancelAtPeriodEnd).toBe(false);
  expect(said).toEqual([]);
});
