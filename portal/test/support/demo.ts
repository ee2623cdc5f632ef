/** The real program's demo: a server with a company that has customers, invoices and usage. */
import { spawn } from 'node:child_process';

import { lineWith, stop } from '../../../sdk/node/test/support/program.js';

const BUILT = new URL('../../../target/debug/unitpay', import.meta.url).pathname;
/** The program refuses `UNITPAY_…` variables that it does not know. */
const { UNITPAY_BIN: PROGRAM = BUILT, ...env } = process.env;

export interface Demo {
  origin: string;
  apiKey: string;
  /** The link that it printed. */
  url: string;
  stop: () => Promise<void>;
}

export async function startDemo(settings: NodeJS.ProcessEnv = {}): Promise<Demo> {
  const child = spawn(PROGRAM, ['demo', '--listen', '127.0.0.1:0'], {
    env: { ...env, ...settings },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const line = (pattern: RegExp) => lineWith(child, child.stdout, pattern);
  const [origin, url, apiKey] = await Promise.all([
    line(/running at (http:\S+)/),
    line(/^(http:\S+\/portal#\S+)$/),
    line(/UNITPAY_API_KEY=(\S+)/),
  ]);
  return { origin, url, apiKey, stop: () => stop(child) };
}
