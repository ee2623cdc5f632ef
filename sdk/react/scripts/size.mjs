// Measures the package as a page loads it: minified, compressed, without peers. Fails above a limit.
import { readdir, readFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { build } from 'vite';

import { report } from '../../../scripts/sizes.mjs';

const pathOf = (path) => new URL(`../dist/${path}`, import.meta.url).pathname;
const peers = [/^react($|\/)/, /^react-dom($|\/)/, /^@tanstack\/react-query$/];

/** Loaded only by customers of an organization that uses the processor. */
const isForm = (name) => /(stripe|sandbox)-form/.test(name);

/**
 * Bundles what `code` imports as Vite bundles an app. Of the chunks that are loaded on demand it
 * takes `part`: `all` but the forms of processors, `none`, or only these `forms`.
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
  const counted = [...loaded].filter((name) => isForm(name) === (part === 'forms'));
  return counted.map((name) => chunks.get(name).code).join('');
}

const languages = (await readdir(pathOf('locales')))
  .filter((file) => file.endsWith('.js') && file !== 'en.js')
  .map((file) => `locales/${file}`);

/** Returns an app's code that uses `names`, or everything, of a file of the package. */
function using(file, names) {
  const what = names ? `{ ${names} }` : '* as all';
  return `import ${what} from '${pathOf(file)}'; globalThis.used = [${names ?? 'all'}];`;
}

/** Each with its name, its limit in kB, its code, and the part that counts. */
const limits = [
  ['provider and one hook', 7, using('index.js', 'UnitPayProvider, useSubscriptions')],
  ['everything', 40, using('index.js')],
  ['forms of processors', 7, using('index.js'), 'forms'],
  ['PricingTable', 16, using('index.js', 'PricingTable'), 'none'],
  ...languages.map((file) => [file, 5, using(file)]),
  ['styles.css', 6],
  ['styles.layer.css', 6],
];

const rows = [];
for (const [name, limit, code, part] of limits) {
  const text = code ? await bundle(code, part) : await readFile(pathOf(name), 'utf8');
  rows.push([name, gzipSync(text, { level: 9 }).length, limit]);
}
report(rows);
