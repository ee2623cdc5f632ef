/** Buying credits now. */
import { useTopUp } from '../hooks/credits.js';
import { useI18n } from '../react/i18n.js';
import { Actions, Button, Failure, Loaded } from '../ui/elements.js';
import { useParts } from '../ui/parts.js';
import { usePurchase, type WalletCurrency } from './purchase.js';
import { useSettling } from './settling.js';

interface TopUpFormProps {
  currency: WalletCurrency;
  /** With what to tell where credits were bought. */
  onClose: (done?: string | null) => void;
}

export function TopUpForm({ currency, onClose }: TopUpFormProps) {
  const p = useParts();
  const { t, money } = useI18n();
  const { read, isSold, purchase, fields } = usePurchase(currency);
  const { topUp, isPending, error } = useTopUp();
  const cancel = () => {
    onClose();
  };
  const { take, form } = useSettling(({ kind }) => {
    onClose(t(kind === 'invoice_sent' ? 'change.invoiced' : 'credits.bought'));
  }, cancel);
  if (form) return form;
  const amount = purchase && money(purchase.price, purchase.code);
  const buy = () => {
    if (isPending || !purchase) return;
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
    <form
      {...p('form')}
      onSubmit={(event) => {
        event.preventDefault();
        buy();
      }}
    >
      <Loaded read={read} lines={3} empty={!isSold && t('credits.notSold')}>
        {fields}
      </Loaded>
      <Failure error={error} />
      <Actions>
        <Button onClick={cancel}>{t('action.cancel')}</Button>
        {isSold ? (
          <Button kind="primary" isSubmit isBusy={isPending}>
            {isPending
              ? t('action.working')
              : amount
                ? t('invoices.pay', { amount })
                : t('credits.topUp')}
          </Button>
        ) : null}
      </Actions>
    </form>
  );
}
