/**
 * Stripe's own command-line tool as a judge: the events that it triggers on the stand-in reach our
 * webhook, and ours are applied.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { startStripe, type StripeStand } from '../support/stripe.js';

const CLI = fileURLToPath(
  new URL('../../../../node_modules/@stripe/cli-linux-x64/bin/stripe', import.meta.url),
);
/** The registry has the tool for this platform only; on others the runner shows the tests as skipped. */
const judged = test.runIf(process.platform === 'linux' && process.arch === 'x64');

let stand: StripeStand;
let home: string;

beforeAll(async () => {
  stand = await startStripe();
  home = await mkdtemp(join(tmpdir(), 'unitpay-stripe-cli-'));
});
afterAll(async () => {
  await stand.stop();
  await rm(home, { recursive: true });
});

/** Triggers an event, with these flags, and delivers what came of it. */
async function trigger(event: string, ...flags: string[]): Promise<void> {
  const to = ['--api-base', stand.stripeUrl, '--api-key', stand.secretKey];
  const env = {
    PATH: process.env.PATH,
    HOME: home,
    STRIPE_CLI_TELEMETRY_OPTOUT: '1',
    // It looks for updates of its own: nothing leaves this machine.
    HTTPS_PROXY: 'http://127.0.0.1:9',
  };
  const done = await promisify(execFile)(CLI, ['trigger', event, ...to, ...flags], { env });
  expect(done.stdout + done.stderr).toContain('Trigger succeeded');
  expect(await stand.deliver()).toBeGreaterThan(0);
}

/** Replaces the list of types that the pinned version of the API refuses. */
const cards = (step: string) => [
  ...['--remove', `${step}:payment_method_types`],
  ...['--add', `${step}:allowed_payment_method_types[]=card`],
];

judged('a payment that the tool makes for our attempt pays the invoice', async () => {
  const customer = await stand.customer();
  const invoice = await stand.call<{ id: string }>('POST', '/invoices', {
    customerId: customer,
    currency: 'USD',
    items: [{ description: 'Setup', unitAmount: 2_000 }],
  });
  const path = `/invoices/${invoice.id}`;
  const asked = await stand.call<{ paymentAttemptId: string }>('POST', `${path}/pay`, {});
  const [intent] = (await stand.sdk.paymentIntents.list()).data;
  const payer = intent?.customer as string;
  const status = async () => (await stand.call<{ status: string }>('GET', path)).status;
  // Somebody else's payment pays nothing.
  await trigger('payment_intent.succeeded', ...cards('payment_intent'));
  expect(await status()).toBe('issued');
  await trigger(
    'payment_intent.succeeded',
    ...cards('payment_intent'),
    ...['--add', `payment_intent:customer=${payer}`],
    ...['--add', `payment_intent:metadata[unitpay_attempt]=${asked.paymentAttemptId}`],
  );
  expect(await status()).toBe('paid');
});

judged.each([
  ['payment_intent.canceled'],
  ['setup_intent.succeeded', ...cards('setup_intent')],
  ['payment_method.detached'],
  ['customer.deleted'],
])('an event of another application changes nothing: %s', async (event, ...flags) => {
  const customer = await stand.customer();
  const read = () => stand.call<unknown>('GET', `/customers/${customer}`);
  const before = await read();
  await trigger(event, ...flags);
  expect(await read()).toEqual(before);
});
