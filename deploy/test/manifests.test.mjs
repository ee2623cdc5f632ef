// The files for Compose, Kubernetes, systemd and continuous integration.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
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

test('systemd settings are taken by the program', () => {
  const config = join(root, 'deploy/systemd/unitpay.toml');
  assert.match(takesSettings({ UNITPAY_CONFIG: config }), /no server answers/);
});
