//! The statements on test clocks.

use super::TestClock;
use crate::base::Time;
use crate::db::{DbError, Sql, Tx, sql};
use crate::organizations::{Tenant, read_tenant};

const GET: Sql =
    sql("SELECT offset_seconds, advancing_to FROM billing_clocks WHERE tenant_no = $1");
const MOVE: Sql = sql("UPDATE billing_clocks SET offset_seconds = $1 \
     WHERE tenant_no = $2 AND advancing_to IS NOT NULL AND offset_seconds < $3");
const SET_OUT: Sql = sql("INSERT INTO billing_clocks (tenant_no, advancing_to) VALUES ($1, $2) \
     ON CONFLICT (tenant_no) DO UPDATE SET advancing_to = excluded.advancing_to, \
     lease_until = NULL");
/// Whoever holds a lease knows its end.
const LEASE: Sql = sql("UPDATE billing_clocks SET lease_until = $1 WHERE tenant_no = $2 \
     AND (lease_until IS NULL OR lease_until <= $3 OR lease_until = $4)");
const RELEASE: Sql = sql("UPDATE billing_clocks SET lease_until = NULL \
     WHERE tenant_no = $1 AND lease_until = $2");
const ARRIVE: Sql = sql("UPDATE billing_clocks SET advancing_to = NULL, lease_until = NULL \
     WHERE tenant_no = $1 AND advancing_to = $2");
/// The installation's whole: clocks on their way that no node holds.
const LEFT: Sql = sql("SELECT t.no, t.organization_id, t.env FROM billing_clocks b \
     JOIN tenants t ON t.no = b.tenant_no JOIN organizations o ON o.id = t.organization_id \
     WHERE b.advancing_to IS NOT NULL AND NOT o.suspended \
     AND (b.lease_until IS NULL OR b.lease_until <= $1) ORDER BY t.no LIMIT 16");

pub async fn get(tx: &mut Tx<'_, '_>, tenant: &Tenant) -> Result<TestClock, DbError> {
    let clock = tx
        .one(&GET, &[tenant.no.into()], |row| {
            Ok(TestClock { offset_seconds: row.take()?, advancing_to: row.take()? })
        })
        .await?;
    Ok(clock.unwrap_or_default())
}

/// Moves a clock that is being advanced, forward alone.
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

/// Takes or renews the lease; `false` where another node holds it.
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

/// The tenants whose clock nobody is advancing any more.
pub async fn left(tx: &mut Tx<'_, '_>, now: Time) -> Result<Vec<Tenant>, DbError> {
    tx.all(&LEFT, &[now.into()], read_tenant).await
}
