// Measures the package as a page loads it: minified, compressed, without peers. Fails above a limit.
import { readdir, readFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { build } from 'vite';

import { report } from '../../../scripts/sizes.mjs';

const pathOf = (path) => new URL(`../dist/${path}`, import.meta.url).pathname;
const peers = [/^react($|\/)/, /^react-dom($|\/)/, /^@tanstack\/react-query$/];

/** Loaded only where a processor's form is shown, or where an address is edited. */
const PARTS = { forms: /(stripe|sandbox|http)-form/, regions: /regions/ };
const partOf = (name) => Object.keys(PARTS).find((part) => PARTS[part].test(name)) ?? 'all';

/**
 * Bundles what `code` imports as Vite bundles an app. Of the chunks that are loaded on demand it
 * takes `part`: `none`, one of `PARTS`, or `all` others.
 */
async function bundle(code, part = 'all') {
  const id = 'virtual:entry';
  const sources = {
    [`\0${id}`]: code,
    // Vite's own code that preloads chunks is the app's, not the package's.
    '\0vite/preload-helper.js': 'export const __vitePreload = (load) => load();',
  };
  const entry = {
    name: 'entry',
    enforce: 'pre',
    resolveId: (source) => (source === id ? `\0${id}` : null),
    load: (path) => sources[path] ?? null,
  };
  const { output } = await build({
    configFile: false,
    logLevel: 'error',
    define: { 'process.env.NODE_ENV': '"production"' },
    plugins: [entry],
    build: {
      write: false,
      minify: true,
      target: 'es2022',
      rolldownOptions: { input: id, external: peers },
    },
  });
  const chunks = new Map(output.map((chunk) => [chunk.fileName, chunk]));
  const [first] = output.filter(({ isEntry }) => isEntry);
  const loaded = new Set([first.fileName]);
  for (const name of loaded) {
    const { imports, dynamicImports } = chunks.get(name) ?? { imports: [], dynamicImports: [] };
    for (const next of part === 'none' ? imports : [...imports, ...dynamicImports]) {
      if (chunks.has(next)) loaded.add(next);
    }
  }
  const counted = [...loaded].filter((name) => part === 'none' || partOf(name) === part);
  return counted.map((name) => chunks.get(name).code).join('');
}

const languages = (await readdir(pathOf('locales')))
  .filter((file) => file.endsWith('.js') && file !== 'en.js')
  .map((file) => `locales/${file}`);

/** Returns an app's code that uses `names` of a file of the package, or all that it exports. */
async function using(file, names) {
  const used = names ?? Object.keys(await import(pathOf(file))).join();
  return `import { ${used} } from '${pathOf(file)}'; globalThis.used = [${used}];`;
}

/** Each with its name, its limit in kB, its code, and the part that counts. */
const limits = [
  ['provider and one hook', 7, await using('index.js', 'UnitPayProvider, useSubscriptions')],
  ['everything', 40.6, await using('index.js')],
  ['regions of addresses', 8, await using('index.js'), 'regions'],
  ['forms of processors', 6, await using('index.js'), 'forms'],
  ['PricingTable', 16, await using('index.js', 'PricingTable'), 'none'],
  ...(await Promise.all(languages.map(async (file) => [file, 5.5, await using(file)]))),
  ['styles.css', 6],
  ['styles.layer.css', 6],
  // The whole portal in English, on Preact, with its styles and licences.
  ['unitpay-portal.js', 75],
];

const rows = [];
for (const [name, limit, code, part] of limits) {
  const text = code ? await bundle(code, part) : await readFile(pathOf(name), 'utf8');
  rows.push([name, gzipSync(text, { level: 9 }).length, limit]);
}
report(rows);
