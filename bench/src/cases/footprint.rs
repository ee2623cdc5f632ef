//! Measures the idle program: binary size, memory and start-up time.

use anyhow::Result;

use super::Stage;
use crate::context::Context;
use crate::report::Target;
use crate::rounds::median_time;
use crate::server::{Server, Store};

pub(super) const RESTARTS: usize = 5;
pub(super) const READY_MS: f64 = 300.0;
const MEBIBYTE: f64 = 1024.0 * 1024.0;

pub(super) async fn run(context: &mut Context) -> Result<()> {
    let folder = context.store("footprint")?;
    let store = Store::Embedded(&folder);
    let size = std::fs::metadata(context.binary())?.len() as f64 / MEBIBYTE;

    // The first start creates the store. The only request was the readiness check.
    let server = Server::start(context, store, &[]).await?;
    let first = median_time(&[server.ready_after]);
    let idle = server.process.memory()?.resident;
    server.process.stop()?;

    let stage = Stage::open(context, store, &[], 1000).await?;
    stage.sessions(20_000).await?;
    stage.server.process.stop()?;
    let ready = restarts(context, store).await?;

    let report = &mut context.report;
    report.row("footprint", "binary", (size, "MiB"), Target::AtMost(30.0));
    report.row("footprint", "resident, idle", (idle, "MiB"), Target::AtMost(40.0));
    report.row("footprint", "ready, new store", (first, "ms"), Target::AtMost(READY_MS));
    report.row("footprint", "ready, 20,000 sessions", (ready, "ms"), Target::AtMost(READY_MS));
    Ok(())
}

/// Returns the median time to readiness over a few restarts, in milliseconds.
pub(super) async fn restarts(context: &Context, store: Store<'_>) -> Result<f64> {
    let mut times = Vec::new();
    for _ in 0..RESTARTS {
        let server = Server::start(context, store, &[]).await?;
        times.push(server.ready_after);
        server.process.stop()?;
    }
    Ok(median_time(&times))
}
