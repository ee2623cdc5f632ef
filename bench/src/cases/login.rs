//! Measures the two requests of sign-in for addresses of customers and for other addresses, in turns on
//! one connection. The times must not tell which is which: the distance of the two distributions
//! (Kolmogorov and Smirnov) is compared with the one that a hundredth of all pairs of equal
//! distributions exceeds.

use std::time::Instant;

use anyhow::{Context as _, Result, ensure};

use super::Stage;
use crate::context::Context;
use crate::load::Connection;
use crate::report::Target;
use crate::requests;
use crate::server::Store;
use crate::setup::member;

const TRIES: usize = 1_000;
/// 1.63 × √(2 / TRIES)
const MOST_DISTANCE: f64 = 0.073;

/// The milliseconds of requests for known and for unknown addresses.
#[derive(Default)]
struct Times {
    known: Vec<f64>,
    unknown: Vec<f64>,
}

pub(super) async fn run(context: &mut Context) -> Result<()> {
    let folder = context.store("login")?;
    // Nothing listens there: each e-mail is queued, tried and put off.
    let env = [
        ("UNITPAY_LIMITS_LOGINS_PER_HOUR", "0"),
        ("UNITPAY_LIMITS_BAD_CREDENTIALS_PER_SECOND", "0"),
        ("UNITPAY_EMAIL_SERVER", "smtp://127.0.0.1:9"),
        ("UNITPAY_EMAIL_SENDER", "bench@example.com"),
        ("UNITPAY_EMAIL_SANDBOX", "true"),
    ];
    let stage = Stage::open(context, Store::Embedded(&folder), &env, TRIES).await?;
    let mut connection = Connection::open(stage.server.addr).await?;
    let answer = connection.exchange(&requests::turn_logins_on(&stage.key)).await?;
    ensure!(answer.status == 200, "sign-in cannot be turned on: {}", answer.status);

    let (mut start, mut enter) = (Times::default(), Times::default());
    for number in 0..TRIES {
        // Which one is first alternates, too.
        for is_known in [number % 2 == 0, number % 2 == 1] {
            let kind = if is_known { "customer" } else { "stranger" };
            let request = requests::start_login(&format!("{kind}{number}@example.com"));
            let started = Instant::now();
            let answer = connection.exchange(&request).await?;
            start.add(is_known, started);
            ensure!(answer.status == 201, "a code is refused: {}", answer.status);
            let id = member(answer.body(&connection), "id")?;
            let head = String::from_utf8_lossy(answer.head(&connection)).into_owned();
            let cookie = head.lines().find_map(|line| line.strip_prefix("set-cookie: "));
            let cookie = cookie.and_then(|cookie| cookie.split(';').next());
            let request = requests::enter_login(&id, cookie.context("no cookie")?);
            let started = Instant::now();
            let answer = connection.exchange(&request).await?;
            enter.add(is_known, started);
            ensure!(matches!(answer.status, 200 | 401), "a wrong code: {}", answer.status);
        }
    }
    start.report(context, "code asked for");
    enter.report(context, "wrong code");
    stage.server.process.stop()
}

impl Times {
    fn add(&mut self, is_known: bool, started: Instant) {
        let times = if is_known { &mut self.known } else { &mut self.unknown };
        times.push(started.elapsed().as_secs_f64() * 1_000.0);
    }

    fn report(mut self, context: &mut Context, what: &str) {
        for times in [&mut self.known, &mut self.unknown] {
            times.sort_by(f64::total_cmp);
        }
        let report = &mut context.report;
        for (kind, times) in [("customers", &self.known), ("others", &self.unknown)] {
            let median = times.get(times.len() / 2).copied().unwrap_or_default();
            report.row("login", format!("{what}: {kind}, median"), (median, "ms"), Target::None);
        }
        let distance = distance(&self.known, &self.unknown);
        let bound = Target::AtMost(MOST_DISTANCE);
        report.row("login", format!("{what}: distance"), (distance, ""), bound);
    }
}

/// Returns the largest difference of the cumulative distributions of two sorted lists.
fn distance(one: &[f64], other: &[f64]) -> f64 {
    let below = |times: &[f64], time: f64| {
        times.partition_point(|known| *known <= time) as f64 / times.len() as f64
    };
    let differences = one.iter().chain(other).map(|time| below(one, *time) - below(other, *time));
    differences.map(f64::abs).fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::distance;

    #[test]
    fn distance_is_the_largest_difference() {
        assert!(distance(&[1.0, 2.0], &[1.0, 2.0]) < 1e-9);
        assert!((distance(&[1.0, 2.0], &[3.0, 4.0]) - 1.0).abs() < 1e-9);
        assert!((distance(&[1.0, 2.0], &[2.0, 3.0]) - 0.5).abs() < 1e-9);
    }
}
