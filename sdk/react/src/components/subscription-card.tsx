import { useState, type ComponentType } from 'react';

import type { Plan, Subscription } from '../api-types.js';
import { usePlans } from '../hooks/catalog.js';
import {
  useActiveSubscription,
  useCancelSubscription,
  useSubscription,
  useUncancelSubscription,
  useUpcomingInvoice,
} from '../hooks/subscriptions.js';
import { usePortal } from '../react/context.js';
import { useI18n } from '../react/i18n.js';
import {
  Actions,
  Badge,
  Button,
  Card,
  Choice,
  Dialog,
  Failure,
  Loaded,
  Notice,
  Status,
} from '../ui/elements.js';
import { defineComponent, useParts, type StyleProps } from '../ui/parts.js';
import { Lines } from './plan-change-dialog.js';
import { priceText } from './prices.js';
import { PricingTable } from './pricing-table.js';

export interface SubscriptionCardProps extends StyleProps {
  /** Default: every live subscription. */
  subscriptionId?: string | undefined;
  /** Opens a dialog at once. */
  initial?: 'change' | 'cancel' | undefined;
}

/** The plan that the customer has, and what can be done with it. */
export const SubscriptionCard: ComponentType<SubscriptionCardProps> =
  /* @__PURE__ */ defineComponent(
    'SubscriptionCard',
    'subscriptions:read',
    function SubscriptionCard({ subscriptionId, initial }) {
      const { t } = useI18n();
      const live = useActiveSubscription();
      const one = useSubscription(subscriptionId);
      const read = subscriptionId ? one : live;
      const shown = subscriptionId ? one.subscription && [one.subscription] : live.subscriptions;
      return (
        <Card title={t('subscription.title')}>
          <Loaded read={read} lines={3}>
            {shown?.length ? (
              shown.map((subscription) => (
                <Live key={subscription.id} subscription={subscription} initial={initial} />
              ))
            ) : (
              <None initial={initial} />
            )}
          </Loaded>
        </Card>
      );
    },
  );

function None({ initial }: { initial: SubscriptionCardProps['initial'] }) {
  const p = useParts();
  const { t } = useI18n();
  const { session } = usePortal();
  const [isOpen, setOpen] = useState(initial === 'change');
  return (
    <>
      <p {...p('text', 'muted')}>{t('subscription.none')}</p>
      {session?.can('subscriptions:write') ? (
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
          onClose={() => {
            setOpen(false);
          }}
        />
      ) : null}
    </>
  );
}

function PlansDialog({ productId, onClose }: { productId?: string; onClose: () => void }) {
  const { t } = useI18n();
  return (
    <Dialog title={t('plans.title')} onClose={onClose}>
      <PricingTable productId={productId} />
    </Dialog>
  );
}

interface LiveProps {
  subscription: Subscription;
  initial: SubscriptionCardProps['initial'];
}

function Live({ subscription, initial }: LiveProps) {
  const p = useParts();
  const i18n = useI18n();
  const { t, date } = i18n;
  const { session } = usePortal();
  const { plans } = usePlans();
  const [open, setOpen] = useState<'change' | 'cancel' | null>(initial ?? null);
  const [done, setDone] = useState<string | null>(null);
  const uncancel = useUncancelSubscription();
  const { status, cancelAtPeriodEnd, currentBillingPeriodEnd: end } = subscription;
  const plan = plans.find(({ id }) => id === subscription.planId);
  const close = () => {
    setOpen(null);
  };
  const undo = () => {
    uncancel.uncancelSubscription(subscription.id).then(
      () => {
        setDone(t('subscription.kept'));
      },
      () => undefined,
    );
  };
  const mayWrite = session?.can('subscriptions:write') && status !== 'canceled';
  return (
    <div {...p('subscription')}>
      <PlanSummary plan={plan} subscription={subscription} />
      <Status>{done}</Status>
      <Notes subscription={subscription} plans={plans} />
      <Failure error={uncancel.error} />
      <Upcoming subscription={subscription} />
      {mayWrite ? (
        <Actions>
          {cancelAtPeriodEnd ? (
            <Button kind="primary" isBusy={uncancel.isPending} onClick={undo}>
              {t('subscription.undo')}
            </Button>
          ) : (
            <Button
              kind="plain"
              onClick={() => {
                setOpen('cancel');
              }}
            >
              {t('subscription.cancel')}
            </Button>
          )}
          <Button
            onClick={() => {
              setOpen('change');
            }}
          >
            {t('subscription.change')}
          </Button>
        </Actions>
      ) : null}
      {open === 'change' ? (
        <PlansDialog productId={subscription.productId} onClose={close} />
      ) : null}
      {open === 'cancel' ? (
        <CancelDialog
          subscription={subscription}
          planName={plan?.name ?? ''}
          onClose={(isDone) => {
            if (isDone) setDone(t('cancel.done', { date: date(end) }));
            close();
          }}
        />
      ) : null}
    </div>
  );
}

