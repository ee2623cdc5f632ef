/** Formats amounts. Minor units are never converted to floating point. */
import { exponentOf } from '@unitpay/wire';

import type { CreditCurrency } from '../api-types.js';
import { isRightToLeft } from './direction.js';

/** Parses a typed amount to minor units; returns null unless it is positive and exact. */
export function parseMinor(text: string, digits: number): number | null {
  const [, whole, fraction = ''] = /^\s*(\d{1,10})(?:[.,](\d*))?\s*$/.exec(text) ?? [];
  if (whole === undefined || fraction.length > digits) return null;
  return Number(whole + fraction.padEnd(digits, '0')) || null;
}

/** Formats minor units for an input field. */
export function formatMajor(minor: number | null | undefined, digits: number): string {
  if (minor == null) return '';
  const text = String(minor).padStart(digits + 1, '0');
  return digits === 0 ? text : `${text.slice(0, -digits)}.${text.slice(-digits)}`;
}

/** `minor` in the currency's minor unit: `formatMoney(1999, 'EUR', 'de')` is `19,99 €`. */
export function formatMoney(minor: number | bigint | string, code: string, locale = 'en'): string {
  const digits = exponentOf(code);
  const number = decimal(minor, digits);
  if (!/^[A-Za-z]{3}$/.test(code)) return `${formatDecimal(number, digits, locale)} ${code}`.trim();
  return inCurrency(number, code, digits, digits, locale);
}

/** Formats credits: as money if their currency is money, else as a number with their name. */
export function formatCredits(
  amount: number | bigint | string,
  currency: Pick<CreditCurrency, 'name' | 'denomination' | 'minorUnitScale'>,
  locale = 'en',
): string {
  const { denomination, minorUnitScale, name } = currency;
  const number = decimal(amount, minorUnitScale);
  if (denomination === 'unit') {
    const text = `${formatDecimal(number, minorUnitScale, locale)} ${name}`.trim();
    // A Latin name beside a number would be turned around in right-to-left text.
    return name && isRightToLeft(locale) ? `\u2068${text}\u2069` : text;
  }
  const least = exponentOf(denomination);
  return inCurrency(number, denomination, least, minorUnitScale, locale);
}

/** Formats a unit price, a decimal in minor units, without rounding. */
export function formatUnitPrice(minor: string, code: string, locale = 'en'): string {
  const digits = exponentOf(code);
  const [whole = '0', fraction = ''] = minor.split('.');
  const places = digits + fraction.length;
  return inCurrency(decimal(whole + fraction, places), code, digits, places, locale);
}

function inCurrency(
  number: Decimal,
  currency: string,
  least: number,
  most: number,
  locale: string,
) {
  const text = new Intl.NumberFormat(locale, {
    style: 'currency',
    currency,
    minimumFractionDigits: Math.min(least, most),
    maximumFractionDigits: most,
  }).format(number);
  return (
    text
      // In right-to-left text a minus would turn the amount around, so the number is isolated.
      .replace(/^\u200f\u200e(-[\d.,]+)/, '\u200f\u2066$1\u2069')
      // The `$` of `US$` would move to the other side of its letters.
      .replace(/^[\u061c\u200f].*\$$/, '$&\u200e')
  );
}

export function formatNumber(value: number | string, locale = 'en'): string {
  return new Intl.NumberFormat(locale, { maximumFractionDigits: 6 }).format(Number(value));
}

function formatDecimal(number: Decimal, digits: number, locale: string): string {
  return new Intl.NumberFormat(locale, { maximumFractionDigits: digits }).format(number);
}

/** A decimal text, which `Intl` formats without rounding. */
type Decimal = `${number}`;

function decimal(minor: number | bigint | string, digits: number): Decimal {
  const text = String(BigInt(minor));
  const sign = text.startsWith('-') ? '-' : '';
  const padded = text.slice(sign.length).padStart(digits + 1, '0');
  const cut = padded.length - digits;
  return `${sign}${padded.slice(0, cut)}.${padded.slice(cut)}0` as Decimal;
}
