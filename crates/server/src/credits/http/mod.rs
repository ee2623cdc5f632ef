//! HTTP handlers of credits.

mod manage;
mod read;
mod shown;

pub use manage::*;
pub use read::*;
pub use shown::{AutoTopUpMode, CreditAccountResponse};

use super::{AccountView, sql};
use crate::app::App;
use crate::audit::Actor;
use crate::auth::Caller;
use crate::base::{CreditAccountId, Time};
use crate::db::{DbError, Lane, Tx};
use crate::http::Problem;
use crate::http::page::path_id;
use crate::organizations::Tenant;
use crate::work::Work;
use crate::{credits, test_clock};

/// Writes the due entries of a customer's wallets, so that balances are current, and returns the
/// current time. Holds no read connection meanwhile, so that a waiting writer does not block
/// readers.
pub async fn write_due(app: &App, tenant: &Tenant, customer_no: i64) -> Result<Time, DbError> {
    let mut tx = app.db.read().await?;
    let at = test_clock::now(&mut tx, tenant, app.clock.now()).await?;
    let due = credits::is_due(&mut tx, tenant, customer_no, at).await?;
    drop(tx);
    if due {
        let (tenant, by) = (*tenant, app.by(Actor::System));
        app.db
            .write(Lane::Usual, async move |tx: &mut Tx<'_, '_>| {
                let mut work = Work { tx, tenant: &tenant, at, by: &by };
                credits::write_due(&mut work, customer_no).await
            })
            .await?;
    }
    Ok(at)
}

/// Returns a wallet that the caller may reach, as of now.
pub async fn reach<const K: u32, const P: u32>(
    app: &App,
    caller: &Caller<K, P>,
    id: &str,
) -> Result<(AccountView, Time), Problem> {
    let (tenant, id) = (caller.tenant(), path_id::<CreditAccountId>(id)?);
    let key = sql::key(&mut app.db.read().await?, &tenant, id).await?;
    let (customer_no, _) = caller.reach(key)?;
    let at = write_due(app, &tenant, customer_no).await?;
    let view = sql::view(&mut app.db.read().await?, &tenant, id).await?;
    Ok((view.ok_or_else(Problem::not_found)?, at))
}
