//! Measures usage events in batches of a hundred, with 10,000 customers: all for one customer, and
//! each for another one.

use std::sync::Arc;

use anyhow::Result;

use super::Stage;
use crate::context::Context;
use crate::load::Load;
use crate::report::Target;
use crate::rounds::{Series, rounds};
use crate::server::Store;
use crate::shop::Shop;

pub(super) const CUSTOMERS: usize = 10_000;
pub(super) const EVENTS: usize = 100;
/// Batches need few connections.
const CONNECTIONS: usize = 16;

pub(super) async fn run(context: &mut Context) -> Result<()> {
    let folder = context.store("track")?;
    let stage = Stage::open(context, Store::Embedded(&folder), &[], CUSTOMERS).await?;
    let shop = Shop::open(&stage.server, &stage.key).await?;
    let loads = batches(&stage, &shop).await?;
    let [one, many] = rounds(context, loads.map(|(name, load)| stage.subject(name, load))).await?;
    batch_rows(context, "track", "one customer a batch", &one, 50_000.0);
    batch_rows(context, "track", "100 customers a batch", &many, 15_000.0);
    stage.server.process.stop()
}

/// Prepares customers with usage charges, and the two loads.
pub(super) async fn batches(stage: &Stage, shop: &Shop) -> Result<[(&'static str, Load); 2]> {
    shop.subscribe(&stage.server, &stage.customers.ids, &shop.metered).await?;
    let customers: Arc<[String]> = stage.customers.ids.clone().into();
    let batches = [("one customer a batch", 1), ("100 customers a batch", EVENTS)];
    Ok(batches.map(|(name, each)| {
        let requests = shop.batches(&customers, EVENTS, each);
        (name, stage.load(&requests, &[200]).connections(CONNECTIONS))
    }))
}

/// Counts events, not requests.
pub(super) fn batch_rows(
    context: &mut Context,
    case: &'static str,
    what: &str,
    series: &Series,
    rate: f64,
) {
    let (report, events) = (&mut context.report, EVENTS as f64);
    let (rate, each) = (Target::AtLeast(rate), series.cpu() / events);
    report.row(case, format!("{what}: events a second"), (series.rate() * events, "/s"), rate);
    report.row(case, format!("{what}: CPU an event"), (each, "us"), Target::None);
    report.row(case, format!("{what}: latency p99"), (series.latency(0.99), "ms"), Target::None);
}
