import type { Invoice } from '../api-types.js';
import { usePayInvoice } from '../hooks/invoices.js';
import { Actions, Button, Dialog, Failure } from '../ui/elements.js';
import { useUi } from '../ui/parts.js';
import { useMethodChoice } from './method-choice.js';
import { useSettling } from './settling.js';

interface PayDialogProps {
  invoice: Invoice;
  /** Gets a message when the invoice was paid. */
  onClose: (done?: string) => void;
}

/** Asks for the payment method of an invoice and charges it. */
export function PayDialog({ invoice, onClose }: PayDialogProps) {
  const { p, t, money } = useUi();
  const number = invoice.invoiceNumber ?? '';
  const amount = money(invoice.amountDue, invoice.currency);
  const { payInvoice, isPending, error } = usePayInvoice();
  const task = { type: 'pay_invoice', invoiceId: invoice.id } as const;
  const method = useMethodChoice(false, task);
  const settling = useSettling({
    onDone: () => {
      onClose(t('invoices.paid', { number }));
    },
    onCancel: onClose,
    onOtherMethod: method.open,
    task,
  });
  const pay = () => {
    payInvoice(invoice.id, { paymentMethodId: method.methodId }).then(
      (outcome) => {
        settling.take(outcome, amount);
      },
      () => {
        method.open();
      },
    );
  };
  return (
    <Dialog title={t('pay.title', { number })} onClose={onClose}>
      {settling.form ?? method.form ?? (
        <>
          <p {...p('text', 'muted')}>{t('pay.now', { amount })}</p>
          {method.fields}
          <Failure error={error} />
          <Actions onCancel={onClose}>
            <Button kind="primary" isBusy={isPending} onClick={pay}>
              {t('invoices.pay', { amount })}
            </Button>
          </Actions>
        </>
      )}
    </Dialog>
  );
}
