//! The verbs of a payment processor; see `docs/decisions/0013-payment-processor.md`. No verb runs
//! inside a transaction of ours: each waits for somebody else's network.

use crate::base::words::words;
use crate::base::{Currency, CustomerId, PaymentAttemptId, RefundId, ReportedDispute, Time};
use crate::db::{FromRow, ToRow};
use crate::organizations::Tenant;
use futures_util::future::BoxFuture;
use http::HeaderMap;
use serde::{Deserialize, Serialize};
use std::error::Error;
use std::fmt;
use std::sync::Arc;

/// The future of a verb's result.
pub type Reply<'a, T> = BoxFuture<'a, Result<T, ProcessorError>>;

pub trait PaymentProcessor: Send + Sync {
    /// The name in the store and in the webhook's path.
    fn name(&self) -> &'static str;

    /// Creates a customer at the processor, once per customer, and returns its reference.
    fn create_customer<'a>(&'a self, tenant: &'a Tenant, holder: &'a Holder) -> Reply<'a, String>;

    /// Opens a form for entering a payment method.
    fn setup<'a>(&'a self, tenant: &'a Tenant, customer: &'a str) -> Reply<'a, Client>;

    /// Attaches the payment method of a form's token to a customer.
    fn attach<'a>(
        &'a self,
        tenant: &'a Tenant,
        customer: &'a str,
        token: &'a str,
        at: Time,
    ) -> Reply<'a, Card>;

    /// Detaches a payment method.
    fn detach<'a>(&'a self, tenant: &'a Tenant, reference: &'a str) -> Reply<'a, ()>;

    /// Charges once for each key, for as long as [`Self::key_holds_for_seconds`] says. An outcome
    /// that is not certain is [`ChargeResult::Unknown`], never a decline.
    fn charge<'a>(
        &'a self,
        tenant: &'a Tenant,
        charge: &'a ChargeOrder,
    ) -> BoxFuture<'a, ChargeResult>;

    /// Returns the result of an earlier charge, found by its key among the customer's; `None` if
    /// there was none.
    fn find_charge<'a>(
        &'a self,
        tenant: &'a Tenant,
        charge: &'a ChargeOrder,
    ) -> Reply<'a, Option<ChargeResult>>;

    /// Cancels the form of a charge that was given up, so that nobody pays by it any more. A no-op if the
    /// charge was canceled or paid: a payment is reported as an event, and refunded.
    fn cancel<'a>(&'a self, tenant: &'a Tenant, reference: &'a str) -> Reply<'a, ()>;

    /// Refunds a charge once for each key, whole or in part, and returns the refund's state. A
    /// repeated call returns the state as it is by then.
    fn refund<'a>(&'a self, tenant: &'a Tenant, order: &'a RefundOrder) -> Reply<'a, RefundResult>;

    /// The minimum charge, in minor units.
    fn minimum(&self, currency: Currency) -> i64;

    /// The time for which the processor remembers an idempotency key. After that, a charge is looked
    /// for before it is repeated.
    fn key_holds_for_seconds(&self) -> i64;

    /// The key by which a browser opens the processor's forms, if it needs one.
    fn publishable_key(&self) -> Option<String>;

    /// Checks that a webhook was signed recently with the tenant's secret, and returns the id of its
    /// event.
    fn verify_webhook(
        &self,
        tenant: &Tenant,
        headers: &HeaderMap,
        body: &[u8],
        now: Time,
    ) -> Result<String, BadWebhook>;

    /// Reads an event; `None` if it means nothing here. Asks the processor for details that the event
    /// only names.
    fn read_event<'a>(
        &'a self,
        tenant: &'a Tenant,
        body: &'a [u8],
    ) -> Reply<'a, Option<ProcessorEvent>>;

    /// The events since an instant, oldest first, whether or not webhooks brought them.
    fn events_since<'a>(&'a self, tenant: &'a Tenant, since: Time) -> Reply<'a, Vec<RawEvent>>;
}

/// Returns our customer's reference at the processor.
#[derive(Clone, Debug)]
pub struct Holder {
    pub id: CustomerId,
    pub name: String,
    pub email: String,
}

#[derive(Clone, Debug)]
pub struct ChargeOrder {
    /// The idempotency key.
    pub key: PaymentAttemptId,
    /// The processor's reference of the customer.
    pub customer: String,
    /// The processor's reference of the payment method. Without one, a form asks for it.
    pub method: Option<String>,
    pub amount: i64,
    pub currency: Currency,
    /// Whether the customer is off-session, so that no form can be shown.
    pub off_session: bool,
    /// Whether the card of a form is kept for later charges.
    pub keeps_card: bool,
    /// Billing time, by which the sandbox decides whether a card has expired.
    pub at: Time,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChargeResult {
    Succeeded {
        reference: String,
        /// The payment method from the form, if the charge had none.
        card: Option<Card>,
    },
    Declined(DeclineReason),
    /// The card is lost, stolen or removed: the bank must not be asked again.
    DeclinedForGood(DeclineReason),
    /// The amount is below the account's own minimum, which may be above ours. No card is to blame.
    AmountTooSmall,
    /// The customer must complete a form, which this secret opens.
    RequiresForm {
        reference: String,
        client_secret: String,
    },
    /// The charge may have succeeded.
    Unknown,
}

/// A payment method as the processor reports it, without its number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, FromRow, ToRow)]
pub struct Card {
    pub reference: String,
    pub brand: String,
    pub last4: String,
    pub exp_month: i64,
    pub exp_year: i64,
}

/// The reason of a decline, in terms that a customer may see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeclineReason {
    CardDeclined,
    InsufficientFunds,
    ExpiredCard,
    IncorrectCvc,
    /// The bank requires authentication, and the customer was off-session.
    AuthenticationRequired,
    /// There was no payment method to charge.
    PaymentMethodRequired,
    ProcessingError,
}

