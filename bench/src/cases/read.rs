//! Measures the verified read on the embedded store: the request that the React provider sends
//! first.

use anyhow::{Context as _, Result};

use super::{Stage, reads, rows};
use crate::context::Context;
use crate::report::Target;
use crate::rounds::rounds;
use crate::server::Store;

const LIVE_TOKENS: usize = 20_000;

pub(super) async fn run(context: &mut Context) -> Result<()> {
    let folder = context.store("read")?;
    let stage = Stage::open(context, Store::Embedded(&folder), &[], 1000).await?;
    let sessions = stage.sessions(LIVE_TOKENS).await?;
    let floor = stage.floor(context, sessions.first().context("no session")?).await?;

    let read = stage.subject("verified read", stage.load(&reads(&sessions), &[200]));
    let [floor, read] = rounds(context, [floor.subject(), read]).await?;

    rows(context, "read", "floor", &floor, (Target::None, Target::None));
    rows(context, "read", "verified read", &read, (Target::AtLeast(35_000.0), Target::None));
    let ratio = read.cpu_ratio(&floor);
    context.report.row("read", "verified read: CPU / floor", (ratio, "x"), Target::AtMost(3.0));
    stage.server.process.stop()
}
