//! Other plans and quantities: now and prorated, or at the period's end.

use crate::on_both_stores;
use crate::support::{
    Test, event_with, flat, lines, monthly, per_unit, post, summarize, with, yearly,
};
use serde_json::{Value, json};
use unitpay::testing::db::{Sql, sql};

const DRAFTS: Sql = sql("SELECT COUNT(*) FROM invoices WHERE status = 'draft'");

async fn change(t: &Test, subscription: &Value, body: Value) -> Value {
    t.of_subscription(subscription, "change-plan", body).await.expect(200).json()
}

/// The current and the scheduled state of a subscription.
async fn state(t: &Test, customer: &str) -> (Value, Value) {
    let one = t.subscription_of(customer).await;
    (
        json!([one["planId"], one["quantity"]]),
        match &one["scheduledChange"] {
            Value::Null => Value::Null,
            change => json!([change["planId"], change["quantity"], change["effectiveAt"]]),
        },
    )
}

on_both_stores! {
    async fn upgrade_applies_now_prorated_by_seconds(t) {
        let small = t.plan(monthly("small", per_unit(1_000))).await;
        let large = t.plan(monthly("large", per_unit(3_100))).await;
        t.payer("c").await;
        let subscription = t.buy("c", &small, 1).await;
        // 10 of 31 days have passed.
        t.clock_to("2030-01-11T00:00:00Z").await;
        let outcome = change(&t, &subscription, json!({ "planId": large, "quantity": 2 })).await;
        assert_eq!(outcome["kind"], "charged_inline");
        // 1000 × 21/31 = 677.4; 6200 × 21/31 = 4200.
        let invoice = &outcome["invoice"];
        assert_eq!(lines(invoice), [("proration".into(), -677), ("proration".into(), 4_200)]);
        assert_eq!((&invoice["reason"], &invoice["totalAmount"], &invoice["status"]), (&json!("change"), &json!(3_523), &json!("paid")));
        assert_eq!((&invoice["periodStart"], &invoice["periodEnd"]), (&json!("2030-01-11T00:00:00.000Z"), &json!("2030-02-01T00:00:00.000Z")));
        let changed = t.subscription_of("c").await;
        assert_eq!((&changed["planId"], &changed["quantity"]), (&json!(large), &json!(2)));
        // The period does not change.
        assert_eq!(changed["currentBillingPeriodEnd"], "2030-02-01T00:00:00.000Z");
        t.clock_to("2030-02-01T00:00:00Z").await;
        assert_eq!(summarize(&t.invoices_of("c").await)[2..], [("renewal", "paid", 6_200)]);
    }

    async fn equal_change_applies_now_for_free(t) {
        let one = t.plan(monthly("one", flat(1_000))).await;
        let other = t.plan(monthly("other", flat(1_000))).await;
        t.payer("c").await;
        let subscription = t.buy("c", &one, 1).await;
        let outcome = change(&t, &subscription, json!({ "planId": other })).await;
        assert_eq!((&outcome["kind"], &outcome["subscription"]["planId"]), (&json!("created_no_charge"), &json!(other)));
        // The same for a quantity without extra cost. The current values are no change.
        assert_eq!(change(&t, &subscription, json!({ "quantity": 5 })).await["kind"], "created_no_charge");
        assert_eq!(change(&t, &subscription, json!({ "planId": other, "quantity": 5 })).await["kind"], "no_action");
        assert_eq!((state(&t, "c").await.0, t.charges().await), (json!([other, 5]), 1));
    }

    async fn downgrade_waits_for_period_end_and_last_one_wins(t) {
        let small = t.plan(monthly("small", flat(500))).await;
        let mid = t.plan(monthly("mid", flat(1_000))).await;
        let large = t.plan(monthly("large", flat(3_000))).await;
        t.payer("c").await;
        let subscription = t.buy("c", &large, 1).await;
        let end = "2030-02-01T00:00:00.000Z";
        for plan in [&small, &mid] {
            let outcome = change(&t, &subscription, json!({ "planId": plan })).await;
            assert_eq!((&outcome["kind"], &outcome["effectiveAt"]), (&json!("deferred"), &json!(end)));
            assert_eq!(state(&t, "c").await, (json!([large, 1]), json!([plan, 1, end])));
        }
        // Choosing the current plan removes the scheduled change.
        change(&t, &subscription, json!({ "planId": large })).await;
        assert_eq!(state(&t, "c").await.1, Value::Null);
        change(&t, &subscription, json!({ "planId": small })).await;
        t.clock_to(end).await;
        assert_eq!(state(&t, "c").await, (json!([small, 1]), Value::Null));
        assert_eq!(summarize(&t.invoices_of("c").await), [("create", "paid", 3_000), ("renewal", "paid", 500)]);
        // An upgrade replaces what was scheduled.
        let free = t.plan(monthly("free", json!([]))).await;
        assert_eq!(change(&t, &subscription, json!({ "planId": free })).await["kind"], "deferred");
        assert_eq!(change(&t, &subscription, json!({ "planId": mid })).await["kind"], "charged_inline");
        assert_eq!(state(&t, "c").await, (json!([mid, 1]), Value::Null));
        t.clock_to("2030-03-01T00:00:00Z").await;
        assert_eq!(t.invoices_of("c").await.last().unwrap()["totalAmount"], 1_000);
    }

    async fn plan_change_clears_a_scheduled_cancellation(t) {
        let small = t.plan(monthly("small", flat(500))).await;
        let large = t.plan(monthly("large", flat(3_000))).await;
        t.payer("c").await;
        let subscription = t.buy("c", &large, 1).await;
        let cancels = async || t.subscription_of("c").await["cancelAtPeriodEnd"].clone();
        let cancel = async || t.of_subscription(&subscription, "cancel", json!({})).await.expect(200);
        cancel().await;
        change(&t, &subscription, json!({ "planId": small })).await;
        assert_eq!((cancels().await, state(&t, "c").await.1[0].clone()), (json!(false), json!(small)));
        cancel().await;
        assert_eq!((cancels().await, state(&t, "c").await.1), (json!(true), Value::Null));
        // Only another plan does: staying on the plan leaves the cancellation.
        change(&t, &subscription, json!({})).await;
        assert_eq!(cancels().await, true);
        t.of_subscription(&subscription, "uncancel", json!({})).await.expect(200);
        t.clock_to("2030-02-01T00:00:00Z").await;
        assert_eq!(t.subscription_of("c").await["status"], "active");
    }

    async fn change_from_free_to_paid_restarts_the_period(t) {
        let free = t.plan(monthly("free", json!([]))).await;
        let pro = t.plan(monthly("pro", flat(2_000))).await;
        t.payer("c").await;
        let subscription = t.buy("c", &free, 1).await;
        t.clock_to("2030-01-20T10:00:00Z").await;
        let outcome = change(&t, &subscription, json!({ "planId": pro })).await;
        assert_eq!(lines(&outcome["invoice"]), [("recurring".into(), 2_000)]);
        assert_eq!(outcome["subscription"]["currentBillingPeriodStart"], "2030-01-20T10:00:00.000Z");
        t.clock_to("2030-02-20T10:00:00Z").await;
        assert_eq!(summarize(&t.invoices_of("c").await), [("change", "paid", 2_000), ("renewal", "paid", 2_000)]);
        // Back to free: at the end of the paid period.
        let outcome = change(&t, &subscription, json!({ "planId": free })).await;
        assert_eq!(outcome["effectiveAt"], "2030-03-20T10:00:00.000Z");
        t.clock_to("2030-05-01T00:00:00Z").await;
        assert_eq!((t.invoices_of("c").await.len(), state(&t, "c").await.0), (2, json!([free, 1])));
    }

    async fn change_to_yearly_credits_the_rest_and_bills_usage(t) {
        let product = t.main_product().await;
        let metric = json!({ "productId": product, "eventName": "call", "name": "Calls", "aggregation": "sum" });
        let metric = t.make("billable-metrics", metric).await;
        let priced = |amount: i64| json!([
            { "type": "recurring", "amount": amount },
            { "type": "usage", "metricId": metric, "includedUnits": "10", "tiers": [{ "upTo": null, "unitPrice": "3" }] },
        ]);
        let month = t.plan(monthly("month", priced(3_100))).await;
        let year = t.plan(yearly("year", priced(31_000))).await;
        t.payer("c").await;
        let subscription = t.buy("c", &month, 1).await;
        let used = async |key: &str| {
            let event = event_with("c", "call", key, json!({ "quantity": 20 }));
            assert_eq!(t.tracked(json!([event])).await, []);
        };
        used("a").await;
        t.clock_to("2030-01-11T00:00:00Z").await;
        let preview = t.of_subscription(&subscription, "preview-change", json!({ "planId": year })).await.expect(200).json();
        let outcome = change(&t, &subscription, json!({ "planId": year, "prorationDate": preview["prorationDate"] })).await;
        let expected = [("usage".into(), 30), ("proration".into(), -2_100), ("recurring".into(), 31_000)];
        assert_eq!((lines(&preview), lines(&outcome["invoice"])), (expected.to_vec(), expected.to_vec()));
        let changed = t.subscription_of("c").await;
        assert_eq!((&changed["currentBillingPeriodStart"], &changed["currentBillingPeriodEnd"], &changed["usagePeriodEnd"], &changed["billingInterval"]),
            (&json!("2030-01-11T00:00:00.000Z"), &json!("2031-01-11T00:00:00.000Z"), &json!("2030-02-11T00:00:00.000Z"), &json!("year")));
        // Nothing is billed twice. The next usage month has its own invoice; thirty cents are
        // too little to charge, and wait.
        used("b").await;
        t.clock_to("2030-04-11T00:00:00Z").await;
        assert_eq!(summarize(&t.invoices_of("c").await), [("create", "paid", 3_100), ("change", "paid", 28_930)]);
        // Back to monthly: at the year's end, with the thirty cents.
        let outcome = change(&t, &subscription, json!({ "planId": month })).await;
        assert_eq!((&outcome["kind"], &outcome["effectiveAt"]), (&json!("deferred"), &json!("2031-01-11T00:00:00.000Z")));
        t.clock_to("2031-01-11T00:00:00Z").await;
        let renewal = t.invoices_of("c").await.pop().unwrap();
        let kept: Vec<_> = lines(&renewal).into_iter().filter(|line| line.1 != 0).collect();
        assert_eq!(kept, [("recurring".into(), 3_100), ("addition".into(), 30)]);
    }

    async fn usage_during_an_open_form_is_billed_later(t) {
        let product = t.main_product().await;
        let metric = json!({ "productId": product, "eventName": "call", "name": "Calls", "aggregation": "sum" });
        let metric = t.make("billable-metrics", metric).await;
        let month = monthly("month", json!([
            { "type": "usage", "metricId": metric, "includedUnits": "0", "tiers": [{ "upTo": 40, "unitPrice": "3" }, { "upTo": null, "unitPrice": "1" }] },
        ]));
        let month = t.plan(with(month, json!({ "requirePaymentMethod": false }))).await;
        let year = t.plan(yearly("year", flat(10_000))).await;
        t.customer("c").await;
        let subscription = t.buy("c", &month, 1).await;
        for (key, quantity) in [("a", 30), ("b", 30)] {
            let event = event_with("c", "call", key, json!({ "quantity": quantity }));
            if key == "a" {
                assert_eq!(t.tracked(json!([event])).await, []);
                continue;
            }
            let asked = change(&t, &subscription, json!({ "planId": year })).await;
            assert_eq!(t.tracked(json!([event])).await, []);
            t.fill_in(asked["client"]["clientSecret"].as_str().unwrap(), "succeed").await.expect(204);
        }
        let bought = t.invoices_of("c").await.pop().unwrap();
        assert_eq!(lines(&bought), [("usage".into(), 90), ("recurring".into(), 10_000)]);
        // Ten more at 3 and twenty at 1.
        t.clock_to("2031-01-01T00:00:00Z").await;
        let invoices = t.invoices_of("c").await;
        assert_eq!(lines(&invoices[1]), [("usage".into(), 50)]);
        assert_eq!(lines(&invoices[2]), [("recurring".into(), 10_000)]);
    }

    async fn change_to_cheaper_year_is_deferred(t) {
        let month = t.plan(monthly("month", flat(100_000))).await;
        let year = t.plan(yearly("year", flat(1_200))).await;
        t.payer("c").await;
        let subscription = t.buy("c", &month, 1).await;
        let outcome = change(&t, &subscription, json!({ "planId": year })).await;
        assert_eq!((&outcome["kind"], &outcome["effectiveAt"]), (&json!("deferred"), &json!("2030-02-01T00:00:00.000Z")));
        t.clock_to("2030-02-01T00:00:00Z").await;
        assert_eq!(t.subscription_of("c").await["currentBillingPeriodEnd"], "2031-02-01T00:00:00.000Z");
        assert_eq!(summarize(&t.invoices_of("c").await)[1..], [("renewal", "paid", 1_200)]);
    }

    async fn change_in_a_trial_to_a_plan_with_a_trial_is_free(t) {
        let pro = t.plan(with(monthly("pro", flat(2_000)), json!({ "trialDays": 10 }))).await;
        let year = t.plan(with(yearly("year", flat(20_000)), json!({ "trialDays": 20 }))).await;
        t.payer("c").await;
        let subscription = t.buy("c", &pro, 1).await;
        let outcome = change(&t, &subscription, json!({ "planId": year })).await;
        assert_eq!((&outcome["kind"], &outcome["subscription"]["status"], &outcome["subscription"]["trialEnd"]),
            (&json!("created_no_charge"), &json!("trialing"), &json!("2030-01-11T00:00:00.000Z")));
        t.clock_to("2030-01-11T00:00:00Z").await;
        assert_eq!(summarize(&t.invoices_of("c").await), [("renewal", "paid", 20_000)]);
        assert_eq!(t.subscription_of("c").await["currentBillingPeriodEnd"], "2031-01-11T00:00:00.000Z");
    }

    async fn declined_change_changes_nothing(t) {
        let small = t.plan(monthly("small", flat(1_000))).await;
        let large = t.plan(monthly("large", flat(3_000))).await;
        let id = t.payer("c").await;
        let subscription = t.buy("c", &small, 1).await;
        let prefer = async |token: &str| {
            let card = t.card(&id, token).await;
            t.call(post(format!("/v1/payment-methods/{card}/default"), &json!({})).key(&t.key)).await.expect(200);
        };
        prefer("pm_sandbox_declined").await;
        let before = t.subscription_of("c").await;
        t.of_subscription(&subscription, "change-plan", json!({ "planId": large })).await.refused(402, "payment_declined");
        assert_eq!((t.subscription_of("c").await, t.invoices_of("c").await.len()), (before.clone(), 1));
        prefer("pm_sandbox_requires_form").await;
        let asked = change(&t, &subscription, json!({ "planId": large })).await;
        assert_eq!((&asked["kind"], &asked["subscription"]["planId"]), (&json!("requires_form"), &json!(small)));
        assert_eq!((t.subscription_of("c").await, t.count(&DRAFTS).await), (before, 1));
        t.fill_in(asked["client"]["clientSecret"].as_str().unwrap(), "succeed").await.expect(204);
        assert_eq!((state(&t, "c").await.0, t.count(&DRAFTS).await), (json!([large, 1]), 0));
        assert_eq!(summarize(&t.invoices_of("c").await), [("create", "paid", 1_000), ("change", "paid", 2_000)]);
    }

    async fn payment_for_an_outdated_change_is_refunded(t) {
        const REFUNDS: Sql = sql("SELECT COUNT(*) FROM sandbox_intents WHERE status = 'refunded'");
        let small = t.plan(monthly("small", flat(1_000))).await;
        let large = t.plan(monthly("large", flat(3_000))).await;
        let id = t.customer("c").await;
        let subscribed = t.try_to_subscribe("c", &small).await.expect(200).json();
        t.fill_in(subscribed["client"]["clientSecret"].as_str().unwrap(), "succeed").await.expect(204);
        let card = t.card(&id, "pm_sandbox_requires_form").await;
        t.call(post(format!("/v1/payment-methods/{card}/default"), &json!({})).key(&t.key)).await.expect(200);
        let subscription = t.subscription_of("c").await;
        let asked = change(&t, &subscription, json!({ "planId": large })).await;
        t.of_subscription(&subscription, "cancel", json!({ "mode": "now" })).await.expect(200);
        t.fill_in(asked["client"]["clientSecret"].as_str().unwrap(), "succeed").await.expect(204);
        assert_eq!((t.subscription_of("c").await["status"].clone(), state(&t, "c").await.0), (json!("canceled"), json!([small, 1])));
        assert_eq!((t.count(&REFUNDS).await, t.count(&DRAFTS).await), (1, 0));
    }

    async fn unpaid_or_ended_subscription_cannot_be_changed(t) {
        let small = t.plan(monthly("small", flat(1_000))).await;
        let large = t.plan(monthly("large", flat(3_000))).await;
        t.customer("pending").await;
        t.try_to_subscribe("pending", &small).await.expect(200);
        t.payer("over").await;
        let over = t.buy("over", &small, 1).await;
        t.of_subscription(&over, "cancel", json!({ "mode": "now" })).await.expect(200);
        let late = t.payer("late").await;
        t.buy("late", &small, 1).await;
        let card = t.card(&late, "pm_sandbox_declined").await;
        t.call(post(format!("/v1/payment-methods/{card}/default"), &json!({})).key(&t.key)).await.expect(200);
        t.clock_to("2030-01-31T00:00:00Z").await;
        // The pending form has expired by now; start again.
        t.try_to_subscribe("pending", &small).await.expect(200);
        t.clock_to("2030-02-01T00:00:00Z").await;
        t.try_to_subscribe("pending", &small).await.expect(200);
        let before = t.state().await;
        for (customer, code) in [("pending", "invoice_unpaid"), ("late", "invoice_unpaid"), ("over", "subscription_not_active")] {
            let subscription = t.subscription_of(customer).await;
            for what in ["preview-change", "change-plan"] {
                t.of_subscription(&subscription, what, json!({ "planId": large })).await.refused(409, code);
            }
        }
        assert_eq!(t.state().await, before);
    }

    async fn change_to_foreign_plans_is_refused(t) {
        let small = t.plan(monthly("small", flat(1_000))).await;
        let draft = t.plan(with(monthly("draft", flat(1)), json!({ "status": "draft" }))).await;
        let private = t.plan(with(monthly("private", flat(9_000)), json!({ "isPublic": false }))).await;
        let euros = t.plan(with(monthly("euro", flat(900)), json!({ "currency": "EUR" }))).await;
        let product = t.make("products", json!({ "slug": "second", "name": "Second" })).await;
        let second = t.plan(with(monthly("second", flat(9)), json!({ "productId": product }))).await;
        let huge = t.plan(monthly("huge", per_unit(1_000_000_000))).await;
        t.payer("c").await;
        t.customer("d").await;
        let subscription = t.buy("c", &small, 1).await;
        let (token, others) = (t.token("c").await, t.token("d").await);
        let before = t.state().await;
        for what in ["preview-change", "change-plan"] {
            let path = format!("/v1/subscriptions/{}/{what}", subscription["id"].as_str().unwrap());
            let ask = |plan: &str| post(path.clone(), &json!({ "planId": plan }));
            t.call(ask(&draft).key(&t.key)).await.refused(409, "plan_not_available");
            t.call(ask(&euros).key(&t.key)).await.refused(422, "currency_mismatch");
            let refused = t.call(ask(&second).key(&t.key)).await.refused(422, "validation_failed");
            assert_eq!(refused.json()["errors"][0]["param"], "planId");
            t.call(ask(&private).bearer(&token)).await.refused(404, "not_found");
            t.call(ask(&small).bearer(&others)).await.refused(404, "not_found");
            let body = json!({ "planId": huge, "quantity": 1_000_000 });
            t.call(post(path.clone(), &body).key(&t.key)).await.refused(422, "amount_out_of_range");
            let unknown = format!("/v1/subscriptions/{}/{what}", t.app.ids.subscription());
            t.call(post(unknown, &json!({})).key(&t.key)).await.refused(404, "not_found");
        }
        assert_eq!(t.state().await, before);
    }

    async fn preview_price_holds_for_ten_minutes(t) {
        let small = t.plan(monthly("small", flat(1_000))).await;
        let large = t.plan(monthly("large", flat(3_000))).await;
        t.payer("c").await;
        let subscription = t.buy("c", &small, 1).await;
        t.clock_to("2030-01-15T12:00:00Z").await;
        let preview = t.of_subscription(&subscription, "preview-change", json!({ "planId": large })).await.expect(200).json();
        assert_eq!(preview["prorationDate"], "2030-01-15T12:00:00.000Z");
        t.advance(601);
        let before = t.state().await;
        for wrong in [
            "2030-01-15T12:00:00.000Z", "2030-01-15T12:10:02.000Z", "2030-01-15T12:10:00.500Z", "2029-12-31T23:59:59.000Z", "2031-01-01T00:00:00.000Z",
        ] {
            let body = json!({ "planId": large, "prorationDate": wrong });
            let refused = t.of_subscription(&subscription, "change-plan", body).await.refused(422, "validation_failed");
            assert_eq!(refused.json()["errors"][0]["param"], "prorationDate", "{wrong}");
        }
        assert_eq!(t.state().await, before);
        let preview = t.of_subscription(&subscription, "preview-change", json!({ "planId": large })).await.expect(200).json();
        t.advance(600);
        let outcome = change(&t, &subscription, json!({ "planId": large, "prorationDate": preview["prorationDate"] })).await;
        assert_eq!(outcome["invoice"]["totalAmount"], preview["totalAmount"]);
        assert_eq!(outcome["invoice"]["items"], preview["items"]);
        let labels = preview["items"].as_array().unwrap().iter().map(|item| &item["label"]);
        let codes: Vec<&Value> = labels.clone().map(|label| &label["code"]).collect();
        assert_eq!(codes, ["unused_time", "remaining_time"]);
        assert!(labels.into_iter().all(|label| label["name"].is_string()));
    }

    async fn concurrent_changes_charge_once(t) {
        let small = t.plan(monthly("small", flat(1_000))).await;
        let large = t.plan(monthly("large", flat(3_000))).await;
        t.payer("c").await;
        let subscription = t.buy("c", &small, 1).await;
        let ask = || t.of_subscription(&subscription, "change-plan", json!({ "planId": large }));
        for answer in futures_util::future::join_all((0..6).map(|_| ask())).await {
            match answer.status {
                200 => assert!(["charged_inline", "no_action"].contains(&answer.text("kind").as_str())),
                _ => drop(answer.refused(409, "payment_in_progress")),
            }
        }
        assert_eq!((t.charges().await, state(&t, "c").await.0), (2, json!([large, 1])));
        assert_eq!(summarize(&t.invoices_of("c").await), [("create", "paid", 1_000), ("change", "paid", 2_000)]);
    }
}
