/** The requests that our adapter sends compile as parameters of Stripe's own SDK. */
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { startStripe, type StripeStand } from '../support/stripe.js';

type Recorded = [method: string, path: string, parameters: Record<string, unknown>];

const TYPES: [request: RegExp, type: string][] = [
  [/^POST \/v1\/customers$/, 'CustomerCreateParams'],
  [/^POST \/v1\/customers\/[^/]+$/, 'CustomerUpdateParams'],
  [/^POST \/v1\/setup_intents$/, 'SetupIntentCreateParams'],
  [/^GET \/v1\/setup_intents\/[^/]+$/, 'SetupIntentRetrieveParams'],
  [/^GET \/v1\/payment_methods\/[^/]+$/, 'PaymentMethodRetrieveParams'],
  [/^POST \/v1\/payment_methods\/[^/]+\/detach$/, 'PaymentMethodDetachParams'],
  [/^POST \/v1\/payment_intents$/, 'PaymentIntentCreateParams'],
  [/^POST \/v1\/payment_intents\/[^/]+\/cancel$/, 'PaymentIntentCancelParams'],
  [/^GET \/v1\/refunds$/, 'RefundListParams'],
  [/^POST \/v1\/refunds$/, 'RefundCreateParams'],
  [/^GET \/v1\/account$/, 'AccountRetrieveParams'],
  [/^GET \/v1\/events$/, 'EventListParams'],
];

let stand: StripeStand;

beforeAll(async () => {
  stand = await startStripe();
});
afterAll(() => stand.stop());

/** A form has text only. */
function typed(value: unknown, name = ''): unknown {
  if (Array.isArray(value)) return (value as unknown[]).map((item) => typed(item));
  if (typeof value === 'object' && value !== null) {
    const members: [string, unknown][] = Object.entries(value);
    const read = members.map(([key, member]) => [
      key,
      name === 'metadata' ? member : typed(member, key),
    ]);
    return Object.fromEntries(read) as unknown;
  }
  if (value === 'true' || value === 'false') return value === 'true';
  return typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value;
}

/** Compiles a module that declares each of them, and returns what the compiler says. */
function compile(requests: Recorded[]): string[] {
  const lines = requests.map(([method, path, parameters], at) => {
    const [, type] = TYPES.find(([request]) => request.test(`${method} ${path}`)) ?? [];
    if (type === undefined) throw new Error(`no type for ${method} ${path}`);
    return `export const r${String(at)}: Stripe.${type} = ${JSON.stringify(typed(parameters))};`;
  });
  const file = fileURLToPath(new URL('recorded.ts', import.meta.url));
  const source = ["import type Stripe from 'stripe';", ...lines].join('\n');
  const options: ts.CompilerOptions = {
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    types: [],
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
  };
  const host = ts.createCompilerHost(options);
  const onDisk = { ...host };
  host.fileExists = (name) => name === file || onDisk.fileExists(name);
  host.getSourceFile = (name, ...rest) =>
    name === file
      ? ts.createSourceFile(name, source, ts.ScriptTarget.ES2022)
      : onDisk.getSourceFile(name, ...rest);
  const program = ts.createProgram([file], options, host);
  return ts
    .getPreEmitDiagnostics(program)
    .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, ' '));
}

test("the adapter's requests fit the types of the SDK", async () => {
  const customer = await stand.customer();
  const path = `/customers/${customer}/payment-methods`;
  const { clientSecret } = await stand.call<{ clientSecret: string }>('POST', `${path}/setup`, {});
  const [setup = ''] = clientSecret.split('_secret');
  const form = {
    key: stand.publishableKey,
    client_secret: clientSecret,
    payment_method: 'pm_card_visa',
  };
  const url = `${stand.stripeUrl}/v1/setup_intents/${setup}/confirm`;
  await fetch(url, { method: 'POST', body: new URLSearchParams(form) });
  const card = await stand.call<{ id: string }>('POST', path, { processorToken: setup });
  const bill = async () => {
    const items = [{ description: 'Setup', unitAmount: 2_000 }];
    const body = { customerId: customer, currency: 'USD', items };
    return (await stand.call<{ id: string }>('POST', '/invoices', body)).id;
  };
  const paid = await bill();
  await stand.call('POST', `/invoices/${paid}/pay`, {});
  const back = { amount: 500, refundAmount: 500, reason: 'other' };
  await stand.call('POST', `/invoices/${paid}/credit-notes`, back);
  await stand.call('DELETE', `/payment-methods/${card.id}`);
  // A form of an invoice that is void is canceled.
  const open = await bill();
  await stand.call('POST', `/invoices/${open}/pay`, {});
  await stand.call('POST', `/invoices/${open}/void`, {});
  const read = async () => (await (await fetch(`${stand.stripeUrl}/calls`)).json()) as Recorded[];
  await expect
    .poll(async () => (await read()).some(([, called]) => called.endsWith('/cancel')), {
      timeout: 30_000,
    })
    .toBe(true);
  const recorded = await read();
  const kinds = TYPES.filter(([request]) =>
    recorded.some(([method, called]) => request.test(`${method} ${called}`)),
  );
  expect(kinds.length).toBeGreaterThanOrEqual(10);
  expect(compile(recorded)).toEqual([]);
  // A parameter that the pinned version no longer has does not compile.
  const old: Recorded = [
    'POST',
    '/v1/payment_intents',
    { amount: '1', currency: 'usd', nope: '1' },
  ];
  expect(compile([old])).toHaveLength(1);
});
