//! Announces what is about to happen, in billing time: cards that expire, trials that end, yearly
//! renewals. As time passes, and as a test clock advances.

use crate::app::App;
use crate::audit::Actor;
use crate::base::Time;
use crate::db::{DbError, Lane, Tx};
use crate::organizations::{self, Tenant};
use crate::payments;
use crate::subscriptions::{NOTICES, Notice};
use crate::test_clock;
use crate::work::Work;

/// Announces what is ahead in every organization that is not suspended.
pub async fn announce_all(app: &App) -> Result<(), DbError> {
    let tenants = organizations::tenants(&mut app.db.read().await?).await?;
    for tenant in tenants {
        let now = test_clock::now(&mut app.db.read().await?, &tenant, app.clock.now()).await?;
        announce(app, &tenant, now, now).await?;
    }
    Ok(())
}

/// Announces what happens soon after this instant and had not happened by `since`.
pub async fn announce(app: &App, tenant: &Tenant, since: Time, at: Time) -> Result<(), DbError> {
    announce_cards(app, tenant, since, at).await?;
    for notice in NOTICES {
        announce_ends(app, tenant, notice, (since, at)).await?;
    }
    Ok(())
}

async fn announce_cards(app: &App, tenant: &Tenant, since: Time, at: Time) -> Result<(), DbError> {
    let days = app.config.billing.card_expiry_notice_days;
    let mut tx = app.db.read().await?;
    if !payments::is_any_expiring(&mut tx, tenant, (since, at), days).await? {
        return Ok(());
    }
    drop(tx);
    let (owner, by) = (*tenant, app.by(Actor::System));
    let step = async move |tx: &mut Tx<'_, '_>| {
        let mut work = Work { tx, tenant: &owner, at, by: &by };
        payments::announce_expiring(&mut work, since, days).await
    };
    while !app.db.write::<bool, DbError, _>(Lane::Usual, step.clone()).await? {}
    Ok(())
}

async fn announce_ends(
    app: &App,
    tenant: &Tenant,
    notice: Notice,
    (since, at): (Time, Time),
) -> Result<(), DbError> {
    let days = match notice {
        Notice::TrialEnding => app.config.billing.trial_notice_days,
        Notice::RenewalUpcoming => app.config.billing.renewal_notice_days,
    };
    if days == 0 {
        return Ok(());
    }
    let mut tx = app.db.read().await?;
    if !notice.is_any(&mut tx, tenant, (since, at), days).await? {
        return Ok(());
    }
    drop(tx);
    let (owner, by) = (*tenant, app.by(Actor::System));
    let step = async move |tx: &mut Tx<'_, '_>| {
        let mut work = Work { tx, tenant: &owner, at, by: &by };
        notice.announce(&mut work, since, days).await
    };
    while !app.db.write::<bool, DbError, _>(Lane::Usual, step.clone()).await? {}
    Ok(())
}
