// What a page loads of the package, minified and compressed, without the peers: each has a limit.
import { readFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { build } from 'vite';

import { report } from '../../../scripts/sizes.mjs';

const own = (path) => new URL(`../dist/${path}`, import.meta.url).pathname;
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
    6,
    `export { UnitPayProvider, useSubscriptions } from '${own('index.js')}';`,
  ],
  ['everything', 28, `export * from '${own('index.js')}';`],
  ['German', 4, `export * from '${own('locales/de.js')}';`],
  ['Arabic', 4, `export * from '${own('locales/ar.js')}';`],
  ['styles.css', 6],
  ['styles.layer.css', 6],
];

const rows = [];
for (const [name, limit, code] of limits) {
  const text = code ? await bundled(code) : await readFile(own(name), 'utf8');
  rows.push([name, gzipSync(text, { level: 9 }).length, limit]);
}
report(rows);
