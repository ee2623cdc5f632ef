//! The bodies of version 1 of the protocol, as `docs/processors.md` describes them.
//!
//! An answer is read by its type: a missing field, an unknown one and one of another type are refused,
//! because a misspelt field would be lost silently otherwise.

use super::super::processor::{Card, ChargeOrder, ChargeResult, DeclineReason};
use crate::base::{Currency, CustomerId, PaymentAttemptId};
use crate::organizations::Environment;
use crate::payments::RefundResult;
use serde::{Deserialize, Deserializer, Serialize};
use std::collections::BTreeMap;

pub const VERSION: i64 = 1;
const MAX_REFERENCE: usize = 200;
const MAX_URL: usize = 2_000;
/// A day; an integrator may hold its keys for longer.
const MIN_KEY_HOLDS_FOR_SECONDS: i64 = 86_400;
const MAX_KEY_HOLDS_FOR_SECONDS: i64 = 366 * 86_400;

/// A request: the signature covers its operation and environment too.
#[derive(Serialize)]
pub struct Signed<'a, T> {
    pub operation: &'static str,
    pub environment: &'static str,
    #[serde(flatten)]
    pub request: &'a T,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Hello {
    pub protocol: i64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CustomerRequest<'a> {
    pub customer_id: CustomerId,
    pub name: &'a str,
    pub email: &'a str,
}

#[derive(Serialize)]
pub struct SetupRequest<'a> {
    pub customer: &'a str,
}

#[derive(Serialize)]
pub struct AttachRequest<'a> {
    pub customer: &'a str,
    pub token: &'a str,
}

#[derive(Serialize)]
pub struct MethodRequest<'a> {
    pub customer: &'a str,
    pub method: &'a str,
}

#[derive(Serialize)]
pub struct DetachRequest<'a> {
    pub method: &'a str,
}

/// Depends on the attempt only, because a key is valid for one body.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ChargeRequest<'a> {
    pub attempt_id: PaymentAttemptId,
    pub customer: &'a str,
    pub method: Option<&'a str>,
    pub amount: i64,
    pub currency: &'a str,
    pub exponent: u32,
    pub off_session: bool,
    pub keeps_card: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FindChargeRequest<'a> {
    pub attempt_id: PaymentAttemptId,
    pub customer: &'a str,
}

#[derive(Serialize)]
pub struct CancelRequest<'a> {
    pub charge: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RefundRequest<'a> {
    pub refund_id: String,
    pub attempt_id: PaymentAttemptId,
    pub charge: &'a str,
    pub amount: i64,
    pub currency: &'a str,
    pub exponent: u32,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FindRefundRequest<'a> {
    pub refund_id: String,
    pub charge: &'a str,
}

