import { defineConfig } from 'tsdown';

export default defineConfig({
  entry: ['src/index.ts', 'src/next.ts'],
  format: ['esm', 'cjs'],
  platform: 'neutral',
  target: 'es2022',
  fixedExtension: false,
  // The declarations keep the comments, which editors show. `eager` inlines those of @unitpay/wire.
  dts: { eager: true },
  outputOptions: { comments: false },
  inputOptions: {
    checks: { pluginTimings: false },
    // No comments with the paths of the sources.
    experimental: { attachDebugInfo: 'none' },
  },
  logLevel: 'warn',
});
