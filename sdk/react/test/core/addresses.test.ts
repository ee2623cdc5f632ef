/** Addresses in the order of their country. The PDF of an invoice has the same expectations. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

import type { Address } from '../../src/api-types.js';
import { addressLines, addressParts, readRegions } from '../../src/format/addresses.js';
import { FORMATS } from '../../src/format/address-formats.js';
import { REGIONS } from '../../src/format/regions.js';

type Parts = [line1: string, city: string, state: string, postalCode: string, country: string];

const addressOf = ([line1, city, state, postalCode, country]: Parts): Address => ({
  line1,
  line2: null,
  city,
  state: state || null,
  postalCode: postalCode || null,
  country,
});

test.for<[Parts, string, string[]]>([
  [
    ['500 Howard Street', 'San Francisco', 'CA', '94105', 'US'],
    'en',
    ['500 Howard Street', 'San Francisco, CA 94105', 'United States'],
  ],
  [
    ['Lindenstraße 12', 'Berlin', '', '10969', 'DE'],
    'de-AT',
    ['Lindenstraße 12', '10969 Berlin', 'Deutschland'],
  ],
  [
    ['1 High Street', 'London', '', 'SW1A 1AA', 'GB'],
    'ar',
    ['1 High Street', 'London', 'SW1A 1AA', 'المملكة المتحدة'],
  ],
  [['Fő utca 1', 'Budapest', '', '1011', 'HU'], 'en', ['Budapest', 'Fő utca 1', '1011', 'Hungary']],
  [
    ['丸の内1丁目1番1号', '千代田区', '東京都', '100-0005', 'JP'],
    'ja',
    ['〒100-0005', '東京都千代田区', '丸の内1丁目1番1号', '日本'],
  ],
  [
    ['1-1-1 Marunouchi', 'Chiyoda', 'Tokyo', '100-0005', 'JP'],
    'zh-TW',
    ['1-1-1 Marunouchi', 'Chiyoda, Tokyo', '100-0005', '日本'],
  ],
  [
    ['Bahnhofstrasse 1', 'Zürich', '', '8001', 'CH'],
    'fr',
    ['Bahnhofstrasse 1', 'CH-8001 Zürich', 'Suisse'],
  ],
  [['A 1', 'Zürich', '', 'CH-8001', 'CH'], 'en', ['A 1', 'CH-8001 Zürich', 'Switzerland']],
  [['A 1', 'Zürich', '', '', 'CH'], 'en', ['A 1', 'Zürich', 'Switzerland']],
  [['1 Main St', 'Springfield', '', '', 'US'], 'en', ['1 Main St', 'Springfield', 'United States']],
  [
    ['Lindenstraße 12', 'Berlin', 'Brandenburg', '10969', 'DE'],
    'en',
    ['Lindenstraße 12', '10969 Berlin', 'Brandenburg', 'Germany'],
  ],
  [['Rue 12', 'Abidjan', '', '', 'CI'], 'en', ['Rue 12 Abidjan', 'Côte d’Ivoire']],
  [['A 1', 'B', 'C', 'D', 'ZZ'], 'en', ['A 1', 'B', 'C', 'D', 'Unknown Region']],
])('address %j has its lines in %s', ([parts, locale, lines]) => {
  expect(addressLines(addressOf(parts), locale)).toEqual(lines);
});

test('page and PDF have the same formats', () => {
  const path = '../../../../crates/invoice-pdf/data/countries.tsv';
  const rows = readFileSync(new URL(path, import.meta.url), 'utf8')
    .trimEnd()
    .split('\n');
  const formatsOf = (country: string) =>
    FORMATS.split('\n')
      .map((line) => line.split('='))
      .find(([, codes = '']) => codes.match(/../g)?.includes(country))?.[0];
  expect(rows.length).toBeGreaterThan(240);
  for (const row of rows) {
    const [country = '', local = '', latin = ''] = row.split('\t');
    expect([country, formatsOf(country)]).toEqual([country, latin ? `${local};${latin}` : local]);
  }
});

test('form has the parts of the country in its order', () => {
  const parts = (country: string, locale: string, state = '') =>
    addressParts(addressOf(['', '', state, '', country]), locale).join(' ');
  expect(parts('US', 'en')).toBe('line1 line2 city state postalCode');
  expect(parts('DE', 'en')).toBe('line1 line2 postalCode city');
  expect(parts('HK', 'en')).toBe('line1 line2 city state');
  expect(parts('AG', 'en')).toBe('line1 line2 city');
  expect(parts('JP', 'ja')).toBe('postalCode state city line1 line2');
  expect(parts('JP', 'en')).toBe('line1 line2 city state postalCode');
  expect(parts('', 'en')).toBe('line1 line2 postalCode city state');
  // A value that the country's addresses lack can still be seen and removed.
  expect(parts('DE', 'en', 'Brandenburg')).toBe('line1 line2 postalCode city state');
});

test('regions are named in a script that the reader knows', () => {
  const names = (country: string, locale: string) =>
    readRegions(REGIONS[country] ?? '', country, locale);
  expect(names('US', 'de')).toContainEqual({ value: 'CA', label: 'California' });
  expect(names('JP', 'ja')).toContainEqual({ value: '東京都', label: '東京都' });
  expect(names('JP', 'de')).toContainEqual({ value: 'Tokyo', label: 'Tokyo' });
  expect(names('HK', 'en')).toContainEqual({ value: 'Kowloon', label: 'Kowloon' });
  for (const [country, list] of Object.entries(REGIONS)) {
    const values = readRegions(list, country, 'en').map(({ value }) => value);
    expect([country, values.length]).toEqual([country, new Set(values).size]);
    const parts = addressParts(addressOf(['', '', '', '', country]), 'en');
    expect([country, parts]).toEqual([country, expect.arrayContaining(['state'])]);
  }
});
