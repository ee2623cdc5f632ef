/** What is charged. */
import type { UseQueryResult } from '@tanstack/react-query';

import type { PaymentMethod, PaymentMethodDependencies } from '../api-types.js';
import { withDependencies, type ApiError } from '../core/errors.js';
import { useAll, useQueryOf, type Id, type Read } from '../react/read.js';
import { METHODS, useWrite } from '../react/write.js';
import { useOwnPath } from './customer.js';

export function usePaymentMethods(): Read<{
  paymentMethods: PaymentMethod[];
  setDefault: (id: string) => Promise<PaymentMethod>;
  /** Rejects with a `PmInUseError` where it is still needed. */
  detach: (id: string) => Promise<void>;
  isActing: boolean;
}> {
  const path = useOwnPath('/payment-methods');
  const listed = useAll<'paymentMethods', PaymentMethod>('paymentMethods', path);
  const { setDefault, ...setting } = useWrite(
    'setDefault',
    (client, idempotencyKey, id: string) =>
      client.post<PaymentMethod>(`/payment-methods/${id}/default`, undefined, { idempotencyKey }),
    METHODS,
  );
  const { detach, ...detaching } = useWrite(
    'detach',
    (client, idempotencyKey, id: string) =>
      client
        .delete<undefined>(`/payment-methods/${id}`, { idempotencyKey })
        .catch((error: unknown) => {
          throw withDependencies(error);
        }),
    METHODS,
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

/** What needs a payment method; TanStack's own result. */
export function usePaymentMethodDependencies(
  id: Id,
  { enabled = true }: { enabled?: boolean } = {},
): UseQueryResult<PaymentMethodDependencies, ApiError> {
  const path = id && enabled ? `/payment-methods/${id}/dependencies` : null;
  return useQueryOf<PaymentMethodDependencies>(path);
}

export function useAddPaymentMethod() {
  const path = useOwnPath('/payment-methods');
  return useWrite(
    'addPaymentMethod',
    (
      client,
      idempotencyKey,
      processorToken: string,
      { setDefault }: { setDefault?: boolean | undefined } = {},
    ) => client.post<PaymentMethod>(path, { processorToken, setDefault }, { idempotencyKey }),
    METHODS,
  );
}
