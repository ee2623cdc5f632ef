//! Redemptions: by which customers, and how often. Exactly so, with open forms and on several nodes.

use super::{lowered, totals};
use crate::on_both_stores;
use crate::support::{Answer, Engine, Test, flat, monthly, post, with};
use futures_util::future::join_all;
use serde_json::{Value, json};

async fn preview(t: &Test, customer: &str, plan: &str, coupon: Value) -> Answer {
    let body = with(json!({ "customerId": customer, "planId": plan }), coupon);
    t.call(post("/v1/subscriptions/preview", &body).key(&t.key)).await
}

fn code(text: &str) -> Value {
    json!({ "promotionCode": text })
}

on_both_stores! {
    async fn codes_that_open_nothing_have_one_answer(t) {
        let plan = t.plan(monthly("pro", flat(1_000))).await;
        let open = t.coupon(json!({ "percentOff": 10 })).await;
        t.code(&open, "INACTIVE", json!({ "active": false })).await;
        t.code(&open, "EXPIRED", json!({ "expiresAt": "2030-01-02T00:00:00Z" })).await;
        t.code(&open, "ONCE", json!({ "maxRedemptions": 1 })).await;
        let archived = t.coupon(json!({ "percentOff": 10 })).await;
        t.code(&archived, "ARCHIVED", json!({})).await;
        t.amend("coupons", &archived, json!({ "status": "archived" })).await;
        let ended = t.coupon(json!({ "percentOff": 10, "endsAt": "2030-01-02T00:00:00Z" })).await;
        t.code(&ended, "ENDED", json!({})).await;
        let later = t.coupon(json!({ "percentOff": 10, "startsAt": "2030-01-04T00:00:00Z" })).await;
        t.code(&later, "LATER", json!({})).await;
        let few = t.coupon(json!({ "percentOff": 10, "maxRedemptions": 1 })).await;
        t.code(&few, "FEW", json!({})).await;
        for (customer, text) in [("first", "once"), ("second", " Few ")] {
            t.payer(customer).await;
            t.try_with(customer, &plan, code(text)).await.expect(200);
        }
        t.payer("c").await;
        preview(&t, "c", &plan, code("ended")).await.expect(200);
        preview(&t, "c", &plan, code("expired")).await.expect(200);
        t.clock_to("2030-01-02T00:00:00Z").await;
        let before = t.state().await;
        let mut answers = Vec::new();
        for text in ["UNKNOWN", "no code", "INACTIVE", "EXPIRED", "ONCE", "ARCHIVED", "ENDED", "LATER", "FEW"] {
            for answer in [preview(&t, "c", &plan, code(text)).await, t.try_with("c", &plan, code(text)).await] {
                let mut body = answer.refused(422, "promotion_code_invalid").json();
                body.as_object_mut().unwrap().remove("requestId");
                answers.push(body);
            }
        }
        assert!(answers.iter().all(|one| *one == answers[0]), "{answers:?}");
        // A backend that names the coupon is told why.
        for (coupon, why) in [(&archived, "ended"), (&ended, "ended"), (&later, "ended"), (&few, "used_up")] {
            let refused = t.try_with("c", &plan, json!({ "couponId": coupon })).await.refused(409, "coupon_not_applicable");
            assert_eq!(refused.text("reason"), why);
        }
        let nothing = json!({ "couponId": "coup_01kwgt3qt8f689ez1ekre217xw" });
        t.try_with("c", &plan, nothing).await.refused(422, "validation_failed");
        let both = json!({ "couponId": open, "promotionCode": "ONCE" });
        t.try_with("c", &plan, both).await.refused(422, "validation_failed");
        assert_eq!(t.state().await, before);
        t.clock_to("2030-01-04T00:00:00Z").await;
        t.try_with("c", &plan, code("later")).await.expect(200);
    }

    async fn coupon_for_others_is_refused_with_its_reason(t) {
        let (pro, basic) = (t.plan(monthly("pro", flat(1_000))).await, t.plan(monthly("basic", flat(500))).await);
        let euro = t.plan(with(monthly("euro", flat(500)), json!({ "currency": "EUR" }))).await;
        let free = t.plan(monthly("free", json!([]))).await;
        t.payer("c").await;
        let for_pro = t.coupon(json!({ "percentOff": 10, "planIds": [pro] })).await;
        t.code(&for_pro, "PRO", json!({})).await;
        let dollars = t.coupon(json!({ "amountOff": 100, "currency": "USD" })).await;
        t.code(&dollars, "DOLLARS", json!({})).await;
        let new = t.coupon(json!({ "percentOff": 10 })).await;
        t.code(&new, "NEW", json!({ "firstTimeOnly": true })).await;
        let why = async |plan: &str, text: &str| {
            t.try_with("c", plan, code(text)).await.refused(409, "coupon_not_applicable").text("reason")
        };
        assert_eq!([why(&basic, "PRO").await, why(&euro, "DOLLARS").await, why(&free, "NEW").await], ["plan", "currency", "plan"]);
        preview(&t, "c", &basic, code("NEW")).await.expect(200);
        t.try_with("c", &pro, code("PRO")).await.expect(200);
        let subscription = t.subscription_of("c").await;
        t.of_subscription(&subscription, "cancel", json!({ "mode": "now" })).await.expect(200);
        // Twice is once too often, by code or by id, for the backend too.
        assert_eq!([why(&pro, "PRO").await, why(&basic, "NEW").await], ["redeemed", "first_time_only"]);
        let again = t.try_with("c", &pro, json!({ "couponId": for_pro })).await.refused(409, "coupon_not_applicable");
        assert_eq!((again.text("reason"), t.times_redeemed("coupons", &for_pro).await), ("redeemed".into(), 1));
        assert_eq!(totals(&t.invoices_of("c").await), [900]);
    }

    async fn open_form_holds_its_coupon_until_it_ends(t) {
        let (plan, other) = (t.plan(monthly("pro", flat(1_000))).await, t.plan(monthly("other", flat(2_000))).await);
        let coupon = t.coupon(json!({ "percentOff": 50, "maxRedemptions": 1 })).await;
        let id = t.code(&coupon, "HALF", json!({ "maxRedemptions": 1 })).await;
        for customer in ["c", "d"] {
            t.customer(customer).await;
        }
        let asked = t.try_with("c", &plan, code("HALF")).await.expect(200).json();
        assert_eq!((&asked["kind"], lowered(&preview(&t, "c", &plan, code("half")).await.expect(200).json())), (&json!("requires_form"), vec![(500, 500)]));
        assert_eq!((t.times_redeemed("coupons", &coupon).await, t.times_redeemed("promotion-codes", &id).await), (1, 1));
        t.try_with("d", &plan, code("HALF")).await.refused(422, "promotion_code_invalid");
        // The same request has the same form; another plan or no coupon replaces it.
        let same = t.try_with("c", &plan, code("half")).await.expect(200).json();
        assert_eq!(same["client"]["clientSecret"], asked["client"]["clientSecret"]);
        let replaced = t.try_with("c", &other, code("half")).await.expect(200).json();
        assert_ne!(replaced["client"]["clientSecret"], asked["client"]["clientSecret"]);
        assert_eq!(t.times_redeemed("coupons", &coupon).await, 1);
        t.try_with("c", &other, json!({})).await.expect(200);
        assert_eq!((t.times_redeemed("coupons", &coupon).await, t.times_redeemed("promotion-codes", &id).await), (0, 0));
        // The form of the one who comes next expires, and is given up.
        t.try_with("d", &plan, code("HALF")).await.expect(200);
        t.try_with("c", &plan, code("HALF")).await.refused(422, "promotion_code_invalid");
        t.clock_to("2030-01-01T23:30:00Z").await;
        assert_eq!(t.times_redeemed("coupons", &coupon).await, 0);
        let asked = t.try_with("c", &plan, code("HALF")).await.expect(200).json();
        // What the form shows is what is paid, even if the coupon ends meanwhile.
        t.amend("coupons", &coupon, json!({ "status": "archived" })).await;
        t.fill_in(asked["client"]["clientSecret"].as_str().unwrap(), "succeed").await.expect(204);
        let subscription = t.subscription_of("c").await;
        assert_eq!((&subscription["status"], &subscription["discount"]["periodsLeft"]), (&json!("active"), &json!(0)));
        assert_eq!(totals(&t.invoices_of("c").await), [500]);
        t.of_subscription(&subscription, "cancel", json!({ "mode": "now" })).await.expect(200);
        assert_eq!(t.times_redeemed("coupons", &coupon).await, 1);
    }

    async fn changed_coupon_is_checked_when_a_form_is_asked_again(t) {
        let plan = t.plan(monthly("pro", flat(1_000))).await;
        let coupon = t.coupon(json!({ "percentOff": 50 })).await;
        t.code(&coupon, "HALF", json!({ "expiresAt": "2030-01-01T10:00:00Z" })).await;
        t.customer("c").await;
        let asked = t.try_with("c", &plan, code("HALF")).await.expect(200).json();
        t.clock_to("2030-01-01T10:00:00Z").await;
        t.try_with("c", &plan, code("HALF")).await.refused(422, "promotion_code_invalid");
        let whole = t.try_with("c", &plan, json!({})).await.expect(200).json();
        assert_ne!(whole["client"]["clientSecret"], asked["client"]["clientSecret"]);
        t.fill_in(whole["client"]["clientSecret"].as_str().unwrap(), "succeed").await.expect(204);
        assert_eq!((totals(&t.invoices_of("c").await), t.times_redeemed("coupons", &coupon).await), (vec![1_000], 0));
    }

    async fn declined_payments_release_the_coupon(t) {
        let (small, large) = (t.plan(monthly("small", flat(1_000))).await, t.plan(monthly("large", flat(3_000))).await);
        let coupon = t.coupon(json!({ "percentOff": 50, "maxRedemptions": 1 })).await;
        t.code(&coupon, "HALF", json!({})).await;
        let id = t.customer("c").await;
        let declined = t.card(&id, "pm_sandbox_declined").await;
        t.try_with("c", &small, code("HALF")).await.refused(402, "payment_declined");
        assert_eq!(t.times_redeemed("coupons", &coupon).await, 0);
        let prefer = async |card: &str| {
            t.call(post(format!("/v1/payment-methods/{card}/default"), &json!({})).key(&t.key)).await.expect(200);
        };
        let visa = t.card(&id, "pm_sandbox_visa").await;
        prefer(&visa).await;
        let subscription = t.buy("c", &small, 1).await;
        prefer(&declined).await;
        let change = || t.of_subscription(&subscription, "change-plan", json!({ "planId": large, "promotionCode": "HALF" }));
        change().await.refused(402, "payment_declined");
        assert_eq!((t.times_redeemed("coupons", &coupon).await, t.subscription_of("c").await["discount"].clone()), (0, Value::Null));
        // A form that is replaced, and one that nobody completes.
        let careful = t.card(&id, "pm_sandbox_requires_form").await;
        prefer(&careful).await;
        for _ in 0..2 {
            assert_eq!(change().await.expect(200).json()["kind"], "requires_form");
            assert_eq!(t.times_redeemed("coupons", &coupon).await, 1);
        }
        prefer(&visa).await;
        t.clock_to("2030-02-01T00:00:00Z").await;
        assert_eq!(t.times_redeemed("coupons", &coupon).await, 0);
        prefer(&careful).await;
        let asked = change().await.expect(200).json();
        t.fill_in(asked["client"]["clientSecret"].as_str().unwrap(), "succeed").await.expect(204);
        assert_eq!((t.times_redeemed("coupons", &coupon).await, t.subscription_of("c").await["discount"]["periodsLeft"].clone()), (1, json!(0)));
    }

    async fn first_card_starts_what_waited_with_its_coupon(t) {
        let plan = t.plan(with(monthly("pro", flat(1_000)), json!({ "trialDays": 10 }))).await;
        let free = t.coupon(json!({ "percentOff": 100 })).await;
        let id = t.customer("c").await;
        let asked = t.try_with("c", &plan, json!({ "couponId": free })).await.expect(200).json();
        assert_eq!((&asked["kind"], &asked["subscription"]["status"]), (&json!("requires_form"), &json!("pending")));
        assert_eq!(asked["subscription"]["discount"]["couponId"], json!(free));
        t.card(&id, "pm_sandbox_visa").await;
        let started = t.subscription_of("c").await;
        assert_eq!((&started["status"], &started["discount"]["couponId"]), (&json!("trialing"), &json!(free)));
        t.clock_to("2030-01-11T00:00:00Z").await;
        assert_eq!((totals(&t.invoices_of("c").await), t.times_redeemed("coupons", &free).await), (vec![0], 1));
    }

    async fn limit_is_exact_on_two_nodes(t) {
        let plan = t.plan(monthly("pro", flat(1_000))).await;
        let coupon = t.coupon(json!({ "percentOff": 50, "maxRedemptions": 5 })).await;
        let id = t.code(&coupon, "RUSH", json!({ "maxRedemptions": 3 })).await;
        let customers: Vec<String> = (0..12).map(|number| format!("c{number}")).collect();
        for customer in &customers {
            t.payer(customer).await;
        }
        // SQLite has one node.
        let other = if t.engine == Engine::Sqlite { None } else { Some(t.another_node().await) };
        let nodes = [&t, other.as_ref().unwrap_or(&t)];
        let race = async |tries: &[(usize, &String)]| {
            let each = tries.iter().map(|(node, customer)| nodes[node % 2].try_with(customer, &plan, code("RUSH")));
            let answers = join_all(each).await;
            answers.iter().filter(|answer| answer.status == 200).count()
        };
        let tries: Vec<(usize, &String)> = customers.iter().enumerate().collect();
        assert_eq!(race(&tries).await, 3);
        assert_eq!((t.times_redeemed("coupons", &coupon).await, t.times_redeemed("promotion-codes", &id).await), (3, 3));
        // One customer twice at once.
        let one = t.coupon(json!({ "percentOff": 50 })).await;
        t.payer("one").await;
        let other_product = t.make("products", json!({ "slug": "other", "name": "Other" })).await;
        let second = t.plan(with(monthly("second", flat(1_000)), json!({ "productId": other_product }))).await;
        let coupon = || json!({ "couponId": one });
        let (a, b) = tokio::join!(nodes[0].try_with("one", &plan, coupon()), nodes[1].try_with("one", &second, coupon()));
        let mut statuses = [a.status, b.status];
        statuses.sort_unstable();
        assert_eq!((statuses, t.times_redeemed("coupons", &one).await), ([200, 409], 1));
    }
}

