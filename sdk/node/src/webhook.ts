/**
 * The check of a webhook's signature (Standard Webhooks), with Web Crypto only, so that it runs in
 * Workers, too.
 */
import type { WebhookEvent } from './types.js';

/** The headers of the request: a `Headers`, or an object as Node's `request.headers`. */
export type WebhookHeaders =
  Headers | Readonly<Record<string, string | readonly string[] | undefined>>;

/** The options of a check of a webhook. */
export interface VerifyWebhookOptions {
  /** The largest difference between the timestamp and now, in both directions. Default 300. */
  toleranceSeconds?: number | undefined;
}

/** The reason for which a webhook is refused. */
export type WebhookErrorReason =
  'missing_headers' | 'bad_timestamp' | 'too_old' | 'too_new' | 'bad_signature' | 'malformed';

/** The request is not one that this endpoint's server signed just now. Answer it with 400. */
export class WebhookVerificationError extends Error {
  override readonly name = 'WebhookVerificationError';
  readonly reason: WebhookErrorReason;

  constructor(reason: WebhookErrorReason, message: string) {
    super(message);
    this.reason = reason;
  }
}

const TOLERANCE_SECONDS = 300;
const PREFIX = 'whsec_';
const VERSION = 'v1,';

/**
 * Returns the event of a webhook request. Throws a {@link WebhookVerificationError} unless one of
 * the secrets signed this body in the last five minutes.
 *
 * @param body The body exactly as it arrived: text or bytes, never an object that was parsed.
 * @param secret `whsec_…` of the endpoint, or several while one is being replaced.
 */
export async function verifyWebhook(
  body: string | ArrayBuffer | Uint8Array,
  headers: WebhookHeaders,
  secret: string | readonly string[],
  options: VerifyWebhookOptions = {},
): Promise<WebhookEvent> {
  const secrets = (typeof secret === 'string' ? [secret] : secret).map(readSecret);
  if (secrets.length === 0) throw new TypeError('verifyWebhook needs a secret');
  if (typeof body !== 'string' && !(body instanceof ArrayBuffer) && !ArrayBuffer.isView(body)) {
    throw new TypeError('verifyWebhook needs the raw body, before a parser has read it');
  }
  const id = header(headers, 'webhook-id');
  const timestamp = header(headers, 'webhook-timestamp');
  const signatures = header(headers, 'webhook-signature');
  if (!id || !timestamp || !signatures) {
    throw refused('missing_headers', 'The request lacks a header of a webhook.');
  }
  checkTime(timestamp, options.toleranceSeconds ?? TOLERANCE_SECONDS);
  const bytes = typeof body === 'string' ? new TextEncoder().encode(body) : new Uint8Array(body);
  const signed = concat(new TextEncoder().encode(`${id}.${timestamp}.`), bytes);
  if (!(await isSigned(signed, signatures, secrets))) {
    throw refused('bad_signature', 'No signature of the request is of a given secret.');
  }
  return read(bytes);
}

function header(headers: WebhookHeaders, name: string): string | undefined {
  if (headers instanceof Headers) return headers.get(name) ?? undefined;
  const found = Object.entries(headers).find(([key]) => key.toLowerCase() === name)?.[1];
  return typeof found === 'string' ? found : found?.join(' ');
}

function checkTime(timestamp: string, tolerance: number): void {
  if (!/^[0-9]{1,15}$/.test(timestamp)) {
    throw refused('bad_timestamp', 'The timestamp is no number of seconds.');
  }
  const age = Date.now() / 1000 - Number(timestamp);
  if (age > tolerance) throw refused('too_old', 'The request was signed too long ago.');
  if (age < -tolerance) throw refused('too_new', 'The request was signed in the future.');
}

/** Whether any signature is of any secret. Web Crypto compares in constant time. */
async function isSigned(
  signed: Uint8Array<ArrayBuffer>,
  signatures: string,
  secrets: readonly Uint8Array<ArrayBuffer>[],
): Promise<boolean> {
  const sent = signatures
    .split(' ')
    .filter((signature) => signature.startsWith(VERSION))
    .map((signature) => decodeBase64(signature.slice(VERSION.length)));
  for (const secret of secrets) {
    const algorithm = { name: 'HMAC', hash: 'SHA-256' };
    const key = await crypto.subtle.importKey('raw', secret, algorithm, false, ['verify']);
    for (const signature of sent) {
      if (signature && (await crypto.subtle.verify('HMAC', key, signature, signed))) return true;
    }
  }
  return false;
}

/** A signed body is JSON of this server, so its type is not checked again. */
function read(bytes: Uint8Array): WebhookEvent {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return JSON.parse(text) as WebhookEvent;
  } catch {
    throw refused('malformed', 'The body is not JSON.');
  }
}

function readSecret(secret: string): Uint8Array<ArrayBuffer> {
  const encoded = secret.startsWith(PREFIX) ? secret.slice(PREFIX.length) : secret;
  const bytes = decodeBase64(encoded);
  // No error message contains the secret.
  if (!bytes || bytes.length === 0) throw new TypeError('a webhook secret must be whsec_…');
  return bytes;
}

function decodeBase64(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text) || text.length % 4 !== 0) return undefined;
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

function concat(first: Uint8Array, second: Uint8Array): Uint8Array<ArrayBuffer> {
  const joined = new Uint8Array(first.length + second.length);
  joined.set(first);
  joined.set(second, first.length);
  return joined;
}

function refused(reason: WebhookErrorReason, message: string): WebhookVerificationError {
  return new WebhookVerificationError(reason, message);
}
