//! Late events of a subscription that has ended: its last usage window waits for them.

use crate::support::{Engine, Test, event_with, lines, monthly, summarize, with};
use serde_json::{Value, json};

/// Runs a test on both stores, with an hour of grace.
macro_rules! with_grace {
    ($(async fn $name:ident($t:ident) $body:block)*) => {$(
        mod $name {
            use super::*;

            async fn run(engine: Engine) {
                let $t = Test::start_with(engine, |config| config.billing.usage_grace_seconds = 3_600).await;
                $body
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                run(Engine::Sqlite).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                run(Engine::Postgres).await;
            }
        }
    )*};
}

/// A plan of 2000 and 5 for each call after the first ten.
async fn metered(t: &Test) -> String {
    let usage = with(t.calls().await, json!({ "includedUnits": "10" }));
    t.plan(monthly("metered", json!([{ "type": "recurring", "amount": 2_000 }, usage]))).await
}

/// Calls of a customer at an instant, or now.
fn calls(key: &str, quantity: i64, at: Option<&str>) -> Value {
    let mut more = json!({ "quantity": quantity });
    if let Some(at) = at {
        more["timestamp"] = json!(at);
    }
    event_with("c", "call", key, more)
}

async fn cancel_now(t: &Test, subscription: &Value) {
    t.of_subscription(subscription, "cancel", json!({ "mode": "now" })).await.expect(200);
}

with_grace! {
    async fn late_event_is_billed_within_the_grace(t) {
        let plan = metered(&t).await;
        t.payer("c").await;
        let subscription = t.buy("c", &plan, 1).await;
        t.call_for("c", "1", 20).await;
        t.clock_to("2030-01-10T00:00:00Z").await;
        cancel_now(&t, &subscription).await;
        assert_eq!(summarize(&t.invoices_of("c").await), [("create", "paid", 2_000)]);
        t.clock_to("2030-01-10T00:59:59Z").await;
        let refused = [(1, "rejected_no_subscription".to_owned())];
        let events = json!([calls("2", 4, Some("2030-01-09T23:59:59Z")), calls("3", 1, None)]);
        assert_eq!(t.tracked(events).await, refused);
        t.clock_to("2030-01-10T01:00:00Z").await;
        let invoices = t.invoices_of("c").await;
        assert_eq!(summarize(&invoices), [("create", "paid", 2_000), ("usage", "paid", 70)]);
        assert_eq!(invoices[1]["periodEnd"], "2030-01-10T00:00:00.000Z");
        assert_eq!(invoices[1]["issuedAt"], "2030-01-10T01:00:00.000Z");
        let late = json!([calls("4", 1, Some("2030-01-09T23:59:59Z"))]);
        assert_eq!(t.tracked(late).await, [(0, "rejected_no_subscription".to_owned())]);
    }

    async fn late_event_counts_for_the_subscription_that_follows(t) {
        let plan = metered(&t).await;
        t.payer("c").await;
        let subscription = t.buy("c", &plan, 1).await;
        t.call_for("c", "1", 8).await;
        t.clock_to("2030-01-10T00:00:00Z").await;
        cancel_now(&t, &subscription).await;
        t.clock_to("2030-01-10T00:10:00Z").await;
        t.buy("c", &plan, 1).await;
        // Eight and two are included; four of these ten are not, and none of the next.
        assert_eq!(t.tracked(json!([calls("2", 6, Some("2030-01-09T23:00:00Z")), calls("3", 20, None)])).await, []);
        t.clock_to("2030-02-10T00:10:00Z").await;
        let invoices = t.invoices_of("c").await;
        assert_eq!(lines(invoices.last().unwrap()), [("usage".into(), 120), ("recurring".into(), 2_000)]);
    }

    async fn end_of_the_period_has_a_grace_too(t) {
        let plan = metered(&t).await;
        t.payer("c").await;
        let subscription = t.buy("c", &plan, 1).await;
        t.of_subscription(&subscription, "cancel", json!({})).await.expect(200);
        t.clock_to("2030-02-01T00:30:00Z").await;
        assert_eq!(t.subscription_of("c").await["status"], "canceled");
        assert_eq!(t.tracked(json!([calls("1", 40, Some("2030-01-31T23:59:59Z"))])).await, []);
        t.clock_to("2030-02-02T00:00:00Z").await;
        assert_eq!(summarize(&t.invoices_of("c").await), [("create", "paid", 2_000), ("usage", "paid", 150)]);
    }

    async fn archived_customer_is_not_billed_after_the_grace(t) {
        let plan = metered(&t).await;
        t.payer("c").await;
        let subscription = t.buy("c", &plan, 1).await;
        t.call_for("c", "1", 50).await;
        cancel_now(&t, &subscription).await;
        t.set_archived("c", "archive").await.expect(200);
        t.clock_to("2030-01-02T00:00:00Z").await;
        assert_eq!(summarize(&t.invoices_of("c").await), [("create", "paid", 2_000)]);
    }
}
