// Measures the package as a page loads it: minified, compressed, without peers. Fails above a limit.
import { readdir, readFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { build } from 'vite';

import { report } from '../../../scripts/sizes.mjs';

const pathOf = (path) => new URL(`../dist/${path}`, import.meta.url).pathname;
const peers = [/^react($|\/)/, /^react-dom($|\/)/, /^@tanstack\/react-query$/];

/** Loaded only by those who use Stripe. */
const isStripe = (name) => name.includes('stripe-form');

/**
 * Bundles `code`. Of the chunks that are loaded on demand it takes `part`: `all` but Stripe's form,
 * `none`, or only `stripe`.
 */
async function bundle(code, part = 'all') {
  const id = 'virtual:entry';
  const entry = {
    name: 'entry',
    resolveId: (source) => (source === id ? `\0${id}` : null),
    load: (path) => (path === `\0${id}` ? code : null),
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
      rolldownOptions: { input: id, external: peers, preserveEntrySignatures: 'strict' },
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
  const counted = [...loaded].filter((name) => isStripe(name) === (part === 'stripe'));
  return counted.map((name) => chunks.get(name).code).join('');
}

const languages = (await readdir(pathOf('locales')))
  .filter((file) => file.endsWith('.js') && file !== 'en.js')
  .map((file) => `locales/${file}`);

/** Each with its name, its limit in kB, its code, and the part that counts. */
const limits = [
  [
    'provider and one hook',
    7,
    `export { UnitPayProvider, useSubscriptions } from '${pathOf('index.js')}';`,
  ],
  ['everything', 40.5, `export * from '${pathOf('index.js')}';`],
  ["Stripe's form", 6, `export * from '${pathOf('index.js')}';`, 'stripe'],
  ['PricingTable', 16, `export { PricingTable } from '${pathOf('index.js')}';`, 'none'],
  ...languages.map((file) => [file, 5, `export * from '${pathOf(file)}';`]),
  ['styles.css', 6],
  ['styles.layer.css', 6],
];

const rows = [];
for (const [name, limit, code, part] of limits) {
  const text = code ? await bundle(code, part) : await readFile(pathOf(name), 'utf8');
  rows.push([name, gzipSync(text, { level: 9 }).length, limit]);
}
report(rows);
