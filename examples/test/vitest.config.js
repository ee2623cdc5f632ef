import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['*.test.ts'],
    globalSetup: 'support/setup.ts',
    testTimeout: 300_000,
    // What is installed may have to come a long way first.
    hookTimeout: 900_000,
  },
});
