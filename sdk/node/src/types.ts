/** The request and response types. Times are RFC 3339 texts. */
import type { BodyOf, Input, QueryOf, Schemas } from '@unitpay/wire';

export type { ErrorCode, Scope } from '@unitpay/wire';

/** One parameter that is wrong. */
export type ParamError = Schemas['ParamError'];

export type Environment = Schemas['Env'];

export type CreatePortalSession = Input<Schemas['CreatePortalSessionRequest']>;

/** A session that was minted. `jti` is for `revoke`; it is the session's id, too. */
export type MintedPortalSession = Schemas['CreatePortalSessionResponse'];

/** Exactly one of the two. */
export type RevokePortalSessions =
  { jti: string; customerId?: undefined } | { customerId: string; jti?: undefined };

export type PortalSessionStatus = Schemas['PortalSessionStatus'];

/** A session as it is listed: never with a token. */
export type PortalSession = Schemas['PortalSession'];

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

export type CreateCustomer = Input<Schemas['CreateCustomerRequest']>;

/** `null` clears `externalId` or `metadata`. */
export type UpdateCustomer = Input<Schemas['UpdateCustomerRequest']>;

/** With `metadata`, which the API description makes optional only for portal tokens. */
export type Customer = Required<Schemas['Customer']>;

export type CustomerQuery = QueryOf<'listCustomers'>;

export type CreateApiKey = Input<Schemas['CreateApiKeyRequest']>;

export type ApiKey = Omit<Schemas['ApiKey'], 'secret'>;

/** `secret` is the key itself; an answer that was lost and comes again has it no more. */
export type CreatedApiKey = Schemas['ApiKey'];

export type RevokeApiKey = Input<Schemas['RevokeApiKeyRequest']>;

export type ApiKeyQuery = QueryOf<'listApiKeys'>;

export type AuditEvent = Schemas['AuditEvent'];

export type AuditEventQuery = QueryOf<'listAuditEvents'>;

export type Product = Schemas['Product'];
export type CreateProduct = BodyOf<'createProduct'>;
export type UpdateProduct = BodyOf<'updateProduct'>;
export type ProductQuery = QueryOf<'listProducts'>;

export type Plan = Schemas['Plan'];
export type CreatePlan = BodyOf<'createPlan'>;
export type UpdatePlan = BodyOf<'updatePlan'>;
export type PlanQuery = QueryOf<'listPlans'>;

export type Feature = Schemas['Feature'];
export type CreateFeature = BodyOf<'createFeature'>;
export type UpdateFeature = BodyOf<'updateFeature'>;
export type FeatureQuery = QueryOf<'listFeatures'>;

export type BillableMetric = Schemas['BillableMetric'];
export type CreateBillableMetric = BodyOf<'createBillableMetric'>;
export type UpdateBillableMetric = BodyOf<'updateBillableMetric'>;
export type BillableMetricQuery = QueryOf<'listBillableMetrics'>;

export type CreditCurrency = Schemas['CreditCurrency'];
export type CreateCreditCurrency = BodyOf<'createCreditCurrency'>;
export type UpdateCreditCurrency = BodyOf<'updateCreditCurrency'>;
export type CreditCurrencyQuery = QueryOf<'listCreditCurrencies'>;

export type CreditPackage = Schemas['CreditPackage'];
export type CreateCreditPackage = BodyOf<'createCreditPackage'>;
export type UpdateCreditPackage = BodyOf<'updateCreditPackage'>;
export type CreditPackageQuery = QueryOf<'listCreditPackages'>;

export type Pricing = Schemas['Pricing'];

export type Branding = Schemas['Branding'];
export type PutBranding = BodyOf<'putBranding'>;

/** Something that a customer used. */
export type UsageEvent = Omit<Input<Schemas['UsageEvent']>, 'idempotencyKey'> & {
  /** Unique per customer, forever. Default: a random one for this call. */
  idempotencyKey?: string | undefined;
};
export type Tracked = Schemas['TrackResponse'];
export type UsageRejection = Schemas['Rejection'];
export type UsageMeter = Schemas['UsageMeter'];
export type UsageMeterQuery = QueryOf<'getUsage'>;
export type UsageHistory = Schemas['UsageHistory'];
export type UsageHistoryQuery = QueryOf<'aggregateUsage'>;

export type Check = Input<Schemas['CheckRequest']>;
export type Checked = Schemas['CheckResponse'];
export type CustomerEntitlements = Schemas['EntitlementsResponse'];

