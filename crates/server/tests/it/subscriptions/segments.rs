//! Usage is rated in segments: by the plan in force when it happened, once per usage window.

use crate::on_both_stores;
use crate::support::{Test, event_with, flat, get, lines, monthly, post, summarize, with, yearly};
use serde_json::{Value, json};

/// Usage of `call` at this price in minor units, after this many included units.
fn priced(calls: &Value, included: &str, price: &str) -> Value {
    let tiers = json!([{ "upTo": null, "unitPrice": price }]);
    with(calls.clone(), json!({ "includedUnits": included, "tiers": tiers }))
}

async fn change(t: &Test, subscription: &Value, plan: &str) -> Value {
    t.of_subscription(subscription, "change-plan", json!({ "planId": plan }))
        .await
        .expect(200)
        .json()
}

async fn pays_by(t: &Test, customer: &str, token: &str) {
    let card = t.card(customer, token).await;
    let path = format!("/v1/payment-methods/{card}/default");
    t.call(post(path, &json!({})).key(&t.key)).await.expect(200);
}

fn secret(answer: &Value) -> &str {
    answer["client"]["clientSecret"].as_str().unwrap()
}

/// Returns the sum of everything that a customer was ever invoiced.
async fn billed(t: &Test, customer: &str) -> i64 {
    let invoices = t.invoices_of(customer).await;
    invoices.iter().map(|invoice| invoice["totalAmount"].as_i64().unwrap()).sum()
}

