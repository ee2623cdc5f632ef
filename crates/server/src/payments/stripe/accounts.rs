//! The Stripe accounts of organizations: one for each environment, its secrets sealed at rest.

use super::Stripe;
use super::client::{Call, CallError, Client};
use super::sql::{self, ToPoll};
use crate::base::{Random, Secret, Time};
use crate::db::{Db, DbError, FromRow, Lane, Tx};
use crate::organizations::{Environment, Tenant};
use crate::signing::{Seal, SealError};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use parking_lot::RwLock;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::error::Error;
use std::fmt;
use std::sync::Arc;

/// The number of valid webhook secrets: the new one and the one that it replaces.
const WEBHOOK_SECRETS: usize = 2;

/// A tenant's connection to Stripe, as it is stored.
#[derive(Clone, Debug, FromRow)]
pub struct Connection {
    #[record(join)]
    pub tenant: Tenant,
    /// Names the tenant in the path of its webhooks.
    pub endpoint: String,
    /// Changes whenever the credentials do.
    pub version: String,
    /// Stripe's id of the account.
    pub account: String,
    /// The end of the secret key, by which an operator recognizes it.
    pub last_four: String,
    pub publishable_key: String,
    /// The secrets; `None` once the account was disconnected.
    pub sealed: Option<Vec<u8>>,
    pub created_at: Time,
    pub updated_at: Time,
}

/// An account's secrets.
#[derive(Clone, Debug, Default)]
pub struct Secrets {
    pub secret_key: Option<Secret>,
    /// The newest one first.
    pub webhooks: Vec<Secret>,
}

/// The sealed part of a connection.
#[derive(Serialize, Deserialize)]
struct Plain {
    secret_key: String,
    webhooks: Vec<String>,
}

/// Credentials that an operator gives; those left out stay as they are.
#[derive(Clone, Debug, Default)]
pub struct NewCredentials {
    pub secret_key: Option<Secret>,
    pub publishable_key: Option<String>,
    pub webhook_secret: Option<Secret>,
}

