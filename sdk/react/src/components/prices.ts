/** Formats the prices and features of plans. */
import type { Charge, FeatureValue, GrantRule, Plan, Pricing } from '../api-types.js';
import { formatUnitPrice } from '../format/money.js';
import type { I18n } from '../react/i18n.js';

/** Returns whether a plan has a price per unit, such as a seat. */
export function isPerUnit(plan: Plan): boolean {
  return plan.charges.some((charge) => charge.type === 'recurring' && charge.perUnit);
}

/** Formats a price, for example "€19.00 per month, plus usage". */
export function priceText(plan: Plan, { t, money }: I18n): { amount: string; rest: string } {
  let amount = 0;
  const rest = [t(`plans.per.${plan.billingInterval}`)];
  for (const charge of plan.charges) {
    if (charge.type === 'recurring') {
      amount += charge.amount;
      if (charge.perUnit) rest.unshift(t('plans.perUnit'));
    }
  }
  if (plan.charges.some(({ type }) => type === 'usage')) rest.push(t('plans.usage'));
  return { amount: money(amount, plan.currency), rest: rest.join(t('comma')) };
}

/** Returns the recurring price of a plan for one unit. */
function recurringPrice(plan: Plan): number {
  return plan.charges.reduce(
    (sum, charge) => sum + (charge.type === 'recurring' ? charge.amount : 0),
    0,
  );
}

/** Returns the share that a yearly plan saves compared with twelve months, in percent. */
export function yearlySaving(monthly: Plan, yearly: Plan): number {
  const [month, year] = [recurringPrice(monthly) * 12, recurringPrice(yearly)];
  return month > 0 && monthly.currency === yearly.currency
    ? Math.max(0, Math.round((1 - year / month) * 100))
    : 0;
}

/** Says in a button how a plan differs from the current one. */
export function choiceText(plan: Plan, current: Plan | undefined, { t, percent }: I18n): string {
  const { name, tier, billingInterval } = plan;
  if (!current) return t('plans.select', { plan: name });
  if (tier !== current.tier) {
    return t(tier > current.tier ? 'plans.upgrade' : 'plans.downgrade', { plan: name });
  }
  if (billingInterval === current.billingInterval) return t('plans.select', { plan: name });
  if (billingInterval === 'month') return t('plans.toMonthly');
  const saving = yearlySaving(current, plan);
  return saving > 0 ? t('plans.toYearlySaving', { percent: percent(saving) }) : t('plans.toYearly');
}

export interface FeatureLine {
  id: string;
  name: string;
  /** The amount or value; empty for a feature that has neither. */
  text: string;
  /** The price of its usage. */
  detail: string;
}

/** Lists the features of a plan in the product's order. */
export function listFeatures(plan: Plan, pricing: Pricing, ui: I18n): FeatureLine[] {
  return pricing.featureRows.flatMap(({ feature, plans }) => {
    const { id, name, metricId, creditCurrencyId } = feature;
    const entry = plans.find(({ planId }) => planId === plan.id);
    if (!entry) return [];
    const usage = plan.charges.find(
      (charge) => charge.type === 'usage' && charge.metricId === metricId,
    );
    const grants = plan.grantRules.filter((rule) => rule.creditCurrencyId === creditCurrencyId);
    const detail =
      usage?.type === 'usage'
        ? usageText(usage, plan.currency, ui)
        : grants.map((rule) => grantText(rule, plan, pricing, ui)).join(ui.t('comma'));
    // "Unlimited" beside a price per use would mislead.
    const isPaid = entry.value.type === 'metered' && entry.value.limit === null && detail !== '';
    return [{ id, name, text: isPaid ? '' : valueText(entry.value, ui), detail }];
  });
}

/** Formats a usage price, for example "10,000 included, then $0.001 – $0.002 each". */
function usageText(usage: Extract<Charge, { type: 'usage' }>, currency: string, ui: I18n) {
  const { t, number, locale } = ui;
  const prices = usage.tiers
    .map(({ unitPrice }) => unitPrice)
    .sort((one, other) => Number(one) - Number(other));
  const price = [...new Set([prices[0], prices.at(-1)])]
    .map((one = '0') => formatUnitPrice(one, currency, locale))
    .join(' – ');
  const each = t('plans.each', { price });
  if (Number(usage.includedUnits) === 0) return each;
  return `${t('plans.included', { count: number(usage.includedUnits) })} ${each}`;
}

/** Formats a grant, for example "50 credits per day". */
function grantText(rule: GrantRule, plan: Plan, { creditCurrencies }: Pricing, ui: I18n) {
  const { t, credits } = ui;
  const currency = creditCurrencies.find(({ id }) => id === rule.creditCurrencyId);
  const cadence = rule.cadence === 'period' ? plan.billingInterval : rule.cadence;
  return currency ? `${credits(rule.amount, currency)} ${t(`plans.per.${cadence}`)}` : '';
}

function valueText(value: FeatureValue, { t, number }: I18n): string {
  switch (value.type) {
    case 'metered':
      return value.limit === null ? t('plans.unlimited') : number(value.limit);
    case 'config':
      return value.value;
    case 'enum':
      return value.values.join(t('comma'));
    default:
      return '';
  }
}

export interface FeatureChange {
  id: string;
  text: string;
}

export interface FeatureChanges {
  gained: FeatureChange[];
  lost: FeatureChange[];
  changed: FeatureChange[];
}

/** Compares the features of two plans. A plan that is undefined has none. */
export function compareFeatures(
  from: Plan,
  to: Plan | undefined,
  pricing: Pricing,
  ui: I18n,
): FeatureChanges {
  const changes: FeatureChanges = { gained: [], lost: [], changed: [] };
  const isLtr = ui.dir === 'ltr';
  const arrow = isLtr ? ' → ' : ' ← ';
  // In right-to-left text Latin names and values would change places.
  const isolate = (text = '') => (isLtr ? text : `\u2068${text}\u2069`);
  const before = listFeatures(from, pricing, ui);
  const after = to ? listFeatures(to, pricing, ui) : [];
  for (const { feature, plans } of pricing.featureRows) {
    const isIt = ({ id }: FeatureLine) => id === feature.id;
    const valueIn = (plan: Plan | undefined) =>
      plans.find(({ planId }) => planId === plan?.id)?.value;
    const [was, is] = [before.find(isIt), after.find(isIt)];
    const difference =
      compareValues(valueIn(from), valueIn(to)) ?? (was?.detail === is?.detail ? null : 'changed');
    if (!difference) continue;
    const [old, next] = [was, is].map((line) => line?.text || line?.detail || '');
    const value = old && next ? isolate(old) + arrow + isolate(next) : next || old;
    const text = value ? `${isolate(feature.name)}: ${isolate(value)}` : feature.name;
    changes[difference].push({ id: feature.id, text });
  }
  return changes;
}

function compareValues(
  before: FeatureValue | undefined,
  after: FeatureValue | undefined,
): keyof FeatureChanges | null {
  if (!before || !after) return after ? 'gained' : before ? 'lost' : null;
  if (before.type === 'metered' && after.type === 'metered') {
    const [was, is] = [before.limit ?? Infinity, after.limit ?? Infinity];
    return is === was ? null : is > was ? 'gained' : 'lost';
  }
  if (before.type === 'enum' && after.type === 'enum') {
    const isLess = before.values.some((value) => !after.values.includes(value));
    const isMore = after.values.some((value) => !before.values.includes(value));
    return isLess ? (isMore ? 'changed' : 'lost') : isMore ? 'gained' : null;
  }
  return JSON.stringify(before) === JSON.stringify(after) ? null : 'changed';
}
