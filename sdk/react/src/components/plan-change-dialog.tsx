import { useState, type ComponentType } from 'react';

import type { Plan, PlanPreview, SettleOutcome, Subscription } from '../api-types.js';
import { isDefinite } from '../core/verbs.js';
import { usePlans } from '../hooks/catalog.js';
import { useAllowedProfile } from '../hooks/customer.js';
import {
  useAllowedSubscriptions,
  useChangePlan,
  useCreateSubscription,
  usePlanPreview,
  type NewSubscription,
} from '../hooks/subscriptions.js';
import type { I18n } from '../react/i18n.js';
import { Actions, Button, Details, Dialog, Failure, Loaded } from '../ui/elements.js';
import { Field, Form } from '../ui/form.js';
import { Lines } from '../ui/lines.js';
import { defineComponent, useUi, type StyleProps } from '../ui/parts.js';
import { UnpaidInvoices } from './amount-due.js';
import { FeatureChanges } from './feature-changes.js';
import { useMethodChoice } from './method-choice.js';
import { isPerUnit } from './prices.js';
import { useSettling } from './settling.js';

/** The props of {@link PlanChangeDialog}. */
export interface PlanChangeDialogProps extends StyleProps {
  /** The subscription to change; without it the dialog starts a new one. */
  subscriptionId?: string | null | undefined;
  planId: string;
  /** The initial quantity of a plan with a price per unit. Default: the current one, else 1. */
  quantity?: number | undefined;
  open: boolean;
  /** Gets the outcome if the plan was changed or started. */
  onClose: (outcome?: SettleOutcome) => void;
}

/** Shows the price of a plan and confirms it. */
export const PlanChangeDialog: ComponentType<PlanChangeDialogProps> =
  /* @__PURE__ */ defineComponent(
    'subscriptions:write',
    function PlanChangeDialog({ open, planId, subscriptionId, quantity, onClose }) {
      const title = useChangeTitle(planId, subscriptionId);
      if (!open) return null;
      return (
        <Dialog title={title} onClose={onClose}>
          <PlanChangeStep {...{ planId, subscriptionId, quantity, onClose }} />
        </Dialog>
      );
    },
  );

/** Returns the title of the confirmation of a plan. */
export function useChangeTitle(planId: string, subscriptionId: string | null | undefined): string {
  const { plans } = usePlans();
  const plan = plans.find(({ id }) => id === planId)?.name ?? '';
  return useUi().t(subscriptionId ? 'change.title' : 'change.start', { plan });
}

type StepProps = Pick<PlanChangeDialogProps, 'planId' | 'subscriptionId' | 'quantity' | 'onClose'>;

/** The content of the dialog. */
export function PlanChangeStep({ planId, subscriptionId, quantity, onClose }: StepProps) {
  const { plans, ...read } = usePlans();
  const { subscriptions } = useAllowedSubscriptions();
  const subscription = subscriptions.find(({ id }) => id === subscriptionId);
  return (
    <Loaded read={read} lines={6}>
      <Change
        plan={plans.find(({ id }) => id === planId)}
        planId={planId}
        subscriptionId={subscriptionId ?? undefined}
        subscription={subscription}
        currentPlan={plans.find(({ id }) => id === subscription?.planId)}
        initialQuantity={quantity}
        onClose={onClose}
      />
    </Loaded>
  );
}

interface ChangeProps {
  plan: Plan | undefined;
  planId: string;
  subscriptionId: string | undefined;
  subscription: Subscription | undefined;
  currentPlan: Plan | undefined;
  initialQuantity: number | undefined;
  onClose: (outcome?: SettleOutcome) => void;
}

function Change(props: ChangeProps) {
  const { plan, planId, subscriptionId, subscription, currentPlan, initialQuantity, onClose } =
    props;
  const ui = useUi();
  const { t, money, number } = ui;
  const current = subscription?.quantity ?? 1;
  const [typed, setTyped] = useState(String(initialQuantity ?? current));
  const hasQuantity = plan !== undefined && isPerUnit(plan);
  const quantity = hasQuantity ? readQuantity(typed) : 1;
  const plain = quantity === null ? null : { planId, quantity };
  const { wanted, preview, read, code } = useCodePreview(plain, subscriptionId);
  const { confirm, isPending, error } = useConfirm(subscriptionId, read.refetch);
  const isInvoiced = useIsInvoiced(subscription);
  const task = {
    type: 'change_plan',
    planId,
    ...(subscriptionId ? { subscriptionId } : {}),
  } as const;
  const method = useMethodChoice(true, task);
  const settling = useSettling({
    onDone: onClose,
    onCancel: onClose,
    onOtherMethod: method.open,
    task,
  });
  if (settling.form) return settling.form;
  if (method.form) return method.form;
  const isKept = subscription?.planId === planId && quantity === current;
  const isUnchanged = isKept && !subscription.scheduledChange;
  const isCharged = preview !== null && preview.totalAmount > 0 && !isLater(preview);
  const isUnpaid = [error, read.error].some((one) => one?.code === 'invoice_unpaid');
  const submit = async () => {
    if (!preview || !wanted) return;
    const amount = money(preview.totalAmount, preview.currency);
    try {
      if (isCharged && !isInvoiced) await method.makeDefault();
      settling.take(await confirm(wanted, preview), amount);
    } catch {
      method.open();
    }
  };
  return (
    <>
      {hasQuantity ? (
        <Field
          label={t('plans.quantity')}
          type="number"
          min={1}
          max={MAX_QUANTITY}
          required
          value={typed}
          isWrong={quantity === null}
          problem={t('field.number', { min: number(1), max: number(MAX_QUANTITY) })}
          onValue={setTyped}
        />
      ) : null}
      {isUnchanged ? null : code}
      <Loaded read={read} lines={6}>
        {preview ? <Preview preview={preview} isKept={isKept} isUnchanged={isUnchanged} /> : null}
      </Loaded>
      {currentPlan && currentPlan.id !== planId ? (
        <FeatureChanges from={currentPlan} to={plan} />
      ) : null}
      {isCharged && !isInvoiced && !isUnchanged ? method.fields : null}
      <Failure error={error} text={error?.errors.length ? t('change.stale') : undefined} />
      {isUnpaid ? <UnpaidInvoices onPaid={() => void read.refetch()} /> : null}
      <Actions onCancel={onClose}>
        {preview && !isUnchanged ? (
          <Button kind="primary" isBusy={isPending} onClick={() => void submit()}>
            {confirmText(preview, ui, subscriptionId !== undefined, isKept)}
          </Button>
        ) : null}
      </Actions>
    </>
  );
}

