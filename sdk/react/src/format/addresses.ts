/** Addresses in the order of their country, as the PDF of an invoice has them. */
import type { Address } from '../api-types.js';
import { FORMATS } from './address-formats.js';

/** Used while no country is chosen: every part, in an order that most countries have. */
const ANY = '$A|$Z $C|$S';

type Part = 'line1' | 'line2' | 'city' | 'state' | 'postalCode';

/** The parts of an address by the letter in a format. */
const PARTS: Record<string, readonly Part[]> = {
  A: ['line1', 'line2'],
  C: ['city'],
  S: ['state'],
  Z: ['postalCode'],
};

/** The formats by country: in its own script and, if that differs, in Latin script. */
const BY_COUNTRY = /* @__PURE__ */ new Map(
  /* @__PURE__ */ FORMATS.split('\n').flatMap((line) => {
    const [format = '', codes = ''] = line.split('=');
    return (codes.match(/../g) ?? []).map((code) => [code, format.split(';')] as const);
  }),
);

/** ISO 3166-1 alpha-2. */
export const COUNTRIES: readonly string[] = /* @__PURE__ */ [...BY_COUNTRY.keys()];

function formatOf(country: string, isLatin: boolean): string {
  const [local = '$A|$C', latin = local] = BY_COUNTRY.get(country) ?? [];
  return country ? (isLatin ? latin : local) : ANY;
}

/** Returns whether a reader writes the country's addresses in its own script. */
function isHome(country: string, locale: string): boolean {
  if (!/^[A-Z]{2}$/.test(country)) return false;
  const [own, reader] = [`und-${country}`, locale].map((tag) => new Intl.Locale(tag).maximize());
  return own?.language === reader?.language;
}

/** Returns the regions in a list: their value, and their name in a script that the reader knows. */
export function readRegions(list: string, country: string, locale: string) {
  const isLocal = list.startsWith('*');
  return list
    .replace('*', '')
    .split('|')
    .map((entry) => {
      const [first = '', second = first] = entry.split('=');
      if (!isLocal) return { value: first, label: second };
      const name = isHome(country, locale) ? first : second;
      return { value: name, label: name };
    });
}

/** Returns the parts of an address in the order of its country, and those that have a value. */
export function addressParts(address: Address, locale: string): Part[] {
  const { country } = address;
  const format = formatOf(country, !isHome(country, locale));
  const listed = [...format.matchAll(/\$(.)/g)].flatMap(([, letter = '']) => PARTS[letter] ?? []);
  const others = (['state', 'postalCode'] as const).filter((part) => address[part]);
  return [...new Set([...listed, ...others])];
}

/** Returns the lines of an address, the country last. No part is lost. */
export function addressLines(address: Address, locale: string): string[] {
  const { line1, line2, city, state, postalCode, country } = address;
  const isLatin = !/(?![\u0000-\u024f])\p{L}/u.test(line1 + city);
  const format = formatOf(country, isLatin);
  const lines = format
    .split('|')
    .flatMap((line) => (line === '$A' ? [line1, line2] : [filled(line, address)]));
  const left = [format.includes('$S') ? '' : state, format.includes('$Z') ? '' : postalCode];
  const others = left.filter((part) => part !== city);
  return [...lines, ...others, countryName(country, locale)].filter((line) => !!line) as string[];
}

/** Fills a line in. Literal text is dropped beside a part that is missing. */
function filled(format: string, address: Address): string {
  let text = '';
  let isMissing = false;
  for (const [, literal = '', letter = ''] of format.matchAll(/([^$]*)\$(.)/g)) {
    const part =
      PARTS[letter]
        ?.map((name) => address[name])
        .filter(Boolean)
        .join(', ') ?? '';
    const isPrefixed = !text && part.startsWith(literal);
    if (part) text += isPrefixed || (!text && isMissing) ? part : literal + part;
    else isMissing = true;
  }
  return text;
}

function countryName(code: string, locale: string): string {
  const names = new Intl.DisplayNames(locale, { type: 'region', fallback: 'code' });
  return /^[A-Z]{2}$/.test(code) ? (names.of(code) ?? code) : code;
}
