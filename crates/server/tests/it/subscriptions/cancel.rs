//! The end of subscriptions.

use crate::on_both_stores;
use crate::support::{Test, event_with, flat, get, lines, monthly, post, summarize, yearly};
use serde_json::{Value, json};
use unitpay::testing::db::{Sql, sql};

const REFUNDS: Sql = sql("SELECT COUNT(*) FROM sandbox_intents WHERE status = 'refunded'");

/// A plan of 2000, and 5 per call.
async fn metered(t: &Test) -> String {
    let usage = t.calls().await;
    t.plan(monthly("metered", json!([{ "type": "recurring", "amount": 2_000 }, usage]))).await
}

async fn cancel(t: &Test, subscription: &Value, body: Value) -> Value {
    t.of_subscription(subscription, "cancel", body).await.expect(200).json()
}

on_both_stores! {
    async fn cancel_at_period_end_ends_and_bills_usage(t) {
        let plan = metered(&t).await;
        t.payer("c").await;
        let subscription = t.buy("c", &plan, 1).await;
        let shown = cancel(&t, &subscription, json!({ "reason": "too dear" })).await;
        assert_eq!((&shown["status"], &shown["cancelAtPeriodEnd"], &shown["canceledAt"]), (&json!("active"), &json!(true), &Value::Null));
        t.call_for("c", "1", 30).await;
        t.clock_to("2030-01-31T23:59:59Z").await;
        assert_eq!(t.subscription_of("c").await["status"], "active");
        t.clock_to("2030-02-01T00:00:00Z").await;
        let ended = t.subscription_of("c").await;
        assert_eq!((&ended["status"], &ended["canceledAt"]), (&json!("canceled"), &json!("2030-02-01T00:00:00.000Z")));
        assert_eq!(summarize(&t.invoices_of("c").await), [("create", "paid", 2_000), ("usage", "paid", 150)]);
        t.clock_to("2030-06-01T00:00:00Z").await;
        assert_eq!(t.charges().await, 2);
        let events = t.call(get("/v1/audit-events?customerId=c&limit=100").key(&t.key)).await.expect(200).json();
        for action in ["subscription.cancel_scheduled", "subscription.canceled"] {
            let event = events["data"].as_array().unwrap().iter().find(|event| event["action"] == action).unwrap();
            assert_eq!(event["detail"], json!({ "reason": "too dear" }), "{action}");
        }
    }

    async fn scheduled_cancellation_can_be_undone(t) {
        let plan = metered(&t).await;
        t.payer("c").await;
        let subscription = t.buy("c", &plan, 1).await;
        cancel(&t, &subscription, json!({})).await;
        t.clock_to("2030-01-31T23:59:59Z").await;
        let undone = t.of_subscription(&subscription, "uncancel", json!({})).await.expect(200).json();
        assert_eq!((&undone["status"], &undone["cancelAtPeriodEnd"]), (&json!("active"), &json!(false)));
        // Without a scheduled cancellation, nothing changes.
        let before = t.state().await;
        t.of_subscription(&subscription, "uncancel", json!({})).await.expect(200);
        assert_eq!(t.state().await, before);
        t.clock_to("2030-02-01T00:00:00Z").await;
        assert_eq!(summarize(&t.invoices_of("c").await), [("create", "paid", 2_000), ("renewal", "paid", 2_000)]);
    }

    async fn cancel_closes_open_forms_and_waits_for_payments(t) {
        let (small, large) = (t.plan(monthly("small", flat(1_000))).await, t.plan(monthly("large", flat(3_000))).await);
        let id = t.payer("c").await;
        let subscription = t.buy("c", &small, 1).await;
        let change = async |token: &str| {
            let card = t.card(&id, token).await;
            t.call(post(format!("/v1/payment-methods/{card}/default"), &json!({})).key(&t.key)).await.expect(200);
            t.of_subscription(&subscription, "change-plan", json!({ "planId": large })).await
        };
        let asked = change("pm_sandbox_requires_form").await.expect(200).json();
        cancel(&t, &subscription, json!({})).await;
        t.fill_in(asked["client"]["clientSecret"].as_str().unwrap(), "succeed").await.expect(204);
        let now = t.subscription_of("c").await;
        assert_eq!((&now["planId"], &now["cancelAtPeriodEnd"]), (&json!(small), &json!(true)));
        assert_eq!((summarize(&t.invoices_of("c").await), t.count(&REFUNDS).await), (vec![("create", "paid", 1_000)], 1));
        change("pm_sandbox_timeout").await;
        t.of_subscription(&subscription, "cancel", json!({})).await.refused(409, "payment_in_progress");
    }

    async fn cancel_now_bills_usage_and_refunds_nothing(t) {
        let plan = metered(&t).await;
        t.payer("c").await;
        let subscription = t.buy("c", &plan, 1).await;
        t.clock_to("2030-01-10T00:00:00Z").await;
        t.call_for("c", "1", 40).await;
        let ended = cancel(&t, &subscription, json!({ "mode": "now" })).await;
        assert_eq!((&ended["status"], &ended["canceledAt"]), (&json!("canceled"), &json!("2030-01-10T00:00:00.000Z")));
        let invoices = t.invoices_of("c").await;
        assert_eq!(summarize(&invoices), [("create", "paid", 2_000), ("usage", "paid", 200)]);
        assert_eq!((lines(&invoices[1]), &invoices[1]["periodEnd"]), (vec![("usage".into(), 200)], &json!("2030-01-10T00:00:00.000Z")));
        let late = event_with("c", "call", "2", json!({}));
        assert_eq!(t.tracked(json!([late])).await, [(0, "rejected_no_subscription".to_owned())]);
        t.clock_to("2030-04-01T00:00:00Z").await;
        assert_eq!((t.charges().await, t.count(&REFUNDS).await), (2, 0));
    }

    async fn ended_subscription_cannot_be_canceled_or_revived(t) {
        let plan = metered(&t).await;
        t.payer("c").await;
        let subscription = t.buy("c", &plan, 1).await;
        cancel(&t, &subscription, json!({ "mode": "now" })).await;
        let before = t.state().await;
        for (what, body) in [
            ("cancel", json!({ "mode": "now" })), ("cancel", json!({ "mode": "period_end" })), ("cancel", json!({})),
            ("uncancel", json!({})), ("change-plan", json!({ "quantity": 2 })), ("preview-change", json!({ "quantity": 2 })),
        ] {
            t.of_subscription(&subscription, what, body).await.refused(409, "subscription_not_active");
        }
        for (body, param) in [
            (json!({ "mode": "soon" }), "mode"), (json!({ "reason": "" }), "reason"), (json!({ "reason": "x".repeat(501) }), "reason"), (json!({ "at": 1 }), "at"),
        ] {
            let refused = t.of_subscription(&subscription, "cancel", body).await.refused(422, "validation_failed");
            assert_eq!(refused.json()["errors"][0]["param"], param);
        }
        assert_eq!(t.state().await, before);
        let upcoming = format!("/v1/subscriptions/{}/upcoming-invoice", subscription["id"].as_str().unwrap());
        assert_eq!(t.call(get(upcoming).key(&t.key)).await.expect(200).json(), json!({ "invoice": null }));
    }

    async fn concurrent_cancels_bill_once(t) {
        let plan = metered(&t).await;
        t.payer("c").await;
        let subscription = t.buy("c", &plan, 1).await;
        t.call_for("c", "1", 100).await;
        let ask = || t.of_subscription(&subscription, "cancel", json!({ "mode": "now" }));
        let answers = futures_util::future::join_all((0..6).map(|_| ask())).await;
        let done = answers.iter().filter(|answer| answer.status == 200).count();
        for refused in answers.into_iter().filter(|answer| answer.status != 200) {
            refused.refused(409, "subscription_not_active");
        }
        assert_eq!((done, t.charges().await), (1, 2));
        assert_eq!(summarize(&t.invoices_of("c").await), [("create", "paid", 2_000), ("usage", "paid", 500)]);
    }

    async fn foreign_subscription_looks_like_a_missing_one(t) {
        let plan = metered(&t).await;
        t.payer("c").await;
        t.customer("d").await;
        let subscription = t.buy("c", &plan, 1).await;
        let others = t.token("d").await;
        let foreign = t.key_of(t.organization("another").await, unitpay::testing::keys::KeyScopes::ALL).await;
        let live = t.key_of(t.live(t.tenant.organization_id).await, unitpay::testing::keys::KeyScopes::ALL).await;
        let before = t.state().await;
        let path = format!("/v1/subscriptions/{}", subscription["id"].as_str().unwrap());
        for what in ["cancel", "uncancel", "change-plan", "preview-change"] {
            let ask = || post(format!("{path}/{what}"), &json!({}));
            t.call(ask().bearer(&others)).await.refused(404, "not_found");
            t.call(ask().key(&foreign)).await.refused(404, "not_found");
            t.call(ask().key(&live)).await.refused(404, "not_found");
        }
        for path in [path.clone(), format!("{path}/upcoming-invoice")] {
            t.call(get(&path).bearer(&others)).await.refused(404, "not_found");
            t.call(get(&path).key(&foreign)).await.refused(404, "not_found");
        }
        let list = t.call(get("/v1/subscriptions").bearer(&others)).await.expect(200).json();
        assert_eq!(list["data"], json!([]));
        t.call(get("/v1/subscriptions?customerId=c").bearer(&others)).await.refused(404, "customer_not_found");
        // A cursor of one list is refused by another.
        for name in ["a", "b"] {
            let id = t.payer(name).await;
            t.buy(&id, &plan, 1).await;
        }
        let page = t.call(get("/v1/subscriptions?limit=1").key(&t.key)).await.expect(200).json();
        let cursor = page["nextCursor"].as_str().unwrap();
        let token = t.token("c").await;
        for wrong in [
            get(format!("/v1/subscriptions?customerId=c&cursor={cursor}")).key(&t.key),
            get(format!("/v1/subscriptions?status=active&cursor={cursor}")).key(&t.key),
            get(format!("/v1/invoices?cursor={cursor}")).key(&t.key),
            get(format!("/v1/subscriptions?cursor={cursor}")).key(&foreign),
            get("/v1/subscriptions?cursor=x").bearer(&token),
        ] {
            t.call(wrong).await.refused(422, "validation_failed");
        }
        assert_ne!(t.state().await, before);
        assert_eq!(t.subscription_of("c").await["status"], "active");
    }

    async fn archiving_ends_subscriptions_and_charges_nothing(t) {
        let (plan, product) = (metered(&t).await, t.make("products", json!({ "slug": "second", "name": "S" })).await);
        let second = t.plan(crate::support::with(yearly("second", flat(9_000)), json!({ "productId": product }))).await;
        let id = t.payer("c").await;
        t.buy("c", &plan, 1).await;
        let card = t.card(&id, "pm_sandbox_requires_form").await;
        t.call(post(format!("/v1/payment-methods/{card}/default"), &json!({})).key(&t.key)).await.expect(200);
        let asked = t.try_to_subscribe("c", &second).await.expect(200).json();
        t.call_for("c", "1", 100).await;
        t.set_archived("c", "archive").await.expect(200);
        let list = t.call(get("/v1/subscriptions?customerId=c").key(&t.key)).await.expect(200).json();
        assert!(list["data"].as_array().unwrap().iter().all(|one| one["status"] == "canceled"), "{list}");
        assert_eq!(summarize(&t.invoices_of("c").await), [("create", "paid", 2_000)]);
        // A payment of the closed form is refunded.
        t.fill_in(asked["client"]["clientSecret"].as_str().unwrap(), "succeed").await.expect(204);
        t.clock_to("2030-05-01T00:00:00Z").await;
        assert_eq!((t.charges().await, t.count(&REFUNDS).await), (2, 1));
        assert_eq!(summarize(&t.invoices_of("c").await), [("create", "paid", 2_000)]);
        t.try_to_subscribe("c", &plan).await.refused(409, "customer_archived");
    }

    async fn suspended_organization_catches_up_on_resume(t) {
        let plan = metered(&t).await;
        t.payer("c").await;
        t.buy("c", &plan, 1).await;
        t.call_for("c", "1", 10).await;
        t.suspend(true).await;
        t.advance(95 * 86_400);
        t.bill_what_is_due().await;
        assert_eq!(t.charges().await, 1);
        t.suspend(false).await;
        t.bill_what_is_due().await;
        let invoices = t.invoices_of("c").await;
        assert_eq!(summarize(&invoices), [
            ("create", "paid", 2_000), ("renewal", "paid", 2_050), ("renewal", "paid", 2_000), ("renewal", "paid", 2_000),
        ]);
        // Each period keeps its dates; the invoices carry the day on which they were issued.
        let days = |name: &str| invoices.iter().map(|invoice| invoice[name].as_str().unwrap()[..10].to_owned()).collect::<Vec<_>>();
        assert_eq!(days("periodStart"), ["2030-01-01", "2030-02-01", "2030-03-01", "2030-04-01"]);
        assert_eq!(days("issuedAt"), ["2030-01-01", "2030-04-06", "2030-04-06", "2030-04-06"]);
        assert_eq!(t.subscription_of("c").await["currentBillingPeriodEnd"], "2030-05-01T00:00:00.000Z");
    }
}
