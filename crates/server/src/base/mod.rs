//! Types used by every slice: time, randomness, ids, pages. Nothing here depends on HTTP or SQL.

pub mod address;
pub mod changes;
pub mod clock;
mod discount;
mod dispute;
pub mod ids;
pub mod network;
pub mod page;
pub mod period;
pub mod random;
pub mod scopes;
pub mod secret;
pub mod viewer;
pub mod words;

pub use address::{Address, ExchangeRate, TaxDeclaration, TaxId, TaxRate};
pub use clock::{Clock, Time, wall_clock};
pub use discount::LineDiscount;
pub use dispute::{AfterLostDispute, DisputeStatus, ReportedDispute};
pub use ids::{
    ApiKeyId, BalanceEntryId, CouponId, CouponRedemptionId, CreditAccountId, CreditCurrencyId,
    CreditNoteId, CreditPackageId, CustomerId, EmailId, EventId, FeatureId, GrantId, Ids,
    InvoiceId, LedgerEntryId, LoginId, MetricId, OrganizationId, PaymentAttemptId, PaymentMethodId,
    PlanId, PortalSessionId, ProductId, PromotionCodeId, RefundId, RequestId, SubscriptionId,
    WebhookDeliveryId, WebhookEndpointId,
};
pub use network::Network;
pub use page::{Cursor, Page, PageQuery};
pub use period::{CollectionMethod, Period};
pub use random::Random;
pub use secret::Secret;
pub use unitpay_billing::money::{self, Currency, Decimal, MAX_AMOUNT, Overflow};
pub use viewer::{Owned, Viewer};
