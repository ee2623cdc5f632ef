//! The statements on idempotency records.

use super::{Idempotency, KEPT_FOR_SECONDS, Kept};
use crate::base::Time;
use crate::db::{DbError, Sql, Tx, sql, sql_of_each};
use serde_json::Value;

/// The embedded store has one writer, so no twin runs at the same time.
const WAIT: Sql = sql_of_each(
    "SELECT $1, $2",
    "SELECT pg_advisory_xact_lock(hashtextextended(CAST($1 AS TEXT), hashtextextended($2, 0)))",
);
const FIND: Sql = sql("SELECT request, response FROM idempotency_records \
     WHERE caller = $1 AND key = $2 AND created_at > $3");
/// Replaces a record that is too old to count; a younger one stands.
const KEEP: Sql = sql("INSERT INTO idempotency_records \
     (caller, key, request, response, created_at) VALUES ($1, $2, $3, $4, $5) \
     ON CONFLICT (caller, key) DO UPDATE SET request = excluded.request, \
     response = excluded.response, created_at = excluded.created_at \
     WHERE idempotency_records.created_at <= $6");
const DELETE_OLD: Sql = sql("DELETE FROM idempotency_records WHERE (caller, key) IN \
     (SELECT caller, key FROM idempotency_records WHERE created_at <= $1 \
     ORDER BY created_at LIMIT $2)");

pub async fn find(tx: &mut Tx<'_, '_>, idempotency: &Idempotency) -> Result<Option<Kept>, DbError> {
    let values =
        [(&idempotency.caller).into(), (&idempotency.key).into(), oldest(idempotency.now).into()];
    let kept =
        tx.one(&FIND, &values, |row| Ok((row.take::<[u8; 32]>()?, row.take::<String>()?))).await?;
    let Some((request, response)) = kept else { return Ok(None) };
    if request != idempotency.request {
        return Ok(Some(Kept::OfAnotherRequest));
    }
    let body = serde_json::from_str(&response).map_err(|e| DbError::Unexpected(e.into()))?;
    Ok(Some(Kept::Answer(body)))
}

/// Has twins go one after the other, each in its own transaction.
pub async fn wait_for_twin(tx: &mut Tx<'_, '_>, idempotency: &Idempotency) -> Result<(), DbError> {
    let values = [(&idempotency.caller).into(), (&idempotency.key).into()];
    tx.one(&WAIT, &values, |_| Ok(())).await.map(|_| ())
}

/// Keeps an answer with the effect of this transaction.
pub async fn keep(
    tx: &mut Tx<'_, '_>,
    idempotency: &Idempotency,
    body: &Value,
) -> Result<(), DbError> {
    let values = [
        (&idempotency.caller).into(),
        (&idempotency.key).into(),
        (&idempotency.request).into(),
        body.to_string().into(),
        idempotency.now.into(),
        oldest(idempotency.now).into(),
    ];
    match tx.execute(&KEEP, &values).await? {
        0 => Err(tx.again()),
        _ => Ok(()),
    }
}

pub async fn delete_old(tx: &mut Tx<'_, '_>, now: Time, limit: i64) -> Result<u64, DbError> {
    tx.execute(&DELETE_OLD, &[oldest(now).into(), limit.into()]).await
}

const fn oldest(now: Time) -> Time {
    now.plus_seconds(-KEPT_FOR_SECONDS)
}
