//! The outbox: events that tell an organization's backend what happened.
//!
//! An event is recorded in the transaction of its change, so neither exists without the other. A
//! job publishes it a moment later: it adds the object in the API's own form, numbers the events of
//! a tenant, and queues the deliveries to webhook endpoints.

pub mod http;
mod sql;

pub use sql::{
    delete_before, erase, insert as record, insert_each as record_each, publish, unpublished,
    with_unpublished,
};

use crate::base::words::words;
use crate::base::{CustomerId, EventId, Time, WebhookEndpointId};
use crate::db::{FromRow, Stored, ToRow};
use serde::Serialize;
use serde_json::Value;

words! {
    /// The type of an event: an object and what happened to it.
    EventType {
        CustomerCreated = "customer.created",
        CustomerUpdated = "customer.updated",
        CustomerArchived = "customer.archived",
        CustomerUnarchived = "customer.unarchived",
        CustomerSessionsRevoked = "customer.sessions_revoked",
        SubscriptionCreated = "subscription.created",
        SubscriptionActivated = "subscription.activated",
        SubscriptionTrialEnding = "subscription.trial_ending",
        SubscriptionRenewalUpcoming = "subscription.renewal_upcoming",
        SubscriptionRenewed = "subscription.renewed",
        SubscriptionChanged = "subscription.changed",
        SubscriptionChangeScheduled = "subscription.change_scheduled",
        SubscriptionCancelScheduled = "subscription.cancel_scheduled",
        SubscriptionUncanceled = "subscription.uncanceled",
        SubscriptionPastDue = "subscription.past_due",
        SubscriptionRecovered = "subscription.recovered",
        SubscriptionCanceled = "subscription.canceled",
        InvoiceIssued = "invoice.issued",
        InvoicePaid = "invoice.paid",
        InvoiceOverdue = "invoice.overdue",
        InvoiceMarkedUncollectible = "invoice.marked_uncollectible",
        InvoiceVoided = "invoice.voided",
        InvoiceCredited = "invoice.credited",
        PaymentSucceeded = "payment.succeeded",
        PaymentFailed = "payment.failed",
        PaymentRefunded = "payment.refunded",
        PaymentDisputed = "payment.disputed",
        PaymentMethodAttached = "payment_method.attached",
        PaymentMethodUpdated = "payment_method.updated",
        PaymentMethodExpiring = "payment_method.expiring",
        PaymentMethodDetached = "payment_method.detached",
        CreditsGranted = "credits.granted",
        CreditsLow = "credits.low",
        CreditsExhausted = "credits.exhausted",
        UsageLimitReached = "usage.limit_reached",
        PortalSessionCreated = "portal_session.created",
        PortalSessionRefreshed = "portal_session.refreshed",
        PortalSessionRevoked = "portal_session.revoked",
        WebhookEndpointTested = "webhook_endpoint.tested",
        WebhookEndpointDisabled = "webhook_endpoint.disabled",
    }
}

/// The kind of object that an event is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    Customer,
    Subscription,
    Invoice,
    PaymentAttempt,
    PaymentMethod,
    CreditAccount,
    /// A customer's usage of a metric. The id is the metric's.
    Usage,
    PortalSession,
    WebhookEndpoint,
}

#[derive(Clone, Debug, ToRow)]
pub struct NewEvent {
    pub id: EventId,
    #[record(name = "type")]
    pub event_type: EventType,
    pub object_id: String,
    pub customer_id: Option<CustomerId>,
    /// The only endpoint that gets this event: a test.
    pub endpoint_id: Option<WebhookEndpointId>,
    #[record(name = "created_at")]
    pub at: Time,
}

/// An event that has no number yet.
#[derive(Clone, Debug, FromRow)]
pub struct Unpublished {
    pub no: i64,
    #[record(name = "type")]
    pub event_type: EventType,
    pub object_id: String,
    pub customer_id: Option<CustomerId>,
    pub endpoint_id: Option<WebhookEndpointId>,
}

/// A published event.
#[derive(Clone, Debug, FromRow)]
pub struct Event {
    pub id: EventId,
    #[record(name = "type")]
    pub event_type: EventType,
    pub customer_id: Option<CustomerId>,
    pub created_at: Time,
    pub sequence: i64,
    pub object: Stored<Value>,
}

/// An event as the API returns it and as an endpoint receives it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Message {
    pub id: EventId,
    pub r#type: EventType,
    pub timestamp: Time,
    pub sequence: i64,
    pub customer_id: Option<CustomerId>,
    pub data: MessageData,
}

#[derive(Debug, Serialize)]
pub struct MessageData {
    pub object: Stored<Value>,
}

impl EventType {
    pub const fn subject(self) -> Subject {
        match self {
            Self::CustomerCreated
            | Self::CustomerUpdated
            | Self::CustomerArchived
            | Self::CustomerUnarchived
            | Self::CustomerSessionsRevoked => Subject::Customer,
            Self::SubscriptionCreated
            | Self::SubscriptionActivated
            | Self::SubscriptionTrialEnding
            | Self::SubscriptionRenewalUpcoming
            | Self::SubscriptionRenewed
            | Self::SubscriptionChanged
            | Self::SubscriptionChangeScheduled
            | Self::SubscriptionCancelScheduled
            | Self::SubscriptionUncanceled
            | Self::SubscriptionPastDue
            | Self::SubscriptionRecovered
            | Self::SubscriptionCanceled => Subject::Subscription,
            Self::InvoiceIssued
            | Self::InvoicePaid
            | Self::InvoiceOverdue
            | Self::InvoiceMarkedUncollectible
            | Self::InvoiceVoided
            | Self::InvoiceCredited => Subject::Invoice,
            Self::PaymentSucceeded
            | Self::PaymentFailed
            | Self::PaymentRefunded
            | Self::PaymentDisputed => Subject::PaymentAttempt,
            Self::PaymentMethodAttached
            | Self::PaymentMethodUpdated
            | Self::PaymentMethodExpiring
            | Self::PaymentMethodDetached => Subject::PaymentMethod,
            Self::CreditsGranted | Self::CreditsLow | Self::CreditsExhausted => {
                Subject::CreditAccount
            }
            Self::UsageLimitReached => Subject::Usage,
            Self::PortalSessionCreated
            | Self::PortalSessionRefreshed
            | Self::PortalSessionRevoked => Subject::PortalSession,
            Self::WebhookEndpointTested | Self::WebhookEndpointDisabled => Subject::WebhookEndpoint,
        }
    }

    /// Whether an event is recorded only while an endpoint asks for its type by name: a mint and a
    /// refresh write one row, and events would double that.
    pub const fn is_on_request(self) -> bool {
        matches!(self, Self::PortalSessionCreated | Self::PortalSessionRefreshed)
    }
}

impl From<Event> for Message {
    fn from(event: Event) -> Self {
        Self {
            id: event.id,
            r#type: event.event_type,
            timestamp: event.created_at,
            sequence: event.sequence,
            customer_id: event.customer_id,
            data: MessageData { object: event.object },
        }
    }
}
