/** The request and response types. Times are RFC 3339 texts. */
import type { BodyOf, Input, QueryOf, Schemas } from '@unitpay/wire';

export type { ErrorCode, Scope } from '@unitpay/wire';

/** One parameter that is wrong. */
export type ParamError = Schemas['ParamError'];

/** The environment of an API key: `live` or `test`. */
export type Environment = Schemas['Env'];

/** The body of a request that creates a portal session. */
export type CreatePortalSession = Input<Schemas['CreatePortalSessionRequest']>;

/** A session that was minted. `jti` is for `revoke`; it is the session's id, too. */
export type MintedPortalSession = Schemas['CreatePortalSessionResponse'];

/** Exactly one of the two. */
export type RevokePortalSessions =
  { jti: string; customerId?: undefined } | { customerId: string; jti?: undefined };

/** The state of a portal session. */
export type PortalSessionStatus = Schemas['PortalSessionStatus'];

/** A session as it is listed: never with a token. */
export type PortalSession = Schemas['PortalSession'];
/** The settings of an environment for sign-in by e-mail. */
export type LoginSettings = Schemas['LoginSettings'];
/** The body of a request that replaces the settings of sign-in by e-mail. */
export type PutLoginSettings = BodyOf<'putLoginSettings'>;

/** The settings of billing of an environment. */
export type BillingSettings = Schemas['BillingSettings'];
/** The body of a request that replaces the settings of billing. */
export type PutBillingSettings = BodyOf<'putBillingSettings'>;

/** The parameters of a list of portal sessions. */
export type PortalSessionQuery = QueryOf<'listPortalSessions'>;

/** The claims of a portal token. */
export interface VerifiedClaims {
  iss: string;
  aud: 'unitpay:portal';
  /** The customer's id. */
  sub: string;
  /** The portal session's id. */
  sid: string;
  jti: string;
  /** The organization's id. */
  org: string;
  env: Environment;
  /** In Unix seconds, as `exp` is. */
  iat: number;
  exp: number;
  /** Separated by spaces. */
  scope: string;
}

/** A good token's claims; that it is not good, and no more, otherwise. */
export type Introspection = Schemas['IntrospectResponse'];

/** The body of a request that creates a customer. */
export type CreateCustomer = Input<Schemas['CreateCustomerRequest']>;

/** `null` clears `externalId` or `metadata`. */
export type UpdateCustomer = Input<Schemas['UpdateCustomerRequest']>;

/** With `metadata`, which the API description makes optional only for portal tokens. */
export type Customer = Required<Schemas['Customer']>;

/** The parameters of a list of customers. */
export type CustomerQuery = QueryOf<'listCustomers'>;

/** The body of a request that creates an API key. */
export type CreateApiKey = Input<Schemas['CreateApiKeyRequest']>;

/** An API key as it is listed, without its secret. */
export type ApiKey = Omit<Schemas['ApiKey'], 'secret'>;

/** `secret` is the key itself; an answer that was lost and comes again has it no more. */
export type CreatedApiKey = Schemas['ApiKey'];

/** The body of a request that revokes an API key. */
export type RevokeApiKey = Input<Schemas['RevokeApiKeyRequest']>;

/** The parameters of a list of API keys. */
export type ApiKeyQuery = QueryOf<'listApiKeys'>;

/** An entry of the audit log. */
export type AuditEvent = Schemas['AuditEvent'];

/** The parameters of a list of audit events. */
export type AuditEventQuery = QueryOf<'listAuditEvents'>;

/** A product, which groups plans and features. */
export type Product = Schemas['Product'];
/** The body of a request that creates a product. */
export type CreateProduct = BodyOf<'createProduct'>;
/** The body of a request that changes a product. */
export type UpdateProduct = BodyOf<'updateProduct'>;
/** The parameters of a list of products. */
export type ProductQuery = QueryOf<'listProducts'>;

