import type { PagePromise } from '../page.js';
import type { RequestOptions, Transport } from '../transport.js';
import type {
  CreateCreditNote,
  CreditNote,
  CreditNoteAmounts,
  CreditNoteQuery,
  CreditNoteSummary,
} from '../types.js';
import { listed } from './collection.js';

/** `unitpay.creditNotes`. A list leaves out `refunds`. */
export class CreditNotes {
  readonly #transport: Transport;

  /** @internal */
  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Credits an amount or lines of an invoice, with their tax, and refunds what you say. */
  create(
    invoiceId: string,
    creditNote: CreateCreditNote,
    options?: RequestOptions,
  ): Promise<CreditNote> {
    const path = ['invoices', invoiceId, 'credit-notes'];
    return this.#transport.send({ method: 'POST', path, body: creditNote }, options);
  }

  /** Returns the amounts of a credit note and changes nothing. */
  preview(
    invoiceId: string,
    creditNote: CreateCreditNote,
    options?: RequestOptions,
  ): Promise<CreditNoteAmounts> {
    const path = ['invoices', invoiceId, 'credit-notes', 'preview'];
    return this.#transport.send({ method: 'POST', path, body: creditNote }, options);
  }

  list(query?: CreditNoteQuery, options?: RequestOptions): PagePromise<CreditNoteSummary> {
    return listed(this.#transport, ['credit-notes'], query, options);
  }

  get(id: string, options?: RequestOptions): Promise<CreditNote> {
    return this.#transport.send({ method: 'GET', path: ['credit-notes', id] }, options);
  }

  /** The document, as PDF. */
  pdf(id: string, options?: RequestOptions): Promise<ArrayBuffer> {
    return this.#transport.download({ method: 'GET', path: ['credit-notes', id, 'pdf'] }, options);
  }

  /** Voids a credit note of which nothing went out. */
  void(id: string, options?: RequestOptions): Promise<CreditNote> {
    return this.#transport.send({ method: 'POST', path: ['credit-notes', id, 'void'] }, options);
  }
}
