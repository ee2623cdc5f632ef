/**
 * The types and lists of the HTTP API. `@unitpay/node` and `@unitpay/react` bundle this package, so
 * that neither depends on it once published.
 */
import type { ERROR_CODES, SCOPES } from './generated/lists.js';
import type { components, operations } from './generated/openapi.js';

export * from './generated/lists.js';
export * from './currencies.js';

/** The request and response bodies by name. Times are RFC 3339 texts; money is in minor units. */
export type Schemas = components['schemas'];

/** Lets optional members of a request be `undefined`, which JSON omits. */
export type Input<T> = { [K in keyof T]: undefined extends T[K] ? T[K] | undefined : T[K] };

/** The query parameters of an operation. */
export type QueryOf<O extends keyof operations> = Input<
  NonNullable<operations[O]['parameters']['query']>
>;

/** The JSON body of an operation's request. */
export type BodyOf<O extends keyof operations> = operations[O] extends {
  requestBody: { content: { 'application/json': infer B } };
}
  ? Input<B>
  : never;

/** The `code` of an error response. */
export type ErrorCode = (typeof ERROR_CODES)[number];

/** A permission of a portal session. */
export type Scope = (typeof SCOPES)[number];
