//! Starting a subscription while owing, setup fees, currencies and forms; debts after the end.

use crate::on_both_stores;
use crate::support::{Test, flat, monthly, patch, post, summarize, with};
use serde_json::{Value, json};

async fn pays_by(t: &Test, customer: &str, token: &str) {
    let card = t.card(customer, token).await;
    let path = format!("/v1/payment-methods/{card}/default");
    t.call(post(path, &json!({})).key(&t.key)).await.expect(200);
}

async fn status(t: &Test, customer: &str) -> Value {
    t.subscription_of(customer).await["status"].clone()
}

on_both_stores! {
    async fn customer_who_owes_cannot_buy_or_upgrade(t) {
        let plan = t.plan(monthly("plan", flat(2_000))).await;
        let other = t.make("products", json!({ "slug": "other", "name": "Other" })).await;
        let second = t.plan(with(monthly("second", flat(900)), json!({ "productId": other }))).await;
        let larger = t.plan(with(monthly("larger", flat(5_000)), json!({ "productId": other }))).await;
        t.payer("c").await;
        t.buy("c", &plan, 1).await;
        let buy = json!({ "planId": second });
        let kept = t.ask("subscriptions", json!({ "customerId": "c", "planId": second })).await;
        pays_by(&t, "c", "pm_sandbox_declined").await;
        t.clock_to("2030-02-01T00:00:00Z").await;
        let owed = t.invoices_of("c").await.into_iter().find(|one| one["status"] == "overdue").unwrap();
        let token = t.token("c").await;
        let third = t.plan(with(monthly("third", flat(100)), json!({ "productId": t.make("products", json!({ "slug": "third", "name": "Third" })).await }))).await;
        let asked = t.call(post("/v1/subscriptions", &with(buy, json!({ "planId": third }))).bearer(&token)).await;
        assert_eq!(asked.refused(409, "invoice_unpaid").json()["invoiceId"], owed["id"]);
        let body = json!({ "customerId": "c", "planId": third });
        t.call(post("/v1/subscriptions", &body).key(&t.key)).await.refused(409, "invoice_unpaid");
        pays_by(&t, "c", "pm_sandbox_visa").await;
        t.call(post("/v1/subscriptions", &with(body, json!({ "allowUnpaid": true }))).key(&t.key)).await.expect(200);
        // A portal token may not say so.
        let body = json!({ "planId": larger, "allowUnpaid": true });
        let id = kept["subscription"]["id"].as_str().unwrap();
        t.call(post(format!("/v1/subscriptions/{id}/change-plan"), &body).bearer(&token)).await.refused(422, "validation_failed");
    }

    async fn customer_with_an_uncollectible_invoice_cannot_buy(t) {
        let plan = t.plan(monthly("plan", flat(2_000))).await;
        t.payer("c").await;
        t.buy("c", &plan, 1).await;
        pays_by(&t, "c", "pm_sandbox_declined").await;
        t.clock_to("2030-02-09T00:00:00Z").await;
        let owed = t.invoices_of("c").await.pop().unwrap();
        assert_eq!(summarize(std::slice::from_ref(&owed)), [("renewal", "uncollectible", 2_000)]);
        pays_by(&t, "c", "pm_sandbox_visa").await;
        let body = json!({ "planId": plan });
        let buy = async || t.call(post("/v1/subscriptions", &body).bearer(&t.token("c").await)).await;
        assert_eq!(buy().await.refused(409, "invoice_unpaid").json()["invoiceId"], owed["id"]);
        let path = format!("/v1/invoices/{}/pay", owed["id"].as_str().unwrap());
        t.call(post(path, &json!({})).bearer(&t.token("c").await)).await.expect(200);
        buy().await.expect(200);
        assert_eq!(status(&t, "c").await, "active");
    }

    async fn setup_fee_is_billed_once_for_customer_and_plan(t) {
        let fee = json!([{ "type": "recurring", "amount": 3_000 }, { "type": "one_off", "amount": 700 }]);
        let (small, large) = (t.plan(monthly("small", flat(1_000))).await, t.plan(monthly("large", fee)).await);
        t.payer("c").await;
        let subscription = t.buy("c", &small, 1).await;
        let change = async |plan: &str| t.of_subscription(&subscription, "change-plan", json!({ "planId": plan })).await.expect(200).json();
        assert_eq!(change(&large).await["invoice"]["totalAmount"], 2_700);
        change(&small).await;
        t.clock_to("2030-02-01T00:00:00Z").await;
        assert_eq!(change(&large).await["invoice"]["totalAmount"], 2_000);
        t.of_subscription(&subscription, "cancel", json!({ "mode": "now" })).await.expect(200);
        t.buy("c", &large, 1).await;
        assert_eq!(summarize(&t.invoices_of("c").await).last(), Some(&("create", "paid", 3_000)));
    }

    async fn scheduled_plan_bills_its_setup_fee_at_its_start(t) {
        let fee = json!([{ "type": "recurring", "amount": 1_000 }, { "type": "one_off", "amount": 700 }]);
        let (small, large) = (t.plan(monthly("small", fee)).await, t.plan(monthly("large", flat(3_000))).await);
        t.payer("c").await;
        let subscription = t.buy("c", &large, 1).await;
        t.of_subscription(&subscription, "change-plan", json!({ "planId": small })).await.expect(200);
        t.clock_to("2030-03-01T00:00:00Z").await;
        assert_eq!(summarize(&t.invoices_of("c").await), [("create", "paid", 3_000), ("renewal", "paid", 1_700), ("renewal", "paid", 1_000)]);
    }

    async fn last_invoice_of_a_canceled_subscription_is_retried(t) {
        let usage = t.calls().await;
        let plan = t.plan(monthly("plan", json!([{ "type": "recurring", "amount": 2_000 }, usage]))).await;
        t.payer("c").await;
        let subscription = t.buy("c", &plan, 1).await;
        t.call_for("c", "1", 100).await;
        pays_by(&t, "c", "pm_sandbox_declined").await;
        t.of_subscription(&subscription, "cancel", json!({ "mode": "now" })).await.expect(200);
        assert_eq!(summarize(&t.invoices_of("c").await).last(), Some(&("usage", "overdue", 500)));
        pays_by(&t, "c", "pm_sandbox_visa").await;
        t.clock_to("2030-01-02T00:00:00Z").await;
        assert_eq!(summarize(&t.invoices_of("c").await).last(), Some(&("usage", "paid", 500)));
        assert_eq!(status(&t, "c").await, "canceled");
    }

    async fn remainder_below_the_minimum_ends_no_subscription(t) {
        let plan = t.plan(monthly("plan", flat(2_000))).await;
        t.payer("c").await;
        t.buy("c", &plan, 1).await;
        pays_by(&t, "c", "pm_sandbox_declined").await;
        t.clock_to("2030-02-01T00:00:00Z").await;
        assert_eq!(status(&t, "c").await, "past_due");
        let owed = t.invoices_of("c").await.pop().unwrap();
        let path = format!("/v1/invoices/{}/payments", owed["id"].as_str().unwrap());
        t.call(post(path, &json!({ "amount": 1_970, "reference": "transfer" })).key(&t.key)).await.expect(201);
        assert_eq!(status(&t, "c").await, "active");
        assert_eq!(summarize(&t.invoices_of("c").await).last(), Some(&("renewal", "paid", 2_000)));
        t.clock_to("2030-02-20T00:00:00Z").await;
        assert_eq!(status(&t, "c").await, "active");
        // The 0.30 are on the next invoice.
        pays_by(&t, "c", "pm_sandbox_visa").await;
        t.clock_to("2030-03-01T00:00:00Z").await;
        assert_eq!(summarize(&t.invoices_of("c").await).last(), Some(&("renewal", "paid", 2_030)));
    }

    async fn currency_unlocks_while_nothing_was_invoiced(t) {
        let free = t.plan(monthly("free", json!([]))).await;
        let euro = t.plan(with(monthly("euro", flat(1_000)), json!({ "currency": "EUR" }))).await;
        let dollar = t.plan(monthly("dollar", flat(1_000))).await;
        t.payer("c").await;
        let subscription = t.buy("c", &free, 1).await;
        t.of_subscription(&subscription, "cancel", json!({ "mode": "now" })).await.expect(200);
        let subscription = t.buy("c", &euro, 1).await;
        assert_eq!(summarize(&t.invoices_of("c").await), [("create", "paid", 1_000)]);
        t.of_subscription(&subscription, "cancel", json!({ "mode": "now" })).await.expect(200);
        t.try_to_subscribe("c", &dollar).await.refused(422, "currency_mismatch");
    }

    async fn collection_method_applies_from_the_next_invoice(t) {
        let plan = t.plan(monthly("plan", flat(2_000))).await;
        t.payer("c").await;
        t.buy("c", &plan, 1).await;
        t.call(patch("/v1/customers/c", &json!({ "collectionMethod": "send_invoice" })).key(&t.key)).await.expect(200);
        t.clock_to("2030-02-01T00:00:00Z").await;
        assert_eq!(summarize(&t.invoices_of("c").await), [("create", "paid", 2_000), ("renewal", "issued", 2_000)]);
    }

    async fn form_expires_by_billing_time(t) {
        let plan = t.plan(monthly("plan", flat(2_000))).await;
        t.customer("c").await;
        let form = t.ask("subscriptions", json!({ "customerId": "c", "planId": plan })).await;
        t.clock_to("2030-01-01T22:59:59Z").await;
        assert_eq!(status(&t, "c").await, "pending");
        t.clock_to("2030-01-01T23:00:00Z").await;
        t.fill_in(form["client"]["clientSecret"].as_str().unwrap(), "succeed").await;
        assert_eq!((status(&t, "c").await, t.invoices_of("c").await.len()), (json!("canceled"), 0));
    }

    async fn invoice_is_dated_when_it_is_issued(t) {
        let plan = t.plan(monthly("plan", flat(2_000))).await;
        t.payer("c").await;
        t.buy("c", &plan, 1).await;
        // An outage: the renewal of 1 February runs ten days late.
        t.advance(41 * 86_400);
        t.payer("d").await;
        t.buy("d", &plan, 1).await;
        t.bill_what_is_due().await;
        let renewal = t.invoices_of("c").await.pop().unwrap();
        let of_d = t.invoices_of("d").await.pop().unwrap();
        assert_eq!((&renewal["invoiceNumber"], &renewal["periodStart"]), (&json!("INV-000003"), &json!("2030-02-01T00:00:00.000Z")));
        assert!(renewal["issuedAt"].as_str() >= of_d["issuedAt"].as_str());
    }

    async fn customer_who_owes_cannot_upgrade_by_portal_token(t) {
        let (small, large) = (t.plan(monthly("small", flat(1_000))).await, t.plan(monthly("large", flat(3_000))).await);
        t.payer("c").await;
        let subscription = t.buy("c", &small, 1).await;
        let items = json!([{ "description": "Work", "quantity": 1, "unitAmount": 700 }]);
        let owed = json!({ "customerId": "c", "items": items, "dueInDays": 1 });
        let owed = t.call(post("/v1/invoices", &owed).key(&t.key)).await.expect(201).json();
        let (token, id) = (t.token("c").await, subscription["id"].as_str().unwrap());
        let change = |plan: &str| t.call(post(format!("/v1/subscriptions/{id}/change-plan"), &json!({ "planId": plan })).bearer(&token));
        // It is not overdue on the day on which it is due.
        t.clock_to("2030-01-02T23:59:59Z").await;
        assert_eq!(t.invoice(owed["id"].as_str().unwrap()).await["status"], "issued");
        t.clock_to("2030-01-03T00:00:00Z").await;
        let before = t.state().await;
        assert_eq!(change(&large).await.refused(409, "invoice_unpaid").json()["invoiceId"], owed["id"]);
        assert_eq!(t.state().await, before);
        let path = format!("/v1/invoices/{}/payments", owed["id"].as_str().unwrap());
        t.call(post(path, &json!({ "amount": 700, "reference": "SEPA" })).key(&t.key)).await.expect(201);
        assert_eq!(change(&large).await.expect(200).json()["kind"], "charged_inline");
    }

    async fn currency_unlocks_when_no_credits_are_left(t) {
        let shop = t.shop().await;
        let euro = t.plan(with(monthly("euro", flat(1_000)), json!({ "currency": "EUR" }))).await;
        t.subscriber(&shop, "c").await;
        t.card("c", "pm_sandbox_visa").await;
        let end = t.app.clock.now().plus_days(1);
        t.grant(shop.wallet("c"), unitpay::testing::credits::GrantSource::Promotional, 6, Some(end)).await;
        let subscription = t.subscription_of("c").await;
        t.of_subscription(&subscription, "cancel", json!({ "mode": "now" })).await.expect(200);
        t.try_to_subscribe("c", &euro).await.refused(422, "currency_mismatch");
        t.clock_to("2030-01-02T00:00:00Z").await;
        assert_eq!(t.balance("c").await, 0);
        t.try_to_subscribe("c", &euro).await.expect(200);
    }
}
