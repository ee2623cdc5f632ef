// Builds `<unitpay-portal>`: one file with all that it needs, on Preact as the hosted page is.
import { readFileSync } from 'node:fs';
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

export default defineConfig({
  root: at('.'),
  publicDir: false,
  logLevel: 'error',
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