/// The data that a browser needs to show the processor's form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    pub processor: &'static str,
    pub kind: ClientKind,
    pub secret: String,
    pub publishable_key: Option<String>,
}

words! {
    ClientKind as ClientType {
        Setup = "setup",
        Payment = "payment",
    }
}

/// An event that a processor reports. It is applied only to objects of the tenant whose secret signed
/// it: each organization knows its own secret, and could sign an event about another's payment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ProcessorEvent {
    /// A form was completed and its charge succeeded.
    Charged { key: PaymentAttemptId, reference: String, card: Option<Card> },
    /// Something happened to a charge, which is to be asked for.
    ChargeChanged { key: PaymentAttemptId },
    /// The form of a charge was canceled at the processor: nobody can pay by it.
    Canceled { key: PaymentAttemptId },
    /// A form for a payment method was completed.
    SetUp { customer: String, card: Card },
    /// The bank replaced a card or its expiry changed.
    CardChanged { customer: String, card: Card },
    /// A payment method was removed at the processor: it cannot be charged any more.
    CardGone { customer: String, reference: String },
    /// A customer was deleted at the processor, and all of its payment methods with it.
    CustomerGone { customer: String },
    /// A refund succeeded or failed.
    RefundChanged { key: RefundKey, refund: RefundResult },
    /// A charge is disputed. That it succeeded may not be known here yet; then `reference` and `card`
    /// are as of [`Self::Charged`].
    Disputed {
        key: PaymentAttemptId,
        reference: String,
        card: Option<Card>,
        dispute: ReportedDispute,
    },
}

/// An event as the processor sends it.
#[derive(Clone, Debug)]
pub struct RawEvent {
    pub id: String,
    pub body: String,
}

/// A refund to make.
#[derive(Clone, Debug)]
pub struct RefundOrder {
    /// The idempotency key.
    pub key: RefundKey,
    /// The key of the charge, and its reference.
    pub attempt: PaymentAttemptId,
    pub reference: String,
    /// At most what is left of the charge.
    pub amount: i64,
    pub currency: Currency,
}

/// Reason of a refund.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum RefundKey {
    /// The whole charge of an attempt that was given up.
    Attempt(PaymentAttemptId),
    /// A part of a credit note.
    Refund(RefundId),
}

/// The state of a refund.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefundResult {
    Done,
    /// The processor will refund it later.
    Pending,
    /// The money stays where it is until somebody acts. It may fail after it was done.
    Failed,
}

#[derive(Debug)]
pub enum ProcessorError {
    /// The token does not exist or was used.
    UnknownToken,
    /// The processor does not respond, or not as expected.
    Unavailable(Box<dyn Error + Send + Sync>),
}

/// The signature of a webhook is missing, wrong or too old, or its body is malformed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadWebhook;

/// A processor, ready to be used for one tenant.
pub type Processor = Arc<dyn PaymentProcessor>;

/// The month of an instant in UTC, counted from January of the year 0.
pub fn month(at: Time) -> i64 {
    let Ok(timestamp) = jiff::Timestamp::from_second(at.seconds()) else { return 0 };
    let date = timestamp.to_zoned(jiff::tz::TimeZone::UTC);
    i64::from(date.year()) * 12 + i64::from(date.month()) - 1
}

impl DeclineReason {
    pub const ALL: [Self; 7] = [
        Self::CardDeclined,
        Self::InsufficientFunds,
        Self::ExpiredCard,
        Self::IncorrectCvc,
        Self::AuthenticationRequired,
        Self::PaymentMethodRequired,
        Self::ProcessingError,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CardDeclined => "card_declined",
            Self::InsufficientFunds => "insufficient_funds",
            Self::ExpiredCard => "expired_card",
            Self::IncorrectCvc => "incorrect_cvc",
            Self::AuthenticationRequired => "authentication_required",
            Self::PaymentMethodRequired => "payment_method_required",
            Self::ProcessingError => "processing_error",
        }
    }
}

impl fmt::Display for RefundKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Attempt(id) => id.fmt(f),
            Self::Refund(id) => id.fmt(f),
        }
    }
}

impl fmt::Display for ProcessorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownToken => f.write_str("the processor knows no such token"),
            Self::Unavailable(source) => write!(f, "the processor does not answer: {source}"),
        }
    }
}

impl Error for ProcessorError {}
