/** What follows a call that may move money: done, or the processor's form and then done. */
import { useState, type ReactNode } from 'react';

import type { SettleOutcome } from '../api-types.js';
import { SettleForm } from './lazy-forms.js';
import type { Waiting } from './settle-form.js';

/**
 * `take` gets every outcome, and what it costs; `form` is shown in place of what asked, until it is
 * null. `cancel` gives the form up, where its dialog is closed.
 */
export function useSettling(onDone: (outcome: SettleOutcome) => void, onCancel: () => void) {
  const [waiting, setWaiting] = useState<Waiting | null>(null);
  const take = (outcome: SettleOutcome, amount: string) => {
    if (outcome.kind === 'requires_form') setWaiting({ outcome, amount });
    else onDone(outcome);
  };
  const cancel = () => {
    setWaiting(null);
    onCancel();
  };
  const form: ReactNode = waiting ? (
    <SettleForm
      {...waiting}
      onDone={() => {
        setWaiting(null);
        onDone(waiting.outcome);
      }}
      onCancel={cancel}
    />
  ) : null;
  return { take, form, cancel };
}
