import { useState, type ComponentType } from 'react';

import type { Flow, Plan, Subscription } from '../api-types.js';
import { usePlans } from '../hooks/catalog.js';
import {
  useActiveSubscription,
  useChangePlan,
  useSubscription,
  useUncancelSubscription,
  useUpcomingInvoice,
} from '../hooks/subscriptions.js';
import { useAllowedInvoices } from '../hooks/invoices.js';
import type { I18n } from '../react/i18n.js';
import { useCan } from '../react/session.js';
import {
  Actions,
  Badge,
  Button,
  Card,
  Details,
  Failure,
  Loaded,
  Notice,
  Status,
  Text,
} from '../ui/elements.js';
import { defineComponent, useNotice, useUi, type StyleProps } from '../ui/parts.js';
import { useFlow, type FlowProps } from './flow.js';
import { CancelDialog, Lines, PlanChangeDialog, PlansDialog } from './lazy-forms.js';
import { isPayable, usePaying } from './paying.js';
import { isPerUnit, priceText } from './prices.js';

/** The props of {@link SubscriptionCard}. */
export interface SubscriptionCardProps extends StyleProps, FlowProps {
  /** Default: every live subscription. */
  subscriptionId?: string | undefined;
}

type Opening = Extract<Flow, { type: 'change_plan' | 'cancel' }>;

interface Opened {
  flow: Opening | null;
  endFlow: (isDone: boolean) => void;
}

/** The customer's plan, with the actions to change or cancel it. */
export const SubscriptionCard: ComponentType<SubscriptionCardProps> =
  /* @__PURE__ */ defineComponent(
    'subscriptions:read',
    function SubscriptionCard({ subscriptionId, ...props }) {
      const { t } = useUi();
      const live = useActiveSubscription();
      const one = useSubscription(subscriptionId);
      const [flow, endFlow] = useFlow(props, 'change_plan', 'cancel');
      const read = subscriptionId ? one : live;
      const named = one.subscription ? [one.subscription] : [];
      const shown = subscriptionId ? named : live.subscriptions;
      const flowTarget = flow?.subscriptionId ?? shown[0]?.id;
      return (
        <Card title={t('subscription.title')}>
          <Loaded read={read} lines={8} has={shown.length > 0}>
            {shown.map((subscription) => (
              <Live
                key={subscription.id}
                subscription={subscription}
                flow={flowTarget === subscription.id ? flow : null}
                endFlow={endFlow}
              />
            ))}
            {shown.length === 0 ? <None flow={flow} endFlow={endFlow} /> : null}
          </Loaded>
        </Card>
      );
    },
  );

function None({ flow, endFlow }: Opened) {
  const { p, t } = useUi();
  const mayWrite = useCan('subscriptions:write');
  const [isOpen, setOpen] = useState(mayWrite && flow?.type === 'change_plan');
  return (
    <>
      <p {...p('text', 'muted')}>{t('subscription.none')}</p>
      {mayWrite ? (
        <Actions>
          <Button
            kind="primary"
            onClick={() => {
              setOpen(true);
            }}
          >
            {t('subscription.choose')}
          </Button>
        </Actions>
      ) : null}
      {isOpen ? (
        <PlansDialog
          planId={flow?.type === 'change_plan' ? flow.planId : undefined}
          onClose={(done) => {
            setOpen(false);
            endFlow(done !== undefined);
          }}
        />
      ) : null}
    </>
  );
}

interface LiveProps extends Opened {
  subscription: Subscription;
}

function Live({ subscription, flow, endFlow }: LiveProps) {
  const { p, t, date } = useUi();
  const { plans } = usePlans();
  const { status, productId, currentBillingPeriodEnd: end } = subscription;
  const mayWrite = useCan('subscriptions:write') && status !== 'canceled';
  const [open, setOpen] = useState<Opening['type'] | 'quantity' | null>(
    mayWrite && flow ? flow.type : null,
  );
  const [done, setDone] = useNotice();
  const plan = plans.find(({ id }) => id === subscription.planId);
  const close = (text?: string) => {
    setOpen(null);
    setDone(text);
    endFlow(text !== undefined);
  };
  const planId = flow?.type === 'change_plan' ? flow.planId : undefined;
  return (
    <div {...p('subscription')}>
      <PlanSummary plan={plan} subscription={subscription} />
      <Status>{done}</Status>
      <Notes subscription={subscription} plans={plans} onDone={setDone} />
      <Upcoming subscription={subscription} />
      {mayWrite ? (
        <Verbs plan={plan} subscription={subscription} onOpen={setOpen} onDone={setDone} />
      ) : null}
      {open === 'change_plan' ? (
        <PlansDialog
          productId={productId}
          planId={planId ?? (status === 'pending' ? subscription.planId : undefined)}
          subscriptionId={status === 'pending' ? undefined : subscription.id}
          onClose={close}
        />
      ) : null}
      {open === 'quantity' ? (
        <PlanChangeDialog
          open
          planId={subscription.planId}
          subscriptionId={subscription.id}
          onClose={(outcome) => {
            close(outcome && t('state.saved'));
          }}
        />
      ) : null}
      {open === 'cancel' ? (
        <CancelDialog
          subscription={subscription}
          planName={plan?.name ?? ''}
          onClose={(isDone) => {
            close(isDone && end ? t('subscription.ends', { date: date(end) }) : undefined);
          }}
        />
      ) : null}
    </div>
  );
}

