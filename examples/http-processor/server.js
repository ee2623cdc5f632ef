/** A payment processor over HTTP, as docs/processors.md describes it, without a dependency. */
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';

import { Provider, Refused } from './provider.js';
import { isSigned, sign } from './signature.js';

const { UNITPAY_SECRET: secret, EVENTS_URL: eventsUrl } = process.env;
const port = Number(process.env.PORT ?? 4300);
const environment = process.env.UNITPAY_ENVIRONMENT ?? 'sandbox';
/** Where the customer's browser may be sent back to. */
const portalOrigins = (process.env.PORTAL_ORIGINS ?? 'http://127.0.0.1:4000').split(',');
const MAX_BODY_BYTES = 64 * 1024;
if (!secret?.startsWith('whsec_')) throw new Error('UNITPAY_SECRET must be whsec_…');

let origin = '';
const provider = new Provider((reference) => `${origin}/form/${reference}`);
const DAY = 86_400;
const terms = { protocol: 1, environment, account: 'example', keyHoldsForSeconds: 30 * DAY };

/** Answers a signed call: its operation stands in the body, because the signature covers no path. */
function answer(path, headers, body) {
  if (!isSigned(secret, headers, body)) throw new Refused(401, 'bad_signature');
  const { operation, environment: wanted, ...request } = JSON.parse(body.toString());
  if (operation !== path || wanted !== environment) throw new Refused(409, 'other_operation');
  if (operation === 'hello') return terms;
  if (!OPERATIONS.has(operation)) throw new Refused(404, 'unknown_operation');
  return provider[operation](request);
}

const OPERATIONS = new Set([
  ...['customers', 'setup', 'methods/attach', 'methods/get', 'methods/detach'],
  ...['charges', 'charges/find', 'charges/cancel', 'refunds', 'refunds/find'],
]);

async function readBody(request) {
  const chunks = [];
  let length = 0;
  for await (const chunk of request) {
    length += chunk.length;
    if (length > MAX_BODY_BYTES) throw new Refused(413, 'too_large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Tells UnitPay that something changed. It asks for the state itself. */
async function report(event) {
  if (!eventsUrl) return;
  const body = JSON.stringify({ id: `evt_${randomUUID()}`, environment, ...event });
  const sent = await fetch(eventsUrl, { method: 'POST', headers: sign(secret, body), body });
  // Your service keeps the event and sends it again later.
  if (!sent.ok) console.error(`the event was answered by ${String(sent.status)}`);
}

const PAGE = `<!doctype html><title>Pay</title><meta name="viewport" content="width=device-width">
<form method="post"><p>This is your provider's form. It takes no money.</p><button>Pay</button></form>`;

/** The form of a customer: shows it, and sends the browser back once it was filled in. */
async function showForm(request, response, url) {
  if (request.method !== 'POST') {
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(PAGE);
    return;
  }
  const event = provider.fillIn(decodeURIComponent(url.pathname.slice('/form/'.length)));
  if (!event) throw new Refused(404, 'unknown_form');
  await report(event);
  const back = url.searchParams.get('return_url') ?? '';
  // Never to an address that somebody else wrote.
  const isKnown = URL.canParse(back) && portalOrigins.includes(new URL(back).origin);
  response.writeHead(303, { location: isKnown ? back : portalOrigins[0] }).end();
}

const server = createServer((request, response) => {
  const serve = async () => {
    const url = new URL(request.url, origin);
    if (url.pathname.startsWith('/form/')) {
      await showForm(request, response, url);
      return;
    }
    const body = await readBody(request);
    const path = url.pathname.replace(/^\/unitpay\//, '');
    if (request.method !== 'POST' || path === url.pathname) throw new Refused(404, 'not_found');
    const text = JSON.stringify(answer(path, request.headers, body));
    response.writeHead(200, { 'content-type': 'application/json' }).end(text);
  };
  serve().catch((error) => {
    const { status, code } = error instanceof Refused ? error : { status: 500, code: 'failed' };
    if (status === 500) console.error(error);
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ error: { code } }));
  });
});

server.listen(port, '127.0.0.1', () => {
  origin = `http://127.0.0.1:${String(server.address().port)}`;
  console.info(`listening on ${origin}/unitpay`);
});
