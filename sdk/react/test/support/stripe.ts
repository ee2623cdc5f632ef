/**
 * A server that has Stripe connected, with stand-ins on Stripe's side: the one of its servers is the Rust
 * tests' own, the one of Stripe.js is served over TLS under Stripe's host names.
 */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { chromium, type Browser } from 'playwright-core';
import Stripe from 'stripe';
import ts from 'typescript';

import { lineWith, startServer, type Server } from '../../../node/test/support/program.js';

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const TARGET = at('../../../../target/debug');
const PROGRAM = process.env.UNITPAY_BIN ?? `${TARGET}/unitpay`;
export const WEBHOOK_SECRET = 'whsec_chromium0000000001';
const EVENTS = [
  'payment_intent.succeeded',
  'payment_intent.canceled',
  'setup_intent.succeeded',
  'payment_method.detached',
  'customer.deleted',
];

export interface StripeStand {
  server: Server;
  /** Stripe's SDK, on the stand-in. */
  sdk: Stripe;
  secretKey: string;
  publishableKey: string;
  /** The stand-in of Stripe's servers. */
  stripeUrl: string;
  /** Makes a customer and returns its id. */
  customer: () => Promise<string>;
  /** Calls our API with the secret key. */
  call: <T>(method: string, path: string, body?: object) => Promise<T>;
  /** Sends a body to our webhook with this signature, and returns the status. */
  post: (payload: string, signature: string) => Promise<number>;
  /** Brings Stripe's events to our webhook, signed by Stripe's SDK; returns their number. */
  deliver: () => Promise<number>;
  launch: () => Promise<Browser>;
  stop: () => Promise<void>;
}

/** Runs a command of ours with Stripe replaced, and secrets on its standard input. */
async function run(env: NodeJS.ProcessEnv, arguments_: string[], input: string): Promise<void> {
  const child = promisify(execFile)(PROGRAM, arguments_, { env });
  child.child.stdin?.end(input);
  await child;
}

