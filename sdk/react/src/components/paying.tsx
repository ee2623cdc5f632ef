/** Pays and downloads invoices. */
import { useState } from 'react';

import type { Invoice } from '../api-types.js';
import type { ApiError } from '../core/errors.js';
import { PayDialog } from './lazy-forms.js';

export function isPayable({ status, amountDue }: Invoice): boolean {
  const isOpen = ['issued', 'partially_paid', 'overdue', 'uncollectible'].includes(status);
  return isOpen && amountDue > 0;
}

/** Opens the payment dialog of an invoice. `onPaid` gets a message. */
export function usePaying(onPaid: (text: string) => void) {
  const [paying, setPaying] = useState<Invoice | null>(null);
  const dialog = paying ? (
    <PayDialog
      invoice={paying}
      onClose={(done) => {
        setPaying(null);
        if (done !== undefined) onPaid(done);
      }}
    />
  ) : null;
  return { start: setPaying, dialog };
}

/** Runs a download and keeps its error. */
export function useDownload() {
  const [error, setError] = useState<ApiError | null>(null);
  const download = (save: () => Promise<void>) => {
    setError(null);
    save().catch(setError);
  };
  return { download, error };
}
