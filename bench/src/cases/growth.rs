//! Measures cost and memory as the store grows to a million sessions, all minted over HTTP.
//!
//! Reads are spread evenly over all sessions, so that most of their pages are not cached. They are
//! measured with a small set of tokens, the same number at every size, and with a large one.

use anyhow::{Context as _, Result};

use super::{Stage, footprint, reads};
use crate::context::Context;
use crate::report::{Target, grouped};
use crate::rounds::rounds;
use crate::server::Store;
use crate::setup::{self, Session, spread};

const SMALL_SET: usize = 1_000;
const LARGE_SET: usize = 20_000;
/// The number of compared mints at each size, over all rounds.
const COMPARED_MINTS: usize = 20_000;

pub(super) async fn run(context: &mut Context) -> Result<()> {
    let sizes = match context.args.quick {
        true => [1_000, 30_000, 100_000],
        false => [1_000, 30_000, 1_000_000],
    };
    let folder = context.store("growth")?;
    let store = Store::Embedded(&folder);
    let stage = Stage::open(context, store, &[], 10_000).await?;

    let mut kept: Vec<(usize, Session)> = Vec::new();
    let (mut minted, mut read_cpu, mut mint_cpu) = (0, Vec::new(), Vec::new());
    for size in sizes {
        let step = (size / LARGE_SET).max(1);
        let count = size - minted;
        let (sessions, run) =
            setup::sessions(&stage.server, &stage.customers.mints, count, step).await?;
        kept.extend(sessions.into_iter().enumerate().map(|(i, it)| (minted + i * step, it)));
        eprintln!("  {size} sessions, {:.0}/s", count as f64 / run.elapsed.as_secs_f64());
        kept.retain(|(place, _)| place.is_multiple_of(step));
        let sessions: Vec<_> = kept.iter().map(|(_, session)| session.clone()).collect();
        let floor = stage.floor(context, sessions.first().context("no session")?).await?;
        let few = stage.load(&reads(spread(&sessions, SMALL_SET)), &[200]);
        let many = stage.load(&reads(spread(&sessions, LARGE_SET)), &[200]);
        let subjects =
            [floor.subject(), stage.subject("few tokens", few), stage.subject("many tokens", many)];
        let [read_floor, few, many] = rounds(context, subjects).await?;
        read_cpu.push([few.cpu_ratio(&read_floor), many.cpu_ratio(&read_floor)]);
        // One more for the warm-up turn.
        let per_round = COMPARED_MINTS / (context.rounds + 1);
        let mint = stage.load(&stage.customers.mints, &[201]).count(per_round);
        let subjects = [floor.subject(), stage.subject("mint", mint)];
        let [mint_floor, mint] = rounds(context, subjects).await?;
        mint_cpu.push(mint.cpu_ratio(&mint_floor));
        minted = size + (context.rounds + 1) * per_round;

        let memory = stage.server.process.memory()?;
        let report = &mut context.report;
        let mut row = |what: String, value, unit| {
            let measure = format!("{} sessions: {what}", count_text(size));
            report.row("growth", measure, (value, unit), Target::None);
        };
        // In the smallest store the two sets are equal.
        let sets = [(SMALL_SET, few), (LARGE_SET.min(size), many)];
        for (tokens, series) in sets.into_iter().take(if size > SMALL_SET { 2 } else { 1 }) {
            let what = format!("read, {} tokens, CPU", count_text(tokens));
            row(what.clone(), series.cpu(), "us");
            row(what + " / floor", series.cpu_ratio(&read_floor), "x");
        }
        row("mint, CPU".to_owned(), mint.cpu(), "us");
        row("mint, CPU / floor".to_owned(), mint.cpu_ratio(&mint_floor), "x");
        row("resident".to_owned(), memory.resident, "MiB");
    }

    let memory = stage.server.process.memory()?;
    stage.server.process.stop()?;
    let ready = footprint::restarts(context, store).await?;
    growth_rows(context, sizes, &read_cpu, &mint_cpu);
    let report = &mut context.report;
    let last = count_text(sizes[2]);
    let mut row = |what: &str, value, unit, target| {
        report.row("growth", format!("{last} sessions: {what}"), (value, unit), target);
    };
    row("resident after all of it", memory.resident, "MiB", Target::AtMost(150.0));
    row("resident at most", memory.peak, "MiB", Target::None);
    row("ready", ready, "ms", Target::AtMost(footprint::READY_MS));
    row("store on disk", stored(&folder)?, "MiB", Target::None);
    Ok(())
}

/// Reports the ratio of a request's cost in the largest and the smallest store. The bound is the
/// growth of an index's depth: the ratio of the logarithms of the sizes.
fn growth_rows(context: &mut Context, sizes: [usize; 3], read_cpu: &[[f64; 2]], mint_cpu: &[f64]) {
    let [first, _, last] = sizes;
    let report = &mut context.report;
    let mut row = |what: &str, from: usize, to: usize, ratio| {
        let measure = format!("{what}, from {} to {} sessions", count_text(from), count_text(to));
        let bound = Target::AtMost((to as f64).ln() / (from as f64).ln());
        report.row("growth", measure, (ratio, "x"), bound);
    };
    if let ([[few_first, many_first], .., [few_last, many_last]], [mint_first, .., mint_last]) =
        (read_cpu, mint_cpu)
    {
        row("read, few tokens", first, last, few_last / few_first);
        row("read, many tokens", first, last, many_last / many_first);
        // The compared mints also grow the store.
        let half = COMPARED_MINTS / 2;
        row("mint", first + half, last + half, mint_last / mint_first);
    }
}

fn count_text(count: usize) -> String {
    grouped(&count.to_string())
}

/// Size in MiB.
fn stored(folder: &std::path::Path) -> Result<f64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(folder)? {
        let metadata = entry?.metadata()?;
        if metadata.is_file() {
            bytes += metadata.len();
        }
    }
    Ok(bytes as f64 / (1024.0 * 1024.0))
}
