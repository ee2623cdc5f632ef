/** A clock that the test moves, and timers that the test sees. */
import type { Runtime } from '../../src/runtime.js';

export class ManualRuntime implements Runtime {
  /** Milliseconds since the Unix epoch; stands still unless the test moves it. */
  time = Date.now();
  /** The length of each pause between attempts. They do not last. */
  readonly pauses: number[] = [];
  /** Where set, pauses begin and do not end; called with each. */
  onPause: (() => void) | undefined;
  readonly #deadlines = new Set<() => void>();

  now = (): number => this.time;

  random = (): number => 0.5;

  /** A client's timeout is told from a pause by its length: see `TIMEOUT`. */
  after = (milliseconds: number, task: () => void): (() => void) => {
    if (milliseconds === TIMEOUT) {
      this.#deadlines.add(task);
      return () => this.#deadlines.delete(task);
    }
    this.pauses.push(milliseconds);
    if (this.onPause) {
      this.onPause();
      return () => undefined;
    }
    const immediate = setImmediate(task);
    return () => {
      clearImmediate(immediate);
    };
  };

  /** Lets every attempt that is under way time out. */
  passDeadlines(): void {
    for (const task of this.#deadlines) task();
  }

  /** Timers that were neither cancelled nor ran. */
  get deadlines(): number {
    return this.#deadlines.size;
  }
}

/** The client's timeout in tests with a manual clock. */
export const TIMEOUT = 29_999;
