/** Hooks for payment methods. */
import type { UseQueryResult } from '@tanstack/react-query';

import type { PaymentMethod, PaymentMethodDependencies } from '../api-types.js';
import { withDependencies, type ApiError } from '../core/errors.js';
import { useAll, useIfAllowed, useQueryOf, type Id, type Read } from '../react/read.js';
import { PAYMENT_METHODS } from '../react/groups.js';
import { useWrite } from '../react/write.js';
import { useCustomerPath } from './customer.js';

/** Returns the payment methods, and calls to change the default and to remove one. */
export function usePaymentMethods(): Read<{
  paymentMethods: PaymentMethod[];
  setDefault: (id: string) => Promise<PaymentMethod>;
  /** Rejects with a `PmInUseError` while something depends on it. */
  detach: (id: string) => Promise<void>;
  isActing: boolean;
}> {
  const path = useCustomerPath('/payment-methods');
  const listed = useAll<'paymentMethods', PaymentMethod>('paymentMethods', 'paymentMethods', path);
  const { setDefault, ...setting } = useSetDefault();
  const { detach, ...detaching } = useWrite(
    'detach',
    (client, idempotencyKey, id: string) =>
      client
        .delete<undefined>(`/payment-methods/${id}`, { idempotencyKey })
        .catch((error: unknown) => {
          throw withDependencies(error);
        }),
    PAYMENT_METHODS,
  );
  return {
    ...listed,
    setDefault,
    detach: async (id) => {
      await detach(id);
    },
    isActing: setting.isPending || detaching.isPending,
  };
}

/** Returns a call that changes the default. */
export function useSetDefault() {
  return useWrite(
    'setDefault',
    (client, idempotencyKey, id: string) =>
      client.post<PaymentMethod>(`/payment-methods/${id}/default`, undefined, { idempotencyKey }),
    PAYMENT_METHODS,
  );
}

/** Returns the payment methods, or none when the session lacks the scope. */
export function useAllowedPaymentMethods(): Read<{ paymentMethods: PaymentMethod[] }> {
  const path = useCustomerPath('/payment-methods');
  const allowed = useIfAllowed('payment_methods:read', path);
  return useAll('paymentMethods', 'paymentMethods', allowed);
}

/** Returns the subscriptions and top-ups that depend on a payment method, as a TanStack result. */
export function usePaymentMethodDependencies(
  id: Id,
  { enabled = true }: { enabled?: boolean } = {},
): UseQueryResult<PaymentMethodDependencies, ApiError> {
  const path = id && enabled ? `/payment-methods/${id}/dependencies` : null;
  return useQueryOf<PaymentMethodDependencies>('paymentMethods', path);
}

/** Returns a call that stores the payment method of a processor's token. */
export function useAddPaymentMethod() {
  const path = useCustomerPath('/payment-methods');
  return useWrite(
    'addPaymentMethod',
    (
      client,
      idempotencyKey,
      processorToken: string,
      { setDefault }: { setDefault?: boolean | undefined } = {},
    ) => client.post<PaymentMethod>(path, { processorToken, setDefault }, { idempotencyKey }),
    PAYMENT_METHODS,
  );
}
