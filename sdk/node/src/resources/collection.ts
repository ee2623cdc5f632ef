import { PagePromise } from '../page.js';
import type { RequestOptions, Transport } from '../transport.js';

/** One kind of object of the catalog: `unitpay.products`, `unitpay.plans` and their like. */
export class Collection<T, Create extends object, Update extends object, Query extends ListQuery> {
  readonly #transport: Transport;
  readonly #path: string;

  /** @internal */
  constructor(transport: Transport, path: string) {
    this.#transport = transport;
    this.#path = path;
  }

  create(object: Create, options?: RequestOptions): Promise<T> {
    return this.#transport.send({ method: 'POST', path: [this.#path], body: object }, options);
  }

  get(id: string, options?: RequestOptions): Promise<T> {
    return this.#transport.send({ method: 'GET', path: [this.#path, id] }, options);
  }

  list(query?: Query, options?: RequestOptions): PagePromise<T> {
    return listed(this.#transport, [this.#path], query, options);
  }

  /** Changes what is given; `null` clears an optional field. */
  update(id: string, changes: Update, options?: RequestOptions): Promise<T> {
    return this.#transport.send(
      { method: 'PATCH', path: [this.#path, id], body: changes },
      options,
    );
  }
}

/** The parameters that every list takes. */
export interface ListQuery {
  limit?: number | undefined;
  cursor?: string | undefined;
}

/** A list at this path, page by page. */
export function listed<T>(
  transport: Transport,
  path: readonly string[],
  query: ListQuery = {},
  options?: RequestOptions,
): PagePromise<T> {
  return new PagePromise((cursor = query.cursor) =>
    transport.send({ method: 'GET', path, query: { ...query, cursor } }, options),
  );
}
