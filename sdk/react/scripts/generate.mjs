// Writes what the server's sources decide: the wire's types, and the decimals of currencies.
// With --check it only tells whether they are as committed.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';

const isCheck = process.argv.includes('--check');

execFileSync(
  'openapi-typescript',
  ['../../openapi.json', '-o', 'src/openapi.ts', ...(isCheck ? ['--check'] : [])],
  { stdio: 'inherit' },
);

const money = readFileSync('../../crates/server/src/base/money.rs', 'utf8');
const list = (name) => new RegExp(`const ${name}: &str = "([A-Z \\\\\\s]+)"`).exec(money)[1];
const codes = (name) => list(name).replace(/\\\s+/g, '').trim();
const exponents = `/** Written by \`npm run generate\` from the server's table (ISO 4217). Every other currency has two. */
export const NO_DECIMALS = '${codes('ZERO')}';
export const THREE_DECIMALS = '${codes('THREE')}';
`;
const file = 'src/format/exponents.ts';
if (!isCheck) writeFileSync(file, exponents);
else if (readFileSync(file, 'utf8') !== exponents) throw new Error(`${file} is out of date`);
