/** Completes a call that may move money: shows the processor's form if the outcome needs one. */
import { useState, type ReactNode } from 'react';

import type { Flow, SettleOutcome } from '../api-types.js';
import { SettleForm } from './lazy-forms.js';
import type { Waiting } from './settle-form.js';

interface SettlingHandlers {
  onDone: (outcome: SettleOutcome) => void;
  /** The customer dismissed the form. */
  onCancel: () => void;
  /** The customer wants to pay with another payment method. */
  onOtherMethod: () => void;
  /** The task that the payment is a step of. */
  task: Flow;
}

/** `take` gets the outcome and its amount. While `form` is not null, it replaces the screen. */
export function useSettling({ onDone, onCancel, onOtherMethod, task }: SettlingHandlers) {
  const [waiting, setWaiting] = useState<Waiting | null>(null);
  const take = (outcome: SettleOutcome, amount: string) => {
    if (outcome.kind === 'requires_form') setWaiting({ outcome, amount });
    else onDone(outcome);
  };
  const form: ReactNode = waiting ? (
    <SettleForm
      {...waiting}
      task={task}
      onDone={() => {
        setWaiting(null);
        onDone(waiting.outcome);
      }}
      onCancel={() => {
        setWaiting(null);
        onCancel();
      }}
      onOtherMethod={() => {
        setWaiting(null);
        onOtherMethod();
      }}
    />
  ) : null;
  return { take, form };
}
