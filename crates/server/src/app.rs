//! State shared by all requests: configuration, clock, randomness, store, signing keys, limits.

use crate::audit::{Actor, Author};
use crate::base::{ApiKeyId, Clock, Ids, Random, Time};
use crate::clock_guard::{ClockGuard, Untrusted};
use crate::config::{Config, WebhooksConfig, origin_of, path_of};
use crate::db::{Db, DbError, Lane, Tx};
use crate::idempotency::{self, Idempotency, KeyReused, Outcome};
use crate::invoices::pdf::Renderer;
use crate::keys;
use crate::limits::Limits;
use crate::organizations::Tenant;
use crate::outbound::{Outbound, Policy};
use crate::payments::{Processors, Sandbox, remote, stripe};
use crate::signing::{Codes, SigningKeys};
use crate::smtp::Mailer;
use crate::test_clock::{self, Advancing};
use crate::work::{By, Work};
use parking_lot::Mutex;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::collections::HashMap;
use std::sync::Arc;

pub struct App {
    pub config: Config,
    /// The public base URL, `iss` of every token.
    pub issuer: String,
    /// The origin of the public URL, as browsers send it.
    pub origin: String,
    /// The path of the public URL, empty if it is an origin only.
    pub base_path: String,
    pub clock: Clock,
    pub random: Random,
    pub ids: Ids,
    pub db: Db,
    pub signing: SigningKeys,
    pub codes: Codes,
    pub limits: Limits,
    pub key_uses: KeyUses,
    pub processors: Processors,
    pub invoices: Arc<Renderer>,
    pub outbound: Outbound,
    /// `None` if the configuration names no SMTP server.
    pub mailer: Option<Mailer>,
    pub clock_guard: ClockGuard,
}

impl App {
    /// Returns the state of a server whose address is `config.public_url`.
    pub fn new(config: Config, clock: Clock, random: Random, db: Db, signing: SigningKeys) -> Self {
        let issuer = config.public_url.clone();
        let webhooks = signing.derive(b"unitpay sandbox webhooks");
        let sandbox = Sandbox::new(db.clone(), clock.clone(), random.clone(), &webhooks);
        let stripe = stripe::Accounts::new(
            stripe::Client::new(config.stripe.api_base.clone()),
            signing.seal_for(stripe::SEALED_FOR),
            random.clone(),
        );
        let outbound = Outbound::new(policy(&config.webhooks));
        let (calls, now, drawn) = (outbound.clone(), clock.clone(), random.clone());
        let remote = remote::Connections::new(&config.webhooks, calls, &signing, now, drawn);
        Self {
            processors: Processors::new(sandbox, stripe, remote),
            invoices: Arc::new(Renderer::new(config.fonts_dir.clone())),
            outbound,
            mailer: Mailer::new(&config.email),
            ids: Ids::new(clock.clone(), random.clone()),
            limits: Limits::new(&config.limits),
            key_uses: KeyUses::default(),
            clock_guard: ClockGuard::new(&clock, &db),
            codes: Codes::new(&signing),
            config,
            origin: origin_of(&issuer).to_owned(),
            base_path: path_of(&issuer).to_owned(),
            issuer,
            clock,
            random,
            db,
            signing,
        }
    }

