/**
 * `@unitpay/node/next`: the two routes that a Next.js app needs, as plain Web handlers
 * (`Request` in, `Response` out), so that they fit Remix, Hono, Bun and Workers, too.
 */
import { UnitPay } from './client.js';
import { readConfig, type UnitPayOptions } from './config.js';
import { ApiError } from './errors.js';
import { PORTAL_ROUTES } from '@unitpay/wire';
import type { CreatePortalSession } from './types.js';

type Handler = (request: Request) => Promise<Response>;
type Nobody = null | undefined;

/** The options of `portalSessionRoute`. */
export interface PortalSessionRouteOptions extends Omit<CreatePortalSession, 'customerId'> {
  /**
   * Returns the customer who is signed in: its id or your `externalId`, or null for
   * nobody. Never take it from the request's body or query: any user could then name any other.
   */
  customerId: (request: Request) => Nobody | string | Promise<Nobody | string>;
  /** For a client other than that of the environment's variables. */
  client?: UnitPayOptions | undefined;
}

/**
 * A route that gives the signed-in user's page a portal token:
 * `export const POST = portalSessionRoute({ customerId: … })`. It answers `{token, expiresAt}` to
 * a POST of your own pages, 401 where nobody is signed in, and 403 to other sites.
 */
export function portalSessionRoute(options: PortalSessionRouteOptions): Handler {
  const { customerId: whose, client, ...session } = options;
  // Made with the first request: a build has no secret key.
  let unitpay: UnitPay | undefined;
  return async (request) => {
    if (request.method !== 'POST') {
      return problem(405, 'method_not_allowed', { allow: 'POST' });
    }
    const site = request.headers.get('sec-fetch-site');
    if (site !== null && site !== 'same-origin') return problem(403, 'origin_not_allowed');
    const customerId = await whose(request);
    if (customerId == null) return problem(401, 'missing_credentials');
    unitpay ??= new UnitPay(client);
    try {
      const minted = await unitpay.portalSessions.create({ ...session, customerId });
      const { token, expiresAt } = minted;
      return Response.json({ token, expiresAt }, { headers: { 'cache-control': 'no-store' } });
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      console.error(`No portal session: ${error.name} ${error.code ?? ''} ${error.message}`);
      return problem(502, 'unavailable');
    }
  };
}

/** The options of `portalProxy`. */
export interface PortalProxyOptions {
  /** Where the proxy is mounted: `/api/unitpay`, say. `proxyBaseUrl` of the provider is the same. */
  prefix: string;
  /** The API's address with its `/v1`. Default as for `UnitPay`. */
  baseUrl?: string | undefined;
  /** Used in place of the global `fetch`. */
  fetch?: UnitPayOptions['fetch'];
}

const SENT = ['content-type', 'idempotency-key', 'origin'];
const ANSWERED = ['content-type', 'date', 'retry-after', 'ratelimit', 'ratelimit-policy'];
/** The API takes no more. */
const MAX_BODY_BYTES = 65_536;

/**
 * Routes that pass a page's portal requests on to the API from your own origin:
 * `export const { GET, POST, PUT, PATCH, DELETE } = portalProxy({ prefix: '/api/unitpay' })` in
 * `app/api/unitpay/[...path]/route.ts`. It adds no credential: the page's own portal token is all
 * there is. Whatever takes no portal token is refused here.
 */
export function portalProxy(
  options: PortalProxyOptions,
): Record<'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE', Handler> {
  const { prefix, ...settings } = options;
  // The key is not used: a proxy has none.
  const { baseUrl, fetch } = readConfig({ ...settings, apiKey: 'none' });
  const routes = PORTAL_ROUTES.map(pattern);
  const start = `${prefix.replace(/\/+$/, '')}/`;

  const handle: Handler = async (request) => {
    const { pathname, search } = new URL(request.url);
    const path = pathname.startsWith(start) ? pathname.slice(start.length - 1) : '';
    if (!routes.some((route) => route.test(`${request.method} ${path}`))) {
      return problem(404, 'not_found');
    }
    if (request.headers.has('x-api-key')) return problem(403, 'secret_key_in_browser');
    const authorization = request.headers.get('authorization') ?? '';
    if (/^bearer +upay_/i.test(authorization)) return problem(403, 'secret_key_in_browser');
    const body = await readBody(request);
    if (!body) return problem(413, 'payload_too_large');
    const sent = kept(request.headers, SENT);
    // Another kind is between the browser and this server.
    if (/^bearer /i.test(authorization)) sent.set('authorization', authorization);
    let answer;
    try {
      answer = await fetch(baseUrl + path + search, {
        method: request.method,
        headers: sent,
        body: body.size === 0 ? null : body,
        redirect: 'manual',
        signal: request.signal,
      });
    } catch {
      return problem(502, 'unavailable');
    }
    const headers = kept(answer.headers, [...ANSWERED, 'x-request-id']);
    headers.set('cache-control', 'no-store');
    return new Response(answer.body, { status: answer.status, headers });
  };
  return { GET: handle, POST: handle, PUT: handle, PATCH: handle, DELETE: handle };
}

/** Null where it is too long: nobody's request is held in memory as a whole. */
async function readBody(request: Request): Promise<Blob | null> {
  const chunks: BlobPart[] = [];
  let size = 0;
  const reader = request.body?.getReader();
  for (let read = await reader?.read(); read && !read.done; read = await reader?.read()) {
    size += read.value.byteLength;
    if (size > MAX_BODY_BYTES) {
      await reader?.cancel();
      return null;
    }
    chunks.push(read.value);
  }
  return new Blob(chunks);
}

/** `GET /customers/{id}` as an expression; a parameter is one segment. */
function pattern(route: string): RegExp {
  return new RegExp(`^${route.replace(/\{\w+\}/g, '[^/]+')}$`);
}

function kept(from: Headers, names: readonly string[]): Headers {
  const headers = new Headers();
  for (const name of names) {
    const value = from.get(name);
    if (value !== null) headers.set(name, value);
  }
  return headers;
}

function problem(status: number, code: string, headers: Record<string, string> = {}): Response {
  return Response.json(
    { type: 'about:blank', status, code },
    { status, headers: { ...headers, 'content-type': 'application/problem+json' } },
  );
}
