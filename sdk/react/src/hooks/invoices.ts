/** Hooks for invoices and their payment. */
import type { Invoice, InvoiceStatus } from '../api-types.js';
import type { Query, UnitPayClient } from '../core/client.js';
import { usePortal } from '../react/context.js';
import { useIfAllowed, useOne, usePages, type Id, type Paged, type Read } from '../react/read.js';
import { useSettle, type SettleHandlers } from '../react/write.js';
import { sendPayment } from './customer.js';

/** Chooses among the invoices; what is absent chooses all. */
export interface InvoiceFilter {
  status?: InvoiceStatus | undefined;
  /** `INV-000042` or `42`. */
  number?: string | undefined;
  /** The first and the last day of issue, UTC: `2026-01-31`. */
  issuedFrom?: string | undefined;
  issuedTo?: string | undefined;
}

/** Returns the invoices, newest first, and a call that saves a PDF. */
export function useInvoices(filter?: InvoiceFilter): Paged<{
  invoices: Invoice[];
  downloadPdf: (id: string) => Promise<void>;
}> {
  const { client } = usePortal();
  const { rows, ...state } = usePages<Invoice>('invoices', '/invoices', filter as Query);
  const downloadPdf = (id: string) =>
    savePdf(
      client,
      id,
      rows.find((row) => row.id === id),
    );
  return { ...state, invoices: rows, downloadPdf };
}

/** Returns the first page of invoices, or none when the session lacks the scope. */
export function useAllowedInvoices(): Paged<{ invoices: Invoice[] }> {
  const path = useIfAllowed('invoices:read', '/invoices');
  const { rows, ...state } = usePages<Invoice>('invoices', path);
  return { ...state, invoices: rows };
}

/** Returns one invoice with its lines, and a call that saves its PDF. */
export function useInvoice(
  id: Id,
): Read<{ invoice: Invoice | null; downloadPdf: () => Promise<void> }> {
  const { client } = usePortal();
  const read = useOne<'invoice', Invoice>('invoice', 'invoices', id && `/invoices/${id}`);
  const downloadPdf = async () => {
    if (id) await savePdf(client, id, read.invoice);
  };
  return { ...read, downloadPdf };
}

/** Returns a call that pays an invoice. */
export function usePayInvoice(handlers?: SettleHandlers) {
  return useSettle('payInvoice', handlers, sendPayment);
}

/** Downloads with the token, which a plain link cannot send. */
async function savePdf(client: UnitPayClient, id: string, invoice: Invoice | null | undefined) {
  const blob = await client.download(`/invoices/${id}/pdf`);
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = `${invoice?.invoiceNumber ?? id}.pdf`;
  link.click();
  // The browser has started to save the file by the next task.
  setTimeout(() => {
    URL.revokeObjectURL(link.href);
  }, 0);
}
