import type { RequestOptions, Transport } from '../transport.js';
import type { TestClockState } from '../types.js';

/** `unitpay.testClock`: billing time in the sandbox. It only moves forward. */
export class TestClock {
  readonly #transport: Transport;

  /** @internal */
  constructor(transport: Transport) {
    this.#transport = transport;
  }

  get(options?: RequestOptions): Promise<TestClockState> {
    return this.#transport.send({ method: 'GET', path: ['test-clock'] }, options);
  }

  /**
   * Moves billing time to an instant, by two years at most; all that is due until then happens, each
   * at its own instant. While `status` is `advancing`, call `get` until it is `ready`.
   */
  advance(to: { to: string }, options?: RequestOptions): Promise<TestClockState> {
    return this.#transport.send(
      { method: 'POST', path: ['test-clock', 'advance'], body: to },
      options,
    );
  }
}
