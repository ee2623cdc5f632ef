/**
 * The clock, the timer and the randomness, passed in so that tests decide them.
 *
 * Nothing else in this package reads the time or draws a random number, but for the idempotency
 * key, which is a random UUID.
 */
export interface Runtime {
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /** At least 0 and below 1. */
  random(): number;
  /** Runs `task` after that many milliseconds, and returns what cancels it. */
  after(milliseconds: number, task: () => void): () => void;
}

export const systemRuntime: Runtime = {
  now: () => Date.now(),
  random: () => Math.random(),
  after(milliseconds, task) {
    const timer = setTimeout(task, milliseconds);
    return () => {
      clearTimeout(timer);
    };
  },
};
