/** The form of the sandbox processor: a choice of test cards, or of the bank's answer. */
import { useState } from 'react';

import { useAddPaymentMethod } from '../hooks/payment-methods.js';
import { useWrite } from '../react/write.js';
import { Actions, Button, Failure } from '../ui/elements.js';
import { Choice, Form, OtherMethod } from '../ui/form.js';
import { useUi } from '../ui/parts.js';
import type { ProcessorFormProps } from './payment-form.js';

/** The test cards and their tokens. */
const CARDS = [
  ['Visa 4242', 'visa'],
  ['Mastercard 4444', 'mastercard'],
  ['Visa 0002', 'declined'],
  ['Visa 3220', 'requires_form'],
  ['Visa 0069', 'expires'],
  ['Visa 0119', 'timeout'],
] as const;

export function SandboxForm({ client, ...props }: ProcessorFormProps) {
  return client.type === 'setup' ? (
    <CardForm {...props} />
  ) : (
    <ConfirmForm clientSecret={client.clientSecret} {...props} />
  );
}

type FormProps = Omit<ProcessorFormProps, 'client'>;

function CardForm({ onSuccess, onCancel }: FormProps) {
  const { t } = useUi();
  const [card, setCard] = useState<string>('visa');
  const { addPaymentMethod, isPending, error } = useAddPaymentMethod();
  const add = () => {
    addPaymentMethod(`pm_sandbox_${card}`).then(onSuccess, () => undefined);
  };
  const options = CARDS.map(([label, value]) => ({ value, label, detail: value }));
  return (
    <Form
      action={t('form.add')}
      isBusy={isPending}
      error={error}
      onSubmit={add}
      onCancel={onCancel}
    >
      <Choice label={t('form.sandbox')} options={options} value={card} onValue={setCard} />
    </Form>
  );
}

function ConfirmForm({
  clientSecret,
  amount,
  onSuccess,
  onCancel,
  onOtherMethod,
}: FormProps & { clientSecret: string }) {
  const { p, t } = useUi();
  const { confirm, isPending, error } = useWrite(
    'confirm',
    (client, idempotencyKey, secret: string, outcome: 'succeed' | 'decline') =>
      client.post('/sandbox/forms/confirm', { clientSecret: secret, outcome }, { idempotencyKey }),
  );
  const answer = (outcome: 'succeed' | 'decline') => {
    confirm(clientSecret, outcome).then(
      () => {
        onSuccess();
      },
      () => undefined,
    );
  };
  return (
    <div {...p('form')}>
      <p {...p('text')}>{t('form.sandbox')}</p>
      <Failure error={error} />
      {error ? <OtherMethod onClick={onOtherMethod} /> : null}
      <Actions onCancel={onCancel}>
        <Button
          isOff={isPending}
          onClick={() => {
            answer('decline');
          }}
        >
          {t('form.decline')}
        </Button>
        <Button
          kind="primary"
          isBusy={isPending}
          onClick={() => {
            answer('succeed');
          }}
        >
          {amount === undefined ? t('form.confirm') : t('invoices.pay', { amount })}
        </Button>
      </Actions>
    </div>
  );
}
