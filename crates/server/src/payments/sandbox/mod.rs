//! The built-in processor of sandbox environments: it moves no money and always does the same.
//!
//! It stands in for a processor's servers, so it keeps what it did in a table of its own, in
//! transactions of its own: whoever asks again, after a crash or on another node, gets the same
//! answer. As real processors do it forgets an idempotency key after a day.

pub mod http;
mod sql;

use super::processor::{
    BadWebhook, Card, Charge, ChargeResult, Client, ClientKind, DeclineReason, Event, Holder,
    PaymentProcessor, ProcessorError, Reply, month,
};
use crate::base::{Clock, Currency, CustomerId, PaymentAttemptId, Random, Time};
use crate::db::{Db, DbError, Lane, Tx};
use crate::organizations::Tenant;
use ::http::HeaderMap;
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::future::BoxFuture;

pub const NAME: &str = "sandbox";
/// Carries `t=<seconds>,v1=<HMAC-SHA-256 of "<seconds>.<body>", in base64url>`.
pub const SIGNATURE: &str = "sandbox-signature";
const SIGNATURE_SECONDS: i64 = 300;
const KEY_KEPT_FOR_SECONDS: i64 = 86_400;

pub struct Sandbox {
    db: Db,
    clock: Clock,
    random: Random,
    webhooks: hmac::Key,
}

/// What a token does; `pm_sandbox_…` in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Behaviour {
    Visa,
    Mastercard,
    Declined,
    RequiresForm,
    /// Expires at the end of the month after it was added.
    Expires,
    /// Charges, but the first answer is lost.
    Timeout,
}

/// A charge or a form as the sandbox keeps it.
#[derive(Clone, Debug)]
struct Intent {
    reference: String,
    customer: String,
    key: Option<PaymentAttemptId>,
    method: Option<String>,
    amount: Option<i64>,
    currency: Option<Currency>,
    status: IntentStatus,
    decline_reason: Option<DeclineReason>,
    client_secret: Option<String>,
    created_at: Time,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum IntentStatus {
    RequiresForm,
    Succeeded,
    Declined,
    Refunded,
}

/// A webhook that the sandbox would send.
#[derive(Debug)]
pub struct Delivery {
    pub signature: String,
    pub body: Vec<u8>,
}

/// What became of a form.
#[derive(Debug)]
pub enum Confirmed {
    Done(Delivery),
    /// The form stays open and can be tried again.
    Declined(DeclineReason),
}

impl Sandbox {
    pub fn new(db: Db, clock: Clock, random: Random, webhook_secret: &[u8; 32]) -> Self {
        let webhooks = hmac::Key::new(hmac::HMAC_SHA256, webhook_secret);
        Self { db, clock, random, webhooks }
    }

    /// A webhook with this event, signed now.
    pub fn deliver(&self, event: &Event) -> Result<Delivery, ProcessorError> {
        let body = serde_json::to_vec(event).map_err(|e| ProcessorError::Unavailable(e.into()))?;
        let seconds = self.clock.now().seconds();
        let tag = hmac::sign(&self.webhooks, &signed(seconds, &body));
        Ok(Delivery { signature: format!("t={seconds},v1={}", URL_SAFE_NO_PAD.encode(tag)), body })
    }

    /// Fills in the form that a secret opens, for the customer named or for any of the tenant;
    /// `None` where there is no such form. Done again it tells the same again.
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
                let own = |intent: &Intent| customer.as_ref().is_none_or(|c| *c == intent.customer);
                let Some(mut intent) = found.filter(own) else { return Ok(None) };
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
        self.deliver(&intent.event()).map(Confirmed::Done).map(Some)
    }

    fn secret(&self) -> String {
        format!("sandbox_form_{}", URL_SAFE_NO_PAD.encode(self.random.bytes::<24>()))
    }

