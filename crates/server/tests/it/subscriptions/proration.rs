//! Random plans, quantities, dates and currencies: the preview equals the charge to the cent, and
//! plain arithmetic agrees.

use crate::on_both_stores;
use crate::support::{Test, with};
use jiff::civil::{DateTime, date};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

/// Days around special ends of months and years, and others.
const DAYS: [(i16, i8, i8); 14] = [
    (2030, 1, 29),
    (2030, 1, 30),
    (2030, 1, 31),
    (2030, 2, 28),
    (2030, 3, 31),
    (2030, 6, 15),
    (2030, 12, 31),
    (2031, 2, 28),
    (2031, 8, 31),
    (2032, 1, 31),
    (2032, 2, 28),
    (2032, 2, 29),
    (2032, 3, 1),
    (2032, 12, 31),
];
const CASES_A_DAY: usize = 3;

/// One plan's terms.
#[derive(Clone, Debug)]
struct Terms {
    amount: i64,
    per_unit: bool,
    quantity: i64,
    yearly: bool,
}

#[derive(Clone, Debug)]
struct Case {
    currency: &'static str,
    from: Terms,
    to: Terms,
    /// The position of the change within the period.
    seconds: i64,
    tax_points: i64,
}

fn terms() -> impl Strategy<Value = Terms> {
    let amount = prop_oneof![1 => Just(0i64), 3 => 1_000..100_000i64, 2 => 100_000..50_000_000i64];
    (amount, any::<bool>(), 1..40i64, any::<bool>()).prop_map(
        |(amount, per_unit, quantity, yearly)| Terms { amount, per_unit, quantity, yearly },
    )
}

fn case() -> impl Strategy<Value = Case> {
    let currency = prop_oneof![Just("USD"), Just("JPY"), Just("KWD")];
    (currency, terms(), terms(), 0..20 * 86_400i64, 0..3_000i64).prop_map(
        |(currency, from, to, seconds, tax_points)| Case {
            currency,
            from,
            to,
            seconds,
            tax_points,
        },
    )
}

impl Terms {
    fn total(&self) -> i64 {
        self.amount * if self.per_unit { self.quantity } else { 1 }
    }

    fn months(&self) -> i32 {
        if self.yearly { 12 } else { 1 }
    }

    async fn plan(&self, t: &Test, slug: &str, currency: &str) -> String {
        let interval = if self.yearly { "year" } else { "month" };
        let charge =
            json!({ "type": "recurring", "amount": self.amount, "perUnit": self.per_unit });
        t.plan(json!({ "slug": slug, "name": slug, "status": "active", "billingInterval": interval,
            "currency": currency, "charges": [charge] }))
            .await
    }
}

/// Half away from zero.
fn share(amount: i64, part: i64, whole: i64) -> i64 {
    let (amount, part, whole) = (i128::from(amount), i128::from(part), i128::from(whole));
    i64::try_from((2 * amount * part + whole) / (2 * whole)).unwrap()
}

/// Returns the lines of a change at an instant; `None` if it costs nothing now.
fn expected(case: &Case, start: DateTime, at: DateTime) -> Vec<i64> {
    let (old, new) = (case.from.total(), case.to.total());
    // One month after the 31st is the month's last day.
    let end = start.saturating_add(Span::new().months(case.from.months()));
    let seconds = |from: DateTime, to: DateTime| (utc(to) - utc(from)).get_seconds();
    let (whole, rest) = (seconds(start, end), seconds(at, end));
    let (old_rest, new_rest) = (share(old, rest, whole), share(new, rest, whole));
    let anew = match (case.from.yearly, case.to.yearly) {
        _ if new == 0 && old > 0 => return Vec::new(),
        _ if old == 0 && new > 0 => return vec![new],
        (false, true) => true,
        (true, false) => return Vec::new(),
        (false, false) | (true, true) => false,
    };
    match anew {
        true if new < old_rest => Vec::new(),
        true if old == 0 => vec![new],
        true => vec![-old_rest, new],
        false if new > old => vec![-old_rest, new_rest],
        false => Vec::new(),
    }
}

fn utc(at: DateTime) -> Timestamp {
    at.to_zoned(TimeZone::UTC).unwrap().timestamp()
}

/// A customer on the old plan.
struct Sold {
    name: String,
    subscription: Value,
    new_plan: String,
    start: DateTime,
}

