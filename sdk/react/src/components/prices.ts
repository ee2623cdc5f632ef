/** What a plan costs, as people read it. */
import type { Charge, FeatureValue, GrantRule, Plan, Pricing } from '../api-types.js';
import { formatUnitPrice } from '../format/money.js';
import type { I18n } from '../react/i18n.js';

/** Say, "€19.00 per month, plus usage". */
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

export interface FeatureLine {
  id: string;
  name: string;
  /** How much of it; empty where there is nothing to say. */
  text: string;
  /** What its use costs. */
  detail: string;
}

/** What a plan gives, in the product's order. */
export function featuresOf(plan: Plan, pricing: Pricing, ui: I18n): FeatureLine[] {
  return pricing.featureRows.flatMap(({ feature, plans }) => {
    const { id, name, metricId, creditCurrencyId } = feature;
    const given = plans.find(({ planId }) => planId === plan.id);
    if (!given) return [];
    const usage = plan.charges.find(
      (charge) => charge.type === 'usage' && charge.metricId === metricId,
    );
    const grants = plan.grantRules.filter((rule) => rule.creditCurrencyId === creditCurrencyId);
    const detail =
      usage?.type === 'usage'
        ? usageText(usage, plan.currency, ui)
        : grants.map((rule) => grantText(rule, plan, pricing, ui)).join(ui.t('comma'));
    // What is paid for has no limit worth a word.
    const isPaid = given.value.type === 'metered' && given.value.limit === null && detail !== '';
    return [{ id, name, text: isPaid ? '' : valueText(given.value, ui), detail }];
  });
}

/** Say, "10,000 included, then $0.001 – $0.002 each". */
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

/** Say, "50 credits per day". */
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
