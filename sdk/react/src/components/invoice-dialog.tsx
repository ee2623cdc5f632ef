import type { Invoice } from '../api-types.js';
import { useInvoice } from '../hooks/invoices.js';
import { useCan } from '../react/session.js';
import { Actions, Button, Dialog, Failure, Loaded } from '../ui/elements.js';
import { Lines } from '../ui/lines.js';
import { useUi } from '../ui/parts.js';
import { isPayable, usePaying } from './paying.js';

interface InvoiceDialogProps {
  id: string;
  /** With what to tell where it was paid. */
  onClose: (done?: string) => void;
}

/** One invoice, line by line. */
export function InvoiceDialog({ id, onClose }: InvoiceDialogProps) {
  const { t, money } = useUi();
  const { invoice, downloadPdf, ...read } = useInvoice(id);
  const pay = usePaying(onClose);
  const mayPay = useCan('invoices:pay') && invoice && isPayable(invoice);
  return (
    <Dialog title={t('invoices.of', { number: invoice?.invoiceNumber ?? '' })} onClose={onClose}>
      <Loaded read={read} lines={8} has={invoice !== null}>
        {invoice ? <Shown invoice={invoice} /> : null}
      </Loaded>
      <Failure error={pay.error} />
      <Actions>
        {invoice?.invoiceNumber ? (
          <Button
            onClick={() => {
              pay.download(downloadPdf);
            }}
            aria-label={t('invoices.pdfOf', { number: invoice.invoiceNumber })}
          >
            {t('invoices.pdf')}
          </Button>
        ) : null}
        {mayPay ? (
          <Button
            kind="primary"
            isBusy={pay.payingId !== undefined}
            onClick={() => {
              pay.start(invoice);
            }}
          >
            {t('invoices.pay', { amount: money(invoice.amountDue, invoice.currency) })}
          </Button>
        ) : null}
      </Actions>
      {pay.dialog}
    </Dialog>
  );
}

function Shown({ invoice }: { invoice: Invoice }) {
  const { p, t, date } = useUi();
  const { issuedAt, createdAt, dueDate, items } = invoice;
  const isDue = dueDate && isPayable(invoice);
  const when = isDue ? t('invoices.due', { date: date(dueDate) }) : t(`invoice.${invoice.status}`);
  return (
    <>
      <p {...p('text', 'muted')}>{[date(issuedAt ?? createdAt), when].join(' · ')}</p>
      <Lines {...invoice} items={items ?? []} total={t('change.total')} />
    </>
  );
}