async fn sell(t: &Test, n: usize, case: &Case, start: DateTime) -> Sold {
    let old = case.from.plan(t, &format!("old-{n}"), case.currency).await;
    let new_plan = case.to.plan(t, &format!("new-{n}"), case.currency).await;
    let name = format!("c{n}");
    let rate = json!({ "name": "Tax", "basisPoints": case.tax_points });
    let customer =
        json!({ "name": name, "email": "c@example.com", "externalId": name, "taxRate": rate });
    let id = t.make("customers", customer).await;
    t.card(&id, "pm_sandbox_visa").await;
    t.clock_to(&utc(start).to_string()).await;
    let subscription = t.buy(&name, &old, case.from.quantity).await;
    Sold { name, subscription, new_plan, start }
}

/// Changes the plan at an instant; returns the number of lines.
async fn change(t: &Test, sold: &Sold, case: &Case, at: DateTime) -> usize {
    let Sold { name, subscription, new_plan, start } = sold;
    t.clock_to(&utc(at).to_string()).await;
    let body = json!({ "planId": new_plan, "quantity": case.to.quantity });
    let preview = t.of_subscription(subscription, "preview-change", body.clone()).await;
    let preview = preview.expect(200).json();
    let items = preview["items"].as_array().unwrap();
    let amounts: Vec<i64> = items.iter().map(|item| item["amount"].as_i64().unwrap()).collect();
    let wanted = expected(case, *start, at);
    assert_eq!(amounts, wanted, "{start} {at} {case:?}");
    let subtotal: i64 = wanted.iter().sum();
    let total = subtotal + share(subtotal, case.tax_points, 10_000);
    let sums = |shown: &Value| {
        [&shown["subtotal"], &shown["totalAmount"]].map(|sum| sum.as_i64().unwrap())
    };
    assert_eq!(sums(&preview), [subtotal, total], "{start} {at} {case:?}");
    // A minute later, the price of the preview still holds.
    t.advance(60);
    let body = with(body, json!({ "prorationDate": preview["prorationDate"] }));
    let outcome = t.of_subscription(subscription, "change-plan", body).await.expect(200).json();
    let least = if case.currency == "KWD" { 500 } else { 50 };
    let kind = outcome["kind"].as_str().unwrap();
    if wanted.iter().all(|amount| *amount == 0) {
        assert!(["deferred", "created_no_charge", "no_action"].contains(&kind), "{outcome}");
    } else if (1..least).contains(&total) {
        assert_eq!(kind, "invoice_added", "{start} {at} {case:?}");
    } else {
        // Lines that cancel out are paid at issue.
        let invoice = t.invoices_of(name).await.pop().unwrap();
        assert_eq!(
            (&invoice["items"], sums(&invoice)),
            (&preview["items"], [subtotal, total]),
            "{start} {at} {case:?}"
        );
        assert_eq!((&invoice["status"], &invoice["amountPaid"]), (&json!("paid"), &json!(total)));
    }
    let now = &t.subscription_of(name).await;
    t.of_subscription(now, "cancel", json!({ "mode": "now" })).await.expect(200);
    wanted.len()
}

on_both_stores! {
    async fn random_changes_cost_what_the_preview_shows(t) {
        let mut runner = TestRunner::deterministic();
        let cases: Vec<Case> = (0..DAYS.len() * CASES_A_DAY).map(|_| case().new_tree(&mut runner).unwrap().current()).collect();
        // The clock only moves forward, so purchases and changes are ordered by time.
        let mut plan: Vec<(DateTime, bool, usize)> = Vec::new();
        for (n, case) in cases.iter().enumerate() {
            let (year, month, day) = DAYS[n / CASES_A_DAY];
            let start = date(year, month, day).at(2 * (n % CASES_A_DAY) as i8, 0, 0, 0);
            let minutes = 10 + case.seconds / 600 * 10;
            plan.push((start, false, n));
            plan.push((start.saturating_add(Span::new().minutes(minutes).seconds(n as i64)), true, n));
        }
        plan.sort();
        let mut sold: Vec<Option<Sold>> = cases.iter().map(|_| None).collect();
        let mut kinds = [0, 0, 0];
        let mut last = plan[0].0;
        for (at, changes, n) in plan {
            // A minute passes with every change.
            let at = at.max(last.saturating_add(Span::new().minutes(2)));
            last = at;
            if changes {
                kinds[change(&t, sold[n].as_ref().unwrap(), &cases[n], at).await] += 1;
            } else {
                sold[n] = Some(sell(&t, n, &cases[n], at).await);
            }
        }
        // Every kind of change occurred.
        assert!(kinds.iter().all(|count| *count >= 3), "{kinds:?}");
    }
}
