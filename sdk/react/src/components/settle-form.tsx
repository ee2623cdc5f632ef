import { useState } from 'react';

import type { Flow, SettleOutcome } from '../api-types.js';
import { waitForForm, type Settled } from '../core/settled.js';
import { usePortal } from '../react/context.js';
import { ACCOUNT, queriesIn } from '../react/groups.js';
import { Actions, Button, Text } from '../ui/elements.js';
import { useUi } from '../ui/parts.js';
import { ProcessorForm } from './payment-form.js';

export interface Waiting {
  outcome: Extract<SettleOutcome, { kind: 'requires_form' }>;
  /** The amount, formatted. */
  amount: string;
}

interface SettleFormProps extends Waiting {
  onDone: () => void;
  onCancel: () => void;
  onOtherMethod: () => void;
  /** The task that the payment is a step of. */
  task: Flow;
}

/** Shows the processor's form and waits for the payment. */
export function SettleForm(props: SettleFormProps) {
  const { outcome, amount, onDone, onCancel, onOtherMethod, task } = props;
  const { p, t } = useUi();
  const { client, session, queryClient } = usePortal();
  const [state, setState] = useState<'form' | 'waiting' | Settled>('form');
  const wait = async () => {
    if (!session) return;
    setState('waiting');
    // Without permission to read the payment its outcome stays unknown.
    const unknown = () => 'late' as const;
    const settled = await waitForForm(client, outcome, session.signal).catch(unknown);
    void queryClient.invalidateQueries(queriesIn(session, ACCOUNT));
    setState(settled);
    if (settled === 'succeeded') onDone();
  };
  if (state === 'form') {
    return (
      <ProcessorForm
        client={outcome.client}
        amount={amount}
        onSuccess={() => void wait()}
        onCancel={onCancel}
        onOtherMethod={onOtherMethod}
        task={task}
        paymentAttemptId={outcome.paymentAttemptId ?? undefined}
      />
    );
  }
  const text = { late: 'form.late', failed: 'pay.failed' } as const;
  const isWaiting = state === 'waiting' || state === 'succeeded';
  return (
    <>
      <p {...p('text')} role="status">
        <Text>{t(isWaiting ? 'action.working' : text[state])}</Text>
      </p>
      <Actions>
        {isWaiting ? null : <Button onClick={onCancel}>{t('action.close')}</Button>}
        {state === 'failed' ? (
          <Button kind="primary" onClick={onOtherMethod}>
            {t('pay.other')}
          </Button>
        ) : null}
      </Actions>
    </>
  );
}
