// Builds the page into the crate that embeds it; with --check it only compares. What is loaded
// first, and each file, has a limit.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'vite';

import { report } from '../../scripts/sizes.mjs';

const at = (path) => fileURLToPath(new URL(path, import.meta.url));
const dist = at('../../crates/portal-assets/dist');
const isCheck = process.argv.includes('--check');

const { output } = await build({ configFile: at('../vite.config.js'), build: { write: false } });
const built = new Map(
  output.map(({ fileName, code, source }) => [fileName, Buffer.from(code ?? source)]),
);

if (isCheck) {
  const committed = readdirSync(dist, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(dist.length + 1));
  const names = new Set([...committed, ...built.keys()]);
  const others = [...names].filter(
    (name) =>
      !built.has(name) ||
      !committed.includes(name) ||
      !built.get(name).equals(readFileSync(join(dist, name))),
  );
  if (others.length > 0) {
    throw new Error(`crates/portal-assets/dist is out of date, run make portal: ${others.join()}`);
  }
} else {
  rmSync(dist, { recursive: true, force: true });
  for (const [name, content] of built) {
    mkdirSync(dirname(join(dist, name)), { recursive: true });
    writeFileSync(join(dist, name), content);
  }
}

const scripts = [...built].filter(([name]) => name.endsWith('.js'));
const page = built.get('index.html').toString();
const first = scripts.filter(([name]) => page.includes(name));
const [, boot] = scripts.find(([name]) => name.startsWith('assets/boot-'));
const ofLanguages = output
  .filter(({ facadeModuleId }) => facadeModuleId?.includes('/src/languages/'))
  .map(({ fileName }) => fileName);
const languages = scripts.filter(([name]) => ofLanguages.includes(name));
const sum = (files) =>
  files.reduce((all, [, content]) => all + gzipSync(content, { level: 9 }).length, 0);
report([
  ['boot, not compressed', boot.length, 1],
  ['JavaScript of the first load', sum(first), 48],
  ['all JavaScript in English', sum(scripts.filter((one) => !languages.includes(one))), 60],
  ...languages.map((one) => [one[0], sum([one]), 6]),
]);
