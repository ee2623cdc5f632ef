import { useEffect, useState, type ComponentType } from 'react';

import type { FormClient, PaymentMethod } from '../api-types.js';
import type { ApiError } from '../core/errors.js';
import { useSetupPayment } from '../hooks/customer.js';
import { useAddPaymentMethod } from '../hooks/payment-methods.js';
import { useWrite } from '../react/write.js';
import { Actions, Button, Failure, Skeleton } from '../ui/elements.js';
import { Choice, Form } from '../ui/form.js';
import { defineComponent, useUi, type StyleProps } from '../ui/parts.js';

interface FormProps {
  /** The `client` of an outcome that requires a form; without it the form adds a payment method. */
  client?: FormClient | undefined;
  /** The amount on the button, formatted. */
  amount?: string | undefined;
  /** Gets the payment method if one was added. */
  onSuccess: (added?: PaymentMethod) => void;
  onCancel?: (() => void) | undefined;
  /** Offered after a decline. */
  onOtherMethod?: (() => void) | undefined;
}

/** The props of {@link PaymentForm}. */
export interface PaymentFormProps extends StyleProps, Omit<FormProps, 'onOtherMethod'> {}

/** The test cards of the sandbox and their tokens. */
const CARDS = [
  ['Visa 4242', 'visa'],
  ['Mastercard 4444', 'mastercard'],
  ['Visa 0002', 'declined'],
  ['Visa 3220', 'requires_form'],
  ['Visa 0069', 'expires'],
  ['Visa 0119', 'timeout'],
] as const;

/** The processor's form. The sandbox's form is part of this package. */
export const PaymentForm: ComponentType<PaymentFormProps> =
  /* @__PURE__ */ defineComponent<PaymentFormProps>(null, ProcessorForm);

/** The same form, for use inside another component. */
export function ProcessorForm({ client: given, ...props }: FormProps) {
  const { p, t } = useUi();
  const { client, error } = useFormClient(given);
  if (error) return <Failure error={error} />;
  if (!client) return <Skeleton lines={5} />;
  if (client.processor !== 'sandbox') {
    return <p {...p('text')}>{t('form.unsupported', { processor: client.processor })}</p>;
  }
  return client.type === 'setup' ? (
    <CardForm {...props} />
  ) : (
    <ConfirmForm clientSecret={client.clientSecret} {...props} />
  );
}

function useFormClient(given: FormClient | undefined) {
  const { setupPayment } = useSetupPayment();
  const [created, setCreated] = useState<FormClient | null>(null);
  const [error, setError] = useState<ApiError | null>(null);
  const client = given ?? created;
  const isWanted = !client && !error;
  useEffect(() => {
    if (isWanted) setupPayment().then(setCreated, setError);
  }, [isWanted, setupPayment]);
  return { client, error };
}

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
      {error && onOtherMethod ? (
        <Actions>
          <Button kind="plain" onClick={onOtherMethod}>
            {t('pay.other')}
          </Button>
        </Actions>
      ) : null}
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
