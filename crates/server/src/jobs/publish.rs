//! Publishes recorded events: adds their objects, numbers them and queues their deliveries and e-mails.

use crate::app::App;
use crate::db::{DbError, Lane, Tx};
use crate::emails;
use crate::events::http::object;
use crate::events::{self, Unpublished};
use crate::organizations::Tenant;
use crate::webhooks;

/// The events of a tenant that one transaction publishes.
const BITE: i64 = 100;
/// The transactions for one tenant before it is the next one's turn.
const BITES: usize = 10;

#[derive(Debug)]
enum PublishError {
    Db(DbError),
    /// Another node published one of the events.
    Published,
}

/// Publishes what is recorded by now, and queues the codes that were asked for. Any number of nodes may
/// do so at once.
pub async fn publish(app: &App) -> Result<(), DbError> {
    // Neither waits for the other: a failure of one is returned after both.
    let codes = emails::queue_codes(app).await;
    let tenants = events::with_unpublished(&mut app.db.read().await?).await?;
    for tenant in tenants {
        for _ in 0..BITES {
            if !publish_some(app, &tenant).await? {
                break;
            }
        }
    }
    codes
}

/// Publishes a tenant's oldest events; `false` if no more are left, or another node is at work.
async fn publish_some(app: &App, tenant: &Tenant) -> Result<bool, DbError> {
    let mut tx = app.db.read().await?;
    let found = events::unpublished(&mut tx, tenant, BITE).await?;
    let mut objects = Vec::with_capacity(found.len());
    for event in &found {
        objects.push((event.no, object(app, &mut tx, tenant, event).await?));
    }
    drop(tx);
    if found.is_empty() {
        return Ok(false);
    }
    let more = found.len() == usize::try_from(BITE).unwrap_or(usize::MAX);
    match store(app, *tenant, found, objects).await {
        Ok(()) => Ok(more),
        Err(PublishError::Published) => Ok(false),
        Err(PublishError::Db(error)) => Err(error),
    }
}

async fn store(
    app: &App,
    tenant: Tenant,
    found: Vec<Unpublished>,
    objects: Vec<(i64, String)>,
) -> Result<(), PublishError> {
    let (ids, now) = (app.ids.clone(), app.clock.now());
    let with_emails = emails::is_on(app, &tenant);
    let step = async move |tx: &mut Tx<'_, '_>| {
        let published = events::publish(tx, &tenant, &objects, now).await?;
        let at = published.ok_or(PublishError::Published)?;
        webhooks::queue(tx, &tenant, &found, &ids, at).await?;
        if with_emails {
            emails::queue(tx, &tenant, &found, &ids, at).await?;
        }
        Ok(())
    };
    app.db.write(Lane::Usual, step).await
}

impl From<DbError> for PublishError {
    fn from(error: DbError) -> Self {
        Self::Db(error)
    }
}
