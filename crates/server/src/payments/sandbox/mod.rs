//! The built-in processor of sandbox environments: it moves no money and is deterministic.
//!
//! It stands in for a processor's servers, so it records its charges in a table of its own, in
//! transactions of its own: a call repeated after a crash or on another node gets the same answer.
//! Like real processors it forgets an idempotency key after a day.

pub mod http;
mod intent;
mod refund;
mod sql;

use super::processor::{
    BadWebhook, Card, ChargeOrder, ChargeResult, Client, ClientKind, DeclineReason, Holder,
    PaymentProcessor, ProcessorError, ProcessorEvent, RawEvent, RefundOrder, RefundResult, Reply,
};
use crate::base::{Clock, Currency, CustomerId, Random, Time};
use crate::db::{Db, DbError, Lane, Tx};
use crate::organizations::Tenant;
use ::http::HeaderMap;
use aws_lc_rs::{digest, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::future::BoxFuture;
use intent::{Behaviour, Intent, IntentStatus};

pub const NAME: &str = "sandbox";
/// Carries `t=<seconds>,v1=<HMAC-SHA-256 of "<seconds>.<body>", in base64url>`.
pub const SIGNATURE: &str = "sandbox-signature";
const SIGNATURE_SECONDS: u64 = 300;
const KEY_KEPT_FOR_SECONDS: i64 = 86_400;
/// The open setup forms of a customer; another one closes the oldest.
const OPEN_SETUPS: i64 = 5;
const SETUP_OPEN_FOR_SECONDS: i64 = 86_400;

pub struct Sandbox {
    db: Db,
    clock: Clock,
    random: Random,
    webhooks: hmac::Key,
}

/// A webhook that the sandbox would send.
#[derive(Debug)]
pub struct Delivery {
    pub signature: String,
    pub body: Vec<u8>,
}

/// The result of filling in a form.
#[derive(Debug)]
pub enum Confirmed {
    Done(Delivery),
    /// The form stays open and can be tried again.
    Declined(DeclineReason),
}

/// Deletes setup forms that nobody filled in; at most `limit`.
pub async fn delete_old_setups(tx: &mut Tx<'_, '_>, now: Time, limit: i64) -> Result<u64, DbError> {
    sql::delete_setups_before(tx, now.plus_seconds(-SETUP_OPEN_FOR_SECONDS), limit).await
}

impl Sandbox {
    pub fn new(db: Db, clock: Clock, random: Random, webhook_secret: &[u8; 32]) -> Self {
        let webhooks = hmac::Key::new(hmac::HMAC_SHA256, webhook_secret);
        Self { db, clock, random, webhooks }
    }

    /// Makes a webhook with this event, signed now with the tenant's secret.
    pub fn deliver(
        &self,
        tenant: &Tenant,
        event: &ProcessorEvent,
    ) -> Result<Delivery, ProcessorError> {
        let body = serde_json::to_vec(event).map_err(|e| ProcessorError::Unavailable(e.into()))?;
        let seconds = self.clock.now().seconds();
        let tag = hmac::sign(&self.webhook_key(tenant), &signed(seconds, &body));
        Ok(Delivery { signature: format!("t={seconds},v1={}", URL_SAFE_NO_PAD.encode(tag)), body })
    }

    /// Fills in the form that a secret opens, for this customer or, if none is given, for any of the
    /// tenant's; `None` if there is no such form. Idempotent.
    pub async fn confirm(
        &self,
        tenant: &Tenant,
        customer: Option<CustomerId>,
        client_secret: String,
        succeed: bool,
    ) -> Result<Option<Confirmed>, ProcessorError> {
        let (tenant, customer) = (*tenant, customer.map(|id| id.to_string()));
        let intent = self
            .db
            .write(Lane::Usual, async move |tx: &mut Tx<'_, '_>| {
                let found = sql::by_secret(tx, &tenant, &client_secret).await?;
                let is_own =
                    |intent: &Intent| customer.as_ref().is_none_or(|c| *c == intent.customer);
                let Some(mut intent) = found.filter(is_own) else { return Ok(None) };
                if intent.status == IntentStatus::Declined {
                    return Ok(None);
                }
                if succeed && intent.status == IntentStatus::RequiresForm {
                    intent.status = IntentStatus::Succeeded;
                    sql::set_status(tx, &intent).await?;
                }
                Ok::<_, DbError>(Some(intent))
            })
            .await?;
        let Some(intent) = intent else { return Ok(None) };
        if intent.status == IntentStatus::RequiresForm {
            return Ok(Some(Confirmed::Declined(DeclineReason::CardDeclined)));
        }
        self.deliver(&tenant, &intent.event()).map(Confirmed::Done).map(Some)
    }

    /// The secret that signs a tenant's webhooks.
    fn webhook_key(&self, tenant: &Tenant) -> hmac::Key {
        let secret = hmac::sign(&self.webhooks, &tenant.no.to_be_bytes());
        hmac::Key::new(hmac::HMAC_SHA256, secret.as_ref())
    }

    fn secret(&self) -> String {
        format!("sandbox_form_{}", URL_SAFE_NO_PAD.encode(self.random.bytes::<24>()))
    }

    /// Stores a charge under its key, unless the key was used within the last day. Returns the stored
    /// charge and whether this call made it.
    async fn keep(&self, tenant: &Tenant, charge: &ChargeOrder) -> Result<(Intent, bool), DbError> {
        let (tenant, now) = (*tenant, self.clock.now());
        let fresh = Intent::from_charge(charge, self.secret(), now);
        self.db
            .write(Lane::Usual, async move |tx: &mut Tx<'_, '_>| {
                let key = fresh.key.ok_or(DbError::Broken("a charge without a key"))?;
                let before = sql::by_key(tx, &tenant, key).await?;
                let oldest = now.plus_seconds(-KEY_KEPT_FOR_SECONDS);
                let kept = before.last().filter(|intent| intent.created_at > oldest);
                if let Some(kept) = kept {
                    return Ok((kept.clone(), false));
                }
                let reference = format!("ch_{key}_{}", before.len());
                let intent = Intent { reference, ..fresh.clone() };
                match sql::insert(tx, &tenant, &intent).await? {
                    true => Ok((intent, true)),
                    false => Err(tx.again()),
                }
            })
            .await
    }
}

impl PaymentProcessor for Sandbox {
    fn name(&self) -> &'static str {
        NAME
    }

    fn create_customer<'a>(&'a self, _: &'a Tenant, holder: &'a Holder) -> Reply<'a, String> {
        Box::pin(async { Ok(holder.id.to_string()) })
    }

    fn setup<'a>(&'a self, tenant: &'a Tenant, customer: &'a str) -> Reply<'a, Client> {
        Box::pin(async move {
            let secret = self.secret();
            let reference = format!("seti_{}", URL_SAFE_NO_PAD.encode(self.random.bytes::<12>()));
            let (customer, now) = (customer.to_owned(), self.clock.now());
            let intent = Intent::setup(reference, customer, secret.clone(), now);
            let tenant = *tenant;
            self.db
                .write(Lane::Usual, async move |tx: &mut Tx<'_, '_>| {
                    sql::close_setups(tx, &tenant, &intent.customer, OPEN_SETUPS - 1).await?;
                    sql::insert(tx, &tenant, &intent).await
                })
                .await?;
            Ok(Client { processor: NAME, kind: ClientKind::Setup, secret, publishable_key: None })
        })
    }

    fn attach<'a>(
        &'a self,
        _: &'a Tenant,
        _: &'a str,
        token: &'a str,
        at: Time,
    ) -> Reply<'a, Card> {
        Box::pin(async move {
            let behaviour = Behaviour::ALL.into_iter().find(|known| known.token() == token);
            let behaviour = behaviour.ok_or(ProcessorError::UnknownToken)?;
            Ok(behaviour.card(token.to_owned(), at))
        })
    }

    fn detach<'a>(&'a self, _: &'a Tenant, _: &'a str) -> Reply<'a, ()> {
        Box::pin(async { Ok(()) })
    }

    fn charge<'a>(
        &'a self,
        tenant: &'a Tenant,
        charge: &'a ChargeOrder,
    ) -> BoxFuture<'a, ChargeResult> {
        Box::pin(async move {
            let Ok((intent, first)) = self.keep(tenant, charge).await else {
                return ChargeResult::Unknown;
            };
            let method = intent.method.as_deref().and_then(Behaviour::of_reference);
            if first && method == Some(Behaviour::Timeout) {
                return ChargeResult::Unknown;
            }
            intent.result()
        })
    }

    fn find_charge<'a>(
        &'a self,
        tenant: &'a Tenant,
        charge: &'a ChargeOrder,
    ) -> Reply<'a, Option<ChargeResult>> {
        Box::pin(async move {
            let mut found = sql::by_key(&mut self.db.read().await?, tenant, charge.key).await?;
            Ok(found.pop().map(|intent| intent.result()))
        })
    }

    fn cancel<'a>(&'a self, tenant: &'a Tenant, reference: &'a str) -> Reply<'a, ()> {
        Box::pin(async move {
            let (tenant, reference) = (*tenant, reference.to_owned());
            let canceled =
                async move |tx: &mut Tx<'_, '_>| sql::cancel(tx, &tenant, &reference).await;
            Ok(self.db.write(Lane::Usual, canceled).await?)
        })
    }

    fn refund<'a>(&'a self, tenant: &'a Tenant, order: &'a RefundOrder) -> Reply<'a, RefundResult> {
        Box::pin(async move {
            let (tenant, order, now) = (*tenant, order.clone(), self.clock.now());
            let state = self.db.write(Lane::Usual, async move |tx: &mut Tx<'_, '_>| {
                let mut found = sql::by_key(tx, &tenant, order.attempt).await?;
                found.retain(|intent| intent.reference == order.reference);
                let intent = found.pop().ok_or(DbError::Broken("no charge to refund"))?;
                refund::make(tx, &tenant, intent, &order, now).await
            });
            Ok(state.await?)
        })
    }

    /// Half of a whole unit; 50 if the currency has no decimals.
    fn minimum(&self, currency: Currency) -> i64 {
        if currency.exponent() == 3 { 500 } else { 50 }
    }

    fn key_holds_for_seconds(&self) -> i64 {
        KEY_KEPT_FOR_SECONDS
    }

    fn publishable_key(&self) -> Option<String> {
        None
    }

    fn verify_webhook(
        &self,
        tenant: &Tenant,
        headers: &HeaderMap,
        body: &[u8],
        now: Time,
    ) -> Result<String, BadWebhook> {
        let body = self.verified(tenant, headers, body, now).ok_or(BadWebhook)?;
        serde_json::from_slice::<ProcessorEvent>(body).map_err(|_| BadWebhook)?;
        Ok(URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, body)))
    }

    fn read_event<'a>(
        &'a self,
        _: &'a Tenant,
        body: &'a [u8],
    ) -> Reply<'a, Option<ProcessorEvent>> {
        let event = serde_json::from_slice(body);
        Box::pin(async { event.map(Some).map_err(|e| ProcessorError::Unavailable(e.into())) })
    }

    /// None: each event is delivered when its form is filled in.
    fn events_since<'a>(&'a self, _: &'a Tenant, _: Time) -> Reply<'a, Vec<RawEvent>> {
        Box::pin(async { Ok(Vec::new()) })
    }
}

impl Sandbox {
    /// Returns the body if its signature is good and recent.
    fn verified<'a>(
        &self,
        tenant: &Tenant,
        headers: &HeaderMap,
        body: &'a [u8],
        now: Time,
    ) -> Option<&'a [u8]> {
        let header = headers.get(SIGNATURE)?.to_str().ok()?;
        let (seconds, tag) = header.strip_prefix("t=")?.split_once(",v1=")?;
        let seconds: i64 = seconds.parse().ok()?;
        let tag = URL_SAFE_NO_PAD.decode(tag).ok()?;
        if now.seconds().abs_diff(seconds) > SIGNATURE_SECONDS {
            return None;
        }
        hmac::verify(&self.webhook_key(tenant), &signed(seconds, body), &tag).ok()?;
        Some(body)
    }
}

fn signed(seconds: i64, body: &[u8]) -> Vec<u8> {
    [format!("{seconds}.").as_bytes(), body].concat()
}

impl From<DbError> for ProcessorError {
    fn from(error: DbError) -> Self {
        Self::Unavailable(error.into())
    }
}