/// The answer to hello.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Terms {
    pub protocol: i64,
    pub environment: String,
    /// Names the set of customers, cards and charges, which must not change under us.
    pub account: String,
    pub key_holds_for_seconds: i64,
    /// The minimum charge of each currency, in minor units.
    #[serde(default)]
    pub minimums: BTreeMap<String, i64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CustomerAnswer {
    pub customer: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FormAnswer {
    pub form: Form,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MethodAnswer {
    pub method: Method,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChargeAnswer {
    pub charge: Charge,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FoundCharge {
    /// Present in any case: a missing field must not say that there is no charge.
    #[serde(deserialize_with = "nullable")]
    pub charge: Option<Charge>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RefundAnswer {
    pub refund: Refund,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FoundRefund {
    #[serde(deserialize_with = "nullable")]
    pub refund: Option<Refund>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Done {}

/// An answer with a status from 400. Fields that are not read are of no harm here.
#[derive(Deserialize)]
pub struct Refusal {
    pub error: RefusalError,
}

#[derive(Deserialize)]
pub struct RefusalError {
    pub code: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Form {
    pub url: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Method {
    reference: String,
    brand: String,
    last4: String,
    exp_month: i64,
    exp_year: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Charge {
    attempt_id: PaymentAttemptId,
    reference: String,
    amount: i64,
    currency: String,
    status: ChargeStatus,
    /// The payment method that the form took.
    #[serde(default)]
    method: Option<Method>,
    #[serde(default)]
    decline: Option<Decline>,
    #[serde(default)]
    form: Option<Form>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ChargeStatus {
    Succeeded,
    Declined,
    RequiresForm,
    Canceled,
    Pending,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Decline {
    reason: String,
    /// Whether the bank must not be asked again.
    is_final: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Refund {
    refund_id: String,
    charge: String,
    amount: i64,
    currency: String,
    status: RefundStatus,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum RefundStatus {
    Succeeded,
    Pending,
    Failed,
}

/// Why an answer is refused. It repeats no value of the answer.
pub type Wrong = &'static str;

impl<'a> ChargeRequest<'a> {
    pub fn new(order: &'a ChargeOrder) -> Self {
        Self {
            attempt_id: order.key,
            customer: &order.customer,
            method: order.method.as_deref(),
            amount: order.amount,
            currency: order.currency.as_str(),
            exponent: order.currency.exponent(),
            off_session: order.off_session,
            keeps_card: order.keeps_card,
        }
    }
}

impl Terms {
    pub fn check(&self, environment: Environment) -> Result<(), Wrong> {
        let holds = MIN_KEY_HOLDS_FOR_SECONDS..=MAX_KEY_HOLDS_FOR_SECONDS;
        let minimums = self.minimums.iter();
        let of_currencies = |(code, least): (&String, &i64)| {
            code.len() == 3 && code.bytes().all(|b| b.is_ascii_uppercase()) && *least > 0
        };
        if self.protocol != VERSION {
            return Err("the processor speaks another version of the protocol than 1");
        }
        if self.environment != environment.as_str() {
            return Err("the processor is of another environment");
        }
        if !is_reference(&self.account) {
            return Err("account must be a reference");
        }
        if !holds.contains(&self.key_holds_for_seconds) {
            return Err("keyHoldsForSeconds must be from a day to a year");
        }
        if !minimums.into_iter().all(of_currencies) {
            return Err("minimums must be positive and by currency");
        }
        Ok(())
    }
}

impl Form {
    /// Its address, if a browser may be sent there.
    pub fn address(self, allow_http: bool) -> Result<String, Wrong> {
        let uri: http::Uri = self.url.parse().map_err(|_| "form.url is no URL")?;
        let is_secure = uri.scheme_str() == Some("https");
        if !(is_secure || allow_http && uri.scheme_str() == Some("http")) {
            return Err("form.url must begin with https://");
        }
        let authority = uri.authority().ok_or("form.url has no host")?;
        if authority.as_str().contains('@') || self.url.contains('#') || self.url.len() > MAX_URL {
            return Err("form.url must have no user, no fragment and at most 2000 characters");
        }
        Ok(self.url)
    }
}

impl Method {
    pub fn card(self) -> Result<Card, Wrong> {
        let Self { reference, brand, last4, exp_month, exp_year } = self;
        let is_good = is_reference(&reference)
            && (1..=40).contains(&brand.len())
            && brand.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
            && last4.len() == 4
            && last4.bytes().all(|b| b.is_ascii_digit())
            && (1..=12).contains(&exp_month)
            && (2000..=2100).contains(&exp_year);
        let card = Card { reference, brand, last4, exp_month, exp_year };
        is_good.then_some(card).ok_or("the payment method is malformed")
    }
}

impl Charge {
    /// The result of a charge. One of another attempt, amount or currency is none.
    pub fn result(self, order: &ChargeOrder, allow_http: bool) -> Result<ChargeResult, Wrong> {
        if self.attempt_id != order.key {
            return Err("the charge is of another attempt");
        }
        if self.amount != order.amount || self.currency != order.currency.as_str() {
            return Err("the charge is of another amount or currency");
        }
        if !is_reference(&self.reference) {
            return Err("the charge has no good reference");
        }
        let reference = self.reference;
        Ok(match self.status {
            ChargeStatus::Succeeded => {
                let is_new = order.method.is_none() && order.keeps_card;
                let card = self.method.filter(|_| is_new).map(Method::card);
                ChargeResult::Succeeded { reference, card: card.transpose()? }
            }
            ChargeStatus::Declined => {
                let decline = self.decline.ok_or("a declined charge has no decline")?;
                let known = DeclineReason::ALL.into_iter();
                let reason = known.into_iter().find(|reason| reason.as_str() == decline.reason);
                let reason = reason.ok_or("the reason of a decline is not known")?;
                match decline.is_final {
                    true => ChargeResult::DeclinedForGood(reason),
                    false => ChargeResult::Declined(reason),
                }
            }
            ChargeStatus::RequiresForm if order.off_session => {
                ChargeResult::Declined(DeclineReason::AuthenticationRequired)
            }
            ChargeStatus::RequiresForm => {
                let form = self.form.ok_or("a charge that requires a form has none")?;
                let client_secret = form.address(allow_http)?;
                ChargeResult::RequiresForm { reference, client_secret }
            }
            ChargeStatus::Canceled => ChargeResult::Declined(DeclineReason::ProcessingError),
            ChargeStatus::Pending => ChargeResult::Unknown,
        })
    }
}

impl Refund {
    /// The state of a refund. One of another order is none.
    pub fn result(self, key: &str, charge: &str) -> Result<RefundResult, Wrong> {
        if self.refund_id != key || self.charge != charge {
            return Err("the refund is another one");
        }
        Ok(match self.status {
            RefundStatus::Succeeded => RefundResult::Done,
            RefundStatus::Pending => RefundResult::Pending,
            RefundStatus::Failed => RefundResult::Failed,
        })
    }

    pub fn has_amount(&self, amount: i64, currency: Currency) -> bool {
        self.amount == amount && self.currency == currency.as_str()
    }
}

/// Whether a text may be kept as a reference: visible ASCII only.
pub fn is_reference(text: &str) -> bool {
    (1..=MAX_REFERENCE).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic())
}

fn nullable<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::deserialize(deserializer)
}
