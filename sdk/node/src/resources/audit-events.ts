import { PagePromise } from '../page.js';
import type { RequestOptions, Transport } from '../transport.js';
import type { AuditEvent, AuditEventQuery } from '../types.js';

/** `unitpay.auditEvents`: who did what. */
export class AuditEvents {
  readonly #transport: Transport;

  /** @internal */
  constructor(transport: Transport) {
    this.#transport = transport;
  }

  list(query: AuditEventQuery = {}, options?: RequestOptions): PagePromise<AuditEvent> {
    const path = ['audit-events'];
    return new PagePromise((cursor = query.cursor) =>
      this.#transport.send({ method: 'GET', path, query: { ...query, cursor } }, options),
    );
  }
}
