// Prints what a package's types export, one line each: every name, and the members of every type.
// A line that is gone breaks code that compiled before.
//   node scripts/type-exports.mjs PACKAGE
// PACKAGE is a folder with a package.json whose `exports` name built `.d.ts` files.
import { readFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import ts from 'typescript';

/** Returns the lines, sorted. */
export function typeExports(folder) {
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const entries = Object.entries(manifest.exports)
    .map(([entry, target]) => [entry, target.import?.types])
    .filter(([entry, types]) => types !== undefined && !entry.includes('*'))
    .map(([entry, types]) => [entry, resolve(folder, types)]);
  const program = ts.createProgram(
    entries.map(([, file]) => file),
    { strict: true, skipLibCheck: true, moduleResolution: ts.ModuleResolutionKind.Bundler },
  );
  const checker = program.getTypeChecker();
  const own = (declaration) =>
    !relative(folder, declaration.getSourceFile().fileName).startsWith('..');
  const lines = entries.flatMap(([entry, file]) => {
    const module = checker.getSymbolAtLocation(program.getSourceFile(file));
    return checker.getExportsOfModule(module).flatMap((exported) => {
      const name = `${entry} ${exported.name}`;
      const members = membersOf(checker, exported).filter((member) =>
        member.declarations?.some(own),
      );
      return [name, ...members.map((member) => `${name}.${member.name}`)];
    });
  });
  return [...new Set(lines)].sort();
}

/** Returns the public members of a class, an interface or an object type. */
function membersOf(checker, exported) {
  const isAlias = (exported.flags & ts.SymbolFlags.Alias) !== 0;
  const symbol = isAlias ? checker.getAliasedSymbol(exported) : exported;
  if ((symbol.flags & ts.SymbolFlags.Type) === 0) return [];
  return checker
    .getDeclaredTypeOfSymbol(symbol)
    .getProperties()
    .filter(({ name }) => !name.startsWith('#') && !name.startsWith('__'))
    .filter(
      ({ valueDeclaration }) =>
        valueDeclaration === undefined ||
        (ts.getCombinedModifierFlags(valueDeclaration) & ts.ModifierFlags.Private) === 0,
    );
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  for (const line of typeExports(resolve(process.argv[2]))) process.stdout.write(`${line}\n`);
}
