//! SQL statements for API keys.

use super::{ApiKey, KeyKind, KeyRecord};
use crate::base::{ApiKeyId, PageQuery, Time};
use crate::db::{
    Command, DbError, FromRow, Pages, Query, Sql, Tx, command, pages, query, sql, text_columns,
    word_columns,
};
use crate::organizations::Tenant;

/// The authentication statement: it starts from the key's id only.
const RECORD: Query<KeyRecord> = query!(
    KeyRecord,
    "SELECT {k, tenant: t} FROM api_keys k \
     JOIN tenants t ON t.no = k.tenant_no \
     JOIN organizations o ON o.id = t.organization_id \
     WHERE k.id = $1",
    organization_suspended = "o.suspended",
    revoked = "k.revoked_at IS NOT NULL",
    session_events = "t.session_events",
);
const ANY: Sql = sql("SELECT id FROM api_keys LIMIT 1");
const OF_ALL: Query<KeyOfTenant> = query!(
    KeyOfTenant,
    "SELECT {tenant: t, key: k} FROM api_keys k JOIN tenants t ON t.no = k.tenant_no ORDER BY k.id"
);
const INSERT: Command<ApiKey> = command!(
    ApiKey,
    "INSERT INTO api_keys (tenant_no, secret_digest, {columns}) VALUES ($1, $2, {values})"
);
const GET: Query<ApiKey> =
    query!(ApiKey, "SELECT {} FROM api_keys WHERE tenant_no = $1 AND id = $2");
const PAGE: Pages<ApiKey> = pages!(
    ApiKey,
    "SELECT {} FROM api_keys WHERE tenant_no = $1 AND id < $2 AND id > $3 \
     ORDER BY id {order} LIMIT $4"
);
/// A second revocation keeps the first one's time and can only add the end of the sessions.
const REVOKE: Sql = sql("UPDATE api_keys SET revoked_at = COALESCE(revoked_at, $1), \
     sessions_revoked = (sessions_revoked OR $2) WHERE tenant_no = $3 AND id = $4");
const REVOKE_ALL: Sql = sql("UPDATE api_keys SET revoked_at = $1 WHERE revoked_at IS NULL");
const USED: Sql = sql("UPDATE api_keys SET last_used_at = $1 WHERE id = $2 \
     AND (last_used_at IS NULL OR last_used_at < $1)");

#[derive(FromRow)]
struct KeyOfTenant {
    #[record(join)]
    tenant: Tenant,
    #[record(join)]
    key: ApiKey,
}

pub async fn record(tx: &mut Tx<'_, '_>, id: ApiKeyId) -> Result<Option<KeyRecord>, DbError> {
    tx.fetch_one(&RECORD, &[id.into()]).await
}

/// Whether the installation has any key.
pub async fn any(tx: &mut Tx<'_, '_>) -> Result<bool, DbError> {
    tx.exists(&ANY, &[]).await
}

/// Lists all keys of the installation with their tenants, for the operator.
pub async fn of_all_tenants(tx: &mut Tx<'_, '_>) -> Result<Vec<(Tenant, ApiKey)>, DbError> {
    let keys = tx.fetch(&OF_ALL, &[]).await?;
    Ok(keys.into_iter().map(|KeyOfTenant { tenant, key }| (tenant, key)).collect())
}

pub async fn insert(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    key: &ApiKey,
    digest: &[u8; 32],
) -> Result<(), DbError> {
    tx.store(&INSERT, key, &[tenant.no.into(), digest.into()]).await.map(|_| ())
}

pub async fn get(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    id: ApiKeyId,
) -> Result<Option<ApiKey>, DbError> {
    tx.fetch_one(&GET, &[tenant.no.into(), id.into()]).await
}

pub async fn page(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    query: &PageQuery,
) -> Result<Vec<ApiKey>, DbError> {
    let (before, after, newer) = query.bounds();
    let values = [tenant.no.into(), before.into(), after.into(), query.fetch().into()];
    tx.fetch(&PAGE[usize::from(newer)], &values).await
}

/// Revokes a key; returns `false` if the tenant has none of this id.
pub async fn revoke(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    id: ApiKeyId,
    sessions: bool,
    now: Time,
) -> Result<bool, DbError> {
    let values = [now.into(), sessions.into(), tenant.no.into(), id.into()];
    Ok(tx.execute(&REVOKE, &values).await? == 1)
}

/// Revokes every key of the installation.
pub async fn revoke_all(tx: &mut Tx<'_, '_>, now: Time) -> Result<u64, DbError> {
    tx.execute(&REVOKE_ALL, &[now.into()]).await
}

pub async fn note_use(tx: &mut Tx<'_, '_>, id: ApiKeyId, at: Time) -> Result<(), DbError> {
    tx.execute(&USED, &[at.into(), id.into()]).await.map(|_| ())
}

text_columns!(super::KeyScopes);
word_columns!(KeyKind);
