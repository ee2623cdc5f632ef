/**
 * A stand-in for Stripe.js, served under Stripe's own host names: the functions that our form uses, with
 * Stripe's types. Its fields are a frame of js.stripe.com, the bank's dialog is one of hooks.stripe.com,
 * and it calls api.stripe.com, behind which the stand-in of Stripe's servers answers.
 */
import type {
  PaymentIntentResult,
  SetupIntentResult,
  Stripe,
  StripeElements,
  StripeError,
  StripePaymentElement,
} from '@stripe/stripe-js';

type Used = Pick<
  Stripe,
  | 'elements'
  | 'retrieveSetupIntent'
  | 'retrievePaymentIntent'
  | 'confirmSetup'
  | 'confirmPayment'
  | 'handleNextAction'
>;
type Result = SetupIntentResult | PaymentIntentResult;
type Body = Intent | { error: StripeError };

interface Intent {
  id: string;
  object: 'setup_intent' | 'payment_intent';
  status: string;
  client_secret: string;
  next_action: { type: string } | null;
}

const CARDS: Record<string, string> = {
  '4242424242424242': 'pm_card_visa',
  '5555555555554444': 'pm_card_mastercard',
  '4000000000009995': 'pm_card_chargeDeclinedInsufficientFunds',
  '4000002760003184': 'pm_card_authenticationRequired',
  '4000000000000001': 'pm_card_redirect',
};

/** Reports of the frame that holds the fields. */
let number = '';

function create(key: string): Used {
  const call = async (method: string, path: string, fields: Record<string, string>) => {
    const form = new URLSearchParams({ key, ...fields }).toString();
    const answer = await (method === 'GET'
      ? fetch(`https://api.stripe.com/v1${path}?${form}`)
      : fetch(`https://api.stripe.com/v1${path}`, { method, body: form }));
    return (await answer.json()) as Body;
  };

  const retrieve = (secret: string) => call('GET', pathOf(secret), { client_secret: secret });

  /** Lets the customer answer the bank, in a dialog over the page or on a page of the bank. */
  const act = async (intent: Intent, returnUrl: string): Promise<Result> => {
    if (intent.next_action?.type === 'redirect_to_url') {
      const query = new URLSearchParams({
        secret: intent.client_secret,
        object: intent.object,
        id: intent.id,
        back: returnUrl,
      });
      location.assign(`https://hooks.stripe.com/redirect?${query.toString()}`);
      return new Promise(() => undefined);
    }
    const frame = frameOf('https://hooks.stripe.com/3ds', 'Bank');
    frame.style.setProperty('position', 'fixed');
    frame.style.setProperty('inset', '0');
    frame.style.setProperty('z-index', '2147483647');
    document.body.append(frame);
    const accept = await new Promise<boolean>((resolve) => {
      addEventListener('message', ({ source, data }: MessageEvent<{ accept: boolean }>) => {
        if (source === frame.contentWindow) resolve(data.accept);
      });
    });
    frame.remove();
    const fields = { client_secret: intent.client_secret, accept: String(accept) };
    return resultOf(await authenticate(fields));
  };

  const confirm = async ({
    clientSecret = '',
    confirmParams,
  }: {
    clientSecret?: string;
    confirmParams?: { return_url?: string };
  }): Promise<Result> => {
    const returnUrl = confirmParams?.return_url ?? '';
    const body = await call('POST', `${pathOf(clientSecret)}/confirm`, {
      client_secret: clientSecret,
      payment_method: CARDS[number] ?? '',
      return_url: returnUrl,
    });
    const needsBank = 'status' in body && body.status === 'requires_action';
    return needsBank ? act(body, returnUrl) : resultOf(body);
  };

  return {
    elements: (options) => elementsOf(options as { appearance?: object; locale?: string }),
    retrieveSetupIntent: async (secret) => resultOf(await retrieve(secret)) as SetupIntentResult,
    retrievePaymentIntent: async (secret) =>
      resultOf(await retrieve(secret)) as PaymentIntentResult,
    confirmSetup: confirm as Stripe['confirmSetup'],
    confirmPayment: confirm as Stripe['confirmPayment'],
    handleNextAction: (async ({ clientSecret }: { clientSecret: string }) => {
      const body = await retrieve(clientSecret);
      return 'error' in body ? resultOf(body) : act(body, location.href);
    }) as Stripe['handleNextAction'],
  };
}

function elementsOf(options: { appearance?: object; locale?: string }): StripeElements {
  const frame = frameOf('https://js.stripe.com/endive/frame.html', 'Secure payment input frame');
  frame.style.setProperty('width', '100%');
  const dress = (appearance: object | undefined) => {
    frame.contentWindow?.postMessage({ appearance, locale: options.locale }, '*');
  };
  const handlers = new Map<string, () => void>();
  const element = {
    mount: (at: HTMLElement) => {
      number = '';
      frame.addEventListener('load', () => {
        dress(options.appearance);
        handlers.get('ready')?.();
      });
      at.append(frame);
    },
    destroy: () => {
      frame.remove();
    },
    focus: () => {
      frame.focus();
    },
    on: (event: string, handler: () => void) => handlers.set(event, handler),
  } satisfies Partial<Record<keyof StripePaymentElement, unknown>>;
  addEventListener('message', ({ source, data }: MessageEvent<{ number?: string }>) => {
    if (source === frame.contentWindow) number = (data.number ?? '').replaceAll(' ', '');
  });
  const elements = {
    create: () => element,
    submit: () => {
      const error = { type: 'validation_error', code: 'incomplete_number' };
      return Promise.resolve(number in CARDS ? {} : { error });
    },
    update: ({ appearance }: { appearance?: object }) => {
      dress(appearance);
    },
  } satisfies Partial<Record<keyof StripeElements, unknown>>;
  return elements as unknown as StripeElements;
}

function frameOf(src: string, title: string): HTMLIFrameElement {
  const frame = document.createElement('iframe');
  frame.src = src;
  frame.title = title;
  return frame;
}

function pathOf(secret: string): string {
  const [id = ''] = secret.split('_secret', 1);
  return `/${id.startsWith('seti_') ? 'setup' : 'payment'}_intents/${id}`;
}

async function authenticate(fields: Record<string, string>) {
  const body = new URLSearchParams(fields).toString();
  const answer = await fetch('https://api.stripe.com/authenticate', { method: 'POST', body });
  return (await answer.json()) as Body;
}

function resultOf(body: Body): Result {
  if ('error' in body) return body;
  const name = body.object === 'setup_intent' ? 'setupIntent' : 'paymentIntent';
  return { [name]: body } as unknown as Result;
}

(globalThis as { Stripe?: typeof create }).Stripe = create;
