//! Announces cards that are about to expire, in billing time: as time passes, and as a test clock
//! advances.

use crate::app::App;
use crate::audit::Actor;
use crate::base::Time;
use crate::db::{DbError, Lane, Tx};
use crate::organizations::{self, Tenant};
use crate::payments;
use crate::test_clock;
use crate::work::Work;

/// Announces the cards of every organization that is not suspended.
pub async fn announce_all_expiring(app: &App) -> Result<(), DbError> {
    let tenants = organizations::tenants(&mut app.db.read().await?).await?;
    for tenant in tenants {
        let now = test_clock::now(&mut app.db.read().await?, &tenant, app.clock.now()).await?;
        announce_expiring(app, &tenant, now, now).await?;
    }
    Ok(())
}

/// Announces the cards that expire soon after this instant and had not expired by `since`.
pub async fn announce_expiring(
    app: &App,
    tenant: &Tenant,
    since: Time,
    at: Time,
) -> Result<(), DbError> {
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