/** A plan with its charges and entitlements. */
export type Plan = Schemas['Plan'];
/** The body of a request that creates a plan. */
export type CreatePlan = BodyOf<'createPlan'>;
/** The body of a request that changes a plan. */
export type UpdatePlan = BodyOf<'updatePlan'>;
/** The parameters of a list of plans. */
export type PlanQuery = QueryOf<'listPlans'>;

/** A feature that plans include. */
export type Feature = Schemas['Feature'];
/** The body of a request that creates a feature. */
export type CreateFeature = BodyOf<'createFeature'>;
/** The body of a request that changes a feature. */
export type UpdateFeature = BodyOf<'updateFeature'>;
/** The parameters of a list of features. */
export type FeatureQuery = QueryOf<'listFeatures'>;

/** A metric that counts usage events. */
export type BillableMetric = Schemas['BillableMetric'];
/** The body of a request that creates a billable metric. */
export type CreateBillableMetric = BodyOf<'createBillableMetric'>;
/** The body of a request that changes a billable metric. */
export type UpdateBillableMetric = BodyOf<'updateBillableMetric'>;
/** The parameters of a list of billable metrics. */
export type BillableMetricQuery = QueryOf<'listBillableMetrics'>;

/** A credit currency, in units or in money. */
export type CreditCurrency = Schemas['CreditCurrency'];
/** The body of a request that creates a credit currency. */
export type CreateCreditCurrency = BodyOf<'createCreditCurrency'>;
/** The body of a request that changes a credit currency. */
export type UpdateCreditCurrency = BodyOf<'updateCreditCurrency'>;
/** The parameters of a list of credit currencys. */
export type CreditCurrencyQuery = QueryOf<'listCreditCurrencies'>;

/** A package of credits with a fixed price. */
export type CreditPackage = Schemas['CreditPackage'];
/** The body of a request that creates a credit package. */
export type CreateCreditPackage = BodyOf<'createCreditPackage'>;
/** The body of a request that changes a credit package. */
export type UpdateCreditPackage = BodyOf<'updateCreditPackage'>;
/** The parameters of a list of credit packages. */
export type CreditPackageQuery = QueryOf<'listCreditPackages'>;

/** A coupon, which lowers the price of billing periods. */
export type Coupon = Schemas['Coupon'];
/** The body of a request that creates a coupon. */
export type CreateCoupon = BodyOf<'createCoupon'>;
/** The body of a request that changes a coupon. */
export type UpdateCoupon = BodyOf<'updateCoupon'>;
/** The parameters of a list of coupons. */
export type CouponQuery = QueryOf<'listCoupons'>;

/** A promotion code, which customers type to redeem a coupon. */
export type PromotionCode = Schemas['PromotionCode'];
/** The body of a request that creates a promotion code. */
export type CreatePromotionCode = BodyOf<'createPromotionCode'>;
/** The body of a request that changes a promotion code. */
export type UpdatePromotionCode = BodyOf<'updatePromotionCode'>;
/** The parameters of a list of promotion codes. */
export type PromotionCodeQuery = QueryOf<'listPromotionCodes'>;

/** A coupon or a promotion code for a subscription that runs. */
export type PutDiscount = BodyOf<'putSubscriptionDiscount'>;
/** Why a coupon does not lower a price. */
export type CouponNotApplicableReason = Schemas['CouponNotApplicableReason'];

/** The public prices of a product. */
export type Pricing = Schemas['Pricing'];

/** The look and the address of the organization. */
export type Branding = Schemas['Branding'];
/** The body of a request that sets the branding. */
export type PutBranding = BodyOf<'putBranding'>;

