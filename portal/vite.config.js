import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

const at = (path) => fileURLToPath(new URL(path, import.meta.url));
const sdk = at('../sdk/react/src');

/** Makes the boot script `async`, so that it runs before the document is parsed. */
const bootFirst = {
  name: 'boot-first',
  transformIndexHtml: {
    order: 'post',
    handler: (html) => html.replace(/<script (?=[^>]*\/boot-)/, '<script async '),
  },
};

/** Imports on demand without Vite's helper, which preloads style sheets: there is one for all. */
const importPlainly = {
  name: 'import-plainly',
  enforce: 'pre',
  load: (id) =>
    id === '\0vite/preload-helper.js' ? 'export const __vitePreload = (load) => load();' : null,
};

/** The builds of `/portal/pay` and `/portal/login` have no file in common with that of the portal. */
const isPortal = (mode) => mode === 'production';

/** Puts everything that the first view needs in one file; each dynamic import gets its own. */
function chunkOf(id, context) {
  // The language files import `flat` while `main` still awaits them.
  if (id === at('src/boot.ts') || id === `${sdk}/format/flat.ts`) return 'boot';
  const seen = new Set();
  const isFirst = (one) => {
    if (one === at('src/main.tsx')) return true;
    if (seen.has(one)) return false;
    seen.add(one);
    return context.getModuleInfo(one).importers.some(isFirst);
  };
  return isFirst(id) || id === at('index.html') ? 'main' : null;
}

export default defineConfig(({ mode }) => ({
  root: at('.'),
  base: '/portal/',
  publicDir: false,
  logLevel: 'error',
  plugins: [bootFirst, importPlainly],
  define: { 'process.env.NODE_ENV': '"production"' },
  resolve: {
    alias: [
      // The portal leaves for `/portal/pay` where the package would load Stripe's script.
      ...(!isPortal(mode)
        ? []
        : [{ find: /^\.\/stripe-form\.js$/, replacement: at('src/stripe-form.tsx') }]),
      { find: /^@unitpay\/react\/styles\.css$/, replacement: `${sdk}/styles.css` },
      { find: /^@unitpay\/react\/locales\/([\w-]+)$/, replacement: `${sdk}/locales/$1.ts` },
      { find: /^react-dom\/client$/, replacement: 'preact/compat/client' },
      { find: /^react(-dom)?$/, replacement: 'preact/compat' },
      { find: /^react\/jsx-runtime$/, replacement: 'preact/jsx-runtime' },
    ],
  },
  build: {
    target: ['chrome123', 'safari17.5', 'firefox120'],
    modulePreload: false,
    assetsInlineLimit: 0,
    cssCodeSplit: false,
    rolldownOptions: {
      input: isPortal(mode) ? { main: at('index.html') } : { [mode]: at(`${mode}.html`) },
      checks: { pluginTimings: false },
      output: {
        chunkFileNames: `assets/${isPortal(mode) ? '' : `${mode}-`}[name]-[hash].js`,
        ...(!isPortal(mode)
          ? {}
          : {
              codeSplitting: { includeDependenciesRecursively: false, groups: [{ name: chunkOf }] },
            }),
      },
    },
  },
}));
