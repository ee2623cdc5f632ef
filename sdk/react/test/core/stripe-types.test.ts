/** Stripe's own types fit ours; the compiler checks it. */
import type { Stripe } from '@stripe/stripe-js';
import { expect, test } from 'vitest';

import type { StripeJs, StripeSource } from '../../src/stripe/types.js';

const take = (source: StripeSource) => source;

test('stripe_object_fits_what_the_form_uses', () => {
  const loaded: StripeJs = {} as Stripe;
  const promise: Promise<Stripe | null> = Promise.resolve(null);
  expect([take(loaded), take(promise)]).toEqual([loaded, promise]);
});
