import { useState, type ComponentType } from 'react';

import type { InvoiceLine, PlanPreview, SettleOutcome } from '../api-types.js';
import { usePlans } from '../hooks/catalog.js';
import { useChangePlan, useCreateSubscription, usePlanPreview } from '../hooks/subscriptions.js';
import { usePortal } from '../react/context.js';
import { useI18n } from '../react/i18n.js';
import { Actions, Button, Dialog, Failure, Loaded } from '../ui/elements.js';
import { defineComponent, useParts, type StyleProps } from '../ui/parts.js';
import { useSettling } from './settling.js';

export interface PlanChangeDialogProps extends StyleProps {
  /** Without it the plan is started anew. */
  subscriptionId?: string | null | undefined;
  planId: string;
  open: boolean;
  /** With what came of it where the plan was changed. */
  onClose: (outcome?: SettleOutcome) => void;
}

/** What a plan costs before it is taken: its lines, what is due now, what follows. */
export const PlanChangeDialog: ComponentType<PlanChangeDialogProps> =
  /* @__PURE__ */ defineComponent(
    'PlanChangeDialog',
    'subscriptions:write',
    function PlanChangeDialog({ open, planId, ...rest }) {
      const { t } = useI18n();
      const { plans } = usePlans();
      if (!open) return null;
      const plan = plans.find(({ id }) => id === planId)?.name ?? '';
      const title = t(rest.subscriptionId ? 'change.title' : 'change.start', { plan });
      return (
        <Dialog title={title} onClose={rest.onClose}>
          <Change planId={planId} {...rest} />
        </Dialog>
      );
    },
  );

function Change({ subscriptionId, planId, onClose }: Omit<PlanChangeDialogProps, 'open'>) {
  const i18n = useI18n();
  const { t } = i18n;
  const { session } = usePortal();
  const id = subscriptionId ?? undefined;
  const { preview, ...read } = usePlanPreview({ planId, subscriptionId: id });
  const [isLate, setLate] = useState(false);
  const settling = useSettling(onClose, () => {
    setLate(false);
  });
  const handlers = { onError: () => void read.refetch() };
  const change = useChangePlan(handlers);
  const create = useCreateSubscription(handlers);
  const isPending = change.isPending || create.isPending;
  const confirm = () => {
    const prorationDate = preview?.prorationDate ?? undefined;
    const call = id
      ? change.changePlan({ subscriptionId: id, planId, prorationDate })
      : create.createSubscription({ planId });
    call.then(settling.take, () => {
      setLate(true);
    });
  };
  if (settling.form) return settling.form;
  return (
    <>
      <Loaded read={read} lines={5}>
        {preview ? <Preview preview={preview} /> : null}
      </Loaded>
      <Failure error={isLate ? (change.error ?? create.error) : null} />
      <Actions>
        <Button
          onClick={() => {
            onClose();
          }}
        >
          {t('action.cancel')}
        </Button>
        {preview && preview.kind !== 'no_action' && session?.can('subscriptions:write') ? (
          <Button kind="primary" isBusy={isPending} onClick={confirm}>
            {isPending ? t('action.working') : confirmText(preview, i18n, id !== undefined)}
          </Button>
        ) : null}
      </Actions>
    </>
  );
}

function confirmText(preview: PlanPreview, i18n: ReturnType<typeof useI18n>, isChange: boolean) {
  const { t, money, date } = i18n;
  const { amountDueNow, currency, effectiveAt, kind } = preview;
  if (kind === 'deferred') return t('change.schedule', { date: date(effectiveAt) });
  if (amountDueNow <= 0) return t(isChange ? 'change.confirm' : 'change.startConfirm');
  return t(isChange ? 'change.pay' : 'change.startPay', { amount: money(amountDueNow, currency) });
}

function Preview({ preview }: { preview: PlanPreview }) {
  const p = useParts();
  const { t, money, date } = useI18n();
  const { kind, currency, effectiveAt, nextInvoice } = preview;
  if (kind === 'no_action') return <p {...p('text')}>{t('change.none')}</p>;
  return (
    <>
      <p {...p('text', 'muted')}>
        {kind === 'deferred' ? t('change.later', { date: date(effectiveAt) }) : t('change.today')}
      </p>
      {kind === 'immediate' ? <Lines {...preview} due={preview.amountDueNow} /> : null}
      {nextInvoice ? (
        <p {...p('text', 'muted')}>
          {t('change.next', {
            amount: money(nextInvoice.totalAmount, currency),
            date: date(nextInvoice.dueDate),
          })}
        </p>
      ) : null}
    </>
  );
}

interface LinesProps {
  items: readonly InvoiceLine[];
  currency: string;
  subtotal: number;
  taxAmount: number;
  totalAmount: number;
  due?: number;
}

/** The lines of an invoice, and what they come to. */
export function Lines({ items, currency, subtotal, taxAmount, totalAmount, due }: LinesProps) {
  const p = useParts();
  const { t, money, period } = useI18n();
  const sum = (label: string, amount: number, isTotal = false) => (
    <div {...p('sum', isTotal && 'total')}>
      <dt {...p('sum-label')}>{label}</dt>
      <dd {...p('sum-amount')}>{money(amount, currency)}</dd>
    </div>
  );
  return (
    <>
      <ul {...p('lines')}>
        {items.map((line, index) => (
          <li key={index} {...p('line')}>
            <span {...p('line-text')}>
              {line.description}
              {line.periodStart && line.periodEnd ? (
                <small {...p('line-detail')}>{period(line.periodStart, line.periodEnd)}</small>
              ) : null}
            </span>
            <span {...p('line-amount')}>{money(line.amount, currency)}</span>
          </li>
        ))}
      </ul>
      <dl {...p('sums')}>
        {taxAmount === 0 ? null : sum(t('change.subtotal'), subtotal)}
        {taxAmount === 0 ? null : sum(t('change.tax'), taxAmount)}
        {due === undefined
          ? sum(t('change.total'), totalAmount, true)
          : sum(t('change.dueNow'), due, true)}
      </dl>
    </>
  );
}
