import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['*.test.ts'],
    globalSetup: 'support/setup.ts',
    testTimeout: 300_000,
    // Each has a server of its own, and waits for npm most of the time.
    maxWorkers: 3,
    // What is installed may have to come a long way first.
    hookTimeout: 900_000,
  },
});
