//! Announces cards that are about to expire, each once for an expiry.

use super::processor::month;
use super::sql::{self, YearMonth};
use crate::base::Time;
use crate::db::{DbError, Tx};
use crate::events::EventType;
use crate::organizations::Tenant;
use crate::work::Work;

/// The cards that one transaction announces.
const BITE: i64 = 100;

/// Whether [`announce_expiring`] has something to announce.
pub async fn is_any_expiring(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    (since, at): (Time, Time),
    days: i64,
) -> Result<bool, DbError> {
    Ok(!sql::expiring(tx, tenant, months(since, at, days), 1).await?.is_empty())
}

/// Announces cards that expire within this number of days and had not expired by `since`; `true` if
/// none is left.
pub async fn announce_expiring(
    work: &mut Work<'_, '_, '_>,
    since: Time,
    days: i64,
) -> Result<bool, DbError> {
    let months = months(since, work.at, days);
    let found = sql::expiring(work.tx, work.tenant, months, BITE).await?;
    for (id, customer) in &found {
        if sql::set_announced(work.tx, work.tenant, *id).await? {
            work.announce(*customer, EventType::PaymentMethodExpiring, id).await?;
        }
    }
    Ok(found.len() < usize::try_from(BITE).unwrap_or(usize::MAX))
}

/// The months in which the cards expire, the first exclusive. A card is good until the end of its
/// month, so one of the month before `since` has expired, and one of the month before the notice's end
/// expires within the notice.
fn months(since: Time, at: Time, days: i64) -> (YearMonth, YearMonth) {
    let before = |at: Time| {
        let month = month(at) - 1;
        (month.div_euclid(12), month.rem_euclid(12) + 1)
    };
    (before(since), before(at.plus_days(days)))
}
