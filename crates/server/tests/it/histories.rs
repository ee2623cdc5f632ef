//! The invariant of billing, over random histories: a portal token can never lower what is owed for
//! usage that has happened.
//!
//! Hundreds of customers subscribe, change plans, cancel and come back with their own portal tokens,
//! while the backend tracks usage and time passes. A model of a few lines says what each unit costs
//! under the plan in force when it was used. In the end exactly that was invoiced.

use crate::support::{Engine, Request, Test, event_with, flat, get, monthly, post, with, yearly};
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};
use std::hash::{BuildHasher, Hasher, RandomState};
use unitpay::base::Time;

const HISTORIES: usize = 500;
const ROUNDS: usize = 5;
const AT_ONCE: usize = 8;
/// Amounts below the processor's minimum wait for the next invoice, forever if there is none.
const MINIMUM: i64 = 50;

/// A plan as the model knows it: included units, then so many units at one price, the rest at another.
#[derive(Clone)]
struct Plan {
    id: String,
    usage: Option<(i64, i64, i64, i64)>,
}

impl Plan {
    /// The price of the first units of a usage window.
    fn price(&self, units: i64) -> i64 {
        let Some((included, first, dear, cheap)) = self.usage else { return 0 };
        let billable = (units - included).max(0);
        billable.min(first) * dear + (billable - first).max(0) * cheap
    }
}

/// One customer's history.
#[derive(Clone)]
struct History {
    name: String,
    token: String,
    random: Random,
    /// The secret of a form that is open.
    form: Option<String>,
    subscription: Value,
    /// The end of the usage window that counts, and the quantity in it.
    window_end: Option<Time>,
    quantity: i64,
    owed: i64,
    log: Vec<String>,
}

/// SplitMix64: a history has to be the same for a seed.
#[derive(Clone)]
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % bound as u64).unwrap()
    }
}

fn time(value: &Value) -> Option<Time> {
    serde_json::from_value(value.clone()).ok()
}

async fn plans(t: &Test) -> Vec<Plan> {
    let calls = t.calls().await;
    let usage = |included: i64, first: i64, dear: i64, cheap: i64| {
        let tiers = json!([{ "upTo": first, "unitPrice": dear.to_string() }, { "upTo": null, "unitPrice": cheap.to_string() }]);
        let charge =
            with(calls.clone(), json!({ "includedUnits": included.to_string(), "tiers": tiers }));
        (charge, Some((included, first, dear, cheap)))
    };
    let recurring = |amount: i64| json!({ "type": "recurring", "amount": amount, "perUnit": true });
    let (only, dear, yearly_usage) =
        (usage(0, 50, 7, 3), usage(100, 40, 5, 2), usage(10, 30, 4, 4));
    let trial = json!({ "trialDays": 5 });
    let all = [
        (monthly("only-usage", json!([only.0])), only.1),
        (monthly("dear", json!([recurring(1_000), dear.0])), dear.1),
        (monthly("flat", flat(3_000)), None),
        (yearly("year", json!([recurring(20_000), yearly_usage.0])), yearly_usage.1),
        (monthly("free", json!([])), None),
        (with(monthly("trial", json!([recurring(2_000), only.0])), trial), only.1),
    ];
    let mut plans = Vec::new();
    for (plan, usage) in all {
        plans.push(Plan { id: t.plan(plan).await, usage });
    }
    plans
}

impl History {
    /// Does one random thing with the portal token; a refusal is an answer, too.
    async fn act(&mut self, t: &Test, plans: &[Plan]) {
        let plan = &plans[self.random.below(plans.len())].id;
        let id = self.subscription["id"].as_str().unwrap_or("none").to_owned();
        let of_it = |what: &str| format!("/v1/subscriptions/{id}/{what}");
        let (path, body) = match self.random.below(10) {
            0..=2 => ("/v1/subscriptions".to_owned(), json!({ "planId": plan })),
            3..=5 => (
                of_it("change-plan"),
                json!({ "planId": plan, "quantity": 1 + self.random.below(3) }),
            ),
            6 => (of_it("cancel"), json!({})),
            7 => (of_it("cancel"), json!({ "mode": "now" })),
            8 => match self.form.take() {
                Some(secret) => (
                    "/v1/sandbox/forms/confirm".to_owned(),
                    json!({ "clientSecret": secret, "outcome": "succeed" }),
                ),
                None => (of_it("uncancel"), Value::Null),
            },
            _ => return,
        };
        let mut request = post(path.clone(), &body).bearer(&self.token);
        if body.is_null() {
            request = Request::new("POST", path.clone()).bearer(&self.token);
        }
        let answer = t.call(request).await;
        assert!(answer.status < 500, "{path}: {}", answer.status);
        self.log.push(format!("{path} {body} -> {}", answer.status));
        if answer.status == 200
            && let Some(secret) = answer.json()["client"]["clientSecret"].as_str()
        {
            self.form = Some(secret.to_owned());
        }
    }

