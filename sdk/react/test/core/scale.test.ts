/** The axis of the usage chart. */
import { expect, test } from 'vitest';

import { perDayOf } from '../../src/format/forecast.js';
import { ticksOf } from '../../src/format/scale.js';

test('ticks are round and end above the highest bar', () => {
  expect(ticksOf([0, 0, 1234], null)).toEqual([0, 500, 1000, 1500]);
  expect(ticksOf([7, 40], null)).toEqual([0, 10, 20, 30, 40]);
  expect(ticksOf([81], null)).toEqual([0, 50, 100]);
});

test('ticks between whole numbers are only for fractions', () => {
  expect(ticksOf([1], null)).toEqual([0, 1]);
  expect(ticksOf([3, 2], null)).toEqual([0, 1, 2, 3]);
  expect(ticksOf([0.5, 1], null)).toEqual([0, 0.5, 1]);
  expect(ticksOf([], null)).toEqual([0, 1]);
  expect(ticksOf([0, 0], null)).toEqual([0, 1]);
});

test('few days far above the others do not flatten them', () => {
  const days = Array.from({ length: 19 }, () => 100);
  expect(ticksOf([...days, 100_000], null)).toEqual([0, 50, 100, 150]);
  // A tenth at most: what is usual is never cut.
  expect(ticksOf([...days, 100_000, 100_000, 100_000, 100_000], null).at(-1)).toBe(100_000);
  expect(ticksOf([1, 1000], null).at(-1)).toBe(1000);
});

test('limit counts only if it is near the bars', () => {
  expect(ticksOf([90, 80], 150)).toEqual([0, 50, 100, 150]);
  expect(ticksOf([90, 80], 1000)).toEqual([0, 50, 100]);
});

test('limit per day is spread over the period', () => {
  expect(perDayOf(3000, '2030-01-01T00:00:00Z', '2030-01-31T00:00:00Z')).toBe(100);
});
