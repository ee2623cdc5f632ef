// Shared by the tests of what is shipped.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url));
/** The program to pack; a debug build is enough. */
export const program = process.env.PROGRAM ?? join(root, 'target/debug/unitpay');
/** The commands of the Python environment that `make test-release` makes. */
const checks = join(root, 'target/checks/bin');

/** Makes a folder that is removed after the test. */
export function folderFor(t) {
  const folder = mkdtempSync(join(tmpdir(), 'unitpay-ship-'));
  t.after(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

/** Runs a command and returns its output. */
export function run(command, args, options = {}) {
  const output = execFileSync(command, args, {
    cwd: root,
    maxBuffer: 1 << 28,
    stdio: ['ignore', 'pipe', 'pipe'],
    ...options,
  });
  return output.toString();
}

/** Runs a command that must fail and returns its output. */
export function refused(command, args, options = {}) {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: root, ...options });
  if (status === 0) throw new Error(`${command} ${args.join(' ')} did not fail`);
  return `${String(stdout)}${String(stderr)}`;
}

/** Runs a check and returns its output. */
export function check(command, ...args) {
  return run(join(checks, command), args);
}

/** Runs a check that must fail and returns its output. */
export function refusedCheck(command, ...args) {
  return refused(join(checks, command), args);
}

/** Returns the documents of a YAML file. */
export function yaml(file) {
  const read =
    'import json, sys, yaml; print(json.dumps(list(yaml.safe_load_all(open(sys.argv[1])))))';
  return JSON.parse(check('python', '-c', read, join(root, file)));
}

/** Returns the version of the program. */
export function version() {
  return run(program, ['-V']).trim().split(' ')[1];
}

/** Asserts that the program takes these variables: it comes as far as asking the server. */
export function takesSettings(variables) {
  const env = { PATH: process.env.PATH, ...variables };
  return refused(program, ['healthcheck', '--listen', '127.0.0.1:1'], { env });
}
