//! Audit events: which actor changed what. Each is written in the transaction of the change.
//!
//! A session that a backend mints needs no event: its row records the time, the key and the scopes.

pub mod http;
mod sql;

pub use sql::delete_before;

use crate::base::words::words;
use crate::base::{ApiKeyId, CustomerId, EventId, Ids, PortalSessionId, Time};
use crate::db::{self, DbError, FromRow, ToColumn, ToRow, Tx};
use crate::events::{self, EventType};
use serde_json::Value;

/// The actor of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actor {
    ApiKey(ApiKeyId),
    PortalSession(PortalSessionId),
    /// A person with access to the server's command line.
    Operator,
    /// This server: due items and processor events.
    System,
}

/// The author of a change: who acts, when in real time, and how the change's audit event gets its id.
#[derive(Clone, Debug)]
pub struct Author {
    pub actor: Actor,
    pub ids: Ids,
    pub now: Time,
}

#[derive(Clone, Debug, ToRow)]
pub struct NewAuditEvent {
    pub id: EventId,
    #[record(skip)]
    pub actor: Actor,
    pub action: Action,
    pub target_id: String,
    pub customer_id: Option<CustomerId>,
    /// The changes, without secrets.
    pub detail: Value,
    #[record(name = "created_at")]
    pub at: Time,
}

#[derive(Clone, Debug, FromRow)]
pub struct AuditEvent {
    pub id: EventId,
    pub actor_type: String,
    pub actor_id: Option<String>,
    pub action: String,
    pub target_id: String,
    pub customer_id: Option<CustomerId>,
    pub detail: String,
    pub created_at: Time,
}

/// Declares actions. An action names its event if the organization's backend is notified of it.
macro_rules! actions {
    ($($name:ident = $text:literal $(=> $event:ident)?),* $(,)?) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Action { $($name),* }

        impl Action {
            pub const NAMES: &[&str] = &[$($text),*];

            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text),* }
            }

            const fn event(self) -> Option<EventType> {
                match self {
                    $(Self::$name => {
                        let events: &[Option<EventType>] = &[$(Some(EventType::$event),)? None];
                        events[0]
                    }),*
                }
            }
        }

        impl ToColumn for Action {
            const TYPE: &'static str = "TEXT";

            fn to_column(&self) -> db::Value<'_> {
                self.as_str().into()
            }
        }
    };
}

