//! Rating of usage: months on yearly plans, and amounts beyond the range.

use crate::on_both_stores;
use crate::support::{Test, event, event_with, flat, get, monthly, patch, summarize, with, yearly};
use serde_json::{Value, json};
use unitpay::testing::base::Time;

/// The largest amount there is.
const MAX: i64 = 1_000_000_000_000;
/// The largest quantity of one event.
const MOST: i64 = 1_000_000_000;

fn time(text: &str) -> Time {
    serde_json::from_value(json!(text)).unwrap()
}

/// A usage charge for `call` at this price.
fn priced(usage: &Value, price: &str) -> Value {
    with(usage.clone(), json!({ "tiers": [{ "upTo": null, "unitPrice": price }] }))
}

/// A year of a yearly plan from its first boundary on, and the first month of the next. In month
/// `m`, 100 + m calls at its first instant and 10 in its last second.
async fn months(t: &Test, name: &str, plan: &str, boundaries: &[&str; 14]) {
    t.clock_to(boundaries[0]).await;
    t.payer(name).await;
    let subscription = t.buy(name, plan, 1).await;
    for (m, end) in boundaries[1..].iter().enumerate() {
        t.call_for(name, &format!("first {m}"), 100 + m).await;
        t.clock_to(&time(end).plus_seconds(-1).to_string()).await;
        t.call_for(name, &format!("last {m}"), 10).await;
        t.clock_to(end).await;
    }
    let invoices = t.invoices_of(name).await;
    let used = |m: usize| 5 * (110 + m as i64);
    let mut expected = vec![("create", "paid", 20_000)];
    expected.extend((0..11).map(|m| ("usage", "paid", used(m))));
    expected.extend([("renewal", "paid", 20_000 + used(11)), ("usage", "paid", used(12))]);
    assert_eq!(summarize(&invoices), expected, "{name}");
    for (m, invoice) in invoices[1..].iter().enumerate() {
        let line = &invoice["items"][0];
        assert_eq!(
            (&line["type"], &line["quantity"]),
            (&json!("usage"), &json!((110 + m).to_string())),
            "{name}, month {m}"
        );
        let period = ["periodStart", "periodEnd"].map(|side| time(line[side].as_str().unwrap()));
        assert_eq!(period, [boundaries[m], boundaries[m + 1]].map(time), "{name}, month {m}");
        assert_eq!(time(invoice["issuedAt"].as_str().unwrap()), time(boundaries[m + 1]), "{name}");
    }
    t.of_subscription(&subscription, "cancel", json!({ "mode": "now" })).await.expect(200);
    assert_eq!(t.invoices_of(name).await.len(), 14, "{name}");
}

