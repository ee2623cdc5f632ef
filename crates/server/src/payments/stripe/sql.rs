//! The statements on tenants' Stripe accounts.

use super::accounts::Connection;
use crate::base::Time;
use crate::db::{DbError, FromRow, Query, Scalar, Sql, Tx, Value, query, scalar, sql};
use crate::organizations::Tenant;

macro_rules! connections {
    ($rest:literal) => {
        query!(
            Connection,
            concat!(
                "SELECT {a, tenant: t} FROM processor_accounts a \
                 JOIN tenants t ON t.no = a.tenant_no ",
                $rest
            ),
        )
    };
}

const OF_TENANT: Query<Connection> = connections!("WHERE a.tenant_no = $1");
const OF_ENDPOINT: Query<Connection> =
    connections!("WHERE a.endpoint = $1 AND a.sealed IS NOT NULL");
const ALL: Query<Connection> = connections!("ORDER BY t.no");
const VERSION: Scalar<String> =
    scalar("SELECT version FROM processor_accounts WHERE tenant_no = $1 AND sealed IS NOT NULL");
const IS_USED: Sql = sql("SELECT 1 FROM processor_accounts WHERE sealed IS NOT NULL LIMIT 1");
const KEEP: Sql = sql("INSERT INTO processor_accounts (tenant_no, processor, endpoint, version, \
     account, last_four, publishable_key, sealed, polled_to, poll_at, created_at, updated_at) \
     VALUES ($1, 'stripe', $2, $3, $4, $5, $6, $7, $8, $8, $8, $8) \
     ON CONFLICT (tenant_no) DO UPDATE SET version = excluded.version, \
     account = excluded.account, last_four = excluded.last_four, \
     publishable_key = excluded.publishable_key, sealed = excluded.sealed, \
     updated_at = excluded.updated_at");
const DISCONNECT: Sql = sql("UPDATE processor_accounts SET sealed = NULL, version = $1, \
     updated_at = $2 WHERE tenant_no = $3 AND sealed IS NOT NULL");
const HAS_CUSTOMERS: Sql =
    sql("SELECT 1 FROM processor_customers WHERE tenant_no = $1 AND processor = 'stripe' LIMIT 1");
const TO_POLL: Query<ToPoll> = query!(
    ToPoll,
    "SELECT {a, tenant: t} FROM processor_accounts a JOIN tenants t ON t.no = a.tenant_no \
     WHERE a.sealed IS NOT NULL AND a.poll_at <= $1"
);
const TAKE_POLL: Sql = sql("UPDATE processor_accounts SET poll_at = $1 \
     WHERE tenant_no = $2 AND poll_at <= $3");
const POLLED: Sql = sql("UPDATE processor_accounts SET polled_to = $1 \
     WHERE tenant_no = $2 AND polled_to < $1");

/// An account whose events should be read now, and the time up to which they were read.
#[derive(FromRow)]
pub struct ToPoll {
    pub polled_to: Time,
    #[record(join)]
    pub tenant: Tenant,
}

pub(super) async fn of_tenant(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
) -> Result<Option<Connection>, DbError> {
    tx.fetch_one(&OF_TENANT, &[tenant.no.into()]).await
}

pub(super) async fn of_endpoint(
    tx: &mut Tx<'_, '_>,
    endpoint: &str,
) -> Result<Option<Connection>, DbError> {
    tx.fetch_one(&OF_ENDPOINT, &[endpoint.into()]).await
}

pub(super) async fn all(tx: &mut Tx<'_, '_>) -> Result<Vec<Connection>, DbError> {
    tx.fetch(&ALL, &[]).await
}

/// The version of a tenant's credentials; `None` if it has none.
pub(super) async fn version(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
) -> Result<Option<String>, DbError> {
    tx.scalar(&VERSION, &[tenant.no.into()]).await
}

/// Whether any tenant has credentials.
pub(super) async fn is_used(tx: &mut Tx<'_, '_>) -> Result<bool, DbError> {
    tx.exists(&IS_USED, &[]).await
}

/// Stores a tenant's credentials. Its webhook endpoint never changes.
pub(super) async fn keep(
    tx: &mut Tx<'_, '_>,
    connection: &Connection,
    now: Time,
) -> Result<(), DbError> {
    let values = [
        connection.tenant.no.into(),
        (&connection.endpoint).into(),
        (&connection.version).into(),
        (&connection.account).into(),
        (&connection.last_four).into(),
        (&connection.publishable_key).into(),
        connection.sealed.as_deref().map_or(Value::Null, Value::Blob),
        now.into(),
    ];
    tx.execute(&KEEP, &values).await.map(|_| ())
}

/// Deletes a tenant's secrets and remembers its account; `false` if there are none.
pub(super) async fn disconnect(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    version: &str,
    now: Time,
) -> Result<bool, DbError> {
    let values = [version.into(), now.into(), tenant.no.into()];
    Ok(tx.execute(&DISCONNECT, &values).await? == 1)
}

/// Whether the tenant's customers have references at Stripe, which only one account knows.
pub(super) async fn has_customers(tx: &mut Tx<'_, '_>, tenant: &Tenant) -> Result<bool, DbError> {
    tx.exists(&HAS_CUSTOMERS, &[tenant.no.into()]).await
}

/// The accounts whose events should be read now.
pub(super) async fn to_poll(tx: &mut Tx<'_, '_>, now: Time) -> Result<Vec<ToPoll>, DbError> {
    tx.fetch(&TO_POLL, &[now.into()]).await
}

/// Reserves a tenant's events for this node until `next`; `false` if another node was first.
pub(super) async fn take_poll(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    now: Time,
    next: Time,
) -> Result<bool, DbError> {
    let values = [next.into(), tenant.no.into(), now.into()];
    Ok(tx.execute(&TAKE_POLL, &values).await? == 1)
}

pub(super) async fn polled(tx: &mut Tx<'_, '_>, tenant: &Tenant, to: Time) -> Result<(), DbError> {
    tx.execute(&POLLED, &[to.into(), tenant.no.into()]).await.map(|_| ())
}
