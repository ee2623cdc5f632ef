//! The processors that organizations have connected: one for each environment, its secrets sealed at
//! rest.

use super::calls::CallError;
use super::protocol::Terms;
use super::{Remote, SEALED_FOR, sql};
use crate::base::{Clock, Random, Secret, Time};
use crate::config::WebhooksConfig;
use crate::db::{Db, DbError, FromRow, Lane, Tx};
use crate::organizations::{Environment, Tenant};
use crate::outbound::{Outbound, Peer, Policy, Target};
use crate::signing::{Seal, SealError, SigningKeys, SigningSecrets};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use parking_lot::RwLock;
use std::collections::HashMap;
use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Below the time that a request of ours may take in all, so that its caller gets an answer.
const LONGEST_CALL: Duration = Duration::from_secs(20);

/// A tenant's processor, as it is stored.
#[derive(Clone, Debug, FromRow)]
pub struct Connection {
    #[record(join)]
    pub tenant: Tenant,
    /// Names the tenant in the path of its events.
    pub endpoint: String,
    /// Changes whenever the credentials do.
    pub version: String,
    /// The base URL, without a slash at its end.
    pub url: String,
    /// The processor's name of its set of customers.
    pub account: String,
    pub terms: String,
    /// Whether new payments go to it if others are connected too.
    pub takes_new: bool,
    /// The secrets; `None` once it was disconnected.
    pub sealed: Option<Vec<u8>>,
    pub created_at: Time,
    pub updated_at: Time,
}

#[derive(Debug)]
pub enum ConnectError {
    Db(DbError),
    Seal(SealError),
    Call(CallError),
    /// The end of the sentence "the URL …".
    Url(&'static str),
    /// The tenant's customers and cards are known to this other account only.
    OtherAccount(String),
    NotConnected,
}

/// The processors of all tenants of an installation.
pub struct Connections {
    outbound: Outbound,
    within: Duration,
    seal: Seal,
    clock: Clock,
    random: Random,
    opened: RwLock<HashMap<i64, (String, Arc<Remote>)>>,
}

impl Connections {
    /// Calls are bounded as requests to webhook endpoints are.
    pub fn new(
        config: &WebhooksConfig,
        outbound: Outbound,
        signing: &SigningKeys,
        clock: Clock,
        random: Random,
    ) -> Self {
        let within = Duration::from_secs(config.timeout_seconds).min(LONGEST_CALL);
        let seal = signing.seal_for(SEALED_FOR);
        Self { outbound, within, seal, clock, random, opened: RwLock::default() }
    }

    /// A tenant's processor, and whether it takes new payments; `None` if it has connected none. The
    /// store is asked each time, so a rotation holds on every node at once.
    pub async fn connected(
        &self,
        tx: &mut Tx<'_, '_>,
        tenant: &Tenant,
    ) -> Result<Option<(Arc<Remote>, bool)>, DbError> {
        let Some(state) = sql::state(tx, tenant).await? else { return Ok(None) };
        let known = self.opened.read().get(&tenant.no).cloned();
        if let Some((_, remote)) = known.filter(|(version, _)| *version == state.version) {
            return Ok(Some((remote, state.takes_new)));
        }
        let Some(connection) = sql::of_tenant(tx, tenant).await? else { return Ok(None) };
        Ok(self.open(connection)?.map(|remote| (remote, state.takes_new)))
    }

    /// The tenant to whom an endpoint for events belongs, and its processor.
    pub async fn of_endpoint(
        &self,
        tx: &mut Tx<'_, '_>,
        endpoint: &str,
    ) -> Result<Option<(Tenant, Arc<Remote>)>, DbError> {
        let Some(connection) = sql::of_endpoint(tx, endpoint).await? else { return Ok(None) };
        let tenant = connection.tenant;
        Ok(self.open(connection)?.map(|remote| (tenant, remote)))
    }

    fn open(&self, connection: Connection) -> Result<Option<Arc<Remote>>, DbError> {
        let Some(sealed) = &connection.sealed else { return Ok(None) };
        let Connection { tenant, version, url, .. } = &connection;
        let known = self.opened.read().get(&tenant.no).cloned();
        if let Some((_, remote)) = known.filter(|(known, _)| known == version) {
            return Ok(Some(remote));
        }
        let unexpected = |error: ConnectError| DbError::Unexpected(error.into());
        let secrets = SigningSecrets::open(&self.seal, &bound_to(tenant), sealed);
        let secrets = secrets.map_err(|error| unexpected(error.into()))?;
        let terms = serde_json::from_str(&connection.terms);
        let terms = terms.map_err(|error| DbError::Unexpected(error.into()))?;
        let remote = self.remote(tenant, url, secrets, Some(terms)).map_err(unexpected)?;
        let remote = Arc::new(remote);
        let opened = (version.clone(), Arc::clone(&remote));
        self.opened.write().insert(tenant.no, opened);
        Ok(Some(remote))
    }

    /// A processor at a URL, whether or not it is stored.
    pub fn remote(
        &self,
        tenant: &Tenant,
        url: &str,
        secrets: SigningSecrets,
        terms: Option<Terms>,
    ) -> Result<Remote, ConnectError> {
        Ok(Remote {
            allow_http: self.outbound.policy().allow_http,
            peer: peer(&self.outbound, url)?,
            within: self.within,
            secrets,
            environment: tenant.environment,
            terms,
            clock: self.clock.clone(),
            random: self.random.clone(),
        })
    }

