/**
 * Each intention is carried out once, however often it is clicked.
 *
 * The same call while one is under way is that one. Its idempotency key is kept where no definite
 * answer came, so that the next click goes on with the first one's effect; any definite answer
 * ends it.
 */
import { ApiError } from './errors.js';

interface Intention {
  key: string;
  pending: Promise<unknown> | null;
}

export class Verbs {
  readonly #intentions = new Map<string, Intention>();

  /** `what` and `input` name the intention; `call` gets the idempotency key. */
  run<R>(what: string, input: unknown, call: (key: string) => Promise<R>): Promise<R> {
    const name = JSON.stringify([what, input]);
    const intention = this.#intentions.get(name) ?? { key: idempotencyKey(), pending: null };
    this.#intentions.set(name, intention);
    intention.pending ??= call(intention.key).then(
      (result) => {
        this.#intentions.delete(name);
        return result;
      },
      (error: unknown) => {
        intention.pending = null;
        if (isDefinite(error)) this.#intentions.delete(name);
        throw error;
      },
    );
    return intention.pending as Promise<R>;
  }
}

/** A server that failed may have carried it out all the same; a limit or a refusal has not. */
function isDefinite(error: unknown): boolean {
  return error instanceof ApiError && error.status > 0 && error.status < 500;
}

/** `randomUUID` is missing on plain-http origins. */
export function idempotencyKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