/** Something that a customer used. */
export type UsageEvent = Omit<Input<Schemas['UsageEvent']>, 'idempotencyKey'> & {
  /** Unique per customer, forever. Default: a random one for this call. */
  idempotencyKey?: string | undefined;
};
/** The result of a request that tracks usage. */
export type Tracked = Schemas['TrackResponse'];
/** A usage event that was refused, and the reason. */
export type UsageRejection = Schemas['Rejection'];
/** The usage of a metric in the current period. */
export type UsageMeter = Schemas['UsageMeter'];
/** The parameters of a list of usage meters. */
export type UsageMeterQuery = QueryOf<'getUsage'>;
/** The usage of the last days, by event and day. */
export type UsageHistory = Schemas['UsageHistory'];
/** The parameters of a request for the usage history. */
export type UsageHistoryQuery = QueryOf<'aggregateUsage'>;

/** The body of a request that checks a feature. */
export type Check = Input<Schemas['CheckRequest']>;
/** The result of a check of a feature. */
export type Checked = Schemas['CheckResponse'];
/** The entitlements of a customer. */
export type CustomerEntitlements = Schemas['EntitlementsResponse'];

/** A subscription of a customer to a plan. */
export type Subscription = Schemas['Subscription'];
/** The parameters of a list of subscriptions. */
export type SubscriptionQuery = QueryOf<'listSubscriptions'>;
/** The body of a request that creates a subscription. */
export type CreateSubscription = BodyOf<'createSubscription'>;
/** The price of a change of plan, before it is made. */
export type SubscriptionPreview = Schemas['SubscriptionPreview'];
/** The body of a request that previews a change of plan. */
export type PreviewChange = BodyOf<'previewSubscriptionChange'>;
/** The body of a request that changes a plan. */
export type ChangePlan = BodyOf<'changePlan'>;
/** The body of a request that cancels a subscription. */
export type CancelSubscription = Input<Schemas['CancelSubscriptionRequest']>;
/** The next invoice of a subscription, as it stands now. */
export type UpcomingInvoice = Schemas['UpcomingInvoiceResponse'];

/** The outcome of a call that may move money, by `kind`. */
export type SettleOutcome = Schemas['SettleOutcome'];

/** As it is listed: without `items` and `payments`. */
export type InvoiceSummary = Omit<Schemas['Invoice'], 'items' | 'payments'>;
/** An invoice with its lines and payments. */
export type Invoice = InvoiceSummary & {
  [K in 'items' | 'payments']: NonNullable<Schemas['Invoice'][K]>;
};
/** The parameters of a list of invoices. */
export type InvoiceQuery = QueryOf<'listInvoices'>;
/** The body of a request that creates an invoice. */
export type CreateInvoice = BodyOf<'createInvoice'>;
/** A line of an invoice to create. */
export type CreateInvoiceItem = BodyOf<'createInvoiceItem'>;
/** The lines that wait for a customer's next invoice. */
export type WaitingItems = Schemas['WaitingItems'];
/** The body of a request that pays an invoice. */
export type PayInvoice = Input<Schemas['PayInvoiceRequest']>;
/** The body of a request that records a payment made outside. */
export type RecordPayment = BodyOf<'recordInvoicePayment'>;

/** The money that a customer has with you, by currency. */
export type CustomerBalance = Schemas['CustomerBalance'];
/** An entry of a customer's balance. */
export type BalanceEntry = Schemas['BalanceEntry'];
/** The parameters of a list of balance entries. */
export type BalanceEntryQuery = QueryOf<'listBalanceEntries'>;
/** The body of a request that changes a customer's balance. */
export type AdjustBalance = BodyOf<'adjustBalance'>;

/** As it is listed: without `refunds`. */
export type CreditNoteSummary = Omit<Schemas['CreditNote'], 'refunds'>;
/** A credit note for an invoice. */
export type CreditNote = CreditNoteSummary & { refunds: Refund[] };
/** The amounts of a credit note. */
export type CreditNoteAmounts = Schemas['CreditNoteAmounts'];
/** The parameters of a list of credit notes. */
export type CreditNoteQuery = QueryOf<'listCreditNotes'>;
/** The body of a request that creates a credit note. */
export type CreateCreditNote = BodyOf<'createCreditNote'>;
/** A refund of a charge, with its status at the processor. */
export type Refund = Schemas['Refund'];