    /// Connects a tenant's processor: calls it, then seals and stores everything. New payments go to it
    /// from then on.
    pub async fn connect(
        &self,
        db: &Db,
        tenant: &Tenant,
        url: &str,
        secrets: SigningSecrets,
    ) -> Result<Connection, ConnectError> {
        let sealed = secrets.seal(&self.seal, &bound_to(tenant))?;
        let url = url.trim_end_matches('/');
        let terms = self.remote(tenant, url, secrets, None)?.hello().await?;
        let before = sql::of_tenant(&mut db.read().await?, tenant).await?;
        let now = self.clock.now();
        let kept = serde_json::to_string(&terms);
        let connection = Connection {
            tenant: *tenant,
            endpoint: before.as_ref().map_or_else(|| name(&self.random), |b| b.endpoint.clone()),
            version: name(&self.random),
            url: url.to_owned(),
            terms: kept.map_err(|error| DbError::Unexpected(error.into()))?,
            account: terms.account,
            takes_new: true,
            sealed: Some(sealed),
            created_at: before.as_ref().map_or(now, |before| before.created_at),
            updated_at: now,
        };
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

    /// Adds a new secret and returns it. The one before it stays valid for a day.
    pub async fn rotate(&self, db: &Db, tenant: &Tenant) -> Result<Secret, ConnectError> {
        let mut connection = sql::of_tenant(&mut db.read().await?, tenant)
            .await?
            .ok_or(ConnectError::NotConnected)?;
        let sealed = connection.sealed.take().ok_or(ConnectError::NotConnected)?;
        let now = self.clock.now();
        let mut secrets = SigningSecrets::open(&self.seal, &bound_to(tenant), &sealed)?;
        secrets.rotate(&self.random, now);
        connection.sealed = Some(secrets.seal(&self.seal, &bound_to(tenant))?);
        connection.version = name(&self.random);
        let kept = async move |tx: &mut Tx<'_, '_>| sql::keep(tx, &connection, now).await;
        db.write(Lane::Usual, kept).await?;
        Ok(secrets.reveal())
    }

    /// Reserves the tenants whose open forms should be asked for now, for this node and a while.
    pub async fn take_polls(
        &self,
        db: &Db,
        now: Time,
        seconds: i64,
    ) -> Result<Vec<Tenant>, DbError> {
        let mut taken = Vec::new();
        for tenant in sql::to_poll(&mut db.read().await?, now).await? {
            let next = now.plus_seconds(seconds);
            let take =
                async move |tx: &mut Tx<'_, '_>| sql::take_poll(tx, &tenant, now, next).await;
            if db.write(Lane::Usual, take).await? {
                taken.push(tenant);
            }
        }
        Ok(taken)
    }
}

impl Remote {
    /// A service of the sandbox environment that the operator names, at any address.
    pub fn anywhere(
        url: &str,
        secrets: SigningSecrets,
        clock: Clock,
        random: Random,
    ) -> Result<Self, ConnectError> {
        let peer = peer(&Outbound::new(Policy::anywhere()), url)?;
        let environment = Environment::Sandbox;
        let within = LONGEST_CALL;
        let (terms, allow_http) = (None, true);
        Ok(Self { peer, within, secrets, environment, terms, allow_http, clock, random })
    }
}

fn peer(outbound: &Outbound, url: &str) -> Result<Peer, ConnectError> {
    let target = Target::parse(url, outbound.policy());
    let target = target.map_err(|error| ConnectError::Url(error.message()))?;
    match target.path().contains('?') {
        true => Err(ConnectError::Url("must have no query")),
        false => Ok(outbound.peer(target)),
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

/// Lets another connected processor take new payments.
pub async fn step_back(db: &Db, tenant: &Tenant) -> Result<(), DbError> {
    let tenant = *tenant;
    db.write(Lane::Usual, async move |tx: &mut Tx<'_, '_>| sql::step_back(tx, &tenant).await).await
}

/// The processors of all tenants, disconnected ones too.
pub async fn all(tx: &mut Tx<'_, '_>) -> Result<Vec<Connection>, DbError> {
    sql::all(tx).await
}

/// A tenant's processor, even if it is disconnected.
pub async fn of_tenant(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
) -> Result<Option<Connection>, DbError> {
    sql::of_tenant(tx, tenant).await
}

/// A sealed row opens only for its own tenant.
fn bound_to(tenant: &Tenant) -> String {
    format!("http {}", tenant.no)
}

fn name(random: &Random) -> String {
    URL_SAFE_NO_PAD.encode(random.bytes::<16>())
}

impl Connection {
    pub const fn is_connected(&self) -> bool {
        self.sealed.is_some()
    }

    /// Where the processor has to send this tenant's events.
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
            Self::Call(error) => write!(f, "the processor cannot be connected: {error}"),
            Self::Url(message) => write!(f, "the URL {message}"),
            Self::OtherAccount(old) => write!(
                f,
                "this processor is of another account than {old}, which holds this organization's \
                 customers and cards"
            ),
            Self::NotConnected => f.write_str("no processor over HTTP is connected here"),
        }
    }
}

impl Error for ConnectError {}
