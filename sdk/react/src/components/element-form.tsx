/** Stripe's Payment Element with our buttons and errors. It knows no session of ours. */
import { useEffect, useId, useRef, useState } from 'react';

import type { FormClient } from '../api-types.js';
import { usePortal } from '../react/context.js';
import type { Key } from '../react/i18n.js';
import { appearanceOf } from '../stripe/appearance.js';
import { loadStripe } from '../stripe/load.js';
import { yieldModals } from '../stripe/modal.js';
import { begin, confirm, type Step } from '../stripe/steps.js';
import type { StripeElement, StripeElements, StripeJs } from '../stripe/types.js';
import { Actions, Alert, Button, Skeleton } from '../ui/elements.js';
import { OtherMethod } from '../ui/form.js';
import { useUi } from '../ui/parts.js';

interface ElementFormProps {
  client: FormClient;
  /** The amount on the button, formatted. */
  amount?: string | undefined;
  /** The page to which a redirect of the bank comes back. */
  returnUrl: string;
  /** Gets the id of the intent that Stripe has confirmed. */
  onConfirmed: (intentId: string) => void;
  onCancel?: (() => void) | undefined;
  /** Offered after a decline. */
  onOtherMethod?: (() => void) | undefined;
}

interface Opened {
  stripe: StripeJs;
  elements: StripeElements;
}

/** `blocked`: Stripe.js or its fields could not be loaded. */
type State = 'loading' | 'ready' | 'busy' | 'blocked' | 'over';

export function ElementForm(props: ElementFormProps) {
  const { client, amount, returnUrl, onConfirmed, onCancel, onOtherMethod } = props;
  const { p, t } = useUi();
  const { appearance, stripe: given } = usePortal();
  const host = useRef<HTMLDivElement>(null);
  const labelId = useId();
  const opened = useRef<Opened | null>(null);
  const [state, setState] = useState<State>('loading');
  const [failure, setFailure] = useState<Key | null>(null);
  const [attempt, setAttempt] = useState(0);
  const take = (step: Step) => {
    if (step.kind === 'confirmed') {
      onConfirmed(step.intentId);
      return;
    }
    setFailure(step.failure);
    setState(step.kind === 'over' ? 'over' : 'ready');
  };
  const block = () => {
    setFailure('form.blocked');
    setState('blocked');
  };
  useEffect(() => {
    let isOpen = true;
    let element: StripeElement | null = null;
    const open = async () => {
      // Strict Mode closes the first form before this goes on.
      await Promise.resolve();
      const stripe = isOpen ? await (given ?? loadStripe(client.publishableKey ?? '')) : null;
      const at = host.current;
      if (!isOpen || !at) return;
      if (!stripe) throw new Error('Stripe.js could not be loaded.');
      const restore = yieldModals(at);
      const step = await begin(stripe, client).finally(restore);
      // Not open any more, or the ref is another element's.
      if (host.current !== at) return;
      if (step.kind !== 'fields') {
        take(step);
        return;
      }
      const elements = stripe.elements({
        clientSecret: client.clientSecret,
        appearance: appearanceOf(at),
        // Stripe's type is a list of languages; it falls back for those that it does not have.
        locale: t('language') as 'auto',
        loader: 'never',
      });
      opened.current = { stripe, elements };
      element = elements.create('payment', { wallets: { link: 'never' } });
      element.on('ready', () => {
        take(step);
        element?.focus();
      });
      element.on('loaderror', block);
      element.mount(at);
    };
    open().catch(() => {
      if (isOpen) block();
    });
    return () => {
      isOpen = false;
      opened.current = null;
      element?.destroy();
    };
    // The handlers and texts do not change what is open.
  }, [client.clientSecret, given, attempt]);
  useEffect(() => {
    const dress = () => {
      if (host.current) opened.current?.elements.update({ appearance: appearanceOf(host.current) });
    };
    dress();
    const scheme = matchMedia('(prefers-color-scheme: dark)');
    scheme.addEventListener('change', dress);
    return () => {
      scheme.removeEventListener('change', dress);
    };
  }, [appearance]);
  const submit = async () => {
    const { current } = opened;
    const at = host.current;
    if (!current || !at || state !== 'ready') return;
    setState('busy');
    setFailure(null);
    const restore = yieldModals(at);
    const unknown = (): Step => ({ kind: 'fields', failure: 'error.unknown' });
    const step = await confirm(current.stripe, current.elements, client, returnUrl).catch(unknown);
    restore();
    // A dismissed form reports nothing more; the server learns the outcome from Stripe.
    if (opened.current === current) take(step);
  };
  const isSetup = client.type === 'setup';
  const label = isSetup
    ? t('form.add')
    : amount === undefined
      ? t('form.confirm')
      : t('invoices.pay', { amount });
  return (
    <form
      {...p('form')}
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
    >
      <div role="group" aria-labelledby={labelId} aria-busy={state === 'loading'}>
        <span {...p('hidden')} id={labelId}>
          {t('pay.method')}
        </span>
        {state === 'loading' ? <Skeleton lines={4} /> : null}
        <div ref={host} key={attempt} />
      </div>
      <Alert>{failure && t(failure)}</Alert>
      {failure && state === 'ready' ? <OtherMethod onClick={onOtherMethod} /> : null}
      <Actions onCancel={onCancel}>
        {state === 'blocked' ? (
          <Button
            kind="primary"
            onClick={() => {
              setFailure(null);
              setState('loading');
              setAttempt(attempt + 1);
            }}
          >
            {t('action.retry')}
          </Button>
        ) : null}
        {state === 'ready' || state === 'busy' ? (
          <Button kind="primary" isSubmit isBusy={state === 'busy'}>
            {label}
          </Button>
        ) : null}
      </Actions>
    </form>
  );
}
