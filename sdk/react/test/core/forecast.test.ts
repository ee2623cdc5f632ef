/** Where the usage of a period is heading. */
import { expect, test } from 'vitest';

import { priceOfUnits, unitsAtEnd } from '../../src/format/forecast.js';

const [start, end] = ['2030-01-01T00:00:00Z', '2030-01-31T00:00:00Z'];
const on = (day: number) => Date.UTC(2030, 0, day);

test('forecast is null in the first tenth and outside of the period', () => {
  expect(unitsAtEnd(100, start, end, on(3))).toBe(null);
  expect(unitsAtEnd(100, start, end, on(4))).toBe(1000);
  expect(unitsAtEnd(100, start, end, on(16))).toBe(200);
  expect(unitsAtEnd(100, start, end, on(31))).toBe(null);
  expect(unitsAtEnd(100, start, end, Date.UTC(2029, 11, 31))).toBe(null);
});

test('price of units follows the tiers after the included units', () => {
  const tiers = [
    { upTo: 100, unitPrice: '10' },
    { upTo: 200, unitPrice: '5' },
    { upTo: null, unitPrice: '0.5' },
  ];
  const price = (units: number) => priceOfUnits(units, { includedUnits: '50', tiers });
  expect([0, 50, 51, 150, 250, 251, 450].map(price)).toEqual([0, 0, 10, 1000, 1500, 1501, 1600]);
});
