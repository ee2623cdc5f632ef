//! Changes within a period that a coupon lowers: what was not paid is not credited.

use super::{lowered, totals};
use crate::on_both_stores;
use crate::support::{Request, Test, flat, get, monthly, post, yearly};
use serde_json::{Value, json};

async fn change(t: &Test, body: Value) -> Value {
    let subscription = t.subscription_of("c").await;
    let mut preview = body.clone();
    preview.as_object_mut().unwrap().remove("prorationDate");
    let preview =
        t.of_subscription(&subscription, "preview-change", preview).await.expect(200).json();
    let done = t.of_subscription(&subscription, "change-plan", body).await.expect(200).json();
    if let Some(items) = done["invoice"]["items"].as_array() {
        assert_eq!(preview["items"].as_array().unwrap(), items, "the preview is what is charged");
    }
    done
}

on_both_stores! {
    async fn upgrade_credits_what_was_paid(t) {
        let (small, large) = (t.plan(monthly("small", flat(3_000))).await, t.plan(monthly("large", flat(6_200))).await);
        let coupon = t.coupon(json!({ "percentOff": 50, "duration": "repeating", "durationInPeriods": 2 })).await;
        t.payer("c").await;
        t.try_with("c", &small, json!({ "couponId": coupon })).await.expect(200);
        t.clock_to("2030-01-11T00:00:00Z").await;
        let done = change(&t, json!({ "planId": large })).await;
        // 21 of 31 days: 1500 of 3000 were paid, 3100 of 6200 are to pay.
        assert_eq!(lowered(&done["invoice"]), [(-1_016, -1_016), (2_100, 2_100)]);
        t.clock_to("2030-03-01T00:00:00Z").await;
        assert_eq!(totals(&t.invoices_of("c").await), [1_500, 1_084, 3_100, 6_200]);
    }

    async fn plan_without_the_discount_is_charged_whole(t) {
        let (free, same, less) = (
            t.plan(monthly("free", flat(3_100))).await,
            t.plan(monthly("same", flat(3_100))).await,
            t.plan(monthly("less", flat(2_000))).await,
        );
        let coupon = t.coupon(json!({ "percentOff": 100, "planIds": [free] })).await;
        t.payer("c").await;
        t.try_with("c", &free, json!({ "couponId": coupon })).await.expect(200);
        t.clock_to("2030-01-11T00:00:00Z").await;
        // A lower price waits for the period's end, as always.
        assert_eq!(change(&t, json!({ "planId": less })).await["kind"], "deferred");
        let done = change(&t, json!({ "planId": same })).await;
        assert_eq!((&done["kind"], lowered(&done["invoice"])), (&json!("charged_inline"), vec![(0, -2_100), (2_100, 0)]));
        // Back again, the coupon is used up: both cost the same.
        assert_eq!(change(&t, json!({ "planId": free })).await["kind"], "created_no_charge");
        t.clock_to("2030-02-01T00:00:00Z").await;
        assert_eq!(totals(&t.invoices_of("c").await), [0, 2_100, 3_100]);
    }

    async fn yearly_plan_credits_the_month_that_was_paid(t) {
        let (month, year) = (t.plan(monthly("month", flat(3_100))).await, t.plan(yearly("year", flat(31_000))).await);
        let coupon = t.coupon(json!({ "amountOff": 1_000, "currency": "USD", "duration": "forever" })).await;
        t.payer("c").await;
        t.try_with("c", &month, json!({ "couponId": coupon })).await.expect(200);
        t.clock_to("2030-01-11T00:00:00Z").await;
        let done = change(&t, json!({ "planId": year })).await;
        // 2100 × 21 / 31 = 1422.6 were paid for the rest.
        assert_eq!(lowered(&done["invoice"]), [(-1_423, -677), (30_000, 1_000)]);
    }

    async fn code_given_with_an_upgrade_counts_at_once(t) {
        let (small, large) = (t.plan(monthly("small", flat(1_000))).await, t.plan(monthly("large", flat(3_100))).await);
        let coupon = t.coupon(json!({ "percentOff": 20 })).await;
        t.code(&coupon, "MORE", json!({})).await;
        t.payer("c").await;
        t.buy("c", &small, 1).await;
        t.clock_to("2030-01-11T00:00:00Z").await;
        let done = change(&t, json!({ "planId": large, "promotionCode": "more" })).await;
        assert_eq!(lowered(&done["invoice"]), [(-677, 0), (1_680, 420)]);
        assert_eq!(done["subscription"]["discount"]["periodsLeft"], 0);
        t.clock_to("2030-02-01T00:00:00Z").await;
        assert_eq!(*totals(&t.invoices_of("c").await).last().unwrap(), 3_100);
    }

    async fn code_that_would_pay_money_out_waits(t) {
        let (small, large) = (t.plan(monthly("small", flat(3_000))).await, t.plan(monthly("large", flat(3_100))).await);
        let coupon = t.coupon(json!({ "percentOff": 100 })).await;
        t.payer("c").await;
        t.buy("c", &small, 1).await;
        t.clock_to("2030-01-02T00:00:00Z").await;
        // Almost 3000 would be credited against nothing.
        let done = change(&t, json!({ "planId": large, "couponId": coupon })).await;
        assert_eq!((&done["kind"], &done["subscription"]["discount"]["inForce"]), (&json!("deferred"), &json!(false)));
        assert_eq!(t.times_redeemed("coupons", &coupon).await, 1);
        t.clock_to("2030-03-01T00:00:00Z").await;
        assert_eq!(totals(&t.invoices_of("c").await), [3_000, 0, 3_100]);
    }

    async fn discount_is_set_replaced_and_removed(t) {
        let (small, large) = (t.plan(monthly("small", flat(1_000))).await, t.plan(monthly("large", flat(3_100))).await);
        let [first, second] = [10, 50].map(|percent| json!({ "percentOff": percent, "duration": "forever" }));
        let (first, second) = (t.coupon(first).await, t.coupon(second).await);
        t.payer("c").await;
        let subscription = t.buy("c", &small, 1).await;
        t.put_discount(&subscription, json!({})).await.refused(422, "validation_failed");
        t.put_discount(&subscription, json!({ "couponId": first, "promotionCode": "X" })).await.refused(422, "validation_failed");
        t.put_discount(&subscription, json!({ "promotionCode": "NOTHING" })).await.refused(422, "promotion_code_invalid");
        let set = t.put_discount(&subscription, json!({ "couponId": first })).await.expect(200).json();
        assert_eq!((&set["discount"]["couponId"], &set["discount"]["inForce"]), (&json!(first), &json!(false)));
        t.put_discount(&subscription, json!({ "couponId": second })).await.expect(200);
        // The current period was charged whole, and is credited so.
        t.clock_to("2030-01-11T00:00:00Z").await;
        let done = change(&t, json!({ "planId": large })).await;
        assert_eq!(lowered(&done["invoice"]), [(-677, 0), (2_100, 0)]);
        t.clock_to("2030-02-01T00:00:00Z").await;
        assert_eq!(*totals(&t.invoices_of("c").await).last().unwrap(), 1_550);
        let remove = || {
            let path = format!("/v1/subscriptions/{}/discount", subscription["id"].as_str().unwrap());
            Request::new("DELETE", path).key(&t.key)
        };
        for _ in 0..2 {
            assert_eq!(t.call(remove()).await.expect(200).json()["discount"], Value::Null);
        }
        // The period keeps its price: half of it is what a change credits.
        let year = t.plan(yearly("year", flat(31_000))).await;
        t.clock_to("2030-02-15T00:00:00Z").await;
        let done = change(&t, json!({ "planId": year })).await;
        assert_eq!(lowered(&done["invoice"]), [(-775, -775), (31_000, 0)]);
        // A coupon is redeemed once, whatever became of it.
        let refused = t.put_discount(&subscription, json!({ "couponId": second })).await.refused(409, "coupon_not_applicable");
        assert_eq!(refused.text("reason"), "redeemed");
        t.of_subscription(&subscription, "cancel", json!({ "mode": "now" })).await.expect(200);
        let third = t.coupon(json!({ "percentOff": 5 })).await;
        t.put_discount(&subscription, json!({ "couponId": third })).await.refused(409, "subscription_not_active");
    }

    async fn open_form_is_closed_by_a_new_discount(t) {
        let (small, large) = (t.plan(monthly("small", flat(1_000))).await, t.plan(monthly("large", flat(3_100))).await);
        let coupon = t.coupon(json!({ "percentOff": 50, "duration": "forever" })).await;
        let id = t.payer("c").await;
        let subscription = t.buy("c", &small, 1).await;
        let card = t.card(&id, "pm_sandbox_requires_form").await;
        t.call(post(format!("/v1/payment-methods/{card}/default"), &json!({})).key(&t.key)).await.expect(200);
        let asked = t.of_subscription(&subscription, "change-plan", json!({ "planId": large })).await.expect(200).json();
        t.put_discount(&subscription, json!({ "couponId": coupon })).await.expect(200);
        // Its payment is refunded: the price that it showed is outdated.
        t.fill_in(asked["client"]["clientSecret"].as_str().unwrap(), "succeed").await;
        t.sweep().await;
        assert_eq!(t.subscription_of("c").await["planId"], json!(small));
        let path = format!("/v1/subscriptions/{}", subscription["id"].as_str().unwrap());
        assert_eq!(t.call(get(path).key(&t.key)).await.expect(200).json()["discount"]["couponId"], json!(coupon));
    }
}
