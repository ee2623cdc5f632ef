/** docs/stripe.md: every command of the page, run in its order against the stand-in. */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { startUnconnected, WEBHOOK_SECRET } from '../support/stripe.js';

const PAGE = fileURLToPath(new URL('../../../../docs/stripe.md', import.meta.url));

let stand: Awaited<ReturnType<typeof startUnconnected>>;
let folder: string;

beforeAll(async () => {
  stand = await startUnconnected();
  folder = await mkdtemp(join(tmpdir(), 'unitpay-stripe-docs-'));
  await symlink(stand.program, join(folder, 'unitpay'));
  const keys = [`secret_key=${stand.secretKey}`, `publishable_key=${stand.publishableKey}`];
  await writeFile(join(folder, 'keys.txt'), keys.join('\n'));
});
afterAll(async () => {
  await stand.stop();
  await rm(folder, { recursive: true });
});

/** Runs a block as a reader does, with the values that the page leaves out. */
async function run(block: string, setup: string): Promise<string> {
  const script = block
    .replaceAll('/var/lib/unitpay', stand.server.dataDir)
    .replaceAll('whsec_…', WEBHOOK_SECRET)
    .replaceAll('seti_…', setup);
  expect(script).not.toContain('…');
  const { baseUrl, apiKey } = stand.server;
  const path = `${folder}:${process.env.PATH ?? ''}`;
  // Only the curl commands know these two.
  const own = script.includes('curl') ? { UNITPAY_BASE_URL: baseUrl, UNITPAY_API_KEY: apiKey } : {};
  const env = { ...stand.env, ...own, PATH: path };
  const { stdout } = await promisify(execFile)('sh', ['-eu', '-c', script], { env, cwd: folder });
  return stdout;
}

/** Fills in the form as Stripe's script does, and returns the id of the setup intent. */
async function fillIn(answer: string): Promise<string> {
  const secret = /"clientSecret":\s*"([^"]+)"/.exec(answer)?.[1] ?? '';
  const [id = ''] = secret.split('_secret');
  const form = { key: stand.publishableKey, client_secret: secret, payment_method: 'pm_card_visa' };
  const url = `${stand.address}/v1/setup_intents/${id}/confirm`;
  const filled = await fetch(url, { method: 'POST', body: new URLSearchParams(form) });
  expect(filled.status).toBe(200);
  return id;
}

/** Writes the mapping file of the page, with a plan that exists. */
async function writeMap(page: string): Promise<void> {
  const { baseUrl, apiKey } = stand.server;
  const make = async (list: string, body: object): Promise<string> => {
    const headers = { 'content-type': 'application/json', 'x-api-key': apiKey };
    const init = { method: 'POST', headers, body: JSON.stringify(body) };
    const response = await fetch(`${baseUrl}/${list}`, init);
    expect(response.status).toBe(201);
    return ((await response.json()) as { id: string }).id;
  };
  const productId = await make('products', { slug: 'main', name: 'Main' });
  const sold = { slug: 'pro', name: 'Pro', billingInterval: 'month', currency: 'USD' };
  const plan = await make('plans', { ...sold, productId, charges: [] });
  const [, file = ''] = /```toml\n([^]*?)```/.exec(page) ?? [];
  await writeFile(join(folder, 'map.toml'), file.replace('pln_…', plan));
}

test('the commands of docs/stripe.md lead from an account to a paid invoice', async () => {
  const page = await readFile(PAGE, 'utf8');
  const blocks = [...page.matchAll(/```sh\n([^]*?)```/g)].map(([, block = '']) => block);
  const expected: [command: string, shows: RegExp][] = [
    ['processors connect', /\/v1\/webhooks\/stripe\//],
    ['processors rotate', /^$/],
    ['payment-methods/setup', /"publishableKey"/],
    ['processorToken', /"cardLast4"/],
    ['autoCollect', /"status":\s*"paid"/],
    ['--dry-run', /"known":1/],
    ['--pause-stripe', /"bothActive":0/],
    ['processors disconnect', /acct_1/],
  ];
  expect(blocks.length).toBe(expected.length);
  await writeMap(page);
  let setup = '';
  for (const [at, block] of blocks.entries()) {
    const [command = '', shows = /^$/] = expected[at] ?? [];
    expect(block).toContain(command);
    const shown = await run(block, setup);
    expect(shown).toMatch(shows);
    if (command.endsWith('/setup')) setup = await fillIn(shown);
  }
});
