//! The statements on tenants' processors over HTTP.

use super::connections::Connection;
use crate::base::Time;
use crate::db::{DbError, FromRow, Query, Sql, Tx, Value, query, sql};
use crate::organizations::Tenant;

macro_rules! connections {
    ($rest:literal) => {
        query!(
            Connection,
            concat!(
                "SELECT {p, tenant: t} FROM http_processors p \
                 JOIN tenants t ON t.no = p.tenant_no ",
                $rest
            ),
        )
    };
}

const OF_TENANT: Query<Connection> = connections!("WHERE p.tenant_no = $1");
const OF_ENDPOINT: Query<Connection> =
    connections!("WHERE p.endpoint = $1 AND p.sealed IS NOT NULL");
const ALL: Query<Connection> = connections!("ORDER BY t.no");
const STATE: Query<State> = query!(
    State,
    "SELECT {p} FROM http_processors p WHERE p.tenant_no = $1 AND p.sealed IS NOT NULL"
);
const KEEP: Sql = sql("INSERT INTO http_processors (tenant_no, endpoint, version, url, account, \
     terms, takes_new, sealed, poll_at, created_at, updated_at) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9, $9) \
     ON CONFLICT (tenant_no) DO UPDATE SET version = excluded.version, url = excluded.url, \
     account = excluded.account, terms = excluded.terms, takes_new = excluded.takes_new, \
     sealed = excluded.sealed, updated_at = excluded.updated_at");
const STEP_BACK: Sql = sql("UPDATE http_processors SET takes_new = FALSE WHERE tenant_no = $1");
const DISCONNECT: Sql = sql("UPDATE http_processors SET sealed = NULL, version = $1, \
     updated_at = $2 WHERE tenant_no = $3 AND sealed IS NOT NULL");
const HAS_CUSTOMERS: Sql =
    sql("SELECT 1 FROM processor_customers WHERE tenant_no = $1 AND processor = 'http' LIMIT 1");
const TO_POLL: Query<ToPoll> = query!(
    ToPoll,
    "SELECT {tenant: t} FROM http_processors p JOIN tenants t ON t.no = p.tenant_no \
     WHERE p.sealed IS NOT NULL AND p.poll_at <= $1"
);
const TAKE_POLL: Sql = sql("UPDATE http_processors SET poll_at = $1 \
     WHERE tenant_no = $2 AND poll_at <= $3");

/// The columns by which a processor is chosen.
#[derive(FromRow)]
pub struct State {
    pub version: String,
    pub takes_new: bool,
}

#[derive(FromRow)]
struct ToPoll {
    #[record(join)]
    tenant: Tenant,
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

/// The state of a tenant's processor; `None` if it has connected none.
pub(super) async fn state(tx: &mut Tx<'_, '_>, tenant: &Tenant) -> Result<Option<State>, DbError> {
    tx.fetch_one(&STATE, &[tenant.no.into()]).await
}

/// Stores a tenant's processor. Its endpoint for events never changes.
pub(super) async fn keep(
    tx: &mut Tx<'_, '_>,
    connection: &Connection,
    now: Time,
) -> Result<(), DbError> {
    let values = [
        connection.tenant.no.into(),
        (&connection.endpoint).into(),
        (&connection.version).into(),
        (&connection.url).into(),
        (&connection.account).into(),
        (&connection.terms).into(),
        connection.takes_new.into(),
        connection.sealed.as_deref().map_or(Value::Null, Value::Blob),
        now.into(),
    ];
    tx.execute(&KEEP, &values).await.map(|_| ())
}

/// Lets another processor take new payments.
pub(super) async fn step_back(tx: &mut Tx<'_, '_>, tenant: &Tenant) -> Result<(), DbError> {
    tx.execute(&STEP_BACK, &[tenant.no.into()]).await.map(|_| ())
}

/// Deletes a tenant's secrets; `false` if there are none.
pub(super) async fn disconnect(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    version: &str,
    now: Time,
) -> Result<bool, DbError> {
    let values = [version.into(), now.into(), tenant.no.into()];
    Ok(tx.execute(&DISCONNECT, &values).await? == 1)
}

/// Whether the tenant's customers have references, which only one account knows.
pub(super) async fn has_customers(tx: &mut Tx<'_, '_>, tenant: &Tenant) -> Result<bool, DbError> {
    tx.exists(&HAS_CUSTOMERS, &[tenant.no.into()]).await
}

/// The tenants whose open forms should be asked for now.
pub(super) async fn to_poll(tx: &mut Tx<'_, '_>, now: Time) -> Result<Vec<Tenant>, DbError> {
    let found = tx.fetch(&TO_POLL, &[now.into()]).await?;
    Ok(found.into_iter().map(|ToPoll { tenant }| tenant).collect())
}

/// Reserves a tenant's open forms for this node until `next`; `false` if another node was first.
pub(super) async fn take_poll(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    now: Time,
    next: Time,
) -> Result<bool, DbError> {
    let values = [next.into(), tenant.no.into(), now.into()];
    Ok(tx.execute(&TAKE_POLL, &values).await? == 1)
}
