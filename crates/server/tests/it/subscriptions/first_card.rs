//! A plan with a price wants a payment method at its start, even if there is nothing to pay yet.

use crate::on_both_stores;
use crate::support::{Test, event_with, flat, get, monthly, patch, post, summarize, with};
use serde_json::{Value, json};

async fn subscribe(t: &Test, customer: &str, plan: &str) -> Value {
    t.ask("subscriptions", json!({ "customerId": customer, "planId": plan })).await
}

async fn usage_only(t: &Test, slug: &str, more: Value) -> String {
    let calls = t.calls().await;
    t.plan(with(monthly(slug, json!([calls])), more)).await
}

fn secret(answer: &Value) -> &str {
    answer["client"]["clientSecret"].as_str().unwrap()
}

on_both_stores! {
    async fn usage_only_plan_starts_with_a_payment_method(t) {
        let plan = usage_only(&t, "usage", json!({})).await;
        t.customer("c").await;
        let portal = t.token("c").await;
        let asked = t.call(post("/v1/subscriptions", &json!({ "planId": plan })).bearer(&portal).header("idempotency-key", "k"));
        let form = asked.await.expect(200).json();
        assert_eq!((&form["kind"], &form["reason"], &form["client"]["type"], &form["paymentAttemptId"]),
            (&json!("requires_form"), &json!("payment_method_required"), &json!("setup"), &Value::Null));
        let pending = &form["subscription"];
        assert_eq!((&pending["status"], &pending["usagePeriodStart"]), (&json!("pending"), &Value::Null));
        let event = event_with("c", "call", "1", json!({ "quantity": 100 }));
        assert_eq!(t.tracked(json!([event])).await, [(0, "rejected_no_subscription".to_owned())]);
        // Asked for again, it is the same subscription.
        assert_eq!(subscribe(&t, "c", &plan).await["subscription"]["id"], pending["id"]);
        t.clock_to("2030-01-01T05:00:00Z").await;
        t.fill_in(secret(&form), "succeed").await.expect(204);
        let started = t.subscription_of("c").await;
        assert_eq!((&started["id"], &started["status"], &started["usagePeriodStart"]),
            (&pending["id"], &json!("active"), &json!("2030-01-01T05:00:00.000Z")));
        let again = t.call(post("/v1/subscriptions", &json!({ "planId": plan })).bearer(&portal).header("idempotency-key", "k"));
        assert_eq!(again.await.expect(200).json()["kind"], "created_no_charge");
        t.call_for("c", "2", 100).await;
        t.clock_to("2030-02-01T05:00:00Z").await;
        assert_eq!(summarize(&t.invoices_of("c").await), [("renewal", "paid", 500)]);
    }

    async fn trial_starts_with_a_payment_method_and_only_once(t) {
        let plan = t.plan(with(monthly("trial", flat(2_000)), json!({ "trialDays": 10 }))).await;
        t.customer("c").await;
        assert_eq!(subscribe(&t, "c", &plan).await["kind"], "requires_form");
        t.clock_to("2030-01-01T20:00:00Z").await;
        t.card("c", "pm_sandbox_visa").await;
        let started = t.subscription_of("c").await;
        assert_eq!((&started["status"], &started["trialEnd"]), (&json!("trialing"), &json!("2030-01-11T20:00:00.000Z")));
        t.clock_to("2030-01-11T20:00:00Z").await;
        assert_eq!(summarize(&t.invoices_of("c").await), [("renewal", "paid", 2_000)]);
    }

    async fn plan_may_start_without_a_payment_method_if_it_says_so(t) {
        let free = json!({ "requirePaymentMethod": false });
        let usage = usage_only(&t, "usage", free.clone()).await;
        let trial = t.plan(with(monthly("trial", flat(2_000)), with(free, json!({ "trialDays": 10 })))).await;
        for (customer, plan, status) in [("a", &usage, "active"), ("b", &trial, "trialing")] {
            t.customer(customer).await;
            assert_eq!(subscribe(&t, customer, plan).await["kind"], "created_no_charge");
            assert_eq!(t.subscription_of(customer).await["status"], status);
        }
        // It may be changed at any time, and is shown.
        let path = format!("/v1/plans/{usage}");
        let known = t.call(get(path.clone()).key(&t.key)).await.expect(200).json();
        assert_eq!(known["requirePaymentMethod"], false);
        t.call(patch(path, &json!({ "requirePaymentMethod": true })).key(&t.key)).await.expect(200);
        t.customer("c").await;
        assert_eq!(subscribe(&t, "c", &usage).await["kind"], "requires_form");
        // A customer who is sent invoices needs none.
        t.customer("d").await;
        t.call(patch("/v1/customers/d", &json!({ "collectionMethod": "send_invoice" })).key(&t.key)).await.expect(200);
        assert_eq!(subscribe(&t, "d", &usage).await["kind"], "created_no_charge");
    }

    async fn payment_method_that_comes_too_late_starts_nothing(t) {
        let plan = usage_only(&t, "usage", json!({})).await;
        t.customer("c").await;
        subscribe(&t, "c", &plan).await;
        t.clock_to("2030-01-01T23:00:00Z").await;
        t.card("c", "pm_sandbox_visa").await;
        assert_eq!(t.subscription_of("c").await["status"], "canceled");
    }

    async fn change_to_a_plan_with_a_price_needs_a_payment_method(t) {
        let free = t.plan(monthly("free", json!([]))).await;
        let usage = usage_only(&t, "usage", json!({})).await;
        t.customer("c").await;
        let subscription = t.buy("c", &free, 1).await;
        let body = json!({ "planId": usage });
        let before = t.state().await;
        let refused = t.of_subscription(&subscription, "change-plan", body.clone()).await.refused(402, "payment_declined");
        assert_eq!(refused.json()["declineReason"], "payment_method_required");
        assert_eq!(t.state().await, before);
        t.card("c", "pm_sandbox_visa").await;
        t.of_subscription(&subscription, "change-plan", body).await.expect(200);
        assert_eq!(t.subscription_of("c").await["planId"], json!(usage));
    }

    async fn price_below_the_minimum_needs_a_payment_method_too(t) {
        let cheap = t.plan(monthly("cheap", flat(30))).await;
        t.customer("c").await;
        assert_eq!(subscribe(&t, "c", &cheap).await["kind"], "requires_form");
        t.card("c", "pm_sandbox_visa").await;
        assert_eq!(t.subscription_of("c").await["status"], "active");
        t.clock_to("2030-02-01T00:00:00Z").await;
        assert_eq!(summarize(&t.invoices_of("c").await), [("renewal", "paid", 60)]);
    }

    async fn plan_paid_from_the_balance_needs_a_payment_method_too(t) {
        let plan = t.plan(monthly("pro", flat(1_000))).await;
        t.customer("c").await;
        t.credit("c", 1_300).await;
        assert_eq!(subscribe(&t, "c", &plan).await["kind"], "requires_form");
        assert_eq!(t.balances("c").await, json!([["USD", 1_300]]));
        t.card("c", "pm_sandbox_visa").await;
        assert_eq!(t.subscription_of("c").await["status"], "active");
        assert_eq!((t.balances("c").await, t.charges().await), (json!([["USD", 300]]), 0));
    }
}
