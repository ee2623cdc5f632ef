/** Quantities with floating-point noise. */
import { expect, test } from 'vitest';

import { roundQuantity } from '../src/resources/usage.js';

test.for([
  [0.1 + 0.2, 0.3],
  [1 / 3, 0.333333],
  [0.0000005, 0.000001],
  [0.0000004, 0],
  [-0.0000005, -0.000001],
  [2.5e-6, 0.000003],
  [1.0000005, 1.000001],
  [1e-30, 0],
  [12, 12],
  [1e21, 1e21],
] as const)('%d is rounded to %d', ([quantity, rounded]) => {
  expect(roundQuantity(quantity)).toBe(rounded);
});

test('a number that is not finite is left to the server', () => {
  expect(roundQuantity(NaN)).toBeNaN();
  expect(roundQuantity(Infinity)).toBe(Infinity);
});
