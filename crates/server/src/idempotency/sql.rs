//! SQL statements for idempotency records.

use super::{Earlier, Idempotency, KEPT_FOR_SECONDS};
use crate::base::Time;
use crate::db::{Command, DbError, FromRow, Query, Sql, Tx, command, query, sql, sql_of_each};
use serde_json::Value;

/// SQLite has one writer, so no request of the same key runs at the same time.
const WAIT: Sql = sql_of_each(
    "SELECT $1, $2",
    "SELECT pg_advisory_xact_lock(hashtextextended(CAST($1 AS TEXT), hashtextextended($2, 0)))",
);
const FIND: Query<Record> = query!(
    Record,
    "SELECT {} FROM idempotency_records WHERE caller = $1 AND key = $2 AND created_at > $3"
);
/// Replaces an expired record; a younger one stays.
const KEEP: Command<Idempotency> = command!(
    Idempotency,
    "INSERT INTO idempotency_records ({columns}, response) VALUES ({values}, $1) \
     ON CONFLICT (caller, key) DO UPDATE SET request = excluded.request, \
     response = excluded.response, created_at = excluded.created_at \
     WHERE idempotency_records.created_at <= $2"
);
const DELETE_OLD: Sql = sql("DELETE FROM idempotency_records WHERE (caller, key) IN \
     (SELECT caller, key FROM idempotency_records WHERE created_at <= $1 \
     ORDER BY created_at LIMIT $2)");
const ERASE: Sql = sql("DELETE FROM idempotency_records WHERE response LIKE $1");

#[derive(FromRow)]
struct Record {
    request: [u8; 32],
    response: String,
}

pub async fn find(
    tx: &mut Tx<'_, '_>,
    idempotency: &Idempotency,
) -> Result<Option<Earlier>, DbError> {
    let values =
        [(&idempotency.caller).into(), (&idempotency.key).into(), oldest(idempotency.now).into()];
    let Some(Record { request, response }) = tx.fetch_one(&FIND, &values).await? else {
        return Ok(None);
    };
    if request != idempotency.request {
        return Ok(Some(Earlier::OfAnotherRequest));
    }
    let body = serde_json::from_str(&response).map_err(|e| DbError::Unexpected(e.into()))?;
    Ok(Some(Earlier::Answer(body)))
}

/// Serializes concurrent requests of one key until the transaction ends.
pub async fn wait_for_twin(tx: &mut Tx<'_, '_>, idempotency: &Idempotency) -> Result<(), DbError> {
    let values = [(&idempotency.caller).into(), (&idempotency.key).into()];
    tx.exists(&WAIT, &values).await.map(|_| ())
}

/// Stores an answer in the transaction of its effect.
pub async fn keep(
    tx: &mut Tx<'_, '_>,
    idempotency: &Idempotency,
    body: &Value,
) -> Result<(), DbError> {
    let given = [body.to_string().into(), oldest(idempotency.now).into()];
    match tx.store(&KEEP, idempotency, &given).await? {
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

/// Deletes the stored responses that contain this id.
pub async fn erase(tx: &mut Tx<'_, '_>, id: &str) -> Result<(), DbError> {
    tx.execute(&ERASE, &[format!("%{id}%").as_str().into()]).await.map(|_| ())
}
