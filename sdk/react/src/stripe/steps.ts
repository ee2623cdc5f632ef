/** The steps of a form of Stripe's: what it asks for next, and the texts of its errors. */
import type { FormClient } from '../api-types.js';
import type { Key } from '../react/i18n.js';
import type { StripeElements, StripeError, StripeJs, StripeResult } from './types.js';

export type Step =
  /** The customer fills in the fields; `failure` is the text of the last try's error. */
  | { kind: 'fields'; failure: Key | null }
  /** Stripe has what it needs. Whether something is paid is for the server to say. */
  | { kind: 'confirmed'; intentId: string }
  /** The form cannot be used any more. */
  | { kind: 'over'; failure: Key };

/** Reads the form's state first: a reload or a redirect may come back to one that is filled in. */
export async function begin(stripe: StripeJs, { type, clientSecret }: FormClient): Promise<Step> {
  const retrieved = await (type === 'setup'
    ? stripe.retrieveSetupIntent(clientSecret)
    : stripe.retrievePaymentIntent(clientSecret));
  const { status } = intentOf(retrieved) ?? {};
  // A saved card whose bank asks for confirmation needs no fields.
  if (status === 'requires_action') {
    return stepOf(await stripe.handleNextAction({ clientSecret }), 'form.unconfirmed');
  }
  if (retrieved.error) return { kind: 'over', failure: textOf(retrieved.error) };
  if (status === 'canceled') return { kind: 'over', failure: 'error.conflict' };
  return stepOf(retrieved, null);
}

/** Sends the fields to Stripe. The bank's own dialog, if there is one, is part of it. */
export async function confirm(
  stripe: StripeJs,
  elements: StripeElements,
  { type, clientSecret }: FormClient,
  returnUrl: string,
): Promise<Step> {
  const { error } = await elements.submit();
  if (error) return { kind: 'fields', failure: textOf(error) };
  const options = {
    elements,
    clientSecret,
    confirmParams: { return_url: returnUrl },
    redirect: 'if_required',
  } as const;
  const result = await (type === 'setup'
    ? stripe.confirmSetup(options)
    : stripe.confirmPayment(options));
  return stepOf(result, 'form.unconfirmed');
}

function intentOf({ setupIntent, paymentIntent, error }: StripeResult) {
  return setupIntent ?? paymentIntent ?? error?.setup_intent ?? error?.payment_intent;
}

/** An intent that has succeeded counts even beside an error, such as that of a second click. */
function stepOf(result: StripeResult, otherwise: Key | null): Step {
  const intent = intentOf(result);
  if (intent?.status === 'succeeded' || intent?.status === 'processing') {
    return { kind: 'confirmed', intentId: intent.id };
  }
  return { kind: 'fields', failure: result.error ? textOf(result.error) : otherwise };
}

const TEXTS: Partial<Record<string, Key>> = {
  expired_card: 'decline.expired_card',
  incorrect_cvc: 'decline.incorrect_cvc',
  invalid_cvc: 'decline.incorrect_cvc',
  insufficient_funds: 'decline.insufficient_funds',
  processing_error: 'decline.processing_error',
  payment_intent_authentication_failure: 'form.unconfirmed',
  setup_intent_authentication_failure: 'form.unconfirmed',
  card_error: 'form.declined',
  validation_error: 'error.validation_failed',
  api_connection_error: 'error.network_error',
  rate_limit_error: 'error.overloaded',
};

/** Our own words: Stripe's messages may say more about a decline than a customer should read. */
function textOf({ type, code = '', decline_code = '' }: StripeError): Key {
  return TEXTS[decline_code] ?? TEXTS[code] ?? TEXTS[type] ?? 'error.unknown';
}
