import { useState } from 'react';

import type { PaymentMethodDependencies } from '../api-types.js';
import { PmInUseError, type ApiError } from '../core/errors.js';
import { usePaymentMethodDependencies, usePaymentMethods } from '../hooks/payment-methods.js';
import { Actions, Button, Dialog, Failure } from '../ui/elements.js';
import { useUi } from '../ui/parts.js';
import { useDependents } from './dependents.js';

interface RemoveProps {
  id: string;
  /** The name of the payment method. */
  card: string;
  onClose: (done?: string) => void;
}

export function RemoveDialog({ id, card, onClose }: RemoveProps) {
  const { p, t } = useUi();
  const { detach } = usePaymentMethods();
  const [isRemoving, setRemoving] = useState(false);
  // A removed method has no dependencies to read.
  const { data, isLoading } = usePaymentMethodDependencies(id, { enabled: !isRemoving });
  const [failure, setFailure] = useState<ApiError | null>(null);
  const inUse = failure instanceof PmInUseError ? failure.dependencies : data;
  const isBlocked = inUse?.blocksDetach ?? false;
  const remove = () => {
    setRemoving(true);
    detach(id).then(
      () => {
        onClose(t('methods.removed'));
      },
      (error: unknown) => {
        setRemoving(false);
        setFailure(error as ApiError);
      },
    );
  };
  return (
    <Dialog title={t('methods.removeOf', { card })} onClose={onClose}>
      {inUse && isBlocked ? (
        <InUse dependencies={inUse} />
      ) : (
        <p {...p('text')}>{t('methods.removeBody')}</p>
      )}
      <Failure error={isBlocked ? null : failure} />
      <Actions>
        <Button
          onClick={() => {
            onClose();
          }}
        >
          {t(isBlocked ? 'action.close' : 'action.cancel')}
        </Button>
        {isBlocked ? null : (
          <Button
            kind="danger"
            isBusy={isRemoving}
            isOff={isRemoving || isLoading}
            onClick={remove}
          >
            {t('action.remove')}
          </Button>
        )}
      </Actions>
    </Dialog>
  );
}

function InUse({ dependencies }: { dependencies: PaymentMethodDependencies }) {
  const { p, t } = useUi();
  const users = useDependents(dependencies);
  return (
    <div role="alert">
      <p {...p('text')}>{t('methods.inUse')}</p>
      <ul {...p('bullets')}>
        {users.map((text, index) => (
          <li key={index} {...p('bullet')}>
            {text}
          </li>
        ))}
      </ul>
      <p {...p('text', 'muted')}>{t('methods.inUseHint')}</p>
    </div>
  );
}
