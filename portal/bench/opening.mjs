// How soon the page shows its data, and how much moves: on a slow machine with a slow connection,
// each time with an empty cache, against the demo. `npm run bench -w portal` writes JSON;
// UNITPAY_BIN names another program than the debug build.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const RUNS = 11;
const CPU = 4;
const NETWORK = {
  offline: false,
  latency: 150,
  downloadThroughput: 1.6e6 / 8,
  uploadThroughput: 750e3 / 8,
};
/** The elements that must have text: price, balance, invoice, card and customer. */
const DATA = [
  '[data-upay=price-amount]',
  '[data-upay=figure]',
  'tbody [data-upay=row]',
  '[data-upay=item-name]',
  '[data-upay=portal-name]',
];

const built = fileURLToPath(new URL('../../target/debug/unitpay', import.meta.url));
const { UNITPAY_BIN: program = built, ...env } = process.env;
const demo = spawn(program, ['demo', '--listen', '127.0.0.1:0'], {
  env,
  stdio: ['ignore', 'pipe', 'ignore'],
});
const found = {};
for await (const line of createInterface(demo.stdout)) {
  found.origin ??= /running at (http:\S+)/.exec(line)?.[1];
  found.key ??= /UNITPAY_API_KEY=(\S+)/.exec(line)?.[1];
  if (found.key) break;
}
demo.stdout.resume();

async function mint() {
  const answer = await fetch(`${found.origin}/v1/portal-sessions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-api-key': found.key },
    body: JSON.stringify({ customerId: 'cus_123' }),
  });
  return (await answer.json()).url;
}

/** Notes in the page when all data was painted, and what was shifted. */
function watch(selectors) {
  window.shifted = 0;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) window.shifted += entry.value;
  }).observe({ type: 'layout-shift', buffered: true });
  const isThere = () => selectors.every((one) => document.querySelector(one)?.textContent.trim());
  const observer = new MutationObserver(() => {
    if (!isThere()) return;
    observer.disconnect();
    // The frame after the one that paints it has begun.
    requestAnimationFrame(() => requestAnimationFrame((at) => (window.visible = at)));
  });
  observer.observe(document, { childList: true, subtree: true, characterData: true });
}

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu'],
});
const runs = [];
for (let run = 0; run < RUNS; run += 1) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  const page = await context.newPage();
  const calls = [];
  page.on('request', (request) => {
    if (request.url().includes('/v1/')) calls.push(request.url());
  });
  const debug = await context.newCDPSession(page);
  await debug.send('Network.enable');
  await debug.send('Network.emulateNetworkConditions', NETWORK);
  await debug.send('Emulation.setCPUThrottlingRate', { rate: CPU });
  await page.addInitScript(watch, DATA);
  await page.goto(await mint());
  await page.waitForFunction(() => window.visible);
  await page.waitForLoadState('networkidle');
  const { visible, shifted } = await page.evaluate(() => ({
    visible: window.visible,
    shifted: window.shifted,
  }));
  runs.push({ visibleMs: Math.round(visible), layoutShift: shifted, apiCalls: calls.length });
  await context.close();
}
await browser.close();
const ended = once(demo, 'exit');
demo.kill('SIGTERM');
await ended;

const median = (name) => runs.map((run) => run[name]).sort((a, b) => a - b)[(RUNS - 1) / 2];
const result = {
  profile: { cpuSlowdown: CPU, downloadMbits: 1.6, latencyMs: NETWORK.latency, runs: RUNS },
  visibleMs: { median: median('visibleMs'), limit: 1500 },
  layoutShift: { median: median('layoutShift'), limit: 0.02 },
  apiCalls: { median: median('apiCalls'), limit: 1 },
  runs,
};
console.log(JSON.stringify(result, null, 2));
