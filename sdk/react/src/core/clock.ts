/**
 * The server's time, from the `Date` of its answers.
 *
 * `Date` has whole seconds, so each answer gives a range for how far the two clocks are apart. The
 * estimate is the smallest difference that agrees with the last answer: none, where the clocks
 * agree to the second.
 */
export class ServerClock {
  #offset = 0;
  /** Whether an answer has told the server's time yet. */
  known = false;
  readonly #onChange: () => void;

  /** `onChange`: what was planned by this clock is to be planned anew. */
  constructor(onChange: () => void) {
    this.#onChange = onChange;
  }

  /** Milliseconds since the Unix epoch. */
  now(): number {
    return Date.now() + this.#offset;
  }

  /** Notes an answer's `Date`; `sent` and `received` are this machine's time. */
  observe(date: string | null, sent: number, received: number): void {
    const server = Date.parse(date ?? '');
    if (Number.isNaN(server)) return;
    const least = server - received;
    const most = server + 1000 - sent;
    const offset = Math.min(Math.max(this.#offset, least), most);
    if (this.known && offset === this.#offset) return;
    this.#offset = offset;
    this.known = true;
    this.#onChange();
  }
}
