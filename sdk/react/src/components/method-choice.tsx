/** Names the payment method that a charge uses, and lets the customer choose or add another. */
import { useState, type ReactNode } from 'react';

import type { Flow } from '../api-types.js';
import { useAllowedPaymentMethods, useSetDefault } from '../hooks/payment-methods.js';
import { useCan } from '../react/session.js';
import { Actions, Button } from '../ui/elements.js';
import { Choice } from '../ui/form.js';
import { useUi } from '../ui/parts.js';
import { expiryText, methodText } from './method-text.js';
import { ProcessorForm } from './payment-form.js';

export interface MethodChoice {
  /** The chosen payment method; undefined leaves the choice to the server. */
  methodId: string | undefined;
  /** Shows the payment method and the way to another. */
  fields: ReactNode;
  /** Replaces the whole screen while a payment method is added. */
  form: ReactNode;
  /** Shows the list of payment methods. */
  open: () => void;
  /** Makes the chosen payment method the default, for charges that always use the default. */
  makeDefault: () => Promise<void>;
}

/**
 * `usesDefault`: the charge always uses the default, so another choice changes the default. `task` is
 * the task that the charge is a step of.
 */
export function useMethodChoice(usesDefault: boolean, task: Flow): MethodChoice {
  const ui = useUi();
  const { p, t } = ui;
  const { paymentMethods, isLoading, error } = useAllowedPaymentMethods();
  const { setDefault } = useSetDefault();
  const mayRead = useCan('payment_methods:read');
  const mayWrite = useCan('payment_methods:write');
  const [chosenId, setChosenId] = useState<string>();
  const [isOpen, setOpen] = useState(false);
  const [isAdding, setAdding] = useState(false);
  const current = paymentMethods.find(({ isDefault }) => isDefault) ?? paymentMethods[0];
  const chosen = paymentMethods.find(({ id }) => id === chosenId) ?? current;
  const mayChoose = mayWrite || (!usesDefault && paymentMethods.length > 1);
  const stopAdding = () => {
    setAdding(false);
  };
  const form = isAdding ? (
    <ProcessorForm
      onSuccess={(added) => {
        setChosenId(added?.id);
        setAdding(false);
      }}
      onCancel={stopAdding}
      task={task}
    />
  ) : null;
  const add = mayWrite ? (
    <Actions>
      <Button
        kind="plain"
        onClick={() => {
          setAdding(true);
        }}
      >
        {t('methods.add')}
      </Button>
    </Actions>
  ) : null;
  const options = paymentMethods.map((method) => ({
    value: method.id,
    label: methodText(method, ui),
    detail: method.isDeclined ? t('methods.declined') : (expiryText(method, ui) ?? ''),
  }));
  const list = (
    <>
      <Choice
        label={t('pay.method')}
        options={options}
        value={chosen?.id ?? ''}
        onValue={setChosenId}
      />
      {usesDefault && chosen && chosen !== current ? (
        <p {...p('text', 'muted')}>{t('pay.becomesDefault')}</p>
      ) : null}
      {add}
    </>
  );
  const summary = chosen ? (
    <div {...p('item')}>
      <span {...p('item-text')}>
        <span {...p('item-detail')}>{t('pay.method')}</span>
        <span {...p('item-name')}>{methodText(chosen, ui)}</span>
      </span>
      {mayChoose ? (
        <Button
          kind="plain"
          aria-label={`${t('action.edit')}: ${t('pay.method')}`}
          onClick={() => {
            setOpen(true);
          }}
        >
          {t('action.edit')}
        </Button>
      ) : null}
    </div>
  ) : (
    <p {...p('text', 'muted')}>{t('pay.none')}</p>
  );
  const isKnown = mayRead && !isLoading && !error;
  return {
    methodId: chosenId && chosen?.id,
    fields: isKnown ? (isOpen && chosen ? list : summary) : null,
    form,
    open: () => {
      setOpen(mayChoose);
    },
    makeDefault: async () => {
      if (chosen && chosen !== current) await setDefault(chosen.id);
    },
  };
}
