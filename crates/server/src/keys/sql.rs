//! The statements on API keys.

use super::{ApiKey, KeyKind, KeyRecord};
use crate::base::{ApiKeyId, PageQuery, Time};
use crate::db::{Columns, DbError, Sql, Tx, list, sql, text_columns, word_columns};
use crate::organizations::{Tenant, read_tenant};

/// The authentication statement: it starts from the key's id alone.
const RECORD: Sql = sql("SELECT t.no, t.organization_id, t.env, o.suspended, \
     k.scopes, k.secret_digest, k.expires_at, k.revoked_at IS NOT NULL \
     FROM api_keys k \
     JOIN tenants t ON t.no = k.tenant_no \
     JOIN organizations o ON o.id = t.organization_id \
     WHERE k.id = $1");
const ANY: Sql = sql("SELECT id FROM api_keys LIMIT 1");
const OF_ALL: Sql = sql("SELECT t.no, t.organization_id, t.env, k.id, k.kind, k.name, k.scopes, \
     k.last_four, k.created_at, k.expires_at, k.last_used_at, k.revoked_at \
     FROM api_keys k JOIN tenants t ON t.no = k.tenant_no ORDER BY k.id");
const INSERT: Sql = sql("INSERT INTO api_keys \
     (id, tenant_no, kind, name, scopes, secret_digest, last_four, created_at, expires_at) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)");
const GET: Sql = sql(
    "SELECT id, kind, name, scopes, last_four, created_at, expires_at, last_used_at, revoked_at \
     FROM api_keys WHERE tenant_no = $1 AND id = $2",
);
const PAGE: [Sql; 2] = list!(
    "SELECT id, kind, name, scopes, last_four, created_at, expires_at, last_used_at, revoked_at \
     FROM api_keys WHERE tenant_no = $1 AND id < $2 AND id > $3",
    "id",
    "$4"
);
/// A second revocation keeps the first one's time and may only add the sessions' end.
const REVOKE: Sql = sql("UPDATE api_keys SET revoked_at = COALESCE(revoked_at, $1), \
     sessions_revoked = (sessions_revoked OR $2) WHERE tenant_no = $3 AND id = $4");
const REVOKE_ALL: Sql = sql("UPDATE api_keys SET revoked_at = $1 WHERE revoked_at IS NULL");
const USED: Sql = sql("UPDATE api_keys SET last_used_at = $1 WHERE id = $2 \
     AND (last_used_at IS NULL OR last_used_at < $1)");

pub async fn record(tx: &mut Tx<'_, '_>, id: ApiKeyId) -> Result<Option<KeyRecord>, DbError> {
    tx.one(&RECORD, &[id.into()], |row| {
        Ok(KeyRecord {
            tenant: read_tenant(row)?,
            organization_suspended: row.take()?,
            scopes: row.take()?,
            secret_digest: row.take()?,
            expires_at: row.take()?,
            revoked: row.take()?,
        })
    })
    .await
}

/// Whether the installation has a key.
pub async fn any(tx: &mut Tx<'_, '_>) -> Result<bool, DbError> {
    Ok(tx.one(&ANY, &[], |row| row.take::<String>()).await?.is_some())
}

/// Every key of the installation with its tenant, for the operator.
pub async fn of_all_tenants(tx: &mut Tx<'_, '_>) -> Result<Vec<(Tenant, ApiKey)>, DbError> {
    tx.all(&OF_ALL, &[], |row| Ok((read_tenant(row)?, read(row)?))).await
}

pub async fn insert(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    key: &ApiKey,
    digest: &[u8; 32],
) -> Result<(), DbError> {
    let values = [
        key.id.into(),
        tenant.no.into(),
        key.kind.into(),
        (&key.name).into(),
        key.scopes.to_string().into(),
        digest.into(),
        (&key.last_four).into(),
        key.created_at.into(),
        key.expires_at.into(),
    ];
    tx.execute(&INSERT, &values).await.map(|_| ())
}

pub async fn get(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    id: ApiKeyId,
) -> Result<Option<ApiKey>, DbError> {
    tx.one(&GET, &[tenant.no.into(), id.into()], read).await
}

pub async fn page(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    query: &PageQuery,
) -> Result<Vec<ApiKey>, DbError> {
    let (before, after, newer) = query.bounds();
    let values = [tenant.no.into(), before.into(), after.into(), query.fetch().into()];
    tx.all(&PAGE[usize::from(newer)], &values, read).await
}

/// Ends a key; `false` where the tenant has none of this id.
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

/// Ends every key of the installation.
pub async fn revoke_all(tx: &mut Tx<'_, '_>, now: Time) -> Result<u64, DbError> {
    tx.execute(&REVOKE_ALL, &[now.into()]).await
}

pub async fn note_use(tx: &mut Tx<'_, '_>, id: ApiKeyId, at: Time) -> Result<(), DbError> {
    tx.execute(&USED, &[at.into(), id.into()]).await.map(|_| ())
}

fn read(row: &mut Columns<'_>) -> Result<ApiKey, DbError> {
    Ok(ApiKey {
        id: row.take()?,
        kind: row.take()?,
        name: row.take()?,
        scopes: row.take()?,
        last_four: row.take()?,
        created_at: row.take()?,
        expires_at: row.take()?,
        last_used_at: row.take()?,
        revoked_at: row.take()?,
    })
}

text_columns!(super::KeyScopes);
word_columns!(KeyKind);
