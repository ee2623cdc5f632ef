//! Measures durable mints from many connections.

use anyhow::{Context as _, Result};

use super::{Stage, rows};
use crate::context::Context;
use crate::report::Target;
use crate::rounds::rounds;
use crate::server::Store;

pub(super) async fn run(context: &mut Context) -> Result<()> {
    let folder = context.store("mint")?;
    let stage = Stage::open(context, Store::Embedded(&folder), &[], 1000).await?;
    let sessions = stage.sessions(1).await?;
    let floor = stage.floor(context, sessions.first().context("no session")?).await?;

    let mint = stage.subject("mint", stage.load(&stage.customers.mints, &[201]));
    let [floor, mint] = rounds(context, [floor.subject(), mint]).await?;

    context.report.row("mint", "floor: CPU a request", (floor.cpu(), "us"), Target::None);
    rows(context, "mint", "mint", &mint, (Target::AtLeast(15_000.0), Target::AtMost(40.0)));
    let ratio = mint.cpu_ratio(&floor);
    context.report.row("mint", "mint: CPU / floor", (ratio, "x"), Target::AtMost(7.0));
    stage.server.process.stop()
}
