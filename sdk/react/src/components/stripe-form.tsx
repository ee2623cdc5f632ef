/** Stripe's form inside the page. Its code is loaded when a form of Stripe's is first shown. */
import { useState } from 'react';

import { useAddPaymentMethod } from '../hooks/payment-methods.js';
import { Actions, Button, Failure } from '../ui/elements.js';
import { useUi } from '../ui/parts.js';
import { ElementForm } from './element-form.js';
import type { ProcessorFormProps } from './payment-form.js';

export function StripeForm({ client, onSuccess, ...props }: ProcessorFormProps) {
  const { p, t } = useUi();
  const { addPaymentMethod, isPending, error } = useAddPaymentMethod();
  const [intentId, setIntentId] = useState<string | null>(null);
  const add = (id: string) => {
    addPaymentMethod(id).then(onSuccess, () => undefined);
  };
  if (intentId !== null) {
    return (
      <>
        <p {...p('text')} role="status">
          {isPending ? t('action.working') : ''}
        </p>
        <Failure error={error} />
        <Actions onCancel={error ? props.onCancel : undefined}>
          {error ? (
            <Button
              kind="primary"
              isBusy={isPending}
              onClick={() => {
                add(intentId);
              }}
            >
              {t('action.retry')}
            </Button>
          ) : null}
        </Actions>
      </>
    );
  }
  return (
    <ElementForm
      {...props}
      client={client}
      returnUrl={location.href}
      onConfirmed={(id) => {
        if (client.type === 'payment') {
          onSuccess();
          return;
        }
        setIntentId(id);
        add(id);
      }}
    />
  );
}