on_both_stores! {
    async fn yearly_plan_bills_usage_monthly(t) {
        let usage = t.calls().await;
        let plan = t.plan(yearly("year", json!([{ "type": "recurring", "amount": 20_000 }, usage]))).await;
        months(&t, "end-of-month", &plan, &[
            "2030-12-31T22:30:00Z", "2031-01-31T22:30:00Z", "2031-02-28T22:30:00Z", "2031-03-31T22:30:00Z", "2031-04-30T22:30:00Z",
            "2031-05-31T22:30:00Z", "2031-06-30T22:30:00Z", "2031-07-31T22:30:00Z", "2031-08-31T22:30:00Z", "2031-09-30T22:30:00Z",
            "2031-10-31T22:30:00Z", "2031-11-30T22:30:00Z", "2031-12-31T22:30:00Z", "2032-01-31T22:30:00Z",
        ]).await;
        months(&t, "leap-day", &plan, &[
            "2032-02-29T00:00:00Z", "2032-03-29T00:00:00Z", "2032-04-29T00:00:00Z", "2032-05-29T00:00:00Z", "2032-06-29T00:00:00Z",
            "2032-07-29T00:00:00Z", "2032-08-29T00:00:00Z", "2032-09-29T00:00:00Z", "2032-10-29T00:00:00Z", "2032-11-29T00:00:00Z",
            "2032-12-29T00:00:00Z", "2033-01-29T00:00:00Z", "2033-02-28T00:00:00Z", "2033-03-29T00:00:00Z",
        ]).await;
    }

    async fn usage_beyond_the_range_does_not_block_other_customers(t) {
        let usage = t.calls().await;
        let metric = usage["metricId"].as_str().unwrap();
        let recurring = json!({ "type": "recurring", "amount": 2_000 });
        let plans = [
            ("dear", t.plan(monthly("dear", json!([recurring, priced(&usage, "999999999999")]))).await),
            ("month", t.plan(yearly("month", json!([recurring, priced(&usage, "1001")]))).await),
            ("sum", t.plan(monthly("sum", json!([recurring, priced(&usage, "1000")]))).await),
        ];
        let larger = t.plan(yearly("larger", flat(90_000))).await;
        for (name, plan) in &plans {
            t.payer(name).await;
            t.buy(name, plan, 1).await;
            t.call_for(name, "1", MOST).await;
        }
        t.payer("other").await;
        t.buy("other", &plans[2].1, 1).await;
        t.clock_to("2030-02-03T00:00:00Z").await;
        assert_eq!(summarize(&t.invoices_of("other").await), [("create", "paid", 2_000), ("renewal", "paid", 2_000)]);
        for (name, _) in &plans {
            let subscription = t.subscription_of(name).await;
            assert_eq!((&subscription["status"], &subscription["usagePeriodEnd"]), (&json!("active"), &json!("2030-02-01T00:00:00.000Z")), "{name}");
            let before = (t.state().await, t.state_of(name).await);
            let id = subscription["id"].as_str().unwrap();
            let upcoming = get(format!("/v1/subscriptions/{id}/upcoming-invoice")).key(&t.key);
            t.call(upcoming).await.refused(422, "amount_out_of_range");
            assert_eq!(subscription["attention"], "amount_out_of_range", "{name}");
            let change = ["preview-change", "change-plan"].map(|what| (what, json!({ "planId": larger })));
            let refused = if *name == "month" { vec![] } else { change.to_vec() };
            for (what, body) in refused {
                t.of_subscription(&subscription, what, body).await.refused(422, "amount_out_of_range");
            }
            assert_eq!((t.state().await, t.state_of(name).await), before, "{name}");
            assert_eq!(summarize(&t.invoices_of(name).await), [("create", "paid", 2_000)], "{name}");
            // It is still measured, for the following period.
            t.call_for(name, "2", 7).await;
            assert_eq!(t.used(name, metric).await, "7", "{name}");
        }
        // The part that is within the range is billed, the rest is not.
        t.of_subscription(&t.subscription_of("sum").await, "cancel", json!({ "mode": "now" })).await.expect(200);
        assert_eq!(summarize(&t.invoices_of("sum").await), [("create", "paid", 2_000), ("usage", "paid", MAX)]);
        for name in ["dear", "month"] {
            let ended = t.of_subscription(&t.subscription_of(name).await, "cancel", json!({ "mode": "now" })).await.expect(200).json();
            assert_eq!((&ended["status"], &ended["attention"]), (&json!("canceled"), &json!("amount_out_of_range")));
            assert_eq!(summarize(&t.invoices_of(name).await), [("create", "paid", 2_000)]);
            let events = t.call(get(format!("/v1/audit-events?customerId={name}&limit=100")).key(&t.key)).await.expect(200).json();
            let found = events["data"].as_array().unwrap().iter().filter(|event| event["action"] == "subscription.needs_attention").count();
            assert_eq!(found, 1, "{name}");
        }
        t.clock_to("2030-03-01T00:00:00Z").await;
        assert_eq!(summarize(&t.invoices_of("other").await).len(), 3);
    }

    async fn largest_amount_is_billed_and_excess_tax_waits(t) {
        let usage = t.calls().await;
        let plan = t.plan(monthly("usage", json!([priced(&usage, "1000")]))).await;
        for name in ["largest", "taxed"] {
            t.payer(name).await;
            t.buy(name, &plan, 1).await;
            t.call_for(name, "1", MOST).await;
        }
        let set = async |body: Value| t.call(patch("/v1/customers/taxed", &body).key(&t.key)).await.expect(200);
        set(json!({ "taxRate": { "name": "Tax", "basisPoints": 1 } })).await;
        t.clock_to("2030-02-10T00:00:00Z").await;
        assert_eq!(summarize(&t.invoices_of("largest").await), [("renewal", "paid", MAX)]);
        assert_eq!(t.invoices_of("taxed").await.len(), 0);
        t.call_for("taxed", "2", 100).await;
        // Nothing was lost: it is billed as soon as it can be, with the dates of its own period.
        set(json!({ "taxStatus": "exempt" })).await;
        t.clock_to("2030-02-12T00:00:00Z").await;
        let billed = t.invoices_of("taxed").await;
        assert_eq!((summarize(&billed), &billed[0]["periodStart"]), (vec![("renewal", "paid", MAX)], &json!("2030-02-01T00:00:00.000Z")));
        assert!(billed[0]["issuedAt"].as_str() >= Some("2030-02-10"));
        t.clock_to("2030-03-01T00:00:00Z").await;
        assert_eq!(summarize(&t.invoices_of("taxed").await), [("renewal", "paid", MAX), ("renewal", "paid", 100_000)]);
    }

    async fn debit_beyond_the_range_is_insufficient_credits(t) {
        let shop = t.shop_granting(|credits| json!([{ "creditCurrencyId": credits, "amount": 100, "cadence": "period", "rolloverCap": 0 }])).await;
        let feature = json!({ "productId": shop.product, "slug": "dear", "name": "Dear", "type": "credit", "metricId": shop.hit, "creditCurrencyId": shop.credits, "creditCost": "999999999" });
        let feature = t.make("features", feature).await;
        let entitlements = json!({ "entitlements": [{ "featureId": feature, "type": "credit" }, { "featureId": shop.generation, "type": "credit" }] });
        t.call(patch(format!("/v1/plans/{}", shop.plan), &entitlements).key(&t.key)).await.expect(200);
        t.subscriber(&shop, "c").await;
        let before = t.state_of("c").await;
        let refused = t.tracked(json!([event_with("c", "hit", "1", json!({ "quantity": MOST }))])).await;
        assert_eq!(refused, [(0, "rejected_insufficient_credits".to_owned())]);
        assert_eq!(t.state_of("c").await, before);
        // Its key is free, and affordable events succeed.
        assert_eq!(t.tracked(json!([event("c", "generate", "1")])).await, []);
        assert_eq!(t.balance("c").await, 98);
    }
}
