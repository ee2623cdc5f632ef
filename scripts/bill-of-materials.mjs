// Writes what a built program contains that others wrote: a bill of materials (CycloneDX) and the
// texts of the licences.
//   node scripts/bill-of-materials.mjs TARGET FOLDER
//
// It lists the crates that are linked, the npm packages whose code is in the hosted page, and the
// fonts. Equal sources give equal files; SOURCE_DATE_EPOCH is their date.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const [target, folder] = process.argv.slice(2);
if (folder === undefined) throw new Error('usage: bill-of-materials.mjs TARGET FOLDER');

const { program, crates, edges } = linkedCrates();
const parts = [...crates, ...(await pagePackages()), ...fonts()].sort((a, b) =>
  a.ref < b.ref ? -1 : 1,
);
mkdirSync(folder, { recursive: true });
writeFileSync(join(folder, 'sbom.cdx.json'), `${JSON.stringify(bill(), null, 2)}\n`);
writeFileSync(join(folder, 'THIRD-PARTY-LICENSES.txt'), licences());

function cargo(...options) {
  const output = execFileSync('cargo', options, { cwd: root, maxBuffer: 1 << 28 });
  return output.toString();
}

/** Returns the crates that the program links for the target, and what each of them needs. */
function linkedCrates() {
  const linked = new Set(
    cargo(
      'tree',
      '--locked',
      '--package=unitpay-server',
      '--edges=normal,no-proc-macro',
      `--target=${target}`,
      '--prefix=none',
      '--no-dedupe',
      '--format={p}',
    )
      .trim()
      .split('\n')
      .map((line) => line.split(' ').slice(0, 2).join(' ')),
  );
  const metadata = JSON.parse(
    cargo('metadata', '--locked', '--format-version=1', `--filter-platform=${target}`),
  );
  const checksums = lockedChecksums();
  const found = metadata.packages.filter((one) => linked.has(`${one.name} v${one.version}`));
  const refs = new Map(found.map((one) => [one.id, `pkg:cargo/${one.name}@${one.version}`]));
  const ours = found.find((one) => one.name === 'unitpay-server');
  return {
    program: { ref: refs.get(ours.id), version: ours.version, licence: ours.license },
    crates: found
      .filter((one) => one.source !== null)
      .map((one) => ({
        ref: refs.get(one.id),
        type: 'library',
        name: one.name,
        version: one.version,
        licence: one.license.replaceAll(/\s*\/\s*/g, ' OR '),
        sha256: checksums.get(`${one.name} ${one.version}`),
        texts: licenceTexts(dirname(one.manifest_path)),
      })),
    edges: metadata.resolve.nodes
      .filter((node) => refs.has(node.id))
      .map((node) => [
        refs.get(node.id),
        node.deps
          .filter((dep) => dep.dep_kinds.some(({ kind }) => kind === null))
          .map((dep) => refs.get(dep.pkg))
          .filter((ref) => ref !== undefined)
          .sort(),
      ]),
  };
}

/** Returns the registry's checksum of each crate, by name and version. */
function lockedChecksums() {
  const packages = readFileSync(join(root, 'Cargo.lock'), 'utf8').split('[[package]]').slice(1);
  const value = (text, key) => new RegExp(`^${key} = "(.*)"$`, 'm').exec(text)?.[1];
  return new Map(
    packages.map((text) => [
      `${value(text, 'name')} ${value(text, 'version')}`,
      value(text, 'checksum'),
    ]),
  );
}

