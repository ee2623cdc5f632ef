//! The test clock: billing time in the sandbox is real time plus an offset that only grows.
//!
//! Only billing uses it. Portal sessions, keys, idempotency, limits and audit use real time, and so
//! does billing in the live environment. `advance` moves the clock from one due item to the next,
//! so that each runs at its own instant. Other billing writes are refused meanwhile.

pub mod http;
mod sql;

pub use sql::{arrive, lease, left, release, set_out};

use crate::base::Time;
use crate::db::{DbError, FromRow, Tx};
use crate::organizations::{Environment, Tenant};

/// The tenant's clock is advancing, so billing writes are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Advancing;

/// Returns a tenant's billing time in whole seconds for this real time.
pub async fn now(tx: &mut Tx<'_, '_>, tenant: &Tenant, real: Time) -> Result<Time, DbError> {
    Ok(clock(tx, tenant).await?.now(real))
}

/// Returns the same for a write, which is refused while the clock advances.
pub async fn write_now<E>(tx: &mut Tx<'_, '_>, tenant: &Tenant, real: Time) -> Result<Time, E>
where
    E: From<DbError> + From<Advancing>,
{
    let clock = clock(tx, tenant).await?;
    match clock.advancing_to {
        Some(_) => Err(Advancing.into()),
        None => Ok(clock.now(real)),
    }
}

/// A tenant's stored clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromRow)]
pub struct TestClock {
    offset_seconds: i64,
    pub advancing_to: Option<Time>,
}

impl TestClock {
    pub const fn now(&self, real: Time) -> Time {
        Time::from_seconds(real.seconds() + self.offset_seconds)
    }
}

pub async fn clock(tx: &mut Tx<'_, '_>, tenant: &Tenant) -> Result<TestClock, DbError> {
    match tenant.environment {
        Environment::Live => Ok(TestClock::default()),
        Environment::Sandbox => sql::get(tx, tenant).await,
    }
}

/// Moves an advancing clock forward to this instant.
pub async fn move_to(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    at: Time,
    real: Time,
) -> Result<(), DbError> {
    match tenant.environment {
        Environment::Live => Ok(()),
        Environment::Sandbox => sql::move_to(tx, tenant, at.seconds() - real.seconds()).await,
    }
}
