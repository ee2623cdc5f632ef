//! Webhook endpoints: the URLs to which an organization's events are delivered.
//!
//! An event is queued for each endpoint that asks for its type, when the event is published. Any
//! node may deliver; the one that does holds the endpoint's lease. A delivery succeeds with a status
//! from 200 to 299 only, and is repeated on a fixed schedule otherwise, so an endpoint gets each
//! event at least once.

pub mod deliver;
pub mod http;
pub mod http_deliveries;
mod sql;

pub use sql::{delete_deliveries_before, erase, get, last_failure};

use crate::audit::{self, Action, Author};
use crate::base::changes::changes;
use crate::base::words::words;
use crate::base::{CustomerId, EventId, Ids, Random, Time, WebhookDeliveryId, WebhookEndpointId};
use crate::db::{DbError, FromRow, ToRow, Tx};
use crate::events::{self, EventType, Unpublished};
use crate::organizations::Tenant;
use crate::signing::{Seal, SealError, SigningSecrets};
use serde_json::{Value, json};
use std::fmt;
use std::str::FromStr;

/// The purpose for which the key that seals endpoints' secrets is derived.
pub const SEALED_FOR: &[u8] = b"unitpay webhook endpoints";
/// The most endpoints of one environment.
pub const MAX_ENDPOINTS: usize = 50;
/// The number of events that one transaction of a recovery queues.
const RECOVERY_BITE: i64 = 1_000;

#[derive(Clone, Debug, FromRow, ToRow)]
pub struct Endpoint {
    #[record(read_only)]
    pub no: i64,
    #[record(insert_only)]
    pub id: WebhookEndpointId,
    pub url: String,
    pub description: String,
    pub types: Types,
    /// The signing secrets. `None` once the endpoint is deleted.
    pub sealed: Option<Vec<u8>>,
    pub enabled: bool,
    /// The first failure since the last success.
    pub failing_since: Option<Time>,
    #[record(insert_only)]
    pub created_at: Time,
    pub updated_at: Time,
    pub deleted_at: Option<Time>,
}

/// The types of events that an endpoint asks for. Empty means all but those on request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Types(pub Vec<EventType>);

/// The fields that a PATCH sets; `None` leaves a field as it is.
#[derive(Clone, Debug, Default)]
pub struct EndpointChange {
    pub url: Option<String>,
    pub description: Option<String>,
    pub types: Option<Types>,
    pub enabled: Option<bool>,
}

words! {
    DeliveryStatus as WebhookDeliveryStatus {
        /// An attempt is due, now or later.
        Pending = "pending",
        Succeeded = "succeeded",
        /// All attempts failed.
        Failed = "failed",
    }
}

/// A delivery to store.
#[derive(Clone, Debug, ToRow)]
pub struct NewDelivery {
    pub id: WebhookDeliveryId,
    pub tenant_no: i64,
    pub endpoint_no: i64,
    pub event_no: i64,
    pub customer_id: Option<CustomerId>,
    pub next_at: Time,
    pub created_at: Time,
}

/// A delivery as it is listed.
#[derive(Clone, Debug, FromRow)]
pub struct Delivery {
    pub id: WebhookDeliveryId,
    #[record(computed)]
    pub event_id: Option<EventId>,
    #[record(computed)]
    pub event_type: Option<EventType>,
    pub status: DeliveryStatus,
    pub attempts: i64,
    pub next_at: Option<Time>,
    pub attempted_at: Option<Time>,
    pub response_status: Option<i64>,
    pub response_body: Option<String>,
    pub error: Option<String>,
    pub created_at: Time,
}

#[derive(Debug)]
pub enum WebhookError {
    Db(DbError),
    NotFound,
    TooMany,
}

impl Endpoint {
    fn wants(&self, event: &Unpublished) -> bool {
        match event.endpoint_id {
            Some(only) => only == self.id,
            None => self.enabled && self.types.contain(event.event_type),
        }
    }

