// Writes what follows from the server's own description: the types of the wire, and the routes that
// take a portal token. With --check it writes nothing and fails where they are not up to date.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const check = process.argv.includes('--check');
const file = (name) => fileURLToPath(new URL(`../${name}`, import.meta.url));
const description = file('../../openapi.json');

const types = [description, '-o', file('src/openapi.ts'), ...(check ? ['--check'] : [])];
execFileSync('openapi-typescript', types, { stdio: 'inherit' });

const takesToken = ({ security = [] }) => security.some((one) => 'portalToken' in one);
const { paths } = JSON.parse(readFileSync(description, 'utf8'));
const routes = Object.entries(paths).flatMap(([path, operations]) =>
  Object.entries(operations)
    .filter(([, operation]) => takesToken(operation))
    .map(([method]) => `${method.toUpperCase()} ${path.replace(/^\/v1/, '')}`),
);
const text = `/** The operations that take a portal token. Written by \`npm run generate\`; do not edit. */
export const PORTAL_ROUTES: readonly string[] = [
${routes.map((route) => `  '${route}',\n`).join('')}];
`;
const target = file('src/portal-routes.ts');
if (!check) writeFileSync(target, text);
else if (readFileSync(target, 'utf8') !== text) {
  throw new Error('src/portal-routes.ts is out of date: npm run generate');
}