interface VerbsProps {
  plan: Plan | undefined;
  subscription: Subscription;
  onOpen: (dialog: Opening['type'] | 'quantity') => void;
  onDone: (text: string | null) => void;
}

/** The buttons to cancel or keep the plan, and to change it. */
function Verbs({ plan, subscription, onOpen, onDone }: VerbsProps) {
  const { t } = useUi();
  const uncancel = useUncancelSubscription();
  const stay = useChangePlan();
  const { id, planId, status, cancelAtPeriodEnd, scheduledChange } = subscription;
  const isUndone = cancelAtPeriodEnd || scheduledChange !== null;
  const undo = () => {
    onDone(null);
    const call = cancelAtPeriodEnd
      ? uncancel.uncancelSubscription(id)
      : stay.changePlan({ subscriptionId: id, planId });
    call.then(
      () => {
        onDone(t('subscription.kept'));
      },
      () => undefined,
    );
  };
  const open = (dialog: Parameters<typeof onOpen>[0]) => () => {
    onDone(null);
    onOpen(dialog);
  };
  const hasQuantity = plan !== undefined && isPerUnit(plan) && status !== 'pending';
  return (
    <>
      <Failure error={uncancel.error ?? stay.error} />
      <Actions>
        {isUndone ? (
          // Keys keep one button from becoming the other under a second click.
          <Button
            key="undo"
            kind="primary"
            isBusy={uncancel.isPending || stay.isPending}
            onClick={undo}
          >
            {t('subscription.undo')}
          </Button>
        ) : (
          <Button key="cancel" kind="quiet" onClick={open('cancel')}>
            {t('subscription.cancel')}
          </Button>
        )}
        {hasQuantity ? (
          <Button kind="plain" onClick={open('quantity')}>
            {t('subscription.changeQuantity')}
          </Button>
        ) : null}
        <Button kind={status === 'pending' ? 'primary' : undefined} onClick={open('change_plan')}>
          {t(status === 'pending' ? 'subscription.resume' : 'subscription.change')}
        </Button>
      </Actions>
    </>
  );
}

interface PlanSummaryProps {
  plan: Plan | undefined;
  subscription: Subscription;
}

function PlanSummary({ plan, subscription }: PlanSummaryProps) {
  const ui = useUi();
  const { p, t, number } = ui;
  const price = plan ? priceText(plan, ui) : { amount: '', rest: '' };
  const { quantity } = subscription;
  const when = whenText(subscription, ui);
  const hasQuantity = plan !== undefined && isPerUnit(plan);
  const quantityText = hasQuantity ? t('subscription.quantity', { count: number(quantity) }) : '';
  return (
    <div {...p('summary')}>
      <div {...p('plan-head')}>
        <p {...p('plan-name')}>
          <bdi>
            <Text>{plan?.name ?? '\u00a0'}</Text>
          </bdi>
        </p>
        <SubscriptionBadge subscription={subscription} />
      </div>
      <p {...p('price')}>
        <span {...p('price-amount')}>
          <Text>{price.amount}</Text>
        </span>{' '}
        <span {...p('price-rest')}>
          <Text>{price.rest}</Text>
        </span>
      </p>
      <p {...p('text', 'muted')}>
        <Text>
          {[quantityText, when, discountText(subscription, ui)].filter(Boolean).join(' · ')}
        </Text>
      </p>
    </div>
  );
}

/** Returns what the coupon takes off, and for how long. */
function discountText({ discount }: Subscription, { t, money, percent }: I18n): string {
  if (!discount) return '';
  const { percentOff, amountOff, currency, periodsLeft } = discount;
  const off = percentOff === null ? money(amountOff ?? 0, currency ?? '') : percent(percentOff);
  if (periodsLeft === null) return t('discount.off', { off });
  return periodsLeft === 0
    ? t('discount.now', { off })
    : t('discount.left', { off, count: periodsLeft });
}

