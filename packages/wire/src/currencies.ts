import { CURRENCY_EXPONENTS } from './generated/lists.js';

const exponents: Readonly<Record<string, number>> = CURRENCY_EXPONENTS;

/** Returns how many decimals amounts of a currency have; `Intl` differs for some of them. */
export function exponentOf(currency: string): number {
  return exponents[currency.toUpperCase()] ?? 2;
}