on_both_stores! {
    async fn equal_change_to_a_free_plan_bills_the_old_usage(t) {
        let calls = t.calls().await;
        let metered = t.plan(monthly("metered", json!([priced(&calls, "0", "1")]))).await;
        let free = t.plan(monthly("free", json!([]))).await;
        t.payer("c").await;
        let subscription = t.buy("c", &metered, 1).await;
        t.call_for("c", "1", 500_000).await;
        let preview = t.of_subscription(&subscription, "preview-change", json!({ "planId": free })).await.expect(200).json();
        assert_eq!(preview["nextInvoice"]["totalAmount"], 500_000, "{preview}");
        assert_eq!(change(&t, &subscription, &free).await["kind"], "created_no_charge");
        let upcoming = format!("/v1/subscriptions/{}/upcoming-invoice", subscription["id"].as_str().unwrap());
        let upcoming = t.call(get(upcoming).key(&t.key)).await.expect(200).json();
        assert_eq!(upcoming["invoice"]["totalAmount"], 500_000, "{upcoming}");
        t.call_for("c", "2", 500_000).await;
        t.clock_to("2030-02-01T00:00:00Z").await;
        assert_eq!(summarize(&t.invoices_of("c").await), [("renewal", "paid", 500_000)]);
        t.clock_to("2030-03-01T00:00:00Z").await;
        assert_eq!(billed(&t, "c").await, 500_000);
    }

    async fn upgrade_before_the_end_bills_the_old_usage_with_it(t) {
        let calls = t.calls().await;
        let old = t.plan(monthly("old", json!([{ "type": "recurring", "amount": 2_900 }, priced(&calls, "0", "0.2")]))).await;
        let new = t.plan(monthly("new", flat(29_900))).await;
        t.payer("c").await;
        let subscription = t.buy("c", &old, 1).await;
        t.call_for("c", "1", 10_000_000).await;
        t.clock_to("2030-01-31T23:50:00Z").await;
        change(&t, &subscription, &new).await;
        t.of_subscription(&subscription, "cancel", json!({})).await.expect(200);
        t.clock_to("2030-03-01T00:00:00Z").await;
        assert_eq!(summarize(&t.invoices_of("c").await), [("create", "paid", 2_900), ("change", "paid", 6 + 2_000_000)]);
    }

    async fn change_to_a_metered_plan_bills_later_usage_only(t) {
        let calls = t.calls().await;
        let old = t.plan(monthly("old", flat(2_900))).await;
        let new = t.plan(monthly("new", json!([{ "type": "recurring", "amount": 3_000 }, priced(&calls, "0", "10")]))).await;
        t.payer("c").await;
        let subscription = t.buy("c", &old, 1).await;
        t.call_for("c", "1", 10_000).await;
        t.clock_to("2030-01-31T23:00:00Z").await;
        change(&t, &subscription, &new).await;
        t.call_for("c", "2", 1).await;
        t.clock_to("2030-02-01T00:00:00Z").await;
        let invoices = t.invoices_of("c").await;
        assert_eq!(lines(invoices.last().unwrap()), [("usage".into(), 10), ("recurring".into(), 3_000)]);
        assert_eq!(invoices.last().unwrap()["items"][0]["periodStart"], "2030-01-31T23:00:00.000Z");
    }

    async fn leaving_and_coming_back_renews_no_included_units(t) {
        let calls = t.calls().await;
        let plan = t.plan(monthly("plan", json!([priced(&calls, "1000", "1")]))).await;
        t.payer("c").await;
        for round in 0..5 {
            let subscription = t.buy("c", &plan, 1).await;
            t.call_for("c", &round.to_string(), 1_000).await;
            t.of_subscription(&subscription, "cancel", json!({ "mode": "now" })).await.expect(200);
        }
        t.clock_to("2030-01-02T00:00:00Z").await;
        assert_eq!(billed(&t, "c").await, 4_000);
    }

    async fn leaving_and_coming_back_renews_no_limit(t) {
        let shop = t.shop().await;
        t.subscriber(&shop, "c").await;
        assert_eq!(t.tracked(json!([event_with("c", "call", "1", json!({ "quantity": 100 }))])).await, []);
        let subscription = t.subscription_of("c").await;
        t.of_subscription(&subscription, "cancel", json!({ "mode": "now" })).await.expect(200);
        t.ask("subscriptions", json!({ "customerId": "c", "planId": shop.plan })).await;
        let checked = t.ask("check", json!({ "customerId": "c", "featureSlug": "calls" })).await;
        assert_eq!((&checked["access"], &checked["remaining"]), (&json!(false), &json!("0")), "{checked}");
        // The next window is a new one.
        t.clock_to("2030-02-01T00:00:00Z").await;
        let checked = t.ask("check", json!({ "customerId": "c", "featureSlug": "calls" })).await;
        assert_eq!(checked["remaining"], "100");
    }

    async fn usage_while_a_form_is_open_is_on_the_next_invoice(t) {
        let calls = t.calls().await;
        let old = t.plan(monthly("old", json!([priced(&calls, "0", "100")]))).await;
        let new = t.plan(monthly("new", flat(60_000))).await;
        t.payer("c").await;
        let subscription = t.buy("c", &old, 1).await;
        t.call_for("c", "1", 10).await;
        pays_by(&t, "c", "pm_sandbox_requires_form").await;
        let form = change(&t, &subscription, &new).await;
        t.call_for("c", "2", 450).await;
        t.fill_in(secret(&form), "succeed").await.expect(204);
        t.call_for("c", "3", 9).await;
        assert_eq!(summarize(&t.invoices_of("c").await), [("change", "paid", 61_000)]);
        pays_by(&t, "c", "pm_sandbox_visa").await;
        t.clock_to("2030-02-01T00:00:00Z").await;
        assert_eq!(billed(&t, "c").await, 61_000 + 45_000 + 60_000);
    }

    async fn new_period_that_a_form_pays_begins_when_it_is_paid(t) {
        let old = t.plan(monthly("old", flat(3_100))).await;
        let new = t.plan(yearly("new", flat(31_000))).await;
        t.payer("c").await;
        let subscription = t.buy("c", &old, 1).await;
        pays_by(&t, "c", "pm_sandbox_requires_form").await;
        t.clock_to("2030-01-11T00:00:00Z").await;
        let form = change(&t, &subscription, &new).await;
        t.clock_to("2030-01-11T12:00:00Z").await;
        t.fill_in(secret(&form), "succeed").await.expect(204);
        let paid = t.invoices_of("c").await.pop().unwrap();
        assert_eq!(lines(&paid), [("proration".into(), -2_100), ("recurring".into(), 31_000)]);
        let period = [&paid["items"][1]["periodStart"], &paid["items"][1]["periodEnd"]];
        assert_eq!(period, ["2030-01-11T12:00:00.000Z", "2031-01-11T12:00:00.000Z"]);
        let changed = t.subscription_of("c").await;
        assert_eq!(period, [&changed["currentBillingPeriodStart"], &changed["currentBillingPeriodEnd"]]);
        // The old plan was in force for twelve hours more than the form shows: 21.00 − 20.50.
        pays_by(&t, "c", "pm_sandbox_visa").await;
        t.clock_to("2030-02-11T12:00:00Z").await;
        let next = t.invoices_of("c").await.pop().unwrap();
        assert_eq!((lines(&next), &next["status"]), (vec![("proration".into(), 50)], &json!("paid")));
    }

    async fn form_open_over_a_usage_months_end_bills_each_unit_once(t) {
        let calls = t.calls().await;
        let old = t.plan(yearly("old", json!([priced(&calls, "0", "100")]))).await;
        let new = t.plan(yearly("new", flat(60_000))).await;
        t.payer("c").await;
        let subscription = t.buy("c", &old, 1).await;
        t.call_for("c", "1", 10).await;
        t.clock_to("2030-01-31T20:00:00Z").await;
        pays_by(&t, "c", "pm_sandbox_requires_form").await;
        let form = change(&t, &subscription, &new).await;
        t.clock_to("2030-02-01T01:00:00Z").await;
        t.call_for("c", "2", 7).await;
        t.fill_in(secret(&form), "succeed").await.expect(204);
        pays_by(&t, "c", "pm_sandbox_visa").await;
        assert_eq!(billed(&t, "c").await, 61_000);
        t.clock_to("2030-03-02T00:00:00Z").await;
        assert_eq!(billed(&t, "c").await, 61_700);
    }

    async fn usage_of_a_change_that_is_given_up_stays_billable(t) {
        let calls = t.calls().await;
        let old = t.plan(monthly("old", json!([{ "type": "recurring", "amount": 1_000 }, priced(&calls, "10", "100")]))).await;
        let new = t.plan(monthly("new", flat(60_000))).await;
        for (customer, mode) in [("c", "period_end"), ("d", "now")] {
            t.payer(customer).await;
            let subscription = t.buy(customer, &old, 1).await;
            t.call_for(customer, "1", 15).await;
            pays_by(&t, customer, "pm_sandbox_declined").await;
            t.of_subscription(&subscription, "change-plan", json!({ "planId": new })).await.refused(402, "payment_declined");
            pays_by(&t, customer, "pm_sandbox_requires_form").await;
            change(&t, &subscription, &new).await;
            t.call_for(customer, "2", 5).await;
            // Canceling closes the form and its draft.
            pays_by(&t, customer, "pm_sandbox_visa").await;
            t.of_subscription(&subscription, "cancel", json!({ "mode": mode })).await.expect(200);
        }
        t.clock_to("2030-02-02T00:00:00Z").await;
        for customer in ["c", "d"] {
            let invoices = t.invoices_of(customer).await;
            assert_eq!(summarize(&invoices), [("create", "paid", 1_000), ("usage", "paid", 1_000)], "{customer}");
        }
    }

    async fn usage_in_a_trial_or_before_the_start_is_not_billed(t) {
        let calls = t.calls().await;
        let charges = json!([{ "type": "recurring", "amount": 1_000 }, priced(&calls, "0", "100")]);
        let trial = t.plan(with(monthly("trial", charges.clone()), json!({ "trialDays": 10 }))).await;
        let plain = t.plan(monthly("plain", charges)).await;
        let event = |customer: &str, key: &str, at: &str| event_with(customer, "call", key, json!({ "timestamp": at }));
        t.payer("c").await;
        t.buy("c", &trial, 1).await;
        t.clock_to("2030-01-13T00:00:00Z").await;
        t.payer("d").await;
        t.buy("d", &plain, 1).await;
        let late = [
            event("c", "1", "2030-01-04T00:00:00Z"), event("c", "2", "2030-01-10T23:59:59Z"), event("c", "3", "2030-01-11T00:00:00Z"),
            event("d", "1", "2030-01-12T23:59:59Z"), event("d", "2", "2030-01-13T00:00:00Z"),
        ];
        assert_eq!(t.tracked(json!(late)).await, []);
        t.clock_to("2030-02-13T00:00:00Z").await;
        let invoices = t.invoices_of("c").await;
        assert_eq!(summarize(&invoices), [("renewal", "paid", 1_000), ("renewal", "paid", 1_100)]);
        assert_eq!(invoices[1]["items"][0]["quantity"], "1");
        assert_eq!(summarize(&t.invoices_of("d").await), [("create", "paid", 1_000), ("renewal", "paid", 1_100)]);
    }

    async fn quantity_change_leaves_a_scheduled_cancellation(t) {
        let calls = t.calls().await;
        let plan = t.plan(monthly("plan", json!([{ "type": "recurring", "amount": 1_000, "perUnit": true }, calls]))).await;
        let other = t.plan(monthly("other", json!([{ "type": "recurring", "amount": 9_000 }]))).await;
        t.payer("c").await;
        let subscription = t.buy("c", &plan, 2).await;
        t.of_subscription(&subscription, "cancel", json!({})).await.expect(200);
        for quantity in [3, 1, 3] {
            t.of_subscription(&subscription, "change-plan", json!({ "quantity": quantity })).await.expect(200);
            assert_eq!(t.subscription_of("c").await["cancelAtPeriodEnd"], true, "{quantity}");
        }
        t.of_subscription(&subscription, "change-plan", json!({ "planId": other })).await.expect(200);
        assert_eq!(t.subscription_of("c").await["cancelAtPeriodEnd"], false);
        let events = t.call(get("/v1/audit-events?customerId=c&limit=100").key(&t.key)).await.expect(200).json();
        let count = |action: &str| events["data"].as_array().unwrap().iter().filter(|event| event["action"] == action).count();
        assert_eq!((count("subscription.changed"), count("subscription.uncanceled")), (2, 1));
    }

    async fn quantity_change_in_a_trial_leaves_a_scheduled_cancellation(t) {
        let charges = json!([{ "type": "recurring", "amount": 1_000, "perUnit": true }]);
        let plan = t.plan(with(monthly("plan", charges), json!({ "trialDays": 10 }))).await;
        t.payer("c").await;
        let subscription = t.buy("c", &plan, 2).await;
        let (token, id) = (t.token("c").await, subscription["id"].as_str().unwrap());
        let ask = |what: &str, body: Value| t.call(post(format!("/v1/subscriptions/{id}/{what}"), &body).bearer(&token));
        ask("cancel", json!({})).await.expect(200);
        for quantity in [3, 1, 1] {
            ask("change-plan", json!({ "quantity": quantity })).await.expect(200);
            let changed = t.subscription_of("c").await;
            assert_eq!((&changed["cancelAtPeriodEnd"], &changed["quantity"]), (&json!(true), &json!(quantity)));
        }
        t.clock_to("2030-01-11T00:00:00Z").await;
        assert_eq!((&t.subscription_of("c").await["status"], t.invoices_of("c").await.len()), (&json!("canceled"), 0));
    }

    async fn scheduled_change_bills_the_usage_of_the_old_plan(t) {
        let calls = t.calls().await;
        let old = t.plan(monthly("old", json!([{ "type": "recurring", "amount": 3_000 }, priced(&calls, "100", "1")]))).await;
        let new = t.plan(monthly("new", json!([{ "type": "recurring", "amount": 1_000 }, priced(&calls, "0", "50")]))).await;
        t.payer("c").await;
        let subscription = t.buy("c", &old, 1).await;
        assert_eq!(change(&t, &subscription, &new).await["kind"], "deferred");
        t.call_for("c", "1", 500).await;
        t.clock_to("2030-02-01T00:00:00Z").await;
        t.call_for("c", "2", 3).await;
        let renewal = t.invoices_of("c").await.pop().unwrap();
        assert_eq!(lines(&renewal), [("usage".into(), 400), ("recurring".into(), 1_000)]);
        t.clock_to("2030-03-01T00:00:00Z").await;
        let renewal = t.invoices_of("c").await.pop().unwrap();
        assert_eq!(lines(&renewal), [("usage".into(), 150), ("recurring".into(), 1_000)]);
    }
}
