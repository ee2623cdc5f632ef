import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { defineConfig } from 'tsdown';

/** Writes the style sheet twice: plain, and in `@layer unitpay` for pages that use layers. */
async function writeStyles() {
  const text = await readFile('src/styles.css', 'utf8');
  const css = text.replace(/\/\*.*?\*\/\n?/gs, '');
  await mkdir('dist', { recursive: true });
  await writeFile('dist/styles.css', css);
  await writeFile('dist/styles.layer.css', `@layer unitpay {\n${css}}\n`);
}

const languages = (await readdir('src/locales')).map((file) => `locales/${file.slice(0, -3)}`);
/**
 * Returns the file of a module, the same as its source's. Modules that are only loaded on demand are
 * files anyway, and in a group they would be wrapped.
 */
function fileOf(id, context) {
  const info = context.getModuleInfo(id);
  const isOnDemand = info?.dynamicImporters.length > 0 && info.importers.length === 0;
  return isOnDemand ? null : (sourceFile.exec(id)?.[1] ?? null);
}

const sourceFile = /\/(?:react|wire)\/src\/(.+?)(?<!\.d)\.tsx?$/;

export default defineConfig({
  entry: {
    core: 'src/core.ts',
    ...Object.fromEntries(languages.map((name) => [name, `src/${name}.ts`])),
    index: 'src/index.ts',
  },
  format: ['esm', 'cjs'],
  platform: 'neutral',
  target: 'es2022',
  fixedExtension: false,
  // The declarations keep the comments, which editors show. `eager` inlines those of @unitpay/wire.
  dts: { eager: true },
  inputOptions: {
    preserveEntrySignatures: 'allow-extension',
    checks: { pluginTimings: false },
  },
  // One file per source file, so that an app's bundler drops unused code and splits at our dynamic
  // imports.
  outputOptions: (options) => ({
    ...options,
    comments: { annotation: true, jsdoc: false, legal: false },
    banner: (chunk) => (chunk.name === 'index' ? "'use client';" : ''),
    // A part never has the name of an entry: the two would take each other's file.
    chunkFileNames: (chunk) =>
      typeof options.chunkFileNames === 'function'
        ? options.chunkFileNames(chunk)
        : options.chunkFileNames.replace('-[hash]', '.part'),
    codeSplitting: {
      includeDependenciesRecursively: false,
      groups: [{ name: fileOf }],
    },
  }),
  logLevel: 'warn',
  hooks: { 'build:done': writeStyles },
});
