/** The invoices that the customer has to pay. */
import type { Invoice } from '../api-types.js';
import { useAllowedInvoices } from '../hooks/invoices.js';
import { useCan } from '../react/session.js';
import { Button, Card, Status } from '../ui/elements.js';
import { useNotice, useUi } from '../ui/parts.js';
import { isPayable, usePaying } from './paying.js';

/** Leads the page while an invoice is unpaid, and then reports the payment. */
export function AmountDue() {
  const { t, money } = useUi();
  const { invoices, hasMore } = useAllowedInvoices();
  const due = invoices.filter(isPayable);
  // A customer has one currency. Of more than a page, the sum is unknown.
  const sum = due.reduce((all, { amountDue }) => all + amountDue, 0);
  const total = due[1] && !hasMore && money(sum, due[1].currency);
  const [done, setDone] = useNotice();
  const paying = usePaying(setDone);
  return (
    <>
      {due.length > 0 ? (
        <Card title={t('due.title')} detail={total}>
          <DueInvoices
            invoices={due}
            onPay={(invoice) => {
              setDone(null);
              paying.start(invoice);
            }}
          />
        </Card>
      ) : null}
      <Status>{done}</Status>
      {paying.dialog}
    </>
  );
}

interface UnpaidProps {
  /** Called with a message when an invoice was paid. */
  onPaid: (text: string) => void;
}

/** The unpaid invoices, where they stand in the way of something else. */
export function UnpaidInvoices({ onPaid }: UnpaidProps) {
  const due = useAllowedInvoices().invoices.filter(isPayable);
  const paying = usePaying(onPaid);
  return (
    <>
      <DueInvoices invoices={due} onPay={paying.start} />
      {paying.dialog}
    </>
  );
}

interface DueInvoicesProps {
  invoices: readonly Invoice[];
  onPay: (invoice: Invoice) => void;
}

function DueInvoices({ invoices, onPay }: DueInvoicesProps) {
  const { p, t, money } = useUi();
  const mayPay = useCan('invoices:pay');
  return (
    <ul {...p('list')}>
      {invoices.map((invoice) => {
        const number = invoice.invoiceNumber ?? '';
        const amount = money(invoice.amountDue, invoice.currency);
        return (
          <li key={invoice.id} {...p('item')}>
            <span {...p('item-text')}>
              <span {...p('item-name')}>{t('invoices.of', { number })}</span>
              <span {...p('item-detail')}>
                <DueDate invoice={invoice} />
              </span>
            </span>
            {mayPay ? (
              <Button
                kind="primary"
                aria-label={
                  invoices.length > 1 ? t('invoices.payOf', { amount, number }) : undefined
                }
                onClick={() => {
                  onPay(invoice);
                }}
              >
                {t('invoices.pay', { amount })}
              </Button>
            ) : (
              <span {...p('line-amount')}>{amount}</span>
            )}
          </li>
        );
      })}
    </ul>
  );
}

function DueDate({ invoice }: { invoice: Invoice }) {
  const { t, date } = useUi();
  const { status, dueDate } = invoice;
  if (!dueDate) return t(`invoice.${status}`);
  const isOver = status === 'overdue' || status === 'uncollectible';
  return t(isOver ? 'due.since' : 'invoices.due', { date: date(dueDate) });
}
