import { defineConfig } from 'tsdown';

export default defineConfig({
  entry: ['src/index.ts', 'src/next.ts'],
  format: ['esm', 'cjs'],
  platform: 'neutral',
  target: 'es2022',
  fixedExtension: false,
  // The comments go into the types, where editors show them.
  dts: { eager: true },
  outputOptions: { comments: false },
  inputOptions: { checks: { pluginTimings: false } },
  logLevel: 'warn',
});
