//! Work that no request asks for: billing what is due, events of processors, publishing and
//! delivering events, sending e-mail, retention, recording key use, comparing clocks.
//!
//! Every job works in small transactions and may be killed at any point. Jobs that go by time do
//! nothing while this node's clock is not trusted.

mod publish;

pub use publish::publish;

use crate::app::App;
use crate::base::Time;
use crate::config::RetentionConfig;
use crate::db::{DbError, Lane, Tx};
use crate::flows::{self, due};
use crate::payments::sandbox;
use crate::webhooks::deliver;
use crate::{audit, customers, emails, events, idempotency, logins, portal, signing, webhooks};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

const BITE: i64 = 500;
const BITES_PER_SWEEP: usize = 200;
/// Sessions are kept this long after their absolute end, which is at most a day after their mint.
const SESSION_DAYS: i64 = 30 + 1;

/// The longest that one round may advance test clocks.
const ADVANCE: Duration = Duration::from_secs(5);

const PUBLISH_EVERY: Duration = Duration::from_millis(250);
const MAIL_EVERY: Duration = Duration::from_secs(1);
/// The webhook endpoints that this node serves at once.
const MAX_SERVED: usize = 128;

/// Runs until the server stops.
pub async fn run(app: Arc<App>) {
    tokio::join!(
        keep_time(&app),
        keep_house(&app),
        keep_billing(&app),
        keep_up_with_processors(&app),
        keep_publishing(&app),
        keep_delivering(&app),
        keep_mailing(&app),
    );
}

/// Applies what processors report. Apart from the other loops: it waits for somebody else's network.
async fn keep_up_with_processors(app: &App) {
    let mut rounds = interval(Duration::from_secs(5));
    rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        rounds.tick().await;
        if !app.clock_guard.verdict().may_bill() {
            continue;
        }
        let done = async {
            flows::sweep_events(app).await?;
            flows::poll_events(app).await
        };
        if let Err(error) = done.await {
            tracing::warn!(%error, "cannot look for events of processors; it will be tried again");
        }
    }
}

/// Publishes events a moment after their changes.
async fn keep_publishing(app: &App) {
    let mut rounds = interval(PUBLISH_EVERY);
    rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        rounds.tick().await;
        if let Err(error) = publish(app).await {
            tracing::warn!(%error, "cannot publish events; will retry");
        }
    }
}

/// Starts a task for each webhook endpoint that has something due.
async fn keep_delivering(app: &Arc<App>) {
    let mut rounds = interval(PUBLISH_EVERY);
    rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut serving = JoinSet::new();
    loop {
        rounds.tick().await;
        while serving.try_join_next().is_some() {}
        let free = i64::try_from(MAX_SERVED.saturating_sub(serving.len())).unwrap_or(0);
        if free == 0 || !app.clock_guard.verdict().may_bill() {
            continue;
        }
        match deliver::lease_due(app, free).await {
            Ok(leased) => {
                for leased in leased {
                    let app = Arc::clone(app);
                    serving.spawn(async move { deliver::serve(&app, leased).await });
                }
            }
            Err(error) => tracing::warn!(%error, "cannot look for due webhooks; will retry"),
        }
    }
}

/// Sends e-mails that are due.
async fn keep_mailing(app: &App) {
    let mut rounds = interval(MAIL_EVERY);
    rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        rounds.tick().await;
        if !app.clock_guard.verdict().may_bill() {
            continue;
        }
        if let Err(error) = mail(app).await {
            tracing::warn!(%error, "cannot send due e-mails; will retry");
        }
    }
}

/// Sends the e-mails that are due now.
pub async fn mail(app: &App) -> Result<(), DbError> {
    emails::deliver_due(app, flows::price_renewal).await
}

/// Nothing else delays a comparison.
async fn keep_time(app: &App) {
    let mut rounds = interval(Duration::from_secs(2));
    rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        rounds.tick().await;
        app.compare_clocks().await;
    }
}

/// Billing has a loop of its own: it neither delays the other jobs nor waits for them.
async fn keep_billing(app: &App) {
    let mut rounds = interval(Duration::from_secs(5));
    rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        rounds.tick().await;
        if let Err(error) = bill(app).await {
            tracing::warn!(%error, "cannot find due items; will retry");
        }
    }
}

