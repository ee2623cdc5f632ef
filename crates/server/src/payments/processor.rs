//! What a payment processor does for us. Each verb maps to one call of a processor's HTTP API; see
//! `docs/decisions/0013-payment-processor.md`. No verb runs inside a transaction of ours.

use super::Sandbox;
use crate::base::{Currency, CustomerId, PaymentAttemptId, Time};
use crate::organizations::{Environment, Tenant};
use futures_util::future::BoxFuture;
use http::HeaderMap;
use serde::{Deserialize, Serialize};
use std::error::Error;
use std::fmt;
use std::sync::Arc;

/// The answer of a verb, some time later.
pub type Reply<'a, T> = BoxFuture<'a, Result<T, ProcessorError>>;

pub trait PaymentProcessor: Send + Sync {
    /// How the store and the webhook's path name it.
    fn name(&self) -> &'static str;

    /// Makes a customer there, once for each of ours, and returns its reference.
    fn create_customer<'a>(&'a self, tenant: &'a Tenant, holder: &'a Holder) -> Reply<'a, String>;

    /// Opens a form in which the customer enters a payment method.
    fn setup<'a>(&'a self, tenant: &'a Tenant, customer: &'a str) -> Reply<'a, Client>;

    /// Gives a customer the payment method that a form's token stands for.
    fn attach<'a>(
        &'a self,
        tenant: &'a Tenant,
        customer: &'a str,
        token: &'a str,
        at: Time,
    ) -> Reply<'a, Card>;

    /// Takes a payment method away.
    fn detach<'a>(&'a self, tenant: &'a Tenant, reference: &'a str) -> Reply<'a, ()>;

    /// Charges once for each key, however often it is asked, for a day at least. What cannot be
    /// told is [`ChargeResult::Unknown`], never a decline.
    fn charge<'a>(&'a self, tenant: &'a Tenant, charge: &'a Charge) -> BoxFuture<'a, ChargeResult>;

    /// What came of the charge of this key, by asking; `None` where there is none.
    fn find_charge<'a>(
        &'a self,
        tenant: &'a Tenant,
        key: PaymentAttemptId,
    ) -> Reply<'a, Option<ChargeResult>>;

    /// Gives a charge back, whole and once.
    fn refund<'a>(
        &'a self,
        tenant: &'a Tenant,
        key: PaymentAttemptId,
        reference: &'a str,
    ) -> Reply<'a, ()>;

    /// The least that can be charged, in minor units.
    fn minimum(&self, currency: Currency) -> i64;

    /// Reads a webhook whose signature is good and not old; `None` where it tells nothing of ours.
    fn parse_webhook(
        &self,
        headers: &HeaderMap,
        body: &[u8],
        now: Time,
    ) -> Result<Option<Event>, BadWebhook>;
}

/// Whom a processor's customer stands for.
#[derive(Clone, Debug)]
pub struct Holder {
    pub id: CustomerId,
    pub name: String,
    pub email: String,
}

#[derive(Clone, Debug)]
pub struct Charge {
    /// The idempotency key.
    pub key: PaymentAttemptId,
    /// The processor's reference of the customer.
    pub customer: String,
    /// The processor's reference of the payment method; without one a form asks for it.
    pub method: Option<String>,
    pub amount: i64,
    pub currency: Currency,
    /// Whether nobody is there to fill in a form.
    pub off_session: bool,
    /// Billing's now, by which the sandbox tells whether a card has expired.
    pub at: Time,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChargeResult {
    Succeeded {
        reference: String,
        /// The payment method that a form took, where the charge named none.
        card: Option<Card>,
    },
    Declined(DeclineReason),
    /// The customer has to fill in a form, which this secret opens.
    RequiresForm {
        reference: String,
        client_secret: String,
    },
    /// It may have happened.
    Unknown,
}

/// A payment method as the processor tells it: never a number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Card {
    pub reference: String,
    pub brand: String,
    pub last4: String,
    pub exp_month: i64,
    pub exp_year: i64,
}

/// Why a charge was declined, in words that a customer can be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeclineReason {
    CardDeclined,
    InsufficientFunds,
    ExpiredCard,
    IncorrectCvc,
    /// The bank wants the customer's confirmation, and nobody was there.
    AuthenticationRequired,
    /// There was no payment method to charge.
    PaymentMethodRequired,
    ProcessingError,
}

/// What a browser needs to show the processor's form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    pub processor: &'static str,
    pub kind: ClientKind,
    pub secret: String,
    pub publishable_key: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientKind {
    Setup,
    Payment,
}

/// What a processor tells of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Event {
    /// A form was filled in and its charge succeeded.
    Charged { key: PaymentAttemptId, reference: String, card: Option<Card> },
    /// A form was filled in that asked for a payment method alone.
    SetUp { customer: String, card: Card },
}

#[derive(Debug)]
pub enum ProcessorError {
    /// There is no such token, or it was used up.
    UnknownToken,
    /// The processor does not answer, or not as it should.
    Unavailable(Box<dyn Error + Send + Sync>),
}

/// The signature is not the processor's, or too old; or the body is not what the processor sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadWebhook;

/// The processors of this installation; cheap to clone.
#[derive(Clone)]
pub struct Processors {
    sandbox: Arc<Sandbox>,
}

impl Processors {
    pub fn new(sandbox: Sandbox) -> Self {
        Self { sandbox: Arc::new(sandbox) }
    }

    /// The processor that a tenant charges by. The live environment has none in this version.
    pub fn of(&self, tenant: &Tenant) -> Option<&dyn PaymentProcessor> {
        match tenant.environment {
            Environment::Sandbox => Some(&*self.sandbox),
            Environment::Live => None,
        }
    }

    pub fn by_name(&self, name: &str) -> Option<&dyn PaymentProcessor> {
        (name == self.sandbox.name()).then_some(&*self.sandbox as &dyn PaymentProcessor)
    }

    pub fn sandbox(&self) -> &Sandbox {
        &self.sandbox
    }
}

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

impl ClientKind {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Setup => "setup",
            Self::Payment => "payment",
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

impl fmt::Debug for Processors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Processors")
    }
}