    /// Opens the signing secrets.
    fn secrets(&self, tenant: &Tenant, seal: &Seal) -> Result<SigningSecrets, SealError> {
        let sealed = self.sealed.as_deref().unwrap_or_default();
        SigningSecrets::open(seal, &Self::bound_to(tenant, self.id), sealed)
    }

    /// The name to which the sealed secrets are bound.
    fn bound_to(tenant: &Tenant, id: WebhookEndpointId) -> String {
        format!("webhook endpoint {} {id}", tenant.no)
    }
}

impl Types {
    pub fn contain(&self, event: EventType) -> bool {
        if self.0.is_empty() { !event.is_on_request() } else { self.0.contains(&event) }
    }
}

/// Stores a new endpoint.
pub async fn create(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    endpoint: &Endpoint,
    author: &Author,
) -> Result<(), WebhookError> {
    sql::lock_tenant(tx, tenant).await?;
    if sql::all(tx, tenant).await?.len() >= MAX_ENDPOINTS {
        return Err(WebhookError::TooMany);
    }
    sql::insert(tx, tenant, endpoint).await?;
    note(tx, tenant, endpoint, (Action::WebhookEndpointCreated, json!({})), author).await
}

pub async fn update(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    id: WebhookEndpointId,
    change: &EndpointChange,
    author: &Author,
) -> Result<Endpoint, WebhookError> {
    let mut endpoint = lock(tx, tenant, id).await?;
    let mut changed = changes!(endpoint, change, {
        url "url", description "description", types "types", enabled "enabled",
    });
    if changed.is_empty() {
        return Ok(endpoint);
    }
    if change.enabled == Some(true) {
        endpoint.failing_since = None;
    }
    endpoint.updated_at = author.now;
    sql::update(tx, tenant, &endpoint).await?;
    changed.sort_unstable();
    let detail = json!({ "changed": changed });
    note(tx, tenant, &endpoint, (Action::WebhookEndpointUpdated, detail), author).await?;
    Ok(endpoint)
}

/// Deletes an endpoint and its secrets. Its deliveries stay until their retention ends.
pub async fn delete(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    id: WebhookEndpointId,
    author: &Author,
) -> Result<(), WebhookError> {
    let mut endpoint = lock(tx, tenant, id).await?;
    (endpoint.sealed, endpoint.enabled) = (None, false);
    (endpoint.deleted_at, endpoint.updated_at) = (Some(author.now), author.now);
    sql::update(tx, tenant, &endpoint).await?;
    note(tx, tenant, &endpoint, (Action::WebhookEndpointDeleted, json!({})), author).await
}

/// Gives an endpoint a new signing secret. The one that it replaces stays valid for a day.
pub async fn rotate(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    id: WebhookEndpointId,
    (seal, random): (&Seal, &Random),
    author: &Author,
) -> Result<(Endpoint, SigningSecrets), WebhookError> {
    let mut endpoint = lock(tx, tenant, id).await?;
    let mut secrets = endpoint.secrets(tenant, seal)?;
    secrets.rotate(random, author.now);
    endpoint.sealed = Some(secrets.seal(seal, &Endpoint::bound_to(tenant, id))?);
    endpoint.updated_at = author.now;
    sql::update(tx, tenant, &endpoint).await?;
    note(tx, tenant, &endpoint, (Action::WebhookEndpointRotated, json!({})), author).await?;
    Ok((endpoint, secrets))
}

/// Disables an endpoint that has failed for too long.
async fn disable(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    id: WebhookEndpointId,
    author: &Author,
) -> Result<(), WebhookError> {
    let mut endpoint = lock(tx, tenant, id).await?;
    (endpoint.enabled, endpoint.updated_at) = (false, author.now);
    sql::update(tx, tenant, &endpoint).await?;
    let detail = json!({ "failingSince": endpoint.failing_since });
    note(tx, tenant, &endpoint, (Action::WebhookEndpointDisabled, detail), author).await
}

