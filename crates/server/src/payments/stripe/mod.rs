//! Stripe as a payment processor. See `docs/decisions/0013-payment-processor.md` for the mapping of
//! each verb, and `docs/stripe.md` for how an account is connected.

pub mod accounts;
mod amounts;
mod answers;
mod client;
mod events;
mod lists;
mod signature;
mod sql;
pub mod webhook_endpoint;

pub use accounts::{Accounts, ConnectError, Connection, NewCredentials};
pub use amounts::from_stripe;
pub use answers::card as read_card;
pub use client::{API_VERSION, Client};
pub use lists::{ListError, Lists};
pub use sql::ToPoll;

use super::processor::{
    BadWebhook, Card, ChargeOrder, ChargeResult, Client as FormClient, ClientKind, DeclineReason,
    Holder, PaymentProcessor, ProcessorError, ProcessorEvent, RawEvent, RefundKey, RefundOrder,
    RefundResult, Reply,
};
use crate::base::{Currency, Secret, Time};
use crate::organizations::Tenant;
use ::http::HeaderMap;
use answers::Verdict;
use client::{Answer, Call, CallError};
use futures_util::future::BoxFuture;
use serde_json::Value;
use std::fmt;
use std::sync::Arc;

pub const NAME: &str = "stripe";
/// The purpose for which the sealing key of the credentials is derived.
pub const SEALED_FOR: &[u8] = b"unitpay processor credentials";
/// Stripe keeps idempotency keys for at least a day.
const KEY_HOLDS_FOR_SECONDS: i64 = 86_400;
/// The time around an attempt's start in which its intent was created.
const SEARCH_BEFORE_SECONDS: i64 = 3_600;
const SEARCH_AFTER_SECONDS: i64 = 90_000;
/// The maximum number of deletions of a customer at Stripe within the life of an idempotency key.
const MAX_DELETED: usize = 10;
/// The maximum number of pages that are read of a list.
const MAX_PAGES: usize = 100;
/// The metadata by which our objects are found at Stripe.
const ATTEMPT: &str = "metadata[unitpay_attempt]";
const REFUND: &str = "metadata[unitpay_refund]";
const CUSTOMER: &str = "metadata[unitpay_customer]";
/// Marks a form whose card is not kept.
const ONCE: &str = "metadata[unitpay_once]";

/// Returns our key of a refund; `None` if it was made elsewhere. A refund of a credit note names its
/// attempt too.
fn refund_key(refund: &Value) -> Option<RefundKey> {
    let named = |name: &str| refund["metadata"][name].as_str();
    match named("unitpay_refund") {
        Some(id) => id.parse().ok().map(RefundKey::Refund),
        None => named("unitpay_attempt")?.parse().ok().map(RefundKey::Attempt),
    }
}

/// One tenant's account.
pub struct Stripe {
    client: Arc<Client>,
    secret_key: Secret,
    publishable_key: String,
    webhook_secrets: Vec<Secret>,
    live: bool,
}

impl Stripe {
    async fn send(&self, call: Call) -> Result<Answer, CallError> {
        self.client.send(&self.secret_key, &call).await
    }

    /// Sends a call that has no answer but success.
    async fn require(&self, call: Call) -> Result<Value, ProcessorError> {
        let answer = self.send(call).await?;
        match answer.is_success() {
            true => Ok(answer.body),
            false => Err(refused(&answer)),
        }
    }

    /// Reads an object; `None` if the account has no such object.
    async fn find(&self, call: Call) -> Result<Option<Value>, ProcessorError> {
        let answer = self.send(call).await?;
        match (answer.status, answer.error_code()) {
            (200, _) => Ok(Some(answer.body)),
            (400 | 404, "resource_missing") => Ok(None),
            (_, _) => Err(refused(&answer)),
        }
    }

