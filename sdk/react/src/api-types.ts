/**
 * The request and response types. Times are RFC 3339 texts and money is in minor units.
 */
import type { ErrorCode as ServerErrorCode, Input, Schemas } from '@unitpay/wire';

export type { Scope } from '@unitpay/wire';

/** The `code` of an error: the server's, or one of two for a missing response. */
export type ErrorCode = ServerErrorCode | 'network_error' | 'timeout';
/** An invalid parameter of a request. */
export type ParamError = Schemas['ParamError'];

/** The portal session with its customer. */
export type CurrentSession = Schemas['CurrentSessionResponse'];
/** The task with which a portal opens. */
export type Flow = Schemas['PortalFlow'];

/** A postal address. */
export type Address = Schemas['Address'];
/** A tax ID with its type. */
export type TaxId = Schemas['TaxId'];
/** The customer. */
export type Customer = Schemas['Customer'];
/** The fields that a customer can change. */
export type UpdateCustomer = Input<
  Pick<Schemas['UpdateCustomerRequest'], 'name' | 'email' | 'locale' | 'billingAddress' | 'taxIds'>
>;

/** The billing interval of a plan. */
export type Interval = Schemas['BillingInterval'];
/** The type of a feature. */
export type FeatureType = Schemas['FeatureType'];
/** A product, which has plans. */
export type Product = Schemas['Product'];
/** A charge of a plan: recurring, for usage, or once. */
export type Charge = Schemas['Charge'];
/** A rule by which a plan grants credits. */
export type GrantRule = Schemas['GrantRule'];
/** A plan with its charges, features and granted credits. */
export type Plan = Schemas['Plan'];
/** A feature of a plan. */
export type PlanEntitlement = Schemas['Entitlement'];
/** A feature of a product. */
export type Feature = Schemas['Feature'];
/** The value of a feature in a plan. */
export type FeatureValue = Schemas['EntitlementValue'];
/** The plans of one tier, by billing interval. */
export type PricingTier = Schemas['PricingTier'];
/** The prices and features of a product, by tier from the lowest. */
export type Pricing = Schemas['Pricing'];
/** The look of the organization. */
export type Branding = Pick<
  Schemas['Branding'],
  'name' | 'logo' | 'accentColor' | 'radius' | 'supportEmail'
>;

/** The customer's entitlement to a feature; the members depend on its type. */
export type Entitlement = Schemas['CustomerEntitlement'] & {
  /** True if the customer may use the feature. */
  access: boolean;
};
/** The answer of the server to a check of a feature. */
export type CheckResult = Schemas['CheckResponse'];
/** The reason for which the server denies a feature. */
export type DeniedReason = NonNullable<CheckResult['deniedReason']>;

/** The status of a subscription. */
export type SubscriptionStatus = Schemas['SubscriptionStatus'];
/** A subscription of the customer. */
export type Subscription = Schemas['Subscription'];
/** The price of a change of plan or a new subscription. */
export type PlanPreview = Schemas['SubscriptionPreview'];

/** The status of an invoice. */
export type InvoiceStatus = Schemas['InvoiceStatus'];
/** A line of an invoice. */
export type InvoiceItem = Schemas['InvoiceItem'];
/** Lists omit `items` and `payments`. */
export type Invoice = Schemas['Invoice'];
/** The next invoice, as far as it is known. */
export type UpcomingInvoice = Schemas['UpcomingInvoice'];

/** A stored payment method. */
export type PaymentMethod = Schemas['PaymentMethod'];
/** The ids of the records that depend on a payment method. */
export type PaymentMethodDependencies = Schemas['PaymentMethodDependencies'];
/** A price before tax. */
export type Price = Schemas['Price'];
/** The parameters of the processor's form. */
export type FormClient = Schemas['ProcessorClient'];

/** A credit currency: units of the organization, or money. */
export type CreditCurrency = Schemas['CreditCurrency'];
/** Credits that are sold together at one price. */
export type CreditPackage = Schemas['CreditPackage'];
/** Credits of one source with one expiry. */
export type CreditGrant = Schemas['CreditGrant'];
/** The balance of a customer in one credit currency. */
export type CreditAccount = Schemas['CreditAccount'];
/** The automatic top-up of a credit account. */
export type AutoTopUp = Schemas['AutoTopUp'];
/** The settings of an automatic top-up. */
export type AutoTopUpRule = Input<Schemas['AutoTopUpRequest']>;
/** A change of a balance. */
export type LedgerEntry = Schemas['LedgerEntry'];
/** The credits used, granted and expired in a range of days. */
export type CreditStats = Schemas['CreditStats'];

/** The usage and the limit of a metric. */
export type UsageMeter = Schemas['UsageMeter'];
/** The usage of one event name on one UTC day. */
export type UsageDay = Schemas['UsageDay'];

/** A payment and its state. */
export type PaymentAttempt = Schemas['PaymentAttempt'];
/** The outcome of a call that may move money. */
export type SettleOutcome = Schemas['SettleOutcome'];
