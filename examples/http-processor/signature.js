/** Signatures as the Standard Webhooks specification defines them. Its libraries do the same. */
import { createHmac, randomUUID, timingSafeEqual } from 'node:crypto';

const HOLDS_FOR_SECONDS = 300;

const now = () => Math.floor(Date.now() / 1000);

function tag(secret, id, timestamp, body) {
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
  return createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest();
}

/** Whether the secret signed this body within the last five minutes. */
export function isSigned(secret, headers, body) {
  const id = headers['webhook-id'];
  const timestamp = headers['webhook-timestamp'];
  const signatures = headers['webhook-signature'];
  if (!id || !timestamp || !signatures) return false;
  if (!(Math.abs(now() - Number(timestamp)) <= HOLDS_FOR_SECONDS)) return false;
  const expected = tag(secret, id, timestamp, body);
  return signatures.split(' ').some((signature) => {
    const given = Buffer.from(signature.replace(/^v1,/, ''), 'base64');
    return given.length === expected.length && timingSafeEqual(given, expected);
  });
}

/** The headers of a signed message. */
export function sign(secret, body) {
  const id = `msg_${randomUUID()}`;
  const timestamp = String(now());
  return {
    'content-type': 'application/json',
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    'webhook-signature': `v1,${tag(secret, id, timestamp, body).toString('base64')}`,
  };
}
