/**
 * The shapes of the wire, from the server's own OpenAPI document (`npm run generate`). Times are
 * RFC 3339 texts, as on the wire.
 */
import type { components, operations } from './openapi.js';

type Schemas = components['schemas'];

/** What goes in: `undefined` stands for what is left out, as JSON leaves it out. */
type Input<T> = { [K in keyof T]: undefined extends T[K] ? T[K] | undefined : T[K] };

type Query<O extends keyof operations> = Input<NonNullable<operations[O]['parameters']['query']>>;

/** Every `code` that an error of the server carries. */
export type ErrorCode = Schemas['Problem']['code'];

/** One parameter that is wrong. */
export type ParamError = Schemas['ParamError'];

export type Environment = Schemas['Env'];

/** What a portal session may do. */
export type Scope = Schemas['CreatePortalSessionResponse']['scopes'][number];

export type CreatePortalSession = Input<Schemas['CreatePortalSessionRequest']>;

/** A session that was minted. `jti` is for `revoke`; it is the session's id, too. */
export type MintedPortalSession = Schemas['CreatePortalSessionResponse'];

/** Exactly one of the two. */
export type RevokePortalSessions =
  { jti: string; customerId?: undefined } | { customerId: string; jti?: undefined };

export type PortalSessionStatus = Schemas['PortalSessionStatus'];

/** A session as it is listed: never with a token. */
export type PortalSession = Schemas['PortalSession'];

export type PortalSessionQuery = Query<'listPortalSessions'>;

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

/** With `metadata`, which the document makes optional for the sake of portal tokens alone. */
export type Customer = Required<Schemas['Customer']>;

export type CustomerQuery = Query<'listCustomers'>;

export type CreateApiKey = Input<Schemas['CreateApiKeyRequest']>;

export type ApiKey = Omit<Schemas['ApiKey'], 'secret'>;

/** `secret` is the key itself; an answer that was lost and comes again has it no more. */
export type CreatedApiKey = Schemas['ApiKey'];

export type RevokeApiKey = Input<Schemas['RevokeApiKeyRequest']>;

export type ApiKeyQuery = Query<'listApiKeys'>;

export type AuditEvent = Schemas['AuditEvent'];

export type AuditEventQuery = Query<'listAuditEvents'>;

/** What goes in with a request. */
type Body<O extends keyof operations> = operations[O] extends {
  requestBody: { content: { 'application/json': infer B } };
}
  ? Input<B>
  : never;

export type Product = Schemas['Product'];
export type CreateProduct = Body<'createProduct'>;
export type UpdateProduct = Body<'updateProduct'>;
export type ProductQuery = Query<'listProducts'>;

export type Plan = Schemas['Plan'];
export type CreatePlan = Body<'createPlan'>;
export type UpdatePlan = Body<'updatePlan'>;
export type PlanQuery = Query<'listPlans'>;

export type Feature = Schemas['Feature'];
export type CreateFeature = Body<'createFeature'>;
export type UpdateFeature = Body<'updateFeature'>;
export type FeatureQuery = Query<'listFeatures'>;

export type BillableMetric = Schemas['BillableMetric'];
export type CreateBillableMetric = Body<'createBillableMetric'>;
export type UpdateBillableMetric = Body<'updateBillableMetric'>;
export type BillableMetricQuery = Query<'listBillableMetrics'>;

export type CreditCurrency = Schemas['CreditCurrency'];
export type CreateCreditCurrency = Body<'createCreditCurrency'>;
export type UpdateCreditCurrency = Body<'updateCreditCurrency'>;
export type CreditCurrencyQuery = Query<'listCreditCurrencies'>;

export type CreditPackage = Schemas['CreditPackage'];
export type CreateCreditPackage = Body<'createCreditPackage'>;
export type UpdateCreditPackage = Body<'updateCreditPackage'>;
export type CreditPackageQuery = Query<'listCreditPackages'>;

export type Pricing = Schemas['Pricing'];

export type Branding = Schemas['Branding'];
export type PutBranding = Body<'putBranding'>;

/** Something that a customer used. */
export type UsageEvent = Omit<Input<Schemas['UsageEvent']>, 'idempotencyKey'> & {
  /** Unique for the customer, for ever. Default: a random one for this call. */
  idempotencyKey?: string | undefined;
};
export type Tracked = Schemas['TrackResponse'];
export type UsageRejection = Schemas['Rejection'];
export type UsageMeter = Schemas['UsageMeter'];
export type UsageMeterQuery = Query<'getUsage'>;
export type UsageHistory = Schemas['UsageHistory'];
export type UsageHistoryQuery = Query<'aggregateUsage'>;

export type Check = Input<Schemas['CheckRequest']>;
export type Checked = Schemas['CheckResponse'];
export type CustomerEntitlements = Schemas['EntitlementsResponse'];

export type Subscription = Schemas['Subscription'];
export type SubscriptionQuery = Query<'listSubscriptions'>;
export type CreateSubscription = Body<'createSubscription'>;
export type SubscriptionPreview = Schemas['SubscriptionPreview'];
export type PreviewChange = Body<'previewSubscriptionChange'>;
export type ChangePlan = Body<'changePlan'>;
export type CancelSubscription = Input<Schemas['CancelSubscriptionRequest']>;
export type UpcomingInvoice = Schemas['UpcomingInvoiceResponse'];

/** What came of something that may take money. `kind` tells which. */
export type SettleOutcome = Schemas['SettleOutcome'];

/** As it is listed: without `items` and `payments`. */
export type InvoiceSummary = Omit<Schemas['Invoice'], 'items' | 'payments'>;
export type Invoice = InvoiceSummary & {
  [K in 'items' | 'payments']: NonNullable<Schemas['Invoice'][K]>;
};
export type InvoiceQuery = Query<'listInvoices'>;
export type PayInvoice = Input<Schemas['PayInvoiceRequest']>;
export type RecordPayment = Body<'recordInvoicePayment'>;

export type PaymentMethod = Schemas['PaymentMethod'];
export type AddPaymentMethod = Body<'addPaymentMethod'>;
export type PaymentSetup = Schemas['ProcessorClient'];
export type PaymentMethodDependencies = Schemas['PaymentMethodDependencies'];

/** A wallet. All amounts of credits are in the credit currency's smallest unit. */
export type CreditAccount = Schemas['CreditAccount'];
export type CreditAccountQuery = Query<'listCreditAccounts'>;
export type CreditGrant = Schemas['CreditGrant'];
export type GrantCredits = Body<'grantCredits'>;
export type LedgerEntry = Schemas['LedgerEntry'];
export type RefundCredits = Body<'refundCredits'>;
export type CreditStats = Schemas['CreditStats'];
export type CreditStatsQuery = Query<'getCreditStats'>;

/** What to buy: an `amount` of money's worth, or a package. */
export type BuyCredits = Body<'topUpCredits'>;
/** Credits that were bought, or tried to. */
export type TopUp = Schemas['TopUp'];
export type AutoTopUp = Schemas['AutoTopUp'];
export type SetAutoTopUp = Body<'setAutoTopUp'>;

export type TestClockState = Schemas['TestClock'];
