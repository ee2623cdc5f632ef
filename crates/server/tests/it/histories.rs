//! The invariant of billing, over random histories: a portal token can never lower what is owed for
//! usage that has happened, nor have credits that were not paid for.
//!
//! Hundreds of customers subscribe, change plans, cancel, come back and buy credits with their own
//! portal tokens, while the backend tracks usage, some of it late, and time passes. On one plan credits
//! pay for the same usage. A model of a few lines says what each unit costs under the plan in force
//! when it was used. In the end exactly that was invoiced, or paid in credits.

use crate::support::{Engine, Request, Test, event_with, flat, get, monthly, post, with, yearly};
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};
use unitpay::testing::base::Time;
use unitpay::testing::config::Config;

const HISTORIES: usize = 500;
/// The same histories in each run; `UNITPAY_SEED` takes others.
const SEED: u64 = 2_654_435_858;
const ROUNDS: usize = 5;
const AT_ONCE: usize = 8;
const DAY: i64 = 86_400;
/// An ended subscription accepts late events for this long.
const GRACE: i64 = 3_600;
const PACKAGE_CREDITS: i64 = 100;
/// Amounts below the processor's minimum wait for the next invoice, forever if there is none.
const MINIMUM: i64 = 50;

/// A plan as the model knows it: included units, then so many units at one price, the rest at another.
#[derive(Clone)]
struct Plan {
    id: String,
    slug: String,
    usage: Option<(i64, i64, i64, i64)>,
    /// Whether credits pay for usage.
    in_credits: bool,
}

/// The plans and credits that are sold.
struct Sold {
    plans: Vec<Plan>,
    credits: String,
    package: String,
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
    /// The last subscription that ended, if it accepts late events.
    ended: Option<Value>,
    /// When each subscription was first seen to be live.
    starts: HashMap<String, Time>,
    /// The usage window of each subscription, and the end of the last one.
    windows: HashMap<String, Window>,
    window_end: Option<Time>,
    /// The last subscription that was seen to be live.
    last: Option<String>,
    owed: i64,
    wallet: Option<String>,
    /// The balance of the wallet, the credits that the backend granted, and those that usage took.
    balance: i64,
    granted: i64,
    spent: i64,
    log: Vec<String>,
}

/// The usage window of a subscription, with its quantity.
#[derive(Clone)]
struct Window {
    start: Value,
    quantity: i64,
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

async fn sold(t: &Test) -> Sold {
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
    let credits = json!({ "slug": "credits", "name": "Credits", "denomination": "unit" });
    let credits = t.make("credit-currencies", credits).await;
    let package = json!({ "creditCurrencyId": credits, "name": "Package", "credits": PACKAGE_CREDITS, "price": 1_000, "currency": "USD" });
    let package = t.make("credit-packages", package).await;
    let feature = json!({ "productId": t.main_product().await, "slug": "paid-calls", "name": "Calls", "type": "credit",
        "metricId": calls["metricId"], "creditCurrencyId": credits, "creditCost": "1" });
    let feature = t.make("features", feature).await;
    let prepaid = json!({ "entitlements": [{ "featureId": feature, "type": "credit" }] });
    let all = [
        (monthly("only-usage", json!([only.0])), only.1),
        (monthly("dear", json!([recurring(1_000), dear.0])), dear.1),
        (monthly("flat", flat(3_000)), None),
        (yearly("year", json!([recurring(20_000), yearly_usage.0])), yearly_usage.1),
        (monthly("free", json!([])), None),
        (with(monthly("trial", json!([recurring(2_000), only.0])), trial), only.1),
        (with(monthly("prepaid", flat(1_000)), prepaid), None),
    ];
    let mut plans = Vec::new();
    for (plan, usage) in all {
        let slug = plan["slug"].as_str().unwrap().to_owned();
        let in_credits = slug == "prepaid";
        plans.push(Plan { id: t.plan(plan).await, slug, usage, in_credits });
    }
    Sold { plans, credits, package }
}

impl History {
    /// Does one random thing with the portal token; a refusal is an answer, too.
    async fn act(&mut self, t: &Test, sold: &Sold) {
        let Plan { id: plan, slug, .. } = &sold.plans[self.random.below(sold.plans.len())];
        let id = self.subscription["id"].as_str().unwrap_or("none").to_owned();
        let of_it = |what: &str| format!("/v1/subscriptions/{id}/{what}");
        let (path, body) = match self.random.below(12) {
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
            9 | 10 => (
                format!("/v1/customers/{}/top-ups", self.name),
                json!({ "creditCurrencyId": sold.credits, "packageId": sold.package, "expectedAmount": 1_000 }),
            ),
            _ => return self.grant(t).await,
        };
        let mut request = post(path.clone(), &body).bearer(&self.token);
        if body.is_null() {
            request = Request::new("POST", path.clone()).bearer(&self.token);
        }
        let answer = t.call(request).await;
        assert!(answer.status < 500, "{path}: {}", answer.status);
        let outcome = if answer.status == 200 { answer.json() } else { Value::Null };
        self.log.push(format!("{path} {body} ({slug}) -> {} {}", answer.status, outcome["kind"]));
        if let Some(secret) = outcome["client"]["clientSecret"].as_str() {
            self.form = Some(secret.to_owned());
        }
    }

