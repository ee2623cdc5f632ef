//! The cases in the order that they run, each with its own store and server.

mod customers;
mod debit;
mod footprint;
mod garbage;
mod growth;
mod login;
mod lone;
mod mint;
mod objects;
mod on_postgres;
mod read;
mod revoke;
mod track;
mod webhooks;
mod year;

use anyhow::{Context as _, Result};

use crate::context::Context;
use crate::floor::Floor;
use crate::load::Load;
use crate::report::Target;
use crate::requests::{self, Requests};
use crate::rounds::{Series, Subject};
use crate::server::{Server, Store};
use crate::setup::{self, Session};

pub(crate) const NAMES: [&str; 15] = [
    "footprint",
    "read",
    "mint",
    "lone",
    "login",
    "revoke",
    "garbage",
    "objects",
    "track",
    "debit",
    "year",
    "webhooks",
    "growth",
    "customers",
    "postgres",
];

pub(crate) async fn run(context: &mut Context) -> Result<()> {
    context.report.note(
        "The server's log is on as shipped; its stderr goes to a file that is emptied between rounds.",
    );
    context.report.note(
        "CPU is the server process's user and system time; ratios are medians over rounds in which \
         the compared take turns.",
    );
    for name in NAMES {
        if !context.args.only.is_empty() && !context.args.only.iter().any(|only| only == name) {
            continue;
        }
        eprintln!("{name}");
        let outcome = match name {
            "footprint" => footprint::run(context).await,
            "read" => read::run(context).await,
            "mint" => mint::run(context).await,
            "lone" => lone::run(context).await,
            "login" => login::run(context).await,
            "revoke" => revoke::run(context).await,
            "garbage" => garbage::run(context).await,
            "objects" => objects::run(context).await,
            "track" => track::run(context).await,
            "debit" => debit::run(context).await,
            "year" => year::run(context).await,
            "webhooks" => webhooks::run(context).await,
            "growth" => growth::run(context).await,
            "customers" => customers::run(context).await,
            _ => on_postgres::run(context).await,
        };
        outcome.with_context(|| format!("case {name}"))?;
    }
    Ok(())
}

/// A server on a new embedded store, with a key and customers.
struct Stage {
    server: Server,
    key: String,
    customers: setup::Customers,
}

impl Stage {
    async fn open(
        context: &Context,
        store: Store<'_>,
        env: &[(&str, &str)],
        customers: usize,
    ) -> Result<Stage> {
        let server = Server::start(context, store, env).await?;
        let key = store.create_key(context)?;
        let customers = setup::customers(&server, &key, customers).await?;
        Ok(Stage { server, key, customers })
    }

    /// Sessions of the customers in turn.
    async fn sessions(&self, count: usize) -> Result<Vec<Session>> {
        Ok(setup::sessions(&self.server, &self.customers.mints, count, 1).await?.0)
    }

    /// Starts the floor that returns as many bytes as the verified read of this session.
    async fn floor(&self, context: &Context, session: &Session) -> Result<Floor> {
        let answer = setup::once(self.server.addr, &requests::current(&session.token)).await?;
        anyhow::ensure!(answer.status == 200, "a fresh session is refused: {}", answer.status);
        Floor::start(context, answer.bytes).await
    }

    fn subject(&self, name: &'static str, load: Load) -> Subject<'_> {
        Subject::new(name, &self.server.process, Some(&self.server.log), load)
    }

    fn load(&self, requests: &Requests, expect: &'static [u16]) -> Load {
        Load::new(self.server.addr, requests, expect)
    }
}

/// The verified read of each session in turn.
fn reads<'a>(sessions: impl IntoIterator<Item = &'a Session>) -> Requests {
    sessions.into_iter().map(|session| requests::current(&session.token)).collect()
}

/// Adds the rows that every load has. The targets are of the rate and of the 99th percentile in
/// milliseconds.
fn rows(
    context: &mut Context,
    case: &'static str,
    what: &str,
    series: &Series,
    (rate, p99): (Target, Target),
) {
    let report = &mut context.report;
    report.row(case, format!("{what}: requests a second"), (series.rate(), "/s"), rate);
    report.row(case, format!("{what}: CPU a request"), (series.cpu(), "us"), Target::None);
    report.row(case, format!("{what}: latency p50"), (series.latency(0.5), "ms"), Target::None);
    report.row(case, format!("{what}: latency p99"), (series.latency(0.99), "ms"), p99);
}
