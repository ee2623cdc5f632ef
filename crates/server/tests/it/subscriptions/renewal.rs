//! The ends of periods.

use crate::on_both_stores;
use crate::support::{
    Engine, Request, Test, event_with, flat, get, lines, monthly, post, summarize, with, yearly,
};
use futures_util::future::join_all;
use serde_json::{Value, json};
use unitpay::testing::db::{Sql, sql};

const INVOICES: Sql = sql("SELECT COUNT(*) FROM invoices");
const NUMBERS: Sql = sql("SELECT COUNT(DISTINCT number) * 1000 + MAX(number) FROM invoices");

/// Charges for a period and for calls: 10 are free, 100 cost 2, more cost 0.5.
async fn metered(t: &Test, amount: i64) -> Value {
    let product = t.main_product().await;
    let metric =
        json!({ "productId": product, "eventName": "call", "name": "Calls", "aggregation": "sum" });
    let metric = t.make("billable-metrics", metric).await;
    json!([
        { "type": "recurring", "amount": amount },
        { "type": "usage", "metricId": metric, "includedUnits": "10", "tiers": [
            { "upTo": 100, "unitPrice": "2" }, { "upTo": null, "unitPrice": "0.5" }] },
    ])
}

async fn starts(t: &Test, customer: &str) -> Vec<String> {
    let invoices = t.invoices_of(customer).await;
    invoices.iter().map(|one| one["periodStart"].as_str().unwrap()[..10].to_owned()).collect()
}

