//! SQL statements for signing keys.

use super::{KeyStatus, NewKey, StoredKey};
use crate::base::Time;
use crate::db::{
    Cell, Column, Command, DbError, Query, Scalar, Sql, Tx, command, query, scalar, sql,
};

const KEEP_CHECK: Sql =
    sql("INSERT INTO store_facts (name, value) VALUES ('master_key_check', $1) \
     ON CONFLICT (name) DO NOTHING");
const CHECK: Scalar<[u8; 32]> =
    scalar("SELECT value FROM store_facts WHERE name = 'master_key_check'");
const LOCK: Sql = sql("UPDATE store_facts SET value = value WHERE name = 'master_key_check'");
const ALL: Query<StoredKey> =
    query!(StoredKey, "SELECT {} FROM signing_keys ORDER BY created_at DESC, kid");
const INSERT: Command<NewKey> = command!(
    NewKey,
    "INSERT INTO signing_keys (status, created_at, activated_at, {columns}) \
     VALUES ($1, $2, $3, {values})"
);
const RETIRE: Sql =
    sql("UPDATE signing_keys SET status = 'retiring', ended_at = $1 WHERE status = 'active'");
const ACTIVATE: Sql =
    sql("UPDATE signing_keys SET status = 'active', activated_at = $1 WHERE status = 'next'");
const END: Sql =
    sql("UPDATE signing_keys SET status = $1, ended_at = $2, sealed_seed = NULL WHERE kid = $3");
const REMOVE: Sql = sql("UPDATE signing_keys SET status = 'removed', sealed_seed = NULL \
     WHERE status = 'retiring' AND ended_at < $1");

/// Stores the check value of the first master key ever used and returns the stored one.
pub async fn keep_master_key_check(
    tx: &mut Tx<'_, '_>,
    check: &[u8; 32],
) -> Result<[u8; 32], DbError> {
    tx.execute(&KEEP_CHECK, &[check.into()]).await?;
    tx.scalar(&CHECK, &[]).await?.ok_or(DbError::Broken("no master key check"))
}

/// Locks the signing keys against other changes until this transaction ends.
pub async fn lock(tx: &mut Tx<'_, '_>) -> Result<(), DbError> {
    tx.execute(&LOCK, &[]).await.map(|_| ())
}

pub async fn all(tx: &mut Tx<'_, '_>) -> Result<Vec<StoredKey>, DbError> {
    tx.fetch(&ALL, &[]).await
}

pub async fn insert(
    tx: &mut Tx<'_, '_>,
    key: &NewKey,
    status: KeyStatus,
    now: Time,
) -> Result<(), DbError> {
    let activated = (status == KeyStatus::Active).then_some(now);
    let given = [status.as_str().into(), now.into(), activated.into()];
    tx.store(&INSERT, key, &given).await.map(|_| ())
}

pub async fn retire_active(tx: &mut Tx<'_, '_>, now: Time) -> Result<(), DbError> {
    tx.execute(&RETIRE, &[now.into()]).await.map(|_| ())
}

pub async fn activate_next(tx: &mut Tx<'_, '_>, now: Time) -> Result<(), DbError> {
    tx.execute(&ACTIVATE, &[now.into()]).await.map(|_| ())
}

pub async fn end(
    tx: &mut Tx<'_, '_>,
    kid: &str,
    status: KeyStatus,
    now: Time,
) -> Result<(), DbError> {
    tx.execute(&END, &[status.as_str().into(), now.into(), kid.into()]).await.map(|_| ())
}

/// Deletes the private halves of keys that retired before this instant.
pub async fn remove_retired_before(tx: &mut Tx<'_, '_>, before: Time) -> Result<u64, DbError> {
    tx.execute(&REMOVE, &[before.into()]).await
}

impl Column for KeyStatus {
    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        let Cell::Text(text) = cell else { return None };
        [Self::Next, Self::Active, Self::Retiring, Self::Revoked, Self::Removed]
            .into_iter()
            .find(|status| status.as_str() == text)
    }
}
