//! Measures reads with a portal token: single objects, and a page of invoices. The billing engine
//! creates two years of invoices on the test clock.

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use super::year::advance;
use super::{Stage, rows};
use crate::context::Context;
use crate::report::Target;
use crate::requests::{self, Requests};
use crate::rounds::rounds;
use crate::server::Store;
use crate::setup;
use crate::shop::Shop;

const CUSTOMERS: usize = 200;
const SESSIONS: usize = 20_000;
const PAGE: usize = 20;
/// Long enough for each customer to have more than one page of invoices.
const YEARS: u32 = 2;

pub(super) async fn run(context: &mut Context) -> Result<()> {
    let folder = context.store("objects")?;
    let stage = Stage::open(context, Store::Embedded(&folder), &[], CUSTOMERS).await?;
    let shop = Shop::open(&stage.server, &stage.key).await?;
    let customers = &stage.customers.ids;
    shop.cards(&stage.server, customers).await?;
    let subscriptions = shop.subscribe(&stage.server, customers, &shop.daily).await?;
    advance(&stage, YEARS).await?;
    let sessions = stage.sessions(SESSIONS).await?;
    let floor = stage.floor(context, sessions.first().context("no session")?).await?;

    let page = |_: usize| format!("/v1/invoices?limit={PAGE}");
    let mut invoices = Vec::new();
    for session in sessions.iter().take(CUSTOMERS) {
        let answer =
            setup::once(stage.server.addr, &requests::get(&page(0), &session.token)).await?;
        let answer: Value = serde_json::from_slice(&answer.body)?;
        let list = answer["data"].as_array().context("no page")?;
        ensure!(list.len() == PAGE, "a page of {} invoices", list.len());
        invoices.push(list[PAGE / 2]["id"].as_str().context("no id")?.to_owned());
    }
    let reads = |path: &dyn Fn(usize) -> String| -> Requests {
        let each = sessions.iter().enumerate();
        each.map(|(at, session)| requests::get(&path(at % CUSTOMERS), &session.token)).collect()
    };
    let subject = |name, path: &dyn Fn(usize) -> String| {
        stage.subject(name, stage.load(&reads(path), &[200]))
    };
    let subjects = [
        floor.subject(),
        subject("customer", &|index| format!("/v1/customers/{}", customers[index])),
        subject("plan", &|_| format!("/v1/plans/{}", shop.daily)),
        subject("subscription", &|index| format!("/v1/subscriptions/{}", subscriptions[index])),
        subject("invoice", &|index| format!("/v1/invoices/{}", invoices[index])),
        subject("page of 20 invoices", &page),
    ];
    let [floor, customer, plan, subscription, invoice, page] = rounds(context, subjects).await?;

    context.report.row("objects", "floor: CPU a request", (floor.cpu(), "us"), Target::None);
    for (what, series, most) in [
        ("customer", &customer, 4.0),
        ("plan", &plan, 4.0),
        ("subscription", &subscription, 4.0),
        ("invoice", &invoice, 4.0),
        ("page of 20 invoices", &page, 12.0),
    ] {
        rows(context, "objects", what, series, (Target::None, Target::None));
        let ratio = series.cpu_ratio(&floor);
        let report = &mut context.report;
        report.row("objects", format!("{what}: CPU / floor"), (ratio, "x"), Target::AtMost(most));
    }
    stage.server.process.stop()
}