/** Returns the price with the promotion code that the customer types, or without one that is refused. */
function useCodePreview(plain: NewSubscription | null, subscriptionId: string | undefined) {
  const { t, errorText } = useUi();
  const [typed, setTyped] = useState('');
  const [code, setCode] = useState('');
  const coded = plain && code ? { ...plain, promotionCode: code } : null;
  const without = usePlanPreview(plain && { ...plain, subscriptionId });
  const reduced = usePlanPreview(coded && { ...coded, subscriptionId });
  const { error } = reduced;
  const isUsed = coded !== null && error === null;
  const { preview, ...read } = isUsed ? reduced : without;
  const field = (
    <Details summary={t('change.code')} detail={isUsed ? code : undefined}>
      <Form
        action={t('change.apply')}
        isBusy={isUsed && reduced.isLoading}
        error={null}
        onSubmit={() => {
          setCode(typed.trim());
        }}
      >
        <Field
          label={t('change.code')}
          value={typed}
          autoComplete="off"
          isWrong={error !== null && code === typed.trim()}
          problem={error ? errorText(error) : ''}
          onValue={setTyped}
        />
      </Form>
    </Details>
  );
  return { wanted: isUsed ? coded : plain, preview, read, code: field };
}

const MAX_QUANTITY = 1_000_000;

/** Returns null for a text that is no valid quantity. */
function readQuantity(text: string): number | null {
  const quantity = Number(text);
  return Number.isSafeInteger(quantity) && quantity >= 1 && quantity <= MAX_QUANTITY
    ? quantity
    : null;
}

/** Returns whether the charge is billed by an invoice that the customer pays later. */
function useIsInvoiced(subscription: Subscription | undefined): boolean {
  const { customer } = useAllowedProfile();
  return (subscription ?? customer)?.collectionMethod === 'send_invoice';
}

/** Changes or starts the plan at the price of the preview. */
function useConfirm(subscriptionId: string | undefined, refetch: () => Promise<void>) {
  const change = useChangePlan();
  const create = useCreateSubscription();
  /** The date of a request without an answer. Sending it again unchanged makes it one change. */
  const [unanswered, setUnanswered] = useState<string | null>(null);
  const confirm = async (wanted: NewSubscription, preview: PlanPreview) => {
    const prorationDate = unanswered ?? preview.prorationDate;
    try {
      return subscriptionId === undefined
        ? await create.createSubscription(wanted)
        : await change.changePlan({ subscriptionId, ...wanted, prorationDate });
    } catch (error) {
      setUnanswered(isDefinite(error) ? null : prorationDate);
      if (isDefinite(error)) void refetch();
      throw error;
    }
  };
  const { isPending, error } = subscriptionId === undefined ? create : change;
  return { confirm, isPending, error };
}

function isLater({ effectiveAt, prorationDate }: PlanPreview): boolean {
  return Date.parse(effectiveAt) > Date.parse(prorationDate);
}

function confirmText(preview: PlanPreview, ui: I18n, isChange: boolean, isKept: boolean) {
  const { t, money, date } = ui;
  const { totalAmount, currency, effectiveAt } = preview;
  if (isKept) return t('subscription.undo');
  if (isLater(preview)) return t('change.schedule', { date: date(effectiveAt) });
  if (totalAmount > 0) return t('invoices.pay', { amount: money(totalAmount, currency) });
  return t(isChange ? 'subscription.change' : 'change.startConfirm');
}

interface PreviewProps {
  preview: PlanPreview;
  isKept: boolean;
  isUnchanged: boolean;
}

function Preview({ preview, isKept, isUnchanged }: PreviewProps) {
  const { p, t, money, date } = useUi();
  const { currency, effectiveAt, nextInvoice, items, trialEnd } = preview;
  if (isUnchanged) return <p {...p('text')}>{t('plans.current')}</p>;
  const when = isKept
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
