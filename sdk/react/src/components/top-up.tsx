/** Buying credits: now, and by itself. */
import { useState } from 'react';

import type { AutoTopUpRule, CreditPackage } from '../api-types.js';
import type { Page } from '../core/client.js';
import type { ApiError } from '../core/errors.js';
import { exponentOf } from '../format/money.js';
import { useAutoTopUp, useTopUp } from '../hooks/credits.js';
import { useI18n } from '../react/i18n.js';
import { useRead } from '../react/read.js';
import { Actions, Button, Choice, Failure, Field, Loaded } from '../ui/elements.js';
import { useParts } from '../ui/parts.js';
import type { WalletCurrency } from './credit-balance.js';
import { useSettling } from './settling.js';

interface FormProps {
  currency: WalletCurrency;
  onClose: (done?: string | null) => void;
}

function usePackages(currency: WalletCurrency) {
  const { data, ...read } = useRead<Page<CreditPackage>>('/credit-packages', { limit: 100 });
  const packages = data?.data.filter(({ creditCurrencyId }) => creditCurrencyId === currency.id);
  return { ...read, packages: packages ?? [] };
}

export function TopUpForm({ currency, onClose }: FormProps) {
  const p = useParts();
  const { t, money } = useI18n();
  const { packages, ...read } = usePackages(currency);
  const wallet = currency.denomination === 'unit' ? null : currency.denomination;
  const [chosen, setChosen] = useState('');
  const [text, setText] = useState('');
  const { topUp, isPending, error } = useTopUp();
  const { take, form } = useSettling(
    () => {
      onClose(t('credits.bought'));
    },
    () => {
      onClose();
    },
  );
  const bought = packages.find(({ id }) => id === chosen) ?? (wallet ? undefined : packages[0]);
  const amount = bought ? bought.price : wallet ? minorOf(text, exponentOf(wallet)) : null;
  const code = bought?.currency ?? wallet;
  if (form) return form;
  const buy = () => {
    if (isPending || amount === null) return;
    const creditCurrencyId = currency.id;
    topUp(bought ? { creditCurrencyId, packageId: bought.id } : { creditCurrencyId, amount }).then(
      take,
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
      <Loaded read={read} lines={3}>
        {packages.length > 0 ? (
          <Packages
            packages={packages}
            currency={currency}
            value={bought?.id ?? ''}
            onValue={setChosen}
          />
        ) : null}
      </Loaded>
      {wallet && !bought ? (
        <Field
          label={`${t('credits.amount')} (${wallet})`}
          inputMode="decimal"
          required
          value={text}
          onValue={setText}
        />
      ) : null}
      <Failure error={error} />
      <Actions>
        <Button
          onClick={() => {
            onClose();
          }}
        >
          {t('action.cancel')}
        </Button>
        <Button kind="primary" isSubmit isBusy={isPending || amount === null}>
          {isPending
            ? t('action.working')
            : t('credits.pay', { amount: amount === null || !code ? '' : money(amount, code) })}
        </Button>
      </Actions>
    </form>
  );
}

interface PackagesProps {
  packages: readonly CreditPackage[];
  currency: WalletCurrency;
  value: string;
  onValue: (id: string) => void;
}

function Packages({ packages, currency, value, onValue }: PackagesProps) {
  const { t, credits, money } = useI18n();
  const options = packages.map((one) => ({
    value: one.id,
    label: one.name,
    detail: t('credits.packagePrice', {
      credits: credits(one.credits, currency),
      price: money(one.price, one.currency),
    }),
  }));
  return <Choice label={t('credits.package')} options={options} value={value} onValue={onValue} />;
}

/** What somebody typed, in minor units; null where it is no positive amount of that many decimals. */
export function minorOf(text: string, digits: number): number | null {
  const [, whole, fraction = ''] = /^\s*(\d{1,10})(?:[.,](\d*))?\s*$/.exec(text) ?? [];
  if (whole === undefined || fraction.length > digits) return null;
  return Number(whole + fraction.padEnd(digits, '0')) || null;
}

export function AutoTopUpForm({ currency, onClose }: FormProps) {
  const p = useParts();
  const { t } = useI18n();
  const { rule, set, isPending, ...read } = useAutoTopUp(currency.id);
  const { packages, isLoading } = usePackages(currency);
  return (
    <Loaded read={{ ...read, isLoading: read.isLoading || isLoading }} lines={4}>
      {packages.length === 0 && currency.denomination === 'unit' ? (
        <p {...p('text')}>{t('error.package_required')}</p>
      ) : (
        <RuleForm {...{ currency, onClose, rule, packages, set, isPending }} />
      )}
    </Loaded>
  );
}

interface RuleProps extends FormProps {
  rule: AutoTopUpRule | null;
  packages: readonly CreditPackage[];
  set: (rule: AutoTopUpRule | null) => Promise<void>;
  isPending: boolean;
}

function RuleForm({ currency, onClose, rule, packages, set, isPending }: RuleProps) {
  const p = useParts();
  const { t, money, credits } = useI18n();
  const { minorUnitScale, denomination } = currency;
  const [isOn, setOn] = useState(rule?.enabled ?? true);
  const [threshold, setThreshold] = useState(majorOf(rule?.threshold, minorUnitScale));
  const [packageId, setPackageId] = useState(rule?.packageId ?? packages[0]?.id ?? '');
  const digits = denomination === 'unit' ? 0 : exponentOf(denomination);
  const [amount, setAmount] = useState(majorOf(rule?.amount, digits));
  const [most, setMost] = useState(String(rule?.maxPerMonth ?? 10));
  const [failure, setFailure] = useState<ApiError | null>(null);
  const next = ruleOf();
  function ruleOf(): AutoTopUpRule | null {
    const below = minorOf(threshold, minorUnitScale);
    const maxPerMonth = Number(most);
    if (below === null || !Number.isSafeInteger(maxPerMonth) || maxPerMonth < 1) return null;
    const common = { enabled: true, threshold: below, maxPerMonth };
    if (packageId) return { ...common, mode: 'package', packageId, quantity: 1 };
    const money_ = minorOf(amount, digits);
    return money_ === null ? null : { ...common, mode: 'amount', amount: money_ };
  }
  const save = () => {
    if (isPending || (isOn && !next)) return;
    set(isOn ? next : null).then(() => {
      onClose(t('state.saved'));
    }, setFailure);
  };
  const options = packages.map((one) => ({
    value: one.id,
    label: one.name,
    detail: t('credits.packagePrice', {
      credits: credits(one.credits, currency),
      price: money(one.price, one.currency),
    }),
  }));
  return (
    <form
      {...p('form')}
      onSubmit={(event) => {
        event.preventDefault();
        save();
      }}
    >
      <label {...p('choice-row')}>
        <input
          {...p('radio')}
          type="checkbox"
          checked={isOn}
          onChange={(event) => {
            setOn(event.target.checked);
          }}
        />
        <span {...p('choice-label')}>{t('credits.autoEnable')}</span>
      </label>
      {isOn ? (
        <>
          <Field
            label={t('credits.autoThreshold')}
            inputMode="decimal"
            required
            value={threshold}
            onValue={setThreshold}
          />
          {packages.length > 0 ? (
            <Choice
              label={t('credits.package')}
              options={options}
              value={packageId}
              onValue={setPackageId}
            />
          ) : (
            <Field
              label={`${t('credits.amount')} (${denomination})`}
              inputMode="decimal"
              required
              value={amount}
              onValue={setAmount}
            />
          )}
          <Field
            label={t('credits.autoMax')}
            inputMode="numeric"
            required
            value={most}
            onValue={setMost}
          />
        </>
      ) : null}
      <Failure error={failure} />
      <Actions>
        <Button
          onClick={() => {
            onClose();
          }}
        >
          {t('action.cancel')}
        </Button>
        <Button kind="primary" isSubmit isBusy={isPending || (isOn && !next)}>
          {t(isPending ? 'action.working' : 'action.save')}
        </Button>
      </Actions>
    </form>
  );
}

/** Minor units as somebody would type them. */
function majorOf(minor: number | null | undefined, digits: number): string {
  if (minor == null) return '';
  const text = String(minor).padStart(digits + 1, '0');
  return digits === 0 ? text : `${text.slice(0, -digits)}.${text.slice(-digits)}`;
}
