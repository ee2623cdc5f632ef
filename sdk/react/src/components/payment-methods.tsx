import { useState, type ComponentType } from 'react';

import type { PaymentMethod } from '../api-types.js';
import type { ApiError } from '../core/errors.js';
import { usePaymentMethodDependencies, usePaymentMethods } from '../hooks/payment-methods.js';
import { useCan } from '../react/session.js';
import { CardMark } from '../ui/card-mark.js';
import { Actions, Badge, Button, Card, Dialog, Failure, Loaded, Status } from '../ui/elements.js';
import { defineComponent, useNotice, useUi, type StyleProps } from '../ui/parts.js';
import { useFlow, type FlowProps } from './flow.js';
import { useDependents } from './dependents.js';
import { expiresSoon, expiryText, isExpired, methodText } from './method-text.js';
import { PaymentForm, RemoveDialog } from './lazy-forms.js';

/** The props of {@link PaymentMethods}. */
export interface PaymentMethodsProps extends StyleProps, FlowProps {}

/** The payment methods: add, make default, remove. */
export const PaymentMethods: ComponentType<PaymentMethodsProps> = /* @__PURE__ */ defineComponent(
  'payment_methods:read',
  function PaymentMethods(props) {
    const ui = useUi();
    const { p, t } = ui;
    const { paymentMethods, setDefault, isActing, ...read } = usePaymentMethods();
    const [flow, endFlow] = useFlow(props, 'add_payment_method');
    const mayWrite = useCan('payment_methods:write');
    const [open, setOpen] = useState<'add' | PaymentMethod | null>(flow && mayWrite ? 'add' : null);
    const [done, setDone] = useNotice();
    const [failure, setFailure] = useState<ApiError | null>(null);
    const close = (text?: string) => {
      setOpen(null);
      setDone(text);
      endFlow(text !== undefined);
    };
    const makeDefault = (method: PaymentMethod) => {
      setFailure(null);
      setDone(undefined);
      setDefault(method.id).then(() => {
        setDone(t('methods.defaultSet', { card: methodText(method, ui) }));
      }, setFailure);
    };
    const isEmpty = paymentMethods.length === 0;
    const startAdding = () => {
      setDone(undefined);
      setOpen('add');
    };
    const add = (
      <Button kind="plain" aria-label={t('methods.add')} onClick={startAdding}>
        {t('action.add')}
      </Button>
    );
    const addFirst = (
      <Actions>
        <Button onClick={startAdding}>{t('methods.add')}</Button>
      </Actions>
    );
    return (
      <Card title={t('methods.title')} actions={mayWrite && !isEmpty ? add : null}>
        <Status>{done}</Status>
        <Failure error={failure} />
        <Loaded
          read={read}
          lines={2}
          empty={isEmpty && t('methods.none')}
          next={mayWrite ? addFirst : null}
          has={!isEmpty}
        >
          <ul {...p('list')}>
            {paymentMethods.map((method) => (
              <Method
                key={method.id}
                method={method}
                {...(mayWrite ? { onDefault: makeDefault, onRemove: setOpen, isActing } : {})}
              />
            ))}
          </ul>
        </Loaded>
        {open === 'add' ? (
          <Dialog title={t('methods.add')} onClose={close}>
            <PaymentForm
              onSuccess={() => {
                close(t('methods.added'));
              }}
              onCancel={close}
            />
          </Dialog>
        ) : null}
        {open && open !== 'add' ? (
          <RemoveDialog id={open.id} card={methodText(open, ui)} onClose={close} />
        ) : null}
      </Card>
    );
  },
);

interface MethodProps {
  method: PaymentMethod;
  isActing?: boolean;
  onDefault?: (method: PaymentMethod) => void;
  onRemove?: (method: PaymentMethod) => void;
}

function Method({ method, isActing, onDefault, onRemove }: MethodProps) {
  const ui = useUi();
  const { p, t } = ui;
  const card = methodText(method, ui);
  const expiry = expiryText(method, ui);
  const tone = isExpired(method) ? 'bad' : expiresSoon(method) ? 'warn' : null;
  return (
    <li {...p('item')}>
      {method.cardLast4 ? <CardMark brand={method.cardBrand} /> : null}
      <div {...p('item-text')}>
        <span {...p('item-name')}>
          {card} {method.isDefault ? <Badge tone="quiet">{t('methods.default')}</Badge> : null}
        </span>
        {expiry ? (
          <span {...p('item-detail')}>{tone ? <Badge tone={tone}>{expiry}</Badge> : expiry}</span>
        ) : null}
        {method.isDeclined ? (
          <span {...p('item-detail')}>
            <Badge tone="bad">{t('methods.declined')}</Badge>
          </span>
        ) : null}
        {tone || method.isDeclined ? <Dependents id={method.id} /> : null}
      </div>
      <span {...p('row-actions')}>
        {onDefault && !method.isDefault ? (
          <Button
            kind="plain"
            isOff={isActing}
            aria-label={t('methods.makeDefaultOf', { card })}
            onClick={() => {
              onDefault(method);
            }}
          >
            {t('methods.makeDefault')}
          </Button>
        ) : null}
        {onRemove ? (
          <Button
            kind="quiet"
            aria-label={t('methods.removeOf', { card })}
            onClick={() => {
              onRemove(method);
            }}
          >
            {t('action.remove')}
          </Button>
        ) : null}
      </span>
    </li>
  );
}

/** Names the plans and top-ups that are paid by a card that expires or was declined. */
function Dependents({ id }: { id: string }) {
  const { p, t } = useUi();
  const { data } = usePaymentMethodDependencies(id);
  const names = useDependents(data);
  if (names.length === 0) return null;
  return (
    <span {...p('item-detail')}>{t('methods.paysFor', { names: names.join(t('comma')) })}</span>
  );
}