    /// Keeps a charge under its key, unless the key has been used within the day. Tells what is
    /// kept and whether this call made it.
    async fn keep(&self, tenant: &Tenant, charge: &Charge) -> Result<(Intent, bool), DbError> {
        let (tenant, now) = (*tenant, self.clock.now());
        let fresh = self.intent_of(charge, now);
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

    fn intent_of(&self, charge: &Charge, now: Time) -> Intent {
        use IntentStatus::{Declined, RequiresForm, Succeeded};
        let behaviour = charge.method.as_deref().map(Behaviour::of_reference);
        let (status, decline_reason) = match (behaviour, charge.off_session) {
            (None, true) => (Declined, Some(DeclineReason::PaymentMethodRequired)),
            (Some(Some(Behaviour::RequiresForm)), true) => {
                (Declined, Some(DeclineReason::AuthenticationRequired))
            }
            (None | Some(Some(Behaviour::RequiresForm)), false) => (RequiresForm, None),
            (Some(Some(Behaviour::Declined) | None), _) => {
                (Declined, Some(DeclineReason::CardDeclined))
            }
            (Some(Some(Behaviour::Expires)), _) if charge.method_has_expired() => {
                (Declined, Some(DeclineReason::ExpiredCard))
            }
            (
                Some(Some(
                    Behaviour::Visa
                    | Behaviour::Mastercard
                    | Behaviour::Expires
                    | Behaviour::Timeout,
                )),
                _,
            ) => (Succeeded, None),
        };
        Intent {
            reference: String::new(),
            customer: charge.customer.clone(),
            key: Some(charge.key),
            method: charge.method.clone(),
            amount: Some(charge.amount),
            currency: Some(charge.currency),
            status,
            decline_reason,
            client_secret: (status == RequiresForm).then(|| self.secret()),
            created_at: now,
        }
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
            let intent = Intent {
                reference: format!("seti_{}", URL_SAFE_NO_PAD.encode(self.random.bytes::<12>())),
                customer: customer.to_owned(),
                key: None,
                method: None,
                amount: None,
                currency: None,
                status: IntentStatus::RequiresForm,
                decline_reason: None,
                client_secret: Some(secret.clone()),
                created_at: self.clock.now(),
            };
            let tenant = *tenant;
            self.db
                .write(Lane::Usual, async move |tx: &mut Tx<'_, '_>| {
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

    fn charge<'a>(&'a self, tenant: &'a Tenant, charge: &'a Charge) -> BoxFuture<'a, ChargeResult> {
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
        key: PaymentAttemptId,
    ) -> Reply<'a, Option<ChargeResult>> {
        Box::pin(async move {
            let mut found = sql::by_key(&mut self.db.read().await?, tenant, key).await?;
            Ok(found.pop().map(|intent| intent.result()))
        })
    }

    fn refund<'a>(
        &'a self,
        tenant: &'a Tenant,
        key: PaymentAttemptId,
        reference: &'a str,
    ) -> Reply<'a, ()> {
        Box::pin(async move {
            let (tenant, reference) = (*tenant, reference.to_owned());
            self.db
                .write(Lane::Usual, async move |tx: &mut Tx<'_, '_>| {
                    let mut found = sql::by_key(tx, &tenant, key).await?;
                    found.retain(|intent| intent.reference == reference);
                    let mut intent =
                        found.pop().ok_or(DbError::Broken("no charge to give back"))?;
                    intent.status = IntentStatus::Refunded;
                    sql::set_status(tx, &intent).await
                })
                .await
                .map_err(Into::into)
        })
    }

    /// Half of a whole unit; fifty where the currency has no decimals.
    fn minimum(&self, currency: Currency) -> i64 {
        if currency.exponent() == 3 { 500 } else { 50 }
    }

    fn parse_webhook(
        &self,
        headers: &HeaderMap,
        body: &[u8],
        now: Time,
    ) -> Result<Option<Event>, BadWebhook> {
        let header = headers.get(SIGNATURE).and_then(|value| value.to_str().ok());
        let (seconds, tag) = header
            .and_then(|text| text.strip_prefix("t=")?.split_once(",v1="))
            .ok_or(BadWebhook)?;
        let seconds: i64 = seconds.parse().map_err(|_| BadWebhook)?;
        let tag = URL_SAFE_NO_PAD.decode(tag).map_err(|_| BadWebhook)?;
        if now.seconds().abs_diff(seconds) > SIGNATURE_SECONDS.unsigned_abs() {
            return Err(BadWebhook);
        }
        hmac::verify(&self.webhooks, &signed(seconds, body), &tag).map_err(|_| BadWebhook)?;
        serde_json::from_slice(body).map(Some).map_err(|_| BadWebhook)
    }
}

