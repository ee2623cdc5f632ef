/** The operations that take a portal token. Written by `npm run generate`; do not edit. */
export const PORTAL_ROUTES: readonly string[] = [
  'GET /customers/{id}',
  'PATCH /customers/{id}',
  'GET /portal-sessions/current',
  'DELETE /portal-sessions/current',
  'POST /portal-sessions/refresh',
];
