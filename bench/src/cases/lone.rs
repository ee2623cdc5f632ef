//! Measures a single caller: a mint on one connection should wait for one disk flush and for no
//! timer. It is compared with a loop of writes and flushes in the same folder, of the size of a
//! small transaction.

use std::fs::File;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use nix::sys::stat::{major, minor};

use super::{Stage, reads};
use crate::context::Context;
use crate::load::Load;
use crate::report::Target;
use crate::rounds::{median, median_time};
use crate::server::Store;

/// About four pages of the write-ahead log.
const WRITE_BYTES: usize = 16 * 1024;
/// The log is overwritten from its start after this many bytes.
const FILE_BYTES: u64 = 4 * 1024 * 1024;
/// The limit for a mint, as a multiple of one flush plus one round trip. A second flush or a timer
/// would exceed it.
const MOST: f64 = 2.0;
/// The limit for disk flushes per mint. Flushes of other processes are counted too.
const MOST_FLUSHES: f64 = 1.5;

pub(super) async fn run(context: &mut Context) -> Result<()> {
    let folder = context.store("lone")?;
    let stage = Stage::open(context, Store::Embedded(&folder), &[], 100).await?;
    // Enough to overwrite the log after its first growth.
    let sessions = stage.sessions(20_000).await?;
    let lone = |load: Load| load.connections(1).time(context.round);
    let read = lone(stage.load(&reads(&sessions), &[200]));
    let mint = lone(stage.load(&stage.customers.mints, &[201]));
    let disk = Disk::prepare(&folder)?;

    let (mut flushes, mut reads, mut mints) = (Vec::new(), Vec::new(), Vec::new());
    let (mut counted, mut per_mint) = (Vec::new(), Vec::new());
    for _ in 0..context.rounds {
        let before = disk.flush_count();
        let times = disk.flushes(context.round / 2)?;
        counted.extend(each(before, disk.flush_count(), times.len()));
        flushes.push(median_time(&times));
        reads.push(lone_median(read.run(&stage.server.process).await?.latencies)?);
        let before = disk.flush_count();
        let run = mint.run(&stage.server.process).await?;
        per_mint.extend(each(before, disk.flush_count(), run.requests));
        mints.push(lone_median(run.latencies)?);
        stage.server.log.clear()?;
    }
    let ratio: Vec<_> = (0..context.rounds).map(|i| mints[i] / (flushes[i] + reads[i])).collect();

    let report = &mut context.report;
    report.row("lone", "write and flush, median", (median(&flushes), "ms"), Target::None);
    report.row("lone", "verified read, median", (median(&reads), "ms"), Target::None);
    report.row("lone", "mint, median", (median(&mints), "ms"), Target::None);
    let bound = Target::AtMost(MOST);
    report.row("lone", "mint / (write and flush + read)", (median(&ratio), "x"), bound);
    // Some disks need no flush and some systems do not count them.
    if median(&counted) >= 0.9 {
        anyhow::ensure!(median(&per_mint) > 0.9, "a mint was answered before it was durable");
        let bound = Target::AtMost(MOST_FLUSHES);
        report.row("lone", "the disk's flushes a mint", (median(&per_mint), ""), bound);
    }
    stage.server.process.stop()
}

fn each(before: Option<f64>, after: Option<f64>, count: usize) -> Option<f64> {
    Some((after? - before?) / count as f64)
}

/// Milliseconds.
fn lone_median(mut latencies: Vec<u32>) -> Result<f64> {
    latencies.sort_unstable();
    let middle = latencies.get(latencies.len() / 2).context("no request")?;
    Ok(f64::from(*middle) / 1000.0)
}

/// A file that is overwritten in place, like the write-ahead log, and its disk.
struct Disk {
    file: File,
    statistics: PathBuf,
}

impl Disk {
    fn prepare(folder: &Path) -> Result<Disk> {
        let file = File::create(folder.join("flush.tmp"))?;
        for place in 0..FILE_BYTES / WRITE_BYTES as u64 {
            file.write_all_at(&[0; WRITE_BYTES], place * WRITE_BYTES as u64)?;
        }
        file.sync_all()?;
        let device = file.metadata()?.dev();
        let mut disk = PathBuf::from(format!("/sys/dev/block/{}:{}", major(device), minor(device)));
        // The system counts flushes per disk only.
        if disk.join("partition").exists() {
            disk = std::fs::canonicalize(&disk)?;
            disk.pop();
        }
        Ok(Disk { file, statistics: disk.join("stat") })
    }

    /// Returns the number of flushes of the disk, if the system counts them.
    fn flush_count(&self) -> Option<f64> {
        let text = std::fs::read_to_string(&self.statistics).ok()?;
        text.split_ascii_whitespace().nth(15)?.parse().ok()
    }

    /// Returns the duration of each write and flush.
    fn flushes(&self, time: Duration) -> Result<Vec<Duration>> {
        let started = Instant::now();
        let mut times = Vec::new();
        let mut place = 0;
        while started.elapsed() < time {
            let asked = Instant::now();
            self.file.write_all_at(&[1; WRITE_BYTES], place)?;
            self.file.sync_data()?;
            times.push(asked.elapsed());
            place = (place + WRITE_BYTES as u64) % FILE_BYTES;
        }
        Ok(times)
    }
}