/** A stand-in for Stripe's servers, and a server that calls it but has no account connected. */
export async function startUnconnected() {
  const standIn = spawn(`${TARGET}/examples/stripe_stand_in`, {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const line = await lineWith(standIn, standIn.stdout, /^(http:.*)$/);
  const [address = '', secretKey = '', publishableKey = ''] = line.split(' ');
  const settings = { UNITPAY_STRIPE_API_BASE: address };
  const server = await startServer(settings);
  const env: NodeJS.ProcessEnv = { ...process.env, ...settings };
  // The program refuses variables that it does not know.
  delete env.UNITPAY_BIN;
  const stop = async () => {
    await server.stop();
    await end(standIn);
  };
  return { address, secretKey, publishableKey, server, env, program: PROGRAM, stop };
}

export async function startStripe(): Promise<StripeStand> {
  const unconnected = await startUnconnected();
  const { address, secretKey, publishableKey, server, env } = unconnected;
  const connect = ['processors', 'connect', 'stripe', '--env', 'sandbox'];
  await run(
    env,
    [...connect, '--data-dir', server.dataDir],
    [
      `secret_key=${secretKey}`,
      `publishable_key=${publishableKey}`,
      `webhook_secret=${WEBHOOK_SECRET}`,
    ].join('\n'),
  );
  const { hostname, port } = new URL(address);
  const sdk = new Stripe(secretKey, { protocol: 'http', host: hostname, port, telemetry: false });
  const hosts = await serveHosts(address);
  const call = async <T>(method: string, path: string, body?: object): Promise<T> => {
    const response = await fetch(server.baseUrl + path, {
      method,
      headers: { 'content-type': 'application/json', 'x-api-key': server.apiKey },
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    if (!response.ok) throw new Error(`${path}: ${await response.text()}`);
    return (response.status === 204 ? undefined : await response.json()) as T;
  };
  const post = async (payload: string, signature: string): Promise<number> => {
    const { data } = await call<{ data: { webhookUrl: string }[] }>('GET', '/processors');
    const url = new URL(new URL(data[0]?.webhookUrl ?? '').pathname, server.baseUrl);
    const headers = { 'content-type': 'application/json', 'stripe-signature': signature };
    return (await fetch(url, { method: 'POST', headers, body: payload })).status;
  };
  const delivered = new Set<string>();
  const deliver = async () => {
    const events = await sdk.events.list({ types: EVENTS, limit: 100 }).autoPagingToArray({
      limit: 1000,
    });
    const fresh = events.filter(({ id }) => !delivered.has(id));
    for (const event of fresh) {
      const payload = JSON.stringify(event);
      const signature = sdk.webhooks.generateTestHeaderString({ payload, secret: WEBHOOK_SECRET });
      const status = await post(payload, signature);
      if (status !== 204) throw new Error(`a webhook was answered ${String(status)}`);
      delivered.add(event.id);
    }
    return fresh.length;
  };
  return {
    server,
    sdk,
    secretKey,
    publishableKey,
    stripeUrl: address,
    call,
    post,
    deliver,
    customer: async () => {
      const customer = { name: 'Ada', email: 'ada@example.com' };
      return (await call<{ id: string }>('POST', '/customers', customer)).id;
    },
    launch: () => launch(hosts.port),
    stop: async () => {
      await unconnected.stop();
      await hosts.close();
    },
  };
}

async function end(child: ChildProcess): Promise<void> {
  const exited = once(child, 'exit');
  child.stdin?.end();
  await exited;
}

/** A Chromium for which Stripe's hosts are those of the stand-in, under their real names. */
function launch(port: number): Promise<Browser> {
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
      `--host-resolver-rules=MAP *.stripe.com 127.0.0.1:${String(port)}`,
    ],
  });
}

const FRAME = `<!doctype html><meta charset="utf-8"><title>Fields</title>
<label>Card number <input></label><script>
const tell = () => parent.postMessage({ number: document.querySelector('input').value }, '*');
document.querySelector('input').oninput = tell;
onmessage = ({ data }) => {
  const { theme, variables } = data.appearance;
  document.body.dataset.theme = theme;
  document.body.dataset.variables = JSON.stringify(variables);
  document.body.dataset.locale = data.locale;
};</script>`;

const BANK = `<!doctype html><meta charset="utf-8"><title>Bank</title>
<body style="background: white"><button>Confirm</button><button>Refuse</button><script>
for (const button of document.querySelectorAll('button')) button.onclick = () =>
  parent.postMessage({ accept: button.textContent === 'Confirm' }, '*');
</script>`;

const REDIRECT = `<!doctype html><meta charset="utf-8"><title>Bank</title>
<button>Confirm</button><button>Refuse</button><script>
const query = new URLSearchParams(location.search);
for (const button of document.querySelectorAll('button')) button.onclick = async () => {
  const accept = button.textContent === 'Confirm';
  const body = new URLSearchParams({ client_secret: query.get('secret'), accept });
  await fetch('https://api.stripe.com/authenticate', { method: 'POST', body });
  const back = new URL(query.get('back'));
  back.searchParams.set(query.get('object'), query.get('id'));
  back.searchParams.set(query.get('object') + '_client_secret', query.get('secret'));
  back.searchParams.set('redirect_status', accept ? 'succeeded' : 'failed');
  location.assign(back);
};</script>`;

/** Serves js., hooks. and api.stripe.com with a certificate of this run's own. */
async function serveHosts(standIn: string) {
  const folder = await mkdtemp(join(tmpdir(), 'unitpay-stripe-'));
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const request = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'];
  const subject = ['-nodes', '-days', '2', '-subj', '/CN=stripe.com', '-keyout', key, '-out', cert];
  await promisify(execFile)('openssl', [...request, ...subject]);
  const source = await readFile(at('../stripe/stripe-js.ts'), 'utf8');
  const { outputText: script } = ts.transpileModule(source, {
    compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext },
  });
  const files: Record<string, [type: string, text: string]> = {
    // A script is no module: it must not export anything.
    'js.stripe.com/endive/stripe.js': ['text/javascript', script.replace(/^export \{\};$/m, '')],
    'js.stripe.com/endive/frame.html': ['text/html', FRAME],
    'hooks.stripe.com/3ds': ['text/html', BANK],
    'hooks.stripe.com/redirect': ['text/html', REDIRECT],
  };
  const answer = async (asked: IncomingMessage, answered: ServerResponse) => {
    const { host = '', url = '/' } = { host: asked.headers.host, url: asked.url };
    const file = files[`${host}${url.split('?', 1)[0] ?? ''}`];
    if (file) {
      answered.writeHead(200, { 'content-type': file[0] }).end(file[1]);
      return;
    }
    if (host !== 'api.stripe.com') {
      answered.writeHead(404).end();
      return;
    }
    const chunks: Buffer[] = [];
    for await (const chunk of asked) chunks.push(chunk as Buffer);
    const method = asked.method ?? 'GET';
    const body = method === 'GET' ? {} : { body: Buffer.concat(chunks) };
    const reply = await fetch(standIn + url, { method, ...body });
    const headers = { 'access-control-allow-origin': '*', 'content-type': 'application/json' };
    answered.writeHead(reply.status, headers).end(await reply.text());
  };
  const tls = { key: await readFile(key), cert: await readFile(cert) };
  const hosts = createServer(tls, (asked, answered) => {
    answer(asked, answered).catch((error: unknown) => {
      answered.destroy(error as Error);
    });
  });
  hosts.listen(0, '127.0.0.1');
  await once(hosts, 'listening');
  return {
    port: (hosts.address() as AddressInfo).port,
    close: async () => {
      hosts.closeAllConnections();
      hosts.close();
      await once(hosts, 'close');
      await rm(folder, { recursive: true });
    },
  };
}
