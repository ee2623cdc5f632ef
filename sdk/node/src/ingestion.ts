/** Sends usage events in batches: each second, and when a batch is full. */
import { UnitPay } from './client.js';
import type { UnitPayOptions } from './config.js';
import { ApiError } from './errors.js';
import { withKey } from './resources/usage.js';
import { systemRuntime, type Runtime } from './runtime.js';
import type { UsageEvent, UsageRejection } from './types.js';

/** The options of `UnitPayIngestion`. */
export interface IngestionOptions extends UnitPayOptions {
  /** Milliseconds that an event waits for others. Default 1000. */
  flushInterval?: number | undefined;
  /** Events in one request, at most 1000. Default 500. */
  batchSize?: number | undefined;
  /** Events that may wait here; `track` throws where there are more. Default 100000. */
  maxBufferSize?: number | undefined;
  /** An event that the server did not take. Default: a line on the console. */
  onRejected?: ((event: UsageEvent, rejection: Omit<UsageRejection, 'index'>) => void) | undefined;
  /** A flush in the background that failed; its events wait for the next. Default: a line. */
  onError?: ((error: unknown) => void) | undefined;
}

/** The server takes 1 MiB; what encodes larger than this goes in two requests. */
const MOST_BYTES = 900_000;

/**
 * Sends usage in batches.
 *
 * No event is dropped silently: one that cannot be sent now is kept and sent again, with the same
 * `idempotencyKey`, so that it counts once; one that the server does not take is told to
 * `onRejected`. Call `shutdown` before the process ends.
 */
export class UnitPayIngestion {
  readonly #unitpay: UnitPay;
  readonly #runtime: Runtime;
  readonly #options: { flushInterval: number; batchSize: number; maxBufferSize: number };
  readonly #onRejected: NonNullable<IngestionOptions['onRejected']>;
  readonly #onError: NonNullable<IngestionOptions['onError']>;
  #waiting: UsageEvent[] = [];
  #cancel: (() => void) | undefined;
  #flushing: Promise<void> | undefined;
  #ended = false;

  constructor(options: IngestionOptions = {}, runtime: Runtime = systemRuntime) {
    const { flushInterval, batchSize, maxBufferSize, onRejected, onError, ...client } = options;
    this.#unitpay = new UnitPay(client);
    this.#runtime = runtime;
    this.#options = {
      flushInterval: positive('flushInterval', flushInterval ?? 1000, 2 ** 31 - 1),
      batchSize: positive('batchSize', batchSize ?? 500, 1000),
      maxBufferSize: positive('maxBufferSize', maxBufferSize ?? 100_000, Infinity),
    };
    this.#onRejected =
      onRejected ??
      ((event, { reason, message }) => {
        console.error(`Usage event ${event.idempotencyKey ?? ''} ${reason}: ${message}`);
      });
    this.#onError =
      onError ??
      ((error) => {
        console.error(`Usage was not sent and will be sent again: ${String(error)}`);
      });
  }

  /** Number of buffered events. */
  get bufferSize(): number {
    return this.#waiting.length;
  }

  /** Takes one event or many; throws, and takes none, where there is no room or after `shutdown`. */
  track(events: UsageEvent | readonly UsageEvent[]): void {
    const added = Array.isArray(events)
      ? (events as readonly UsageEvent[])
      : [events as UsageEvent];
    if (this.#ended) throw new Error('track was called after shutdown.');
    if (this.#waiting.length + added.length > this.#options.maxBufferSize) {
      throw new RangeError('The buffer of usage events is full.');
    }
    const timestamp = new Date(this.#runtime.now()).toISOString();
    for (const event of added) {
      // Fixed now, so that an event counts once and when it happened however often it is sent.
      this.#waiting.push(withKey({ ...event, timestamp: event.timestamp ?? timestamp }));
    }
    if (this.#waiting.length >= this.#options.batchSize) this.#flushBehind();
    else this.#wait();
  }

  /** Sends all that waits; rejects where that failed, and keeps what was not sent. */
  flush(): Promise<void> {
    this.#cancel?.();
    this.#cancel = undefined;
    return (this.#flushing ??= this.#send().finally(() => {
      this.#flushing = undefined;
    }));
  }

  /** Flushes the buffer and returns the result of `unitpay.check`. */
  async check(...input: Parameters<UnitPay['check']>): ReturnType<UnitPay['check']> {
    await this.flush();
    return this.#unitpay.check(...input);
  }

  /** Sends all that waits and takes nothing more. Where it rejects, call it again. */
  async shutdown(): Promise<void> {
    this.#ended = true;
    do await this.flush();
    while (this.#waiting.length > 0);
  }

  #wait(): void {
    this.#cancel ??= this.#runtime.after(this.#options.flushInterval, () => {
      this.#flushBehind();
    });
  }

  #flushBehind(): void {
    this.flush().catch((error: unknown) => {
      this.#onError(error);
      if (this.#waiting.length > 0) this.#wait();
    });
  }

  /** The events have been sent: what the caller's own function throws must not send them again. */
  #reject(...told: Parameters<NonNullable<IngestionOptions['onRejected']>>): void {
    try {
      this.#onRejected(...told);
    } catch (error) {
      this.#onError(error);
    }
  }

  async #send(): Promise<void> {
    while (this.#waiting.length > 0) {
      await this.#sendBatch(this.#waiting.slice(0, this.#options.batchSize));
    }
  }

  #sent(batch: UsageEvent[]): void {
    this.#waiting = this.#waiting.slice(batch.length);
  }

  /** Sends the first of those that wait, which wait no more as soon as they are sent. */
  async #sendBatch(batch: UsageEvent[]): Promise<void> {
    try {
      if (batch.length > 1 && bytes(batch) > MOST_BYTES) throw TOO_LARGE;
      const { rejections } = await this.#unitpay.usage.track(batch);
      this.#sent(batch);
      for (const { index, ...rejection } of rejections) {
        const event = batch[index];
        if (event !== undefined) this.#reject(event, rejection);
      }
    } catch (error) {
      if (!isAboutTheEvents(error)) throw error;
      const [event] = batch;
      if (batch.length === 1 && event !== undefined) {
        this.#sent(batch);
        this.#reject(event, { reason: 'rejected_invalid', message: String(error) });
        return;
      }
      // One event fails them all: halves find it, and the others count.
      const half = Math.ceil(batch.length / 2);
      await this.#sendBatch(batch.slice(0, half));
      await this.#sendBatch(batch.slice(half));
    }
  }
}

function bytes(batch: readonly UsageEvent[]): number {
  return new TextEncoder().encode(JSON.stringify(batch)).length;
}

const TOO_LARGE = new Error('A batch is too large for one request.');

/** Whether sending the same events again would fail again. What JSON cannot hold is a `TypeError`. */
function isAboutTheEvents(error: unknown): boolean {
  if (error instanceof ApiError) return [400, 413, 422].includes(error.status);
  return error === TOO_LARGE || error instanceof TypeError;
}

function positive(name: string, value: number, most: number): number {
  if (!(value >= 1 && value <= most)) {
    throw new RangeError(`${name} must be from 1 to ${String(most)}.`);
  }
  return value;
}
