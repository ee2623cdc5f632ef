import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

export default defineConfig(
  globalIgnores([
    '**/dist/',
    '**/node_modules/',
    'target/',
    'packages/wire/src/generated/',
    'sdk/node/test/consumer/guides/',
    // Its types are there only where it was installed; its build checks them.
    'examples/nextjs/',
  ]),
  {
    files: ['**/*.{ts,tsx}'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      // An empty text is none.
      '@typescript-eslint/prefer-nullish-coalescing': [
        'error',
        { ignorePrimitives: { string: true } },
      ],
    },
  },
  {
    files: ['**/*.js', '**/*.mjs', '**/*.cjs'],
    extends: [tseslint.configs.strict, tseslint.configs.stylistic],
  },
  {
    // It runs on Node, Bun, Deno and Workers alike: only what the Web has.
    files: ['sdk/node/src/**'],
    rules: { 'no-restricted-imports': ['error', { patterns: ['node:*'] }] },
  },
);