/// Bills what is due by now. Any number of nodes may do so at once.
pub async fn bill(app: &App) -> Result<(), DbError> {
    if !app.clock_guard.verdict().may_bill() {
        return Ok(());
    }
    flows::sweep(app).await?;
    flows::sweep_refunds(app).await?;
    flows::go_on_with_all(app, ADVANCE).await?;
    due::run_all(app).await
}

async fn keep_house(app: &App) {
    let mut idle = interval(Duration::from_secs(10));
    let mut uses = interval(Duration::from_secs(15));
    let mut sweeps = interval(Duration::from_secs(60));
    let mut cards = interval(Duration::from_secs(3600));
    for timer in [&mut idle, &mut uses, &mut sweeps, &mut cards] {
        timer.set_missed_tick_behavior(MissedTickBehavior::Delay);
    }
    loop {
        let done = tokio::select! {
            _ = idle.tick() => {
                app.limits.forget_idle();
                Ok(())
            }
            _ = uses.tick() => app.key_uses.write(&app.db).await,
            _ = sweeps.tick() => sweep(app).await,
            _ = cards.tick() => announce(app).await,
        };
        if let Err(error) = done {
            tracing::warn!(%error, "a background job failed and will be tried again");
        }
    }
}

/// Announces what is about to happen.
pub async fn announce(app: &App) -> Result<(), DbError> {
    if !app.clock_guard.verdict().may_bill() {
        return Ok(());
    }
    flows::announce_all(app).await
}

/// The rows that retention deletes.
#[derive(Clone, Copy, Debug)]
enum Chore {
    Sessions,
    EndedGenerations,
    Logins,
    IdempotencyRecords,
    AuditEvents,
    WebhookDeliveries,
    Emails,
    Events,
    ProcessorEvents,
    SetupForms,
    SigningKeys,
}

/// Deletes rows after their retention.
pub async fn sweep(app: &App) -> Result<(), DbError> {
    if !app.clock_guard.verdict().may_bill() {
        return Ok(());
    }
    let now = app.clock.now();
    let retention = app.config.retention.clone();
    for chore in [
        Chore::Sessions,
        Chore::EndedGenerations,
        Chore::Logins,
        Chore::IdempotencyRecords,
        Chore::AuditEvents,
        Chore::WebhookDeliveries,
        Chore::Emails,
        Chore::Events,
        Chore::ProcessorEvents,
        Chore::SetupForms,
        Chore::SigningKeys,
    ] {
        for _ in 0..BITES_PER_SWEEP {
            let kept = retention.clone();
            let bite = async move |tx: &mut Tx<'_, '_>| chore.bite(tx, now, &kept).await;
            if app.db.write::<u64, DbError, _>(Lane::Usual, bite).await? < BITE.unsigned_abs() {
                break;
            }
        }
    }
    Ok(())
}

impl Chore {
    /// Deletes at most [`BITE`] rows and returns how many it deleted.
    async fn bite(
        self,
        tx: &mut Tx<'_, '_>,
        now: Time,
        kept: &RetentionConfig,
    ) -> Result<u64, DbError> {
        let sessions = now.plus_days(-SESSION_DAYS);
        let audit = now.plus_days(-kept.audit_days);
        let events = now.plus_days(-kept.event_days);
        match self {
            Self::Sessions => portal::delete_before(tx, sessions, BITE).await,
            Self::EndedGenerations => customers::delete_ended_before(tx, sessions, BITE).await,
            Self::Logins => logins::delete_before(tx, now.plus_days(-1), BITE).await,
            Self::IdempotencyRecords => idempotency::delete_old(tx, now, BITE).await,
            Self::AuditEvents => audit::delete_before(tx, audit, BITE).await,
            Self::WebhookDeliveries => webhooks::delete_deliveries_before(tx, events, BITE).await,
            Self::Emails => emails::delete_before(tx, events, BITE).await,
            Self::Events => events::delete_before(tx, events, BITE).await,
            Self::ProcessorEvents => flows::delete_old_events(tx, now, BITE).await,
            Self::SetupForms => sandbox::delete_old_setups(tx, now, BITE).await,
            Self::SigningKeys => {
                signing::remove_retired_before(tx, signing::removable_before(now)).await
            }
        }
    }
}
