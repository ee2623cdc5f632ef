/** Each metered feature of the customer: the usage in this period, the limit, and the cost so far. */
import type { Schemas } from '@unitpay/wire';

import type { Feature, Plan, Subscription, UpcomingInvoice } from '../api-types.js';
import { perDayOf, priceOfUnits, unitsAtEnd } from '../format/forecast.js';
import { useAll, type Read } from '../react/read.js';
import { usePlans } from './catalog.js';
import { useAllowedEntitlements } from './customer.js';
import { isLive, useAllowedSubscriptions, useUpcomingInvoice } from './subscriptions.js';

/** The usage of a metered feature in the current usage period. */
export interface UsageLimit {
  featureId: string;
  /** The metric that the feature measures; null if unknown. */
  metricId: string | null;
  name: string;
  used: number;
  /** The units that the plan includes or allows; null means unlimited. */
  included: number | null;
  /** True if usage beyond `included` is refused, false if it is billed. */
  isLimit: boolean;
  /** The cost so far, in the minor unit of `currency`. Null if usage is not billed. */
  cost: number | null;
  currency: string;
  /** The end of the usage period; null if unknown. */
  periodEnd: string | null;
  /** The units per day that use up the limit in the period. Null without a limit, or if unknown. */
  perDay: number | null;
  /** The units at the end of the period if usage goes on as so far; null if unknown. */
  forecast: number | null;
  /** The cost of these units. */
  forecastCost: number | null;
}

/** Returns each metered feature with its usage, what the plan includes, and the cost so far. */
export function useUsageLimits(): Read<{ limits: UsageLimit[] }> {
  const { entitlements, ...read } = useAllowedEntitlements();
  const { features, ...named } = useAll<'features', Feature>('features', 'catalog', '/features');
  const { metrics, ...measured } = useMetrics();
  const { plans, ...priced } = usePlans();
  const { subscriptions, ...subscribed } = useAllowedSubscriptions();
  const subscription = subscriptions.find(isLive);
  const plan = plans.find(({ id }) => id === subscription?.planId);
  const { invoice, ...upcoming } = useUpcomingInvoice(subscription?.id);
  const limits = (entitlements ?? []).flatMap((entitlement): UsageLimit[] => {
    if (entitlement.type !== 'metered') return [];
    const { featureId, name, usage, limit } = entitlement;
    const metricId = features.find(({ id }) => id === featureId)?.metricId;
    const charge = plan && usageCharge(plan, metricId);
    const metric = metrics.find(({ id }) => id === metricId);
    const period = periodOf(metric, subscription);
    const forecast =
      period && Number(usage) > 0 ? unitsAtEnd(Number(usage), ...period, Date.now()) : null;
    const cost = charge && invoice ? costOf(invoice, metric?.name) : null;
    return [
      {
        featureId,
        metricId: metricId ?? null,
        name,
        used: Number(usage),
        included: limit ?? (charge ? Number(charge.includedUnits) : null),
        isLimit: limit !== null,
        cost,
        currency: invoice?.currency ?? '',
        periodEnd: subscription?.usagePeriodEnd ?? null,
        perDay: limit !== null && period ? perDayOf(limit, ...period) : null,
        forecast,
        forecastCost: charge && cost !== null && forecast ? priceOfUnits(forecast, charge) : null,
      },
    ];
  });
  // A limit whose cost comes later would grow, and move what is below it.
  const reads = [read, named, measured, priced, subscribed, upcoming];
  return { ...read, isLoading: reads.some(({ isLoading }) => isLoading), limits };
}

/** Returns the metrics of the catalog. */
export function useMetrics() {
  return useAll<'metrics', Schemas['BillableMetric']>('metrics', 'catalog', '/billable-metrics');
}

type Metric = Schemas['BillableMetric'] | undefined;

/** Returns the usage period. Null if the metric is no sum or count, which alone grow with time. */
function periodOf(metric: Metric, subscription: Subscription | undefined) {
  const { usagePeriodStart: start, usagePeriodEnd: end } = subscription ?? {};
  const grows = metric?.aggregation === 'sum' || metric?.aggregation === 'count';
  return grows && start && end ? ([start, end] as const) : null;
}

type UsageCharge = Extract<Plan['charges'][number], { type: 'usage' }>;

function usageCharge(plan: Plan, metricId: string | null | undefined): UsageCharge | undefined {
  return plan.charges.find(
    (charge): charge is UsageCharge => charge.type === 'usage' && charge.metricId === metricId,
  );
}

/** Adds up the lines of a metric, which are several after a change of plan within the period. */
function costOf({ items }: UpcomingInvoice, metric: string | undefined): number {
  return items
    .filter(({ label }) => label?.code === 'usage' && label.name === metric)
    .reduce((sum, { amount }) => sum + amount, 0);
}
