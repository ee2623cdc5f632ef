/** What follows a call that may move money: done, or the processor's form and then done. */
import { useState, type ReactNode } from 'react';

import type { SettleOutcome } from '../api-types.js';
import { settled } from '../core/settled.js';
import { keyOf, usePortal } from '../react/context.js';
import { useI18n } from '../react/i18n.js';
import { useParts } from '../ui/parts.js';
import { PaymentForm } from './payment-form.js';

type Waiting = Extract<SettleOutcome, { kind: 'requires_form' }>;

/** `take` gets every outcome; `form` is shown in place of what asked, until it is null. */
export function useSettling(onDone: (outcome: SettleOutcome) => void, onCancel: () => void) {
  const [waiting, setWaiting] = useState<Waiting | null>(null);
  const take = (outcome: SettleOutcome) => {
    if (outcome.kind === 'requires_form') setWaiting(outcome);
    else onDone(outcome);
  };
  const form: ReactNode = waiting ? (
    <Form
      outcome={waiting}
      onDone={() => {
        setWaiting(null);
        onDone(waiting);
      }}
      onCancel={() => {
        setWaiting(null);
        onCancel();
      }}
    />
  ) : null;
  return { take, form };
}

interface FormProps {
  outcome: Waiting;
  onDone: () => void;
  onCancel: () => void;
}

function Form({ outcome, onDone, onCancel }: FormProps) {
  const p = useParts();
  const { t } = useI18n();
  const { client, session, queryClient } = usePortal();
  const [isConfirmed, setConfirmed] = useState(false);
  const wait = async () => {
    setConfirmed(true);
    if (session) await settled(client, outcome, session.signal).catch(() => false);
    void queryClient.invalidateQueries({ queryKey: keyOf(session) });
    onDone();
  };
  return isConfirmed ? (
    <p {...p('text')} role="status">
      {t('form.waiting')}
    </p>
  ) : (
    <PaymentForm client={outcome.client} onSuccess={() => void wait()} onCancel={onCancel} />
  );
}
