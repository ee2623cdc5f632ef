import { useState } from 'react';

import type { SettleOutcome } from '../api-types.js';
import { settled } from '../core/settled.js';
import { usePortal } from '../react/context.js';
import { ACCOUNT, queriesIn } from '../react/groups.js';
import { Actions, Button } from '../ui/elements.js';
import { useUi } from '../ui/parts.js';
import { ProcessorForm } from './payment-form.js';

export interface Waiting {
  outcome: Extract<SettleOutcome, { kind: 'requires_form' }>;
  /** What it costs, as text. */
  amount: string;
}

interface SettleFormProps extends Waiting {
  onDone: () => void;
  onCancel: () => void;
}

/** The form, and then the wait for what it was for. */
export function SettleForm({ outcome, amount, onDone, onCancel }: SettleFormProps) {
  const { p, t } = useUi();
  const { client, session, queryClient } = usePortal();
  const [state, setState] = useState<'form' | 'waiting' | 'late'>('form');
  const wait = async () => {
    setState('waiting');
    const isDone = session && (await settled(client, outcome, session.signal).catch(() => false));
    void queryClient.invalidateQueries(queriesIn(session, ACCOUNT));
    if (isDone) onDone();
    else setState('late');
  };
  return state === 'form' ? (
    <ProcessorForm
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
