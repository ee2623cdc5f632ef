/**
 * UnitPay's billing portal for React: provider, hooks, components.
 *
 * @packageDocumentation
 */
export type * from './api-types.js';
export type { Page, Query, UnitPayClient } from './core/client.js';
export { ApiError, PmInUseError } from './core/errors.js';
export type { GetPortalToken } from './core/renew.js';
export type { EndReason, SessionState } from './core/session.js';
export { formatCredits, formatMoney } from './format/money.js';
export type { MessageKey, Messages } from './locales/en.js';

export type { Appearance, Texts } from './react/context.js';
export type { HeadingLevel } from './ui/parts.js';
export type { ClassNames, Part, Variable, Variables } from './ui/names.js';
export {
  UnitPayProvider,
  type UnitPayConfig,
  type UnitPayProviderProps,
} from './react/provider.js';
export type { Id, Paged, Read } from './react/read.js';
export type { StripeJs, StripeSource } from './stripe/types.js';
export { useBilling, usePortalSession, type PortalSessionInfo } from './react/session.js';
export type { Settle, SettleHandlers, Write } from './react/write.js';

export * from './hooks/catalog.js';
export {
  useAutoTopUp,
  useCreditAccounts,
  useCreditBurn,
  useCreditCurrencies,
  useCreditLedger,
  useTopUp,
  type TopUp,
} from './hooks/credits.js';
export {
  useBooleanEntitlement,
  useConfigEntitlement,
  useCreditEntitlement,
  useCustomer,
  useEntitlement,
  useEnumEntitlement,
  useMeteredEntitlement,
  type CheckOptions,
  type CustomerState,
  type MeteredValue,
  type Permission,
} from './hooks/customer.js';
export { useInvoice, useInvoices, usePayInvoice, type InvoiceFilter } from './hooks/invoices.js';
export {
  useAddPaymentMethod,
  usePaymentMethodDependencies,
  usePaymentMethods,
} from './hooks/payment-methods.js';
export {
  useActiveSubscription,
  useCancelSubscription,
  useChangePlan,
  useCreateSubscription,
  usePlanPreview,
  useSubscription,
  useSubscriptions,
  useUncancelSubscription,
  useUpcomingInvoice,
  type NewSubscription,
  type PlanChange,
} from './hooks/subscriptions.js';
export { useUsageLimits, type UsageLimit } from './hooks/limits.js';
export * from './hooks/usage.js';

export { BillingDetails, type BillingDetailsProps } from './components/billing-details.js';
export {
  BillingPortal,
  type BillingPortalProps,
  type Section,
} from './components/billing-portal.js';
export { CheckoutButton, type CheckoutButtonProps } from './components/checkout-button.js';
export { CreditBalance, type CreditBalanceProps } from './components/credit-balance.js';
export * from './components/gates.js';
export { InvoiceList, type InvoiceListProps } from './components/invoice-list.js';
export { LedgerTable, type LedgerTableProps } from './components/ledger-table.js';
export { Money, type MoneyProps } from './components/money.js';
export { PaymentForm, type PaymentFormProps } from './components/payment-form.js';
export { PaymentMethods, type PaymentMethodsProps } from './components/payment-methods.js';
export { PlanChangeDialog, type PlanChangeDialogProps } from './components/plan-change-dialog.js';
export { Paywall, type PaywallProps } from './components/paywall.js';
export { PricingTable, type PricingTableProps } from './components/pricing-table.js';
export { SubscriptionCard, type SubscriptionCardProps } from './components/subscription-card.js';
export { UsageSummary, type UsageSummaryProps } from './components/usage-summary.js';
export { UsageChart, type UsageChartProps } from './components/usage-chart.js';
