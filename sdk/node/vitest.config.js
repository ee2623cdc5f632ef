import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: 'test/support/setup.ts',
    // One after another: they share the server, and some its customer cus_123.
    fileParallelism: false,
  },
});
