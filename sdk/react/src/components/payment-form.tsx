import { useEffect, useState, type ComponentType } from 'react';

import type { Flow, FormClient, PaymentMethod } from '../api-types.js';
import type { ApiError } from '../core/errors.js';
import { useSetupPayment } from '../hooks/customer.js';
import { Failure, Skeleton } from '../ui/elements.js';
import { lazy } from '../ui/lazy.js';
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
  /** The task that the form is a step of, for a form that leaves the page. */
  task?: Flow | undefined;
  /** The payment that the form is for. */
  paymentAttemptId?: string | undefined;
}

/** The props of {@link PaymentForm}. */
export interface PaymentFormProps extends StyleProps {
  /** The `client` of an outcome that requires a form; without it the form adds a payment method. */
  client?: FormClient | undefined;
  /** The amount on the button, formatted. */
  amount?: string | undefined;
  /** Gets the payment method if one was added. */
  onSuccess: (added?: PaymentMethod) => void;
  onCancel?: (() => void) | undefined;
}

/** The properties of each processor's form. */
export type ProcessorFormProps = FormProps & { client: FormClient };

/** The form of each processor, loaded when it is first shown. */
const FORMS: Partial<Record<string, ComponentType<ProcessorFormProps>>> = {
  sandbox: /* @__PURE__ */ lazy(async () => (await import('./sandbox-form.js')).SandboxForm, 5),
  stripe: /* @__PURE__ */ lazy(async () => (await import('./stripe-form.js')).StripeForm, 5),
  http: /* @__PURE__ */ lazy(async () => (await import('./http-form.js')).HttpForm, 2),
};

/** The form of the customer's payment processor. */
export const PaymentForm: ComponentType<PaymentFormProps> =
  /* @__PURE__ */ defineComponent<PaymentFormProps>(null, ProcessorForm);

/** The same form, for use inside another component. */
export function ProcessorForm({ client: given, ...props }: FormProps) {
  const { p, t } = useUi();
  const { client, error } = useFormClient(given);
  if (error) return <Failure error={error} />;
  if (!client) return <Skeleton lines={5} />;
  const { processor } = client;
  const ProcessorsForm = FORMS[processor];
  return ProcessorsForm ? (
    <ProcessorsForm client={client} {...props} />
  ) : (
    <p {...p('text')}>{t('form.unsupported', { processor })}</p>
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
