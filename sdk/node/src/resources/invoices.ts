import type { PagePromise } from '../page.js';
import type { RequestOptions, Transport } from '../transport.js';
import type {
  CreateInvoice,
  CreateInvoiceItem,
  Invoice,
  InvoiceQuery,
  InvoiceSummary,
  PayInvoice,
  RecordPayment,
  SettleOutcome,
  WaitingItems,
} from '../types.js';
import { listed } from './collection.js';

/** `unitpay.invoices`. A list leaves out `items` and `payments`. */
export class Invoices {
  readonly #transport: Transport;

  /** @internal */
  constructor(transport: Transport) {
    this.#transport = transport;
  }

  list(query?: InvoiceQuery, options?: RequestOptions): PagePromise<InvoiceSummary> {
    return listed(this.#transport, ['invoices'], query, options);
  }

  /** Issues an invoice of these items: sent, or charged with `autoCollect`. */
  create(invoice: CreateInvoice, options?: RequestOptions): Promise<Invoice> {
    return this.#transport.send({ method: 'POST', path: ['invoices'], body: invoice }, options);
  }

  /** Keeps an item for the customer's next invoice, and returns all that wait for it. */
  createItem(item: CreateInvoiceItem, options?: RequestOptions): Promise<WaitingItems> {
    return this.#transport.send({ method: 'POST', path: ['invoice-items'], body: item }, options);
  }

  get(id: string, options?: RequestOptions): Promise<Invoice> {
    return this.#transport.send({ method: 'GET', path: ['invoices', id] }, options);
  }

  /** The document, as PDF. */
  pdf(id: string, options?: RequestOptions): Promise<ArrayBuffer> {
    return this.#transport.download({ method: 'GET', path: ['invoices', id, 'pdf'] }, options);
  }

  /** Charges the whole amount due. */
  pay(id: string, params: PayInvoice = {}, options?: RequestOptions): Promise<SettleOutcome> {
    return this.#transport.send(
      { method: 'POST', path: ['invoices', id, 'pay'], body: params },
      options,
    );
  }

  /** Only where nothing was paid. */
  void(id: string, options?: RequestOptions): Promise<Invoice> {
    return this.#transport.send({ method: 'POST', path: ['invoices', id, 'void'] }, options);
  }

  /** Notes money that came by transfer. */
  recordPayment(id: string, payment: RecordPayment, options?: RequestOptions): Promise<Invoice> {
    return this.#transport.send(
      { method: 'POST', path: ['invoices', id, 'payments'], body: payment },
      options,
    );
  }
}
