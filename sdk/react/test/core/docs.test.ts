/** The documents: their code compiles against the package as it is built, and their lists are whole. */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { expect, test } from 'vitest';

const at = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const guide = readFileSync(at('../../docs/react.md'), 'utf8');

/** Each block of code is a module of its own. */
const blocks = [guide, readFileSync(at('README.md'), 'utf8')].flatMap((text) =>
  [...text.matchAll(/^```tsx?\n(.*?)^```/gms)].map(([, code = '']) => code),
);

test('every block of code compiles', () => {
  const files = new Map(blocks.map((code, n) => [at(`test/core/block-${String(n)}.tsx`), code]));
  expect(files.size).toBeGreaterThan(6);
  const options: ts.CompilerOptions = {
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    jsx: ts.JsxEmit.ReactJSX,
    lib: ['lib.es2023.d.ts', 'lib.dom.d.ts', 'lib.dom.iterable.d.ts'],
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    types: [],
  };
  const host = ts.createCompilerHost(options);
  const plain = { ...host };
  host.fileExists = (name) => files.has(name) || plain.fileExists(name);
  host.readFile = (name) => files.get(name) ?? plain.readFile(name);
  host.getSourceFile = (name, ...rest) => {
    const code = files.get(name);
    return code === undefined
      ? plain.getSourceFile(name, ...rest)
      : ts.createSourceFile(name, code, ts.ScriptTarget.ES2022, true);
  };
  const program = ts.createProgram([...files.keys()], options, host);
  const wrong = ts
    .getPreEmitDiagnostics(program)
    .map(({ file, messageText }) => [
      file?.fileName,
      ts.flattenDiagnosticMessageText(messageText, '\n'),
    ]);
  expect(wrong).toEqual([]);
});

test('every hook and every component is in the guide', () => {
  const index = readFileSync(at('dist/index.d.ts'), 'utf8');
  const names = new Set(
    index.match(/\buse[A-Z]\w+|\b(?:declare const|declare function) [A-Z][a-z]\w+/g),
  );
  const shown = blocks.join('\n');
  const missing = [...names]
    .map((name) => name.replace(/^declare \w+ /, ''))
    .filter((name) => !new RegExp(`\\b${name}\\b`).test(shown));
  expect(names.size).toBeGreaterThan(45);
  expect(missing).toEqual([]);
});

test.each([
  ['src/index.ts', 120],
  ['src/core.ts', 60],
  ['../node/src/index.ts', 60],
  ['../node/src/next.ts', 4],
])('every export of %s has a doc comment', (path, least) => {
  const entry = at(path);
  const program = ts.createProgram([entry], {
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    jsx: ts.JsxEmit.ReactJSX,
    noEmit: true,
    skipLibCheck: true,
    types: [],
  });
  const checker = program.getTypeChecker();
  const source = program.getSourceFile(entry);
  const module = source && checker.getSymbolAtLocation(source);
  const exports = module ? checker.getExportsOfModule(module) : [];
  expect(exports.length).toBeGreaterThanOrEqual(least);
  const bare = exports.filter((one) => {
    const symbol = one.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(one) : one;
    return symbol.getDocumentationComment(checker).length === 0;
  });
  expect(bare.map(({ name }) => name)).toEqual([]);
});

test('the list of parts is whole', () => {
  const sources = ['ui', 'components'].flatMap((folder) =>
    readdirSync(at(`src/${folder}`)).map((file) =>
      readFileSync(at(`src/${folder}/${file}`), 'utf8'),
    ),
  );
  const used = sources.join('\n').matchAll(/(?:\bp\('|data-upay=")([a-z-]+)/g);
  const listed = new Set(guide.split('as `data-upay`:')[1]?.match(/(?<=`)[a-z-]+(?=`)/g));
  const names = new Set([...used].map(([, part = '']) => part));
  expect([...names].sort()).toEqual([...listed].sort());
});
