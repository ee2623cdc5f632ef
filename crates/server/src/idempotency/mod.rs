//! Idempotency records: a repeated request is answered as it was the first time.
//!
//! A record is written in the transaction of its effect and by nothing else, so there is never one
//! without the other. A twin that runs at the same time finds the other's record when it writes its
//! own, and its whole transaction is then run again, which makes it a replay.

mod sql;

pub use sql::delete_old;

use crate::base::Time;
use crate::db::{DbError, ToRow, Tx};
use serde_json::Value;

/// How long an answer is repeated.
pub const KEPT_FOR_SECONDS: i64 = 86_400;

/// What a request says of itself.
#[derive(Clone, Debug, ToRow)]
pub struct Idempotency {
    /// The API key, or for a portal token the customer.
    pub caller: String,
    pub key: String,
    /// SHA-256 of method, path and raw body.
    pub request: [u8; 32],
    #[record(name = "created_at")]
    pub now: Time,
}

/// What an earlier request of this key left.
#[derive(Clone, Debug)]
pub enum Kept {
    Answer(Value),
    OfAnotherRequest,
}

/// What a request came to: done now, or done before.
#[derive(Clone, Debug)]
pub enum Outcome {
    Fresh(Value),
    Replay(Value),
}

/// The key was used with another request.
#[derive(Clone, Copy, Debug)]
pub struct KeyReused;

/// What is to be answered again, where the request was done before.
pub async fn replay<E>(
    tx: &mut Tx<'_, '_>,
    idempotency: Option<&Idempotency>,
) -> Result<Option<Value>, E>
where
    E: From<DbError> + From<KeyReused>,
{
    let Some(idempotency) = idempotency else { return Ok(None) };
    match sql::find(tx, idempotency).await? {
        None => Ok(None),
        Some(Kept::Answer(body)) => Ok(Some(body)),
        Some(Kept::OfAnotherRequest) => Err(KeyReused.into()),
    }
}

/// Waits for the end of a twin that runs at the same time. Where a rule of the effect would refuse
/// the twin before it comes to keep its answer, it waits first and is then a replay.
pub async fn wait_for_twin(
    tx: &mut Tx<'_, '_>,
    idempotency: Option<&Idempotency>,
) -> Result<(), DbError> {
    match idempotency {
        None => Ok(()),
        Some(idempotency) => sql::wait_for_twin(tx, idempotency).await,
    }
}

/// Keeps what is to be answered again, with the effect of this transaction.
pub async fn keep(
    tx: &mut Tx<'_, '_>,
    idempotency: Option<&Idempotency>,
    body: &Value,
) -> Result<(), DbError> {
    match idempotency {
        None => Ok(()),
        Some(idempotency) => sql::keep(tx, idempotency, body).await,
    }
}
