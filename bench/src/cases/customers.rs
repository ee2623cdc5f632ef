//! Measures the cost as the store grows from 10,000 to a million customers, all created over HTTP.
//! One in ten has a subscription with a wallet. Requests are spread evenly over all customers.

use std::sync::Arc;

use anyhow::{Context as _, Result};

use super::{Stage, footprint};
use crate::context::Context;
use crate::report::{Target, grouped};
use crate::requests;
use crate::rounds::rounds;
use crate::server::Store;
use crate::setup::{self, spread};
use crate::shop::Shop;

const FIRST: usize = 10_000;
/// One in this many customers has a subscription.
const SUBSCRIBED: usize = 10;
const ASKED: usize = 20_000;
const MOST: Target = Target::AtMost(2.0);

pub(super) async fn run(context: &mut Context) -> Result<()> {
    let last = if context.args.quick { 100_000 } else { 1_000_000 };
    let folder = context.store("customers")?;
    let store = Store::Embedded(&folder);
    let mut stage = Stage::open(context, store, &[], FIRST).await?;
    let shop = Shop::open(&stage.server, &stage.key).await?;
    let mut subscribed = subscribe(&stage, &shop, &stage.customers.ids).await?;
    let sessions = stage.sessions(1).await?;
    let floor = stage.floor(context, sessions.first().context("no session")?).await?;

    let mut sizes = Vec::new();
    for size in [FIRST, last] {
        if size > FIRST {
            let more = setup::customers(&stage.server, &stage.key, size - FIRST).await?.ids;
            subscribed.extend(subscribe(&stage, &shop, &more).await?);
            stage.customers.ids.extend(more);
        }
        let key = &stage.key;
        let asked = || spread(&stage.customers.ids, ASKED);
        let reads = asked().map(|id| requests::get_by_key(&format!("/v1/customers/{id}"), key));
        let mints = asked().map(|id| requests::mint(key, id));
        let debited: Arc<[String]> = spread(&subscribed, ASKED).cloned().collect();
        let debits = shop.debits(&debited, &size.to_string());
        let subjects = [
            floor.subject(),
            stage.subject("read", stage.load(&reads.collect(), &[200])),
            stage.subject("mint", stage.load(&mints.collect(), &[201])),
            stage.subject("debit", stage.load(&debits, &[200])),
        ];
        let [floor, read, mint, debit] = rounds(context, subjects).await?;
        let ratios = [&read, &mint, &debit].map(|series| series.cpu_ratio(&floor));
        let count = grouped(&size.to_string());
        for (what, ratio) in ["read", "mint", "debit"].into_iter().zip(ratios) {
            let measure = format!("{count} customers: {what}, CPU / floor");
            context.report.row("customers", measure, (ratio, "x"), Target::None);
        }
        sizes.push(ratios);
    }
    if let [small, large] = sizes.as_slice() {
        for (at, what) in ["read", "mint", "debit"].into_iter().enumerate() {
            let (small, large) = (small[at], large[at]);
            context.report.row(
                "customers",
                format!("{what}: the larger / the smaller"),
                (large / small, "x"),
                MOST,
            );
        }
    }
    let memory = stage.server.process.memory()?;
    stage.server.process.stop()?;
    let ready = footprint::restarts(context, store).await?;
    context.report.row(
        "customers",
        "resident after all of it",
        (memory.resident, "MiB"),
        Target::None,
    );
    context.report.row("customers", "ready", (ready, "ms"), Target::AtMost(footprint::READY_MS));
    Ok(())
}

async fn subscribe(stage: &Stage, shop: &Shop, customers: &[String]) -> Result<Vec<String>> {
    let some: Vec<_> = customers.iter().step_by(SUBSCRIBED).cloned().collect();
    shop.subscribe(&stage.server, &some, &shop.credits).await?;
    Ok(some)
}
