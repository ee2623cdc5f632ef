/** Written by `npm run generate` from the server's table (ISO 4217). Every other currency has two. */
export const NO_DECIMALS = 'BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF';
export const THREE_DECIMALS = 'BHD IQD JOD KWD LYD OMR TND';
