import { useState } from 'react';

import type { Subscription } from '../api-types.js';
import { usePlans } from '../hooks/catalog.js';
import { useCancelSubscription } from '../hooks/subscriptions.js';
import { Actions, Button, Dialog, Failure } from '../ui/elements.js';
import { Choice } from '../ui/form.js';
import { FeatureChanges } from './feature-changes.js';
import { useUi } from '../ui/parts.js';

const REASONS = ['too_expensive', 'missing_features', 'unused', 'switched', 'other'] as const;

interface CancelDialogProps {
  subscription: Subscription;
  planName: string;
  onClose: (isDone: boolean) => void;
}

export function CancelDialog({ subscription, planName, onClose }: CancelDialogProps) {
  const { p, t, date } = useUi();
  const [reason, setReason] = useState('');
  const { cancelSubscription, isPending, error } = useCancelSubscription();
  const { plans } = usePlans();
  const { id, currentBillingPeriodEnd: end } = subscription;
  const cancel = () => {
    cancelSubscription(id, { mode: 'period_end', reason: reason || undefined }).then(
      () => {
        onClose(true);
      },
      () => undefined,
    );
  };
  const keep = () => {
    onClose(false);
  };
  const options = REASONS.map((value) => ({ value, label: t(`cancel.reason.${value}`) }));
  return (
    <Dialog title={t('cancel.title', { plan: planName })} onClose={keep}>
      <p {...p('text')}>
        {end ? t('cancel.body', { date: date(end) }) : t('subscription.pending')}
      </p>
      <FeatureChanges
        from={plans.find((plan) => plan.id === subscription.planId)}
        to={undefined}
        date={end ? date(end) : undefined}
      />
      <Choice label={t('cancel.reason')} options={options} value={reason} onValue={setReason} />
      <Failure error={error} />
      <Actions>
        <Button onClick={keep}>{t('subscription.undo')}</Button>
        <Button kind="danger" isBusy={isPending} onClick={cancel}>
          {t('subscription.cancel')}
        </Button>
      </Actions>
    </Dialog>
  );
}
