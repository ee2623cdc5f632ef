/**
 * Each intention is carried out once, however often it is clicked.
 *
 * The same call while one is under way is that one. Its idempotency key is kept where no definite
 * answer came, so that the next click goes on with the first one's effect; any definite answer
 * ends it.
 */
import type { UnitPayClient } from './client.js';
import { ApiError } from './errors.js';

interface Intention {
  key: string;
  pending: Promise<unknown> | null;
}

const intentions = new WeakMap<UnitPayClient, Map<string, Intention>>();

/** `what` and `input` name the intention; `call` gets the idempotency key. */
export function once<R>(
  client: UnitPayClient,
  what: string,
  input: unknown,
  call: (idempotencyKey: string) => Promise<R>,
): Promise<R> {
  const all = intentions.get(client) ?? new Map<string, Intention>();
  intentions.set(client, all);
  const name = JSON.stringify([what, input]);
  const intention = all.get(name) ?? { key: idempotencyKey(), pending: null };
  all.set(name, intention);
  intention.pending ??= call(intention.key).then(
    (result) => {
      all.delete(name);
      return result;
    },
    (error: unknown) => {
      intention.pending = null;
      if (isDefinite(error)) all.delete(name);
      throw error;
    },
  );
  return intention.pending as Promise<R>;
}

/** A server that failed may have carried it out all the same; a limit or a refusal has not. */
export function isDefinite(error: unknown): boolean {
  return error instanceof ApiError && error.status > 0 && error.status < 500;
}

/** `randomUUID` is missing on plain-http origins. */
function idempotencyKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
