/** The server's program: the real binary, run as a user runs it. */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const BUILT = fileURLToPath(new URL('../../../../target/debug/unitpay', import.meta.url));
/** The program refuses `UNITPAY_…` variables that it does not know, and so does not see ours. */
const { UNITPAY_BIN: PROGRAM = BUILT, ...env } = process.env;

export interface Server {
  baseUrl: string;
  apiKey: string;
  dataDir: string;
  stop: () => Promise<void>;
}

/** Runs one command to its end and gives what it printed. */
export async function unitpay(dataDir: string, ...command: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(PROGRAM, [...command, '--data-dir', dataDir], {
    env,
  });
  return stdout.trim();
}

/** `settings` are configuration keys as environment variables. */
export async function startServer(settings: NodeJS.ProcessEnv = {}): Promise<Server> {
  const dataDir = await mkdtemp(join(tmpdir(), 'unitpay-sdk-'));
  const apiKey = await unitpay(dataDir, 'keys', 'create', '--env', 'sandbox');
  const arguments_ = ['serve', '--data-dir', dataDir, '--listen', '127.0.0.1:0'];
  const child = spawn(PROGRAM, arguments_, {
    env: { ...env, ...settings },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const origin = await lineWith(child, child.stderr, /listening on (http:\/\/127\.0\.0\.1:\d+)/);
  return {
    baseUrl: `${origin}/v1`,
    apiKey,
    dataDir,
    stop: async () => {
      await stop(child);
      await rm(dataDir, { recursive: true });
    },
  };
}

/** `unitpay demo`: customers with plans, invoices and months of use, on a store of its own. */
export async function startDemo(): Promise<Omit<Server, 'dataDir'>> {
  const child = spawn(PROGRAM, ['demo', '--listen', '127.0.0.1:0'], {
    env,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const exported = (name: string) =>
    lineWith(child, child.stdout, new RegExp(`^export ${name}=(\\S+)`));
  const names = ['UNITPAY_API_KEY', 'UNITPAY_BASE_URL'] as const;
  const [apiKey = '', baseUrl = ''] = await Promise.all(names.map(exported));
  return { apiKey, baseUrl, stop: () => stop(child) };
}

/** Sends SIGTERM and waits for a clean end. */
export async function stop(child: ChildProcess): Promise<void> {
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  const [code, signal] = (await exited) as [number | null, string | null];
  if (code !== 0) throw new Error(`the program ended with ${String(code ?? signal)}`);
}

/** Waits for a line that matches, gives its first group, and goes on reading. */
export function lineWith(child: ChildProcess, from: Readable, pattern: RegExp): Promise<string> {
  return new Promise((resolve, reject) => {
    const lines: string[] = [];
    createInterface(from).on('line', (line) => {
      lines.push(line);
      const found = pattern.exec(line)?.[1];
      if (found !== undefined) resolve(found);
    });
    child.once('error', reject);
    child.once('exit', () => {
      reject(new Error(`the program ended before its time:\n${lines.join('\n')}`));
    });
  });
}
