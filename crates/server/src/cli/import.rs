//! `unitpay import`: moves in from another system. The report is JSON Lines on standard output.

use super::manage::Env;
use super::store::{Purpose, Store};
use super::{print, say};
use crate::app::App;
use crate::config::Config;
use crate::import::{self, ImportError, Line, Map, Report, Summary};
use crate::organizations::DEFAULT_ORGANIZATION;
use anyhow::{Context, anyhow, bail};
use clap::{Args, Subcommand};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

/// Something was refused: the report lists it.
const NOT_WHOLE: u8 = 3;

#[derive(Subcommand)]
pub enum Import {
    /// Move customers, cards and subscriptions from the connected Stripe account. Nothing is charged
    /// before the next billing date at Stripe. May be stopped and run again. Prints JSON Lines. Ends
    /// with 0 if everything moved, 3 if the report lists what did not, 1 if it stopped
    Stripe(FromStripe),
}

#[derive(Args)]
pub struct FromStripe {
    #[arg(long)]
    env: Env,
    /// An organization's id or name
    #[arg(long, default_value = DEFAULT_ORGANIZATION)]
    org: String,
    /// The mapping file: external_id, and a plan for each price
    #[arg(long, value_name = "FILE")]
    map: PathBuf,
    /// Report what would move, and write nothing
    #[arg(long)]
    dry_run: bool,
    /// Afterwards end the moved subscriptions at Stripe with their period
    #[arg(long, conflicts_with = "dry_run")]
    pause_stripe: bool,
    /// Do not ask before subscriptions are ended at Stripe
    #[arg(long, requires = "pause_stripe")]
    yes: bool,
    /// Requests to Stripe per second
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=80))]
    rate: u32,
}

pub async fn run(config: &Config, command: &Import) -> anyhow::Result<ExitCode> {
    let Import::Stripe(options) = command;
    let name = options.map.display();
    let text =
        std::fs::read_to_string(&options.map).with_context(|| format!("cannot read {name}"))?;
    let map = Map::parse(&text).map_err(|error| anyhow!("{name}: {error}"))?;
    let store = Store::open(config, Purpose::Beside).await?;
    let tenant = store.tenant(&options.org, options.env).await?;
    let Store { db, clock, random, signing, locks: _locks, .. } = store;
    let app = App::new(config.clone(), clock, random, db, signing);
    let mut unwritten = None;
    let mut emit = |line: &Line| {
        let text = serde_json::to_string(line).map_err(anyhow::Error::from);
        if let Err(error) = text.and_then(|text| print(&text)) {
            unwritten.get_or_insert(error);
        }
    };
    let import = import::Import {
        app: &app,
        tenant,
        map: Arc::new(map),
        dry_run: options.dry_run,
        calls_per_second: options.rate,
    };
    let report = Report::new(options.dry_run, &mut emit);
    let done = carry_out(&import, options, report).await;
    if let Some(error) = unwritten {
        return Err(error);
    }
    let summary = done?;
    if summary.both_active > 0 && !options.dry_run {
        let count = summary.both_active;
        say(&format!("{count} subscriptions renew here and at Stripe: run it with --pause-stripe"));
    }
    Ok(if summary.is_whole() { ExitCode::SUCCESS } else { ExitCode::from(NOT_WHOLE) })
}

async fn carry_out(
    import: &import::Import<'_>,
    options: &FromStripe,
    mut report: Report<'_>,
) -> anyhow::Result<Summary> {
    let moved = move_in(import, options, &mut report).await;
    if let Err(error) = &moved
        && let Some(error) = error.downcast_ref::<ImportError>()
    {
        report.fail(error);
    }
    let summary = report.close();
    moved.map(|()| summary)
}

async fn move_in(
    import: &import::Import<'_>,
    options: &FromStripe,
    report: &mut Report<'_>,
) -> anyhow::Result<()> {
    let mut lists = import.lists().await?;
    import.run(&mut lists, report).await?;
    if !options.pause_stripe || report.still_active.is_empty() {
        return Ok(());
    }
    if !options.yes {
        confirm(report.still_active.len())?;
    }
    let now = || import.app.clock.now();
    import::pause(&mut lists, report, now).await.map_err(ImportError::from)?;
    Ok(())
}

/// Has the operator type what is about to happen.
fn confirm(count: usize) -> anyhow::Result<()> {
    let wanted = format!("end {count}");
    say(&format!("{count} subscriptions will end at Stripe with their period. Type: {wanted}"));
    let mut typed = String::new();
    std::io::stdin().read_line(&mut typed)?;
    if typed.trim() != wanted {
        bail!("not confirmed: nothing was ended at Stripe");
    }
    Ok(())
}
