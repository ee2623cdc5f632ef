// Packs the package as it would be published and checks the tarball: what it holds, and whether
// every kind of importer finds its code and its types. Options go to attw. Needs no network.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const folder = mkdtempSync(join(tmpdir(), 'unitpay-pack-'));
const run = (command, ...options) => execFileSync(command, options, { stdio: 'inherit' });
try {
  run('npm', 'pack', '--silent', '--ignore-scripts', '--pack-destination', folder);
  const tarball = join(folder, readdirSync(folder)[0]);
  run('tar', '-tzf', tarball);
  run('publint', 'run', tarball, '--strict');
  run('attw', tarball, '--no-definitely-typed', '--format', 'ascii', ...process.argv.slice(2));
} finally {
  rmSync(folder, { recursive: true });
}
