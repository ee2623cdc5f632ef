//! The catalog: what backends create, which parts are immutable, and what pages see.

use crate::on_both_stores;
use crate::support::{Answer, Test, get, patch, post};
use futures_util::future::join_all;
use serde_json::{Value, json};
use unitpay::testing::keys::KeyScopes;

on_both_stores! {
    async fn created_objects_are_read_back_unchanged(t) {
        let shop = Shop::open(&t).await;
        let product = read(&t, "products", &shop.product).await;
        assert_eq!(product, json!({
            "id": shop.product, "slug": "api", "name": "API", "description": null, "image": null, "status": "active",
            "metadata": {}, "createdAt": NOW, "updatedAt": NOW,
        }));
        assert_eq!(read(&t, "billable-metrics", &shop.calls).await, json!({
            "id": shop.calls, "productId": shop.product, "eventName": "call", "name": "Calls", "aggregation": "sum",
            "property": null, "metadata": {}, "createdAt": NOW, "updatedAt": NOW,
        }));
        assert_eq!(read(&t, "credit-currencies", &shop.credits).await, json!({
            "id": shop.credits, "slug": "tokens", "name": "Tokens", "denomination": "unit", "minorUnitScale": 0,
            "topUpMin": null, "topUpMax": null, "metadata": {}, "createdAt": NOW, "updatedAt": NOW,
        }));
        assert_eq!(read(&t, "features", &shop.generation).await, json!({
            "id": shop.generation, "productId": shop.product, "slug": "generation", "name": "Generation", "type": "credit",
            "metricId": shop.tokens, "creditCurrencyId": shop.credits, "creditCost": "1.5", "metadata": {},
            "createdAt": NOW, "updatedAt": NOW,
        }));
        let package = t.make("credit-packages", json!({
            "creditCurrencyId": shop.credits, "name": "Small", "credits": 1000, "price": 500, "currency": "USD",
            "expiresAfterDays": 90, "metadata": { "k": "v" },
        })).await;
        assert_eq!(read(&t, "credit-packages", &package).await, json!({
            "id": package, "creditCurrencyId": shop.credits, "name": "Small", "credits": 1000, "price": 500, "currency": "USD",
            "expiresAfterDays": 90, "status": "active", "metadata": { "k": "v" }, "createdAt": NOW, "updatedAt": NOW,
        }));
        // A plan is returned in the words in which it was sent, and can be sent again.
        let plan = shop.plan("pro");
        let made = create(&t, "plans", plan.clone()).await.expect(201).json();
        let mut expected = plan.clone();
        for (name, value) in [
            ("id", made["id"].clone()), ("description", Value::Null), ("tier", json!(0)), ("status", json!("draft")),
            ("isPublic", json!(true)), ("trialDays", json!(14)), ("requirePaymentMethod", json!(true)), ("metadata", json!({})), ("createdAt", json!(NOW)), ("updatedAt", json!(NOW)),
        ] {
            expected[name] = value;
        }
        assert_eq!(made, expected);
        assert_eq!(read(&t, "plans", made["id"].as_str().unwrap()).await, expected);
        let again = json!({ "charges": made["charges"], "entitlements": made["entitlements"], "grantRules": made["grantRules"] });
        let before = t.state().await;
        assert_eq!(change(&t, "plans", made["id"].as_str().unwrap(), again).await.expect(200).json(), expected);
        assert_eq!(t.state().await, before);
    }

    async fn slug_is_unique_per_kind(t) {
        let shop = Shop::open(&t).await;
        t.make("plans", shop.plan("pro")).await;
        let other = t.make("plans", shop.plan("other")).await;
        let product = t.make("products", json!({ "slug": "other", "name": "O" })).await;
        let before = t.state().await;
        for (list, body) in [
            ("products", json!({ "slug": "api", "name": "A" })),
            ("plans", shop.plan("pro")),
            ("features", json!({ "productId": shop.product, "slug": "seats", "name": "S", "type": "boolean" })),
            ("credit-currencies", json!({ "slug": "tokens", "name": "T", "denomination": "USD" })),
        ] {
            create(&t, list, body).await.refused(409, "conflict");
        }
        change(&t, "plans", &other, json!({ "slug": "pro" })).await.refused(409, "conflict");
        change(&t, "products", &product, json!({ "slug": "api", "name": "B" })).await.refused(409, "conflict");
        assert_eq!(t.state().await, before);
        for tenant in [t.organization("another").await, t.live(t.tenant.organization_id).await] {
            let key = t.key_of(tenant, KeyScopes::ALL).await;
            let same = post("/v1/products", &json!({ "slug": "api", "name": "A" })).key(&key);
            t.call(same).await.expect(201);
        }
        // An archived slug is free again.
        change(&t, "products", &shop.product, json!({ "slug": "old" })).await.expect(200);
        change(&t, "products", &product, json!({ "slug": "api" })).await.expect(200);
        let at_once = join_all((0..6).map(|_| create(&t, "products", json!({ "slug": "same", "name": "S" })))).await;
        let mut statuses: Vec<u16> = at_once.iter().map(|answer| answer.status).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 409, 409, 409, 409, 409]);
    }

    async fn tiers_are_refused_unless_ascending_with_open_end(t) {
        let shop = Shop::open(&t).await;
        let draft = t.make("plans", shop.plan("draft")).await;
        let before = t.state().await;
        let tier = |up_to: Value| json!({ "upTo": up_to, "unitPrice": "1" });
        for tiers in [
            json!([]), json!([tier(json!(10))]), json!([tier(json!(10)), tier(json!(10)), tier(Value::Null)]),
            json!([tier(json!(10)), tier(json!(5)), tier(Value::Null)]), json!([tier(Value::Null), tier(json!(10))]),
            json!([tier(Value::Null), tier(Value::Null)]), json!([tier(json!(10)), tier(Value::Null), tier(Value::Null)]),
        ] {
            let charges = json!([{ "type": "one_off", "amount": 1 }, { "type": "usage", "metricId": shop.calls, "tiers": tiers }]);
            let mut plan = shop.plan("new");
            plan["charges"] = charges.clone();
            for answer in [create(&t, "plans", plan).await, change(&t, "plans", &draft, json!({ "charges": charges })).await] {
                let refused = answer.refused(422, "invalid_tiers").json();
                assert_eq!(refused["errors"][0]["param"], "charges[1].tiers", "{tiers}");
            }
        }
        assert_eq!(t.state().await, before);
    }

    async fn invalid_plan_fields_are_named_by_path(t) {
        let shop = Shop::open(&t).await;
        let before = t.state().await;
        let usage = |part: &str, value: Value| {
            let mut charge = json!({ "type": "usage", "metricId": shop.calls, "tiers": [{ "upTo": null, "unitPrice": "1" }] });
            charge[part] = value;
            json!([{ "type": "recurring", "amount": 1 }, charge])
        };
        let tier = |value: Value| usage("tiers", json!([{ "upTo": 5, "unitPrice": "1" }, value]));
        let give = |given: Value| json!([{ "featureId": shop.sso, "type": "boolean" }, given]);
        for (part, value, param) in [
            ("charges", json!({}), "charges"),
            ("charges", json!(null), "charges"),
            ("charges", json!([1]), "charges[0]"),
            ("charges", json!(vec![json!({ "type": "one_off", "amount": 1 }); 21]), "charges"),
            ("charges", json!([{}]), "charges[0].type"),
            ("charges", json!([{ "type": "flat", "amount": 1 }]), "charges[0].type"),
            ("charges", json!([{ "type": "recurring" }]), "charges[0].amount"),
            ("charges", json!([{ "type": "recurring", "amount": -1 }]), "charges[0].amount"),
            ("charges", json!([{ "type": "recurring", "amount": 1.5 }]), "charges[0].amount"),
            ("charges", json!([{ "type": "recurring", "amount": "1" }]), "charges[0].amount"),
            ("charges", json!([{ "type": "recurring", "amount": 1_000_000_000_001_i64 }]), "charges[0].amount"),
            ("charges", json!([{ "type": "recurring", "amount": 1, "perUnit": 1 }]), "charges[0].perUnit"),
            ("charges", json!([{ "type": "one_off", "amount": 1, "perUnit": true }]), "charges[0].perUnit"),
            ("charges", json!(vec![json!({ "type": "one_off", "amount": 600_000_000_000_i64 }); 2]), "charges"),
            ("charges", usage("metricId", json!("met_1")), "charges[1].metricId"),
            ("charges", usage("metricId", json!(shop.foreign_metric)), "charges[1].metricId"),
            ("charges", usage("metricId", json!("met_01kwgt3qt8f689ez1ekre217xw")), "charges[1].metricId"),
            ("charges", usage("includedUnits", json!(1)), "charges[1].includedUnits"),
            ("charges", usage("includedUnits", json!("0.1234567")), "charges[1].includedUnits"),
            ("charges", usage("includedUnits", json!("-1")), "charges[1].includedUnits"),
            ("charges", usage("tiers", json!("x")), "charges[1].tiers"),
            ("charges", tier(json!({ "upTo": 1.5, "unitPrice": "1" })), "charges[1].tiers[1].upTo"),
            ("charges", tier(json!({ "upTo": 0, "unitPrice": "1" })), "charges[1].tiers[1].upTo"),
            ("charges", tier(json!({ "unitPrice": "1" })), "charges[1].tiers[1].upTo"),
            ("charges", tier(json!({ "upTo": null })), "charges[1].tiers[1].unitPrice"),
            ("charges", tier(json!({ "upTo": null, "unitPrice": 1 })), "charges[1].tiers[1].unitPrice"),
            ("charges", tier(json!({ "upTo": null, "unitPrice": "0.1234567890123" })), "charges[1].tiers[1].unitPrice"),
            ("charges", tier(json!({ "upTo": null, "unitPrice": "1e3" })), "charges[1].tiers[1].unitPrice"),
            ("charges", tier(json!({ "upTo": null, "unitPrice": "1", "flatFee": 1 })), "charges[1].tiers[1].flatFee"),
            ("charges", json!([usage("tiers", json!([{ "upTo": null, "unitPrice": "1" }]))[1], usage("tiers", json!([{ "upTo": null, "unitPrice": "1" }]))[1]]), "charges[1].metricId"),
            ("entitlements", give(json!({ "featureId": shop.seats })), "entitlements[1].type"),
            ("entitlements", give(json!({ "featureId": shop.seats, "type": "boolean" })), "entitlements[1].type"),
            ("entitlements", give(json!({ "featureId": shop.seats, "type": "metered" })), "entitlements[1].limit"),
            ("entitlements", give(json!({ "featureId": shop.seats, "type": "metered", "limit": -1 })), "entitlements[1].limit"),
            ("entitlements", give(json!({ "featureId": shop.region, "type": "config" })), "entitlements[1].value"),
            ("entitlements", give(json!({ "featureId": shop.models, "type": "enum", "values": [] })), "entitlements[1].values"),
            ("entitlements", give(json!({ "featureId": shop.models, "type": "enum", "values": ["a", "a"] })), "entitlements[1].values"),
            ("entitlements", give(json!({ "featureId": shop.models, "type": "enum", "values": [1] })), "entitlements[1].values"),
            ("entitlements", give(json!({ "featureId": shop.sso, "type": "boolean" })), "entitlements[1].featureId"),
            ("entitlements", give(json!({ "featureId": "feat_01kwgt3qt8f689ez1ekre217xw", "type": "boolean" })), "entitlements[1].featureId"),
            ("entitlements", give(json!({ "featureId": shop.seats, "type": "metered", "limit": 1, "x": 1 })), "entitlements[1].x"),
            ("grantRules", json!([{ "creditCurrencyId": shop.credits, "amount": 0, "cadence": "day" }]), "grantRules[0].amount"),
            ("grantRules", json!([{ "creditCurrencyId": shop.credits, "amount": 1, "cadence": "week" }]), "grantRules[0].cadence"),
            ("grantRules", json!([{ "creditCurrencyId": "cur_01kwgt3qt8f689ez1ekre217xw", "amount": 1, "cadence": "day" }]), "grantRules[0].creditCurrencyId"),
            ("grantRules", json!(vec![json!({ "creditCurrencyId": shop.credits, "amount": 1, "cadence": "day" }); 2]), "grantRules[1].creditCurrencyId"),
            ("productId", json!("prod_01kwgt3qt8f689ez1ekre217xw"), "productId"),
            ("productId", json!(shop.calls), "productId"),
            ("currency", json!("usd"), "currency"),
            ("currency", json!("XXX"), "currency"),
            ("billingInterval", json!("week"), "billingInterval"),
            ("trialDays", json!(731), "trialDays"),
            ("tier", json!(-1), "tier"),
            ("slug", json!("Pro"), "slug"),
            ("slug", json!(""), "slug"),
            ("status", json!("live"), "status"),
            ("id", json!("pln_1"), "id"),
        ] {
            let mut plan = shop.plan("pro");
            plan[part] = value.clone();
            let refused = create(&t, "plans", plan).await.refused(422, "validation_failed").json();
            let params: Vec<&Value> = refused["errors"].as_array().unwrap().iter().map(|error| &error["param"]).collect();
            assert_eq!(params, [param], "{value}");
        }
        assert_eq!(t.state().await, before);
    }

    async fn plan_charges_are_immutable_after_draft(t) {
        let shop = Shop::open(&t).await;
        let plan = t.make("plans", shop.plan("pro")).await;
        // Everything in a draft may change.
        let draft = json!({ "currency": "EUR", "billingInterval": "year", "trialDays": 0, "charges": [{ "type": "recurring", "amount": 900 }], "grantRules": [] });
        t.advance(60);
        let changed = change(&t, "plans", &plan, draft.clone()).await.expect(200).json();
        assert_eq!(changed["charges"], json!([{ "type": "recurring", "amount": 900, "perUnit": false }]));
        assert_eq!(changed["updatedAt"], "2030-01-01T00:01:00.000Z");
        for status in ["active", "archived"] {
            change(&t, "plans", &plan, json!({ "status": status })).await.expect(200);
            let before = t.state().await;
            for part in [
                json!({ "currency": "USD" }), json!({ "billingInterval": "month" }), json!({ "trialDays": 1 }), json!({ "charges": [] }),
                json!({ "grantRules": [{ "creditCurrencyId": shop.credits, "amount": 1, "cadence": "day" }] }), json!({ "status": "draft" }),
                json!({ "name": "B", "charges": [{ "type": "recurring", "amount": 901 }] }),
            ] {
                change(&t, "plans", &plan, part).await.refused(409, "plan_immutable");
            }
            // Repeating it is a no-op.
            change(&t, "plans", &plan, draft.clone()).await.expect(200);
            assert_eq!(t.state().await, before);
        }
        let rest = json!({ "name": "B", "description": "D", "tier": 3, "isPublic": false, "status": "active", "entitlements": [{ "featureId": shop.seats, "type": "metered", "limit": null }] });
        let changed = change(&t, "plans", &plan, rest.clone()).await.expect(200).json();
        for (name, value) in rest.as_object().unwrap() {
            assert_eq!(&changed[name], value);
        }
        let cleared = change(&t, "plans", &plan, json!({ "description": null })).await.expect(200).json();
        assert_eq!(cleared["description"], Value::Null);
        change(&t, "plans", "pln_01kwgt3qt8f689ez1ekre217xw", json!({ "name": "B" })).await.refused(404, "not_found");
        change(&t, "plans", "pro", json!({ "name": "B" })).await.refused(404, "not_found");
    }

    async fn metric_is_refused_as_both_usage_and_credits_in_a_plan(t) {
        let shop = Shop::open(&t).await;
        let charge = json!({ "type": "usage", "metricId": shop.tokens, "tiers": [{ "upTo": null, "unitPrice": "1" }] });
        let credit = json!({ "featureId": shop.generation, "type": "credit" });
        let offered = json!({ "productId": shop.product, "slug": "usage", "name": "U", "billingInterval": "month", "currency": "USD", "status": "active", "charges": [charge] });
        let offered = t.make("plans", offered).await;
        let second = json!({ "productId": shop.product, "slug": "second", "name": "S", "type": "credit", "metricId": shop.tokens, "creditCurrencyId": shop.credits, "creditCost": "2" });
        let second = t.make("features", second).await;
        let before = t.state().await;
        let mut plan = shop.plan("pro");
        plan["charges"] = json!([charge]);
        plan["entitlements"] = json!([credit]);
        param(create(&t, "plans", plan.clone()).await, "entitlements[0].featureId");
        param(change(&t, "plans", &offered, json!({ "entitlements": [credit] })).await, "entitlements[0].featureId");
        plan["charges"] = json!([]);
        plan["entitlements"] = json!([credit, { "featureId": second, "type": "credit" }]);
        param(create(&t, "plans", plan.clone()).await, "entitlements[1].featureId");
        assert_eq!(t.state().await, before);
        plan["entitlements"] = json!([credit]);
        create(&t, "plans", plan).await.expect(201);
    }

    async fn object_is_refused_without_the_fields_of_its_kind(t) {
        let shop = Shop::open(&t).await;
        let before = t.state().await;
        let metric = |part: Value| merged(json!({ "productId": shop.product, "eventName": "e", "name": "M", "aggregation": "sum" }), part);
        let feature = |part: Value| merged(json!({ "productId": shop.product, "slug": "new", "name": "F", "type": "boolean" }), part);
        let credit = json!({ "type": "credit", "metricId": shop.calls, "creditCurrencyId": shop.credits, "creditCost": "1" });
        let credit = |part: Value| feature(merged(credit.clone(), part));
        let currency = |part: Value| merged(json!({ "slug": "new", "name": "C", "denomination": "USD" }), part);
        let package = |part: Value| merged(json!({ "creditCurrencyId": shop.credits, "name": "K", "credits": 1, "price": 1, "currency": "USD" }), part);
        for (list, body, name) in [
            ("billable-metrics", metric(json!({ "aggregation": "unique" })), "property"),
            ("billable-metrics", metric(json!({ "aggregation": "count", "property": "p" })), "property"),
            ("billable-metrics", metric(json!({ "aggregation": "median" })), "aggregation"),
            ("billable-metrics", metric(json!({ "eventName": "" })), "eventName"),
            ("billable-metrics", metric(json!({ "productId": "prod_01kwgt3qt8f689ez1ekre217xw" })), "productId"),
            ("features", feature(json!({ "type": "gauge" })), "type"),
            ("features", feature(json!({ "metricId": shop.calls })), "metricId"),
            ("features", feature(json!({ "type": "metered" })), "metricId"),
            ("features", feature(json!({ "type": "metered", "metricId": shop.foreign_metric })), "metricId"),
            ("features", feature(json!({ "type": "metered", "metricId": shop.calls, "creditCost": "1" })), "creditCost"),
            ("features", credit(json!({ "metricId": shop.foreign_metric })), "metricId"),
            ("features", credit(json!({ "creditCurrencyId": "cur_01kwgt3qt8f689ez1ekre217xw" })), "creditCurrencyId"),
            ("features", credit(json!({ "creditCurrencyId": shop.calls })), "creditCurrencyId"),
            ("features", credit(json!({ "creditCost": 1 })), "creditCost"),
            ("features", credit(json!({ "creditCost": "-1" })), "creditCost"),
            ("credit-currencies", currency(json!({ "denomination": "usd" })), "denomination"),
            ("credit-currencies", currency(json!({ "minorUnitScale": 7 })), "minorUnitScale"),
            ("credit-currencies", currency(json!({ "minorUnitScale": 1 })), "minorUnitScale"),
            ("credit-currencies", currency(json!({ "topUpMin": 0 })), "topUpMin"),
            ("credit-currencies", currency(json!({ "topUpMin": 500, "topUpMax": 499 })), "topUpMax"),
            ("credit-packages", package(json!({ "creditCurrencyId": "cur_01kwgt3qt8f689ez1ekre217xw" })), "creditCurrencyId"),
            ("credit-packages", package(json!({ "credits": 0 })), "credits"),
            ("credit-packages", package(json!({ "price": 1_000_000_000_001_i64 })), "price"),
            ("credit-packages", package(json!({ "expiresAfterDays": 0 })), "expiresAfterDays"),
            ("credit-packages", package(json!({ "expiresAfterDays": null })), "expiresAfterDays"),
            ("credit-packages", package(json!({ "status": "archived" })), "status"),
            ("products", json!({ "slug": "new" }), "name"),
            ("products", json!({ "slug": "new", "name": "N", "metadata": { "k": 1 } }), "metadata"),
        ] {
            param(create(&t, list, body).await, name);
        }
        for (list, id, body, name) in [
            ("billable-metrics", &shop.calls, json!({ "aggregation": "max" }), "aggregation"),
            ("billable-metrics", &shop.calls, json!({ "eventName": "other" }), "eventName"),
            ("features", &shop.sso, json!({ "type": "metered" }), "type"),
            ("features", &shop.sso, json!({ "creditCost": "2" }), "creditCost"),
            ("features", &shop.generation, json!({ "creditCost": null }), "creditCost"),
            ("credit-currencies", &shop.credits, json!({ "denomination": "EUR" }), "denomination"),
            ("products", &shop.product, json!({ "name": null }), "name"),
            ("products", &shop.product, json!({ "status": "gone" }), "status"),
        ] {
            param(change(&t, list, id, body).await, name);
        }
        assert_eq!(t.state().await, before);
        let scale = create(&t, "credit-currencies", currency(json!({ "slug": "dinar", "denomination": "KWD" }))).await;
        assert_eq!(scale.expect(201).json()["minorUnitScale"], 3);
        let cost = change(&t, "features", &shop.generation, json!({ "creditCost": "2.50" })).await.expect(200).json();
        assert_eq!(cost["creditCost"], "2.5");
        change(&t, "credit-currencies", &shop.credits, json!({ "topUpMin": 10, "topUpMax": 20 })).await.expect(200);
        param(change(&t, "credit-currencies", &shop.credits, json!({ "topUpMin": 21 })).await, "topUpMax");
        change(&t, "credit-currencies", &shop.credits, json!({ "topUpMin": 21, "topUpMax": null })).await.expect(200);
    }

    async fn image_is_refused_unless_small_data_uri(t) {
        let product = t.make("products", json!({ "slug": "p", "name": "P" })).await;
        let before = t.state().await;
        let long = format!("data:image/png;base64,{}", "A".repeat(32_768 - 21));
        for wrong in [
            "https://example.com/a.png", "data:text/html;base64,PGI+", "data:image/png,abc", "data:image/png;base64,",
            "data:image/png;base64,a", "data:image/png;base64,a-_=", "data:image/tiff;base64,AAAA", "DATA:image/png;base64,AAAA", "", &long,
        ] {
            param(create(&t, "products", json!({ "slug": "q", "name": "Q", "image": wrong })).await, "image");
            param(change(&t, "products", &product, json!({ "image": wrong })).await, "image");
        }
        assert_eq!(t.state().await, before);
        let longest = format!("data:image/svg+xml;base64,{}", "A".repeat(32_740));
        let set = change(&t, "products", &product, json!({ "image": longest })).await.expect(200).json();
        assert_eq!(set["image"], longest);
        let cleared = change(&t, "products", &product, json!({ "image": null })).await.expect(200).json();
        assert_eq!(cleared["image"], Value::Null);
    }

    async fn replayed_creation_creates_nothing(t) {
        let shop = Shop::open(&t).await;
        let request = |body: &Value| post("/v1/plans", body).key(&t.key).header("idempotency-key", "once");
        let made = t.call(request(&shop.plan("pro"))).await.expect(201);
        let before = t.state().await;
        let again = t.call(request(&shop.plan("pro"))).await.expect(201);
        assert_eq!((again.json(), again.header("idempotent-replayed")), (made.json(), Some("true")));
        t.call(request(&shop.plan("other"))).await.refused(422, "idempotency_key_reused");
        assert_eq!(t.state().await, before);
    }

    async fn cursors_keep_the_filter_of_their_list(t) {
        let shop = Shop::open(&t).await;
        let mut made = Vec::new();
        for n in 0..3 {
            made.insert(0, t.make("plans", shop.plan(&format!("p{n}"))).await);
        }
        let other = t.make("products", json!({ "slug": "other", "name": "O" })).await;
        let first = list(&t, &format!("plans?productId={}&limit=2", shop.product)).await;
        assert_eq!(ids(&first), made[..2]);
        let cursor = first["nextCursor"].as_str().unwrap();
        let rest = list(&t, &format!("plans?productId={}&limit=2&cursor={cursor}", shop.product)).await;
        assert_eq!(ids(&rest), made[2..]);
        assert!(ids(&list(&t, &format!("plans?productId={other}")).await).is_empty());
        let strange = get(format!("/v1/plans?productId={other}&cursor={cursor}")).key(&t.key);
        param(t.call(strange).await, "cursor");
        param(t.call(get("/v1/plans?slug=p1").key(&t.key)).await, "slug");
        assert_eq!(ids(&list(&t, "products?slug=other").await), [other]);
    }

    async fn pages_read_buyable_plans_without_metadata(t) {
        let shop = Shop::open(&t).await;
        t.customer("one").await;
        let (token, key) = (t.token("one").await, t.publishable_key_of(t.tenant).await);
        let offered = |slug: &str, part: Value| merged(merged(shop.plan(slug), json!({ "status": "active", "metadata": { "k": "v" } })), part);
        let open = t.make("plans", offered("open", json!({}))).await;
        let hidden = [
            t.make("plans", offered("draft", json!({ "status": "draft" }))).await,
            t.make("plans", offered("archived", json!({ "status": "archived" }))).await,
            t.make("plans", offered("private", json!({ "isPublic": false }))).await,
        ];
        let old = t.make("products", json!({ "slug": "old", "name": "Old" })).await;
        let of_old = t.make("plans", json!({ "productId": old, "slug": "of-old", "name": "O", "billingInterval": "month", "currency": "USD", "status": "active" })).await;
        let feature_of_old = t.make("features", json!({ "productId": old, "slug": "of-old", "name": "O", "type": "boolean" })).await;
        let package = json!({ "creditCurrencyId": shop.credits, "name": "K", "credits": 1, "price": 1, "currency": "USD", "metadata": { "k": "v" } });
        let (bought, gone) = (t.make("credit-packages", package.clone()).await, t.make("credit-packages", package).await);
        change(&t, "credit-packages", &gone, json!({ "status": "archived" })).await.expect(200);
        change(&t, "products", &old, json!({ "status": "archived" })).await.expect(200);
        for page in [true, false] {
            let call = async |path: String| {
                let request = get(path);
                t.call(if page { request.key(&key).header("origin", "https://a.example") } else { request.bearer(&token) }).await
            };
            for (list, expected) in [("plans", vec![&open]), ("credit-packages", vec![&bought]), ("credit-currencies", vec![&shop.credits]), ("products", vec![&shop.other, &shop.product])] {
                let list_of_viewer = call(format!("/v1/{list}")).await.expect(200);
                assert_eq!(ids(&list_of_viewer.json()).iter().collect::<Vec<_>>(), expected, "{list}");
                assert!(!String::from_utf8_lossy(&list_of_viewer.body).contains("metadata"));
            }
            let one = call(format!("/v1/plans/{open}")).await.expect(200).json();
            assert_eq!((&one["name"], one.get("metadata")), (&json!("Pro"), None));
            for plan in hidden.iter().chain([&of_old]) {
                call(format!("/v1/plans/{plan}")).await.refused(404, "not_found");
            }
            for path in [format!("products/{old}"), format!("features/{feature_of_old}"), format!("credit-packages/{gone}"), format!("public/pricing/{old}")] {
                call(format!("/v1/{path}")).await.refused(404, "not_found");
            }
        }
        // A customer sees what it has in any status; other customers do not.
        let theirs = t.token(&t.customer("two").await).await;
        t.subscribed("one", &hidden[1], &shop.product, "active").await;
        t.subscribed("one", &of_old, &old, "pending").await;
        for path in [format!("plans/{}", hidden[1]), format!("plans/{of_old}"), format!("products/{old}"), format!("features/{feature_of_old}"), format!("public/pricing/{old}")] {
            let mine = t.call(get(format!("/v1/{path}")).bearer(&token)).await.expect(200);
            assert!(!String::from_utf8_lossy(&mine.body).contains("metadata"), "{path}");
            t.call(get(format!("/v1/{path}")).bearer(&theirs)).await.refused(404, "not_found");
            t.call(get(format!("/v1/{path}")).key(&key)).await.refused(404, "not_found");
        }
        let mine = t.call(get("/v1/plans").bearer(&token)).await.expect(200).json();
        assert_eq!(ids(&mine), [of_old.as_str(), &hidden[1], &open]);
    }

    async fn pricing_returns_everything_a_pricing_table_shows(t) {
        let shop = Shop::open(&t).await;
        let plan = |slug: &str, part: Value| merged(merged(shop.plan(slug), json!({ "status": "active" })), part);
        let large = t.make("plans", plan("large", json!({ "tier": 2, "name": "Large", "entitlements": [{ "featureId": shop.seats, "type": "metered", "limit": null }, { "featureId": shop.sso, "type": "boolean" }] }))).await;
        let small = t.make("plans", plan("small", json!({ "tier": 1, "name": "Small", "entitlements": [{ "featureId": shop.seats, "type": "metered", "limit": 3 }] }))).await;
        let yearly = t.make("plans", plan("yearly", json!({ "tier": 1, "name": "Small, yearly", "billingInterval": "year", "entitlements": [{ "featureId": shop.generation, "type": "credit" }] }))).await;
        t.make("plans", plan("draft", json!({ "status": "draft", "tier": 1 }))).await;
        let package = |price: i64| json!({ "creditCurrencyId": shop.credits, "name": "K", "credits": 1, "price": price, "currency": "USD" });
        let (dear, cheap) = (t.make("credit-packages", package(900)).await, t.make("credit-packages", package(100)).await);
        let key = t.publishable_key_of(t.tenant).await;
        let pricing = t.call(get(format!("/v1/public/pricing/{}", shop.product)).key(&key)).await.expect(200).json();
        assert_eq!(pricing["product"]["id"], shop.product.as_str());
        let tiers: Vec<Value> = pricing["tiers"].as_array().unwrap().iter().map(|tier| {
            json!([tier["tier"], tier["name"], ids(&json!({ "data": tier["monthly"] })), ids(&json!({ "data": tier["yearly"] }))])
        }).collect();
        assert_eq!(json!(tiers), json!([[1, "Small", [small], [yearly]], [2, "Large", [large], []]]));
        let rows: Vec<Value> = pricing["featureRows"].as_array().unwrap().iter().map(|row| json!([row["feature"]["slug"], row["plans"]])).collect();
        assert_eq!(json!(rows), json!([
            ["seats", [{ "planId": small, "value": { "type": "metered", "limit": 3 } }, { "planId": large, "value": { "type": "metered", "limit": null } }]],
            ["generation", [{ "planId": yearly, "value": { "type": "credit" } }]],
            ["sso", [{ "planId": large, "value": { "type": "boolean" } }]],
        ]));
        assert_eq!(ids(&json!({ "data": pricing["creditCurrencies"] })), [shop.credits.as_str()]);
        assert_eq!(ids(&json!({ "data": pricing["creditPackages"] })), [cheap, dear]);
        // The backend also sees the draft.
        let whole = t.call(get(format!("/v1/public/pricing/{}", shop.product)).key(&t.key)).await.expect(200).json();
        assert_eq!(whole["tiers"][0]["monthly"].as_array().unwrap().len(), 2);
        t.call(get("/v1/public/pricing/api").key(&key)).await.refused(404, "not_found");
    }

    async fn publishable_key_is_refused_after_revocation(t) {
        let live = t.live(t.tenant.organization_id).await;
        let (key, of_live) = (t.publishable_key_of(t.tenant).await, t.publishable_key_of(live).await);
        assert!(key.starts_with("upay_pk_"));
        let product = t.make("products", json!({ "slug": "p", "name": "P" })).await;
        let read = |key: &str| t.call(get(format!("/v1/products/{product}")).key(key));
        read(&key).await.expect(200);
        read(&of_live).await.refused(404, "not_found");
        // A key with the prefix of the other kind is invalid.
        read(&key.replace("upay_pk_", "upay_sk_")).await.refused(401, "invalid_api_key");
        t.suspend(true).await;
        read(&key).await.refused(403, "organization_suspended");
        t.suspend(false).await;
        let keys = t.call(get("/v1/api-keys").key(&t.key)).await.expect(200).json();
        let listed = keys["data"].as_array().unwrap().iter().find(|key| key["kind"] == "publishable").unwrap();
        assert_eq!((&listed["scopes"], listed.get("secret")), (&json!([]), None));
        let path = format!("/v1/api-keys/{}/revoke", listed["id"].as_str().unwrap());
        t.call(post(path, &json!({})).key(&t.key)).await.expect(200);
        read(&key).await.refused(401, "invalid_api_key");
    }
}