actions! {
    PortalSessionCreated = "portal_session.created",
    PortalSessionRevoked = "portal_session.revoked" => PortalSessionRevoked,
    PortalSessionEnded = "portal_session.ended" => PortalSessionRevoked,
    CustomerSessionsRevoked = "customer.sessions_revoked" => CustomerSessionsRevoked,
    CustomerCreated = "customer.created" => CustomerCreated,
    CustomerUpdated = "customer.updated" => CustomerUpdated,
    CustomerArchived = "customer.archived" => CustomerArchived,
    CustomerUnarchived = "customer.unarchived" => CustomerUnarchived,
    CustomerErased = "customer.erased" => CustomerUpdated,
    ApiKeyCreated = "api_key.created",
    ApiKeyRevoked = "api_key.revoked",
    ProductCreated = "product.created",
    ProductUpdated = "product.updated",
    PlanCreated = "plan.created",
    PlanUpdated = "plan.updated",
    FeatureCreated = "feature.created",
    FeatureUpdated = "feature.updated",
    MetricCreated = "billable_metric.created",
    MetricUpdated = "billable_metric.updated",
    CreditCurrencyCreated = "credit_currency.created",
    CreditCurrencyUpdated = "credit_currency.updated",
    CreditPackageCreated = "credit_package.created",
    CreditPackageUpdated = "credit_package.updated",
    CouponCreated = "coupon.created",
    CouponUpdated = "coupon.updated",
    CouponRedeemed = "coupon.redeemed",
    CouponReleased = "coupon.released",
    PromotionCodeCreated = "promotion_code.created",
    PromotionCodeUpdated = "promotion_code.updated",
    BrandingUpdated = "branding.updated",
    SubscriptionAwaitsPaymentMethod = "subscription.awaits_payment_method",
    SubscriptionStarted = "subscription.started" => SubscriptionActivated,
    SubscriptionRenewed = "subscription.renewed" => SubscriptionRenewed,
    SubscriptionUsageMonthEnded = "subscription.usage_month_ended",
    SubscriptionChanged = "subscription.changed" => SubscriptionChanged,
    SubscriptionChangeScheduled = "subscription.change_scheduled" => SubscriptionChangeScheduled,
    SubscriptionDiscountSet = "subscription.discount_set" => SubscriptionChanged,
    SubscriptionDiscountRemoved = "subscription.discount_removed" => SubscriptionChanged,
    SubscriptionCancelScheduled = "subscription.cancel_scheduled" => SubscriptionCancelScheduled,
    SubscriptionUncanceled = "subscription.uncanceled" => SubscriptionUncanceled,
    SubscriptionNeedsAttention = "subscription.needs_attention",
    SubscriptionPastDue = "subscription.past_due" => SubscriptionPastDue,
    SubscriptionRecovered = "subscription.recovered" => SubscriptionRecovered,
    SubscriptionCanceled = "subscription.canceled" => SubscriptionCanceled,
    TestClockAdvanced = "test_clock.advanced",
    CreditsGranted = "credit_account.credits_granted",
    CreditsRefunded = "credit_account.credits_refunded",
    CreditAccountFrozen = "credit_account.frozen",
    CreditAccountUnfrozen = "credit_account.unfrozen",
    AutoTopUpSet = "credit_account.auto_top_up_set",
    TopUpStarted = "credit_account.top_up_started",
    PaymentMethodAdded = "payment_method.added" => PaymentMethodAttached,
    PaymentMethodMadeDefault = "payment_method.made_default" => PaymentMethodUpdated,
    PaymentMethodUpdated = "payment_method.updated" => PaymentMethodUpdated,
    PaymentMethodRemoved = "payment_method.removed" => PaymentMethodDetached,
    PaymentStarted = "payment.started",
    PaymentSucceeded = "payment.succeeded" => PaymentSucceeded,
    PaymentDeclined = "payment.declined" => PaymentFailed,
    PaymentNeedsForm = "payment.needs_form",
    PaymentAbandoned = "payment.abandoned",
    PaymentToBeRefunded = "payment.to_be_refunded",
    PaymentRefunded = "payment.refunded" => PaymentRefunded,
    PaymentRefundFailed = "payment.refund_failed",
    PaymentDisputed = "payment.disputed" => PaymentDisputed,
    PaymentReversed = "payment.reversed",
    PaymentRestored = "payment.restored",
    InvoiceIssued = "invoice.issued" => InvoiceIssued,
    InvoiceOverdue = "invoice.overdue" => InvoiceOverdue,
    InvoiceUncollectible = "invoice.uncollectible" => InvoiceMarkedUncollectible,
    InvoiceVoided = "invoice.voided" => InvoiceVoided,
    InvoiceRemainderMoved = "invoice.remainder_moved",
    InvoiceTransferReceived = "invoice.transfer_received",
    WebhookEndpointCreated = "webhook_endpoint.created",
    WebhookEndpointUpdated = "webhook_endpoint.updated",
    WebhookEndpointDeleted = "webhook_endpoint.deleted",
    WebhookEndpointRotated = "webhook_endpoint.secret_rotated",
    WebhookEndpointDisabled = "webhook_endpoint.disabled" => WebhookEndpointDisabled,
    EmailResent = "email.resent",
    EmailAddressPaused = "email.address_paused",
    EmailSettingsUpdated = "email_settings.updated",
    LoginSettingsUpdated = "login_settings.updated",
    BillingSettingsUpdated = "billing_settings.updated",
    BalanceAdjusted = "balance.adjusted",
    CreditNoteIssued = "credit_note.issued",
    CreditNoteVoided = "credit_note.voided",
    RefundStarted = "refund.started",
    RefundSucceeded = "refund.succeeded",
    RefundFailed = "refund.failed",
}

words! {
    ActorType {
        ApiKey = "api_key",
        PortalSession = "portal_session",
        Operator = "operator",
        System = "system",
    }
}

/// Records a change and, for some actions, the event with the same id that tells the organization's
/// backend of it.
pub async fn record(
    tx: &mut Tx<'_, '_>,
    tenant_no: i64,
    change: &NewAuditEvent,
) -> Result<(), DbError> {
    sql::insert(tx, tenant_no, change).await?;
    let Some(event_type) = change.action.event() else { return Ok(()) };
    let event = events::NewEvent {
        id: change.id,
        event_type,
        object_id: change.target_id.clone(),
        customer_id: change.customer_id,
        endpoint_id: None,
        at: change.at,
    };
    events::record(tx, tenant_no, &event).await
}

impl Author {
    /// Returns the event of a change that this author makes.
    pub fn event(
        &self,
        action: Action,
        target: impl ToString,
        customer_id: Option<CustomerId>,
        detail: Value,
    ) -> NewAuditEvent {
        NewAuditEvent {
            id: self.ids.event(),
            actor: self.actor,
            action,
            target_id: target.to_string(),
            customer_id,
            detail,
            at: self.now,
        }
    }
}

impl Actor {
    pub const fn kind(self) -> &'static str {
        let kind = match self {
            Self::ApiKey(_) => ActorType::ApiKey,
            Self::PortalSession(_) => ActorType::PortalSession,
            Self::Operator => ActorType::Operator,
            Self::System => ActorType::System,
        };
        kind.as_str()
    }

    pub fn id(self) -> Option<String> {
        match self {
            Self::ApiKey(id) => Some(id.to_string()),
            Self::PortalSession(sid) => Some(sid.to_string()),
            Self::Operator | Self::System => None,
        }
    }
}
