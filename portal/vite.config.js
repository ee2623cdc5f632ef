import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

const at = (path) => fileURLToPath(new URL(path, import.meta.url));
const sdk = at('../sdk/react/src');

/**
 * What is loaded when it is first shown, by the name of its chunk: of which file which components,
 * and how many lines high they are. The forms are together, since each leads to others.
 */
const LATER = {
  chart: { 'components/usage-chart': { UsageChart: 'chart' } },
  ledger: { 'components/ledger-table': { LedgerTable: 6 } },
  forms: {
    'components/auto-top-up': { AutoTopUpForm: 5 },
    'components/cancel-dialog': { CancelDialog: 0 },
    'components/details-form': { DetailsForm: 12 },
    'components/invoice-dialog': { InvoiceDialog: 0 },
    'components/payment-form': { PaymentForm: 4 },
    'components/plan-change-dialog': { PlanChangeDialog: 5 },
    'components/plans-dialog': { PlansDialog: 0 },
    'components/pricing-table': { PricingTable: 8 },
    'components/remove-dialog': { RemoveDialog: 0 },
    'components/settle-form': { SettleForm: 4 },
    'components/top-up': { TopUpForm: 3 },
    'ui/lines': { Lines: 3 },
  },
};
const CHUNK_OF = new Map(
  Object.entries(LATER).flatMap(([chunk, files]) =>
    Object.keys(files).map((file) => [`${sdk}/${file}.tsx`, chunk]),
  ),
);

/** Puts components that load them in the place of these files, for all but the chunks themselves. */
const later = {
  name: 'later',
  enforce: 'pre',
  async resolveId(source, importer, options) {
    if (source.startsWith('later:')) return `\0${source}`;
    if (!importer || importer.startsWith('\0later:chunk:')) return null;
    const found = await this.resolve(source, importer, { ...options, skipSelf: true });
    // The files of a chunk know each other as they are.
    const chunk = CHUNK_OF.get(found?.id);
    return chunk && chunk !== CHUNK_OF.get(importer) ? `\0later:file:${found.id}` : found;
  },
  load(id) {
    const [, kind, name] = /^\0later:(chunk|file):(.*)$/.exec(id) ?? [];
    const exported = (files, line) =>
      Object.entries(files).flatMap(([file, parts]) =>
        Object.entries(parts).map(([part, lines]) => line(part, `${sdk}/${file}.tsx`, lines)),
      );
    if (kind === 'chunk') {
      return exported(LATER[name], (part, file) => `export { ${part} } from '${file}';`).join('\n');
    }
    if (kind !== 'file') return null;
    const chunk = CHUNK_OF.get(name);
    const lines = exported(LATER[chunk], (part, file, height) =>
      file === name
        ? `export const ${part} = /* @__PURE__ */ later(() => load().then((m) => m.${part}), ${JSON.stringify(height)});`
        : '',
    );
    const head = `import { later } from '${at('src/later.tsx')}';
      const load = () => import('later:chunk:${chunk}');`;
    return [head, ...lines].join('\n');
  },
};

/** What the page needs none of. */
const without = {
  name: 'without',
  enforce: 'pre',
  resolveId: (source, importer) =>
    source === './mutationCache.js' && importer?.includes('/query-core/')
      ? at('src/no-mutations.ts')
      : null,
  // Vite's waits for the style sheets of chunks; there is one style sheet, and the page has it.
  load: (id) =>
    id === '\0vite/preload-helper.js' ? 'export const __vitePreload = (load) => load();' : null,
};

/** The boot runs as soon as it is there; the page's other script waits for the document. */
const bootFirst = {
  name: 'boot-first',
  transformIndexHtml: {
    order: 'post',
    handler: (html) => html.replace(/<script (?=[^>]*\/boot-)/, '<script async '),
  },
};

/** All that the page needs at first is one file; what it loads later has its own. */
function chunkOf(id, context) {
  // The languages need the texts' shape while the page, which waits for them, is not done yet.
  if (id === at('src/boot.ts') || id === `${sdk}/locales/flat.ts`) return 'boot';
  const seen = new Set();
  const isFirst = (one) => {
    if (one === at('src/main.tsx')) return true;
    if (seen.has(one)) return false;
    seen.add(one);
    return context.getModuleInfo(one).importers.some(isFirst);
  };
  return isFirst(id) || id === at('index.html') ? 'main' : null;
}

export default defineConfig({
  root: at('.'),
  base: '/portal/',
  publicDir: false,
  logLevel: 'error',
  plugins: [later, without, bootFirst],
  define: { 'process.env.NODE_ENV': '"production"' },
  resolve: {
    alias: [
      { find: /^@unitpay\/react$/, replacement: `${sdk}/index.ts` },
      { find: /^@unitpay\/react\/styles\.css$/, replacement: `${sdk}/styles.css` },
      { find: /^@unitpay\/react\/locales\/(\w+)$/, replacement: `${sdk}/locales/$1.ts` },
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
      input: { main: at('index.html') },
      checks: { pluginTimings: false },
      output: {
        chunkFileNames: ({ name }) => `assets/${name.replace(/^_later_chunk_/, '')}-[hash].js`,
        codeSplitting: { includeDependenciesRecursively: false, groups: [{ name: chunkOf }] },
      },
    },
  },
});