function PlanSummary({
  plan,
  subscription,
}: {
  plan: Plan | undefined;
  subscription: Subscription;
}) {
  const p = useParts();
  const i18n = useI18n();
  const { t, date } = i18n;
  const price = plan ? priceText(plan, i18n) : { amount: '', rest: '' };
  const { status, cancelAtPeriodEnd, currentBillingPeriodEnd: end, trialEnd } = subscription;
  const when = () => {
    if (status === 'canceled') {
      return t('subscription.canceled', { date: date(subscription.canceledAt ?? end) });
    }
    if (cancelAtPeriodEnd) return t('subscription.ends', { date: date(end) });
    if (status === 'trialing' && trialEnd)
      return t('subscription.trialEnds', { date: date(trialEnd) });
    return status === 'pending' ? '' : t('subscription.renews', { date: date(end) });
  };
  return (
    <div {...p('summary')}>
      <div {...p('plan-head')}>
        <p {...p('plan-name')}>{plan?.name ?? '\u00a0'}</p>
        <SubscriptionBadge subscription={subscription} />
      </div>
      <p {...p('price')}>
        <span {...p('price-amount')}>{price.amount}</span>{' '}
        <span {...p('price-rest')}>{price.rest}</span>
      </p>
      <p {...p('text', 'muted')}>
        {[
          ...(subscription.quantity > 1
            ? [t('subscription.quantity', { count: subscription.quantity })]
            : []),
          when(),
        ].join(' · ')}
      </p>
    </div>
  );
}

const TONES = {
  trialing: 'good',
  active: 'good',
  past_due: 'bad',
  pending: 'warn',
  canceled: 'quiet',
} as const;

function SubscriptionBadge({ subscription }: { subscription: Subscription }) {
  const { t } = useI18n();
  const { status, cancelAtPeriodEnd } = subscription;
  return cancelAtPeriodEnd && status !== 'canceled' ? (
    <Badge tone="warn">{t('status.canceling')}</Badge>
  ) : (
    <Badge tone={TONES[status]}>{t(`status.${status}`)}</Badge>
  );
}

function Notes({ subscription, plans }: { subscription: Subscription; plans: readonly Plan[] }) {
  const { t, date } = useI18n();
  const { status, scheduledChange } = subscription;
  const next = plans.find(({ id }) => id === scheduledChange?.planId);
  return (
    <>
      {status === 'past_due' ? <Notice tone="warn">{t('subscription.pastDue')}</Notice> : null}
      {status === 'pending' ? <Notice tone="warn">{t('subscription.pending')}</Notice> : null}
      {scheduledChange ? (
        <Notice tone="good">
          {t('subscription.scheduled', {
            plan: next?.name ?? '',
            date: date(scheduledChange.effectiveAt),
          })}
        </Notice>
      ) : null}
    </>
  );
}

/** On demand: it is a request of its own. */
function Upcoming({ subscription }: { subscription: Subscription }) {
  const p = useParts();
  const { t } = useI18n();
  const [isOpen, setOpen] = useState(false);
  const { invoice, ...read } = useUpcomingInvoice(isOpen ? subscription.id : null);
  if (subscription.status === 'canceled' || subscription.status === 'pending') return null;
  return (
    <details
      {...p('details')}
      onToggle={(event) => {
        setOpen(event.currentTarget.open);
      }}
    >
      <summary {...p('details-head')}>{t('subscription.nextInvoice')}</summary>
      <Loaded read={read} lines={2}>
        {invoice ? <Lines {...invoice} /> : null}
      </Loaded>
    </details>
  );
}

const REASONS = ['too_expensive', 'missing_features', 'unused', 'switched', 'other'] as const;

interface CancelProps {
  subscription: Subscription;
  planName: string;
  onClose: (isDone?: boolean) => void;
}

function CancelDialog({ subscription, planName, onClose }: CancelProps) {
  const p = useParts();
  const { t, date } = useI18n();
  const [reason, setReason] = useState('');
  const { cancelSubscription, isPending, error } = useCancelSubscription();
  const cancel = () => {
    cancelSubscription(subscription.id, { mode: 'period_end', reason: reason || undefined }).then(
      () => {
        onClose(true);
      },
      () => undefined,
    );
  };
  const options = REASONS.map((value) => ({ value, label: t(`cancel.reason.${value}`) }));
  return (
    <Dialog
      title={t('cancel.title', { plan: planName })}
      onClose={() => {
        onClose();
      }}
    >
      <p {...p('text')}>{t('cancel.body', { date: date(subscription.currentBillingPeriodEnd) })}</p>
      <Choice label={t('cancel.reason')} options={options} value={reason} onValue={setReason} />
      <Failure error={error} />
      <Actions>
        <Button
          onClick={() => {
            onClose();
          }}
        >
          {t('cancel.keep')}
        </Button>
        <Button kind="danger" isBusy={isPending} onClick={cancel}>
          {t(isPending ? 'action.working' : 'cancel.confirm')}
        </Button>
      </Actions>
    </Dialog>
  );
}
