//! The invariant of coupons, over random histories: what is credited of a period is never more than
//! what was charged for it, whatever a customer does with codes, plans and cancellations.

use crate::histories::Random;
use crate::support::{Engine, Test, flat, get, monthly, per_unit, post, with, yearly};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use unitpay::testing::base::Time;

const HISTORIES: usize = 12;
const STEPS: usize = 14;
const SEED: u64 = 0x00c0_ffee;

#[tokio::test]
async fn credits_of_a_period_never_exceed_its_charges() {
    let mut random = Random(SEED);
    let t = Test::start(Engine::Sqlite).await;
    let public = |plan: Value| with(plan, json!({ "isPublic": true }));
    let mut plans = Vec::new();
    for plan in [
        monthly("a", flat(3_000)),
        monthly("same", flat(3_000)),
        monthly("seats", per_unit(2_100)),
        monthly("dear", flat(9_300)),
        yearly("year", flat(30_000)),
        monthly("free", json!([])),
    ] {
        plans.push(t.plan(public(plan)).await);
    }
    let mut codes = Vec::new();
    for (number, coupon) in [
        json!({ "percentOff": 100 }),
        json!({ "percentOff": 33, "duration": "forever" }),
        json!({ "amountOff": 2_000, "currency": "USD", "duration": "repeating", "durationInPeriods": 2 }),
        json!({ "percentOff": 100, "planIds": [plans[0]], "duration": "repeating", "durationInPeriods": 3 }),
        json!({ "amountOff": 50_000, "currency": "USD" }),
        json!({ "percentOff": 50, "planIds": [plans[2], plans[4]], "duration": "forever" }),
    ]
    .into_iter()
    .enumerate()
    {
        let coupon = t.coupon(coupon).await;
        t.code(&coupon, &format!("CODE-{number}"), json!({})).await;
        codes.push(format!("CODE-{number}"));
    }
    for number in 0..HISTORIES {
        let customer = t.payer(&format!("c{number}")).await;
        let token = t.token(&customer).await;
        let mut log = Vec::new();
        for _ in 0..STEPS {
            let mut body =
                json!({ "planId": plans[random.below(6)], "quantity": 1 + random.below(3) });
            if random.below(2) == 0 {
                body["promotionCode"] = json!(codes[random.below(6)]);
            }
            let subscription = t.subscription_of(&customer).await;
            let live = subscription["status"] == "active";
            let path = match (live, random.below(8)) {
                (false, _) => "/v1/subscriptions".to_owned(),
                (true, 0) => {
                    body = json!({ "mode": "now" });
                    format!("/v1/subscriptions/{}/cancel", subscription["id"].as_str().unwrap())
                }
                (true, _) => {
                    format!(
                        "/v1/subscriptions/{}/change-plan",
                        subscription["id"].as_str().unwrap()
                    )
                }
            };
            let answer = t.call(post(&path, &body).bearer(&token)).await;
            assert!([200, 409].contains(&answer.status), "{path} {body}: {answer:?}");
            log.push(format!("{path} {body}: {}", answer.status));
            let now = t.call(get("/v1/test-clock").key(&t.key)).await.json()["now"].clone();
            let now: Time = serde_json::from_value(now).unwrap();
            let days = i64::try_from(random.below(20)).unwrap();
            let later = now.plus_days(days).plus_seconds(3_600);
            t.clock_to(&later.to_string()).await;
        }
        check(&t.invoices_of(&customer).await, &log);
    }
}

/// Sums the lines of all periods that end at one instant: a charge, its credits, and further charges.
fn check(invoices: &[Value], log: &[String]) {
    let mut periods: BTreeMap<String, (i64, i64)> = BTreeMap::new();
    let mut discounts = 0;
    for invoice in invoices {
        assert!(invoice["totalAmount"].as_i64().unwrap() >= 0, "{invoice}\n{log:#?}");
        for item in invoice["items"].as_array().unwrap() {
            let amount = item["amount"].as_i64().unwrap();
            let end = item["periodEnd"].as_str().unwrap().to_owned();
            let (sum, lines) = periods.entry(end).or_default();
            (*sum, *lines) = (*sum + amount, *lines + 1);
            discounts += item["discount"]["amount"].as_i64().unwrap_or(0);
        }
    }
    assert!(discounts >= 0, "more discount was credited than given\n{log:#?}");
    for (end, (sum, lines)) in periods {
        // Half a unit of rounding for each line.
        assert!(2 * sum >= -lines, "{sum} for the period to {end}\n{log:#?}");
    }
}
