//! The terms of coupons and promotion codes.

use super::terms;
use crate::on_both_stores;
use crate::support::{delete, flat, get, monthly, patch, post};
use serde_json::{Value, json};

on_both_stores! {
    async fn coupon_and_code_are_created_read_and_changed(t) {
        let plan = t.plan(monthly("pro", flat(1_000))).await;
        let body = terms(json!({
            "amountOff": 500, "currency": "USD", "duration": "repeating", "durationInPeriods": 3,
            "planIds": [plan], "startsAt": "2030-01-01T00:00:00.000Z", "endsAt": "2030-02-01T00:00:00.000Z",
            "maxRedemptions": 9, "metadata": { "a": "b" },
        }));
        let made = t.call(post("/v1/coupons", &body).key(&t.key)).await.expect(201).json();
        assert_eq!(made["amountOff"], 500);
        assert_eq!((&made["percentOff"], &made["planIds"], &made["timesRedeemed"], &made["status"]), (&Value::Null, &json!([plan]), &json!(0), &json!("active")));
        let id = made["id"].as_str().unwrap();
        assert!(id.starts_with("coup_"));
        let path = format!("/v1/coupons/{id}");
        assert_eq!(t.call(get(&path).key(&t.key)).await.expect(200).json(), made);
        let change = json!({ "name": "Summer", "status": "archived", "endsAt": null, "maxRedemptions": 10 });
        let changed = t.call(patch(&path, &change).key(&t.key)).await.expect(200).json();
        assert_eq!((&changed["name"], &changed["status"], &changed["endsAt"], &changed["maxRedemptions"]), (&json!("Summer"), &json!("archived"), &Value::Null, &json!(10)));
        // Terms never change.
        t.call(patch(&path, &json!({ "amountOff": 1 })).key(&t.key)).await.refused(422, "validation_failed");
        let code = json!({ "code": "spring-30", "couponId": id, "expiresAt": "2030-03-01T00:00:00.000Z", "firstTimeOnly": true });
        let code = t.call(post("/v1/promotion-codes", &code).key(&t.key)).await.expect(201).json();
        assert_eq!((&code["code"], &code["active"], &code["firstTimeOnly"], &code["timesRedeemed"]), (&json!("SPRING-30"), &json!(true), &json!(true), &json!(0)));
        let path = format!("/v1/promotion-codes/{}", code["id"].as_str().unwrap());
        let change = json!({ "active": false, "expiresAt": null });
        let changed = t.call(patch(&path, &change).key(&t.key)).await.expect(200).json();
        assert_eq!((&changed["active"], &changed["expiresAt"]), (&json!(false), &Value::Null));
        assert_eq!(t.call(get(&path).key(&t.key)).await.expect(200).json(), changed);
        // A code is unique in any case, for archived coupons too.
        let again = json!({ "code": "Spring-30", "couponId": id });
        t.call(post("/v1/promotion-codes", &again).key(&t.key)).await.refused(409, "conflict");
        let listed = async |query: &str| {
            let list = t.call(get(format!("/v1/promotion-codes{query}")).key(&t.key)).await.expect(200).json();
            list["data"].as_array().unwrap().len()
        };
        let other = t.coupon(json!({ "percentOff": 10 })).await;
        assert_eq!((listed("").await, listed(&format!("?couponId={id}")).await, listed(&format!("?couponId={other}")).await), (1, 1, 0));
    }

    async fn contradicting_terms_are_refused(t) {
        let euro = t.plan(crate::support::with(monthly("euro", flat(1_000)), json!({ "currency": "EUR" }))).await;
        let cases = [
            json!({}),
            json!({ "percentOff": 10, "amountOff": 5, "currency": "USD" }),
            json!({ "percentOff": 10, "currency": "USD" }),
            json!({ "amountOff": 5 }),
            json!({ "percentOff": 0 }),
            json!({ "percentOff": 101 }),
            json!({ "percentOff": 12.5 }),
            json!({ "amountOff": 0, "currency": "USD" }),
            json!({ "percentOff": 10, "duration": "repeating" }),
            json!({ "percentOff": 10, "durationInPeriods": 2 }),
            json!({ "percentOff": 10, "duration": "sometimes" }),
            json!({ "percentOff": 10, "startsAt": "2030-01-02T00:00:00Z", "endsAt": "2030-01-02T00:00:00Z" }),
            json!({ "percentOff": 10, "maxRedemptions": 0 }),
            json!({ "percentOff": 10, "planIds": ["pln_nothing"] }),
            json!({ "percentOff": 10, "planIds": ["pln_01kwgt3qt8f689ez1ekre217xw"] }),
            json!({ "amountOff": 10, "currency": "USD", "planIds": [euro] }),
        ];
        let before = t.state().await;
        for case in cases {
            let body = terms(case);
            let answer = t.call(post("/v1/coupons", &body).key(&t.key)).await;
            assert_eq!((answer.status, answer.text("code")), (422, "validation_failed".into()), "{body}");
        }
        for code in ["ab", "with space", "ünicode", "x".repeat(41).as_str()] {
            let body = json!({ "code": code, "couponId": "coup_01kwgt3qt8f689ez1ekre217xw" });
            t.call(post("/v1/promotion-codes", &body).key(&t.key)).await.refused(422, "validation_failed");
        }
        let body = json!({ "code": "FINE", "couponId": "coup_01kwgt3qt8f689ez1ekre217xw" });
        t.call(post("/v1/promotion-codes", &body).key(&t.key)).await.refused(422, "validation_failed");
        assert_eq!(t.state().await, before);
    }

    async fn customers_neither_read_coupons_nor_set_discounts(t) {
        let plan = t.plan(monthly("pro", flat(1_000))).await;
        let coupon = t.coupon(json!({ "percentOff": 10 })).await;
        let code = t.code(&coupon, "TEN", json!({})).await;
        t.payer("c").await;
        let subscription = t.buy("c", &plan, 1).await;
        let token = t.token("c").await;
        for path in ["coupons".to_owned(), format!("coupons/{coupon}"), "promotion-codes".to_owned(), format!("promotion-codes/{code}")] {
            t.call(get(format!("/v1/{path}")).bearer(&token)).await.refused(401, "invalid_api_key");
        }
        let path = format!("/v1/subscriptions/{}/discount", subscription["id"].as_str().unwrap());
        t.call(delete(&path).bearer(&token)).await.refused(401, "invalid_api_key");
        // A coupon itself is the backend's choice.
        let body = json!({ "planId": plan, "couponId": coupon });
        t.call(post("/v1/subscriptions/preview", &body).bearer(&token)).await.refused(422, "validation_failed");
        // Another organization's coupon is none.
        let other = t.organization("other").await;
        let key = t.key_of(other, unitpay::testing::keys::KeyScopes::ALL).await;
        t.call(get(format!("/v1/coupons/{coupon}")).key(&key)).await.refused(404, "not_found");
        let body = json!({ "code": "MINE", "couponId": coupon });
        t.call(post("/v1/promotion-codes", &body).key(&key)).await.refused(422, "validation_failed");
        t.call(delete(&path).key(&key)).await.refused(404, "not_found");
    }
}