export type Subscription = Schemas['Subscription'];
export type SubscriptionQuery = QueryOf<'listSubscriptions'>;
export type CreateSubscription = BodyOf<'createSubscription'>;
export type SubscriptionPreview = Schemas['SubscriptionPreview'];
export type PreviewChange = BodyOf<'previewSubscriptionChange'>;
export type ChangePlan = BodyOf<'changePlan'>;
export type CancelSubscription = Input<Schemas['CancelSubscriptionRequest']>;
export type UpcomingInvoice = Schemas['UpcomingInvoiceResponse'];

/** The outcome of a call that may move money, by `kind`. */
export type SettleOutcome = Schemas['SettleOutcome'];

/** As it is listed: without `items` and `payments`. */
export type InvoiceSummary = Omit<Schemas['Invoice'], 'items' | 'payments'>;
export type Invoice = InvoiceSummary & {
  [K in 'items' | 'payments']: NonNullable<Schemas['Invoice'][K]>;
};
export type InvoiceQuery = QueryOf<'listInvoices'>;
export type CreateInvoice = BodyOf<'createInvoice'>;
export type CreateInvoiceItem = BodyOf<'createInvoiceItem'>;
/** The lines that wait for a customer's next invoice. */
export type WaitingItems = Schemas['WaitingItems'];
export type PayInvoice = Input<Schemas['PayInvoiceRequest']>;
export type RecordPayment = BodyOf<'recordInvoicePayment'>;

/** The money that a customer has with you, by currency. */
export type CustomerBalance = Schemas['CustomerBalance'];
export type BalanceEntry = Schemas['BalanceEntry'];
export type BalanceEntryQuery = QueryOf<'listBalanceEntries'>;
export type AdjustBalance = BodyOf<'adjustBalance'>;

/** As it is listed: without `refunds`. */
export type CreditNoteSummary = Omit<Schemas['CreditNote'], 'refunds'>;
export type CreditNote = CreditNoteSummary & { refunds: Refund[] };
export type CreditNoteAmounts = Schemas['CreditNoteAmounts'];
export type CreditNoteQuery = QueryOf<'listCreditNotes'>;
export type CreateCreditNote = BodyOf<'createCreditNote'>;
/** A refund of a charge, with its status at the processor. */
export type Refund = Schemas['Refund'];

export type PaymentMethod = Schemas['PaymentMethod'];
export type AddPaymentMethod = BodyOf<'addPaymentMethod'>;
export type PaymentSetup = Schemas['ProcessorClient'];
export type PaymentMethodDependencies = Schemas['PaymentMethodDependencies'];

/** A wallet. All amounts of credits are in the credit currency's smallest unit. */
export type CreditAccount = Schemas['CreditAccount'];
export type CreditAccountQuery = QueryOf<'listCreditAccounts'>;
export type CreditGrant = Schemas['CreditGrant'];
export type GrantCredits = BodyOf<'grantCredits'>;
export type LedgerEntry = Schemas['LedgerEntry'];
export type RefundCredits = BodyOf<'refundCredits'>;
export type CreditStats = Schemas['CreditStats'];
export type CreditStatsQuery = QueryOf<'getCreditStats'>;

/** The purchase: an `amount` of money or a package. */
export type BuyCredits = BodyOf<'topUpCredits'>;
/** Credits that were bought, or tried to. */
export type TopUp = Schemas['TopUp'];
export type AutoTopUp = Schemas['AutoTopUp'];
export type SetAutoTopUp = BodyOf<'setAutoTopUp'>;

export type TestClockState = Schemas['TestClock'];

/** An event, by `type`: `data.object` is the object in the form in which the API returns it. */
export type WebhookEvent = Schemas['Event'];
export type EventType = WebhookEvent['type'];
export type EventQuery = QueryOf<'listEvents'>;

export type WebhookEndpoint = Omit<Schemas['WebhookEndpoint'], 'secret'>;
/** `secret` is shown once; a response that was lost and comes again lacks it. */
export type CreatedWebhookEndpoint = Schemas['WebhookEndpoint'];
export type CreateWebhookEndpoint = BodyOf<'createWebhookEndpoint'>;
export type UpdateWebhookEndpoint = BodyOf<'updateWebhookEndpoint'>;
export type RecoverWebhookEndpoint = BodyOf<'recoverWebhookEndpoint'>;
export type WebhookEndpointQuery = QueryOf<'listWebhookEndpoints'>;
export type WebhookTest = Schemas['WebhookTestResponse'];
export type WebhookRecovery = Schemas['WebhookRecoveryResponse'];
export type WebhookDelivery = Schemas['WebhookDelivery'];
export type WebhookDeliveryQuery = QueryOf<'listWebhookDeliveries'>;