    /// The backend gives some credits away.
    async fn grant(&mut self, t: &Test) {
        let Some(wallet) = &self.wallet else { return };
        let amount = 1 + self.random.below(50) as i64;
        let path = format!("/v1/credit-accounts/{wallet}/grants");
        let granted = t.call(post(path, &json!({ "amount": amount })).key(&t.key)).await;
        assert!(granted.status < 300, "{}", granted.status);
        self.granted += amount;
        self.log.push(format!("granted {amount}"));
    }

    /// Reads the subscriptions that count, whether the usage window is another one, and the wallet.
    async fn look(&mut self, t: &Test, now: Time, plans: &[Plan]) {
        let wallets =
            t.call(get("/v1/credit-accounts").bearer(&self.token)).await.expect(200).json();
        let wallet = &wallets["data"][0];
        self.wallet = wallet["id"].as_str().map(str::to_owned);
        self.balance = wallet["balance"].as_i64().unwrap_or(0);
        let list = get("/v1/subscriptions?limit=10").bearer(&self.token);
        let list = t.call(list).await.expect(200).json();
        let list = list["data"].as_array().unwrap();
        let is =
            |one: &&Value, statuses: &[&str]| statuses.contains(&one["status"].as_str().unwrap());
        self.ended = list
            .iter()
            .filter(|one| is(one, &["canceled"]))
            .find(|one| {
                let end = time(&one["canceledAt"]).unwrap();
                let began = !one["usagePeriodStart"].is_null();
                let trial = time(&one["trialEnd"]).is_some_and(|trial| end < trial);
                let measured =
                    plans.iter().any(|plan| one["planId"] == *plan.id && plan.usage.is_some());
                began && !trial && measured && now < end.plus_seconds(GRACE)
            })
            .cloned();
        // A new window may have begun before it ended.
        let pending = list
            .iter()
            .filter(|one| one["id"].as_str().is_some_and(|id| self.windows.contains_key(id)));
        for one in pending.cloned().collect::<Vec<_>>() {
            self.look_at_window(&one);
            if one["id"].as_str() == self.last.as_deref() {
                self.window_end = time(&one["usagePeriodEnd"]);
            }
        }
        let live = list.iter().find(|one| is(one, &["trialing", "active", "past_due"])).cloned();
        let Some(live) = live else {
            self.subscription = Value::Null;
            return;
        };
        self.starts.entry(live["id"].as_str().unwrap().to_owned()).or_insert(now);
        assert!(time(&live["usagePeriodStart"]).unwrap() <= now);
        self.look_at_window(&live);
        self.last = live["id"].as_str().map(str::to_owned);
        (self.window_end, self.subscription) = (time(&live["usagePeriodEnd"]), live);
    }

    /// Begins a window at 0 if it is another one than before. A new subscription continues the last
    /// window if that has not ended.
    fn look_at_window(&mut self, one: &Value) {
        let (id, start) = (one["id"].as_str().unwrap(), one["usagePeriodStart"].clone());
        let carried = match time(&start).zip(self.window_end) {
            Some((start, end)) if start < end => {
                let last = self.last.as_ref().and_then(|last| self.windows.get(last));
                last.map_or(0, |last| last.quantity)
            }
            Some(_) | None => 0,
        };
        let kept = self.windows.entry(id.to_owned());
        let window = kept.or_insert(Window { start: start.clone(), quantity: carried });
        if window.start != start {
            *window = Window { start, quantity: 0 };
        }
    }

