/** Webhooks: what the real server sends, and whom its signature convinces. */
import { createServer, type IncomingMessage, type Server as HttpServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { spawn } from 'node:child_process';
import { Webhook as StandardWebhook } from 'standardwebhooks';
import { Webhook as SvixWebhook } from 'svix';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';

import { UnitPay, WebhookVerificationError, type WebhookEvent } from '../src/index.js';
import { failure } from './support/client.js';
import { lineWith, startServer, stop, type Server } from './support/program.js';

interface Received {
  body: string;
  headers: Record<string, string>;
}

let server: Server;
let unitpay: UnitPay;
let receiver: HttpServer;
let url: string;
const received: Received[] = [];
const waiting: ((got: Received) => void)[] = [];

async function take(request: IncomingMessage): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const headers = request.headers as Record<string, string>;
  const got = { body: Buffer.concat(chunks).toString(), headers };
  const next = waiting.shift();
  if (next) next(got);
  else received.push(got);
}

function arrival(): Promise<Received> {
  const got = received.shift();
  return got ? Promise.resolve(got) : new Promise((resolve) => waiting.push(resolve));
}

beforeAll(async () => {
  server = await startServer({
    UNITPAY_WEBHOOKS_ALLOW_HTTP: 'true',
    UNITPAY_WEBHOOKS_ALLOWED_NETWORKS: '127.0.0.0/8',
  });
  unitpay = new UnitPay(server);
  receiver = createServer((request, response) => {
    void take(request).then(() => response.writeHead(204).end());
  });
  receiver.listen(0, '127.0.0.1');
  await once(receiver, 'listening');
  url = `http://127.0.0.1:${String((receiver.address() as AddressInfo).port)}/hook`;
});
afterAll(async () => {
  receiver.closeAllConnections();
  receiver.close();
  await server.stop();
});

const newCustomer = () => unitpay.customers.create({ name: 'Ada', email: 'ada@example.com' });

test('the libraries of others verify what the server sends', async () => {
  const { id, secret = '' } = await unitpay.webhookEndpoints.create({ url });
  const customer = await newCustomer();
  const { body, headers } = await arrival();
  const event = await UnitPay.verifyWebhook(body, headers, secret);
  expect(event).toMatchObject({
    type: 'customer.created',
    customerId: customer.id,
    data: { object: { id: customer.id, name: 'Ada' } },
  });
  expect(new StandardWebhook(secret).verify(body, headers)).toEqual(event);
  expect(new SvixWebhook(secret).verify(body, headers)).toEqual(event);
  expect(await unitpay.events.get(event.id)).toEqual(event);
  expect((await unitpay.events.list({ customerId: customer.id }).toArray())[0]).toEqual(event);

  const renewed = await unitpay.webhookEndpoints.rotateSecret(id);
  await unitpay.webhookEndpoints.test(id);
  const tested = await arrival();
  for (const each of [secret, renewed.secret ?? '']) {
    expect(await UnitPay.verifyWebhook(tested.body, tested.headers, each)).toMatchObject({
      type: 'webhook_endpoint.tested',
    });
    new StandardWebhook(each).verify(tested.body, tested.headers);
    new SvixWebhook(each).verify(tested.body, tested.headers);
  }
  const [delivery] = await unitpay.webhookEndpoints.listDeliveries(id).toArray();
  expect(delivery).toMatchObject({ eventType: 'webhook_endpoint.tested' });
  await unitpay.webhookEndpoints.resend(id, delivery?.id ?? '');
  expect((await arrival()).headers['webhook-id']).toBe(tested.headers['webhook-id']);
  await unitpay.webhookEndpoints.update(id, { enabled: false });
  const missed = await newCustomer();
  const query = { customerId: missed.id };
  await vi.waitFor(async () => {
    expect(await unitpay.events.list(query).toArray()).toHaveLength(1);
  });
  expect(await unitpay.webhookEndpoints.recover(id, { since: customer.createdAt })).toEqual({
    queued: 1,
  });
  await unitpay.webhookEndpoints.delete(id);
  expect(await unitpay.webhookEndpoints.list().toArray()).toEqual([]);
});

const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
const other = `whsec_${Buffer.alloc(32, 8).toString('base64')}`;

function signed(body: string, at = new Date()): Record<string, string> {
  return {
    'webhook-id': 'evt_1',
    'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
    'webhook-signature': new StandardWebhook(secret).sign('evt_1', at, body),
  };
}

const minutes = (count: number) => new Date(Date.now() + count * 60_000);
const body = '{"type":"invoice.paid","id":"evt_1"}';
const good = signed(body);
const signature = good['webhook-signature'] ?? '';

