//! SQL statements for test clocks.

use super::TestClock;
use crate::base::Time;
use crate::db::{DbError, Query, Sql, Tx, query, sql};
use crate::organizations::Tenant;

const GET: Query<TestClock> =
    query!(TestClock, "SELECT {} FROM billing_clocks WHERE tenant_no = $1");
const MOVE: Sql = sql("UPDATE billing_clocks SET offset_seconds = $1 \
     WHERE tenant_no = $2 AND advancing_to IS NOT NULL AND offset_seconds < $3");
const SET_OUT: Sql = sql("INSERT INTO billing_clocks (tenant_no, advancing_to) VALUES ($1, $2) \
     ON CONFLICT (tenant_no) DO UPDATE SET advancing_to = excluded.advancing_to, \
     lease_until = NULL");
/// A node identifies its own lease by the end of it.
const LEASE: Sql = sql("UPDATE billing_clocks SET lease_until = $1 WHERE tenant_no = $2 \
     AND (lease_until IS NULL OR lease_until <= $3 OR lease_until = $4)");
const RELEASE: Sql = sql("UPDATE billing_clocks SET lease_until = NULL \
     WHERE tenant_no = $1 AND lease_until = $2");
const ARRIVE: Sql = sql("UPDATE billing_clocks SET advancing_to = NULL, lease_until = NULL \
     WHERE tenant_no = $1 AND advancing_to = $2");
/// Of the whole installation: clocks being advanced that no node holds.
const LEFT: Query<Tenant> = query!(
    Tenant,
    "SELECT {t} FROM billing_clocks b \
     JOIN tenants t ON t.no = b.tenant_no JOIN organizations o ON o.id = t.organization_id \
     WHERE b.advancing_to IS NOT NULL AND NOT o.suspended \
     AND (b.lease_until IS NULL OR b.lease_until <= $1) ORDER BY t.no LIMIT 16"
);

pub async fn get(tx: &mut Tx<'_, '_>, tenant: &Tenant) -> Result<TestClock, DbError> {
    Ok(tx.fetch_one(&GET, &[tenant.no.into()]).await?.unwrap_or_default())
}

/// Moves a clock that is being advanced, only forward.
pub async fn move_to(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    offset_seconds: i64,
) -> Result<(), DbError> {
    let values = [offset_seconds.into(), tenant.no.into(), offset_seconds.into()];
    tx.execute(&MOVE, &values).await.map(|_| ())
}

pub async fn set_out(tx: &mut Tx<'_, '_>, tenant: &Tenant, to: Time) -> Result<(), DbError> {
    tx.execute(&SET_OUT, &[tenant.no.into(), to.into()]).await.map(|_| ())
}

/// Takes or renews the lease; returns `false` if another node holds it.
pub async fn lease(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    held: Option<Time>,
    now: Time,
    until: Time,
) -> Result<bool, DbError> {
    let values = [until.into(), tenant.no.into(), now.into(), held.into()];
    Ok(tx.execute(&LEASE, &values).await? == 1)
}

pub async fn release(tx: &mut Tx<'_, '_>, tenant: &Tenant, held: Time) -> Result<(), DbError> {
    tx.execute(&RELEASE, &[tenant.no.into(), held.into()]).await.map(|_| ())
}

pub async fn arrive(tx: &mut Tx<'_, '_>, tenant: &Tenant, to: Time) -> Result<(), DbError> {
    tx.execute(&ARRIVE, &[tenant.no.into(), to.into()]).await.map(|_| ())
}

/// Returns the tenants whose clock has an interrupted advance.
pub async fn left(tx: &mut Tx<'_, '_>, now: Time) -> Result<Vec<Tenant>, DbError> {
    tx.fetch(&LEFT, &[now.into()]).await
}