const NOW: &str = "2030-01-01T00:00:00.000Z";

/// Creates a product with metrics, features of every type and a credit currency, and another
/// product.
struct Shop {
    product: String,
    other: String,
    foreign_metric: String,
    calls: String,
    tokens: String,
    credits: String,
    sso: String,
    seats: String,
    generation: String,
    region: String,
    models: String,
}

impl Shop {
    async fn open(t: &Test) -> Self {
        let product = t.make("products", json!({ "slug": "api", "name": "API" })).await;
        let other = t.make("products", json!({ "slug": "elsewhere", "name": "E" })).await;
        let metric = |product: &str, name: &str, event: &str| json!({ "productId": product, "eventName": event, "name": name, "aggregation": "sum" });
        let calls = t.make("billable-metrics", metric(&product, "Calls", "call")).await;
        let tokens = t.make("billable-metrics", metric(&product, "Tokens", "token")).await;
        let foreign_metric = t.make("billable-metrics", metric(&other, "Other", "call")).await;
        let credits = json!({ "slug": "tokens", "name": "Tokens", "denomination": "unit" });
        let credits = t.make("credit-currencies", credits).await;
        let feature = async |slug: &str, name: &str, part: Value| {
            let whole = merged(json!({ "productId": product, "slug": slug, "name": name }), part);
            t.make("features", whole).await
        };
        let generation = json!({ "type": "credit", "metricId": tokens, "creditCurrencyId": credits, "creditCost": "1.5" });
        Self {
            sso: feature("sso", "SSO", json!({ "type": "boolean" })).await,
            seats: feature("seats", "Seats", json!({ "type": "metered", "metricId": calls })).await,
            generation: feature("generation", "Generation", generation).await,
            region: feature("region", "Region", json!({ "type": "config" })).await,
            models: feature("models", "Models", json!({ "type": "enum" })).await,
            product,
            other,
            foreign_metric,
            calls,
            tokens,
            credits,
        }
    }

