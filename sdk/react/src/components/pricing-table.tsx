import { useState, type ComponentType } from 'react';

import type { Interval, Plan, Pricing, SettleOutcome, Subscription } from '../api-types.js';
import { usePricing } from '../hooks/catalog.js';
import { useIsPaidIn } from '../hooks/customer.js';
import { isLive, useAllowedSubscriptions } from '../hooks/subscriptions.js';
import type { I18n } from '../react/i18n.js';
import { useCan } from '../react/session.js';
import { Badge, Button, Details, Loaded, Status } from '../ui/elements.js';
import { defineComponent, useHeading, useNotice, useUi, type StyleProps } from '../ui/parts.js';
import { Comparison, PlanChangeDialog } from './lazy-forms.js';
import { choiceText, listFeatures, priceText, yearlySaving } from './prices.js';

/** The props of {@link PricingTable}. */
export interface PricingTableProps extends StyleProps {
  /** Default: the provider's, else the active subscription's, else the organization's first. */
  productId?: string | undefined;
  /** Shows only the plans that include this feature. */
  featureSlug?: string | undefined;
  /** Replaces the package's own dialog. */
  onSelect?: ((plan: Plan) => void) | undefined;
}

/** The plans of a product side by side; one of them can be chosen. */
export const PricingTable: ComponentType<PricingTableProps> = /* @__PURE__ */ defineComponent(
  null,
  function PricingTable({ productId, featureSlug, onSelect }) {
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
              featureSlug={featureSlug}
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
  featureSlug: string | undefined;
  current: Subscription | undefined;
  /** The customer never had a plan of this product, so a trial is still available. */
  isNew: boolean;
  onSelect: (plan: Plan) => void;
}

function Plans({ pricing, featureSlug, current, isNew, onSelect }: PlansProps) {
  const { p, t } = useUi();
  const [interval, setInterval] = useState(current?.billingInterval ?? 'month');
  const [isComparing, setComparing] = useState(false);
  const isPaidIn = useIsPaidIn();
  const row = pricing.featureRows.find(({ feature }) => feature.slug === featureSlug);
  const canTake = (plan: Plan) =>
    (isPaidIn(plan.currency) || plan.id === current?.planId) &&
    (!featureSlug || row?.plans.some(({ planId }) => planId === plan.id));
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
  const all = pricing.tiers.flatMap(({ monthly, yearly }) => [...monthly, ...yearly]);
  const currentPlan = all.find(({ id }) => id === current?.planId);
  const lowest = currentPlan ? currentPlan.tier + 1 : 1;
  const nextTier = shown.map(({ tier }) => tier).find((tier) => tier >= lowest);
  const savings = tiers.flatMap(({ monthly, yearly }) =>
    monthly.flatMap((month) => yearly.map((year) => yearlySaving(month, year))),
  );
  if (shown.length === 0) {
    return (
      <p {...p('text', 'muted')}>{t(row || !featureSlug ? 'plans.otherCurrency' : 'plans.none')}</p>
    );
  }
  return (
    <>
      {hasBoth ? (
        <Intervals interval={interval} saving={Math.max(...savings)} onInterval={setInterval} />
      ) : null}
      <ul {...p('plans')}>
        {shown.map((plan) => (
          <PlanItem
            key={plan.id}
            plan={plan}
            pricing={pricing}
            current={currentPlan}
            isNext={plan.tier === nextTier}
            isNew={isNew}
            onSelect={onSelect}
          />
        ))}
      </ul>
      {shown.length > 1 && pricing.featureRows.length > 0 ? (
        <Details summary={t('plans.compare')} onOpen={setComparing}>
          {isComparing ? <Comparison plans={shown} pricing={pricing} /> : null}
        </Details>
      ) : null}
    </>
  );
}

interface IntervalsProps {
  interval: Interval;
  /** The largest saving of a yearly plan, in percent. */
  saving: number;
  onInterval: (interval: Interval) => void;
}

function Intervals({ interval, saving, onInterval }: IntervalsProps) {
  const { p, t, percent } = useUi();
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
          {t(`plans.${one}`)}{' '}
          {one === 'year' && saving > 0 ? (
            <span {...p('saving')}>{t('plans.saving', { percent: percent(saving) })}</span>
          ) : null}
        </button>
      ))}
    </div>
  );
}

/** Features that a plan shows before it refers to the comparison. */
const MOST_FEATURES = 8;

interface PlanItemProps {
  plan: Plan;
  pricing: Pricing;
  current: Plan | undefined;
  /** The next larger plan, which is the one accent. */
  isNext: boolean;
  isNew: boolean;
  onSelect: (plan: Plan) => void;
}

function PlanItem({ plan, pricing, current, isNext, isNew, onSelect }: PlanItemProps) {
  const ui = useUi();
  const isCurrent = plan.id === current?.id;
  const { p, t } = ui;
  const Heading = useHeading(1);
  const mayWrite = useCan('subscriptions:write');
  const price = priceText(plan, ui);
  const rows = listFeatures(plan, pricing, ui);
  // Many features are compared in the table below the plans.
  const first = rows.length > MOST_FEATURES + 1 ? rows.slice(0, MOST_FEATURES) : rows;
  return (
    <li {...p('plan', isCurrent && 'current')}>
      <div {...p('plan-head')}>
        <Heading {...p('plan-name')}>{plan.name}</Heading>
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
        {first.map(({ id, name, text, detail }) => (
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
        {first.length < rows.length ? (
          <li {...p('text', 'muted')}>{t('plans.more', { count: rows.length - first.length })}</li>
        ) : null}
      </ul>
      {!isCurrent && mayWrite ? (
        <Button
          kind={isNext ? 'primary' : undefined}
          onClick={() => {
            onSelect(plan);
          }}
        >
          {choiceText(plan, current, ui)}
        </Button>
      ) : null}
    </li>
  );
}