#[derive(Debug)]
pub enum ConnectError {
    Db(DbError),
    Seal(SealError),
    Call(CallError),
    /// A key of another kind or of another environment, or a malformed one.
    Malformed(&'static str),
    /// A first connection needs this.
    Missing(&'static str),
    /// Stripe answered the check of the key with this status.
    Refused(u16),
    /// The tenant's customers and cards are known to this other account only.
    OtherAccount(String),
    NotConnected,
}

/// The accounts of all tenants of an installation, and the one client that calls them.
pub struct Accounts {
    client: Arc<Client>,
    seal: Seal,
    random: Random,
    opened: RwLock<HashMap<i64, (String, Arc<Stripe>)>>,
}

impl Accounts {
    pub fn new(client: Client, seal: Seal, random: Random) -> Self {
        Self { client: Arc::new(client), seal, random, opened: RwLock::default() }
    }

    /// A tenant's account, ready for calls; `None` if it has connected none. The store is asked each
    /// time for the version of the credentials, so a rotation holds on every node at once.
    pub async fn connected(
        &self,
        tx: &mut Tx<'_, '_>,
        tenant: &Tenant,
    ) -> Result<Option<Arc<Stripe>>, DbError> {
        let Some(version) = sql::version(tx, tenant).await? else { return Ok(None) };
        let known = self.opened.read().get(&tenant.no).cloned();
        if let Some((_, stripe)) = known.filter(|(known, _)| *known == version) {
            return Ok(Some(stripe));
        }
        match sql::of_tenant(tx, tenant).await? {
            Some(connection) => self.open(connection),
            None => Ok(None),
        }
    }

    /// Whether any tenant of this installation has an account connected.
    pub async fn is_used(&self, tx: &mut Tx<'_, '_>) -> Result<bool, DbError> {
        sql::is_used(tx).await
    }

    /// The tenant to whom a webhook endpoint belongs, and its account.
    pub async fn of_endpoint(
        &self,
        tx: &mut Tx<'_, '_>,
        endpoint: &str,
    ) -> Result<Option<(Tenant, Arc<Stripe>)>, DbError> {
        let Some(connection) = sql::of_endpoint(tx, endpoint).await? else { return Ok(None) };
        let tenant = connection.tenant;
        Ok(self.open(connection)?.map(|stripe| (tenant, stripe)))
    }

    fn open(&self, connection: Connection) -> Result<Option<Arc<Stripe>>, DbError> {
        let secrets =
            self.secrets(&connection).map_err(|error| DbError::Unexpected(error.into()))?;
        let Secrets { secret_key: Some(secret_key), webhooks } = secrets else { return Ok(None) };
        let stripe = Arc::new(Stripe {
            client: Arc::clone(&self.client),
            secret_key,
            publishable_key: connection.publishable_key,
            webhook_secrets: webhooks,
            live: connection.tenant.environment == Environment::Live,
        });
        let opened = (connection.version, Arc::clone(&stripe));
        self.opened.write().insert(connection.tenant.no, opened);
        Ok(Some(stripe))
    }

    fn secrets(&self, connection: &Connection) -> Result<Secrets, SealError> {
        let Some(sealed) = &connection.sealed else { return Ok(Secrets::default()) };
        let plain = self.seal.open(&bound_to(&connection.tenant), sealed)?;
        let plain: Plain = serde_json::from_slice(&plain).map_err(|_| SealError)?;
        Ok(Secrets {
            secret_key: Some(Secret::new(plain.secret_key)),
            webhooks: plain.webhooks.into_iter().map(Secret::new).collect(),
        })
    }

    /// Connects a tenant's account or replaces some of its credentials: checks a new secret key with
    /// Stripe, then seals and stores everything.
    pub async fn connect(
        &self,
        db: &Db,
        tenant: &Tenant,
        new: NewCredentials,
        now: Time,
    ) -> Result<Connection, ConnectError> {
        new.check(tenant.environment)?;
        let before = sql::of_tenant(&mut db.read().await?, tenant).await?;
        let old = before.as_ref().map(|before| self.secrets(before)).transpose()?;
        let old = old.unwrap_or_default();
        let secret_key =
            new.secret_key.clone().or(old.secret_key).ok_or(ConnectError::Missing("secret_key"))?;
        let known = before.as_ref().map(|before| before.publishable_key.clone());
        let publishable = new
            .publishable_key
            .clone()
            .or(known)
            .ok_or(ConnectError::Missing("publishable_key"))?;
        let account = match (&new.secret_key, &before) {
            (None, Some(before)) => before.account.clone(),
            (Some(_), _) | (None, None) => self.account_of(&secret_key).await?,
        };
        let mut webhooks = old.webhooks;
        if let Some(secret) = new.webhook_secret {
            webhooks.retain(|kept| kept.reveal() != secret.reveal());
            webhooks.insert(0, secret);
            webhooks.truncate(WEBHOOK_SECRETS);
        }
        let connection = Connection {
            tenant: *tenant,
            endpoint: before.as_ref().map_or_else(|| name(&self.random), |b| b.endpoint.clone()),
            version: name(&self.random),
            last_four: last_four(secret_key.reveal()),
            publishable_key: publishable,
            sealed: Some(self.sealed(tenant, &secret_key, &webhooks)?),
            account,
            created_at: before.as_ref().map_or(now, |before| before.created_at),
            updated_at: now,
        };
        self.store(db, connection, before, now).await
    }

    /// Stores credentials, unless the account changed while customers are known to the old one.
    async fn store(
        &self,
        db: &Db,
        connection: Connection,
        before: Option<Connection>,
        now: Time,
    ) -> Result<Connection, ConnectError> {
        let other = before.map(|before| before.account).filter(|old| *old != connection.account);
        db.write(Lane::Usual, async move |tx: &mut Tx<'_, '_>| {
            if let Some(other) = &other
                && sql::has_customers(tx, &connection.tenant).await?
            {
                return Err(ConnectError::OtherAccount(other.clone()));
            }
            sql::keep(tx, &connection, now).await?;
            Ok(connection.clone())
        })
        .await
    }

    fn sealed(
        &self,
        tenant: &Tenant,
        secret_key: &Secret,
        webhooks: &[Secret],
    ) -> Result<Vec<u8>, ConnectError> {
        let webhooks = webhooks.iter().map(|secret| secret.reveal().to_owned()).collect();
        let plain = Plain { secret_key: secret_key.reveal().to_owned(), webhooks };
        let plain = serde_json::to_vec(&plain).map_err(|e| DbError::Unexpected(e.into()))?;
        Ok(self.seal.seal(&bound_to(tenant), &plain)?)
    }

    /// The accounts whose events should be read now.
    pub async fn to_poll(&self, db: &Db, now: Time) -> Result<Vec<ToPoll>, DbError> {
        sql::to_poll(&mut db.read().await?, now).await
    }

    /// Reserves a tenant's events for this node for a while; `false` if another node was first.
    pub async fn take_poll(
        &self,
        db: &Db,
        tenant: &Tenant,
        now: Time,
        seconds: i64,
    ) -> Result<bool, DbError> {
        let (tenant, next) = (*tenant, now.plus_seconds(seconds));
        let taken = async move |tx: &mut Tx<'_, '_>| sql::take_poll(tx, &tenant, now, next).await;
        db.write(Lane::Usual, taken).await
    }

    /// Records that a tenant's events were read up to this instant.
    pub async fn polled(&self, db: &Db, tenant: &Tenant, to: Time) -> Result<(), DbError> {
        let tenant = *tenant;
        let polled = async move |tx: &mut Tx<'_, '_>| sql::polled(tx, &tenant, to).await;
        db.write(Lane::Usual, polled).await
    }

    /// Asks Stripe which account a secret key belongs to.
    async fn account_of(&self, secret_key: &Secret) -> Result<String, ConnectError> {
        let answer = self.client.send(secret_key, &Call::get("/v1/account")).await?;
        match answer.body["id"].as_str() {
            Some(id) if answer.is_success() => Ok(id.to_owned()),
            Some(_) | None => Err(ConnectError::Refused(answer.status)),
        }
    }
}

/// Deletes a tenant's secrets. Its customers' references stay: reconnecting the same account finds them.
pub async fn disconnect(
    db: &Db,
    tenant: &Tenant,
    random: &Random,
    now: Time,
) -> Result<(), ConnectError> {
    let (tenant, version) = (*tenant, name(random));
    let there_was_one = db.write(Lane::Usual, async move |tx: &mut Tx<'_, '_>| {
        sql::disconnect(tx, &tenant, &version, now).await
    });
    if there_was_one.await? { Ok(()) } else { Err(ConnectError::NotConnected) }
}

/// The connections of all tenants, disconnected ones too.
pub async fn all(tx: &mut Tx<'_, '_>) -> Result<Vec<Connection>, DbError> {
    sql::all(tx).await
}

/// A tenant's connection, even if it is disconnected.
pub async fn of_tenant(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
) -> Result<Option<Connection>, DbError> {
    sql::of_tenant(tx, tenant).await
}

impl NewCredentials {
    pub const fn is_empty(&self) -> bool {
        self.secret_key.is_none() && self.publishable_key.is_none() && self.webhook_secret.is_none()
    }

    /// Refuses keys of another kind or environment: a live key in a sandbox would move real money.
    fn check(&self, environment: Environment) -> Result<(), ConnectError> {
        let mode = match environment {
            Environment::Live => "live",
            Environment::Sandbox => "test",
        };
        let fits = |text: &str, kinds: &[&str]| {
            let rest = kinds.iter().find_map(|kind| text.strip_prefix(kind)?.strip_prefix(mode));
            is_plain(text) && rest.is_some_and(|rest| rest.starts_with('_') && rest.len() > 5)
        };
        let malformed = |wrong: bool, message| match wrong {
            true => Err(ConnectError::Malformed(message)),
            false => Ok(()),
        };
        let secret = self.secret_key.as_ref().map(Secret::reveal);
        malformed(
            secret.is_some_and(|key| !fits(key, &["sk_", "rk_"])),
            "secret_key must be sk_live_… or rk_live_… in live, sk_test_… or rk_test_… in sandbox",
        )?;
        malformed(
            self.publishable_key.as_ref().is_some_and(|key| !fits(key, &["pk_"])),
            "publishable_key must be pk_live_… in live, pk_test_… in sandbox",
        )?;
        let webhook = self.webhook_secret.as_ref().map(Secret::reveal);
        malformed(
            webhook.is_some_and(|secret| {
                !is_plain(secret) || !secret.starts_with("whsec_") || secret.len() < 12
            }),
            "webhook_secret must be whsec_…",
        )
    }
}

fn is_plain(text: &str) -> bool {
    text.len() <= 500 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_+/=-".contains(&b))
}

fn last_four(key: &str) -> String {
    key.get(key.len().saturating_sub(4)..).unwrap_or_default().to_owned()
}

/// A sealed row opens only for its own tenant.
fn bound_to(tenant: &Tenant) -> String {
    format!("stripe {}", tenant.no)
}

fn name(random: &Random) -> String {
    URL_SAFE_NO_PAD.encode(random.bytes::<16>())
}

impl Connection {
    pub const fn is_connected(&self) -> bool {
        self.sealed.is_some()
    }

    /// Where Stripe has to send this tenant's webhooks.
    pub fn webhook_url(&self, issuer: &str) -> String {
        format!("{issuer}/v1/webhooks/{}/{}", super::NAME, self.endpoint)
    }
}

impl From<DbError> for ConnectError {
    fn from(error: DbError) -> Self {
        Self::Db(error)
    }
}

impl From<SealError> for ConnectError {
    fn from(error: SealError) -> Self {
        Self::Seal(error)
    }
}

impl From<CallError> for ConnectError {
    fn from(error: CallError) -> Self {
        Self::Call(error)
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Db(error) => error.fmt(f),
            Self::Seal(error) => error.fmt(f),
            Self::Call(error) => write!(f, "Stripe could not be asked: {error}"),
            Self::Malformed(message) => f.write_str(message),
            Self::Missing(name) => write!(f, "{name} is needed to connect"),
            Self::Refused(401) => f.write_str("Stripe does not accept the secret key"),
            Self::Refused(403) => f.write_str(
                "the restricted key may not read its account; docs/stripe.md lists the permissions",
            ),
            Self::Refused(status) => write!(f, "Stripe answered {status} to the check of the key"),
            Self::OtherAccount(old) => write!(
                f,
                "this key belongs to another account than {old}, which holds this organization's \
                 customers and cards"
            ),
            Self::NotConnected => f.write_str("no Stripe account is connected here"),
        }
    }
}

impl Error for ConnectError {}
