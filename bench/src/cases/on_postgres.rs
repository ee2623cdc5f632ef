//! Measures mints, reads and usage events on PostgreSQL. The server, PostgreSQL and the load share
//! all cores, so only throughput has targets.

use std::fs::File;
use std::io::Read as _;

use anyhow::{Result, bail};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;

use super::debit::debits;
use super::track::{self, CUSTOMERS, batch_rows};
use super::{Stage, reads, rows};
use crate::context::Context;
use crate::postgres::{self, Postgres};
use crate::report::Target;
use crate::rounds::rounds;
use crate::server::Store;
use crate::shop::Shop;

const LIVE_TOKENS: usize = 20_000;

pub(super) async fn run(context: &mut Context) -> Result<()> {
    let Some(programs) = postgres::programs() else {
        if context.args.postgres {
            bail!("PostgreSQL's programs are not installed");
        }
        context.report.note("PostgreSQL is not installed, so its case was skipped.");
        return Ok(());
    };
    context.every_core()?;
    let outcome = measure(context, &programs).await;
    context.load_core_only()?;
    outcome
}

async fn measure(context: &mut Context, programs: &std::path::Path) -> Result<()> {
    let postgres = Postgres::start(context, programs).await?;
    let mut master_key = [0; 32];
    File::open("/dev/urandom")?.read_exact(&mut master_key)?;
    let master_key = BASE64URL.encode(master_key);
    let store = Store::Postgres { url: &postgres.url, master_key: &master_key };

    let stage = Stage::open(context, store, &[], CUSTOMERS).await?;
    let sessions = stage.sessions(LIVE_TOKENS).await?;
    let shop = Shop::open(&stage.server, &stage.key).await?;
    let [one, many] =
        track::batches(&stage, &shop).await?.map(|(name, load)| stage.subject(name, load));
    let subjects = [
        stage.subject("mint, PostgreSQL", stage.load(&stage.customers.mints, &[201])),
        stage.subject("read, PostgreSQL", stage.load(&reads(&sessions), &[200])),
        one,
        many,
        stage.subject("debit, PostgreSQL", debits(&stage, &shop).await?),
    ];
    let [mint, read, one, many, debit] = rounds(context, subjects).await?;

    rows(context, "postgres", "mint", &mint, (Target::AtLeast(5_000.0), Target::None));
    rows(context, "postgres", "verified read", &read, (Target::AtLeast(8_000.0), Target::None));
    batch_rows(context, "postgres", "one customer a batch", &one, 20_000.0);
    batch_rows(context, "postgres", "100 customers a batch", &many, 8_000.0);
    rows(context, "postgres", "debit", &debit, (Target::None, Target::None));
    context.report.note(
        "In the PostgreSQL case the server, PostgreSQL and the load share every core; CPU is the \
         server's alone.",
    );
    stage.server.process.stop()
}
