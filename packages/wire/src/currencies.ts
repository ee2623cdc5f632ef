/** The ISO 4217 currencies whose minor unit is not a hundredth; `Intl` differs for some of them. */
const NO_DECIMALS = 'BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF';
const THREE_DECIMALS = 'BHD IQD JOD KWD LYD OMR TND';

/** Returns how many decimals amounts of a currency have. */
export function exponentOf(currency: string): number {
  const code = currency.toUpperCase();
  if (NO_DECIMALS.includes(code)) return 0;
  return THREE_DECIMALS.includes(code) ? 3 : 2;
}
