//! The prices of periods that a coupon lowers.

use super::{lowered, totals};
use crate::on_both_stores;
use crate::support::{Test, flat, get, monthly, per_unit, post, summarize, with, yearly};
use serde_json::{Value, json};

/// The discount of a customer's subscription: periods left, and whether the current one has it.
async fn left(t: &Test, customer: &str) -> Value {
    let discount = t.subscription_of(customer).await["discount"].clone();
    if discount.is_null() {
        discount
    } else {
        json!([discount["periodsLeft"], discount["inForce"]])
    }
}

on_both_stores! {
    async fn percentage_lowers_as_many_periods_as_it_says(t) {
        let plan = t.plan(monthly("pro", flat(2_999))).await;
        let cases = [
            (json!({ "duration": "once" }), [2_399, 2_999, 2_999, 2_999], json!([0, true])),
            (json!({ "duration": "repeating", "durationInPeriods": 3 }), [2_399, 2_399, 2_399, 2_999], json!([2, true])),
            (json!({ "duration": "forever" }), [2_399, 2_399, 2_399, 2_399], json!([null, true])),
        ];
        for (number, (duration, _, first)) in cases.iter().enumerate() {
            let coupon = t.coupon(with(json!({ "percentOff": 20 }), duration.clone())).await;
            let customer = format!("c{number}");
            t.payer(&customer).await;
            let bought = t.try_with(&customer, &plan, json!({ "couponId": coupon })).await.expect(200).json();
            // 2999 × 20 % = 599.8.
            assert_eq!(lowered(&bought["invoice"]), [(2_399, 600)]);
            assert_eq!(bought["invoice"]["items"][0]["discount"], json!({ "couponId": coupon, "name": "Spring", "amount": 600 }));
            assert_eq!(bought["invoice"]["items"][0]["unitAmount"], "2999");
            assert_eq!(left(&t, &customer).await, *first);
        }
        t.clock_to("2030-04-01T00:00:00Z").await;
        for (number, (_, expected, _)) in cases.iter().enumerate() {
            let customer = format!("c{number}");
            assert_eq!(totals(&t.invoices_of(&customer).await), *expected);
        }
        assert_eq!((left(&t, "c0").await, left(&t, "c1").await, left(&t, "c2").await), (Value::Null, Value::Null, json!([null, true])));
    }

    async fn amount_is_split_over_the_charges_of_a_period(t) {
        let charges = json!([
            { "type": "recurring", "amount": 1_000 }, { "type": "recurring", "amount": 500, "perUnit": true },
            { "type": "one_off", "amount": 700 },
        ]);
        let plan = t.plan(monthly("pro", charges)).await;
        let coupon = t.coupon(json!({ "amountOff": 1_000, "currency": "USD", "duration": "forever" })).await;
        t.payer("c").await;
        let body = json!({ "couponId": coupon, "quantity": 3 });
        let preview = with(json!({ "customerId": "c", "planId": plan }), body.clone());
        let preview = t.call(post("/v1/subscriptions/preview", &preview).key(&t.key)).await.expect(200).json();
        let bought = t.try_with("c", &plan, body).await.expect(200).json();
        // 1000 off 1000 + 1500, by largest remainder; the setup fee is charged whole.
        assert_eq!(lowered(&bought["invoice"]), [(600, 400), (900, 600), (700, 0)]);
        assert_eq!(preview["items"], bought["invoice"]["items"]);
        assert_eq!(lowered(&preview["nextInvoice"])[..2], [(600, 400), (900, 600)]);
        // An amount counts once for each period, whatever its length, and never below nothing.
        let year = t.plan(with(yearly("year", flat(800)), json!({ "productId": t.make("products", json!({ "slug": "other", "name": "Other" })).await }))).await;
        let other = t.coupon(json!({ "amountOff": 1_000, "currency": "USD", "duration": "forever" })).await;
        let bought = t.try_with("c", &year, json!({ "couponId": other })).await.expect(200).json();
        assert_eq!((&bought["kind"], lowered(&bought["invoice"])), (&json!("charged_inline"), vec![(0, 800)]));
        assert_eq!((&bought["invoice"]["totalAmount"], &bought["invoice"]["status"]), (&json!(0), &json!("paid")));
        t.clock_to("2031-01-01T00:00:00Z").await;
        let renewed: Vec<Value> = t.invoices_of("c").await.into_iter().filter(|one| one["reason"] == "renewal").collect();
        assert_eq!(lowered(&renewed[0]), [(600, 400), (900, 600)]);
        assert!(renewed.iter().any(|one| lowered(one) == [(0, 800)]));
        // A document shows what was taken off.
        let id = renewed[0]["id"].as_str().unwrap();
        t.call(get(format!("/v1/invoices/{id}/pdf")).key(&t.key)).await.expect(200);
    }

    async fn usage_is_billed_whole(t) {
        let charges = json!([{ "type": "recurring", "amount": 1_000 }, t.calls().await]);
        let plan = t.plan(monthly("pro", charges)).await;
        let coupon = t.coupon(json!({ "percentOff": 100, "duration": "forever" })).await;
        t.payer("c").await;
        let bought = t.try_with("c", &plan, json!({ "couponId": coupon })).await.expect(200).json();
        assert_eq!(lowered(&bought["invoice"]), [(0, 1_000)]);
        t.call_for("c", "k", 100).await;
        t.clock_to("2030-02-01T00:00:00Z").await;
        assert_eq!(lowered(t.invoices_of("c").await.last().unwrap()), [(500, 0), (0, 1_000)]);
        // A price of usage only is not lowered at all.
        let only = t.plan(monthly("only", json!([t.calls().await]))).await;
        t.payer("d").await;
        let second = t.coupon(json!({ "percentOff": 100 })).await;
        let refused = t.try_with("d", &only, json!({ "couponId": second })).await.refused(409, "coupon_not_applicable");
        assert_eq!(refused.text("reason"), "plan");
    }

    async fn tax_is_on_the_net_amount(t) {
        let plan = t.plan(monthly("pro", flat(1_000))).await;
        let coupon = t.coupon(json!({ "percentOff": 25 })).await;
        let id = t.payer("c").await;
        t.amend("customers", &id, json!({ "taxRate": { "name": "VAT", "basisPoints": 2_000 } })).await;
        let bought = t.try_with("c", &plan, json!({ "couponId": coupon })).await.expect(200).json();
        let invoice = &bought["invoice"];
        assert_eq!((&invoice["subtotal"], &invoice["taxAmount"], &invoice["totalAmount"]), (&json!(750), &json!(150), &json!(900)));
        // At most the net amount can be credited.
        let path = format!("/v1/invoices/{}/credit-notes", invoice["id"].as_str().unwrap());
        let note = |amount: i64| post(&path, &json!({ "lines": [{ "item": 0, "amount": amount }], "reason": "other" })).key(&t.key);
        t.call(note(751)).await.refused(422, "amount_out_of_range");
        let issued = t.call(note(750)).await.expect(201).json();
        assert_eq!(issued["totalAmount"], 900);
    }

    async fn trial_takes_none_of_the_periods(t) {
        let plan = t.plan(with(monthly("pro", flat(1_000)), json!({ "trialDays": 10 }))).await;
        let coupon = t.coupon(json!({ "percentOff": 50 })).await;
        t.code(&coupon, "HALF", json!({})).await;
        t.payer("c").await;
        let bought = t.try_with("c", &plan, json!({ "promotionCode": "half" })).await.expect(200).json();
        assert_eq!((&bought["kind"], left(&t, "c").await), (&json!("created_no_charge"), json!([1, false])));
        let path = format!("/v1/subscriptions/{}/upcoming-invoice", bought["subscription"]["id"].as_str().unwrap());
        let upcoming = t.call(get(path).key(&t.key)).await.expect(200).json();
        assert_eq!(lowered(&upcoming["invoice"]), [(500, 500)]);
        t.clock_to("2030-02-11T00:00:00Z").await;
        assert_eq!(totals(&t.invoices_of("c").await), [500, 1_000]);
    }

    async fn prepaid_period_takes_none_of_the_periods(t) {
        let plan = t.plan(monthly("pro", flat(1_000))).await;
        let coupon = t.coupon(json!({ "percentOff": 50 })).await;
        t.payer("c").await;
        let body = json!({ "couponId": coupon, "prepaidUntil": "2030-01-15T00:00:00Z" });
        t.try_with("c", &plan, body).await.expect(200);
        assert_eq!(left(&t, "c").await, json!([1, false]));
        t.clock_to("2030-02-15T00:00:00Z").await;
        assert_eq!(totals(&t.invoices_of("c").await), [500, 1_000]);
    }

    async fn free_price_below_the_minimum_waits_and_pays_nothing(t) {
        let plan = t.plan(monthly("pro", flat(1_000))).await;
        let coupon = t.coupon(json!({ "amountOff": 980, "currency": "USD" })).await;
        t.payer("c").await;
        let bought = t.try_with("c", &plan, json!({ "couponId": coupon })).await.expect(200).json();
        assert_eq!(bought["kind"], "invoice_added");
        t.clock_to("2030-02-01T00:00:00Z").await;
        let invoices = t.invoices_of("c").await;
        assert_eq!(summarize(&invoices), [("renewal", "paid", 1_020)]);
        assert_eq!(lowered(&invoices[0]), [(1_000, 0), (20, 980)]);
    }

    async fn scheduled_plan_takes_the_discount_if_covered(t) {
        let (large, small) = (t.plan(monthly("large", per_unit(2_000))).await, t.plan(monthly("small", per_unit(1_000))).await);
        let coupon = t.coupon(json!({ "percentOff": 10, "duration": "repeating", "durationInPeriods": 2, "planIds": [large] })).await;
        t.payer("c").await;
        t.try_with("c", &large, json!({ "couponId": coupon })).await.expect(200);
        let subscription = t.subscription_of("c").await;
        t.of_subscription(&subscription, "change-plan", json!({ "planId": small })).await.expect(200);
        t.clock_to("2030-02-01T00:00:00Z").await;
        // Not one of its periods: it is kept for the plan that it is for.
        assert_eq!(left(&t, "c").await, json!([1, false]));
        let changed = t.of_subscription(&subscription, "change-plan", json!({ "planId": large })).await.expect(200).json();
        assert_eq!(lowered(&changed["invoice"]), [(-1_000, 0), (2_000, 0)]);
        t.clock_to("2030-04-01T00:00:00Z").await;
        assert_eq!(totals(&t.invoices_of("c").await), [1_800, 1_000, 1_000, 1_800, 2_000]);
    }
}
