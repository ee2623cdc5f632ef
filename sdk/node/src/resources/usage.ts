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
   * Records usage: one event, or up to 1000. An event with an `idempotencyKey` that was recorded
   * before is accepted and has no effect. `rejections` lists the refused events and the reasons.
   *
   * The server rounds half away from zero to six decimals: a `quantity`, and a number in `properties`
   * that a metric measures.
   */
  track(events: UsageEvent | readonly UsageEvent[], options?: RequestOptions): Promise<Tracked> {
    const list = Array.isArray(events) ? (events as readonly UsageEvent[]) : [events as UsageEvent];
    const body = { events: list.map(withKey) };
    return this.#transport.send({ method: 'POST', path: ['usage', 'track'], body }, options);
  }

  /** Returns a customer's usage of a metric in the current usage period. */
  get(query: UsageMeterQuery, options?: RequestOptions): Promise<UsageMeter> {
    return this.#transport.send({ method: 'GET', path: ['usage'], query }, options);
  }

  /** Returns usage by day and event name for up to 92 days, including days without usage. */
  aggregate(query: UsageHistoryQuery, options?: RequestOptions): Promise<UsageHistory> {
    return this.#transport.send({ method: 'GET', path: ['usage', 'aggregate'], query }, options);
  }
}

/** Prepares an event for sending: adds a missing idempotency key, so that retries count once. */
export function withKey(event: UsageEvent): UsageEvent {
  const { idempotencyKey = crypto.randomUUID(), quantity } = event;
  const prepared = { ...event, idempotencyKey };
  return typeof quantity === 'number'
    ? { ...prepared, quantity: roundQuantity(quantity) }
    : prepared;
}

/** The largest number whose text has no exponent after the shift below. */
const MOST = 1e15;

/**
 * Rounds half away from zero to six decimals, the most that the server takes. It rounds the decimal
 * text of the number, which is what JSON sends, so that 0.1 + 0.2 becomes 0.3.
 */
export function roundQuantity(quantity: number): number {
  const size = Math.abs(quantity);
  if (!(size < MOST)) return quantity;
  const [digits = '0', exponent = '0'] = String(size).split('e');
  const shifted = Math.round(Number(`${digits}e${String(Number(exponent) + 6)}`));
  return Math.sign(quantity) * Number(`${String(shifted)}e-6`);
}
