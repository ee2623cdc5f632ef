/**
 * The parts of Stripe.js that the form uses. A `Stripe` object that `@stripe/stripe-js` has loaded
 * fits; its own types are not repeated here, so that the package depends on nothing of Stripe's.
 */
export interface StripeJs {
  elements(options: {
    clientSecret: string;
    appearance: object;
    locale: 'auto';
    loader: 'never';
  }): StripeElements;
  retrieveSetupIntent(clientSecret: string): Promise<StripeResult>;
  retrievePaymentIntent(clientSecret: string): Promise<StripeResult>;
  confirmSetup(options: ConfirmOptions): Promise<StripeResult>;
  confirmPayment(options: ConfirmOptions): Promise<StripeResult>;
  handleNextAction(options: { clientSecret: string }): Promise<StripeResult>;
}

/** A loaded Stripe.js, or the promise of `loadStripe`. */
export type StripeSource = StripeJs | PromiseLike<StripeJs | null>;

export interface StripeElements {
  create(type: 'payment', options: object): StripeElement;
  submit(): Promise<{ error?: StripeError | undefined }>;
  update(options: { appearance: object }): void;
}

export interface StripeElement {
  mount(at: HTMLElement): void;
  destroy(): void;
  focus(): void;
  on(event: 'ready' | 'loaderror', handler: () => void): unknown;
}

/** As loose as Stripe's own, so that its functions fit. */
interface ConfirmOptions {
  elements: StripeElements;
  clientSecret?: string;
  confirmParams?: { return_url?: string };
  redirect: 'if_required';
}

export interface StripeIntent {
  id: string;
  status: string;
}

export interface StripeError {
  type: string;
  code?: string | undefined;
  decline_code?: string | undefined;
  setup_intent?: StripeIntent | undefined;
  payment_intent?: StripeIntent | undefined;
}

/** The result of a call: the intent as it is now, or an error. */
export interface StripeResult {
  setupIntent?: StripeIntent | undefined;
  paymentIntent?: StripeIntent | undefined;
  error?: StripeError | undefined;
}
