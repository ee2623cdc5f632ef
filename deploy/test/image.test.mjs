// The container image: built from the Containerfile and run by an OCI runtime, without a container
// engine. The compiling stage is replaced by a program that is built already. Needs root, buildah
// and runc.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';

import { program, root, run } from './support.mjs';

const PUBLIC = { UNITPAY_PUBLIC_URL: 'http://localhost:4000' };
let folder;
let image;

const buildah = (...args) =>
  run('buildah', [
    `--root=${folder}/storage`,
    `--runroot=${folder}/run`,
    '--storage-driver=vfs',
    ...args,
  ]).trim();
const runc = (...args) => run('runc', [`--root=${folder}/runc`, ...args]);

before(() => {
  folder = mkdtempSync(join(tmpdir(), 'unitpay-image-'));
  run('scripts/rootfs', [program, join(folder, 'image')]);
  buildah(
    'bud',
    '--quiet',
    '--isolation=chroot',
    '--format=docker',
    '--timestamp=0',
    `--build-context=image=${folder}`,
    '--tag=unitpay',
    '--file=Containerfile',
    root,
  );
  const { config } = JSON.parse(buildah('inspect', '--type=image', 'unitpay')).Docker;
  const container = buildah('from', '--pull-never', 'unitpay');
  image = { ...config, path: buildah('mount', container) };
});

after(() => {
  buildah('umount', '--all');
  rmSync(folder, { recursive: true, force: true });
});

/** Runs the image as a container engine does: its user, a read-only root, no capability. */
class Container {
  static #next = 0;

  constructor(volume, { env = {}, groups = [] } = {}) {
    this.name = `unitpay-test-${String(process.pid)}-${String(Container.#next++)}`;
    const bundle = join(folder, this.name);
    mkdirSync(bundle);
    writeFileSync(join(bundle, 'config.json'), JSON.stringify(settings(volume, env, groups)));
    this.lines = [];
    this.child = spawn('runc', [`--root=${folder}/runc`, 'run', `--bundle=${bundle}`, this.name], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const lines = createInterface({ input: this.child.stderr });
    this.ended = new Promise((resolve) => this.child.on('close', resolve));
    this.listening = new Promise((resolve, reject) => {
      lines.on('line', (line) => {
        this.lines.push(line);
        if (line.includes('listening on')) resolve();
      });
      void this.ended.then(() => reject(new Error(this.lines.join('\n'))));
    });
    this.listening.catch(() => undefined);
  }

  /** Runs a command in the container and returns its output. */
  exec(...args) {
    return runc('exec', this.name, ...args);
  }

  get pid() {
    return JSON.parse(runc('state', this.name)).pid;
  }

  /** Calls the server from a process of this machine in the container's network. */
  call(key, path, body) {
    const url = `http://127.0.0.1:4000/v1/${path}`;
    const request = ['--silent', '--fail-with-body', '--header', `x-api-key: ${key}`];
    if (body !== undefined) {
      request.push('--header', 'content-type: application/json', '--data', JSON.stringify(body));
    }
    const network = ['--net', '--target', String(this.pid)];
    return JSON.parse(run('nsenter', [...network, 'curl', ...request, url]));
  }

  async stop() {
    runc('kill', this.name, image.StopSignal ?? 'SIGTERM');
    return this.ended;
  }
}

function settings(volume, env, groups) {
  const variables = [
    ...image.Env,
    ...Object.entries(env).map(([name, value]) => `${name}=${value}`),
  ];
  const [uid, gid] = image.User.split(':').map(Number);
  return {
    ociVersion: '1.0.0',
    process: {
      user: { uid, gid, additionalGids: groups },
      args: [...image.Entrypoint, ...image.Cmd],
      env: variables,
      cwd: '/',
      capabilities: {},
      noNewPrivileges: true,
    },
    root: { path: image.path, readonly: true },
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc' },
      { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'mode=755'] },
      { destination: '/etc/hosts', type: 'bind', source: '/etc/hosts', options: ['bind', 'ro'] },
      { destination: '/data', type: 'bind', source: volume, options: ['rbind', 'rw'] },
    ],
    linux: {
      namespaces: ['pid', 'network', 'ipc', 'uts', 'mount'].map((type) => ({ type })),
    },
  };
}

