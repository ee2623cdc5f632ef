import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { defineConfig } from 'tsdown';

const base = {
  format: ['esm', 'cjs'],
  platform: 'neutral',
  target: 'es2022',
  fixedExtension: false,
  // The comments go into the types, where editors show them.
  dts: { eager: true },
  inputOptions: { checks: { pluginTimings: false } },
  logLevel: 'warn',
};

/** The same rules twice: as they are, and in a layer for pages that order theirs by layers. */
async function writeStyles() {
  const text = await readFile('src/styles.css', 'utf8');
  const css = text.replace(/\/\*.*?\*\/\n?/gs, '');
  await mkdir('dist', { recursive: true });
  await writeFile('dist/styles.css', css);
  await writeFile('dist/styles.layer.css', `@layer unitpay {\n${css}}\n`);
}

export default defineConfig([
  {
    ...base,
    entry: {
      core: 'src/core.ts',
      'locales/de': 'src/locales/de.ts',
      'locales/ar': 'src/locales/ar.ts',
      index: 'src/index.ts',
    },
    // What the two entries share is one file: a session of the core is one of the components, too.
    outputOptions: (options) => ({
      ...options,
      comments: { annotation: true, jsdoc: false, legal: false },
      banner: (chunk) => (chunk.name === 'index' ? "'use client';" : ''),
    }),
    hooks: { 'build:done': writeStyles },
  },
]);
