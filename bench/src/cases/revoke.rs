//! Measures revocations by session and by customer, from many connections. Every session revoked by
//! `jti` is live before; the customers of the other half have live sessions as well.

use anyhow::{Context as _, Result};

use super::{Stage, rows};
use crate::context::Context;
use crate::report::Target;
use crate::requests;
use crate::rounds::rounds;
use crate::server::Store;
use crate::setup;

/// Sessions revoked by `jti` per round.
const PER_ROUND: usize = 4_000;

pub(super) async fn run(context: &mut Context) -> Result<()> {
    let folder = context.store("revoke")?;
    let stage = Stage::open(context, Store::Embedded(&folder), &[], 2000).await?;
    let (theirs, others) = stage.customers.ids.split_at(1000);
    // One more round for the warm-up turn.
    let count = PER_ROUND * (context.rounds + 1);
    let mints = theirs.iter().map(|id| requests::mint(&stage.key, id)).collect();
    let (sessions, _) = setup::sessions(&stage.server, &mints, count, 1).await?;
    let mints = others.iter().map(|id| requests::mint(&stage.key, id)).collect();
    setup::sessions(&stage.server, &mints, 10 * others.len(), 0).await?;
    let floor = stage.floor(context, sessions.first().context("no session")?).await?;

    let by_session =
        sessions.iter().map(|session| requests::revoke_session(&stage.key, &session.jti));
    let by_session = stage.load(&by_session.collect(), &[204]).count(PER_ROUND);
    let by_customer = others.iter().map(|id| requests::revoke_customer(&stage.key, id));
    let by_customer = stage.load(&by_customer.collect(), &[204]);
    let subjects = [
        floor.subject(),
        stage.subject("revoke by jti", by_session),
        stage.subject("revoke by customer", by_customer),
    ];
    let [floor, by_session, by_customer] = rounds(context, subjects).await?;

    context.report.row("revoke", "floor: CPU a request", (floor.cpu(), "us"), Target::None);
    for (what, series) in [("by jti", &by_session), ("by customer", &by_customer)] {
        rows(context, "revoke", what, series, (Target::AtLeast(10_000.0), Target::AtMost(40.0)));
        let ratio = series.cpu_ratio(&floor);
        context.report.row("revoke", format!("{what}: CPU / floor"), (ratio, "x"), Target::None);
    }
    stage.server.process.stop()
}
