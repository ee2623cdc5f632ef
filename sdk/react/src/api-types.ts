/**
 * The request and response types. Times are RFC 3339 texts and money is in minor units.
 */
import type { ErrorCode as ServerErrorCode, Input, Schemas } from '@unitpay/wire';

export type { Scope } from '@unitpay/wire';

/** The `code` of an error: the server's, or one of two for a missing response. */
export type ErrorCode = ServerErrorCode | 'network_error' | 'timeout';
export type ParamError = Schemas['ParamError'];

export type CurrentSession = Schemas['CurrentSessionResponse'];
/** The task with which a portal opens. */
export type Flow = Schemas['PortalFlow'];

export type Address = Schemas['Address'];
export type TaxId = Schemas['TaxId'];
export type Customer = Schemas['Customer'];
/** The fields that a customer can change. */
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
/** The value of a feature in a plan. */
export type FeatureValue = Schemas['EntitlementValue'];
export type PricingTier = Schemas['PricingTier'];
/** The prices and features of a product, by tier from the lowest. */
export type Pricing = Schemas['Pricing'];
export type Branding = Pick<
  Schemas['Branding'],
  'name' | 'logo' | 'accentColor' | 'radius' | 'supportEmail'
>;

/** The customer's entitlement to a feature; the members depend on its type. */
export type Entitlement = Schemas['CustomerEntitlement'] & {
  /** True if the customer may use the feature. */
  access: boolean;
};
export type CheckResult = Schemas['CheckResponse'];
export type DeniedReason = NonNullable<CheckResult['deniedReason']>;

export type SubscriptionStatus = Schemas['SubscriptionStatus'];
export type Subscription = Schemas['Subscription'];
/** The price of a change of plan or a new subscription. */
export type PlanPreview = Schemas['SubscriptionPreview'];

export type InvoiceStatus = Schemas['InvoiceStatus'];
export type InvoiceItem = Schemas['InvoiceItem'];
/** Lists omit `items` and `payments`. */
export type Invoice = Schemas['Invoice'];
export type UpcomingInvoice = Schemas['UpcomingInvoice'];

export type PaymentMethod = Schemas['PaymentMethod'];
/** The ids of the records that depend on a payment method. */
export type PaymentMethodDependencies = Schemas['PaymentMethodDependencies'];
/** The parameters of the processor's form. */
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
