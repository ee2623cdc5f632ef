/** Takes up the outcome of a form that `/portal/pay` has shown. The server decides what it is worth. */
import { useEffect, useState, type ComponentType } from 'react';

import { waitForPayment } from '../../sdk/react/src/core/settled.js';
import { useAddPaymentMethod } from '../../sdk/react/src/hooks/payment-methods.js';
import type { ApiError } from '../../sdk/react/src/core/errors.js';
import { usePortal } from '../../sdk/react/src/react/context.js';
import { ACCOUNT, queriesIn } from '../../sdk/react/src/react/groups.js';
import type { Key } from '../../sdk/react/src/react/i18n.js';
import { Alert, Failure, Status } from '../../sdk/react/src/ui/elements.js';
import { defineComponent, useUi } from '../../sdk/react/src/ui/parts.js';
import type { Outcome } from './handover.js';

export interface ReturnedProps {
  outcome: Outcome;
  /** Called once the server has decided. */
  onEnd: (isDone: boolean) => void;
  className?: string;
}

const TEXTS = { succeeded: 'form.paid', failed: 'pay.failed', late: 'form.late' } as const;

export const Returned: ComponentType<ReturnedProps> = defineComponent(
  null,
  function Returned({ outcome: { intentId, type, paymentAttemptId }, onEnd }: ReturnedProps) {
    const { t } = useUi();
    const { client, session, queryClient } = usePortal();
    const { addPaymentMethod } = useAddPaymentMethod();
    const [text, setText] = useState<Key>('action.working');
    const [error, setError] = useState<ApiError | null>(null);
    useEffect(() => {
      if (intentId === undefined || !session) return;
      const add = async (): Promise<Key> => {
        await addPaymentMethod(intentId);
        return 'methods.added';
      };
      const wait = async (id: string): Promise<Key> => {
        // Without permission to read the payment its outcome stays unknown.
        const unknown = () => 'late' as const;
        const settled = await waitForPayment(client, id, session.signal).catch(unknown);
        void queryClient.invalidateQueries(queriesIn(session, ACCOUNT));
        return TEXTS[settled];
      };
      const result = type === 'setup' ? add() : wait(paymentAttemptId ?? '');
      result.then(
        (found) => {
          setText(found);
          onEnd(found === 'methods.added' || found === 'form.paid');
        },
        (failure: unknown) => {
          setError(failure as ApiError);
          onEnd(false);
        },
      );
      // Once: the outcome of a form does not change.
    }, []);
    if (error) return <Failure error={error} />;
    if (text === 'pay.failed') return <Alert>{t(text)}</Alert>;
    return <Status>{t(text)}</Status>;
  },
);
