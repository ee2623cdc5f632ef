/**
 * The shapes of the wire. Times are RFC 3339 texts and money is in minor units, as on the wire.
 *
 * What the server's OpenAPI document describes is taken from it; the rest is written by hand until
 * it does.
 */
import type { components } from './openapi.js';

type Schemas = components['schemas'];

/** Every `code` that an error carries: the server's, and two for an answer that never came. */
export type ErrorCode = Schemas['Problem']['code'] | 'invalid_code' | 'network_error' | 'timeout';

export type ParamError = Schemas['ParamError'];

/** What a portal session may do. */
export type Scope = Schemas['CurrentSessionResponse']['scopes'][number];

export type CurrentSession = Schemas['CurrentSessionResponse'];

export interface Address {
  line1: string;
  line2: string | null;
  city: string;
  state: string | null;
  postalCode: string | null;
  /** ISO 3166-1, two capital letters. */
  country: string;
}

export interface TaxId {
  type: string;
  value: string;
}

/** A customer as a portal session sees it. */
export interface Customer extends Omit<Schemas['Customer'], 'metadata'> {
  locale?: string | null;
  billingAddress?: Address | null;
  taxIds?: TaxId[];
  taxStatus?: 'taxable' | 'exempt' | 'reverse_charge';
  defaultPaymentMethodId?: string | null;
  currency?: string | null;
}

export interface UpdateCustomer {
  name?: string | undefined;
  email?: string | undefined;
  locale?: string | null | undefined;
  billingAddress?: Address | null | undefined;
  taxIds?: TaxId[] | undefined;
}

export type Interval = 'month' | 'year';
export type FeatureType = 'boolean' | 'metered' | 'credit' | 'config' | 'enum';

export interface Product {
  id: string;
  name: string;
  slug: string;
  description: string | null;
  /** A `data:` URI. */
  image: string | null;
  status: 'active' | 'archived';
}

export interface PriceTier {
  upTo: number | null;
  /** A decimal in minor units. */
  unitPrice: string;
}

export type Charge =
  | { type: 'recurring'; amount: number; perUnit?: boolean }
  | { type: 'one_off'; amount: number }
  | { type: 'usage'; metricId: string; includedUnits: number; tiers: PriceTier[] };

export interface GrantRule {
  creditCurrencyId: string;
  amount: number;
  cadence: 'period' | 'month' | 'day';
  rolloverCap: number;
}

export interface Plan {
  id: string;
  productId: string;
  slug: string;
  name: string;
  description: string | null;
  /** Plans of one tier differ in their interval alone. */
  tier: number;
  status: 'draft' | 'active' | 'archived';
  isPublic: boolean;
  billingInterval: Interval;
  currency: string;
  trialDays: number;
  charges: Charge[];
  entitlements: PlanEntitlement[];
  grantRules: GrantRule[];
}

export interface PlanEntitlement {
  featureId: string;
  type: FeatureType;
  /** Of a metered feature; null is without limit. */
  limit?: number | null;
  /** Of a config feature. */
  value?: string;
  /** Of an enum feature. */
  values?: string[];
}

export interface Feature {
  id: string;
  slug: string;
  name: string;
  type: FeatureType;
}

/** What a customer may use. Its type decides which members it has. */
export interface Entitlement {
  featureSlug: string;
  featureName?: string;
  type: FeatureType;
  access: boolean;
  limit?: number | null;
  usage?: number;
  remaining?: number | null;
  balance?: number;
  value?: string | null;
  values?: string[];
}

export type DeniedReason = 'no_entitlement' | 'usage_exceeded' | 'credit_exhausted';

export interface CheckResult {
  access: boolean;
  deniedReason?: DeniedReason | null;
  remaining?: number | null;
  creditBalance?: number | null;
}

export type SubscriptionStatus = 'trialing' | 'active' | 'past_due' | 'pending' | 'canceled';

export interface Subscription {
  id: string;
  customerId: string;
  planId: string;
  productId: string;
  quantity: number;
  status: SubscriptionStatus;
  billingInterval: Interval;
  collectionMethod: 'charge_automatically' | 'send_invoice';
  currentBillingPeriodStart: string;
  currentBillingPeriodEnd: string;
  usagePeriodStart: string;
  usagePeriodEnd: string;
  trialEnd: string | null;
  cancelAtPeriodEnd: boolean;
  canceledAt: string | null;
  scheduledChange: { planId: string; quantity: number; effectiveAt: string } | null;
  createdAt: string;
}

export type InvoiceStatus =
  'draft' | 'issued' | 'partially_paid' | 'paid' | 'overdue' | 'void' | 'uncollectible';

export interface InvoiceLine {
  description: string;
  type: string;
  quantity: number | string;
  unitAmount: number | string | null;
  amount: number;
  periodStart: string | null;
  periodEnd: string | null;
}

export interface Invoice {
  id: string;
  customerId: string;
  subscriptionId: string | null;
  /** Null in a draft. */
  invoiceNumber: string | null;
  status: InvoiceStatus;
  reason: 'create' | 'renewal' | 'usage' | 'change' | 'top_up';
  currency: string;
  subtotal: number;
  taxAmount: number;
  totalAmount: number;
  amountPaid: number;
  amountDue: number;
  issuedAt: string | null;
  dueDate: string | null;
  paidAt: string | null;
  periodStart: string | null;
  periodEnd: string | null;
  createdAt: string;
  /** Left out of lists. */
  items?: InvoiceLine[];
  payments?: { amount: number; paidAt: string; brand: string | null; last4: string | null }[];
}

