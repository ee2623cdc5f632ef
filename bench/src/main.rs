//! Benchmarks the release binary over loopback and compares it with a bare axum handler on the same
//! core.
//!
//! Prints a table to stdout and optionally writes the same rows as JSON. The server and the floor
//! run on one core, the load on another, and every ratio is measured within one run. The program
//! measures from outside and links no server code.
#![allow(clippy::print_stdout, reason = "this program prints a table to stdout")]

mod args;
mod cases;
mod context;
mod floor;
mod insert;
mod load;
mod postgres;
mod process;
mod report;
mod requests;
mod rounds;
mod server;
mod setup;
mod shop;
mod temp;

use anyhow::{Context as _, Result, bail};
use tokio::signal::unix::{SignalKind, signal};

use crate::args::{Args, Command};
use crate::context::Context;

fn main() -> Result<()> {
    match Args::parse(std::env::args_os().skip(1))? {
        Command::Help => {
            println!("{}", args::USAGE);
            Ok(())
        }
        Command::Exec { cpus, program, rest } => process::exec(&cpus, &program, &rest),
        Command::Floor { response_bytes } => floor::serve(response_bytes),
        Command::Insert { folder } => insert::serve(&folder),
        Command::Bench(args) => bench(args),
    }
}

/// Runs the cases on a single-threaded runtime, so that the load uses at most one core. A signal
/// ends the run like an error: guards kill the started processes.
fn bench(args: Args) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let check = args.check;
    let missed = runtime.block_on(async {
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let mut hangup = signal(SignalKind::hangup())?;
        tokio::select! {
            missed = run(args) => missed,
            _ = interrupt.recv() => bail!("interrupted"),
            _ = terminate.recv() => bail!("terminated"),
            _ = hangup.recv() => bail!("hung up"),
        }
    })?;
    if check && missed > 0 {
        bail!("{missed} targets missed");
    }
    Ok(())
}

/// Returns the number of missed targets.
async fn run(args: Args) -> Result<usize> {
    let mut context = Context::new(args)?;
    context.load_core_only()?;
    let outcome = cases::run(&mut context).await;
    context.note_others();
    // Prints the results measured before a failure.
    print!("{}", context.report.table());
    if let Some(path) = &context.args.json {
        let text = serde_json::to_string_pretty(&context.report.json())?;
        std::fs::write(path, text + "\n")
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    outcome?;
    Ok(context.report.missed())
}
