/** Loads Stripe.js from Stripe's own host, the only place from which Stripe permits it. */
import type { StripeJs } from './types.js';

const ADDRESS = 'https://js.stripe.com/endive/stripe.js';
/** Some filters neither load nor refuse a script. */
const LIMIT_MS = 10_000;

type Constructor = (publishableKey: string) => StripeJs;

/** Not declared globally: a page may have Stripe's own declaration. */
const page = globalThis as { Stripe?: Constructor };
let script: Promise<Constructor> | null = null;
const loaded = new Map<string, StripeJs>();

/** Returns Stripe.js for an account, the same object each time. A later call retries a failure. */
export async function loadStripe(publishableKey: string): Promise<StripeJs> {
  const create = page.Stripe ?? (await (script ??= loadScript()));
  const known = loaded.get(publishableKey) ?? create(publishableKey);
  loaded.set(publishableKey, known);
  return known;
}

function loadScript(): Promise<Constructor> {
  return new Promise((resolve, reject) => {
    const element = document.createElement('script');
    const fail = () => {
      element.remove();
      script = null;
      reject(new Error('Stripe.js could not be loaded.'));
    };
    const timer = setTimeout(fail, LIMIT_MS);
    element.onerror = () => {
      clearTimeout(timer);
      fail();
    };
    element.onload = () => {
      clearTimeout(timer);
      if (page.Stripe) resolve(page.Stripe);
      else fail();
    };
    element.src = ADDRESS;
    document.head.append(element);
  });
}
