//! The events of processors: stored durably when they arrive, applied at once, and applied again later
//! if that failed. Events that no webhook brought are found by asking for them.

use crate::app::App;
use crate::base::Time;
use crate::db::{DbError, Lane, Tx};
use crate::flows::receive;
use crate::organizations::Tenant;
use crate::payments::stripe::{self, ToPoll};
use crate::settlement::{self, ReceivedEvent, WaitingEvent};
use anyhow::anyhow;

/// When an event that could not be applied is tried again, at first.
const FIRST_WAIT_SECONDS: i64 = 60;
const LONGEST_WAIT_SECONDS: i64 = 3_600;
/// The number of events per round.
const TAKEN_UP: i64 = 64;
/// The poll interval: the longest delay of an event whose webhook was lost.
const POLL_EVERY_SECONDS: i64 = 600;
/// Events may appear in the list a little later than they were made.
const POLL_OVERLAP_SECONDS: i64 = 600;
/// Events that were applied are remembered for longer than processors repeat them.
const KEPT_FOR_DAYS: i64 = 7;

/// Stores an event whose sender is known to be the tenant's processor, then applies it. Returns once it
/// is durable: that it cannot be applied now is not the sender's concern.
pub async fn take(
    app: &App,
    tenant: &Tenant,
    processor: &str,
    id: &str,
    body: &[u8],
) -> Result<(), DbError> {
    let (owner, now) = (*tenant, app.clock.now());
    let event = ReceivedEvent {
        processor: processor.to_owned(),
        id: id.to_owned(),
        body: String::from_utf8_lossy(body).into_owned(),
        received_at: now,
        next_at: now.plus_seconds(FIRST_WAIT_SECONDS),
    };
    app.db
        .write(Lane::Usual, async move |tx: &mut Tx<'_, '_>| {
            settlement::keep_event(tx, &owner, &event).await
        })
        .await?;
    apply_and_log(app, tenant, id).await;
    Ok(())
}

async fn apply_and_log(app: &App, tenant: &Tenant, id: &str) {
    if let Err(error) = apply(app, tenant, id).await {
        tracing::warn!(event = id, %error, "an event could not be applied and will be tried again");
    }
}

/// Applies a stored event. A no-op if it was applied before.
async fn apply(app: &App, tenant: &Tenant, id: &str) -> anyhow::Result<()> {
    let mut tx = app.db.read().await?;
    let Some(waiting) = settlement::waiting_event(&mut tx, tenant, id).await? else {
        return Ok(());
    };
    let WaitingEvent { processor, body } = waiting;
    let found = app.processors.by_name(&mut tx, tenant, &processor).await?;
    drop(tx);
    // Disconnected since: its events are of no interest.
    let event = match found {
        Some(found) => found.read_event(tenant, body.as_bytes()).await?,
        None => None,
    };
    if let Some(event) = event {
        let received = receive::receive(app, tenant, &processor, event).await;
        received.map_err(|error| anyhow!("{error:?}"))?;
    }
    let (owner, key) = (*tenant, id.to_owned());
    app.db
        .write(Lane::Usual, async move |tx: &mut Tx<'_, '_>| {
            settlement::event_done(tx, &owner, &key).await
        })
        .await?;
    Ok(())
}

/// Applies the events that were left over, in the order of their arrival. Takes a bounded number.
pub async fn sweep(app: &App) -> Result<(), DbError> {
    let now = app.clock.now();
    for due in settlement::due_events(&mut app.db.read().await?, now, TAKEN_UP).await? {
        let wait = (now.seconds() - due.received_at.seconds())
            .clamp(FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS);
        let (tenant, id, until) = (due.tenant, due.id.clone(), now.plus_seconds(wait));
        let ours = app.db.write(Lane::Usual, async move |tx: &mut Tx<'_, '_>| {
            settlement::take_up_event(tx, &tenant, &id, now, until).await
        });
        if ours.await? {
            apply_and_log(app, &due.tenant, &due.id).await;
        }
    }
    Ok(())
}

/// Asks the processors of all tenants for events that no webhook brought, every ten minutes, on one node.
pub async fn poll(app: &App) -> Result<(), DbError> {
    let now = app.clock.now();
    let accounts = app.processors.stripe();
    for ToPoll { tenant, polled_to } in accounts.to_poll(&app.db, now).await? {
        if !accounts.take_poll(&app.db, &tenant, now, POLL_EVERY_SECONDS).await? {
            continue;
        }
        if let Err(error) = poll_one(app, &tenant, polled_to, now).await {
            tracing::warn!(tenant = tenant.no, %error, "a processor's events could not be read");
        }
    }
    let connections = app.processors.remote();
    for tenant in connections.take_polls(&app.db, now, POLL_EVERY_SECONDS).await? {
        receive::ask_for_forms(app, &tenant).await?;
    }
    Ok(())
}

async fn poll_one(app: &App, tenant: &Tenant, to: Time, now: Time) -> anyhow::Result<()> {
    let mut tx = app.db.read().await?;
    let processor = app.processors.by_name(&mut tx, tenant, stripe::NAME).await?;
    drop(tx);
    let Some(processor) = processor else { return Ok(()) };
    let since = to.plus_seconds(-POLL_OVERLAP_SECONDS);
    for event in processor.events_since(tenant, since).await? {
        take(app, tenant, processor.name(), &event.id, event.body.as_bytes()).await?;
    }
    app.processors.stripe().polled(&app.db, tenant, now).await?;
    Ok(())
}

/// Deletes events that were received long ago.
pub async fn delete_old(tx: &mut Tx<'_, '_>, now: Time, limit: i64) -> Result<u64, DbError> {
    settlement::delete_events_before(tx, now.plus_days(-KEPT_FOR_DAYS), limit).await
}
