//! Measures single events that debit credits, from many connections, each for another of 10,000
//! customers, next to a bare handler that inserts one row.

use std::sync::Arc;

use anyhow::{Context as _, Result};

use super::track::CUSTOMERS;
use super::{Stage, rows};
use crate::context::Context;
use crate::floor::Floor;
use crate::load::Load;
use crate::report::Target;
use crate::rounds::rounds;
use crate::server::Store;
use crate::shop::Shop;

pub(super) async fn run(context: &mut Context) -> Result<()> {
    let folder = context.store("debit")?;
    let stage = Stage::open(context, Store::Embedded(&folder), &[], CUSTOMERS).await?;
    let sessions = stage.sessions(1).await?;
    let floor = stage.floor(context, sessions.first().context("no session")?).await?;
    let insert = Floor::inserting(context, &context.store("insert")?).await?;
    let shop = Shop::open(&stage.server, &stage.key).await?;
    let load = debits(&stage, &shop).await?;

    let subjects = [floor.subject(), insert.subject(), stage.subject("debit", load)];
    let [floor, insert, debit] = rounds(context, subjects).await?;

    rows(context, "debit", "bare grouped insert", &insert, (Target::None, Target::None));
    rows(context, "debit", "debit", &debit, (Target::AtLeast(6_000.0), Target::None));
    let report = &mut context.report;
    let ratio = debit.cpu_ratio(&insert);
    report.row("debit", "debit: CPU / bare grouped insert", (ratio, "x"), Target::AtMost(6.0));
    let ratio = debit.cpu_ratio(&floor);
    report.row("debit", "debit: CPU / floor", (ratio, "x"), Target::None);
    stage.server.process.stop()
}

/// Prepares customers with credits, and the load that uses them.
pub(super) async fn debits(stage: &Stage, shop: &Shop) -> Result<Load> {
    shop.subscribe(&stage.server, &stage.customers.ids, &shop.credits).await?;
    let customers: Arc<[String]> = stage.customers.ids.clone().into();
    Ok(stage.load(&shop.debits(&customers, "debit"), &[200]))
}
