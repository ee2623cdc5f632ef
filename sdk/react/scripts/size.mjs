// Measures the package as a page loads it: minified, compressed, without peers. Fails above a limit.
import { readFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { build } from 'vite';

import { report } from '../../../scripts/sizes.mjs';

const pathOf = (path) => new URL(`../dist/${path}`, import.meta.url).pathname;
const peers = [/^react($|\/)/, /^react-dom($|\/)/, /^@tanstack\/react-query$/];

async function bundled(code) {
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
  return output.map((chunk) => chunk.code ?? '').join('');
}

const limits = [
  [
    'provider and one hook',
    7,
    `export { UnitPayProvider, useSubscriptions } from '${pathOf('index.js')}';`,
  ],
  ['everything', 40, `export * from '${pathOf('index.js')}';`],
  ['German', 5, `export * from '${pathOf('locales/de.js')}';`],
  ['Arabic', 5, `export * from '${pathOf('locales/ar.js')}';`],
  ['styles.css', 6],
  ['styles.layer.css', 6],
];

const rows = [];
for (const [name, limit, code] of limits) {
  const text = code ? await bundled(code) : await readFile(pathOf(name), 'utf8');
  rows.push([name, gzipSync(text, { level: 9 }).length, limit]);
}
report(rows);
