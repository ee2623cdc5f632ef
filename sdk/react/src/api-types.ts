/**
 * The shapes of the wire, from the server's description of its API. Times are RFC 3339 texts and
 * money is in minor units, as on the wire.
 */
import type { ErrorCode as ServerErrorCode, Input, Schemas } from '@unitpay/wire';

export type { Scope } from '@unitpay/wire';

/** Every `code` that an error carries: the server's, and two for an answer that never came. */
export type ErrorCode = ServerErrorCode | 'network_error' | 'timeout';
export type ParamError = Schemas['ParamError'];

export type CurrentSession = Schemas['CurrentSessionResponse'];
/** What a portal begins with. */
export type Flow = Schemas['PortalFlow'];

export type Address = Schemas['Address'];
export type TaxId = Schemas['TaxId'];
export type Customer = Schemas['Customer'];
/** What a customer changes of itself. */
export type UpdateCustomer = Input<
  Pick<Schemas['UpdateCustomerRequest'], 'name' | 'email' | 'locale' | 'billingAddress' | 'taxIds'>
>;

export type Interval = Schemas['BillingInterval'];
export type FeatureType = Schemas['FeatureType'];
export type Product = Schemas['Product'];
export type Charge = Schemas['Charge'];
export type GrantRule = Schemas['GrantRule'];
export type Plan = Schemas['Plan'];
export type PlanEntitlement = Schemas['Entitlement'];
export type Feature = Schemas['Feature'];
/** What a plan gives of a feature. */
export type FeatureValue = Schemas['EntitlementValue'];
export type PricingTier = Schemas['PricingTier'];
/** What a product costs, in tiers from the lowest, and what its plans give. */
export type Pricing = Schemas['Pricing'];
export type Branding = Pick<
  Schemas['Branding'],
  'name' | 'logo' | 'accentColor' | 'radius' | 'supportEmail'
>;

/** What a customer has of a feature; its type decides which members it has. */
export type Entitlement = Schemas['CustomerEntitlement'] & {
  /** Whether it may be used. */
  access: boolean;
};
export type CheckResult = Schemas['CheckResponse'];
export type DeniedReason = NonNullable<CheckResult['deniedReason']>;

export type SubscriptionStatus = Schemas['SubscriptionStatus'];
export type Subscription = Schemas['Subscription'];
/** What a change of plan or a new subscription costs. */
export type PlanPreview = Schemas['SubscriptionPreview'];

export type InvoiceStatus = Schemas['InvoiceStatus'];
export type InvoiceItem = Schemas['InvoiceItem'];
/** In lists without `items` and `payments`. */
export type Invoice = Schemas['Invoice'];
export type UpcomingInvoice = Schemas['UpcomingInvoice'];

export type PaymentMethod = Schemas['PaymentMethod'];
/** The ids of what needs a payment method. */
export type PaymentMethodDependencies = Schemas['PaymentMethodDependencies'];
/** What the processor's form needs. */
export type FormClient = Schemas['ProcessorClient'];

export type CreditCurrency = Schemas['CreditCurrency'];
export type CreditPackage = Schemas['CreditPackage'];
export type CreditGrant = Schemas['CreditGrant'];
export type CreditAccount = Schemas['CreditAccount'];
export type AutoTopUp = Schemas['AutoTopUp'];
export type AutoTopUpRule = Input<Schemas['AutoTopUpRequest']>;
export type LedgerEntry = Schemas['LedgerEntry'];
export type CreditStats = Schemas['CreditStats'];

export type UsageMeter = Schemas['UsageMeter'];
export type UsageDay = Schemas['UsageDay'];

export type PaymentAttempt = Schemas['PaymentAttempt'];
/** The outcome of a call that may move money. */
export type SettleOutcome = Schemas['SettleOutcome'];
