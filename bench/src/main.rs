//! The benchmark program: it starts the real release binary, loads it over loopback and compares
//! it with a bare axum handler on the same core.
//!
//! One command prints a table on stdout and, where asked, writes the same rows as JSON. The server
//! and the floor run on one core, the load on another; every ratio is taken within one run. The
//! program measures from outside only: it links nothing of the server.
#![allow(clippy::print_stdout, reason = "the table on stdout is what this program is for")]

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

/// Runs the cases on a single-threaded runtime, so that the load takes one core at most. A signal
/// ends the run as an error does: the processes that were started are ended by their guards.
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

/// Returns how many targets were missed.
async fn run(args: Args) -> Result<usize> {
    let mut context = Context::new(args)?;
    context.load_core_only()?;
    let outcome = cases::run(&mut context).await;
    context.note_others();
    // What was measured before a failure is still shown.
    print!("{}", context.report.table());
    if let Some(path) = &context.args.json {
        let text = serde_json::to_string_pretty(&context.report.json())?;
        std::fs::write(path, text + "\n")
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    outcome?;
    Ok(context.report.missed())
}
