/** Buys credits. */
import { useState } from 'react';

import { ApiError } from '../core/errors.js';
import { useTopUp } from '../hooks/credits.js';
import { useAllowedProfile } from '../hooks/customer.js';
import { Loaded } from '../ui/elements.js';
import { Form } from '../ui/form.js';
import { useUi } from '../ui/parts.js';
import { useMethodChoice } from './method-choice.js';
import { usePurchase, type WalletCurrency } from './purchase.js';
import { useSettling } from './settling.js';

interface TopUpFormProps {
  currency: WalletCurrency;
  /** Gets a message when credits were bought. */
  onClose: (done?: string | null) => void;
}

export function TopUpForm({ currency, onClose }: TopUpFormProps) {
  const { t, money } = useUi();
  const { read, isSold, unsold, purchase, fields } = usePurchase(currency);
  const { topUp, isPending, error } = useTopUp();
  const isInvoiced = useAllowedProfile().customer?.collectionMethod === 'send_invoice';
  const task = { type: 'top_up', creditCurrencyId: currency.id } as const;
  const method = useMethodChoice(true, task);
  const [isPreparing, setPreparing] = useState(false);
  const settling = useSettling({
    onDone: ({ kind }) => {
      onClose(t(kind === 'invoice_sent' ? 'change.invoiced' : 'credits.bought'));
    },
    onCancel: onClose,
    onOtherMethod: method.open,
    task,
  });
  if (settling.form) return settling.form;
  if (method.form) return method.form;
  const amount = purchase && money(purchase.price, purchase.code);
  const buy = async () => {
    if (!purchase) return;
    const { packageId, amount: spent, price, code } = purchase;
    const item = packageId === undefined ? { amount: spent } : { packageId };
    setPreparing(true);
    try {
      if (!isInvoiced) await method.makeDefault();
      const shown = { creditCurrencyId: currency.id, expectedAmount: price };
      const outcome = await topUp({ ...shown, ...item });
      settling.take(outcome, money(price, code));
    } catch (failure) {
      const hasChanged = failure instanceof ApiError && failure.code === 'price_changed';
      // The form shows the new price, to be confirmed.
      if (hasChanged) await read.refetch();
      else method.open();
    } finally {
      setPreparing(false);
    }
  };
  return (
    <Form
      action={isSold ? (amount ? t('invoices.pay', { amount }) : t('credits.topUp')) : null}
      isBusy={isPending || isPreparing}
      error={error}
      onSubmit={() => void buy()}
      onCancel={onClose}
    >
      <Loaded read={read} lines={4} empty={!isSold && unsold}>
        {fields}
        {isInvoiced ? null : method.fields}
      </Loaded>
    </Form>
  );
}