export interface UpcomingInvoice {
  currency: string;
  subtotal: number;
  taxAmount: number;
  totalAmount: number;
  periodStart: string | null;
  periodEnd: string | null;
  dueDate?: string | null;
  items: InvoiceLine[];
}

/** What a change of plan or a new subscription costs. */
export interface PlanPreview {
  kind: 'immediate' | 'deferred' | 'no_action';
  currency: string;
  items: InvoiceLine[];
  subtotal: number;
  taxAmount: number;
  totalAmount: number;
  amountDueNow: number;
  effectiveAt: string;
  /** To be sent with the change, so that the customer pays what was shown. */
  prorationDate?: string | null;
  nextInvoice: { totalAmount: number; dueDate: string } | null;
}

export interface PaymentMethod {
  id: string;
  type: string;
  status: string;
  isDefault: boolean;
  cardBrand: string | null;
  cardLast4: string | null;
  expMonth: number | null;
  expYear: number | null;
  createdAt: string;
}

export interface PaymentMethodDependencies {
  paymentMethodId: string;
  isDefault: boolean;
  blocksDetach: boolean;
  subscriptions: { id: string; planId?: string; planName?: string }[];
  autoTopUpAccounts: { id: string; currencyName?: string }[];
}

export interface CreditCurrency {
  id: string;
  slug: string;
  name: string;
  /** `unit`, or an ISO 4217 code. */
  denomination: string;
  minorUnitScale: number;
  topUpMin?: number | null;
  topUpMax?: number | null;
}

export interface CreditPackage {
  id: string;
  creditCurrencyId: string;
  name: string;
  credits: number;
  price: number;
  currency: string;
  expiresAfterDays: number | null;
}

export interface CreditGrant {
  id: string;
  source: string;
  amount: number;
  remaining: number;
  priority: number;
  expiresAt: string | null;
}

export interface AutoTopUpRule {
  enabled: boolean;
  mode: 'amount' | 'package';
  threshold: number;
  amount?: number | null;
  packageId?: string | null;
  quantity?: number | null;
  maxPerMonth: number;
}

export interface CreditAccount {
  id: string;
  customerId: string;
  balance: number;
  creditCurrencyId: string;
  currency: Pick<CreditCurrency, 'slug' | 'name' | 'denomination' | 'minorUnitScale'>;
  status: 'active' | 'frozen';
  grants: CreditGrant[];
  autoTopUp: AutoTopUpRule | null;
}

export interface LedgerEntry {
  id: string;
  type: 'grant' | 'deduction' | 'expiry' | 'refund' | 'reversal';
  /** Signed. */
  amount: number;
  balanceAfter: number;
  grantId: string | null;
  usageEventId: string | null;
  description: string | null;
  createdAt: string;
}

export interface UsageMeter {
  metricId: string;
  metricName: string;
  usage: number;
  limit: number | null;
  isUnlimited: boolean;
  percentage: number | null;
}

export interface UsageDay {
  /** `YYYY-MM-DD`. */
  date: string;
  eventName: string;
  total: number;
}

export interface CreditStats {
  days: { date: string; used: number }[];
  totalUsed: number;
  averagePerDay: number;
  /** When the balance is used up at this rate. */
  depletesAt: string | null;
}

export interface Branding {
  name: string;
  /** A `data:` URI. */
  logo: string | null;
  accentColor: string | null;
  radius: number | null;
  supportEmail: string | null;
}

export interface PricingTier {
  tier: number;
  name: string;
  monthly: Plan[];
  yearly: Plan[];
}

/** What a plan gives of a feature. */
export type FeatureValue = Pick<PlanEntitlement, 'type' | 'limit' | 'value' | 'values'>;

/** What a product costs, in tiers from the lowest, and what its plans give. */
export interface Pricing {
  product: Product;
  tiers: PricingTier[];
  featureRows: { feature: Feature; plans: { planId: string; value: FeatureValue }[] }[];
  creditCurrencies: CreditCurrency[];
  creditPackages: CreditPackage[];
}

/** What the processor's form needs. */
export interface FormClient {
  processor: string;
  type: 'setup' | 'payment';
  clientSecret: string;
  publishableKey?: string | null;
}

/** What came of a call that may move money. */
export type SettleOutcome =
  | { kind: 'charged_inline'; subscription: Subscription | null; invoice: Invoice }
  | {
      kind: 'requires_form';
      client: FormClient;
      reason: 'payment_method_required' | 'authentication_required';
      subscription?: Subscription;
      invoice?: Invoice;
      creditAccount?: CreditAccount;
    }
  | { kind: 'invoice_sent'; invoice: Invoice }
  | { kind: 'invoice_added' }
  | { kind: 'deferred'; subscription: Subscription; effectiveAt: string }
  | { kind: 'created_no_charge'; subscription: Subscription }
  | { kind: 'no_action' };