on_both_stores! {
    async fn period_boundaries_are_counted_from_the_anchor(t) {
        let plan = t.plan(monthly("pro", flat(2_000))).await;
        let year = t.plan(yearly("year", flat(20_000))).await;
        t.clock_to("2031-12-31T22:30:00Z").await;
        t.payer("month").await;
        t.buy("month", &plan, 1).await;
        t.clock_to("2032-02-29T12:00:00Z").await;
        t.payer("leap").await;
        t.buy("leap", &year, 1).await;
        t.clock_to("2032-05-01T00:00:00Z").await;
        assert_eq!(starts(&t, "month").await, ["2031-12-31", "2032-01-31", "2032-02-29", "2032-03-31", "2032-04-30"]);
        let list = t.invoices_of("month").await;
        assert_eq!((&list[2]["periodStart"], &list[2]["periodEnd"]), (&json!("2032-02-29T22:30:00.000Z"), &json!("2032-03-31T22:30:00.000Z")));
        t.clock_to("2034-03-01T00:00:00Z").await;
        assert_eq!(starts(&t, "leap").await, ["2032-02-29", "2033-02-28", "2034-02-28"]);
    }

    async fn renewal_bills_usage_by_tiers_once(t) {
        let charges = metered(&t, 2_000).await;
        let plan = t.plan(monthly("pro", charges)).await;
        t.payer("c").await;
        let subscription = t.buy("c", &plan, 1).await;
        // 10 free, 100 at 2, 51.5 at a half: 225.75.
        for (key, quantity) in [("a", json!(100)), ("b", json!(61)), ("c", json!("0.5"))] {
            t.call_for("c", key, quantity).await;
        }
        let upcoming = format!("/v1/subscriptions/{}/upcoming-invoice", subscription["id"].as_str().unwrap());
        let upcoming = t.call(get(upcoming).key(&t.key)).await.expect(200).json()["invoice"].clone();
        assert_eq!((lines(&upcoming), &upcoming["date"]), (vec![("usage".into(), 226), ("recurring".into(), 2_000)], &json!("2030-02-01T00:00:00.000Z")));
        t.clock_to("2030-02-01T00:00:00Z").await;
        let invoice = t.invoices_of("c").await.pop().unwrap();
        assert_eq!((&invoice["items"], &invoice["totalAmount"]), (&upcoming["items"], &json!(2_226)));
        let usage = &invoice["items"][0];
        assert_eq!((&usage["quantity"], &usage["periodStart"], &usage["periodEnd"]), (&json!("161.5"), &json!("2030-01-01T00:00:00.000Z"), &json!("2030-02-01T00:00:00.000Z")));
        t.clock_to("2030-03-01T00:00:00Z").await;
        assert_eq!(t.invoices_of("c").await.pop().unwrap()["totalAmount"], 2_000);
    }

    async fn yearly_plan_issues_a_usage_invoice_each_month(t) {
        let charges = metered(&t, 20_000).await;
        let plan = t.plan(yearly("year", charges)).await;
        t.payer("c").await;
        t.clock_to("2030-01-31T00:00:00Z").await;
        t.buy("c", &plan, 1).await;
        for (month, key) in [("2030-02-10T00:00:00Z", "a"), ("2030-03-10T00:00:00Z", "b"), ("2030-05-10T00:00:00Z", "c"), ("2031-01-10T00:00:00Z", "d")] {
            t.clock_to(month).await;
            t.call_for("c", key, json!(60)).await;
        }
        t.clock_to("2031-01-31T00:00:00Z").await;
        let invoices = t.invoices_of("c").await;
        assert_eq!(summarize(&invoices), [
            ("create", "paid", 20_000), ("usage", "paid", 100), ("usage", "paid", 100), ("usage", "paid", 100), ("renewal", "paid", 20_100),
        ]);
        let ends: Vec<&Value> = invoices.iter().map(|one| &one["periodEnd"]).collect();
        assert_eq!(ends, ["2031-01-31", "2030-02-28", "2030-03-31", "2030-05-31", "2032-01-31"].map(|day| json!(format!("{day}T00:00:00.000Z"))).iter().collect::<Vec<_>>());
    }

    async fn renewal_below_minimum_waits_for_the_next_invoice(t) {
        let charges = metered(&t, 0).await;
        let plan = t.plan(monthly("usage", charges)).await;
        t.payer("c").await;
        let outcome = t.try_to_subscribe("c", &plan).await.expect(200).json();
        assert_eq!(outcome["kind"], "created_no_charge");
        // 20 cents, then 40: together above the minimum.
        t.call_for("c", "a", json!(20)).await;
        t.clock_to("2030-02-01T00:00:00Z").await;
        assert_eq!(t.count(&INVOICES).await, 0);
        t.call_for("c", "b", json!(30)).await;
        t.clock_to("2030-03-01T00:00:00Z").await;
        let invoices = t.invoices_of("c").await;
        assert_eq!(summarize(&invoices), [("renewal", "paid", 60)]);
        let kept: Vec<_> = lines(&invoices[0]).into_iter().filter(|line| line.1 != 0).collect();
        assert_eq!(kept, [("usage".into(), 40), ("addition".into(), 20)]);
        // Nothing was used, so there is no invoice.
        t.clock_to("2030-05-01T00:00:00Z").await;
        assert_eq!((t.count(&INVOICES).await, t.charges().await), (1, 1));
    }

    async fn renewal_uses_the_tax_at_issue(t) {
        let plan = t.plan(monthly("pro", flat(999))).await;
        t.payer("c").await;
        let tax = json!({ "taxRate": { "name": "GST", "basisPoints": 1_050 } });
        t.buy("c", &plan, 1).await;
        let branding = json!({ "taxRate": { "name": "VAT", "basisPoints": 1_900 } });
        t.call(crate::support::Request::new("PUT", "/v1/branding").json(&branding).key(&t.key)).await.expect(200);
        let patch = async |body: &Value| t.call(crate::support::patch("/v1/customers/c", body).key(&t.key)).await.expect(200);
        t.clock_to("2030-02-01T00:00:00Z").await;
        patch(&tax).await;
        t.clock_to("2030-03-01T00:00:00Z").await;
        patch(&json!({ "taxStatus": "reverse_charge" })).await;
        t.clock_to("2030-04-01T00:00:00Z").await;
        let taxes: Vec<Value> = t.invoices_of("c").await.iter().map(|one| json!([one["tax"]["name"], one["taxAmount"], one["totalAmount"], one["amountPaid"]])).collect();
        assert_eq!(taxes, [json!([null, 0, 999, 999]), json!(["VAT", 190, 1_189, 1_189]), json!(["GST", 105, 1_104, 1_104]), json!([null, 0, 999, 999])]);
    }

    async fn archived_plan_renews_but_cannot_be_bought(t) {
        let plan = t.plan(monthly("pro", flat(2_000))).await;
        t.payer("c").await;
        t.payer("d").await;
        t.buy("c", &plan, 1).await;
        let path = format!("/v1/plans/{plan}");
        t.call(crate::support::patch(path, &json!({ "status": "archived" })).key(&t.key)).await.expect(200);
        t.try_to_subscribe("d", &plan).await.refused(409, "plan_not_available");
        // Its own customer still sees it.
        let token = t.token("c").await;
        t.call(get(format!("/v1/plans/{plan}")).bearer(&token)).await.expect(200);
        t.clock_to("2030-02-01T00:00:00Z").await;
        assert_eq!(summarize(&t.invoices_of("c").await)[1..], [("renewal", "paid", 2_000)]);
    }

    async fn concurrent_nodes_renew_each_period_once(t) {
        let plan = t.plan(monthly("pro", flat(2_000))).await;
        let names: Vec<String> = (0..12).map(|n| format!("c{n}")).collect();
        for name in &names {
            t.payer(name).await;
            t.buy(name, &plan, 1).await;
        }
        t.advance(100 * 86_400);
        let other = match t.engine {
            Engine::Sqlite => None,
            Engine::Postgres => Some(t.another_node().await),
        };
        let other = other.as_ref().unwrap_or(&t);
        join_all([t.bill_what_is_due(), other.bill_what_is_due(), t.bill_what_is_due(), other.bill_what_is_due()]).await;
        for name in &names {
            let mut starts = starts(&t, name).await;
            // The nodes generate different ids.
            starts.sort();
            assert_eq!(starts, ["2030-01-01", "2030-02-01", "2030-03-01", "2030-04-01"], "{name}");
            assert_eq!(summarize(&t.invoices_of(name).await), [("create", "paid", 2_000), ("renewal", "paid", 2_000), ("renewal", "paid", 2_000), ("renewal", "paid", 2_000)], "{name}");
        }
        assert_eq!((t.count(&NUMBERS).await, t.charges().await), (48_048, 48));
    }

    async fn billing_writes_are_refused_while_the_clock_advances(t) {
        const SET_OUT: Sql = sql("UPDATE billing_clocks SET advancing_to = $1");
        let plan = t.plan(monthly("pro", flat(2_000))).await;
        let id = t.payer("c").await;
        let subscription = t.buy("c", &plan, 1).await;
        let invoice = t.bill(&id, 700).await;
        let dollars = json!({ "slug": "dollars", "name": "Dollars", "denomination": "USD", "minorUnitScale": 2 });
        let dollars = t.make("credit-currencies", dollars).await;
        let top_up = json!({ "creditCurrencyId": dollars, "amount": 500 });
        t.ask("customers/c/top-ups", top_up.clone()).await;
        let wallet = t.wallet("c").await;
        let entry = t.ledger(&wallet).await[0]["id"].clone();
        let card = t.card(&id, "pm_sandbox_mastercard").await;
        let form = t.set_up(&id).await;
        t.clock_to("2030-01-02T00:00:00Z").await;
        let to = unitpay::testing::base::Time::from_seconds(1_893_456_000 + 40 * 86_400);
        let set_out = t.app.db.write(unitpay::testing::db::Lane::Usual, async move |tx: &mut unitpay::testing::db::Tx<'_, '_>| {
            tx.execute(&SET_OUT, &[to.into()]).await
        });
        assert_eq!(set_out.await.unwrap(), 1);
        let product = t.make("products", json!({ "slug": "second", "name": "S" })).await;
        let second = t.plan(with(monthly("second", flat(1)), json!({ "productId": product }))).await;
        let before = t.state().await;
        let of_subscription = format!("subscriptions/{}", subscription["id"].as_str().unwrap());
        let of_wallet = format!("credit-accounts/{}", wallet["id"].as_str().unwrap());
        let rule = json!({ "enabled": true, "mode": "amount", "threshold": 1, "amount": 500 });
        for (method, path, body) in [
            ("POST", "subscriptions".to_owned(), json!({ "customerId": "c", "planId": second })),
            ("POST", format!("{of_subscription}/change-plan"), json!({ "quantity": 2 })),
            ("POST", format!("{of_subscription}/cancel"), json!({})),
            ("POST", format!("{of_subscription}/uncancel"), json!({})),
            ("POST", format!("invoices/{invoice}/pay"), json!({})),
            ("POST", format!("invoices/{invoice}/void"), json!({})),
            ("POST", format!("invoices/{invoice}/payments"), json!({ "amount": 1, "reference": "R" })),
            ("POST", "customers/c/top-ups".to_owned(), top_up),
            ("PUT", format!("customers/c/auto-topup-rules/{dollars}"), rule),
            ("POST", format!("{of_wallet}/grants"), json!({ "amount": 5 })),
            ("POST", format!("{of_wallet}/refunds"), json!({ "ledgerEntryId": entry })),
            ("POST", format!("{of_wallet}/freeze"), json!({})),
            ("POST", format!("{of_wallet}/unfreeze"), json!({})),
            ("POST", "usage/track".to_owned(), event_with("c", "call", "k", json!({}))),
            ("POST", "customers/c/payment-methods".to_owned(), json!({ "processorToken": "pm_sandbox_visa" })),
            ("POST", format!("payment-methods/{card}/default"), json!({})),
            ("DELETE", format!("payment-methods/{card}"), Value::Null),
            ("POST", "sandbox/forms/confirm".to_owned(), json!({ "clientSecret": form, "outcome": "succeed" })),
            ("POST", "test-clock/advance".to_owned(), json!({ "to": "2030-06-01T00:00:00Z" })),
        ] {
            let request = Request::new(method, format!("/v1/{path}")).key(&t.key);
            let request = if body.is_null() { request } else { request.json(&body) };
            t.call(request).await.refused(409, "test_clock_advancing");
            assert_eq!(t.state().await, before, "{method} {path}");
        }
        let path = format!("/v1/customers/{id}/payment-methods");
        assert_eq!(t.call(get(path).key(&t.key)).await.expect(200).json()["data"].as_array().unwrap().len(), 2);
        // Any node continues it.
        t.bill_what_is_due().await;
        let clock = t.call(get("/v1/test-clock").key(&t.key)).await.expect(200).json();
        assert_eq!((&clock["status"], &clock["now"]), (&json!("ready"), &json!("2030-02-10T00:00:00.000Z")));
        assert_eq!(summarize(&t.invoices_of("c").await).last(), Some(&("renewal", "paid", 2_000)));
        for wrong in ["2030-02-09T23:59:59Z", "2032-02-15T00:00:00Z", "9999-12-31T23:59:59Z"] {
            let body = json!({ "to": wrong });
            t.call(post("/v1/test-clock/advance", &body).key(&t.key)).await.refused(422, "validation_failed");
        }
    }

    async fn failing_item_does_not_block_other_tenants(t) {
        let first = (t.tenant, t.key.clone());
        let second = t.organization("second").await;
        let second = (second, t.key_of(second, unitpay::testing::keys::KeyScopes::ALL).await);
        for (tenant, key) in [&first, &second] {
            (t.tenant, t.key) = (*tenant, key.clone());
            let plan = t.plan(monthly("pro", flat(2_000))).await;
            t.payer("c").await;
            t.buy("c", &plan, 1).await;
        }
        t.refuse_subscriptions_of(&first.0).await;
        t.advance(31 * 86_400);
        t.try_to_bill().await;
        assert_eq!(summarize(&t.invoices_of("c").await), [("create", "paid", 2_000), ("renewal", "paid", 2_000)]);
        // Nor while a clock cannot advance. That is reported at once.
        let advance = post("/v1/test-clock/advance", &json!({ "to": "2030-02-02T00:00:00Z" })).key(&first.1);
        t.call(advance).await.refused(500, "internal");
        t.advance(28 * 86_400);
        t.bill_what_is_due().await;
        assert_eq!(t.invoices_of("c").await.len(), 3);
        let clock = t.call(get("/v1/test-clock").key(&first.1)).await.expect(200).json();
        assert_eq!(clock["status"], "advancing");
    }
}
