//! Advances the test clock from one due item to the next, each at its own instant, in order.
//!
//! The target is stored, so any node continues after a crash. One node at a time advances a clock,
//! holding a lease in real time, which it renews.

use crate::app::App;
use crate::audit::{self, Action, Actor, NewAuditEvent};
use crate::base::Time;
use crate::credits;
use crate::db::{DbError, Lane, Tx};
use crate::flows::announce::announce;
use crate::flows::due;
use crate::organizations::Tenant;
use crate::test_clock::{self, TestClock};
use crate::work::Work;
use serde_json::json;
use std::time::Duration;
use tokio::time::Instant;

/// The furthest that one call may advance.
const MOST_SECONDS: i64 = 2 * 366 * 86_400;
const LEASE_SECONDS: i64 = 30;
const RENEWED_AFTER: Duration = Duration::from_secs(10);
const BITE: i64 = 64;

#[derive(Debug)]
pub enum ClockError {
    Db(DbError),
    Advancing,
    /// The target is in the past, or too far ahead.
    OutOfRange,
}

/// Stores the target of a clock. Until it is reached, other billing writes are refused. Idempotent
/// for the same target.
pub async fn set_out(work: &mut Work<'_, '_, '_>, to: Time) -> Result<(), ClockError> {
    let clock = test_clock::clock(work.tx, work.tenant).await?;
    if clock.advancing_to == Some(to) {
        return Ok(());
    }
    if clock.advancing_to.is_some() {
        return Err(ClockError::Advancing);
    }
    let now = clock.now(work.by.now);
    if to < now || to > now.plus_seconds(MOST_SECONDS) {
        return Err(ClockError::OutOfRange);
    }
    test_clock::set_out(work.tx, work.tenant, to).await?;
    note(work, now, to).await?;
    Ok(())
}

async fn note(work: &mut Work<'_, '_, '_>, now: Time, to: Time) -> Result<(), DbError> {
    let event = NewAuditEvent {
        id: work.by.ids.event(),
        actor: work.by.actor,
        action: Action::TestClockAdvanced,
        target_id: work.tenant.organization_id.to_string(),
        customer_id: None,
        detail: json!({ "from": now, "to": to }),
        at: work.by.now,
    };
    audit::record(work.tx, work.tenant.no, &event).await
}

/// Continues advancing a clock for this long, and returns its state.
pub async fn go_on(app: &App, tenant: &Tenant, time: Duration) -> Result<TestClock, DbError> {
    let (end, mut renew, mut held) = (Instant::now() + time, Instant::now(), None);
    loop {
        let clock = test_clock::clock(&mut app.db.read().await?, tenant).await?;
        let Some(to) = clock.advancing_to else { return Ok(clock) };
        if renew <= Instant::now() {
            held = lease(app, tenant, held).await?;
            renew = Instant::now() + RENEWED_AFTER;
        }
        let Some(held) = held else { return Ok(clock) };
        let due = due::first(&mut app.db.read().await?, tenant, to, BITE).await?;
        let next = due.first().map_or(to, |due| due.at);
        announce(app, tenant, clock.now(app.clock.now()), next).await?;
        due::run_at_once(app, &due).await?;
        if due.is_empty() && write_wallets(app, tenant, to).await? {
            arrive(app, tenant, to).await?;
        } else if end <= Instant::now() {
            return release(app, tenant, held).await.map(|()| clock);
        }
    }
}

/// Continues every clock that no node is advancing. A failing clock does not block the others.
pub async fn go_on_with_all(app: &App, time: Duration) -> Result<(), DbError> {
    let left = test_clock::left(&mut app.db.read().await?, app.clock.now()).await?;
    for tenant in left {
        if let Err(error) = go_on(app, &tenant, time).await {
            tracing::warn!(?tenant, %error, "a test clock could not go on and will be tried again");
        }
    }
    Ok(())
}

/// Takes or renews the lease and returns its end; `None` if another node holds it.
async fn lease(app: &App, tenant: &Tenant, held: Option<Time>) -> Result<Option<Time>, DbError> {
    let (owner, now) = (*tenant, app.clock.now());
    let until = now.plus_seconds(LEASE_SECONDS);
    let ours = app.db.write(Lane::Usual, async move |tx: &mut Tx<'_, '_>| {
        test_clock::lease(tx, &owner, held, now, until).await
    });
    Ok(ours.await?.then_some(until))
}

async fn release(app: &App, tenant: &Tenant, held: Time) -> Result<(), DbError> {
    let owner = *tenant;
    app.db
        .write(Lane::Usual, async move |tx: &mut Tx<'_, '_>| {
            test_clock::release(tx, &owner, held).await
        })
        .await
}

/// Writes due wallet entries in bounded steps; `true` when none are left.
async fn write_wallets(app: &App, tenant: &Tenant, to: Time) -> Result<bool, DbError> {
    let (owner, by) = (*tenant, app.by(Actor::System));
    let written = app.db.write(Lane::Usual, async move |tx: &mut Tx<'_, '_>| {
        let mut work = Work { tx, tenant: &owner, at: to, by: &by };
        credits::write_all_due(&mut work, BITE).await
    });
    Ok(written.await? == 0)
}

/// All due items have run: sets the clock to its target, and billing resumes.
async fn arrive(app: &App, tenant: &Tenant, to: Time) -> Result<(), DbError> {
    let (owner, now) = (*tenant, app.clock.now());
    app.db
        .write(Lane::Usual, async move |tx: &mut Tx<'_, '_>| {
            test_clock::move_to(tx, &owner, to, now).await?;
            test_clock::arrive(tx, &owner, to).await
        })
        .await
}

impl From<DbError> for ClockError {
    fn from(error: DbError) -> Self {
        Self::Db(error)
    }
}
