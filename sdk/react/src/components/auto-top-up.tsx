/** Automatic top-ups of a credit account. */
import { useState } from 'react';

import type { AutoTopUp, AutoTopUpRule } from '../api-types.js';
import type { ApiError } from '../core/errors.js';
import { formatMajor, parseMinor } from '../format/money.js';
import { useAutoTopUp } from '../hooks/credits.js';
import { Loaded } from '../ui/elements.js';
import { Check, Field, Form } from '../ui/form.js';
import { usePurchase, type WalletCurrency } from './purchase.js';
import { useUi } from '../ui/parts.js';

interface FormProps {
  currency: WalletCurrency;
  /** Gets a message when the rule was saved. */
  onClose: (done?: string | null) => void;
}

export function AutoTopUpForm({ currency, onClose }: FormProps) {
  const { rule, set, isPending, ...read } = useAutoTopUp(currency.id);
  return (
    <Loaded read={read} lines={6}>
      <RuleForm {...{ currency, onClose, rule, set, isPending }} />
    </Loaded>
  );
}

interface RuleProps extends FormProps {
  rule: AutoTopUp | null;
  set: (rule: AutoTopUpRule | null) => Promise<void>;
  isPending: boolean;
}

function RuleForm({ currency, onClose, rule, set, isPending }: RuleProps) {
  const { t } = useUi();
  const { minorUnitScale: scale } = currency;
  const { read, isSold, unsold, purchase, fields } = usePurchase(currency, rule ?? {});
  const [isOn, setOn] = useState(rule?.enabled ?? true);
  const [threshold, setThreshold] = useState(formatMajor(rule?.threshold, scale));
  const [most, setMost] = useState(String(rule?.maxPerMonth ?? 10));
  const [failure, setFailure] = useState<ApiError | null>(null);
  const save = () => {
    const below = parseMinor(threshold, scale);
    if (isOn && (below === null || !purchase)) return;
    const next =
      isOn && below !== null && purchase
        ? {
            enabled: true,
            threshold: below,
            maxPerMonth: Number(most),
            ...(purchase.packageId === undefined
              ? { mode: 'amount' as const, amount: purchase.amount }
              : { mode: 'package' as const, packageId: purchase.packageId, quantity: 1 }),
          }
        : null;
    setFailure(null);
    set(next).then(() => {
      onClose(t('state.saved'));
    }, setFailure);
  };
  return (
    <Form
      action={t('action.save')}
      isBusy={isPending}
      error={failure}
      onSubmit={save}
      onCancel={onClose}
    >
      <Check label={t('credits.auto')} isOn={isOn} onChange={setOn} />
      {isOn ? (
        <>
          <Field
            label={t('credits.autoThreshold')}
            inputMode="decimal"
            required
            pattern={'\\s*\\d{1,10}([.,]\\d*)?\\s*'}
            value={threshold}
            onValue={setThreshold}
          />
          <Loaded read={read} lines={4} empty={!isSold && unsold}>
            {fields}
          </Loaded>
          <Field
            label={t('credits.autoMax')}
            type="number"
            min={1}
            max={100}
            required
            value={most}
            onValue={setMost}
          />
        </>
      ) : null}
    </Form>
  );
}
