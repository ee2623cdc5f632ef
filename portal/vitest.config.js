import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const locales = fileURLToPath(new URL('../sdk/react/src/locales', import.meta.url));

/** One server for all tests, and one file after another: they set its branding. */
export default defineConfig({
  resolve: {
    alias: [{ find: /^@unitpay\/react\/locales\/([\w-]+)$/, replacement: `${locales}/$1.ts` }],
  },
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: 'test/support/setup.ts',
    fileParallelism: false,
    testTimeout: 120_000,
    hookTimeout: 180_000,
  },
});