test('a good signature is accepted in every form of headers and body', async () => {
  const event = { type: 'invoice.paid', id: 'evt_1' };
  const bytes = new TextEncoder().encode(body);
  for (const [sent, headers, secrets] of [
    [body, good, secret],
    [bytes, good, secret],
    [bytes.buffer, good, secret],
    [Buffer.from(body), { ...good, 'webhook-signature': [signature] }, secret],
    [body, new Headers(good), [other, secret]],
    [body, { ...good, 'webhook-signature': `v1,AAAA v2,x ${signature}` }, secret],
    [body, signed(body, minutes(-4)), secret],
    [body, signed(body, minutes(4)), secret],
    [body, good, secret.slice('whsec_'.length)],
  ] as const) {
    expect(await UnitPay.verifyWebhook(sent, headers, secrets)).toEqual(event);
  }
  const old = signed(body, minutes(-9));
  expect(await UnitPay.verifyWebhook(body, old, secret, { toleranceSeconds: 600 })).toEqual(event);
});

test.each([
  ['another body', body.replace('paid', 'void'), good, 'bad_signature'],
  ['another id', body, { ...good, 'webhook-id': 'evt_2' }, 'bad_signature'],
  [
    'another secret',
    body,
    { ...good, 'webhook-signature': new StandardWebhook(other).sign('evt_1', new Date(), body) },
    'bad_signature',
  ],
  ['an old request', body, signed(body, minutes(-6)), 'too_old'],
  ['a request of the future', body, signed(body, minutes(6)), 'too_new'],
  [
    'a timestamp that is moved',
    body,
    { ...signed(body, minutes(-6)), 'webhook-timestamp': good['webhook-timestamp'] ?? '' },
    'bad_signature',
  ],
  ['a timestamp that is no number', body, { ...good, 'webhook-timestamp': 'now' }, 'bad_timestamp'],
  [
    'another version',
    body,
    { ...good, 'webhook-signature': signature.replace('v1', 'v2') },
    'bad_signature',
  ],
  [
    'half a signature',
    body,
    { ...good, 'webhook-signature': signature.slice(0, 20) },
    'bad_signature',
  ],
  ['no version', body, { ...good, 'webhook-signature': signature.slice(3) }, 'bad_signature'],
  ['no signature', body, { ...good, 'webhook-signature': '' }, 'missing_headers'],
  ['no id', body, { ...good, 'webhook-id': '' }, 'missing_headers'],
  ['no headers', body, {}, 'missing_headers'],
])('we refuse what others refuse: %s', async (_, sent, headers, reason) => {
  expect(() => new StandardWebhook(secret).verify(sent, headers)).toThrow();
  expect(() => new SvixWebhook(secret).verify(sent, headers)).toThrow();
  const error = await failure(UnitPay.verifyWebhook(sent, headers, secret));
  expect(error).toBeInstanceOf(WebhookVerificationError);
  expect(error).toMatchObject({ reason });
});

test('mistakes of the caller are TypeErrors that show no secret', async () => {
  for (const [sent, secrets] of [
    [JSON.parse(body), secret],
    [body, []],
    [body, 'whsec_'],
    [body, 'whsec_not base64'],
  ] as [string, string][]) {
    const error = await failure(UnitPay.verifyWebhook(sent, good, secrets));
    expect(error).toBeInstanceOf(TypeError);
    expect(String(error)).not.toContain('not base64');
  }
  const text = 'no JSON';
  const error = await failure(UnitPay.verifyWebhook(text, signed(text), secret));
  expect(error).toMatchObject({ reason: 'malformed' });
});

test('the type tells what the object is', () => {
  const handle = (event: WebhookEvent): string | number => {
    switch (event.type) {
      case 'invoice.paid':
        return event.data.object.amountPaid;
      case 'payment_method.detached':
        return String(event.data.object.deleted);
      case 'customer.created':
        return event.data.object.email;
      default:
        return event.sequence;
    }
  };
  expect(handle).toBeTypeOf('function');
});

test('the route of docs/webhooks.md takes a verified event', async () => {
  const folder = new URL('../../../examples/express-webhooks/', import.meta.url);
  const { port } = receiver.address() as AddressInfo;
  // The endpoint's secret exists before its server does, so the endpoint is moved afterwards.
  const made = await unitpay.webhookEndpoints.create({
    url: `http://127.0.0.1:${String(port)}/`,
    types: ['customer.created'],
  });
  const app = spawn(process.execPath, ['server.js'], {
    cwd: folder,
    env: { UNITPAY_WEBHOOK_SECRET: made.secret, PORT: '0' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  try {
    const said = lineWith(app, app.stdout, /customer (cus_\w+) was created/);
    const origin = await lineWith(app, app.stdout, /listening on (http:\/\/127\.0\.0\.1:\d+)/);
    await unitpay.webhookEndpoints.update(made.id, { url: `${origin}/hook` });
    const customer = await newCustomer();
    expect(await said).toBe(customer.id);
    const forged = await fetch(`${origin}/hook`, {
      method: 'POST',
      headers: { ...good, 'content-type': 'application/json' },
      body,
    });
    expect(forged.status).toBe(400);
    expect(await forged.json()).toEqual({ error: 'bad_signature' });
  } finally {
    await stop(app);
    await unitpay.webhookEndpoints.delete(made.id);
  }
});
