//! SQL statements for webhook endpoints.

mod deliveries;

pub use deliveries::{
    Attempted, Due, Filter, delete_deliveries_before, delivery, due, erase, last_failure, missed,
    page_of_deliveries, queue, record, resend,
};

use super::{Endpoint, Types};
use crate::base::{PageQuery, Time, WebhookEndpointId};
use crate::db::{
    Command, DbError, FromRow, Pages, Query, Sql, Tx, command, pages, query, sql, text_columns,
};
use crate::organizations::Tenant;

const LOCK_TENANT: Query<Tenant> = query!(Tenant, "SELECT {} FROM tenants WHERE no = $1 {lock}");
const INSERT: Command<Endpoint> = command!(
    Endpoint,
    "INSERT INTO webhook_endpoints (tenant_no, {columns}) VALUES ($1, {values})"
);
const UPDATE: Command<Endpoint> =
    command!(Endpoint, "UPDATE webhook_endpoints SET {set} WHERE tenant_no = $1 AND id = {id}");
const GET: Query<Endpoint> = query!(
    Endpoint,
    "SELECT {} FROM webhook_endpoints WHERE tenant_no = $1 AND id = $2 AND deleted_at IS NULL"
);
const ALL: Query<Endpoint> = query!(
    Endpoint,
    "SELECT {} FROM webhook_endpoints WHERE tenant_no = $1 AND deleted_at IS NULL ORDER BY id"
);
const PAGE: Pages<Endpoint> = pages!(
    Endpoint,
    "SELECT {} FROM webhook_endpoints WHERE tenant_no = $1 AND id < $2 AND id > $3 \
     AND deleted_at IS NULL ORDER BY id {order} LIMIT $4"
);
const SET_SESSION_EVENTS: Sql = sql("UPDATE tenants SET session_events = EXISTS \
     (SELECT 1 FROM webhook_endpoints e WHERE e.tenant_no = $1 AND e.deleted_at IS NULL \
     AND (e.types LIKE '%portal_session.created%' OR e.types LIKE '%portal_session.refreshed%')) \
     WHERE no = $1");
/// Endpoints with a due delivery that no node serves, the least recently served one first.
const TO_SERVE: Query<Served> = query!(
    Served,
    "SELECT {endpoint: e, tenant: t} FROM webhook_endpoints e JOIN tenants t ON t.no = e.tenant_no \
     JOIN organizations o ON o.id = t.organization_id \
     WHERE e.enabled AND e.deleted_at IS NULL AND NOT o.suspended AND e.leased_until <= $1 \
     AND EXISTS (SELECT 1 FROM webhook_deliveries d \
     WHERE d.endpoint_no = e.no AND d.next_at <= $1) ORDER BY e.leased_until, e.no LIMIT $2"
);
const LEASE: Sql = sql("UPDATE webhook_endpoints SET leased_until = $1, lease = $2 \
     WHERE no = $3 AND leased_until <= $4");
/// Extends a lease that is still held. A success ends a time of failures; the first failure begins
/// one.
const EXTEND: Query<Health> = query!(
    Health,
    "UPDATE webhook_endpoints SET leased_until = $1, \
     failing_since = CASE WHEN CAST($2 AS BOOLEAN) THEN NULL \
     WHEN CAST($3 AS BOOLEAN) THEN COALESCE(failing_since, CAST($4 AS BIGINT)) \
     ELSE failing_since END \
     WHERE no = $5 AND lease = $6 AND enabled AND deleted_at IS NULL RETURNING {}"
);
const RELEASE: Sql = sql("UPDATE webhook_endpoints SET leased_until = $1, lease = '' \
     WHERE no = $2 AND lease = $3");
const RELEASE_ALL: Sql =
    sql("UPDATE webhook_endpoints SET leased_until = 0, lease = '' WHERE lease <> ''");

