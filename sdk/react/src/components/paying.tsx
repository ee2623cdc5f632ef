/** Paying an invoice: now, or by the processor's form in a dialog of its own. */
import { useState } from 'react';

import type { Invoice } from '../api-types.js';
import type { ApiError } from '../core/errors.js';
import { usePayInvoice } from '../hooks/invoices.js';
import { Dialog } from '../ui/elements.js';
import { useSettling } from './settling.js';
import { useUi } from '../ui/parts.js';

export function isPayable({ status, amountDue }: Invoice): boolean {
  const isOpen = ['issued', 'partially_paid', 'overdue', 'uncollectible'].includes(status);
  return isOpen && amountDue > 0;
}

/** `onPaid` gets what to tell. */
export function usePaying(onPaid: (text: string) => void) {
  const { t, money } = useUi();
  const [paying, setPaying] = useState<Invoice | null>(null);
  const { payInvoice, isPending, error } = usePayInvoice();
  const close = () => {
    setPaying(null);
  };
  const { take, form, cancel } = useSettling((outcome) => {
    close();
    const number = 'invoice' in outcome ? outcome.invoice?.invoiceNumber : '';
    onPaid(t('invoices.paid', { number: number ?? '' }));
  }, close);
  const [failure, setFailure] = useState<ApiError | null>(null);
  const start = (invoice: Invoice) => {
    setFailure(null);
    setPaying(invoice);
    payInvoice(invoice.id).then(
      (outcome) => {
        take(outcome, money(invoice.amountDue, invoice.currency));
      },
      () => undefined,
    );
  };
  const dialog = form ? (
    <Dialog title={t('form.confirm')} onClose={cancel}>
      {form}
    </Dialog>
  ) : null;
  /** Its failure stands where that of paying does. */
  const download = (save: () => Promise<void>) => {
    setFailure(null);
    save().catch(setFailure);
  };
  const payingId = isPending ? paying?.id : undefined;
  return { start, download, dialog, error: failure ?? error, payingId };
}