/// Locks the tenant, which serializes writes of its endpoints, and returns an endpoint.
async fn lock(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    id: WebhookEndpointId,
) -> Result<Endpoint, WebhookError> {
    sql::lock_tenant(tx, tenant).await?;
    sql::get(tx, tenant, id).await?.ok_or(WebhookError::NotFound)
}

/// Records a change of an endpoint, and whether any endpoint asks for events of sessions.
async fn note(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    endpoint: &Endpoint,
    (action, detail): (Action, Value),
    author: &Author,
) -> Result<(), WebhookError> {
    sql::set_session_events(tx, tenant).await?;
    let event = author.event(action, endpoint.id, None, detail);
    Ok(audit::record(tx, tenant.no, &event).await?)
}

/// Queues these events for the endpoints that ask for them.
pub async fn queue(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    events: &[Unpublished],
    ids: &Ids,
    at: Time,
) -> Result<(), DbError> {
    let endpoints = sql::all(tx, tenant).await?;
    let queued = events.iter().flat_map(|event| {
        let wanting = endpoints.iter().filter(|endpoint| endpoint.wants(event));
        wanting.map(|endpoint| NewDelivery {
            id: ids.webhook_delivery(),
            tenant_no: tenant.no,
            endpoint_no: endpoint.no,
            event_no: event.no,
            customer_id: event.customer_id,
            next_at: at,
            created_at: at,
        })
    });
    let queued: Vec<_> = queued.collect();
    sql::queue(tx, &queued).await.map(|_| ())
}

/// Records a test event for one endpoint, whatever types it asks for.
pub async fn test(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    id: WebhookEndpointId,
    author: &Author,
) -> Result<EventId, WebhookError> {
    let endpoint = sql::get(tx, tenant, id).await?.ok_or(WebhookError::NotFound)?;
    let event = events::NewEvent {
        id: author.ids.event(),
        event_type: EventType::WebhookEndpointTested,
        object_id: endpoint.id.to_string(),
        customer_id: None,
        endpoint_id: Some(endpoint.id),
        at: author.now,
    };
    events::record(tx, tenant.no, &event).await?;
    Ok(event.id)
}

/// Queues events again that an endpoint did not accept or was never sent, from an instant on. Goes
/// on after this sequence number; returns how many it queued and where to continue.
pub async fn recover(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    endpoint: &Endpoint,
    (since, after): (Time, i64),
    (ids, now): (&Ids, Time),
) -> Result<(u64, Option<i64>), DbError> {
    let missed = sql::missed(tx, tenant, endpoint.no, (since, after), RECOVERY_BITE).await?;
    let next = missed.last().map(|event| event.sequence);
    let wanted = missed.iter().filter(|event| endpoint.types.contain(event.event_type));
    let queued: Vec<NewDelivery> = wanted
        .map(|event| NewDelivery {
            id: ids.webhook_delivery(),
            tenant_no: tenant.no,
            endpoint_no: endpoint.no,
            event_no: event.no,
            customer_id: event.customer_id,
            next_at: now,
            created_at: now,
        })
        .collect();
    Ok((sql::queue(tx, &queued).await?, next))
}

impl From<DbError> for WebhookError {
    fn from(error: DbError) -> Self {
        Self::Db(error)
    }
}

impl From<SealError> for WebhookError {
    fn from(error: SealError) -> Self {
        Self::Db(DbError::Unexpected(error.into()))
    }
}

/// The names, separated by spaces.
impl fmt::Display for Types {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.0.iter().map(|event| event.as_str()).collect();
        f.write_str(&names.join(" "))
    }
}

/// Reads stored names. A type that this version does not know is skipped.
impl FromStr for Types {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let known = |name: &str| EventType::ALL.into_iter().find(|event| event.as_str() == name);
        Ok(Self(text.split_ascii_whitespace().filter_map(known).collect()))
    }
}