    /// Creates a draft with charges, entitlements and grants of every kind.
    fn plan(&self, slug: &str) -> Value {
        json!({
            "productId": self.product, "slug": slug, "name": "Pro", "billingInterval": "month", "currency": "USD", "trialDays": 14,
            "charges": [
                { "type": "recurring", "amount": 4900, "perUnit": true },
                { "type": "usage", "metricId": self.calls, "includedUnits": "100.5", "tiers": [
                    { "upTo": 1000, "unitPrice": "0.000000000001" }, { "upTo": null, "unitPrice": "0" },
                ] },
                { "type": "one_off", "amount": 0 },
            ],
            "entitlements": [
                { "featureId": self.sso, "type": "boolean" },
                { "featureId": self.seats, "type": "metered", "limit": 10 },
                { "featureId": self.generation, "type": "credit" },
                { "featureId": self.region, "type": "config", "value": "eu" },
                { "featureId": self.models, "type": "enum", "values": ["a", "b"] },
            ],
            "grantRules": [
                { "creditCurrencyId": self.credits, "amount": 1000, "cadence": "period", "rolloverCap": 500 },
                { "creditCurrencyId": self.credits, "amount": 10, "cadence": "day", "rolloverCap": 0 },
            ],
        })
    }
}

fn merged(mut whole: Value, part: Value) -> Value {
    whole.as_object_mut().unwrap().extend(part.as_object().unwrap().clone());
    whole
}

async fn create(t: &Test, list: &str, body: Value) -> Answer {
    t.call(post(format!("/v1/{list}"), &body).key(&t.key)).await
}

async fn change(t: &Test, list: &str, id: &str, body: Value) -> Answer {
    t.call(patch(format!("/v1/{list}/{id}"), &body).key(&t.key)).await
}

async fn read(t: &Test, list: &str, id: &str) -> Value {
    t.call(get(format!("/v1/{list}/{id}")).key(&t.key)).await.expect(200).json()
}

async fn list(t: &Test, query: &str) -> Value {
    t.call(get(format!("/v1/{query}")).key(&t.key)).await.expect(200).json()
}

fn ids(page: &Value) -> Vec<String> {
    let data = page["data"].as_array().unwrap();
    data.iter().map(|object| object["id"].as_str().unwrap().to_owned()).collect()
}

/// Asserts a refusal for this parameter only.
#[track_caller]
fn param(answer: Answer, name: &str) {
    let body = answer.refused(422, "validation_failed").json();
    let params: Vec<&Value> =
        body["errors"].as_array().unwrap().iter().map(|error| &error["param"]).collect();
    assert_eq!(params, [name], "{body}");
}
