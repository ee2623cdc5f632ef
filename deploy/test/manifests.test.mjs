// The files for Compose, Kubernetes, systemd and continuous integration.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';

import {
  check,
  folderFor,
  program,
  refusedCheck,
  root,
  run,
  takesSettings,
  version,
  yaml,
} from './support.mjs';

const KUBERNETES = ['deploy/kubernetes/sqlite.yaml', 'deploy/kubernetes/postgres.yaml'];
const COMPOSE = ['deploy/compose.yaml', 'deploy/compose.postgres.yaml'];
/** Values for the variables that come from a secret or from the reader's environment. */
const SECRETS = {
  UNITPAY_DATABASE_URL: 'postgres://unitpay:x@postgres/unitpay?sslmode=disable',
  UNITPAY_MASTER_KEY: 'A'.repeat(43),
};

const podsOf = (file) =>
  yaml(file)
    .filter(({ spec }) => spec.template !== undefined)
    .map(({ spec }) => spec.template.spec);

test('kubernetes manifests match the published schemas', () => {
  for (const file of KUBERNETES) {
    for (const release of ['1.30', '1.37']) {
      const said = check('kubernetes-validate', '--strict', '--kubernetes-version', release, file);
      assert.match(said, /passed for resource (?:statefulset|deployment)\/unitpay/);
    }
  }
});

test('kubernetes schemas refuse a misspelled field', (t) => {
  const text = readFileSync(join(root, KUBERNETES[0]), 'utf8').replace('fsGroup:', 'fsGruop:');
  const file = join(folderFor(t), 'wrong.yaml');
  writeFileSync(file, text);
  const release = ['--kubernetes-version', '1.34'];
  assert.match(refusedCheck('kubernetes-validate', '--strict', ...release, file), /fsGruop/);
});

test('kubernetes pods run the shipped image with settings that it takes', () => {
  for (const file of KUBERNETES) {
    const [pod] = podsOf(file);
    const [container] = pod.containers;
    assert.ok(container.image.endsWith(`/unitpay:${version()}`), container.image);
    const variables = container.env.map(({ name, value }) => [name, value ?? SECRETS[name]]);
    assert.match(takesSettings(Object.fromEntries(variables)), /no server answers/);
    // Pods of the "restricted" standard; the group owns the volume.
    assert.ok(pod.securityContext.runAsNonRoot);
    assert.equal(pod.securityContext.runAsUser, 65532);
    assert.deepEqual(container.securityContext.capabilities.drop, ['ALL']);
    assert.ok(container.securityContext.readOnlyRootFilesystem);
    const seconds = pod.terminationGracePeriodSeconds - container.lifecycle.preStop.sleep.seconds;
    assert.ok(seconds > 25, 'http.drain_seconds');
    if (container.volumeMounts) assert.equal(pod.securityContext.fsGroup, 65532);
  }
});

test('compose files match the specification and the program', () => {
  for (const file of COMPOSE) {
    check('check-jsonschema', '--builtin-schema', 'vendor.compose-spec', file);
    const [{ services }] = yaml(file);
    const { unitpay } = services;
    assert.equal(unitpay.image, `unitpay:${version()}`);
    assert.ok(unitpay.read_only);
    const variables = Object.keys(unitpay.environment).map((name) => [
      name,
      SECRETS[name] ?? 'http://localhost:4000',
    ]);
    assert.match(takesSettings(Object.fromEntries(variables)), /no server answers/);
  }
});

test('workflows match their schema', () => {
  check(
    'check-jsonschema',
    '--builtin-schema',
    'vendor.github-workflows',
    '.github/workflows/release.yml',
  );
});

test('systemd unit is valid and exposes little', (t) => {
  const folder = folderFor(t);
  const unit = join(folder, 'unitpay.service');
  const text = readFileSync(join(root, 'deploy/systemd/unitpay.service'), 'utf8');
  writeFileSync(unit, text.replace('/usr/local/bin/unitpay', program));
  run('systemd-analyze', ['verify', '--man=no', unit]);
  // In tenths: at most 2.0.
  run('systemd-analyze', ['security', '--offline=true', '--threshold=20', '--no-pager', unit]);
  const open = text.replace(/^(?:SystemCall|Restrict|Protect).*$/gm, '');
  writeFileSync(unit, open.replace('/usr/local/bin/unitpay', program));
  assert.throws(() =>
    run('systemd-analyze', ['security', '--offline=true', '--threshold=20', '--no-pager', unit]),
  );
});

/** Returns the system calls of a group of systemd's, with those of the groups in it. */
function systemCalls(group) {
  const lines = run('systemd-analyze', ['syscall-filter', group]).split('\n').slice(1);
  const names = lines.map((line) => line.trim()).filter((line) => /^@?\w/.test(line));
  return names.flatMap((name) => (name.startsWith('@') ? systemCalls(name) : [name]));
}

/** Runs the program on a store and returns the system calls that it makes. */
async function calledBy(folder) {
  const trace = join(folder, 'trace');
  const store = ['--data-dir', join(folder, 'data')];
  const traced = ['--follow-forks', '--quiet=all', `--output=${trace}`, program];
  const server = spawn('strace', [...traced, 'serve', '--listen=127.0.0.1:0', ...store], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const ended = new Promise((resolve) => server.on('close', resolve));
  let address;
  for await (const line of createInterface({ input: server.stderr })) {
    address = /listening on (\S+)/.exec(line)?.[1];
    if (address !== undefined) break;
  }
  server.stderr.resume();
  const key = run(program, ['keys', 'create', '--env=sandbox', ...store]).trim();
  const customer = JSON.stringify({ name: 'A', email: 'a@example.com' });
  const headers = ['-H', `x-api-key: ${key}`, '-H', 'content-type: application/json'];
  run('curl', ['-sSf', ...headers, '-d', customer, `${address}/v1/customers`]);
  const pid = readFileSync(trace, 'utf8').split(' ')[0];
  process.kill(Number(pid), 'SIGTERM');
  assert.equal(await ended, 0);
  return new Set(
    [...readFileSync(trace, 'utf8').matchAll(/^\d+ +(\w+)\(/gm)].map(([, name]) => name),
  );
}

test('systemd unit allows the system calls that the program makes', async (t) => {
  const unit = readFileSync(join(root, 'deploy/systemd/unitpay.service'), 'utf8');
  const filters = [...unit.matchAll(/^SystemCallFilter=(.*)$/gm)].map(([, groups]) => groups);
  assert.deepEqual(filters, ['@system-service', '~@privileged @resources']);
  const denied = new Set(['@privileged', '@resources'].flatMap(systemCalls));
  const allowed = new Set(['@system-service', '@default'].flatMap(systemCalls));
  const called = await calledBy(folderFor(t));
  // SQLite keeps the owner of its files when root runs it, as it does in this test.
  if (process.getuid() === 0) called.delete('fchown');
  assert.ok(called.has('fsync') && called.has('accept4'), [...called].join(' '));
  const refusedCalls = [...called].filter((name) => denied.has(name) || !allowed.has(name));
  assert.deepEqual(refusedCalls, []);
});

test('systemd settings are taken by the program', () => {
  const config = join(root, 'deploy/systemd/unitpay.toml');
  assert.match(takesSettings({ UNITPAY_CONFIG: config }), /no server answers/);
});
