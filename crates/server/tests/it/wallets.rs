//! Wallets: grants, the order of use, and expiry.

use crate::on_both_stores;
use crate::support::{Answer, Test, event, event_with, flat, get, monthly, post, with};
use serde_json::{Value, json};
use unitpay::testing::base::Time;
use unitpay::testing::credits::GrantSource;
use unitpay::testing::flows::due;
use unitpay::testing::keys::KeyScopes;

const DAY: u64 = 86_400;

on_both_stores! {
    async fn grants_are_used_by_priority_expiry_and_age(t) {
        let shop = t.shop().await;
        t.subscriber(&shop, "one").await;
        let in_days = |days| Some(t.app.clock.now().plus_days(days));
        let granted = [
            (GrantSource::Package, 1, in_days(1)), (GrantSource::Promotional, 2, None), (GrantSource::Promotional, 3, in_days(9)),
            (GrantSource::Promotional, 4, in_days(2)), (GrantSource::Plan, 5, None), (GrantSource::Rollover, 6, None), (GrantSource::Daily, 7, in_days(30)),
            (GrantSource::Promotional, 8, in_days(2)),
        ];
        for (source, amount, end) in granted {
            t.grant(shop.wallet("one"), source, amount, end).await;
        }
        let wallet = t.wallet("one").await;
        let grants = wallet["grants"].as_array().unwrap();
        let shown: Vec<_> = grants.iter().map(|g| (g["source"].as_str().unwrap(), g["priority"].as_i64().unwrap(), g["remaining"].as_i64().unwrap())).collect();
        let order = [
            ("daily", 0, 7), ("rollover", 5, 6), ("plan", 10, 5), ("promotional", 30, 4), ("promotional", 30, 8), ("promotional", 30, 3),
            ("promotional", 30, 2), ("package", 50, 1),
        ];
        assert_eq!(shown, order);
        assert_eq!(wallet["balance"], 36);
        // 24 credits, in two events.
        for (key, quantity) in [("a", 10), ("b", 6)] {
            assert_eq!(t.tracked(json!([event_with("one", "generate", key, json!({ "quantity": quantity }))])).await, []);
        }
        let taken: Vec<i64> = t.ledger(&wallet).await[8..].iter().map(|entry| entry["amount"].as_i64().unwrap()).collect();
        assert_eq!(taken, [-7, -6, -2, -3, -4, -2]);
        let left: Vec<_> = t.wallet("one").await["grants"].as_array().unwrap().iter().map(|g| g["remaining"].as_i64().unwrap()).collect();
        assert_eq!(left, [6, 3, 2, 1]);
    }

    async fn grant_expires_at_its_instant(t) {
        let shop = t.shop().await;
        t.subscriber(&shop, "one").await;
        t.grant(shop.wallet("one"), GrantSource::Promotional, 10, Some(t.app.clock.now().plus_seconds(100))).await;
        t.grant(shop.wallet("one"), GrantSource::Package, 3, None).await;
        t.advance(99);
        assert_eq!(t.balance("one").await, 13);
        t.advance(1_000);
        // A debit also finds it expired.
        let events = json!([event_with("one", "generate", "a", json!({ "quantity": 3 })), event_with("one", "generate", "b", json!({ "quantity": 2 }))]);
        assert_eq!(t.tracked(events).await, [(0, "rejected_insufficient_credits".to_owned())]);
        let wallet = t.wallet("one").await;
        let last = &t.ledger(&wallet).await[2..];
        assert_eq!((&last[0]["type"], &last[0]["amount"], &last[0]["balanceAfter"]), (&json!("expiry"), &json!(-10), &json!(3)));
        assert_eq!(last[0]["createdAt"], "2030-01-01T00:01:40.000Z");
        assert_eq!((&last[1]["type"], &last[1]["amount"]), (&json!("deduction"), &json!(-3)));
    }

    async fn daily_credits_do_not_depend_on_when_they_are_read(t) {
        let shop = t.shop_granting(|credits| json!([{ "creditCurrencyId": credits, "amount": 10, "cadence": "day", "rolloverCap": 4 }])).await;
        t.advance(9 * 3_600);
        for customer in ["watched", "left alone"] {
            t.subscriber(&shop, customer).await;
        }
        // The first day is granted in full.
        assert_eq!(t.balance("watched").await, 10);
        let use_some = async |customer: &str, key: &str, quantity: i64| {
            let events = json!([event_with(customer, "generate", key, json!({ "quantity": quantity }))]);
            assert_eq!(t.tracked(events).await, []);
        };
        for customer in ["watched", "left alone"] {
            use_some(customer, "a", 2).await;
        }
        let mut balances = Vec::new();
        for _ in 0..4 {
            t.advance(DAY / 2);
            balances.push(t.balance("watched").await);
        }
        // Until midnight 7 are left, of which 4 roll over; from then on 4 of each day's 10, once.
        assert_eq!(balances, [7, 14, 14, 14]);
        let (watched, alone) = (t.wallet("watched").await, t.wallet("left%20alone").await);
        let entries = async |wallet: &Value| -> Vec<Value> {
            let brief = |entry: &Value| json!([entry["type"], entry["amount"], entry["balanceAfter"], entry["createdAt"]]);
            t.ledger(wallet).await.iter().map(brief).collect()
        };
        let watched_entries = entries(&watched).await;
        assert_eq!(watched_entries, entries(&alone).await);
        assert_eq!(watched_entries, [
            json!(["grant", 10, 10, "2030-01-01T09:00:00.000Z"]), json!(["deduction", -3, 7, "2030-01-01T09:00:00.000Z"]),
            json!(["expiry", -7, 0, "2030-01-02T00:00:00.000Z"]), json!(["grant", 4, 4, "2030-01-02T00:00:00.000Z"]), json!(["grant", 10, 14, "2030-01-02T00:00:00.000Z"]),
            json!(["expiry", -10, 4, "2030-01-03T00:00:00.000Z"]), json!(["expiry", -4, 0, "2030-01-03T00:00:00.000Z"]),
            json!(["grant", 4, 4, "2030-01-03T00:00:00.000Z"]), json!(["grant", 10, 14, "2030-01-03T00:00:00.000Z"]),
        ]);
    }

    async fn period_end_expires_rolls_over_and_grants(t) {
        let shop = t.shop_granting(|credits| json!([{ "creditCurrencyId": credits, "amount": 100, "cadence": "period", "rolloverCap": 30 }])).await;
        t.subscriber(&shop, "one").await;
        assert_eq!(t.tracked(json!([event_with("one", "generate", "a", json!({ "quantity": 10 }))])).await, []);
        let mut balances = Vec::new();
        for month_days in [31, 28] {
            t.advance(month_days * DAY);
            due::run_all(&t.app).await.unwrap();
            let wallet = t.wallet("one").await;
            let grants = wallet["grants"].as_array().unwrap().iter();
            let grants: Vec<_> = grants.map(|g| json!([g["source"], g["remaining"], g["expiresAt"]])).collect();
            balances.push((wallet["balance"].as_i64().unwrap(), grants));
        }
        assert_eq!(balances, [
            (130, vec![json!(["rollover", 30, "2030-03-01T00:00:00.000Z"]), json!(["plan", 100, "2030-03-01T00:00:00.000Z"])]),
            // All 100 were left, and the 30 do not roll over again.
            (130, vec![json!(["rollover", 30, "2030-04-01T00:00:00.000Z"]), json!(["plan", 100, "2030-04-01T00:00:00.000Z"])]),
        ]);
        let wallet = t.wallet("one").await;
        let ledger = t.ledger(&wallet).await;
        let amounts: Vec<i64> = ledger.iter().map(|entry| entry["amount"].as_i64().unwrap()).collect();
        assert_eq!(amounts, [100, -15, -85, 30, 100, -30, -100, 30, 100]);
    }

    async fn late_renewal_grants_the_same_credits(t) {
        let shop = t.shop_granting(|credits| json!([
            { "creditCurrencyId": credits, "amount": 100, "cadence": "period", "rolloverCap": 30 },
            { "creditCurrencyId": credits, "amount": 1, "cadence": "day", "rolloverCap": 0 },
        ])).await;
        t.subscriber(&shop, "one").await;
        t.advance(33 * DAY);
        // Beyond the period, nothing is known before its renewal.
        assert_eq!(t.balance("one").await, 0);
        due::run_all(&t.app).await.unwrap();
        assert_eq!(t.balance("one").await, 131);
        let wallet = t.wallet("one").await;
        let ledger = t.ledger(&wallet).await;
        let daily = ledger.iter().filter(|entry| entry["type"] == "grant" && entry["amount"] == 1).count();
        assert_eq!(daily, 34);
    }

    async fn upgrade_grants_the_prorated_difference_at_once(t) {
        let shop = t.shop().await;
        let plan = async |slug: &str, price: i64, rules: Value| t.make("plans", json!({
            "productId": shop.product, "slug": slug, "name": slug, "tier": 1, "billingInterval": "month", "currency": "USD", "status": "active",
            "charges": [{ "type": "recurring", "amount": price }], "grantRules": rules,
            "entitlements": [{ "featureId": shop.generation, "type": "credit" }],
        })).await;
        let rule = |cadence: &str, amount: i64| json!({ "creditCurrencyId": shop.credits, "amount": amount, "cadence": cadence, "rolloverCap": 0 });
        let small = plan("small", 500, json!([rule("period", 100), rule("day", 5)])).await;
        let large = plan("large", 1_000, json!([rule("period", 250), rule("day", 20), rule("month", 30)])).await;
        let less = plan("less", 2_000, json!([rule("period", 10)])).await;
        t.customer("one").await;
        t.card("one", "pm_sandbox_visa").await;
        let body = json!({ "customerId": "one", "planId": small });
        let made = t.call(post("/v1/subscriptions", &body).key(&t.key)).await.expect(200).json();
        let path = format!("/v1/subscriptions/{}/change-plan", made["subscription"]["id"].as_str().unwrap());
        let change = async |to: &str| t.call(post(&path, &json!({ "planId": to })).key(&t.key)).await.expect(200).json()["kind"].clone();
        // The day's 5, then 10 of the plan's.
        assert_eq!(t.tracked(json!([event_with("one", "generate", "a", json!({ "quantity": 10 }))])).await, []);
        t.advance(DAY / 2);
        assert_eq!((t.balance("one").await, change(&large).await), (90, json!("charged_inline")));
        // Of 150 and 30 for the month 30.5 of 31 days are left, of 15 for the day a half.
        assert_eq!(t.balance("one").await, 90 + 147 + 29 + 7);
        t.advance(DAY / 2);
        assert_eq!(t.balance("one").await, 90 + 147 + 29 + 20);
        // A dearer plan that grants less takes nothing back, and grants no more days.
        assert_eq!((change(&less).await, t.balance("one").await), (json!("charged_inline"), 286));
        t.advance(DAY);
        assert_eq!((t.balance("one").await, change(&small).await), (266, json!("deferred")));
        assert_eq!(t.balance("one").await, 266);
        t.advance(29 * DAY);
        due::run_all(&t.app).await.unwrap();
        assert_eq!(t.balance("one").await, 100 + 5);
    }

    async fn switching_back_and_forth_grants_no_window_twice(t) {
        let shop = t.shop().await;
        let rule = |cadence: &str, amount: i64| json!({ "creditCurrencyId": shop.credits, "amount": amount, "cadence": cadence, "rolloverCap": 0 });
        for (customer, trial) in [("trying", 14), ("paying", 0)] {
            let plan = async |slug: &str, rules: Value| {
                let more = json!({ "productId": shop.product, "trialDays": trial, "grantRules": rules });
                t.plan(with(monthly(&format!("{slug}-{customer}"), flat(500)), more)).await
            };
            let small = plan("small", json!([rule("period", 100), rule("month", 7), rule("day", 5)])).await;
            let large = plan("large", json!([rule("period", 1_000), rule("day", 20)])).await;
            let none = plan("none", json!([])).await;
            t.payer(customer).await;
            let subscription = t.buy(customer, &small, 1).await;
            assert_eq!(t.balance(customer).await, 112);
            for to in [&large, &small, &none, &large, &none, &small, &large] {
                t.of_subscription(&subscription, "change-plan", json!({ "planId": to })).await.expect(200);
                // The month's 7 are a part of the 1,000 of a plan that grants nothing for the month.
                assert_eq!(t.balance(customer).await, 1_020, "{customer}");
            }
        }
        t.advance(DAY);
        // The day's 20 again, and nothing else.
        assert_eq!((t.balance("trying").await, t.balance("paying").await), (1_020, 1_020));
    }

    async fn returning_for_free_grants_no_window_twice(t) {
        let shop = t.shop_granting(|credits| json!([
            { "creditCurrencyId": credits, "amount": 100, "cadence": "period", "rolloverCap": 0 }, { "creditCurrencyId": credits, "amount": 10, "cadence": "day", "rolloverCap": 0 },
        ])).await;
        let rules = json!([{ "creditCurrencyId": shop.credits, "amount": 50, "cadence": "period", "rolloverCap": 0 }]);
        let dear = t.plan(with(monthly("dear", flat(500)), json!({ "productId": shop.product, "grantRules": rules }))).await;
        t.payer("one").await;
        let leave = async || {
            let subscription = t.subscription_of("one").await;
            t.of_subscription(&subscription, "cancel", json!({ "mode": "now" })).await.expect(200);
        };
        t.buy("one", &shop.plan, 1).await;
        assert_eq!(t.balance("one").await, 110);
        assert_eq!(t.tracked(json!([event_with("one", "generate", "a", json!({ "quantity": 70 }))])).await, []);
        for _ in 0..3 {
            leave().await;
            t.advance(60);
            t.buy("one", &shop.plan, 1).await;
            assert_eq!(t.balance("one").await, 0);
        }
        t.advance(DAY);
        assert_eq!(t.balance("one").await, 10);
        for _ in 0..2 {
            leave().await;
            t.buy("one", &dear, 1).await;
            assert_eq!(t.balance("one").await, 50);
        }
        leave().await;
        // When the granted credits would have expired, they are granted again.
        t.advance(32 * DAY);
        t.buy("one", &shop.plan, 1).await;
        assert_eq!(t.balance("one").await, 110);
    }

    async fn canceled_subscription_expires_only_its_own_grants(t) {
        let shop = t.shop_granting(|credits| json!([
            { "creditCurrencyId": credits, "amount": 100, "cadence": "month", "rolloverCap": 50 }, { "creditCurrencyId": credits, "amount": 5, "cadence": "day", "rolloverCap": 5 },
        ])).await;
        t.subscriber(&shop, "one").await;
        t.grant(shop.wallet("one"), GrantSource::Promotional, 7, None).await;
        t.grant(shop.wallet("one"), GrantSource::Package, 11, None).await;
        t.advance(DAY + 3_600);
        assert_eq!(t.balance("one").await, 128);
        let list = t.call(get("/v1/subscriptions?customerId=one").key(&t.key)).await.expect(200).json();
        let id = list["data"][0]["id"].as_str().unwrap();
        let cancel = post(format!("/v1/subscriptions/{id}/cancel"), &json!({ "mode": "now" }));
        t.call(cancel.key(&t.key)).await.expect(200);
        let left = async || -> Vec<(String, i64)> {
            let wallet = t.wallet("one").await;
            wallet["grants"].as_array().unwrap().iter().map(|g| (g["source"].as_str().unwrap().to_owned(), g["remaining"].as_i64().unwrap())).collect()
        };
        assert_eq!(left().await, [("promotional".to_owned(), 7), ("package".to_owned(), 11)]);
        t.advance(40 * DAY);
        assert_eq!(left().await, [("promotional".to_owned(), 7), ("package".to_owned(), 11)]);
    }

    async fn manual_grant_is_in_ledger_and_audit(t) {
        let shop = t.shop().await;
        t.subscriber(&shop, "one").await;
        t.grant(shop.wallet("one"), GrantSource::Package, 1, None).await;
        let wallet = t.wallet("one").await;
        let body = json!({ "amount": 50, "expiresAt": "2030-02-01T00:00:00Z", "description": "sorry" });
        let grant = t.of_wallet(&wallet, "grants", body).await.expect(201).json();
        assert_eq!(grant, json!({
            "id": grant["id"], "source": "promotional", "subscriptionId": null, "amount": 50, "remaining": 50, "priority": 30,
            "expiresAt": "2030-02-01T00:00:00.000Z", "createdAt": "2030-01-01T00:00:00.000Z",
        }));
        let entry = t.ledger(&wallet).await.pop().unwrap();
        assert_eq!(entry, json!({
            "id": entry["id"], "type": "grant", "amount": 50, "balanceAfter": 51, "grantId": grant["id"], "usageEventId": null,
            "description": "sorry", "createdAt": "2030-01-01T00:00:00.000Z",
        }));
        let audit = t.call(get("/v1/audit-events?limit=1").key(&t.key)).await.expect(200).json();
        assert_eq!((&audit["data"][0]["action"], &audit["data"][0]["targetId"]), (&json!("credit_account.credits_granted"), &wallet["id"]));
        // A replay under its key does not grant again.
        let once = || {
            let path = format!("/v1/credit-accounts/{}/grants", wallet["id"].as_str().unwrap());
            t.call(post(path, &json!({ "amount": 9 })).key(&t.key).header("idempotency-key", "g"))
        };
        let (first, second) = (once().await.expect(201), once().await.expect(201));
        assert_eq!((first.json(), second.header("idempotent-replayed")), (second.json(), Some("true")));
        assert_eq!(t.balance("one").await, 60);
        let before = t.state().await;
        for (body, param) in [
            (json!({}), "amount"), (json!({ "amount": 0 }), "amount"), (json!({ "amount": -1 }), "amount"), (json!({ "amount": 1.5 }), "amount"),
            (json!({ "amount": 1_000_000_000_001_i64 }), "amount"), (json!({ "amount": 1, "expiresAt": "2030-01-01T00:00:00Z" }), "expiresAt"),
            (json!({ "amount": 1, "source": "plan" }), "source"),
        ] {
            let answer = t.of_wallet(&wallet, "grants", body.clone()).await;
            assert_eq!(answer.refused(422, "validation_failed").json()["errors"][0]["param"], param, "{body}");
        }
        t.of_wallet(&wallet, "grants", json!({ "amount": 999_999_999_941_i64 })).await.refused(422, "amount_out_of_range");
        assert_eq!(t.state().await, before);
        t.of_wallet(&wallet, "grants", json!({ "amount": 999_999_999_940_i64 })).await.expect(201);
        assert_eq!(t.balance("one").await, 1_000_000_000_000);
    }

    async fn refund_goes_to_the_grant_and_expires_with_it(t) {
        let shop = t.shop().await;
        t.subscriber(&shop, "one").await;
        t.grant(shop.wallet("one"), GrantSource::Promotional, 10, Some(t.app.clock.now().plus_days(1))).await;
        assert_eq!(t.tracked(json!([event_with("one", "generate", "a", json!({ "quantity": 4 })), event("one", "generate", "b"), event("one", "generate", "c")])).await, []);
        let wallet = t.wallet("one").await;
        let ledger = t.ledger(&wallet).await;
        let undo = async |entry: &Value| t.of_wallet(&wallet, "refunds", json!({ "ledgerEntryId": entry["id"] })).await;
        let refund = undo(&ledger[1]).await.expect(201).json();
        assert_eq!((&refund["type"], &refund["amount"], &refund["grantId"]), (&json!("refund"), &json!(6), &ledger[0]["grantId"]));
        assert_eq!(t.wallet("one").await["grants"][0]["remaining"], 6);
        let before = t.state().await;
        undo(&ledger[1]).await.refused(409, "conflict");
        undo(&refund).await.refused(409, "conflict");
        assert_eq!(t.state().await, before);
        // The grant has expired, so the refund expires at once.
        t.advance(DAY);
        let refund = undo(&ledger[2]).await.expect(201).json();
        assert_eq!((&refund["amount"], &refund["balanceAfter"]), (&json!(2), &json!(2)));
        let undone: Vec<_> = t.ledger(&wallet).await.iter().rev().take(2).map(|e| (e["type"].clone(), e["amount"].clone(), e["grantId"].clone())).collect();
        let grant = &ledger[0]["grantId"];
        assert_eq!(undone, [(json!("expiry"), json!(-2), grant.clone()), (json!("refund"), json!(2), grant.clone())]);
        assert_eq!(t.balance("one").await, 0);
        // The backend names another end.
        let refund = async |end: &str| t.of_wallet(&wallet, "refunds", json!({ "ledgerEntryId": ledger[3]["id"], "expiresAt": end })).await;
        assert_eq!(refund("2030-01-01T00:00:00Z").await.refused(422, "validation_failed").json()["errors"][0]["param"], "expiresAt");
        refund("2030-06-01T00:00:00Z").await.expect(201);
        let wallet = t.wallet("one").await;
        assert_eq!((&wallet["balance"], &wallet["grants"][0]["expiresAt"]), (&json!(2), &json!("2030-06-01T00:00:00.000Z")));
        assert_eq!(wallet["grants"][0]["source"], "promotional");
        for id in ["led_01kwgt3qt8f689ez1ekre217xw", "nonsense"] {
            t.of_wallet(&wallet, "refunds", json!({ "ledgerEntryId": id })).await.refused(404, "not_found");
        }
    }

    async fn rest_of_a_grant_is_reversed_once(t) {
        let shop = t.shop().await;
        t.subscriber(&shop, "one").await;
        t.grant(shop.wallet("one"), GrantSource::Promotional, 10, None).await;
        assert_eq!(t.tracked(json!([event("one", "generate", "a")])).await, []);
        let wallet = t.wallet("one").await;
        let body = json!({ "ledgerEntryId": t.ledger(&wallet).await[0]["id"] });
        let reversal = t.of_wallet(&wallet, "refunds", body.clone()).await.expect(201).json();
        assert_eq!((&reversal["type"], &reversal["amount"], &reversal["balanceAfter"]), (&json!("reversal"), &json!(-8), &json!(0)));
        t.of_wallet(&wallet, "refunds", body).await.refused(409, "conflict");
        assert_eq!(t.wallet("one").await["grants"], json!([]));
    }

    async fn statistics_list_each_day_of_a_wallet(t) {
        let shop = t.shop().await;
        t.subscriber(&shop, "one").await;
        t.grant(shop.wallet("one"), GrantSource::Promotional, 10, Some(t.app.clock.now().plus_days(2))).await;
        t.advance(DAY);
        assert_eq!(t.tracked(json!([event("one", "generate", "a")])).await, []);
        t.advance(DAY);
        let wallet = t.wallet("one").await;
        let id = wallet["id"].as_str().unwrap();
        let stats = async |query: &str| t.call(get(format!("/v1/credits/stats?creditAccountId={id}{query}")).key(&t.key)).await;
        let day = |date: &str, granted: i64, used: i64, expired: i64| json!({ "date": date, "granted": granted, "used": used, "expired": expired });
        assert_eq!(stats("&days=3").await.expect(200).json(), json!({
            "creditAccountId": id, "balance": 0, "granted": 10, "used": 2, "expired": 8,
            "days": [day("2030-01-01", 10, 0, 0), day("2030-01-02", 0, 2, 0), day("2030-01-03", 0, 0, 8)],
        }));
        assert_eq!(stats("").await.expect(200).json()["days"].as_array().unwrap().len(), 30);
        for days in ["0", "93", "-1", "x"] {
            stats(&format!("&days={days}")).await.refused(422, "validation_failed");
        }
        t.call(get("/v1/credits/stats").key(&t.key)).await.refused(422, "validation_failed");
    }

    async fn wallet_is_scoped_to_tenant_and_customer(t) {
        let shop = t.shop().await;
        t.subscriber(&shop, "one").await;
        t.subscriber(&shop, "two").await;
        t.grant(shop.wallet("one"), GrantSource::Promotional, 10, None).await;
        t.grant(shop.wallet("two"), GrantSource::Promotional, 20, None).await;
        let (one, two) = (t.wallet("one").await, t.wallet("two").await);
        let all = t.call(get("/v1/credit-accounts").key(&t.key)).await.expect(200).json();
        assert_eq!(all["data"], json!([two, one]));
        let data = |answer: Answer| answer.expect(200).json()["data"].clone();
        assert_eq!(data(t.call(get("/v1/credit-accounts?customerId=one").key(&t.key)).await), json!([one]));
        let token = t.token("one").await;
        assert_eq!(data(t.call(get("/v1/credit-accounts").bearer(&token)).await), json!([one]));
        t.call(get("/v1/credit-accounts?customerId=two").bearer(&token)).await.refused(404, "customer_not_found");
        t.call(get("/v1/customers/two/credit-accounts").bearer(&token)).await.refused(404, "customer_not_found");
        let another = t.organization("another").await;
        let foreign = t.key_of(another, KeyScopes::ALL).await;
        assert_eq!(data(t.call(get("/v1/credit-accounts").key(&foreign)).await), json!([]));
        for (wallet, path) in [(&two, "ledger"), (&two, "top-ups")] {
            let path = format!("/v1/credit-accounts/{}/{path}", wallet["id"].as_str().unwrap());
            t.call(get(path.clone()).bearer(&token)).await.refused(404, "not_found");
            t.call(get(path).key(&foreign)).await.refused(404, "not_found");
        }
        let before = t.state().await;
        for (what, body) in [("grants", json!({ "amount": 1 })), ("refunds", json!({ "ledgerEntryId": "led_01kwgt3qt8f689ez1ekre217xw" })), ("freeze", json!({})), ("unfreeze", json!({}))] {
            let path = format!("/v1/credit-accounts/{}/{what}", one["id"].as_str().unwrap());
            t.call(post(path.clone(), &body).key(&foreign)).await.refused(404, "not_found");
            t.call(post(path, &body).bearer(&token)).await.refused(401, "invalid_api_key");
        }
        assert_eq!(t.state().await, before);
    }

    async fn foreign_cursors_and_ids_are_refused(t) {
        let shop = t.shop().await;
        for customer in ["one", "two"] {
            t.subscriber(&shop, customer).await;
            for amount in 1..=3 {
                t.grant(shop.wallet(customer), GrantSource::Promotional, amount, None).await;
            }
        }
        let (one, two) = (t.wallet("one").await, t.wallet("two").await);
        let path = |wallet: &Value, list: &str| format!("/v1/credit-accounts/{}/{list}?limit=1", wallet["id"].as_str().unwrap());
        let cursor = t.call(get(path(&one, "ledger")).key(&t.key)).await.expect(200).text("nextCursor");
        for other in [path(&two, "ledger"), path(&one, "top-ups"), "/v1/credit-accounts?limit=1".to_owned()] {
            t.call(get(format!("{other}&cursor={cursor}")).key(&t.key)).await.refused(422, "validation_failed");
        }
        let another = t.organization("another").await;
        let foreign = t.key_of(another, KeyScopes::ALL).await;
        let customer = json!({ "externalId": "one", "name": "One", "email": "one@example.com" });
        t.call(post("/v1/customers", &customer).key(&foreign)).await.expect(201);
        let entry = &t.ledger(&one).await[0]["id"];
        let before = t.state().await;
        for (path, body) in [
            ("/v1/customers/one/top-ups".to_owned(), json!({ "creditCurrencyId": shop.credits, "amount": 500 })),
            (format!("/v1/credit-accounts/{}/refunds", two["id"].as_str().unwrap()), json!({ "ledgerEntryId": entry })),
            ("/v1/check".to_owned(), json!({ "customerId": "one", "featureSlug": "generation" })),
        ] {
            let answer = t.call(post(path.clone(), &body).key(&foreign)).await;
            assert!([404, 422].contains(&answer.status), "{path}: {}", answer.status);
        }
        // An entry of one wallet is not found in another.
        t.of_wallet(&two, "refunds", json!({ "ledgerEntryId": entry })).await.refused(404, "not_found");
        let usage = format!("/v1/usage?customerId=one&metricId={}", shop.call);
        t.call(get(usage).key(&foreign)).await.refused(404, "not_found");
        assert_eq!(t.state().await, before);
    }

    async fn past_due_windows_are_not_granted_later(t) {
        let shop = t.shop_granting(|credits| json!([{ "creditCurrencyId": credits, "amount": 5, "cadence": "day", "rolloverCap": 5 }])).await;
        t.subscriber(&shop, "one").await;
        assert_eq!(t.balance("one").await, 5);
        t.advance(DAY / 2);
        set_status(&t, "past_due").await;
        t.advance(3 * DAY);
        assert_eq!(t.balance("one").await, 0);
        set_status(&t, "active").await;
        assert_eq!(t.balance("one").await, 0);
        t.advance(DAY / 2);
        assert_eq!(t.balance("one").await, 5);
    }

    async fn plan_started_past_due_grants_days_after_recovery(t) {
        let shop = t.shop().await;
        let daily = |amount: i64| json!({
            "productId": shop.product, "grantRules": [{ "creditCurrencyId": shop.credits, "amount": amount, "cadence": "day", "rolloverCap": 0 }],
        });
        let large = t.plan(with(monthly("large", flat(1_000)), daily(20))).await;
        let small = t.plan(with(monthly("small", flat(500)), daily(5))).await;
        t.make("customers", json!({ "name": "One", "email": "one@example.com", "externalId": "one", "collectionMethod": "send_invoice", "netDays": 10 })).await;
        let subscription = t.buy("one", &large, 1).await;
        assert_eq!(t.balance("one").await, 20);
        t.of_subscription(&subscription, "change-plan", json!({ "planId": small })).await.expect(200);
        t.clock_to("2030-02-02T12:00:00Z").await;
        let late = t.subscription_of("one").await;
        assert_eq!((&late["status"], &late["planId"], t.balance("one").await), (&json!("past_due"), &json!(small), 0));
        let first = t.invoices_of("one").await[0]["id"].as_str().unwrap().to_owned();
        let transfer = json!({ "amount": 1_000, "reference": "SEPA" });
        t.call(post(format!("/v1/invoices/{first}/payments"), &transfer).key(&t.key)).await.expect(201);
        // The day of the recovery is granted.
        assert_eq!((t.subscription_of("one").await["status"].clone(), t.balance("one").await), (json!("active"), 5));
        t.clock_to("2030-02-03T00:00:00Z").await;
        assert_eq!(t.balance("one").await, 5);
    }
}

/// Moves the only subscription into a status, like dunning does: due entries are written before.
async fn set_status(t: &Test, status: &'static str) {
    use unitpay::testing::audit::Actor;
    use unitpay::testing::credits::write_due;
    use unitpay::testing::db::{DbError, Lane, Sql, Tx, sql};
    use unitpay::testing::work::Work;
    const SET: Sql = sql("UPDATE subscriptions SET status = $1");
    let (tenant, no) = (t.tenant, t.customer_no("one").await);
    let (at, by) = (Time::from_seconds(t.app.clock.now().seconds()), t.app.by(Actor::System));
    let set = t.app.db.write(Lane::Usual, async move |tx: &mut Tx<'_, '_>| {
        write_due(&mut Work { tx, tenant: &tenant, at, by: &by }, no).await?;
        tx.execute(&SET, &[status.to_owned().into()]).await.map(|_| ())?;
        Ok::<_, DbError>(())
    });
    set.await.unwrap();
}
