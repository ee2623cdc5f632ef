// The files of a release.
import assert from 'node:assert/strict';
import { copyFileSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { check, folderFor, program, refused, run, version } from './support.mjs';

const target = /, (.*)\)$/.exec(run(program, ['--version']).trim())[1];
const name = `unitpay-${version()}-${target}`;

test('release is complete, reproducible and signed', (t) => {
  const folder = folderFor(t);
  const key = join(folder, 'key');
  run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'releaser', '-f', key]);
  const make = (out, more = {}) =>
    run('scripts/release', [], { env: { ...process.env, PROGRAM: program, OUT: out, ...more } });
  const [first, second] = [join(folder, 'first'), join(folder, 'second')];
  make(first, { SIGNING_KEY: key });
  // Another place, umask and time zone; the clock has moved on, too.
  run('sh', ['-c', 'umask 077; exec scripts/release'], {
    env: { ...process.env, PROGRAM: program, OUT: second, TZ: 'Asia/Tokyo', LC_ALL: 'C' },
  });
  for (const file of [`${name}.tar.gz`, `${name}.cdx.json`, 'SHA256SUMS']) {
    assert.ok(readFileSync(join(first, file)).equals(readFileSync(join(second, file))), file);
  }
  assert.ok(!readdirSync(second).includes('SHA256SUMS.sig'));
  verify(folder, first, key);
  unpack(folder, first);
});

/** Verifies checksums and signature as docs/operate.md says. */
function verify(folder, release, key) {
  run('sha256sum', ['--check', '--strict', 'SHA256SUMS'], { cwd: release });
  const signers = join(folder, 'allowed_signers');
  writeFileSync(signers, `releases@example.com ${readFileSync(`${key}.pub`, 'utf8')}`);
  const arguments_ = ['-Y', 'verify', '-f', signers, '-I', 'releases@example.com', '-n', 'file'];
  const verified = (sums) => ({
    command: ['ssh-keygen', [...arguments_, '-s', join(release, 'SHA256SUMS.sig')]],
    options: { input: readFileSync(sums), stdio: undefined },
  });
  const good = verified(join(release, 'SHA256SUMS'));
  run(...good.command, good.options);
  const changed = join(folder, 'changed');
  copyFileSync(join(release, 'SHA256SUMS'), changed);
  writeFileSync(changed, '0', { flag: 'a' });
  const bad = verified(changed);
  refused(...bad.command, bad.options);
}

/** Checks what the archive holds. */
function unpack(folder, release) {
  const listed = run('tar', ['-tvzf', join(release, `${name}.tar.gz`)])
    .trim()
    .split('\n');
  for (const line of listed) assert.match(line, /^[d-](?:rwxr-xr-x|rw-r--r--) 0\/0 /);
  run('tar', ['-xzf', join(release, `${name}.tar.gz`), '-C', folder]);
  const inside = (path) => readFileSync(join(folder, name, path), 'utf8');
  assert.equal(run(join(folder, name, 'unitpay'), ['-V']), `unitpay ${version()}\n`);
  assert.match(inside('man/man1/unitpay-keys-create.1'), /sandbox/);
  assert.match(inside('completions/unitpay.bash'), /complete -F _unitpay/);
  assert.match(inside('completions/_unitpay'), /^#compdef unitpay/);
  assert.match(inside('completions/unitpay.fish'), /complete -c unitpay/);
  assert.match(inside('systemd/unitpay.service'), /unitpay serve/);
  assert.match(inside('LICENSE'), /Apache License/);
  materials(join(folder, name, 'sbom.cdx.json'), inside('THIRD-PARTY-LICENSES.txt'));
}

/** Validates the bill of materials and looks for each of its parts among the licences. */
function materials(file, licences) {
  const validate = [
    'import sys',
    'from cyclonedx.schema import SchemaVersion',
    'from cyclonedx.validation.json import JsonStrictValidator',
    'found = JsonStrictValidator(SchemaVersion.V1_6).validate_str(open(sys.argv[1]).read())',
    'sys.exit(str(found) if found else 0)',
  ];
  check('python', '-c', validate.join('\n'), file);
  const { components, dependencies } = JSON.parse(readFileSync(file, 'utf8'));
  const refs = new Set(components.map((component) => component['bom-ref']));
  for (const start of ['pkg:cargo/rusqlite@', 'pkg:npm/preact@', 'font:NotoSans-']) {
    assert.ok(
      [...refs].some((ref) => ref.startsWith(start)),
      start,
    );
  }
  // Tests and build scripts are not in the program.
  assert.ok(![...refs].some((ref) => /\/(?:proptest|cc|serde_derive)@/.test(ref)));
  assert.ok(dependencies.some(({ dependsOn }) => dependsOn.length > 30));
  for (const { name: part, version: of } of components) {
    assert.ok(licences.split(`${part} ${of}`).length > 2, `the licence of ${part} ${of}`);
  }
  assert.ok(licences.includes('SIL OPEN FONT LICENSE'));
}
