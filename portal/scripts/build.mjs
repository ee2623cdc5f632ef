// Builds the pages into the crate that embeds it; with --check it only compares. What is loaded
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

/** Returns the files of one page by name. */
async function filesOf(mode) {
  const options = { configFile: at('../vite.config.js'), mode, build: { write: false } };
  const { output } = await build(options);
  return new Map(
    output.map(({ fileName, code, source }) => [fileName, Buffer.from(code ?? source)]),
  );
}

const portal = await filesOf('production');
const [pay, login] = [await filesOf('pay'), await filesOf('login')];
const built = new Map([...portal, ...pay, ...login]);

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

const scriptsOf = (files) => [...files].filter(([name]) => name.endsWith('.js'));
const firstOf = (files, page) => {
  const text = files.get(page).toString();
  return scriptsOf(files).filter(([name]) => text.includes(name));
};
const scripts = scriptsOf(portal);
const [, boot] = scripts.find(([name]) => name.startsWith('assets/boot-'));
const languages = scripts.filter(([name]) => /^assets\/[a-z]{2}-/.test(name));
/** Loaded only where a processor's form is shown, an address edited, or a link to an invoice opened. */
const isRare = ([name]) =>
  /^assets\/(stripe-form|http-form|returned|sandbox-form|regions|invoice)-/.test(name);
const english = scripts.filter((one) => !languages.includes(one) && !isRare(one));
const sum = (files) =>
  files.reduce((all, [, content]) => all + gzipSync(content, { level: 9 }).length, 0);
report([
  ['boot, not compressed', boot.length, 1],
  ['JavaScript of the first load', sum(firstOf(portal, 'index.html')), 48],
  ['all JavaScript in English', sum(english), 61.8],
  ...languages.map((one) => [one[0], sum([one]), 6.5]),
  ['JavaScript of the payment page', sum(firstOf(pay, 'pay.html')), 30],
  ['JavaScript of the sign-in page', sum(firstOf(login, 'login.html')), 12],
]);
