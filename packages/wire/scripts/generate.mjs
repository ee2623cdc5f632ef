// Generates src/generated/ from openapi.json: the types, and the lists that code needs at run time.
// The folder is not committed; `npm ci`, `npm run build` and `npm test` write it.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import openapiTS, { astToString } from 'openapi-typescript';

const pathOf = (name) => fileURLToPath(new URL(name, import.meta.url));
const document = JSON.parse(readFileSync(pathOf('../../../openapi.json'), 'utf8'));
const { schemas } = document.components;

const acceptsPortalToken = ({ security = [] }) =>
  security.some((scheme) => 'portalToken' in scheme);

/** Lists the operations that accept a portal token, as `GET /invoices/{id}`. */
function portalRoutes() {
  return Object.entries(document.paths).flatMap(([path, operations]) =>
    Object.entries(operations)
      .filter(([, operation]) => acceptsPortalToken(operation))
      .map(([method]) => `${method.toUpperCase()} ${path.replace(/^\/v1/, '')}`),
  );
}

const lists = {
  ERROR_CODES: schemas.Problem.properties.code.enum,
  SCOPES: schemas.CreatePortalSessionResponse.properties.scopes.items.enum,
  PORTAL_ROUTES: portalRoutes(),
  // The currencies whose minor unit is not a hundredth.
  CURRENCY_EXPONENTS: document['x-currency-exponents'],
};

const header = '// Generated from openapi.json by `npm run generate`; do not edit.\n';
const values = Object.entries(lists).map(([name, list]) => {
  if (Object.keys(list ?? {}).length === 0) throw new Error(`openapi.json has no ${name}`);
  return `export const ${name} = ${JSON.stringify(list, null, 2)} as const;\n`;
});

/** Keeps the modification time of a file that is up to date, so that watchers stay quiet. */
function write(name, text) {
  const file = pathOf(`../src/generated/${name}`);
  let current = null;
  try {
    current = readFileSync(file, 'utf8');
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
  }
  if (text !== current) writeFileSync(file, text);
}

mkdirSync(pathOf('../src/generated'), { recursive: true });
write('openapi.ts', header + astToString(await openapiTS(document)));
write('lists.ts', [header, ...values].join('\n'));