function whenText(subscription: Subscription, { t, date }: I18n): string {
  const { status, cancelAtPeriodEnd, canceledAt, currentBillingPeriodEnd: end } = subscription;
  const last = canceledAt ?? end;
  if (status === 'canceled') return last ? t('subscription.canceled', { date: date(last) }) : '';
  if (!end) return '';
  if (cancelAtPeriodEnd) return t('subscription.ends', { date: date(end) });
  const { trialEnd } = subscription;
  if (status !== 'trialing' || !trialEnd) return t('subscription.renews', { date: date(end) });
  return t('subscription.trialEnds', { date: date(trialEnd) });
}

const TONES = {
  trialing: 'good',
  active: 'good',
  past_due: 'bad',
  pending: 'warn',
  canceled: 'quiet',
} as const;

function SubscriptionBadge({ subscription }: { subscription: Subscription }) {
  const { t } = useUi();
  const { status, cancelAtPeriodEnd } = subscription;
  return cancelAtPeriodEnd && status !== 'canceled' ? (
    <Badge tone="warn">{t('status.canceling')}</Badge>
  ) : (
    <Badge tone={TONES[status]}>{t(`status.${status}`)}</Badge>
  );
}

interface NotesProps {
  subscription: Subscription;
  plans: readonly Plan[];
  onDone: (text: string | null) => void;
}

function Notes({ subscription, plans, onDone }: NotesProps) {
  const { t, date } = useUi();
  const { status, scheduledChange } = subscription;
  const next = plans.find(({ id }) => id === scheduledChange?.planId);
  return (
    <>
      {status === 'past_due' ? <PastDue subscription={subscription} onDone={onDone} /> : null}
      {status === 'pending' ? <Notice tone="warn">{t('subscription.pending')}</Notice> : null}
      {scheduledChange ? (
        <Notice tone="quiet">
          {t('subscription.scheduled', {
            plan: next?.name ?? '',
            date: date(scheduledChange.effectiveAt),
          })}
        </Notice>
      ) : null}
    </>
  );
}

/** Warns about the failed payment and offers to pay its invoice. */
function PastDue({ subscription, onDone }: Pick<NotesProps, 'subscription' | 'onDone'>) {
  const { p, t, money } = useUi();
  const mayPay = useCan('invoices:pay');
  const { invoices } = useAllowedInvoices();
  const invoice = invoices.find((one) => one.subscriptionId === subscription.id && isPayable(one));
  const paying = usePaying(onDone);
  return (
    <>
      <div {...p('notice', 'warn')}>
        <Text>{t('subscription.pastDue')}</Text>
        {mayPay && invoice ? (
          <Actions>
            <Button
              kind="primary"
              onClick={() => {
                onDone(null);
                paying.start(invoice);
              }}
            >
              {t('invoices.pay', { amount: money(invoice.amountDue, invoice.currency) })}
            </Button>
          </Actions>
        ) : null}
      </div>
      {paying.dialog}
    </>
  );
}

/** The next invoice: its date and the amount so far, and its lines when it is unfolded. */
function Upcoming({ subscription }: { subscription: Subscription }) {
  const { p, t, money, date } = useUi();
  const { id, status } = subscription;
  const [isOpen, setOpen] = useState(false);
  const hasNext = status !== 'canceled' && status !== 'pending';
  const { invoice, ...read } = useUpcomingInvoice(hasNext ? id : null);
  if (!hasNext) return null;
  const isUsage = invoice?.items.some(({ type }) => type === 'usage');
  const detail = invoice
    ? t(isUsage ? 'subscription.nextSoFar' : 'subscription.nextOn', {
        amount: money(invoice.totalAmount, invoice.currency),
        date: date(invoice.date),
      })
    : read.isLoading
      ? '\u00a0'
      : t('subscription.noNext');
  return (
    <Details summary={t('subscription.nextInvoice')} detail={detail} onOpen={setOpen}>
      {isOpen ? (
        <Loaded read={read} lines={4} empty={!invoice && t('subscription.noNext')}>
          {invoice ? <Lines {...invoice} total={t('change.total')} /> : null}
          {isUsage ? <p {...p('text', 'muted')}>{t('subscription.usageAdds')}</p> : null}
        </Loaded>
      ) : null}
    </Details>
  );
}
