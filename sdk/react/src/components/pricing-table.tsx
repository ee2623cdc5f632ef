import { useState, type ComponentType } from 'react';

import type { Interval, Plan, Pricing, SettleOutcome, Subscription } from '../api-types.js';
import { usePricing } from '../hooks/catalog.js';
import { useIsPaidIn } from '../hooks/customer.js';
import { isLive, useAllowedSubscriptions } from '../hooks/subscriptions.js';
import type { I18n } from '../react/i18n.js';
import { useCan } from '../react/session.js';
import { Badge, Button, Loaded, Status } from '../ui/elements.js';
import { defineComponent, useNotice, useUi, type StyleProps } from '../ui/parts.js';
import { PlanChangeDialog } from './lazy-forms.js';
import { listFeatures, priceText } from './prices.js';

export interface PricingTableProps extends StyleProps {
  /** Default: the provider's, else the active subscription's, else the organization's first. */
  productId?: string | undefined;
  /** Replaces the package's own dialog. */
  onSelect?: ((plan: Plan) => void) | undefined;
}

/** The plans of a product side by side; one of them can be chosen. */
export const PricingTable: ComponentType<PricingTableProps> = /* @__PURE__ */ defineComponent(
  null,
  function PricingTable({ productId, onSelect }) {
    const ui = useUi();
    const { pricing, ...read } = usePricing(productId);
    const { subscriptions } = useAllowedSubscriptions();
    const known = subscriptions.filter((one) => one.productId === pricing?.product.id);
    const current = known.find(isLive);
    const [chosen, setChosen] = useState<Plan | null>(null);
    const [done, setDone] = useNotice();
    const close = (outcome?: SettleOutcome) => {
      setDone(outcome && chosen ? doneText(outcome, chosen.name, ui) : null);
      setChosen(null);
    };
    return (
      <>
        <Status>{done}</Status>
        <Loaded read={read} lines={11} empty={pricing?.tiers.length ? false : ui.t('plans.none')}>
          {pricing ? (
            <Plans
              pricing={pricing}
              current={current}
              isNew={known.length === 0}
              onSelect={onSelect ?? setChosen}
            />
          ) : null}
        </Loaded>
        {chosen ? (
          <PlanChangeDialog
            open
            planId={chosen.id}
            subscriptionId={current?.status === 'pending' ? undefined : current?.id}
            onClose={close}
          />
        ) : null}
      </>
    );
  },
);

/** Describes the outcome of a change. */
export function doneText(outcome: SettleOutcome, plan: string, { t, date }: I18n) {
  if (outcome.kind === 'deferred')
    return t('subscription.scheduled', { plan, date: date(outcome.effectiveAt) });
  if (outcome.kind === 'invoice_sent') return t('change.invoiced');
  if (outcome.kind === 'invoice_added') return t('change.added');
  return t('change.done', { plan });
}

interface PlansProps {
  pricing: Pricing;
  current: Subscription | undefined;
  /** The customer never had a plan of this product, so a trial is still available. */
  isNew: boolean;
  onSelect: (plan: Plan) => void;
}

function Plans({ pricing, current, isNew, onSelect }: PlansProps) {
  const { p, t } = useUi();
  const [interval, setInterval] = useState(current?.billingInterval ?? 'month');
  const isPaidIn = useIsPaidIn();
  const canTake = (plan: Plan) => isPaidIn(plan.currency) || plan.id === current?.planId;
  const tiers = pricing.tiers.map(({ monthly, yearly }) => ({
    monthly: monthly.filter(canTake),
    yearly: yearly.filter(canTake),
  }));
  const hasBoth =
    tiers.some(({ monthly }) => monthly.length > 0) &&
    tiers.some(({ yearly }) => yearly.length > 0);
  const shown = tiers.flatMap(({ monthly, yearly }) => {
    const [wanted, other] = interval === 'month' ? [monthly, yearly] : [yearly, monthly];
    return wanted.length > 0 ? wanted : other;
  });
  if (shown.length === 0) return <p {...p('text', 'muted')}>{t('plans.otherCurrency')}</p>;
  return (
    <>
      {hasBoth ? <Intervals interval={interval} onInterval={setInterval} /> : null}
      <ul {...p('plans')}>
        {shown.map((plan) => (
          <PlanItem
            key={plan.id}
            plan={plan}
            pricing={pricing}
            isCurrent={plan.id === current?.planId}
            isNew={isNew}
            onSelect={onSelect}
          />
        ))}
      </ul>
    </>
  );
}

interface IntervalsProps {
  interval: Interval;
  onInterval: (interval: Interval) => void;
}

function Intervals({ interval, onInterval }: IntervalsProps) {
  const { p, t } = useUi();
  return (
    <div {...p('switch')} role="group" aria-label={t('plans.interval')}>
      {(['month', 'year'] as const).map((one) => (
        <button
          key={one}
          {...p('switch-option')}
          type="button"
          aria-pressed={one === interval}
          onClick={() => {
            onInterval(one);
          }}
        >
          {t(`plans.${one}`)}
        </button>
      ))}
    </div>
  );
}

interface PlanItemProps {
  plan: Plan;
  pricing: Pricing;
  isCurrent: boolean;
  isNew: boolean;
  onSelect: (plan: Plan) => void;
}

function PlanItem({ plan, pricing, isCurrent, isNew, onSelect }: PlanItemProps) {
  const ui = useUi();
  const { p, t } = ui;
  const mayWrite = useCan('subscriptions:write');
  const price = priceText(plan, ui);
  const rows = listFeatures(plan, pricing, ui);
  return (
    <li {...p('plan', isCurrent && 'current')}>
      <div {...p('plan-head')}>
        <h3 {...p('plan-name')}>{plan.name}</h3>
        {isCurrent ? <Badge tone="quiet">{t('plans.current')}</Badge> : null}
      </div>
      <p {...p('price')}>
        <span {...p('price-amount')}>{price.amount}</span>{' '}
        <span {...p('price-rest')}>{price.rest}</span>
      </p>
      {plan.trialDays > 0 && isNew ? (
        <p {...p('text', 'muted')}>{t('plans.trial', { count: plan.trialDays })}</p>
      ) : null}
      {plan.description ? <p {...p('text', 'muted')}>{plan.description}</p> : null}
      <ul {...p('features')}>
        {rows.map(({ id, name, text, detail }) => (
          <li key={id} {...p('feature')}>
            <svg {...p('icon', 'check')} viewBox="0 0 16 16" aria-hidden="true">
              <path d="M3 8.5l3.2 3.2L13 4.8" />
            </svg>
            <span {...p('feature-name')}>
              {name}
              {detail ? <small {...p('line-detail')}>{detail}</small> : null}
            </span>
            {text ? <span {...p('feature-value')}>{text}</span> : null}
          </li>
        ))}
      </ul>
      {!isCurrent && mayWrite ? (
        <Button
          kind="primary"
          onClick={() => {
            onSelect(plan);
          }}
        >
          {t('plans.select', { plan: plan.name })}
        </Button>
      ) : null}
    </li>
  );
}
