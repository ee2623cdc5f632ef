//! The invariant of credits, over random histories: a portal token never obtains more credits than the
//! charges paid for.
//!
//! Every plan and package sells ten credits for a dollar, so that what a customer spent and still has
//! can be held against what was paid, whatever the order of changes, cancellations and returns.

use crate::support::{Engine, Test, event_with, flat, get, monthly, post, with, yearly};
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};

const HISTORIES: u64 = 500;
/// The same histories in each run; `UNITPAY_SEED` takes others.
const SEED: u64 = 2_654_435_858;
const ROUNDS: usize = 6;
const AT_ONCE: usize = 8;
/// Cents for one credit.
const PRICE: i64 = 10;
/// Cents that one change may round in the customer's favour: a restart keeps one credit, and each
/// proration rounds money to the cent.
const ROUNDING: i64 = PRICE + 1;
/// Cents by which the credits of a month may be ahead of the price of a year: February gives a twelfth
/// of the year's credits for 28 of its 365 days.
const SHORT_MONTH: i64 = 80;

struct History {
    customer: String,
    token: String,
    random: Random,
    /// Cents that rounding and short months may have given.
    tolerance: i64,
    log: Vec<String>,
}

/// SplitMix64: the same history for the same seed.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }
}

impl History {
    /// Does one random thing with the portal token. A refusal is an answer, too.
    async fn act(&mut self, t: &Test, sold: &Sold) {
        let live = t.call(get("/v1/subscriptions?limit=1").bearer(&self.token)).await.expect(200);
        let live = &live.json()["data"][0];
        let id = live["id"].as_str().unwrap_or("none").to_owned();
        let plan = &sold.plans[self.random.below(sold.plans.len() as u64) as usize];
        let (path, body) = match self.random.below(10) {
            0..=2 => ("/v1/subscriptions".to_owned(), json!({ "planId": plan })),
            3..=6 => {
                let leaves_year = live["planId"] == sold.plans[YEAR].as_str();
                self.tolerance += ROUNDING + if leaves_year { SHORT_MONTH } else { 0 };
                (format!("/v1/subscriptions/{id}/change-plan"), json!({ "planId": plan }))
            }
            7 => {
                let mode = if self.random.below(2) == 0 { "now" } else { "period_end" };
                (format!("/v1/subscriptions/{id}/cancel"), json!({ "mode": mode }))
            }
            8 => {
                let body = json!({ "creditCurrencyId": sold.credits, "packageId": sold.package });
                (format!("/v1/customers/{}/top-ups", self.customer), body)
            }
            _ => return,
        };
        let answer = t.call(post(path.clone(), &body).bearer(&self.token)).await;
        assert!(answer.status < 500, "{path}: {}", answer.status);
        self.log.push(format!("{} {path} {body}: {}", t.app.clock.now(), answer.status));
    }

    /// Credits that were spent or are left.
    async fn obtained(&self, t: &Test) -> i64 {
        let wallet = t.wallet(&self.customer).await;
        if wallet.is_null() {
            return 0;
        }
        let entries = t.ledger(&wallet).await;
        let spent = entries.iter().filter(|entry| entry["type"] == "deduction");
        let spent: i64 = spent.map(|entry| entry["amount"].as_i64().unwrap()).sum();
        wallet["balance"].as_i64().unwrap() - spent
    }

    /// Money that came in.
    async fn paid(&self, t: &Test) -> i64 {
        let path = format!("/v1/invoices?customerId={}&limit=100", self.customer);
        let list = t.call(get(path).key(&t.key)).await.expect(200).json();
        let invoices = list["data"].as_array().unwrap().iter();
        invoices.map(|invoice| invoice["amountPaid"].as_i64().unwrap()).sum()
    }
}

struct Sold {
    plans: Vec<String>,
    credits: String,
    package: String,
}

/// Index of the plan that is paid by the year and gives its credits by the month.
const YEAR: usize = 4;

async fn sold(t: &Test) -> Sold {
    let shop = t.shop().await;
    let mut plans = Vec::new();
    let plan = |slug: &str, price: i64, cadence: &str, amount: i64| {
        let rules = json!([{ "creditCurrencyId": shop.credits, "amount": amount, "cadence": cadence, "rolloverCap": 0 }]);
        let more = json!({ "productId": shop.product, "isPublic": true,
            "entitlements": [{ "featureId": shop.generation, "type": "credit" }] });
        let more = if amount > 0 { with(more, json!({ "grantRules": rules })) } else { more };
        let plan = if slug.starts_with("year") {
            yearly(slug, flat(price))
        } else {
            monthly(slug, flat(price))
        };
        with(plan, more)
    };
    for (slug, price, cadence, amount) in [
        ("nothing", 0, "period", 0),
        ("small", 1_000, "period", 100),
        ("same", 1_000, "month", 100),
        ("large", 50_000, "period", 5_000),
        ("year", 12_000, "month", 100),
        ("year-large", 60_000, "period", 6_000),
    ] {
        plans.push(t.plan(plan(slug, price, cadence, amount)).await);
    }
    let trial = with(plan("trial", 2_000, "period", 0), json!({ "trialDays": 10 }));
    plans.push(t.plan(trial).await);
    let package = json!({ "creditCurrencyId": shop.credits, "name": "Package", "credits": 50, "price": 500, "currency": "USD" });
    let package = t.make("credit-packages", package).await;
    Sold { plans, credits: shop.credits, package }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn portal_tokens_never_obtain_more_credits_than_were_paid() {
    let seed = match std::env::var("UNITPAY_SEED") {
        Ok(seed) => seed.parse().unwrap(),
        Err(_) => SEED,
    };
    println!("UNITPAY_SEED={seed}");
    let t = Test::start(Engine::Sqlite).await;
    let sold = sold(&t).await;
    let mut random = Random(seed);
    let mut histories = Vec::new();
    for number in 0..HISTORIES {
        let customer = format!("c{number}");
        t.payer(&customer).await;
        let token = t.token(&customer).await;
        let random = Random(seed ^ number.wrapping_mul(0x5851_f42d_4c95_7f2d));
        histories.push(History { customer, token, random, tolerance: 0, log: Vec::new() });
    }
    let mut now = t.app.clock.now();
    for round in 0..ROUNDS {
        // Two things in one instant, with something spent between them.
        for half in 0..2 {
            let each = |mut history: History| async {
                history.act(&t, &sold).await;
                history
            };
            histories = stream::iter(histories).map(each).buffer_unordered(AT_ONCE).collect().await;
            let event = |one: &mut History| {
                let quantity = json!({ "quantity": one.random.below(200) });
                event_with(&one.customer, "generate", &format!("{round}-{half}"), quantity)
            };
            let events: Vec<Value> = histories.iter_mut().map(event).collect();
            t.tracked(json!(events)).await;
        }
        let steps = [600, 86_400, 9 * 86_400, 20 * 86_400, 36 * 86_400];
        now = now.plus_seconds(steps[random.below(steps.len() as u64) as usize]);
        t.clock_to(&now.to_string()).await;
    }
    let mut any = 0;
    for history in &histories {
        let (obtained, paid) = (history.obtained(&t).await, history.paid(&t).await);
        any += obtained;
        assert!(
            obtained * PRICE <= paid + history.tolerance,
            "seed {seed}, {}: {obtained} credits for {paid}: {:#?}",
            history.customer,
            history.log
        );
    }
    assert!(any > 0);
}
