/** What a plan costs, as people read it. */
import type { Plan } from '../api-types.js';
import type { I18n } from '../react/i18n.js';

export interface Price {
  /** The recurring amount of one unit. */
  amount: number;
  isPerUnit: boolean;
  hasUsage: boolean;
}

export function priceOf({ charges }: Plan): Price {
  const price = { amount: 0, isPerUnit: false, hasUsage: false };
  for (const charge of charges) {
    if (charge.type === 'usage') price.hasUsage = true;
    if (charge.type === 'recurring') {
      price.amount += charge.amount;
      price.isPerUnit ||= charge.perUnit ?? false;
    }
  }
  return price;
}

/** Say, "€19.00 per month, plus usage". */
export function priceText(plan: Plan, { t, money }: I18n): { amount: string; rest: string } {
  const { amount, isPerUnit, hasUsage } = priceOf(plan);
  const interval = t(plan.billingInterval === 'year' ? 'plans.perYear' : 'plans.perMonth');
  const usage = hasUsage ? [t('plans.usage')] : [];
  if (amount === 0) return { amount: t('plans.free'), rest: usage.join('') };
  const unit = isPerUnit ? [t('plans.perUnit')] : [];
  return { amount: money(amount, plan.currency), rest: [...unit, interval, ...usage].join(', ') };
}
