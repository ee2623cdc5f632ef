/**
 * Leaves for `/portal/pay`, which shows Stripe's form in a document of its own. In this build it takes
 * the place of the package's `stripe-form`, which shows the form inside the page: Stripe's script must
 * not run beside the session's token.
 */
import type { Branding } from '@unitpay/react';
import { useEffect, useState } from 'react';

import type { ProcessorFormProps } from '../../sdk/react/src/components/payment-form.js';
import { usePortal } from '../../sdk/react/src/react/context.js';
import { Actions, Alert, Skeleton } from '../../sdk/react/src/ui/elements.js';
import { useUi } from '../../sdk/react/src/ui/parts.js';
import { base } from './boot.js';
import { leaveForm } from './handover.js';

export function StripeForm({
  client,
  amount,
  task,
  paymentAttemptId,
  onCancel,
}: ProcessorFormProps) {
  const { t, locale } = useUi();
  const { initialData } = usePortal();
  const [hasFailed, setFailed] = useState(false);
  useEffect(() => {
    const branding = (initialData['/branding'] as Branding | undefined) ?? {};
    try {
      const { state } = history as { state: unknown };
      const sid = location.hash.slice(1);
      leaveForm({ sid, client, amount, task, paymentAttemptId, state, locale, branding });
    } catch {
      setFailed(true);
      return undefined;
    }
    location.assign(`${base}/portal/pay`);
    // The customer has gone back, and the browser shows the page as it was.
    const onBack = ({ persisted }: PageTransitionEvent) => {
      if (persisted) onCancel?.();
    };
    addEventListener('pageshow', onBack);
    return () => {
      removeEventListener('pageshow', onBack);
    };
    // Once for each form: the rest does not change what is shown there.
  }, [client.clientSecret]);
  if (!hasFailed) return <Skeleton lines={5} />;
  return (
    <>
      <Alert>{t('error.unknown')}</Alert>
      <Actions onCancel={onCancel} />
    </>
  );
}
