//! Idempotency records: a repeated request gets the first response again.
//!
//! A record is written only in the transaction of its effect, so neither exists without the other.
//! A concurrent request with the same key finds the other's record when it writes its own. Its
//! transaction then runs again and becomes a replay.

mod sql;

pub use sql::{delete_old, erase};

use crate::base::Time;
use crate::db::{DbError, ToRow, Tx};
use serde_json::Value;

/// The time for which responses are replayed.
pub const KEPT_FOR_SECONDS: i64 = 86_400;

/// The idempotency data of a request.
#[derive(Clone, Debug, ToRow)]
pub struct Idempotency {
    /// The API key or, for a portal token, the customer.
    pub caller: String,
    pub key: String,
    /// SHA-256 of method, path and raw body.
    pub request: [u8; 32],
    #[record(name = "created_at")]
    pub now: Time,
}

/// The record of an earlier request with this key.
#[derive(Clone, Debug)]
pub enum Earlier {
    Answer(Value),
    OfAnotherRequest,
}

/// The response of a request: new or replayed.
#[derive(Clone, Debug)]
pub enum Outcome {
    Fresh(Value),
    Replay(Value),
}

/// The key was used with another request.
#[derive(Clone, Copy, Debug)]
pub struct KeyReused;

/// Returns the stored response if the request was done before.
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
        Some(Earlier::Answer(body)) => Ok(Some(body)),
        Some(Earlier::OfAnotherRequest) => Err(KeyReused.into()),
    }
}

/// Waits for a concurrent request with the same key. If a rule would refuse this request before it
/// stores its response, waiting first makes it a replay.
pub async fn wait_for_twin(
    tx: &mut Tx<'_, '_>,
    idempotency: Option<&Idempotency>,
) -> Result<(), DbError> {
    match idempotency {
        None => Ok(()),
        Some(idempotency) => sql::wait_for_twin(tx, idempotency).await,
    }
}

/// Stores the response with the effect of this transaction.
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