    /// Reads the subscription that counts, and whether its usage window is another one.
    async fn look(&mut self, t: &Test, now: Time) {
        let list = get("/v1/subscriptions?limit=10").bearer(&self.token);
        let list = t.call(list).await.expect(200).json();
        let counts = |one: &&Value| {
            ["trialing", "active", "past_due"].contains(&one["status"].as_str().unwrap())
        };
        let Some(live) = list["data"].as_array().unwrap().iter().find(counts).cloned() else {
            self.subscription = Value::Null;
            return;
        };
        let (start, end) =
            (time(&live["usagePeriodStart"]).unwrap(), time(&live["usagePeriodEnd"]));
        // A new subscription continues a window that has not ended; otherwise a new window begins at 0.
        let goes_on = match self.subscription["id"] == live["id"] {
            true => self.subscription["usagePeriodStart"] == live["usagePeriodStart"],
            false => self.window_end.is_some_and(|end| start < end),
        };
        if !goes_on {
            self.quantity = 0;
        }
        assert!(start <= now);
        (self.window_end, self.subscription) = (end, live);
    }

    /// Counts accepted usage.
    fn used(&mut self, units: i64, plans: &[Plan]) {
        let plan = plans.iter().find(|plan| self.subscription["planId"] == *plan.id).unwrap();
        self.log.push(format!("{units} on {} from {}", plan.id, self.quantity));
        if self.subscription["status"] != "trialing" {
            self.owed += plan.price(self.quantity + units) - plan.price(self.quantity);
            self.quantity += units;
        }
    }
}

/// The usage that a customer was invoiced.
async fn billed(t: &Test, name: &str) -> i64 {
    let invoices = t.invoices_of(name).await;
    let issued = invoices.iter().filter(|invoice| invoice["status"] != "draft");
    let lines = issued.flat_map(|invoice| invoice["items"].as_array().unwrap());
    lines
        .filter(|line| line["description"] == "Calls")
        .map(|line| line["amount"].as_i64().unwrap())
        .sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn portal_tokens_never_lower_what_is_owed_for_usage() {
    let seed = match std::env::var("UNITPAY_SEED") {
        Ok(seed) => seed.parse().unwrap(),
        Err(_) => RandomState::new().build_hasher().finish(),
    };
    println!("UNITPAY_SEED={seed}");
    let t = Test::start(Engine::Sqlite).await;
    let plans = plans(&t).await;
    let mut random = Random(seed);
    let mut histories = Vec::new();
    for number in 0..HISTORIES {
        let name = format!("c{number}");
        let id = t.customer(&name).await;
        let card = if number % 4 == 0 { "pm_sandbox_requires_form" } else { "pm_sandbox_visa" };
        t.card(&id, card).await;
        let random = Random(seed ^ (number as u64).wrapping_mul(0x5851_f42d_4c95_7f2d));
        histories.push(History {
            token: t.token(&name).await,
            name,
            random,
            form: None,
            subscription: Value::Null,
            window_end: None,
            quantity: 0,
            owed: 0,
            log: Vec::new(),
        });
    }
    let mut now = t.app.clock.now();
    for round in 0..ROUNDS {
        let each = |mut history: History| {
            let (t, plans) = (&t, &plans);
            async move {
                history.act(t, plans).await;
                history.look(t, now).await;
                history
            }
        };
        histories = stream::iter(histories).map(each).buffer_unordered(AT_ONCE).collect().await;
        let units: Vec<i64> =
            histories.iter_mut().map(|one| one.random.below(120) as i64).collect();
        let event = |(one, units): (&History, &i64)| {
            event_with(&one.name, "call", &round.to_string(), json!({ "quantity": units }))
        };
        let events: Vec<Value> = histories.iter().zip(&units).map(event).collect();
        let rejected = t.tracked(json!(events)).await;
        for (at, (history, units)) in histories.iter_mut().zip(units).enumerate() {
            match rejected.iter().find(|(index, _)| *index == at as i64) {
                Some((_, reason)) => assert_eq!(
                    (reason.as_str(), &history.subscription),
                    ("rejected_no_subscription", &Value::Null)
                ),
                None => history.used(units, &plans),
            }
        }
        now = now.plus_seconds([600, 86_400, 9 * 86_400, 20 * 86_400][random.below(4)]);
        t.clock_to(&now.to_string()).await;
    }
    // Every usage window ends, and dunning with it.
    t.clock_to(&now.plus_days(40).to_string()).await;
    for history in &histories {
        let billed = billed(&t, &history.name).await;
        let owed = history.owed;
        assert!(
            billed <= owed && owed < billed + MINIMUM,
            "seed {seed}, {}: billed {billed}, owed {owed}: {:#?}",
            history.name,
            history.log
        );
    }
}
