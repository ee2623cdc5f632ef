//! Serves the tests' stand-in for Stripe, for the tests in other languages and for trying things out. It
//! prints its address, and ends with its standard input.

// As in the tests whose helpers these are; the address is this program's output.
#![allow(clippy::unwrap_used, clippy::panic, clippy::wildcard_enum_match_arm, clippy::print_stdout)]

#[path = "../tests/it/stripe/judge.rs"]
#[allow(dead_code, reason = "the tests use more of it")]
mod judge;
#[path = "../tests/it/stripe/stand_in.rs"]
#[allow(dead_code, reason = "the tests use more of it")]
mod stand_in;

use stand_in::{PUBLISHABLE, SECRET, StandIn};
use std::io::Read as _;

#[tokio::main(flavor = "multi_thread", worker_threads = 1)]
async fn main() -> std::io::Result<()> {
    let stand_in = StandIn::start().await;
    println!("{} {SECRET} {PUBLISHABLE}", stand_in.url());
    tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new())).await??;
    Ok(())
}
