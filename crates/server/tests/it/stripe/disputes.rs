//! Stripe's disputes: read as they are, whatever its events say and however often they come.

use super::stand_in::Fault;
use super::{connected, post};
use crate::on_both_stores;
use serde_json::{Value, json};
use unitpay::testing::flows;

on_both_stores! {
    async fn stripe_disputes_are_followed_in_any_order(t) {
        let (t, stand_in) = connected(t.engine).await;
        let orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
        for (at, order) in orders.into_iter().enumerate() {
            let customer = t.stripe_customer(&stand_in, &format!("c{at}"), "pm_card_visa").await;
            let invoice = t.bill(&customer, 1_000).await;
            t.pay(&invoice, json!({})).await.expect(200);
            let intent = stand_in.all("payment_intent").pop().unwrap()["id"].as_str().unwrap().to_owned();
            let mut events = vec![stand_in.dispute(&intent, 600)];
            let dispute = events[0]["data"]["object"]["id"].as_str().unwrap().to_owned();
            for status in ["under_review", "lost"] {
                events.push(stand_in.dispute_becomes(&dispute, status));
            }
            for which in order {
                for _ in 0..2 {
                    t.stripe_event(&stand_in, &events[which]).await.expect(204);
                }
            }
            let shown = t.invoice(&invoice).await;
            assert_eq!((&shown["amountPaid"], &shown["disputeStatus"]), (&json!(400), &json!("lost")), "{order:?}");
            assert_eq!(shown["disputes"].as_array().unwrap().len(), 1);
            assert_eq!(shown["disputes"][0]["reason"], "fraudulent");
            let won = stand_in.dispute_becomes(&dispute, "won");
            t.stripe_event(&stand_in, &won).await.expect(204);
            t.stripe_event(&stand_in, &events[2]).await.expect(204);
            assert_eq!(t.invoice(&invoice).await["amountPaid"], 1_000, "{order:?}");
        }
    }

    async fn stripe_dispute_without_a_webhook_is_found(t) {
        let (t, stand_in) = connected(t.engine).await;
        let customer = t.stripe_customer(&stand_in, "c", "pm_card_visa").await;
        let invoice = t.bill(&customer, 1_000).await;
        t.pay(&invoice, json!({})).await.expect(200);
        let intent = stand_in.all("payment_intent")[0]["id"].as_str().unwrap().to_owned();
        stand_in.dispute(&intent, 1_000);
        t.advance(15 * 60);
        flows::poll_events(&t.app).await.unwrap();
        assert_eq!(t.invoice(&invoice).await["disputeStatus"], "needs_response");
    }

    async fn stripe_dispute_before_our_record_of_the_charge_pays_first(t) {
        let (t, stand_in) = connected(t.engine).await;
        let customer = t.stripe_customer(&stand_in, "c", "pm_card_visa").await;
        let invoice = t.bill(&customer, 1_000).await;
        stand_in.fail(&[Fault::CutAfter]);
        t.pay(&invoice, json!({})).await.refused(503, "unavailable");
        let intent = stand_in.all("payment_intent")[0]["id"].as_str().unwrap().to_owned();
        let event = stand_in.dispute(&intent, 1_000);
        t.stripe_event(&stand_in, &event).await.expect(204);
        let shown = t.invoice(&invoice).await;
        assert_eq!((&shown["status"], &shown["disputeStatus"]), (&json!("paid"), &json!("needs_response")));
        // Stripe does not answer: the event waits.
        let id = event["data"]["object"]["id"].as_str().unwrap();
        let lost = stand_in.dispute_becomes(id, "lost");
        stand_in.fail(&[Fault::ErrorInstead]);
        t.stripe_event(&stand_in, &lost).await.expect(204);
        assert_eq!(t.invoice(&invoice).await["amountPaid"], 1_000);
        t.advance(60);
        flows::sweep_events(&t.app).await.unwrap();
        assert_eq!(t.invoice(&invoice).await["amountPaid"], 0);
    }

    async fn stripe_dispute_of_a_charge_given_up_is_noted_only(t) {
        let (t, stand_in) = connected(t.engine).await;
        let customer = t.customer("c").await;
        let invoice = t.bill(&customer, 1_000).await;
        let asked = t.pay(&invoice, json!({})).await.expect(200).json();
        t.call(post(format!("/v1/invoices/{invoice}/void"), &json!({})).key(&t.key)).await.expect(200);
        let event = stand_in.fill_in(asked["client"]["clientSecret"].as_str().unwrap(), "pm_card_visa");
        t.stripe_event(&stand_in, &event.unwrap()).await.expect(204);
        let intent = stand_in.all("payment_intent")[0]["id"].as_str().unwrap().to_owned();
        let opened = stand_in.dispute(&intent, 1_000);
        let id = opened["data"]["object"]["id"].as_str().unwrap();
        let lost = stand_in.dispute_becomes(id, "lost");
        // Of a charge by another application.
        let mut foreign: Value = opened.clone();
        (foreign["id"], foreign["data"]["object"]["id"]) = (json!("evt_foreign"), json!("dp_foreign"));
        for event in [&foreign, &opened, &lost] {
            t.stripe_event(&stand_in, event).await.expect(204);
        }
        let shown = t.invoice(&invoice).await;
        assert_eq!((&shown["status"], &shown["amountDue"], &shown["disputeStatus"]), (&json!("void"), &json!(0), &json!("lost")));
    }
}
