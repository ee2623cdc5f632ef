import type { Invoice } from '../api-types.js';
import { useAllowedProfile } from '../hooks/customer.js';
import { useInvoice } from '../hooks/invoices.js';
import { useCan } from '../react/session.js';
import { Actions, Button, Dialog, Failure, Loaded } from '../ui/elements.js';
import { Lines } from '../ui/lines.js';
import { useUi } from '../ui/parts.js';
import { isPayable, useDownload, usePaying } from './paying.js';

interface InvoiceDialogProps {
  id: string;
  /** Gets a message when the invoice was paid. */
  onClose: (done?: string) => void;
}

/** One invoice with its lines. */
export function InvoiceDialog({ id, onClose }: InvoiceDialogProps) {
  const { t, money } = useUi();
  const { invoice, downloadPdf, ...read } = useInvoice(id);
  const paying = usePaying(onClose);
  const { download, error } = useDownload();
  const mayPay = useCan('invoices:pay') && invoice && isPayable(invoice);
  return (
    <Dialog title={t('invoices.of', { number: invoice?.invoiceNumber ?? '' })} onClose={onClose}>
      <Loaded read={read} lines={8} has={invoice !== null}>
        {invoice ? <Shown invoice={invoice} /> : null}
      </Loaded>
      <Failure error={error} />
      <Actions>
        {invoice?.invoiceNumber ? (
          <Button
            onClick={() => {
              download(downloadPdf);
            }}
            aria-label={t('invoices.pdfOf', { number: invoice.invoiceNumber })}
          >
            {t('invoices.pdf')}
          </Button>
        ) : null}
        {mayPay ? (
          <Button
            kind="primary"
            onClick={() => {
              paying.start(invoice);
            }}
          >
            {t('invoices.pay', { amount: money(invoice.amountDue, invoice.currency) })}
          </Button>
        ) : null}
      </Actions>
      {paying.dialog}
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
      {isPayable(invoice) ? <Transfer invoice={invoice} /> : null}
    </>
  );
}

/** The details for a bank transfer, for a customer who pays by invoice. */
function Transfer({ invoice }: { invoice: Invoice }) {
  const { p, t, money } = useUi();
  const { customer } = useAllowedProfile();
  const { seller, invoiceNumber, amountDue, currency } = invoice;
  if (customer?.collectionMethod !== 'send_invoice') return null;
  const facts = [
    [t('transfer.recipient'), seller.legalName ?? seller.name],
    [t('transfer.reference'), invoiceNumber ?? ''],
    [t('invoices.amount'), money(amountDue, currency)],
    ...(seller.footer ? [[t('transfer.details'), seller.footer]] : []),
  ];
  return (
    <div {...p('transfer')}>
      <p {...p('group-title')}>{t('transfer.title')}</p>
      <dl {...p('facts')}>
        {facts.map(([label, value]) => (
          <div key={label} {...p('fact')}>
            <dt {...p('fact-label')}>{label}</dt>
            <dd {...p('fact-value')}>
              <bdi>{value}</bdi>
            </dd>
          </div>
        ))}
      </dl>
    </div>
  );
}
