import { PagePromise } from '../page.js';
import type { RequestOptions, Transport } from '../transport.js';
import type { ApiKey, CreateApiKey, CreatedApiKey, ApiKeyQuery, RevokeApiKey } from '../types.js';

/** `unitpay.apiKeys`: secret keys of the same organization and environment. */
export class ApiKeys {
  readonly #transport: Transport;

  /** @internal */
  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** This response is the only one that contains the key, as `secret`. */
  create(key: CreateApiKey, options?: RequestOptions): Promise<CreatedApiKey> {
    return this.#transport.send({ method: 'POST', path: ['api-keys'], body: key }, options);
  }

  list(query: ApiKeyQuery = {}, options?: RequestOptions): PagePromise<ApiKey> {
    const path = ['api-keys'];
    return new PagePromise((cursor = query.cursor) =>
      this.#transport.send({ method: 'GET', path, query: { ...query, cursor } }, options),
    );
  }

  /** Refuses the key from now on; `revokeSessions` also ends what it minted. */
  revoke(id: string, params?: RevokeApiKey, options?: RequestOptions): Promise<ApiKey> {
    const path = ['api-keys', id, 'revoke'];
    return this.#transport.send({ method: 'POST', path, body: params }, options);
  }
}
