import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const root = fileURLToPath(new URL('../..', import.meta.url));
const react18 = ['react-dom', 'react'].map((name) => ({
  find: new RegExp(`^${name}(?=$|/)`),
  replacement: `${root}node_modules/${name}-18`,
}));

/** The hooks on both versions of React that the package takes; the rest needs one, or none. */
export default defineConfig({
  test: {
    globalSetup: 'test/support/setup.ts',
    testTimeout: 60_000,
    hookTimeout: 120_000,
    projects: [
      { extends: true, test: { name: 'core', include: ['test/core/**/*.test.ts'] } },
      {
        extends: true,
        test: {
          name: 'react-19',
          provide: { react: '19' },
          include: ['test/react/**/*.test.tsx'],
          environment: 'jsdom',
        },
      },
      {
        extends: true,
        resolve: { alias: react18 },
        test: {
          name: 'react-18',
          provide: { react: '18' },
          include: ['test/react/**/*.test.tsx'],
          environment: 'jsdom',
          setupFiles: 'test/support/react-18.ts',
          server: { deps: { inline: [/@tanstack/] } },
        },
      },
      { extends: true, test: { name: 'browser', include: ['test/browser/**/*.test.ts'] } },
    ],
  },
});
