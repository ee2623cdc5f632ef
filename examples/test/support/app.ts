/** An integrator's app: a folder of its own, with what npm installs into it. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { lineWith, type Server } from '../../../sdk/node/test/support/program.js';

export const repository = fileURLToPath(new URL('../../..', import.meta.url));

/** The environment of a terminal, without the variables of the test run. */
const env = { ...process.env, NODE_ENV: undefined };

export async function npm(cwd: string, ...command: string[]): Promise<void> {
  const run = promisify(execFile)('npm', command, { cwd, env, maxBuffer: 2 ** 24 });
  await run.catch((error: unknown) => {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    throw new Error(`npm ${command.join(' ')}\n${stdout}${stderr}`);
  });
}

/** Needs nothing of the registry that npm has already. */
export function install(app: string, ...packages: string[]): Promise<void> {
  return npm(app, 'install', '--prefer-offline', '--no-audit', '--no-fund', ...packages);
}

/** A copy of an example, without what a developer may have made in it. */
export async function copyOf(example: string, root: string): Promise<string> {
  const app = join(root, 'examples', example);
  const made = ['node_modules', 'dist', '.next'];
  await cp(join(repository, 'examples', example), app, {
    recursive: true,
    filter: (file) => !made.includes(basename(file)),
  });
  return app;
}

export interface Running {
  origin: string;
  stop: () => Promise<void>;
}

/** Runs a script of the app's until it says where it listens. */
export async function start(
  app: string,
  command: string[],
  { apiKey, baseUrl }: Pick<Server, 'apiKey' | 'baseUrl'>,
  settings: NodeJS.ProcessEnv = {},
): Promise<Running> {
  const child = spawn('npm', ['run', ...command], {
    cwd: app,
    env: {
      ...env,
      UNITPAY_API_KEY: apiKey,
      UNITPAY_BASE_URL: baseUrl,
      PORT: '0',
      NO_COLOR: '1',
      ...settings,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
    // A group of its own: what npm started ends with it.
    detached: true,
  });
  const exited = once(child, 'exit');
  const origin = await lineWith(child, child.stdout, /(http:\/\/127\.0\.0\.1:\d+)/);
  return {
    origin,
    stop: async () => {
      process.kill(-(child.pid ?? 0), 'SIGTERM');
      await exited;
    },
  };
}
