/** Follows the README in a fresh Vite app with both packages as tarballs. */
import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';

import { startDemo } from '../../sdk/node/test/support/program.js';
import { launch } from '../../sdk/react/test/browser/support.js';
import { install, npm, repository, start, type Running } from './support/app.js';
import { open, seePortal } from './support/visit.js';

let demo: Awaited<ReturnType<typeof startDemo>>;
let browser: Browser;
let readme: string;

beforeAll(async () => {
  readme = await readFile(join(repository, 'README.md'), 'utf8');
  [demo, browser] = await Promise.all([startDemo(), launch()]);
});
afterAll(() => Promise.all([demo.stop(), browser.close()]));

/** As `npm create vite` makes it, without what is only for looks. */
async function freshApp(react: string): Promise<string> {
  const app = join(inject('root'), `react-${react}`);
  const files = {
    'package.json': JSON.stringify({
      private: true,
      type: 'module',
      scripts: {
        server: 'node server.js',
        dev: 'vite --host 127.0.0.1 --port 0',
        build: 'vite build',
        preview: 'vite preview --host 127.0.0.1 --port 0',
      },
      dependencies: { react, 'react-dom': react },
      devDependencies: { '@vitejs/plugin-react': '6.3.0', vite: '8.3.8' },
    }),
    'server.js': fileOf('server.js'),
    'index.html': `<!doctype html><html lang="en"><head><title>App</title>
      <link rel="icon" href="data:," /></head><body><div id="root"></div>
      <script type="module" src="/src/main.jsx"></script></body></html>`,
    'src/main.jsx': `import { StrictMode } from 'react';
      import { createRoot } from 'react-dom/client';
      import App from './App.jsx';
      createRoot(document.getElementById('root')).render(<StrictMode><App /></StrictMode>);`,
    'src/App.jsx': fileOf('src/App.jsx'),
  };
  await mkdir(join(app, 'src'), { recursive: true });
  for (const [name, text] of Object.entries(files)) await writeFile(join(app, name), text);
  const commands = [...readme.matchAll(/^npm install (\.\.\/unitpay\/.*)$/gm)];
  expect(commands.length).toBe(2);
  for (const [, packages = ''] of commands) {
    await install(app, ...packages.replaceAll('../unitpay', inject('root')).split(' '));
  }
  return app;
}

/** Returns the file that the README shows under this name. */
function fileOf(name: string): string {
  const file = readme.split(/^```.*\n/m).find((text) => text.startsWith(`// ${name}\n`));
  if (file === undefined) throw new Error(`the README has no ${name}`);
  return file;
}

/** Writes the README's configuration of Vite, with the port that the app's server got. */
async function proxyTo(app: string, server: Running): Promise<void> {
  const config = fileOf('vite.config.js');
  expect(config).toContain('http://127.0.0.1:3001');
  await writeFile(
    join(app, 'vite.config.js'),
    config.replace('http://127.0.0.1:3001', server.origin),
  );
}

async function seeIt(running: Running): Promise<void> {
  try {
    const { page, wrong, close } = await open(browser, running.origin);
    await seePortal(page, 'Ada Lovelace', 'Pro');
    expect(wrong).toEqual([]);
    await close();
  } finally {
    await running.stop();
  }
}

describe.each(['18.3.1', '19.3.1'])('with React %s', (react) => {
  let app: string;
  let server: Running;
  beforeAll(async () => {
    app = await freshApp(react);
    server = await start(app, ['server'], demo);
    await proxyTo(app, server);
  });
  afterAll(() => server.stop());

  test('the portal is there while the app is edited', async () => {
    await seeIt(await start(app, ['dev'], demo));
  });

  test('the portal is there in the app as it is built', async () => {
    await npm(app, 'run', 'build');
    await seeIt(await start(app, ['preview'], demo));
  });

  test.for([
    ['module', (entry: string) => `await import('${entry}')`],
    ['commonjs', (entry: string) => `require('${entry}')`],
  ] as const)('every entry loads under Node as %s and does nothing', async ([type, load]) => {
    const entries = [...(await entriesOf(app, 'node')), ...(await entriesOf(app, 'react'))];
    expect(entries).toContain('@unitpay/node/next');
    expect(entries).toContain('@unitpay/react/core');
    const program = `
      ${['react', 'react-dom', '@tanstack/react-query'].map(load).join(';')};
      const done = [];
      for (const name of ['fetch', 'setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask',
        'BroadcastChannel', 'MessageChannel', 'addEventListener'])
        globalThis[name] = () => done.push(name);
      const before = Reflect.ownKeys(globalThis).length;
      ${entries.map((entry) => `if (Object.keys(${load(entry)}).length === 0) done.push('${entry}')`).join(';')};
      if (Reflect.ownKeys(globalThis).length !== before) done.push('a global');
      console.log(JSON.stringify(done));`;
    const { stdout, stderr } = await promisify(execFile)(
      process.execPath,
      [`--input-type=${type}`, '--eval', program],
      { cwd: app },
    );
    expect([stdout, stderr]).toEqual(['[]\n', '']);
  });
});

/** Lists the entries of a package that code imports. */
async function entriesOf(app: string, name: string): Promise<string[]> {
  const manifest = join(app, 'node_modules/@unitpay', name, 'package.json');
  const { exports } = JSON.parse(await readFile(manifest, 'utf8')) as { exports: object };
  return (
    Object.keys(exports)
      // The web component is a script of a page: it exports nothing.
      .filter((entry) => !/\.(css|json|js)$/.test(entry))
      // A pattern stands for one entry per language.
      .map((entry) => `@unitpay/${name}${entry.slice(1).replace('*', 'de')}`)
  );
}
