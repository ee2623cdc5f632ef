//! Announces usage that has reached the limit of the customer's plans: once in a usage period, and
//! again if the limit was raised and reached.

use super::judge::World;
use super::sql::{self, InPeriod, Reached};
use crate::base::Decimal;
use crate::catalog::Aggregation;
use crate::customers;
use crate::db::{DbError, Tx};
use crate::events::EventType;
use crate::work::Work;
use std::collections::{BTreeMap, HashMap};

/// Announces which of these usage periods, in which something was counted, have reached their limit.
/// The customers are locked.
pub async fn announce_reached(
    work: &mut Work<'_, '_, '_>,
    world: &World,
    limits: &BTreeMap<InPeriod, i64>,
) -> Result<(), DbError> {
    if limits.is_empty() {
        return Ok(());
    }
    let places: Vec<InPeriod> = limits.keys().copied().collect();
    let mut counted: HashMap<InPeriod, Vec<Reached>> = HashMap::new();
    for row in sql::reached(work.tx, &places).await? {
        counted.entry(row.place.any_payment()).or_default().push(row);
    }
    for (place, &limit) in limits {
        let parts = counted.remove(place).unwrap_or_default();
        if parts.iter().any(|part| part.reached_limit.is_some_and(|known| known >= limit)) {
            continue;
        }
        let aggregation = world.aggregation(place);
        if used(work.tx, place, aggregation, &parts).await? < Decimal::from_integer(limit) {
            continue;
        }
        sql::set_reached(work.tx, place, limit).await?;
        if let Some(customer) = customers::by_no(work.tx, work.tenant, place.customer_no).await? {
            work.announce(customer.id, EventType::UsageLimitReached, place.metric_id).await?;
        }
    }
    Ok(())
}

/// Combines what was paid in credits with what was not.
async fn used(
    tx: &mut Tx<'_, '_>,
    place: &InPeriod,
    aggregation: Option<Aggregation>,
    parts: &[Reached],
) -> Result<Decimal, DbError> {
    let quantities = parts.iter().map(Reached::quantity);
    match aggregation {
        Some(Aggregation::Unique) if parts.len() > 1 => sql::distinct_values(tx, place).await,
        Some(Aggregation::Max) => Ok(quantities.max().unwrap_or(Decimal::ZERO)),
        Some(Aggregation::Sum | Aggregation::Count | Aggregation::Unique) | None => {
            Ok(Decimal::from_units(quantities.map(Decimal::units).sum()))
        }
    }
}