    /// The subscription that an event of this instant counts for, and whether it is billed.
    fn target(&self, at: Time) -> Option<(&Value, bool)> {
        let bills = |one: &Value| {
            let start =
                time(&one["trialEnd"]).or_else(|| self.starts.get(one["id"].as_str()?).copied());
            start.is_some_and(|start| start <= at)
        };
        let live = Some(&self.subscription).filter(|one| !one.is_null());
        let late =
            self.ended.as_ref().filter(|one| at < time(&one["canceledAt"]).unwrap() && bills(one));
        if let Some(ended) = late {
            let follows = |one: &&Value| {
                let end = time(&ended["usagePeriodEnd"]).unwrap();
                one["trialEnd"].is_null() && self.starts[one["id"].as_str().unwrap()] < end
            };
            return Some((live.filter(follows).unwrap_or(ended), true));
        }
        live.map(|live| (live, bills(live)))
    }

    /// Counts an event, and returns why it has to be rejected.
    fn used(&mut self, units: i64, at: Time, plans: &[Plan]) -> Option<&'static str> {
        let Some((one, billed)) = self.target(at) else { return Some("rejected_no_subscription") };
        let plan = plans.iter().find(|plan| one["planId"] == *plan.id).unwrap();
        let id = one["id"].as_str().unwrap().to_owned();
        let window = self.windows.get_mut(&id).unwrap();
        let from = window.quantity;
        self.log.push(format!("{units} at {at} on {} {} from {from}", plan.slug, window.start));
        if plan.in_credits {
            if units > self.balance {
                return Some("rejected_insufficient_credits");
            }
            (self.balance, self.spent) = (self.balance - units, self.spent + units);
        } else if billed {
            self.owed += plan.price(from + units) - plan.price(from);
            window.quantity += units;
        }
        None
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
        Err(_) => SEED,
    };
    println!("UNITPAY_SEED={seed}");
    let grace = |config: &mut Config| config.billing.usage_grace_seconds = GRACE;
    let t = Test::start_with(Engine::Sqlite, grace).await;
    let sold = sold(&t).await;
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
            ended: None,
            starts: HashMap::new(),
            windows: HashMap::new(),
            window_end: None,
            last: None,
            owed: 0,
            wallet: None,
            balance: 0,
            granted: 0,
            spent: 0,
            log: Vec::new(),
        });
    }
    let real = t.app.clock.now();
    let mut now = real;
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    for round in 0..ROUNDS {
        let each = |mut history: History| {
            let (t, sold) = (&t, &sold);
            async move {
                history.act(t, sold).await;
                history.look(t, now, &sold.plans).await;
                history
            }
        };
        histories = stream::iter(histories).map(each).buffer_unordered(AT_ONCE).collect().await;
        // Most events are on time.
        let late = [0, 0, 0, 1_800, 2 * DAY, 6 * DAY];
        let mut use_it = |one: &mut History| {
            let (units, late) = (one.random.below(120) as i64, late[one.random.below(late.len())]);
            (units, now.plus_seconds(-late))
        };
        let used: Vec<(i64, Time)> = histories.iter_mut().map(&mut use_it).collect();
        let event = |(one, (units, at)): (&History, &(i64, Time))| {
            let more = json!({ "quantity": units, "timestamp": at });
            event_with(&one.name, "call", &round.to_string(), more)
        };
        let events: Vec<Value> = histories.iter().zip(&used).map(event).collect();
        let rejected = t.tracked(json!(events)).await;
        for (index, (history, (units, at))) in histories.iter_mut().zip(used).enumerate() {
            // The sender of events knows nothing of the test clock.
            let is_now = now != real && (at.seconds() - real.seconds()).abs() <= 300;
            let at = if is_now { now } else { at };
            let expected = history.used(units, at, &sold.plans);
            let found = rejected.iter().find(|(rejected, _)| *rejected == index as i64);
            let found = found.map(|(_, reason)| reason.as_str());
            assert_eq!(found, expected, "seed {seed}, {}: {:#?}", history.name, history.log);
            *kinds.entry(expected.unwrap_or("accepted")).or_default() += 1;
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
        let (balance, bought) = (t.balance(&history.name).await, bought(&t, &history.name).await);
        assert_eq!(
            balance + history.spent,
            bought + history.granted,
            "seed {seed}, {}: {:#?}",
            history.name,
            history.log
        );
    }
    // Each kind of answer occurred, and credits paid for something.
    assert_eq!(kinds.len(), 3, "{kinds:?}");
    assert!(histories.iter().any(|history| history.spent > 0));
}

/// The credits of the top-ups that a customer has paid.
async fn bought(t: &Test, name: &str) -> i64 {
    let path = format!("/v1/invoices?customerId={name}&limit=100&status=paid");
    let list = t.call(get(path).key(&t.key)).await.expect(200).json();
    let paid = list["data"].as_array().unwrap().iter().filter(|one| one["reason"] == "top_up");
    paid.count() as i64 * PACKAGE_CREDITS
}
