/** The built package, as a bundler finds it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const read = (path: string) => readFile(new URL(`../../${path}`, import.meta.url), 'utf8');

test('the main entry is a client module, and the core is none and knows no React', async () => {
  expect(await read('dist/index.js')).toMatch(/^"use client";/);
  expect(await read('dist/index.cjs')).toMatch(/use client/);
  const core = await read('dist/core.js');
  expect(core).not.toMatch(/use client|react/);
  for (const [, file = ''] of core.matchAll(/from "\.\/([^"]+)"/g)) {
    expect(await read(`dist/${file}`)).not.toMatch(/use client|from "react|tanstack/);
  }
});

test('it has no dependencies but its peers', async () => {
  const manifest = JSON.parse(await read('package.json')) as Record<string, object>;
  expect(manifest).not.toHaveProperty('dependencies');
  expect(Object.keys(manifest.peerDependencies ?? {}).sort()).toEqual([
    '@tanstack/react-query',
    'react',
    'react-dom',
  ]);
});

test('loading it does nothing, and needs no page', async () => {
  await expect(import('../../dist/index.js')).resolves.toHaveProperty('BillingPortal');
  await expect(import('../../dist/core.js')).resolves.toHaveProperty('connect');
});

test('the rules are of classes alone, and none insists', async () => {
  const css = await read('dist/styles.css');
  expect(css).not.toMatch(/!important|\/\*/);
  const preludes = css
    .replace(/@keyframes[^{]*\{(?:[^{}]*\{[^{}]*\})*\s*\}/g, '')
    .match(/[^{}]+(?=\{)/g)
    ?.map((prelude) => prelude.trim().split(';').at(-1)?.trim() ?? '')
    .filter((prelude) => !prelude.startsWith('@'));
  expect(preludes?.length).toBeGreaterThan(80);
  for (const prelude of preludes ?? []) {
    for (const selector of prelude.split(',')) {
      expect(selector.trim()).toMatch(/^\.upay/);
    }
  }
  const layered = await read('dist/styles.layer.css');
  expect(layered).toBe(`@layer unitpay {\n${css}}\n`);
});

test('size report ignores a closed pipe', async () => {
  const script = fileURLToPath(new URL('../../scripts/size.mjs', import.meta.url));
  const child = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  child.stderr.on('data', (text: Buffer) => (said += text.toString()));
  child.stdout.destroy();
  const [code] = (await once(child, 'close')) as [number | null];
  expect([code, said]).toEqual([0, '']);
});
