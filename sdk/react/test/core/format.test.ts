import { exponentOf } from '@unitpay/wire';
import { expect, test } from 'vitest';

import { formatDay, formatPeriod } from '../../src/format/dates.js';
import { formatCredits, formatMoney, formatUnitPrice } from '../../src/format/money.js';

/** `Intl` writes spaces that do not break, and marks of direction. */
const plain = (text: string) => text.replace(/[\u00a0\u202f]/g, ' ').replace(/[\u200e\u200f]/g, '');

test.for<[number | bigint | string, string, string, string]>([
  [1999, 'EUR', 'de', '19,99 €'],
  [1999, 'USD', 'en', '$19.99'],
  [-5, 'USD', 'en', '-$0.05'],
  [0, 'EUR', 'en', '€0.00'],
  [1250000, 'JPY', 'en', '¥1,250,000'],
  [1234567, 'KWD', 'en', 'KWD 1,234.567'],
  [1999, 'HUF', 'en', 'HUF 19.99'],
  [1999, 'IDR', 'en', 'IDR 19.99'],
  ['999999999999', 'EUR', 'en', '€9,999,999,999.99'],
  [9007199254740993n, 'EUR', 'en', '€90,071,992,547,409.93'],
  [100, 'credits', 'en', '1 credits'],
])('%s %s in %s', ([minor, code, locale, wanted]) => {
  expect(plain(formatMoney(minor, code, locale))).toBe(wanted);
});

test('from right to left the sign of a currency stays at its letters', () => {
  expect(formatMoney(14_900, 'USD', 'ar')).toMatch(/^\u200f.*US\$\u200e$/);
  expect(formatMoney(14_900, 'EUR', 'ar')).toMatch(/€$/);
  // The minus stays at the number, and the number before the currency, as without a minus.
  expect(formatMoney(-14_683, 'USD', 'ar')).toBe('\u200f\u2066-146.83\u2069\u00a0US$\u200e');
  expect(formatMoney(14_900, 'CAD', 'de')).toMatch(/CA\$$/);
});

test('no currency has the decimals that Intl says where ISO 4217 says otherwise', () => {
  for (const code of Intl.supportedValuesOf('currency')) {
    const digits = exponentOf(code);
    const shown = plain(formatMoney(1, code, 'en')).replace(/^\D+/, '');
    expect([code, shown]).toEqual([code, digits === 0 ? '1' : `0.${'1'.padStart(digits, '0')}`]);
  }
});

test('credits are money where their currency is', () => {
  const unit = { name: 'API credits', denomination: 'unit', minorUnitScale: 0 };
  const prepaid = { name: 'Prepaid', denomination: 'USD', minorUnitScale: 4 };
  expect(formatCredits(18250, unit, 'en')).toBe('18,250 API credits');
  expect(formatCredits(1825, { ...unit, minorUnitScale: 2 }, 'en')).toBe('18.25 API credits');
  const hour = { name: 'hour', denomination: 'unit', minorUnitScale: 0 };
  expect(formatCredits(1, hour, 'ar')).toBe('\u20681 hour\u2069');
  expect(formatCredits(12345, prepaid, 'en')).toBe('$1.2345');
  expect(formatCredits(12000, prepaid, 'en')).toBe('$1.20');
});

test('the price of a unit keeps every digit', () => {
  expect(formatUnitPrice('0.2', 'EUR', 'en')).toBe('€0.002');
  expect(formatUnitPrice('150', 'EUR', 'en')).toBe('€1.50');
});

test('a period ends on its last day', () => {
  const [start, end] = ['2026-11-01T00:00:00.000Z', '2026-12-01T00:00:00.000Z'];
  expect(plain(formatPeriod(start, end, 'en', 'UTC'))).toBe(
    'Nov 1 – 30, 2026'.replace(/ – /, '\u2009–\u2009'),
  );
  expect(formatDay('2026-11-01', 'en')).toBe('Nov 1');
});