fn signed(seconds: i64, body: &[u8]) -> Vec<u8> {
    [format!("{seconds}.").as_bytes(), body].concat()
}

impl Behaviour {
    const ALL: [Self; 6] = [
        Self::Visa,
        Self::Mastercard,
        Self::Declined,
        Self::RequiresForm,
        Self::Expires,
        Self::Timeout,
    ];

    const fn token(self) -> &'static str {
        match self {
            Self::Visa => "pm_sandbox_visa",
            Self::Mastercard => "pm_sandbox_mastercard",
            Self::Declined => "pm_sandbox_declined",
            Self::RequiresForm => "pm_sandbox_requires_form",
            Self::Expires => "pm_sandbox_expires",
            Self::Timeout => "pm_sandbox_timeout",
        }
    }

    /// A payment method's reference is its token, `:` and what tells it from others.
    fn of_reference(reference: &str) -> Option<Self> {
        let token = reference.split(':').next()?;
        Self::ALL.into_iter().find(|known| known.token() == token)
    }

    fn card(self, reference: String, at: Time) -> Card {
        let (brand, last4) = match self {
            Self::Visa => ("visa", "4242"),
            Self::Mastercard => ("mastercard", "4444"),
            Self::Declined => ("visa", "0002"),
            Self::RequiresForm => ("visa", "3220"),
            Self::Expires => ("visa", "0069"),
            Self::Timeout => ("visa", "0119"),
        };
        let month = month(at);
        let (reference, expires) = match self {
            Self::Expires => (format!("{reference}:{}", month + 1), month + 1),
            Self::Visa | Self::Mastercard | Self::Declined | Self::RequiresForm | Self::Timeout => {
                (reference, (month.div_euclid(12) + 4) * 12 + 11)
            }
        };
        Card {
            reference,
            brand: brand.to_owned(),
            last4: last4.to_owned(),
            exp_month: expires.rem_euclid(12) + 1,
            exp_year: expires.div_euclid(12),
        }
    }
}

impl Charge {
    /// Whether the month that stands in the payment method's reference is over.
    fn method_has_expired(&self) -> bool {
        let last = self.method.as_deref().and_then(|method| method.split_once(':'));
        last.and_then(|(_, last)| last.parse().ok()).is_some_and(|last: i64| month(self.at) > last)
    }
}

impl Intent {
    fn result(&self) -> ChargeResult {
        match (self.status, &self.client_secret, self.decline_reason) {
            (IntentStatus::Declined, _, reason) => {
                ChargeResult::Declined(reason.unwrap_or(DeclineReason::CardDeclined))
            }
            (IntentStatus::RequiresForm, Some(secret), _) => ChargeResult::RequiresForm {
                reference: self.reference.clone(),
                client_secret: secret.clone(),
            },
            (IntentStatus::RequiresForm, None, _) => ChargeResult::Unknown,
            (IntentStatus::Succeeded | IntentStatus::Refunded, ..) => {
                ChargeResult::Succeeded { reference: self.reference.clone(), card: self.card() }
            }
        }
    }

    /// The card that the form took, where no payment method was there: a new one for each form.
    fn card(&self) -> Option<Card> {
        let reference = format!("{}:{}", Behaviour::Visa.token(), self.reference);
        self.method.is_none().then(|| Behaviour::Visa.card(reference, self.created_at))
    }

    fn event(&self) -> Event {
        match self.key {
            Some(key) => {
                Event::Charged { key, reference: self.reference.clone(), card: self.card() }
            }
            None => Event::SetUp {
                customer: self.customer.clone(),
                card: Behaviour::Visa.card(
                    format!("{}:{}", Behaviour::Visa.token(), self.reference),
                    self.created_at,
                ),
            },
        }
    }
}

impl IntentStatus {
    const ALL: [Self; 4] = [Self::RequiresForm, Self::Succeeded, Self::Declined, Self::Refunded];

    const fn as_str(self) -> &'static str {
        match self {
            Self::RequiresForm => "requires_form",
            Self::Succeeded => "succeeded",
            Self::Declined => "declined",
            Self::Refunded => "refunded",
        }
    }
}

impl From<DbError> for ProcessorError {
    fn from(error: DbError) -> Self {
        Self::Unavailable(error.into())
    }
}