/** Returns the npm packages with code in the hosted page, as a build of it finds them. */
async function pagePackages() {
  const { build } = await import('vite');
  const { output } = await build({
    configFile: join(root, 'portal/vite.config.js'),
    build: { write: false },
  });
  const folders = new Set();
  for (const id of output.flatMap((chunk) => chunk.moduleIds ?? [])) {
    const path = /^\0?(.*\/node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(id)?.[1];
    if (path !== undefined) folders.add(path);
  }
  if (folders.size === 0) throw new Error('no npm package is in the hosted page');
  return [...folders].map((path) => {
    const one = JSON.parse(readFileSync(join(path, 'package.json'), 'utf8'));
    return {
      ref: `pkg:npm/${one.name.replace('@', '%40')}@${one.version}`,
      type: 'library',
      name: one.name,
      version: one.version,
      licence: one.license,
      texts: licenceTexts(path),
    };
  });
}

/** Returns the fonts by their table in the folder's README. */
function fonts() {
  const path = join(root, 'crates/invoice-pdf/fonts');
  const rows = readFileSync(join(path, 'README.md'), 'utf8').matchAll(
    /^\| `([^`]+)` (\S+) \| .* \| (.+) \| `LICENSE-(.+)\.txt` \|$/gm,
  );
  const listed = [...rows].map(([, name, version, copyright, licence]) => ({
    ref: `font:${name}@${version}`,
    type: 'file',
    name,
    version,
    licence,
    texts: [
      `Copyright ${copyright}\n\n${readFileSync(join(path, `LICENSE-${licence}.txt`), 'utf8')}`,
    ],
  }));
  if (listed.length === 0) throw new Error('the table of the fonts has another form');
  return listed;
}

/** Returns the licences and notices in a package, also of the code that it carries with it. */
function licenceTexts(path) {
  const texts = readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .filter((entry) => /^(?:licen[cs]e|copying|notice|unlicense)/i.test(entry.name))
    .filter((entry) => !/\.(?:rs|toml|json|js|ts|py|go|html)$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => file.slice(path.length).split('/').length <= 5)
    .sort()
    .map((file) => readFileSync(file, 'utf8').replaceAll('\r\n', '\n').trim());
  return [...new Set(texts)];
}

function bill() {
  const seconds = Number(process.env.SOURCE_DATE_EPOCH ?? 0);
  return {
    $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    metadata: {
      timestamp: new Date(seconds * 1000).toISOString(),
      component: {
        type: 'application',
        'bom-ref': program.ref,
        name: 'unitpay',
        version: program.version,
        licenses: [{ license: { id: program.licence } }],
        properties: [{ name: 'unitpay:target', value: target }],
      },
    },
    components: parts.map((part) => ({
      type: part.type,
      'bom-ref': part.ref,
      name: part.name,
      version: part.version,
      ...(part.sha256 && { hashes: [{ alg: 'SHA-256', content: part.sha256 }] }),
      licenses: [{ expression: part.licence }],
      ...(part.ref.startsWith('pkg:') && { purl: part.ref }),
    })),
    dependencies: edges
      .map(([ref, dependsOn]) => ({ ref, dependsOn }))
      .sort((a, b) => (a.ref < b.ref ? -1 : 1)),
  };
}

/** Returns each licence text once, under the names of the parts that it covers. */
function licences() {
  const byText = new Map();
  for (const part of parts) {
    const texts = part.texts.length > 0 ? part.texts : [ownWords(part)];
    for (const text of texts) {
      byText.set(text, [...(byText.get(text) ?? []), `${part.name} ${part.version}`]);
    }
  }
  const list = parts.map((part) => `${part.name} ${part.version}: ${part.licence}`).join('\n');
  const blocks = [...byText].map(
    ([text, names]) => `${'='.repeat(78)}\n${names.join('\n')}\n${'-'.repeat(78)}\n${text}\n`,
  );
  return `UnitPay contains the work of others, under these licences.\n\n${list}\n\n${blocks.join('\n')}`;
}

/** Returns the text for a part that names its licence and carries no copy of it. */
function ownWords(part) {
  const apache = join(root, 'LICENSE');
  const choices = part.licence.split(/[()\s]+/);
  if (choices.includes('Apache-2.0') && existsSync(apache)) {
    return readFileSync(apache, 'utf8').trim();
  }
  return `This part declares the licence ${part.licence} and carries no text of it.`;
}