/** Makes a volume with this owner and mode. */
function volumeOf(name, uid, gid, mode) {
  const path = join(folder, name);
  mkdirSync(path);
  chownSync(path, uid, gid);
  chmodSync(path, mode);
  return path;
}

test('image names user, volume, port and health check', () => {
  assert.equal(image.User, '65532:65532');
  assert.deepEqual(Object.keys(image.Volumes), ['/data']);
  assert.deepEqual(Object.keys(image.ExposedPorts), ['4000/tcp']);
  assert.deepEqual(image.Healthcheck.Test, ['CMD', '/usr/local/bin/unitpay', 'healthcheck']);
  // A fresh volume of a container engine gets the content, owner and mode of the image's folder.
  const data = statSync(join(image.path, 'data'));
  assert.deepEqual([data.uid, data.gid, data.mode & 0o7777], [65532, 65532, 0o700]);
  // No shell, and nothing that others may change.
  assert.deepEqual(readdirSync(join(image.path, 'usr/local/bin')), ['unitpay']);
  assert.ok(statSync(join(image.path, 'etc/ssl/certs/ca-certificates.crt')).size > 100_000);
});

test('image serves on a fresh volume and keeps it over a restart', async () => {
  const volume = join(folder, 'fresh');
  run('cp', ['--archive', join(image.path, 'data'), volume]);
  const first = new Container(volume, { env: PUBLIC });
  await first.listening;
  const [, ...healthcheck] = image.Healthcheck.Test;
  assert.equal(first.exec(...healthcheck), 'ready\n');
  const key = first.exec('unitpay', 'keys', 'create', '--env', 'sandbox').trim();
  const customer = first.call(key, 'customers', { name: 'A', email: 'a@example.com' });
  const { token } = first.call(key, 'portal-sessions', { customerId: customer.id });
  assert.equal(token.split('.').length, 3);
  const status = readFileSync(`/proc/${String(first.pid)}/status`, 'utf8');
  assert.match(status, /^Uid:\t65532\t65532/m);
  assert.match(status, /^CapBnd:\t0+$/m);
  assert.throws(() => first.exec('unitpay', 'manual', '/etc/man'), /Read-only file system/);
  // The names of hosts are resolved: the refusal comes from the machine.
  const elsewhere = 'postgres://u@localhost:1/d?sslmode=disable';
  const master = `--env=UNITPAY_MASTER_KEY=${'A'.repeat(43)}`;
  assert.throws(
    () => runc('exec', master, first.name, 'unitpay', 'keys', 'list', '--database-url', elsewhere),
    /refused/,
  );
  assert.equal(await first.stop(), 0);

  const second = new Container(volume, { env: PUBLIC });
  await second.listening;
  assert.equal(second.call(key, `customers/${customer.id}`).id, customer.id);
  assert.equal(await second.stop(), 0);
});

test('image serves on a volume of its group, as kubernetes prepares it', async () => {
  const volume = volumeOf('group', 0, 65532, 0o2775);
  const first = new Container(volume, { env: PUBLIC, groups: [65532] });
  await first.listening;
  assert.equal(await first.stop(), 0);
  // Before the next start the group gets everything again.
  run('chgrp', ['--recursive', '65532', volume]);
  run('chmod', ['--recursive', 'g+rwX', volume]);
  const second = new Container(volume, { env: PUBLIC, groups: [65532] });
  await second.listening;
  assert.equal(await second.stop(), 0);
});

test('image refuses a volume of root and says how to hand it over', async () => {
  const container = new Container(volumeOf('of-root', 0, 0, 0o700), { env: PUBLIC });
  assert.equal(await container.ended, 1);
  assert.match(container.lines.join('\n'), /chown 65532:65532 \/data/);
});

test('image asks for the public address', async () => {
  const container = new Container(volumeOf('no-address', 65532, 65532, 0o700));
  assert.equal(await container.ended, 1);
  assert.match(container.lines.join('\n'), /needs public_url/);
});
