//! The test clock: billing time in the sandbox is real time plus an offset that only grows.
//!
//! Billing alone asks here. Portal sessions, keys, idempotency, limits and audit use real time, and
//! so does billing in the live environment.

mod sql;

use crate::base::Time;
use crate::db::{DbError, Tx};
use crate::organizations::{Environment, Tenant};

/// Billing's now of a tenant, in whole seconds, of the real one.
pub async fn now(tx: &mut Tx<'_, '_>, tenant: &Tenant, real: Time) -> Result<Time, DbError> {
    let offset = match tenant.environment {
        Environment::Live => 0,
        Environment::Sandbox => sql::offset_seconds(tx, tenant).await?,
    };
    Ok(Time::from_seconds(real.seconds() + offset))
}
