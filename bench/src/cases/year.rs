//! Measures a year of renewals on the test clock: 1,000 customers who pay monthly and get daily
//! credits. Every renewal is invoiced and charged, and every day is in the wallet's ledger.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use super::Stage;
use crate::context::Context;
use crate::report::Target;
use crate::requests;
use crate::server::{Server, Store};
use crate::setup;
use crate::shop::Shop;

const CUSTOMERS: usize = 1_000;
/// The poll interval for an advancing clock, and the maximum number of polls.
const ASK_EVERY: Duration = Duration::from_millis(100);
const MOST_ASKED: usize = 6_000;

pub(super) async fn run(context: &mut Context) -> Result<()> {
    let folder = context.store("year")?;
    let stage = Stage::open(context, Store::Embedded(&folder), &[], CUSTOMERS).await?;
    let shop = Shop::open(&stage.server, &stage.key).await?;
    shop.cards(&stage.server, &stage.customers.ids).await?;
    shop.subscribe(&stage.server, &stage.customers.ids, &shop.daily).await?;

    let before = stage.server.process.cpu_time()?;
    let started = Instant::now();
    advance(&stage, 1).await?;
    let elapsed = started.elapsed();
    let cpu = stage.server.process.cpu_time()?.saturating_sub(before);

    // One at the start and one per month.
    for customer in setup::spread(&stage.customers.ids, 20) {
        let path = format!("/v1/customers/{customer}/invoices?limit=100");
        let page = ask(&stage.server, &requests::get_by_key(&path, &stage.key)).await?;
        let invoices = page["data"].as_array().context("no invoices")?;
        let paid = invoices.iter().filter(|invoice| invoice["status"] == "paid").count();
        ensure!(paid == 13, "{paid} paid invoices instead of 13");
        let path = format!("/v1/customers/{customer}/credit-accounts");
        let wallets = ask(&stage.server, &requests::get_by_key(&path, &stage.key)).await?;
        ensure!(
            wallets["data"][0]["balance"] == 50,
            "a wallet holds {}",
            wallets["data"][0]["balance"]
        );
    }
    let report = &mut context.report;
    let bound = Target::AtMost(60.0);
    report.row("year", "1,000 customers", (elapsed.as_secs_f64(), "s"), bound);
    report.row("year", "CPU of it", (cpu.as_secs_f64(), "s"), Target::None);
    report.row(
        "year",
        "memory at most",
        (stage.server.process.memory()?.peak, "MiB"),
        Target::None,
    );
    stage.server.process.stop()
}

/// Advances the test clock by whole years and waits for it.
pub(super) async fn advance(stage: &Stage, years: u32) -> Result<()> {
    let look = requests::get_by_key("/v1/test-clock", &stage.key);
    let now = ask(&stage.server, &look).await?;
    let to = years_later(now["now"].as_str().context("no time")?, years)?;
    let body = json!({ "to": to }).to_string();
    let set_out = requests::post("/v1/test-clock/advance", &stage.key, &body);
    let mut clock = ask(&stage.server, &set_out).await?;
    for _ in 0..MOST_ASKED {
        match clock["status"].as_str() {
            Some("ready") => return Ok(()),
            Some("advancing") => tokio::time::sleep(ASK_EVERY).await,
            _ => break,
        }
        clock = ask(&stage.server, &look).await?;
    }
    anyhow::bail!("the test clock came to {clock}")
}

async fn ask(server: &Server, request: &[u8]) -> Result<Value> {
    Ok(serde_json::from_slice(&setup::once(server.addr, request).await?.body)?)
}

/// Returns the same time in a later year, in the format of the API.
fn years_later(now: &str, years: u32) -> Result<String> {
    let (year, rest) = now.split_at_checked(4).context("an odd time")?;
    let rest = rest.replacen("-02-29", "-03-01", 1);
    Ok(format!("{:04}{rest}", year.parse::<u32>()? + years))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leap_day_of_another_year_is_the_day_after() {
        let later = |now: &str| years_later(now, 1).unwrap();
        assert_eq!(later("2026-11-28T07:40:06.000Z"), "2027-11-28T07:40:06.000Z");
        assert_eq!(later("2028-02-29T00:00:00.000Z"), "2029-03-01T00:00:00.000Z");
    }
}