#[tokio::test]
async fn codes_of_a_customer_are_limited() {
    let t = Test::start_with(Engine::Sqlite, |config| {
        config.limits.promotion_codes_per_hour = 3;
    })
    .await;
    let plan = t.plan(with(monthly("pro", flat(1_000)), json!({ "isPublic": true }))).await;
    let coupon = t.coupon(json!({ "percentOff": 10 })).await;
    t.code(&coupon, "TEN", json!({})).await;
    t.customer("one").await;
    t.customer("two").await;
    let preview = async |token: &str, body: Value| {
        let body = with(json!({ "planId": plan }), body);
        t.call(post("/v1/subscriptions/preview", &body).bearer(token)).await
    };
    let (one, two) = (t.token("one").await, t.token("two").await);
    preview(&one, code("A-GUESS")).await.refused(422, "promotion_code_invalid");
    assert_eq!(lowered(&preview(&one, code("ten")).await.expect(200).json()), [(900, 100)]);
    preview(&t.token("one").await, code("OTHER")).await.refused(422, "promotion_code_invalid");
    let refused = preview(&one, code("TEN")).await.refused(429, "rate_limited");
    assert_eq!(refused.header("ratelimit-policy"), Some("\"promotion-codes\";q=3;w=3600"));
    // Requests without a code pass, and so do other customers.
    preview(&one, json!({})).await.expect(200);
    preview(&two, code("TEN")).await.expect(200);
}
