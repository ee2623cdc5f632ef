/** Names the plans and automatic top-ups that a payment method pays for. */
import type { PaymentMethodDependencies } from '../api-types.js';
import { usePlans } from '../hooks/catalog.js';
import { useAllowedCreditAccounts } from '../hooks/credits.js';
import { useAllowedSubscriptions } from '../hooks/subscriptions.js';
import { useUi } from '../ui/parts.js';

export function useDependents(dependencies: PaymentMethodDependencies | undefined): string[] {
  const { t } = useUi();
  const { plans } = usePlans();
  const { subscriptions } = useAllowedSubscriptions();
  const { accounts } = useAllowedCreditAccounts();
  return [
    ...(dependencies?.subscriptions ?? []).map((id) => {
      const planId = subscriptions.find((one) => one.id === id)?.planId;
      const name = plans.find((plan) => plan.id === planId)?.name ?? '';
      return t('methods.inUseSubscription', { name });
    }),
    ...(dependencies?.autoTopUpAccounts ?? []).map((id) => {
      const name = accounts.find((one) => one.id === id)?.currency.name ?? '';
      return t('methods.inUseTopUp', { name });
    }),
  ];
}