    /// The first object of a list that fits, however many pages it takes.
    async fn search(
        &self,
        list: impl Fn() -> Call,
        fits: impl Fn(&Value) -> bool,
    ) -> Result<Option<Value>, ProcessorError> {
        let mut last: Option<String> = None;
        for _ in 0..MAX_PAGES {
            let call = list().with("limit", "100");
            let call = match &last {
                Some(last) => call.with("starting_after", last),
                None => call,
            };
            let page = self.require(call).await?;
            let rows = page["data"].as_array().map(Vec::as_slice).unwrap_or_default();
            if let Some(found) = rows.iter().find(|row| fits(row)) {
                return Ok(Some(found.clone()));
            }
            last = rows.last().and_then(|row| row["id"].as_str()).map(str::to_owned);
            if page["has_more"] != true || last.is_none() {
                return Ok(None);
            }
        }
        Err(ProcessorError::Unavailable("the list has too many pages".into()))
    }

    /// The body of a charge depends on the attempt only, because an idempotency key is valid for one body.
    fn charge_call(charge: &ChargeOrder, amount: i64) -> Call {
        let call = Call::post("/v1/payment_intents")
            .once(charge.key.to_string())
            .with("amount", amount.to_string())
            .with("currency", charge.currency.as_str().to_ascii_lowercase())
            .with("customer", &charge.customer)
            .with("allowed_payment_method_types[]", "card")
            .with(ATTEMPT, charge.key.to_string())
            .with("expand[]", "payment_method");
        let call = match &charge.method {
            Some(method) => call.with("payment_method", method).with("confirm", "true"),
            None if charge.keeps_card => call.with("setup_future_usage", "off_session"),
            None => call.with(ONCE, "true"),
        };
        if charge.off_session { call.with("off_session", "true") } else { call }
    }

    async fn look_for(&self, charge: &ChargeOrder) -> Result<Option<ChargeResult>, ProcessorError> {
        let started = charge.key.made_at().seconds();
        let list = || {
            Call::get("/v1/payment_intents")
                .with("customer", &charge.customer)
                .with("created[gte]", (started - SEARCH_BEFORE_SECONDS).to_string())
                .with("created[lte]", (started + SEARCH_AFTER_SECONDS).to_string())
                .with("expand[]", "data.payment_method")
        };
        let key = charge.key.to_string();
        let ours = |intent: &Value| intent["metadata"]["unitpay_attempt"] == key.as_str();
        let found = self.search(list, ours).await?;
        Ok(found.map(|intent| answers::judge_intent(&intent, charge)))
    }

    /// Returns the present state of a refund of a charge; `None` if there is none.
    async fn find_refund(
        &self,
        key: RefundKey,
        reference: &str,
    ) -> Result<Option<RefundResult>, ProcessorError> {
        let list = || Call::get("/v1/refunds").with("payment_intent", reference);
        let ours = |refund: &Value| refund_key(refund) == Some(key);
        Ok(self.search(list, ours).await?.as_ref().map(answers::refund))
    }

    async fn charge_now(&self, charge: &ChargeOrder) -> ChargeResult {
        let Some(amount) = amounts::to_stripe(charge.amount, charge.currency) else {
            return ChargeResult::Declined(DeclineReason::ProcessingError);
        };
        let answer = match self.send(Self::charge_call(charge, amount)).await {
            Ok(answer) => answer,
            Err(error) => {
                tracing::warn!(attempt = %charge.key, %error, "the result of a charge is unknown");
                return ChargeResult::Unknown;
            }
        };
        match answers::judge_charge(&answer, charge) {
            Verdict::Result(result) => result,
            Verdict::LookForCharge => {
                let found = self.look_for(charge).await;
                found.ok().flatten().unwrap_or(ChargeResult::Unknown)
            }
            Verdict::Misconfigured => {
                let error = refused(&answer);
                tracing::error!(attempt = %charge.key, %error, "Stripe does not accept our charges");
                ChargeResult::Unknown
            }
        }
    }

