import { useState, type ComponentType } from 'react';

import type { PlanPreview, SettleOutcome } from '../api-types.js';
import { isDefinite } from '../core/verbs.js';
import { usePlans } from '../hooks/catalog.js';
import {
  useChangePlan,
  useCreateSubscription,
  useAllowedSubscriptions,
  usePlanPreview,
} from '../hooks/subscriptions.js';
import type { I18n } from '../react/i18n.js';
import { Actions, Button, Dialog, Failure, Loaded } from '../ui/elements.js';
import { Lines } from '../ui/lines.js';
import { defineComponent, useUi, type StyleProps } from '../ui/parts.js';
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
    'subscriptions:write',
    function PlanChangeDialog({ open, planId, subscriptionId, onClose }) {
      const { t } = useUi();
      const { plans } = usePlans();
      if (!open) return null;
      const plan = plans.find(({ id }) => id === planId)?.name ?? '';
      const title = t(subscriptionId ? 'change.title' : 'change.start', { plan });
      return (
        <Dialog title={title} onClose={onClose}>
          <Change planId={planId} subscriptionId={subscriptionId ?? undefined} onClose={onClose} />
        </Dialog>
      );
    },
  );

interface ChangeProps {
  planId: string;
  subscriptionId: string | undefined;
  onClose: (outcome?: SettleOutcome) => void;
}

function Change({ planId, subscriptionId, onClose }: ChangeProps) {
  const ui = useUi();
  const { t, money } = ui;
  const { preview, ...read } = usePlanPreview({ planId, subscriptionId });
  const subscription = useAllowedSubscriptions().subscriptions.find(
    ({ id }) => id === subscriptionId,
  );
  const { confirm, isPending, error } = useConfirm(planId, subscriptionId, read.refetch);
  const settling = useSettling(onClose, onClose);
  if (settling.form) return settling.form;
  const isCurrent = subscription?.planId === planId;
  const isSame = isCurrent && !subscription.scheduledChange;
  return (
    <>
      <Loaded read={read} lines={6}>
        {preview ? <Preview preview={preview} isCurrent={isCurrent} isSame={isSame} /> : null}
      </Loaded>
      <Failure error={error} text={error?.errors.length ? t('change.stale') : undefined} />
      <Actions onCancel={onClose}>
        {preview && !isSame ? (
          <Button
            kind="primary"
            isBusy={isPending}
            onClick={() => {
              const amount = money(preview.totalAmount, preview.currency);
              confirm(preview).then(
                (outcome) => {
                  settling.take(outcome, amount);
                },
                () => undefined,
              );
            }}
          >
            {confirmText(preview, ui, subscriptionId !== undefined, isCurrent)}
          </Button>
        ) : null}
      </Actions>
    </>
  );
}

/** Takes the plan for what the preview told. */
function useConfirm(planId: string, id: string | undefined, refetch: () => Promise<void>) {
  const change = useChangePlan();
  const create = useCreateSubscription();
  /** Sent, and not answered: to be sent again as it was, so that it is one change. */
  const [unanswered, setUnanswered] = useState<string | null>(null);
  const confirm = async (preview: PlanPreview) => {
    const prorationDate = unanswered ?? preview.prorationDate;
    try {
      return id === undefined
        ? await create.createSubscription({ planId })
        : await change.changePlan({ subscriptionId: id, planId, prorationDate });
    } catch (error) {
      setUnanswered(isDefinite(error) ? null : prorationDate);
      if (isDefinite(error)) void refetch();
      throw error;
    }
  };
  const { isPending, error } = id === undefined ? create : change;
  return { confirm, isPending, error };
}

function isLater({ effectiveAt, prorationDate }: PlanPreview): boolean {
  return Date.parse(effectiveAt) > Date.parse(prorationDate);
}

function confirmText(preview: PlanPreview, ui: I18n, isChange: boolean, isCurrent: boolean) {
  const { t, money, date } = ui;
  const { totalAmount, currency, effectiveAt } = preview;
  if (isCurrent) return t('subscription.undo');
  if (isLater(preview)) return t('change.schedule', { date: date(effectiveAt) });
  if (totalAmount > 0) return t('invoices.pay', { amount: money(totalAmount, currency) });
  return t(isChange ? 'subscription.change' : 'change.startConfirm');
}

interface PreviewProps {
  preview: PlanPreview;
  isCurrent: boolean;
  isSame: boolean;
}

function Preview({ preview, isCurrent, isSame }: PreviewProps) {
  const { p, t, money, date } = useUi();
  const { currency, effectiveAt, nextInvoice, items, trialEnd } = preview;
  if (isSame) return <p {...p('text')}>{t('plans.current')}</p>;
  const when = isCurrent
    ? t('subscription.kept')
    : isLater(preview)
      ? t('change.later', { date: date(effectiveAt) })
      : trialEnd
        ? t('subscription.trialEnds', { date: date(trialEnd) })
        : t('change.today');
  return (
    <>
      <p {...p('text', 'muted')}>{when}</p>
      {items.length > 0 ? <Lines {...preview} total={t('change.dueNow')} /> : null}
      {nextInvoice ? (
        <p {...p('text', 'muted')}>
          {t('change.next', {
            amount: money(nextInvoice.totalAmount, currency),
            date: date(nextInvoice.date),
          })}
        </p>
      ) : null}
    </>
  );
}
