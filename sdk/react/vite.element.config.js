// Builds `<unitpay-portal>`: a script with all that it needs, on Preact as the hosted page is, and beside
// it a file for each language but English.
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

const at = (path) => fileURLToPath(new URL(path, import.meta.url));
const bundled = ['preact', '@tanstack/react-query', '@tanstack/query-core'];

/** Returns the licences of what is bundled, which have to go with it. */
function licences() {
  const texts = bundled.map((name) => {
    const folder = at(`../../node_modules/${name}`);
    return `${name}\n${readFileSync(`${folder}/LICENSE`, 'utf8').trim()}`;
  });
  return `/*!\n${[...new Set(texts)].join('\n\n')}\n*/`;
}

const LANGUAGE = /\/locales\/([\w-]+)\.(?:ts|js)$/;

/** Takes each language from its entry of the package, which is built before, into its own file. */
const languages = {
  name: 'languages',
  enforce: 'pre',
  resolveId: (source, importer) => {
    const [, tag] = LANGUAGE.exec(source) ?? [];
    return tag && tag !== 'en' && importer
      ? { id: `./unitpay-portal.${tag}.js`, external: true }
      : null;
  },
  async generateBundle() {
    for (const file of readdirSync(at('src/locales')).filter((name) => name !== 'en.ts')) {
      const tag = file.slice(0, -3);
      const texts = Object.entries(await import(at(`dist/locales/${tag}.js`)));
      const source = texts.map(([name, text]) => `export const ${name}=${JSON.stringify(text)};\n`);
      this.emitFile({
        type: 'asset',
        fileName: `unitpay-portal.${tag}.js`,
        source: source.join(''),
      });
    }
  },
};

/** Imports on demand without Vite's helper, which preloads what a chunk needs: it needs nothing. */
const importPlainly = {
  name: 'import-plainly',
  enforce: 'pre',
  load: (id) =>
    id === '\0vite/preload-helper.js' ? 'export const __vitePreload = (load) => load();' : null,
};

export default defineConfig({
  root: at('.'),
  publicDir: false,
  logLevel: 'error',
  plugins: [languages, importPlainly],
  define: { 'process.env.NODE_ENV': '"production"' },
  oxc: { jsx: { runtime: 'automatic', development: false } },
  resolve: {
    alias: [
      { find: /^react-dom\/client$/, replacement: 'preact/compat/client' },
      { find: /^react(-dom)?$/, replacement: 'preact/compat' },
      { find: /^react\/jsx-runtime$/, replacement: 'preact/jsx-runtime' },
    ],
  },
  build: {
    target: ['chrome123', 'safari17.5', 'firefox120'],
    emptyOutDir: false,
    modulePreload: false,
    outDir: at('dist'),
    rolldownOptions: {
      checks: { pluginTimings: false },
      input: at('src/element/unitpay-portal.tsx'),
      output: {
        codeSplitting: false,
        entryFileNames: 'unitpay-portal.js',
        postBanner: licences(),
      },
    },
  },
});