/** A payment method of a customer. */
export type PaymentMethod = Schemas['PaymentMethod'];
/** The body of a request that adds a payment method. */
export type AddPaymentMethod = BodyOf<'addPaymentMethod'>;
/** The data with which a browser shows the processor's form. */
export type PaymentSetup = Schemas['ProcessorClient'];
/** The records that are charged to a payment method. */
export type PaymentMethodDependencies = Schemas['PaymentMethodDependencies'];

/** A wallet. All amounts of credits are in the credit currency's smallest unit. */
export type CreditAccount = Schemas['CreditAccount'];
/** The parameters of a list of credit accounts. */
export type CreditAccountQuery = QueryOf<'listCreditAccounts'>;
/** Credits that were granted at once. */
export type CreditGrant = Schemas['CreditGrant'];
/** The body of a request that grants credits. */
export type GrantCredits = BodyOf<'grantCredits'>;
/** An entry of the ledger of a credit account. */
export type LedgerEntry = Schemas['LedgerEntry'];
/** The body of a request that returns used credits. */
export type RefundCredits = BodyOf<'refundCredits'>;
/** The credits used in the last days. */
export type CreditStats = Schemas['CreditStats'];
/** The parameters of a request for the statistics of credits. */
export type CreditStatsQuery = QueryOf<'getCreditStats'>;

/** The purchase: an `amount` of money or a package. */
export type BuyCredits = BodyOf<'topUpCredits'>;
/** Credits that were bought, or tried to. */
export type TopUp = Schemas['TopUp'];
/** The rule of an automatic top-up. */
export type AutoTopUp = Schemas['AutoTopUp'];
/** The body of a request that sets an automatic top-up. */
export type SetAutoTopUp = BodyOf<'setAutoTopUp'>;

/** The state of a test clock. */
export type TestClockState = Schemas['TestClock'];

/** An event, by `type`: `data.object` is the object in the form in which the API returns it. */
export type WebhookEvent = Schemas['Event'];
/** The type of an event. */
export type EventType = WebhookEvent['type'];
/** The parameters of a list of events. */
export type EventQuery = QueryOf<'listEvents'>;

/** An e-mail to a customer. */
export type Email = Schemas['Email'];
/** The settings of an environment for its e-mail. */
export type EmailSettings = Schemas['EmailSettings'];
/** The body of a request that replaces the settings of e-mail. */
export type PutEmailSettings = BodyOf<'putEmailSettings'>;
/** The parameters of a list of e-mails. */
export type EmailQuery = QueryOf<'listEmails'>;

/** An endpoint that receives webhooks. */
export type WebhookEndpoint = Omit<Schemas['WebhookEndpoint'], 'secret'>;
/** `secret` is shown once; a response that was lost and comes again lacks it. */
export type CreatedWebhookEndpoint = Schemas['WebhookEndpoint'];
/** The body of a request that creates a webhook endpoint. */
export type CreateWebhookEndpoint = BodyOf<'createWebhookEndpoint'>;
/** The body of a request that changes a webhook endpoint. */
export type UpdateWebhookEndpoint = BodyOf<'updateWebhookEndpoint'>;
/** The body of a request that sends missed events again. */
export type RecoverWebhookEndpoint = BodyOf<'recoverWebhookEndpoint'>;
/** The parameters of a list of webhook endpoints. */
export type WebhookEndpointQuery = QueryOf<'listWebhookEndpoints'>;
/** The result of a test webhook. */
export type WebhookTest = Schemas['WebhookTestResponse'];
/** The number of events that are sent again. */
export type WebhookRecovery = Schemas['WebhookRecoveryResponse'];
/** A delivery of an event to an endpoint. */
export type WebhookDelivery = Schemas['WebhookDelivery'];
/** The parameters of a list of webhook deliverys. */
export type WebhookDeliveryQuery = QueryOf<'listWebhookDeliveries'>;
