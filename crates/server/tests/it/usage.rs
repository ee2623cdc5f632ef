//! Usage: events counted once, and their aggregates.

use crate::on_both_stores;
use crate::support::{Request, Test, event, event_with, flat, get, lines, monthly, with};
use futures_util::future::join_all;
use serde_json::{Value, json};
use unitpay::testing::credits::GrantSource;

on_both_stores! {
    async fn event_counts_once_per_customer_and_key(t) {
        let shop = t.shop().await;
        let ours = t.subscriber(&shop, "one").await;
        t.subscriber(&shop, "two").await;
        let first = event_with("one", "call", "k", json!({ "quantity": 2, "properties": { "b": 1, "a": [true] } }));
        assert_eq!(t.tracked(json!([first])).await, []);
        // The same event, also with our id, with properties in another order and another number
        // format.
        let same = json!({ "customerId": ours, "eventName": "call", "idempotencyKey": "k", "quantity": "2.0", "properties": { "a": [true], "b": 1 } });
        assert_eq!(t.tracked(json!([first, same, first])).await, []);
        assert_eq!(t.used("one", &shop.call).await, "2");
        // Any other event with this key is rejected, even if everything else about it is valid.
        for other in [
            event("one", "call", "k"), event("one", "hit", "k"), event("one", "nonsense", "k"),
            event_with("one", "call", "k", json!({ "quantity": 2 })),
            event_with("one", "call", "k", json!({ "quantity": 2, "properties": { "b": 1, "a": [true] }, "timestamp": "2030-01-01T00:00:00Z" })),
        ] {
            assert_eq!(t.tracked(json!([other])).await, rejected(0, "duplicate"), "{other}");
        }
        assert_eq!(t.used("one", &shop.call).await, "2");
        // A key belongs to its customer.
        assert_eq!(t.tracked(json!([event("two", "call", "k")])).await, []);
        assert_eq!((t.used("two", &shop.call).await, t.used("one", &shop.call).await), ("1".into(), "2".into()));
        // Permanently, even when it would be too late by now.
        t.advance(400 * 86_400);
        assert_eq!(t.tracked(json!([first, event("one", "call", "k")])).await, rejected(1, "duplicate"));
    }

    async fn repeated_keys_in_one_request_are_sequential(t) {
        let shop = t.shop().await;
        t.subscriber(&shop, "one").await;
        let events = json!([
            event("one", "nonsense", "a"), event("one", "call", "a"), event("one", "call", "a"), event("one", "hit", "a"),
            event("one", "call", "b"),
        ]);
        let answer = [(0, "rejected_no_metric".to_owned()), (3, "rejected_duplicate".to_owned())];
        assert_eq!(t.tracked(events).await, answer);
        assert_eq!(t.used("one", &shop.call).await, "2");
    }

    async fn usage_paid_with_credits_is_not_billed(t) {
        let shop = t.shop().await;
        let paid = |id: &str| json!({ "featureId": id, "type": "credit" });
        let mut entitlements = vec![paid(&shop.generation)];
        for (slug, metric) in [("peaks", &shop.peak), ("logins", &shop.login)] {
            let feature = json!({
                "productId": shop.product, "slug": slug, "name": slug, "type": "credit", "metricId": metric,
                "creditCurrencyId": shop.credits, "creditCost": "1",
            });
            entitlements.push(paid(&t.make("features", feature).await));
        }
        let small = json!({ "productId": shop.product, "entitlements": entitlements });
        let small = t.plan(with(monthly("small", flat(500)), small)).await;
        let usage = [&shop.generate, &shop.peak, &shop.login].map(|metric| {
            json!({ "type": "usage", "metricId": metric, "includedUnits": "0", "tiers": [{ "upTo": null, "unitPrice": "10" }] })
        });
        let large = json!([{ "type": "recurring", "amount": 1_000 }, usage[0], usage[1], usage[2]]);
        let large = t.plan(with(monthly("large", large), json!({ "productId": shop.product }))).await;
        t.payer("one").await;
        t.grant(shop.wallet("one"), GrantSource::Promotional, 1_000, None).await;
        let subscription = t.buy("one", &small, 1).await;
        let user = |name: &str| json!({ "properties": { "user": name } });
        let event_of = |name: &str, key: &str, more: Value| event_with("one", name, key, more);
        let events = json!([
            event_of("generate", "a", json!({ "quantity": 60 })), event_of("peak", "b", json!({ "quantity": 7 })),
            event_of("login", "c", user("ada")), event_of("login", "d", user("bob")),
        ]);
        assert_eq!(t.tracked(events).await, []);
        assert_eq!(t.balance("one").await, 1_000 - 90 - 7 - 2);
        t.of_subscription(&subscription, "change-plan", json!({ "planId": large })).await.expect(200);
        let events = json!([
            event_of("generate", "e", json!({ "quantity": 5 })), event_of("peak", "f", json!({ "quantity": 3 })),
            event_of("login", "g", user("bob")), event_of("login", "h", user("cy")), event_of("login", "i", user("cy")),
        ]);
        assert_eq!(t.tracked(events).await, []);
        assert_eq!(t.balance("one").await, 1_000 - 90 - 7 - 2);
        // Usage includes all events, however they were paid.
        let mut used = Vec::new();
        for metric in [&shop.generate, &shop.peak, &shop.login] {
            used.push(t.used("one", metric).await);
        }
        assert_eq!(used, ["65", "7", "3"]);
        let usage = [("usage".to_owned(), 50), ("usage".to_owned(), 30), ("usage".to_owned(), 20)];
        let upcoming = format!("/v1/subscriptions/{}/upcoming-invoice", subscription["id"].as_str().unwrap());
        let upcoming = t.call(get(upcoming).key(&t.key)).await.expect(200).json()["invoice"].clone();
        assert_eq!(lines(&upcoming)[..3], usage);
        t.clock_to("2030-02-01T00:00:00Z").await;
        assert_eq!(lines(t.invoices_of("one").await.last().unwrap())[..3], usage);
        assert_eq!(t.used("one", &shop.generate).await, "0");
    }

    async fn concurrent_twin_events_count_once(t) {
        let shop = t.shop().await;
        t.subscriber(&shop, "one").await;
        t.subscriber(&shop, "two").await;
        let events: Vec<Value> = (0..20).map(|n| event(["one", "two"][n % 2], "call", &format!("k{}", n / 2))).collect();
        let mut reversed = events.clone();
        reversed.reverse();
        let answers = join_all((0..8).map(|n| t.tracked(json!(if n % 2 == 0 { &events } else { &reversed })))).await;
        assert!(answers.iter().all(Vec::is_empty), "{answers:?}");
        assert_eq!((t.used("one", &shop.call).await, t.used("two", &shop.call).await), ("10".into(), "10".into()));
    }

    async fn rejected_event_has_a_reason_and_frees_its_key(t) {
        let shop = t.shop().await;
        t.subscriber(&shop, "one").await;
        t.customer("none").await;
        t.customer("gone").await;
        t.set_archived("gone", "archive").await.expect(200);
        let before = counted(&t).await;
        let late = "2029-12-24T23:59:59Z";
        for (wrong, reason) in [
            (event("one", "nonsense", "k"), "no_metric"),
            (event("nobody", "call", "k"), "unknown_customer"),
            (event("cus_01kwgt3qt8f689ez1ekre217xw", "call", "k"), "unknown_customer"),
            (event("gone", "call", "k"), "unknown_customer"),
            (event("none", "call", "k"), "no_subscription"),
            (event_with("one", "call", "k", json!({ "timestamp": late })), "too_late"),
            (event_with("one", "call", "k", json!({ "timestamp": "2030-01-01T00:05:01Z" })), "invalid"),
            (event("one", "send", "k"), "invalid"),
            (event_with("one", "send", "k", json!({ "properties": { "bytes": -1 } })), "invalid"),
            (event_with("one", "send", "k", json!({ "properties": { "bytes": 1_000_000_001 } })), "invalid"),
            (event_with("one", "send", "k", json!({ "properties": { "bytes": true } })), "invalid"),
            (event("one", "login", "k"), "invalid"),
            (event_with("one", "login", "k", json!({ "properties": { "user": "" } })), "invalid"),
            (event_with("one", "login", "k", json!({ "properties": { "user": null } })), "invalid"),
            (event_with("one", "login", "k", json!({ "properties": { "user": "é".repeat(101) } })), "invalid"),
            (event("one", "generate", "k"), "insufficient_credits"),
        ] {
            assert_eq!(t.tracked(json!([wrong])).await, rejected(0, reason), "{wrong}");
            assert_eq!(counted(&t).await, before, "{wrong}");
        }
        let another = t.organization("another").await;
        let key = t.key_of(another, unitpay::testing::keys::KeyScopes::ALL).await;
        let foreign = Request::new("POST", "/v1/usage/track").key(&key).json(&event("one", "call", "k"));
        assert_eq!(t.call(foreign).await.expect(200).json()["rejections"][0]["reason"], "rejected_unknown_customer");
        assert_eq!(t.tracked(json!([event("one", "call", "k")])).await, []);
    }

    async fn wrong_shape_rejects_the_event_and_names_the_field(t) {
        let shop = t.shop().await;
        t.subscriber(&shop, "one").await;
        let good = event("one", "call", "good");
        assert_eq!(t.tracked(json!([good])).await, []);
        let before = counted(&t).await;
        for (more, param) in [
            (json!({ "quantity": -1 }), "quantity"), (json!({ "quantity": 1_000_000_000.5 }), "quantity"),
            (json!({ "quantity": null }), "quantity"), (json!({ "quantity": "1e10" }), "quantity"), (json!({ "quantity": [1] }), "quantity"),
            (json!({ "customerId": 7 }), "customerId"), (json!({ "customerId": "" }), "customerId"), (json!({ "eventName": "a\nb" }), "eventName"),
            (json!({ "idempotencyKey": "k".repeat(129) }), "idempotencyKey"), (json!({ "idempotencyKey": null }), "idempotencyKey"),
            (json!({ "properties": [] }), "properties"), (json!({ "properties": { "a": "a".repeat(4096) } }), "properties"),
            (json!({ "properties": { "a": "\u{0}" } }), "properties"), (json!({ "timestamp": "yesterday" }), "timestamp"),
            (json!({ "timestamp": 5 }), "timestamp"), (json!({ "surprise": 1 }), "surprise"),
        ] {
            let wrong = event_with("one", "call", "w", more);
            let batch = t.track(json!({ "events": [wrong, good, wrong] })).await.expect(200).json();
            assert_eq!((&batch["accepted"], &batch["rejected"]), (&json!(1), &json!(2)), "{wrong}");
            for (at, index) in [(0, 0), (1, 2)] {
                let rejection = &batch["rejections"][at];
                assert_eq!((&rejection["index"], &rejection["reason"]), (&json!(index), &json!("rejected_invalid")));
                let message = rejection["message"].as_str().unwrap();
                assert!(message.starts_with(param), "{wrong}: {message}");
            }
            let single = t.track(wrong.clone()).await.refused(422, "validation_failed").json();
            assert_eq!(single["errors"][0]["param"], param, "{wrong}");
        }
        let odd = t.track(json!({ "events": [7, {}, good] })).await.expect(200).json();
        assert_eq!(odd["rejections"][0]["message"], "event must be an object.");
        assert_eq!(odd["rejections"][1]["message"], "customerId is required; eventName is required; idempotencyKey is required.");
        // A field that a metric measures is named, too.
        let lacking = event_with("one", "send", "s", json!({ "properties": { "bytes": "much" } }));
        let lacking = t.track(json!({ "events": [lacking] })).await.expect(200).json();
        assert_eq!(lacking["rejections"][0]["message"], "properties.bytes must be a decimal from 0 to 1000000000.");
        for (body, param) in [
            ("[]", ""), ("7", ""), ("{}", "customerId"), (r#"{"events":[]}"#, "events"), (r#"{"events":{}}"#, "events"),
            (r#"{"events":[],"more":1}"#, "events"), (r#"{"events":[{}],"events":[{}]}"#, "events"), (r#"{"events":[{}],"more":1}"#, "more"),
            (r#"{"customerId":"one","eventName":"call","idempotencyKey":"k","idempotencyKey":"k"}"#, "idempotencyKey"),
            (r#"{"customerId":"one","eventName":"call","idempotencyKey":"k","properties":{"a":1,"a":2}}"#, "properties"),
        ] {
            let answer = t.call(Request::new("POST", "/v1/usage/track").key(&t.key).raw_json(body)).await;
            assert_eq!(answer.refused(422, "validation_failed").json()["errors"][0]["param"], param, "{body}");
        }
        for body in ["", "{", r#"{"events":[}"#, "{\"customerId\":\"\u{1}\"}", "{} {}"] {
            t.call(Request::new("POST", "/v1/usage/track").key(&t.key).raw_json(body)).await.refused(400, "malformed_request");
        }
        let deep = format!(r#"{{"customerId":"one","eventName":"call","idempotencyKey":"k","properties":{}1{}}}"#, "{\"a\":".repeat(40), "}".repeat(40));
        t.call(Request::new("POST", "/v1/usage/track").key(&t.key).raw_json(deep)).await.refused(422, "validation_failed");
        assert_eq!(counted(&t).await, before);
    }

    /// As a program prints what it added up.
    async fn floats_are_rounded_to_six_digits(t) {
        let shop = t.shop().await;
        t.subscriber(&shop, "one").await;
        let quantities = [r"0.30000000000000004", "0.3333333333333333", "0.0000005", "4.9e-7", "1e-7", "2.5E0", "\"0.6666666666666666\""];
        let events: Vec<String> = quantities.iter().enumerate().map(|(n, quantity)| {
            format!(r#"{{"customerId":"one","eventName":"call","idempotencyKey":"k{n}","quantity":{quantity}}}"#)
        }).collect();
        let body = format!(r#"{{"events":[{}]}}"#, events.join(","));
        let track = || Request::new("POST", "/v1/usage/track").key(&t.key).raw_json(body.clone());
        for _ in 0..2 {
            let answer = t.call(track()).await.expect(200).json();
            assert_eq!(answer["accepted"], quantities.len(), "{answer}");
        }
        // 0.3 + 0.333333 + 0.000001 + 0 + 0 + 2.5 + 0.666667
        assert_eq!(t.used("one", &shop.call).await, "3.800001");
        let gb = event_with("one", "send", "gb", json!({ "properties": { "bytes": 0.3333333333333333 } }));
        assert_eq!(t.tracked(json!([gb])).await, []);
        assert_eq!(t.used("one", &shop.send).await, "0.333333");
    }

    async fn track_accepts_1000_events_and_1_mib(t) {
        let shop = t.shop().await;
        t.subscriber(&shop, "one").await;
        let events = |count: usize, filler: usize| -> Value {
            let more = json!({ "properties": { "filler": "x".repeat(filler) } });
            (0..count).map(|n| event_with("one", "call", &format!("k{n}"), more.clone())).collect()
        };
        assert_eq!(t.tracked(events(1000, 800)).await, []);
        assert_eq!(t.used("one", &shop.call).await, "1000");
        let param = t.track(json!({ "events": events(1001, 1) })).await.refused(422, "validation_failed").json();
        assert_eq!(param["errors"][0]["param"], "events");
        t.track(json!({ "events": events(1000, 1100) })).await.refused(413, "payload_too_large");
        assert_eq!(t.used("one", &shop.call).await, "1000");
    }

    async fn metrics_aggregate_sum_count_max_and_unique(t) {
        let shop = t.shop().await;
        t.subscriber(&shop, "one").await;
        let event_of = |name: &str, key: &str, more: Value| event_with("one", name, key, more);
        let events = json!([
            event_of("call", "1", json!({ "quantity": "0.000001" })), event_of("call", "2", json!({ "quantity": 0.999999 })), event_of("call", "3", json!({ "quantity": 1_000_000_000 })),
            event_of("hit", "4", json!({ "quantity": 7 })), event_of("hit", "5", json!({})), event_of("hit", "6", json!({ "quantity": 0 })),
            event_of("peak", "7", json!({ "quantity": 3.5 })), event_of("peak", "8", json!({ "quantity": 10.25 })), event_of("peak", "9", json!({ "quantity": 10.2 })),
            event_of("send", "10", json!({ "properties": { "bytes": 1.5 } })), event_of("send", "11", json!({ "properties": { "bytes": "2.25" } })),
            event_of("login", "12", json!({ "properties": { "user": "a" } })), event_of("login", "13", json!({ "properties": { "user": "b" } })),
            event_of("login", "14", json!({ "properties": { "user": "a" } })), event_of("login", "15", json!({ "properties": { "user": 7 } })),
        ]);
        assert_eq!(t.tracked(events).await, []);
        let more = json!([
            event_of("peak", "16", json!({ "quantity": 10.3 })), event_of("peak", "17", json!({ "quantity": 1 })),
            event_of("login", "18", json!({ "properties": { "user": "b" } })), event_of("login", "19", json!({ "properties": { "user": "c" } })),
        ]);
        assert_eq!(t.tracked(more).await, []);
        let mut used = Vec::new();
        for metric in [&shop.call, &shop.hit, &shop.peak, &shop.send, &shop.login] {
            used.push(t.used("one", metric).await);
        }
        assert_eq!(used, ["1000000001", "3", "10.3", "3.75", "4"]);
    }

    async fn late_event_counts_in_the_open_period(t) {
        let shop = t.shop().await;
        t.subscriber(&shop, "one").await;
        let at = |key: &str, time: &str| event_with("one", "call", key, json!({ "timestamp": time }));
        let events = json!([
            at("a", "2029-12-25T00:00:00Z"), at("b", "2029-12-24T23:59:59.999Z"), at("c", "2029-12-31T23:59:59Z"),
            at("d", "2030-01-01T01:05:00+01:00"), at("e", "2030-01-01T00:05:00.001Z"),
        ]);
        let answer = [(1, "rejected_too_late".to_owned()), (4, "rejected_invalid".to_owned())];
        assert_eq!(t.tracked(events).await, answer);
        assert_eq!(t.used("one", &shop.call).await, "3");
        let days = history(&t, "from=2029-12-25&to=2030-01-01").await;
        let totals: Vec<&str> = days.iter().map(|day| day["total"].as_str().unwrap()).collect();
        assert_eq!(totals, ["1", "0", "0", "0", "0", "0", "1", "1"]);
    }

    async fn billed_period_is_closed_and_the_next_starts_at_zero(t) {
        let shop = t.shop().await;
        t.subscriber(&shop, "one").await;
        assert_eq!(t.tracked(json!([event("one", "call", "a"), event_with("one", "login", "b", json!({ "properties": { "user": "x" } }))])).await, []);
        t.advance(31 * 86_400);
        // The period is over, whether or not it was rated.
        assert_eq!(t.used("one", &shop.call).await, "0");
        assert_eq!(t.tracked(json!([event_with("one", "call", "c", json!({ "quantity": 5 }))])).await, []);
        unitpay::testing::flows::due::run_all(&t.app).await.unwrap();
        assert_eq!(t.used("one", &shop.call).await, "5");
        let late = event_with("one", "call", "d", json!({ "timestamp": "2030-01-30T00:00:00Z" }));
        let again = event_with("one", "login", "e", json!({ "properties": { "user": "x" } }));
        assert_eq!(t.tracked(json!([late, again])).await, []);
        assert_eq!((t.used("one", &shop.call).await, t.used("one", &shop.login).await), ("6".into(), "1".into()));
    }

    async fn event_at_real_now_counts_at_billing_now(t) {
        let shop = t.shop().await;
        t.subscriber(&shop, "one").await;
        let to = json!({ "to": "2030-03-10T00:00:00Z" });
        t.call(crate::support::post("/v1/test-clock/advance", &to).key(&t.key)).await.expect(200);
        let stamped = |key: &str, time: &str| event_with("one", "call", key, json!({ "timestamp": time }));
        let events = json!([
            stamped("a", "2030-01-01T00:04:59Z"), stamped("b", "2030-03-09T12:00:00Z"), event("one", "call", "c"),
            stamped("d", "2030-01-01T00:06:00Z"), stamped("e", "2030-03-10T00:06:00Z"),
        ]);
        assert_eq!(t.tracked(events).await, [(3, "rejected_too_late".to_owned()), (4, "rejected_invalid".to_owned())]);
        let days = history(&t, "from=2030-03-09&to=2030-03-10").await;
        assert_eq!((&days[0]["total"], &days[1]["total"]), (&json!("1"), &json!("2")));
    }

    async fn meter_shows_usage_and_limit(t) {
        let shop = t.shop().await;
        t.subscriber(&shop, "one").await;
        assert_eq!(t.tracked(json!([event_with("one", "call", "a", json!({ "quantity": 33.5 })), event("one", "hit", "b")])).await, []);
        let meter = async |metric: &str| t.call(get(format!("/v1/usage?customerId=one&metricId={metric}")).key(&t.key)).await;
        assert_eq!(meter(&shop.call).await.expect(200).json(), json!({
            "metricId": shop.call, "metricName": "call", "usage": "33.5", "limit": 100, "isUnlimited": false, "percentage": 33,
        }));
        assert_eq!(meter(&shop.hit).await.expect(200).json(), json!({
            "metricId": shop.hit, "metricName": "hit", "usage": "1", "limit": null, "isUnlimited": true, "percentage": null,
        }));
        // Without a plan, nothing is allowed.
        t.customer("none").await;
        let none = t.call(get(format!("/v1/usage?customerId=none&metricId={}", shop.call)).key(&t.key)).await.expect(200).json();
        assert_eq!((&none["limit"], &none["isUnlimited"], &none["percentage"]), (&json!(0), &json!(false), &json!(100)));
        meter("met_01kwgt3qt8f689ez1ekre217xw").await.refused(404, "not_found");
        meter("nonsense").await.refused(404, "not_found");
        t.call(get("/v1/usage?customerId=one").key(&t.key)).await.refused(422, "validation_failed");
        t.call(get(format!("/v1/usage?metricId={}", shop.call)).key(&t.key)).await.refused(422, "validation_failed");
        t.call(get(format!("/v1/usage?customerId=nobody&metricId={}", shop.call)).key(&t.key)).await.refused(404, "customer_not_found");
        // A browser sees its own without a name, and no other customer's.
        t.subscriber(&shop, "two").await;
        let token = t.token("two").await;
        let meter = t.call(get(format!("/v1/usage?metricId={}", shop.call)).bearer(&token)).await;
        assert_eq!(meter.expect(200).text("usage"), "0");
        t.call(get(format!("/v1/usage?customerId=one&metricId={}", shop.call)).bearer(&token)).await.refused(404, "customer_not_found");
    }

    async fn aggregate_is_zero_filled_for_at_most_92_days(t) {
        let shop = t.shop().await;
        t.subscriber(&shop, "one").await;
        let events = json!([event_with("one", "call", "a", json!({ "quantity": 2.5 })), event("one", "hit", "b"), event("one", "call", "c")]);
        assert_eq!(t.tracked(events).await, []);
        let days = history(&t, "from=2029-12-31&to=2030-01-02").await;
        let day = |date: &str, name: &str, total: &str| json!({ "date": date, "eventName": name, "total": total });
        assert_eq!(days, [
            day("2029-12-31", "call", "0"), day("2030-01-01", "call", "3.5"), day("2030-01-02", "call", "0"),
            day("2029-12-31", "hit", "0"), day("2030-01-01", "hit", "1"), day("2030-01-02", "hit", "0"),
        ]);
        assert_eq!(history(&t, "from=2029-10-02&to=2030-01-01").await.len(), 2 * 92);
        assert!(history(&t, "from=2031-01-01&to=2031-01-02").await.is_empty());
        for (range, param) in [
            ("from=2029-10-01&to=2030-01-01", "to"), ("from=2030-01-02&to=2030-01-01", "to"), ("from=2030-01-01", "to"),
            ("from=2030-02-30&to=2030-03-01", "from"), ("from=now&to=2030-03-01", "from"), ("from=-999999-01-01&to=2030-01-01", "from"),
        ] {
            let answer = t.call(get(format!("/v1/usage/aggregate?customerId=one&{range}")).key(&t.key)).await;
            assert_eq!(answer.refused(422, "validation_failed").json()["errors"][0]["param"], param, "{range}");
        }
    }

    async fn credit_event_debits_rounded_up_or_is_rejected(t) {
        let shop = t.shop().await;
        t.subscriber(&shop, "one").await;
        t.grant(shop.wallet("one"), GrantSource::Promotional, 10, None).await;
        let event_of = |key: &str, quantity: Value| event_with("one", "generate", key, json!({ "quantity": quantity }));
        // 1.5 credits each: 2 + 1 + 0 + 3 of 10, then 6 of 4, then 4 of 4, then nothing is left.
        let events = json!([
            event_of("a", json!(1)), event_of("b", json!("0.000001")), event_of("c", json!(0)), event_of("d", json!(2)), event_of("e", json!(4)),
            event_of("f", json!("2.666666")), event_of("g", json!("0.000001")), event_of("h", json!(1_000_000_000)), event("one", "call", "i"),
        ]);
        let short = |index| (index, "rejected_insufficient_credits".to_owned());
        assert_eq!(t.tracked(events).await, [short(4), short(6), short(7)]);
        assert_eq!(t.balance("one").await, 0);
        assert_eq!(t.used("one", &shop.generate).await, "5.666667");
        let wallet = t.wallet("one").await;
        let taken: Vec<i64> = t.ledger(&wallet).await.iter().map(|entry| entry["amount"].as_i64().unwrap()).collect();
        assert_eq!(taken, [10, -2, -1, -3, -4]);
        // The key of a rejected event is free, and its cost is debited then.
        t.grant(shop.wallet("one"), GrantSource::Promotional, 6, None).await;
        assert_eq!(t.tracked(json!([event_of("e", json!(4))])).await, []);
        assert_eq!(t.balance("one").await, 0);
    }

    async fn concurrent_debits_never_overdraw(t) {
        let shop = t.shop().await;
        t.subscriber(&shop, "one").await;
        t.grant(shop.wallet("one"), GrantSource::Package, 20, None).await;
        t.grant(shop.wallet("one"), GrantSource::Promotional, 30, Some(t.app.clock.now().plus_days(1))).await;
        // 2 credits each.
        let answers = join_all((0..40).map(|n| {
            let events = json!([event("one", "generate", &format!("k{n}"))]);
            t.tracked(events)
        })).await;
        assert_eq!(answers.iter().filter(|rejected| rejected.is_empty()).count(), 25);
        let wallet = t.wallet("one").await;
        assert_eq!((wallet["balance"].as_i64(), wallet["grants"].as_array().unwrap().len()), (Some(0), 0));
        let ledger = t.ledger(&wallet).await;
        let mut balance = 0;
        for entry in &ledger {
            balance += entry["amount"].as_i64().unwrap();
            assert_eq!(entry["balanceAfter"], balance);
            assert!(balance >= 0);
        }
        assert_eq!(t.used("one", &shop.generate).await, "25");
    }

    async fn frozen_wallet_rejects_debits(t) {
        let shop = t.shop().await;
        t.subscriber(&shop, "one").await;
        t.grant(shop.wallet("one"), GrantSource::Promotional, 10, None).await;
        let wallet = t.wallet("one").await;
        t.of_wallet(&wallet, "freeze", json!({})).await.expect(200);
        let events = json!([event("one", "generate", "a"), event("one", "call", "b")]);
        assert_eq!(t.tracked(events).await, rejected(0, "insufficient_credits"));
        assert_eq!(t.balance("one").await, 10);
        t.of_wallet(&wallet, "unfreeze", json!({})).await.expect(200);
        assert_eq!(t.tracked(json!([event("one", "generate", "a")])).await, []);
        assert_eq!(t.balance("one").await, 8);
    }
}

fn rejected(index: i64, reason: &str) -> Vec<(i64, String)> {
    vec![(index, format!("rejected_{reason}"))]
}

/// The counts of the customer "one", and every other list.
async fn counted(t: &Test) -> Vec<Value> {
    let mut state = t.state().await;
    state.extend(history(t, "from=2029-12-01&to=2030-01-31").await);
    state
}

async fn history(t: &Test, range: &str) -> Vec<Value> {
    let path = format!("/v1/usage/aggregate?customerId=one&{range}");
    t.call(get(path).key(&t.key)).await.expect(200).json()["data"].as_array().unwrap().clone()
}
