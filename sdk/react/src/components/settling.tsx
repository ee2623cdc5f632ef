/** What follows a call that may move money: done, or the processor's form and then done. */
import { useState, type ReactNode } from 'react';

import type { SettleOutcome } from '../api-types.js';
import { settled } from '../core/settled.js';
import { keyOf, usePortal } from '../react/context.js';
import { useI18n } from '../react/i18n.js';
import { Actions, Button } from '../ui/elements.js';
import { useParts } from '../ui/parts.js';
import { PaymentForm } from './payment-form.js';

interface Waiting {
  outcome: Extract<SettleOutcome, { kind: 'requires_form' }>;
  amount: string;
}

/** `take` gets every outcome, and what it costs; `form` is shown in place of what asked, until it is null. */
export function useSettling(onDone: (outcome: SettleOutcome) => void, onCancel: () => void) {
  const [waiting, setWaiting] = useState<Waiting | null>(null);
  const take = (outcome: SettleOutcome, amount: string) => {
    if (outcome.kind === 'requires_form') setWaiting({ outcome, amount });
    else onDone(outcome);
  };
  const form: ReactNode = waiting ? (
    <Form
      {...waiting}
      onDone={() => {
        setWaiting(null);
        onDone(waiting.outcome);
      }}
      onCancel={() => {
        setWaiting(null);
        onCancel();
      }}
    />
  ) : null;
  return { take, form };
}

interface FormProps extends Waiting {
  onDone: () => void;
  onCancel: () => void;
}

function Form({ outcome, amount, onDone, onCancel }: FormProps) {
  const p = useParts();
  const { t } = useI18n();
  const { client, session, queryClient } = usePortal();
  const [state, setState] = useState<'form' | 'waiting' | 'late'>('form');
  const wait = async () => {
    setState('waiting');
    const isDone = session && (await settled(client, outcome, session.signal).catch(() => false));
    void queryClient.invalidateQueries({ queryKey: keyOf(session) });
    if (isDone) onDone();
    else setState('late');
  };
  return state === 'form' ? (
    <PaymentForm
      client={outcome.client}
      amount={amount}
      onSuccess={() => void wait()}
      onCancel={onCancel}
    />
  ) : (
    <>
      <p {...p('text')} role="status">
        {t(state === 'late' ? 'form.late' : 'action.working')}
      </p>
      <Actions>
        {state === 'late' ? <Button onClick={onCancel}>{t('action.close')}</Button> : null}
      </Actions>
    </>
  );
}