    /// Runs a billing rule in one transaction, once for each idempotency key.
    pub async fn write<T, E, F>(
        &self,
        tenant: Tenant,
        by: By,
        idempotency: Option<Idempotency>,
        rule: F,
    ) -> Result<Written<T>, E>
    where
        T: Serialize + DeserializeOwned + Send + 'static,
        E: From<DbError> + From<KeyReused> + From<Advancing> + Send + 'static,
        F: AsyncFn(&mut Work<'_, '_, '_>) -> Result<T, E> + Send + 'static,
    {
        let step = async move |tx: &mut Tx<'_, '_>| {
            let at = test_clock::write_now::<E>(tx, &tenant, by.now).await?;
            rule(&mut Work { tx, tenant: &tenant, at, by: &by }).await
        };
        self.once(idempotency, step).await
    }

    /// Runs a step in one transaction, once for each idempotency key: a repeated request gets the
    /// answer that the first request kept.
    pub async fn once<T, E, F>(
        &self,
        idempotency: Option<Idempotency>,
        step: F,
    ) -> Result<Written<T>, E>
    where
        T: Serialize + DeserializeOwned + Send + 'static,
        E: From<DbError> + From<KeyReused> + Send + 'static,
        F: AsyncFn(&mut Tx<'_, '_>) -> Result<T, E> + Send + 'static,
    {
        let replay_or_step = async move |tx: &mut Tx<'_, '_>| {
            let idempotency = idempotency.as_ref();
            idempotency::wait_for_twin(tx, idempotency).await?;
            if let Some(kept) = idempotency::replay::<E>(tx, idempotency).await? {
                let answer = serde_json::from_value(kept).map_err(unreadable)?;
                return Ok(Written { answer, is_replay: true });
            }
            let answer = step(tx).await?;
            let kept = serde_json::to_value(&answer).map_err(unreadable)?;
            idempotency::keep(tx, idempotency, &kept).await?;
            Ok::<_, E>(Written { answer, is_replay: false })
        };
        self.db.write(Lane::Usual, replay_or_step).await
    }

    /// Runs a billing rule in one transaction. A repeated request runs it again.
    pub async fn work<T, E, F>(&self, tenant: Tenant, by: By, rule: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<DbError> + From<Advancing> + Send + 'static,
        F: AsyncFn(&mut Work<'_, '_, '_>) -> Result<T, E> + Send + 'static,
    {
        let step = async move |tx: &mut Tx<'_, '_>| {
            let at = test_clock::write_now::<E>(tx, &tenant, by.now).await?;
            rule(&mut Work { tx, tenant: &tenant, at, by: &by }).await
        };
        self.db.write(Lane::Usual, step).await
    }

    /// Returns the author of a change that is made now.
    pub fn author(&self, actor: Actor) -> Author {
        Author { actor, ids: self.ids.clone(), now: self.clock.now() }
    }

    /// Returns the context for a billing write by this actor.
    pub fn by(&self, actor: Actor) -> By {
        let terms = Arc::new(self.processors.clone());
        By {
            actor,
            now: self.clock.now(),
            ids: self.ids.clone(),
            terms,
            usage_grace_seconds: self.config.billing.usage_grace_seconds,
            after_lost_dispute: self.config.billing.after_lost_dispute,
        }
    }

    /// Refuses a request that depends on expiry while this node's clock cannot decide it.
    pub fn check_clock(&self) -> Result<(), Untrusted> {
        let verdict = self.clock_guard.verdict();
        if verdict.may_expire() { Ok(()) } else { Err(Untrusted(verdict)) }
    }

    /// Refuses a write that goes by time while this node's clock is not trusted.
    pub fn check_billing_clock(&self) -> Result<(), Untrusted> {
        let verdict = self.clock_guard.verdict();
        if verdict.may_bill() { Ok(()) } else { Err(Untrusted(verdict)) }
    }

    /// Compares this node's clock with its reference.
    pub async fn compare_clocks(&self) {
        if let Err(error) = self.clock_guard.compare(&self.clock, &self.db).await {
            tracing::warn!(%error, "cannot compare this node's clock with the store's");
        }
    }
}

/// The answer of a rule, to this request or to an earlier one with the same idempotency key.
#[derive(Clone, Debug)]
pub struct Written<T> {
    pub answer: T,
    pub is_replay: bool,
}

impl From<Written<Value>> for Outcome {
    fn from(written: Written<Value>) -> Self {
        if written.is_replay { Self::Replay(written.answer) } else { Self::Fresh(written.answer) }
    }
}

/// The rules for URLs of organizations.
pub fn policy(config: &WebhooksConfig) -> Policy {
    let roots = &config.root_certificates;
    Policy {
        allow_http: config.allow_http,
        allowed_networks: config.allowed_networks.clone(),
        root_certificates: (!roots.as_os_str().is_empty()).then(|| roots.clone()),
    }
}

fn unreadable(error: serde_json::Error) -> DbError {
    DbError::Unexpected(error.into())
}

/// The times of last use of keys: recorded in memory with each request, written to the store
/// periodically.
#[derive(Debug, Default)]
pub struct KeyUses(Mutex<HashMap<ApiKeyId, Time>>);

impl KeyUses {
    pub fn note(&self, id: ApiKeyId, at: Time) {
        self.0.lock().insert(id, at);
    }

    /// Writes the recorded times. Best effort: a failed write loses them.
    pub async fn write(&self, db: &Db) -> Result<(), DbError> {
        let uses = std::mem::take(&mut *self.0.lock());
        if uses.is_empty() {
            return Ok(());
        }
        db.write(Lane::Usual, async move |tx: &mut Tx<'_, '_>| {
            for (id, at) in &uses {
                keys::note_use(tx, *id, *at).await?;
            }
            Ok(())
        })
        .await
    }
}