/// An endpoint to which this node delivers.
#[derive(Debug, FromRow)]
pub struct Served {
    #[record(join)]
    pub endpoint: Endpoint,
    #[record(join)]
    pub tenant: Tenant,
}

#[derive(Clone, Copy, Debug, FromRow)]
pub struct Health {
    pub failing_since: Option<Time>,
}

/// The results of some attempts.
#[derive(Clone, Copy, Debug)]
pub struct Results {
    pub any_success: bool,
    pub any_failure: bool,
}

/// Locks a tenant, so that writes of its endpoints happen one after the other.
pub async fn lock_tenant(tx: &mut Tx<'_, '_>, tenant: &Tenant) -> Result<(), DbError> {
    tx.fetch_one(&LOCK_TENANT, &[tenant.no.into()]).await.map(|_| ())
}

pub async fn insert(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    endpoint: &Endpoint,
) -> Result<(), DbError> {
    tx.store(&INSERT, endpoint, &[tenant.no.into()]).await.map(|_| ())
}

pub async fn update(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    endpoint: &Endpoint,
) -> Result<(), DbError> {
    tx.store(&UPDATE, endpoint, &[tenant.no.into()]).await.map(|_| ())
}

pub async fn get(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    id: WebhookEndpointId,
) -> Result<Option<Endpoint>, DbError> {
    tx.fetch_one(&GET, &[tenant.no.into(), id.into()]).await
}

pub async fn all(tx: &mut Tx<'_, '_>, tenant: &Tenant) -> Result<Vec<Endpoint>, DbError> {
    tx.fetch(&ALL, &[tenant.no.into()]).await
}

pub async fn page(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    query: &PageQuery,
) -> Result<Vec<Endpoint>, DbError> {
    let (before, after, newer) = query.bounds();
    let values = [tenant.no.into(), before.into(), after.into(), query.fetch().into()];
    tx.fetch(&PAGE[usize::from(newer)], &values).await
}

/// Notes in the tenant's row whether any endpoint asks for events of minted or refreshed sessions.
pub async fn set_session_events(tx: &mut Tx<'_, '_>, tenant: &Tenant) -> Result<(), DbError> {
    tx.execute(&SET_SESSION_EVENTS, &[tenant.no.into()]).await.map(|_| ())
}

pub async fn to_serve(tx: &mut Tx<'_, '_>, now: Time, limit: i64) -> Result<Vec<Served>, DbError> {
    tx.fetch(&TO_SERVE, &[now.into(), limit.into()]).await
}

/// Takes the lease of an endpoint; `false` if another node was first.
pub async fn lease(
    tx: &mut Tx<'_, '_>,
    endpoint_no: i64,
    lease: &str,
    (now, until): (Time, Time),
) -> Result<bool, DbError> {
    let values = [until.into(), lease.into(), endpoint_no.into(), now.into()];
    Ok(tx.execute(&LEASE, &values).await? == 1)
}

/// Extends the lease and notes results; `None` if the lease is lost or the endpoint is disabled.
pub async fn extend(
    tx: &mut Tx<'_, '_>,
    endpoint_no: i64,
    lease: &str,
    (now, until): (Time, Time),
    results: Results,
) -> Result<Option<Health>, DbError> {
    let values = [
        until.into(),
        results.any_success.into(),
        results.any_failure.into(),
        now.into(),
        endpoint_no.into(),
        lease.into(),
    ];
    tx.fetch_one(&EXTEND, &values).await
}

pub async fn release(
    tx: &mut Tx<'_, '_>,
    endpoint_no: i64,
    lease: &str,
    now: Time,
) -> Result<(), DbError> {
    tx.execute(&RELEASE, &[now.into(), endpoint_no.into(), lease.into()]).await.map(|_| ())
}

pub async fn release_all(tx: &mut Tx<'_, '_>) -> Result<(), DbError> {
    tx.execute(&RELEASE_ALL, &[]).await.map(|_| ())
}

text_columns!(Types);
