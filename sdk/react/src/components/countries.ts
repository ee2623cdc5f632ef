/** Countries by their names in a language, and the kinds of tax ids. */

/** What has a name and is no country, in the data that browsers have. */
const OTHERS = 'AC CP CQ DG EA EU EZ IC QO TA UN XA XB ZZ';

/** To choose from, in the order of their names; none first. */
export function countriesOf(locale: string) {
  const names = new Intl.DisplayNames(locale, { type: 'region', fallback: 'none' });
  const options = [{ value: '', label: '' }];
  for (let pair = 0; pair < 676; pair += 1) {
    const value = String.fromCharCode(65 + pair / 26, 65 + (pair % 26));
    // A former country has the name of today's.
    const isNow = Intl.getCanonicalLocales(`und-${value}`)[0]?.endsWith(value);
    const label = isNow && !OTHERS.includes(value) ? names.of(value) : undefined;
    if (label) options.push({ value, label });
  }
  const { compare } = new Intl.Collator(locale);
  return options.sort((one, other) => compare(one.label, other.label));
}

export function countryName(code: string, locale: string): string {
  const names = new Intl.DisplayNames(locale, { type: 'region', fallback: 'code' });
  return /^[A-Z]{2}$/.test(code) ? (names.of(code) ?? code) : code;
}

const TAX_TYPES = 'EU VAT,GB VAT,CH VAT,NO VAT,AE TRN,AU ABN,CA BN,IN GST,SA VAT,US EIN';

/** As the wire has them, and as people write them. One that is not among ours stays to be chosen. */
export function taxTypes(now: string) {
  const known = TAX_TYPES.split(',').map((label) => ({
    value: label.toLowerCase().replaceAll(' ', '_'),
    label,
  }));
  return known.some(({ value }) => value === now) ? known : [...known, { value: now, label: now }];
}
