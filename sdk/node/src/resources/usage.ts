import type { RequestOptions, Transport } from '../transport.js';
import type {
  Tracked,
  UsageEvent,
  UsageHistory,
  UsageHistoryQuery,
  UsageMeter,
  UsageMeterQuery,
} from '../types.js';

/** `unitpay.usage`. */
export class Usage {
  readonly #transport: Transport;

  /** @internal */
  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /**
   * Records what customers used: one event, or up to 1000. An event of an `idempotencyKey` that was
   * recorded before counts as accepted and has no effect. `rejections` tells which events were not
   * taken, and why.
   */
  track(events: UsageEvent | readonly UsageEvent[], options?: RequestOptions): Promise<Tracked> {
    const list = Array.isArray(events) ? (events as readonly UsageEvent[]) : [events as UsageEvent];
    const body = { events: list.map(withKey) };
    return this.#transport.send({ method: 'POST', path: ['usage', 'track'], body }, options);
  }

  /** How much of a metric a customer used in the usage period that runs. */
  get(query: UsageMeterQuery, options?: RequestOptions): Promise<UsageMeter> {
    return this.#transport.send({ method: 'GET', path: ['usage'], query }, options);
  }

  /** Usage by day and event name, days without any included; 92 days at most. */
  aggregate(query: UsageHistoryQuery, options?: RequestOptions): Promise<UsageHistory> {
    return this.#transport.send({ method: 'GET', path: ['usage', 'aggregate'], query }, options);
  }
}

/** An event counts once for its key: one without a key gets one, so that attempts count once. */
export function withKey(event: UsageEvent): UsageEvent {
  return { ...event, idempotencyKey: event.idempotencyKey ?? crypto.randomUUID() };
}
