/** The fields to buy credits: a package or an amount. */
import { exponentOf } from '@unitpay/wire';
import { useState } from 'react';

import type { CreditCurrency, CreditPackage } from '../api-types.js';
import type { Page } from '../core/client.js';
import { formatMajor, parseMinor } from '../format/money.js';
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
  const packages = (data?.data ?? [])
    .filter(({ status }) => status === 'active')
    .sort((one, other) => one.price - other.price);
  const code = currency.denomination === 'unit' ? null : currency.denomination;
  const digits = code ? exponentOf(code) : 0;
  const [text, setText] = useState(formatMajor(wish.amount, digits));
  const [chosen, setChosen] = useState(wish.packageId ?? (wish.amount == null ? '' : AMOUNT));
  const first = packages[0]?.id ?? AMOUNT;
  const value = chosen === AMOUNT || packages.some(({ id }) => id === chosen) ? chosen : first;
  const bought = packages.find(({ id }) => id === value);
  const amount = code ? parseMinor(text, digits) : null;
  const purchase: Purchase | null = bought
    ? { packageId: bought.id, price: bought.price, code: bought.currency }
    : code && amount !== null
      ? { amount, price: amount, code }
      : null;
  const { topUpMin: least, topUpMax: most } = currency;
  const bounds = [least, most].map((bound) => (code && bound ? money(bound, code) : '…'));
  const hint = (least ?? most) ? bounds.join(' – ') : '';
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
          hint={hint}
          onValue={setText}
        />
      ) : null}
    </>
  );
  return { read, isSold: options.length > 0, purchase, fields };
}
