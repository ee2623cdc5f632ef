// Takes the TypeScript out of the guides, so that it is compiled and run as it stands there: each guide
// becomes a module, and each block that names a file, in a comment on its first line, one of its own.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';

const target = new URL('../test/consumer/guides/', import.meta.url);
rmSync(target, { recursive: true, force: true });
mkdirSync(target);
for (const [name, path] of [
  ['readme', '../README.md'],
  ['billing', '../../../docs/billing.md'],
]) {
  const guide = readFileSync(new URL(path, import.meta.url), 'utf8');
  const blocks = [...guide.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code]) => code);
  if (blocks.length === 0) throw new Error(`${path} has no TypeScript`);
  const files = blocks.filter((code) => /^\/\/ \S+\.ts\b/.test(code));
  const lines = blocks.filter((code) => !files.includes(code));
  writeFileSync(new URL(`${name}.ts`, target), lines.join('\n'));
  files.forEach((code, at) => writeFileSync(new URL(`${name}-${at}.ts`, target), code));
}