    /// The card of a form that was filled in, if the method belongs to this customer.
    async fn card_of(&self, customer: &str, token: &str) -> Result<Option<Card>, ProcessorError> {
        if !is_id(token) {
            return Ok(None);
        }
        let method = match token.starts_with("seti_") {
            false => self.find(Call::get(format!("/v1/payment_methods/{token}"))).await?,
            true => {
                let call = Call::get(format!("/v1/setup_intents/{token}"));
                let setup = self.find(call.with("expand[]", "payment_method")).await?;
                let ours =
                    |setup: &Value| setup["status"] == "succeeded" && setup["customer"] == customer;
                setup.filter(ours).map(|setup| setup["payment_method"].clone())
            }
        };
        let ours = method.filter(|method| method["customer"] == customer);
        Ok(ours.as_ref().and_then(answers::card))
    }
}

impl PaymentProcessor for Stripe {
    fn name(&self) -> &'static str {
        NAME
    }

    /// The keyed call sends only what never changes, so that a customer renamed between two tries
    /// is no conflict; the second call sets name and e-mail. A key may return a customer that was deleted
    /// since. The next key is derived from that one.
    fn create_customer<'a>(&'a self, _: &'a Tenant, holder: &'a Holder) -> Reply<'a, String> {
        Box::pin(async move {
            let id = holder.id.to_string();
            let mut key = format!("cus:{id}");
            for _ in 0..MAX_DELETED {
                let create = Call::post("/v1/customers").once(&key).with(CUSTOMER, &id);
                let made = self.require(create).await?;
                let reference = text(&made, "id")?.to_owned();
                let name = Call::post(format!("/v1/customers/{reference}"))
                    .with("name", &holder.name)
                    .with("email", &holder.email);
                if self.find(name).await?.is_some() {
                    return Ok(reference);
                }
                key = format!("cus:{id}:{reference}");
            }
            Err(ProcessorError::Unavailable("the customer was deleted too often".into()))
        })
    }

    fn setup<'a>(&'a self, _: &'a Tenant, customer: &'a str) -> Reply<'a, FormClient> {
        Box::pin(async move {
            let call = Call::post("/v1/setup_intents")
                .with("customer", customer)
                .with("usage", "off_session")
                .with("allowed_payment_method_types[]", "card");
            let setup = self.require(call).await?;
            let secret = text(&setup, "client_secret")?.to_owned();
            let publishable_key = self.publishable_key();
            Ok(FormClient { processor: NAME, kind: ClientKind::Setup, secret, publishable_key })
        })
    }

    /// Never attaches: the form has done that. A method of another customer is an unknown token.
    fn attach<'a>(
        &'a self,
        _: &'a Tenant,
        customer: &'a str,
        token: &'a str,
        _: Time,
    ) -> Reply<'a, Card> {
        Box::pin(
            async move { self.card_of(customer, token).await?.ok_or(ProcessorError::UnknownToken) },
        )
    }

    fn detach<'a>(&'a self, _: &'a Tenant, reference: &'a str) -> Reply<'a, ()> {
        Box::pin(async move {
            let call = Call::post(format!("/v1/payment_methods/{reference}/detach"));
            let answer = self.send(call).await?;
            match answer.status {
                // Not attached any more, or unknown: it is gone.
                200 | 400 | 404 => Ok(()),
                _ => Err(refused(&answer)),
            }
        })
    }

    fn charge<'a>(&'a self, _: &'a Tenant, charge: &'a ChargeOrder) -> BoxFuture<'a, ChargeResult> {
        Box::pin(self.charge_now(charge))
    }

    fn find_charge<'a>(
        &'a self,
        _: &'a Tenant,
        charge: &'a ChargeOrder,
    ) -> Reply<'a, Option<ChargeResult>> {
        Box::pin(self.look_for(charge))
    }

    fn cancel<'a>(&'a self, _: &'a Tenant, reference: &'a str) -> Reply<'a, ()> {
        Box::pin(async move {
            let call = Call::post(format!("/v1/payment_intents/{reference}/cancel"))
                .with("cancellation_reason", "abandoned");
            let answer = self.send(call).await?;
            match (answer.status, answer.error_code()) {
                // Paid or canceled meanwhile, or unknown.
                (200, _) | (400, "payment_intent_unexpected_state") | (404, _) => Ok(()),
                (_, _) => Err(refused(&answer)),
            }
        })
    }

    /// Looks for the refund first, so that a repeated call learns what became of it: the key would
    /// only repeat the first answer.
    fn refund<'a>(&'a self, _: &'a Tenant, order: &'a RefundOrder) -> Reply<'a, RefundResult> {
        Box::pin(async move {
            if let Some(known) = self.find_refund(order.key, &order.reference).await? {
                return Ok(known);
            }
            let Some(amount) = amounts::to_stripe(order.amount, order.currency) else {
                return Ok(RefundResult::Failed);
            };
            let mut call = Call::post("/v1/refunds")
                .once(format!("refund_{}", order.key))
                .with("payment_intent", &order.reference)
                .with("amount", amount.to_string())
                .with(ATTEMPT, order.attempt.to_string());
            if let RefundKey::Refund(id) = order.key {
                call = call.with(REFUND, id.to_string());
            }
            let answer = self.send(call).await?;
            match (answer.status, answer.error_code()) {
                (200, _) => Ok(answers::refund(&answer.body)),
                (400, "charge_already_refunded") => Ok(RefundResult::Done),
                // The bank has the money.
                (400, "charge_disputed") => Ok(RefundResult::Failed),
                (_, _) => Err(refused(&answer)),
            }
        })
    }

    fn minimum(&self, currency: Currency) -> i64 {
        amounts::minimum(currency)
    }

    fn key_holds_for_seconds(&self) -> i64 {
        KEY_HOLDS_FOR_SECONDS
    }

    fn publishable_key(&self) -> Option<String> {
        Some(self.publishable_key.clone())
    }

    fn verify_webhook(
        &self,
        _: &Tenant,
        headers: &HeaderMap,
        body: &[u8],
        now: Time,
    ) -> Result<String, BadWebhook> {
        let header = headers.get(signature::HEADER).and_then(|header| header.to_str().ok());
        if !signature::is_good(header.ok_or(BadWebhook)?, body, &self.webhook_secrets, now) {
            return Err(BadWebhook);
        }
        events::id(body, self.live).ok_or(BadWebhook)
    }

    fn read_event<'a>(
        &'a self,
        _: &'a Tenant,
        body: &'a [u8],
    ) -> Reply<'a, Option<ProcessorEvent>> {
        Box::pin(events::read(self, body))
    }

    fn events_since<'a>(&'a self, _: &'a Tenant, since: Time) -> Reply<'a, Vec<RawEvent>> {
        Box::pin(events::since(self, since))
    }
}

/// Whether an id from outside can be part of a path.
fn is_id(text: &str) -> bool {
    (1..=255).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

fn text<'a>(object: &'a Value, name: &str) -> Result<&'a str, ProcessorError> {
    let missing = || ProcessorError::Unavailable(format!("Stripe's answer has no {name}").into());
    object[name].as_str().ok_or_else(missing)
}

/// Tells what Stripe refused by its codes only: messages may repeat what was sent.
fn refused(answer: &Answer) -> ProcessorError {
    let (status, code, id) = (answer.status, answer.error_code(), &answer.request_id);
    ProcessorError::Unavailable(format!("Stripe answered {status} {code} to {id}").into())
}

impl From<CallError> for ProcessorError {
    fn from(error: CallError) -> Self {
        Self::Unavailable(error.into())
    }
}

impl fmt::Debug for Stripe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Stripe")
    }
}
