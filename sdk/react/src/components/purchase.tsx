/** The fields to buy credits: a package or an amount. */
import { exponentOf } from '@unitpay/wire';
import { useState } from 'react';

import type { CreditCurrency, CreditPackage } from '../api-types.js';
import type { Page } from '../core/client.js';
import { formatMajor, parseMinor } from '../format/money.js';
import { useIsPaidIn } from '../hooks/customer.js';
import { useRead } from '../react/read.js';
import { Choice, Field } from '../ui/form.js';
import { useUi } from '../ui/parts.js';

export type WalletCurrency = Pick<
  CreditCurrency,
  'id' | 'name' | 'denomination' | 'minorUnitScale'
> &
  Partial<Pick<CreditCurrency, 'topUpMin' | 'topUpMax'>>;

/** `amount` and `price` in minor units. */
export type Purchase = { price: number; code: string } & (
  { packageId: string; amount?: undefined } | { amount: number; packageId?: undefined }
);

export interface Wish {
  packageId?: string | null | undefined;
  amount?: number | null | undefined;
}

/** The option for an amount, among the ids of packages. */
const AMOUNT = 'amount';

/** Returns the fields to choose a package or an amount, and the choice. */
export function usePurchase(currency: WalletCurrency, wish: Wish = {}) {
  const { t, credits, money } = useUi();
  const { data, ...read } = useRead<Page<CreditPackage>>('catalog', '/credit-packages', {
    creditCurrencyId: currency.id,
    limit: 100,
  });
  const isPaidIn = useIsPaidIn();
  const sold = (data?.data ?? []).filter(({ status }) => status === 'active');
  const packages = sold
    .filter((one) => isPaidIn(one.currency))
    .sort((one, other) => one.price - other.price);
  const { denomination } = currency;
  const isMoney = denomination !== 'unit';
  const code = isMoney && isPaidIn(denomination) ? denomination : null;
  const digits = code ? exponentOf(code) : 0;
  const [text, setText] = useState(formatMajor(wish.amount, digits));
  const [chosen, setChosen] = useState(wish.packageId ?? (wish.amount == null ? '' : AMOUNT));
  const first = packages[0]?.id ?? AMOUNT;
  // Prices, and with them the order, may change while the form is open. What it shows as chosen stays.
  if (chosen === '' && data) setChosen(first);
  const value = chosen === AMOUNT || packages.some(({ id }) => id === chosen) ? chosen : first;
  const bought = packages.find(({ id }) => id === value);
  const amount = code ? parseMinor(text, digits) : null;
  const purchase: Purchase | null = bought
    ? { packageId: bought.id, price: bought.price, code: bought.currency }
    : code && amount !== null
      ? { amount, price: amount, code }
      : null;
  const { topUpMin: least, topUpMax: most } = currency;
  const bound = (minor: number | null | undefined) => (code && minor ? money(minor, code) : '…');
  const [min, max] = [bound(least), bound(most)];
  const isOutside = amount !== null && (amount < (least ?? 0) || amount > (most ?? Infinity));
  const options = packages.map(({ id, name, credits: content, price: minor, currency: of }) => {
    const [inside, price] = [credits(content, currency), money(minor, of)];
    // Packages are often named after their content.
    return { value: id, label: name, detail: name === inside ? price : `${inside} · ${price}` };
  });
  if (code) options.push({ value: AMOUNT, label: t('credits.otherAmount'), detail: '' });
  const fields = (
    <>
      {packages.length > 0 ? (
        <Choice label={t('credits.package')} options={options} value={value} onValue={setChosen} />
      ) : null}
      {code && value === AMOUNT ? (
        <Field
          label={`${t('invoices.amount')} (${code})`}
          inputMode="decimal"
          required
          pattern={'\\s*\\d{1,10}([.,]\\d*)?\\s*'}
          value={text}
          hint={(least ?? most) ? `${min} – ${max}` : ''}
          problem={isOutside ? t('field.between', { min, max }) : undefined}
          onValue={setText}
        />
      ) : null}
    </>
  );
  const isSold = options.length > 0;
  const isSoldElse = sold.length > 0 || isMoney;
  const unsold = t(isSoldElse ? 'credits.otherCurrency' : 'credits.notSold');
  return { read, isSold, unsold, purchase, fields };
}
