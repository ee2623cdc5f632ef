/** Buying credits now. */
import { useTopUp } from '../hooks/credits.js';
import { Loaded } from '../ui/elements.js';
import { Form } from '../ui/form.js';
import { usePurchase, type WalletCurrency } from './purchase.js';
import { useSettling } from './settling.js';
import { useUi } from '../ui/parts.js';

interface TopUpFormProps {
  currency: WalletCurrency;
  /** With what to tell where credits were bought. */
  onClose: (done?: string | null) => void;
}

export function TopUpForm({ currency, onClose }: TopUpFormProps) {
  const { t, money } = useUi();
  const { read, isSold, purchase, fields } = usePurchase(currency);
  const { topUp, isPending, error } = useTopUp();
  const { take, form } = useSettling(({ kind }) => {
    onClose(t(kind === 'invoice_sent' ? 'change.invoiced' : 'credits.bought'));
  }, onClose);
  if (form) return form;
  const amount = purchase && money(purchase.price, purchase.code);
  const buy = () => {
    if (!purchase) return;
    const { packageId, amount: spent, price, code } = purchase;
    const what = packageId === undefined ? { amount: spent } : { packageId };
    topUp({ creditCurrencyId: currency.id, ...what }).then(
      (outcome) => {
        take(outcome, money(price, code));
      },
      () => undefined,
    );
  };
  return (
    <Form
      action={isSold ? (amount ? t('invoices.pay', { amount }) : t('credits.topUp')) : null}
      isBusy={isPending}
      error={error}
      onSubmit={buy}
      onCancel={onClose}
    >
      <Loaded read={read} lines={4} empty={!isSold && t('credits.notSold')}>
        {fields}
      </Loaded>
    </Form>
  );
}
