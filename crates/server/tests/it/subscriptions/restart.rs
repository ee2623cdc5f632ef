//! Killed at any point: a node dies after each row in turn that it writes, the next run completes
//! the work, and everything is invoiced and charged once.

mod due;
mod dunning;
mod wallets;

use crate::on_both_stores;
use crate::support::{Test, flat, monthly, per_unit, post, summarize, with};
use serde_json::json;
use unitpay::testing::base::Time;

const DAY: u64 = 86_400;

/// A plan with charges, usage and grants, and the cost of a period.
struct Full {
    plan: String,
    smaller: String,
}

async fn full(t: &Test) -> Full {
    let usage = t.calls().await;
    let credits = json!({ "slug": "credits", "name": "Credits", "denomination": "unit" });
    let credits = t.make("credit-currencies", credits).await;
    let plan = |slug: &str, amount: i64| {
        let charges = json!([{ "type": "recurring", "amount": amount, "perUnit": true }, usage]);
        let rules = json!([{ "creditCurrencyId": credits, "amount": 100, "cadence": "period", "rolloverCap": 30 }]);
        t.plan(with(monthly(slug, charges), json!({ "grantRules": rules })))
    };
    Full { plan: plan("full", 2_000).await, smaller: plan("smaller", 1_500).await }
}

/// Adds a card with this token to a customer and makes it the default.
async fn pays_by(t: &Test, customer: &str, token: &str) {
    let card = t.card(customer, token).await;
    t.call(post(format!("/v1/payment-methods/{card}/default"), &json!({})).key(&t.key))
        .await
        .expect(200);
}

/// Advances time to an instant of a customer's subscription.
async fn until(t: &Test, customer: &str, what: &str) {
    let named: Time =
        serde_json::from_value(t.subscription_of(customer).await[what].clone()).unwrap();
    t.advance((named.seconds() - t.app.clock.now().seconds()).unsigned_abs());
}

async fn status(t: &Test, customer: &str) -> String {
    t.subscription_of(customer).await["status"].as_str().unwrap().to_owned()
}

/// A renewal of a subscription with this card: the period ends with usage and a downgrade, and 30
/// of 100 credits roll over.
async fn renewal(t: &Test, token: &str, alive: &str, owed: &str) {
    let full = full(t).await;
    t.count_writes().await;
    let prepare = async |name: &str| {
        t.payer(name).await;
        let subscription = t.buy(name, &full.plan, 2).await;
        pays_by(t, name, token).await;
        t.call_for(name, "1", 30).await;
        let change =
            t.of_subscription(&subscription, "change-plan", json!({ "planId": full.smaller }));
        assert_eq!(change.await.expect(200).text("kind"), "deferred");
        until(t, name, "currentBillingPeriodEnd").await;
    };
    // A charge whose response is lost is continued by the second round.
    let work = async |_: &str| {
        for _ in 0..2 {
            t.try_to_bill().await;
            t.advance(61);
        }
    };
    let expected = async |name: &str, rows: i64| {
        let (renewed, invoices) = (t.subscription_of(name).await, t.invoices_of(name).await);
        assert_eq!(
            summarize(&invoices),
            [("create", "paid", 4_000), ("renewal", owed, 3_150)],
            "{token} after {rows} rows"
        );
        assert_eq!(
            (&renewed["planId"], &renewed["status"]),
            (&json!(full.smaller), &json!(alive)),
            "{token} after {rows} rows"
        );
        assert_eq!(renewed["currentBillingPeriodStart"], invoices[0]["periodEnd"]);
        // The new window opens with the payment of its invoice: 30 roll over into it.
        let credits = if owed == "paid" { 130 } else { 0 };
        assert_eq!(t.balance(name).await, credits, "{token} after {rows} rows");
    };
    let rows = t.die_after_each_row(prepare, work, expected).await;
    assert!(rows > 20, "{token}: it wrote {rows} rows");
}

on_both_stores! {
    async fn renewal_completes_after_a_crash_at_any_row(t) {
        renewal(&t, "pm_sandbox_visa", "active", "paid").await;
    }

    async fn failed_renewal_fails_once_after_a_crash_at_any_row(t) {
        renewal(&t, "pm_sandbox_declined", "past_due", "overdue").await;
    }

    async fn lost_renewal_response_is_paid_once_after_a_crash(t) {
        renewal(&t, "pm_sandbox_timeout", "active", "paid").await;
    }

    async fn purchase_happens_once_after_a_crash_at_any_row(t) {
        let full = full(&t).await;
        t.count_writes().await;
        let prepare = async |name: &str| drop(t.payer(name).await);
        let ask = async |name: &str| {
            let body = json!({ "customerId": name, "planId": full.plan });
            t.call(post("/v1/subscriptions", &body).key(&t.key).header("idempotency-key", name)).await
        };
        let work = async |name: &str| drop(ask(name).await);
        let expected = async |name: &str, rows: i64| {
            let outcome = ask(name).await.expect(200).json();
            assert_eq!((&outcome["kind"], &outcome["subscription"]["status"]), (&json!("charged_inline"), &json!("active")), "after {rows} rows");
            assert_eq!(summarize(&t.invoices_of(name).await), [("create", "paid", 2_000)], "after {rows} rows");
            assert_eq!(t.balance(name).await, 100, "after {rows} rows");
        };
        let rows = t.die_after_each_row(prepare, work, expected).await;
        assert!(rows > 15, "it wrote {rows} rows");
    }

    async fn plan_change_happens_once_after_a_crash_at_any_row(t) {
        let small = t.plan(monthly("small", flat(1_000))).await;
        let large = t.plan(monthly("large", per_unit(3_000))).await;
        t.count_writes().await;
        let prepare = async |name: &str| {
            t.payer(name).await;
            t.buy(name, &small, 1).await;
        };
        // A new request has no key to replay: it finds the work in progress or done.
        let work = async |name: &str| {
            let subscription = t.subscription_of(name).await;
            drop(t.of_subscription(&subscription, "change-plan", json!({ "planId": large })).await);
        };
        let expected = async |name: &str, rows: i64| {
            let (now, invoices) = (t.subscription_of(name).await, t.invoices_of(name).await);
            assert_eq!(now["planId"], json!(large), "after {rows} rows");
            let kinds: Vec<_> = summarize(&invoices).into_iter().map(|(reason, status, _)| (reason, status)).collect();
            assert_eq!(kinds, [("create", "paid"), ("change", "paid")], "after {rows} rows");
        };
        let rows = t.die_after_each_row(prepare, work, expected).await;
        assert!(rows > 8, "it wrote {rows} rows");
    }
}
