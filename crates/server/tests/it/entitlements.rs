//! Entitlements: what a customer has by its plans, and what it may use now.

use crate::on_both_stores;
use crate::support::{Answer, Test, WalletOf, get, patch, post};
use serde_json::{Value, json};
use unitpay::testing::credits::{self, GrantSource};
use unitpay::testing::customers::{self, CustomerRef};
use unitpay::testing::db::{Lane, Tx};

on_both_stores! {
    async fn entitlements_are_the_union_with_the_larger_limit(t) {
        let shop = Shop::open(&t).await;
        assert_eq!(entitlements(&t, "one").await, json!([]));
        let small = shop.plan(&t, &shop.product, ("small", 1), json!([
            { "featureId": shop.sso, "type": "boolean" }, { "featureId": shop.calls, "type": "metered", "limit": 10 },
            { "featureId": shop.region, "type": "config", "value": "eu" }, { "featureId": shop.models, "type": "enum", "values": ["a", "b"] },
        ])).await;
        let large = shop.plan(&t, &shop.other, ("large", 2), json!([
            { "featureId": shop.calls, "type": "metered", "limit": 50 }, { "featureId": shop.generation, "type": "credit" },
            { "featureId": shop.region, "type": "config", "value": "us" }, { "featureId": shop.models, "type": "enum", "values": ["b", "c"] },
        ])).await;
        t.subscribed("one", &small, &shop.product, "active").await;
        let has = |entitlements: Value| entitlements.as_array().unwrap().iter().map(|has| {
            let mut has = has.clone();
            let fields = has.as_object_mut().unwrap();
            for shown in ["featureId", "name"] {
                fields.remove(shown).unwrap();
            }
            has
        }).collect::<Vec<_>>();
        assert_eq!(has(entitlements(&t, "one").await), [
            json!({ "slug": "sso", "type": "boolean", "access": true }),
            json!({ "slug": "calls", "type": "metered", "limit": 10, "usage": "0", "remaining": "10" }),
            json!({ "slug": "region", "type": "config", "value": "eu" }),
            json!({ "slug": "models", "type": "enum", "values": ["a", "b"] }),
        ]);
        t.subscribed("one", &large, &shop.other, "trialing").await;
        t.grant(shop.wallet("one"), GrantSource::Promotional, 500, None).await;
        assert_eq!(has(entitlements(&t, "one").await), [
            json!({ "slug": "calls", "type": "metered", "limit": 50, "usage": "0", "remaining": "50" }),
            json!({ "slug": "generation", "type": "credit", "balance": 500, "creditCurrencyId": shop.credits, "creditCost": "1.5" }),
            json!({ "slug": "region", "type": "config", "value": "us" }),
            json!({ "slug": "models", "type": "enum", "values": ["b", "c", "a"] }),
            json!({ "slug": "sso", "type": "boolean", "access": true }),
        ]);
        // Unlimited is larger than any limit, and a plan's entitlements change immediately.
        let unlimited = json!({ "entitlements": [{ "featureId": shop.calls, "type": "metered", "limit": null }] });
        t.call(patch(format!("/v1/plans/{small}"), &unlimited).key(&t.key)).await.expect(200);
        assert_eq!(has(entitlements(&t, "one").await)[0], json!({ "slug": "calls", "type": "metered", "limit": null, "usage": "0", "remaining": null }));
        assert_eq!(has(entitlements(&t, "one").await).len(), 4);
        let id = customers::get(&mut t.app.db.read().await.unwrap(), &t.tenant, &CustomerRef::External("one".into())).await.unwrap().unwrap().id;
        assert_eq!(entitlements(&t, &id.to_string()).await, entitlements(&t, "one").await);
    }

    async fn entitlements_need_a_subscription_with_access(t) {
        let shop = Shop::open(&t).await;
        let plan = shop.plan(&t, &shop.product, ("plan", 1), json!([{ "featureId": shop.sso, "type": "boolean" }])).await;
        for (status, access) in [("trialing", true), ("active", true), ("past_due", true), ("pending", false), ("canceled", false)] {
            t.customer(status).await;
            t.subscribed(status, &plan, &shop.product, status).await;
            let answer = check(&t, json!({ "customerId": status, "featureSlug": "sso" })).await.expect(200).json();
            let denied = if access { Value::Null } else { json!("no_entitlement") };
            assert_eq!((&answer["access"], answer.get("deniedReason").unwrap_or(&Value::Null)), (&json!(access), &denied), "{status}");
            assert_eq!(answer["feature"]["slug"], "sso");
        }
    }

    async fn usage_counts_against_the_limit(t) {
        let shop = Shop::open(&t).await;
        let plan = shop.plan(&t, &shop.product, ("plan", 1), json!([{ "featureId": shop.calls, "type": "metered", "limit": 10 }])).await;
        t.subscribed("one", &plan, &shop.product, "active").await;
        let event = json!({ "customerId": "one", "eventName": "call", "quantity": 8.5, "idempotencyKey": "1" });
        t.call(post("/v1/usage/track", &event).key(&t.key)).await.expect(200);
        let before = t.state().await;
        for (usage, access) in [
            (json!(1), true), (json!(1.5), true), (json!("1.5"), true), (json!("1.500001"), false), (json!(2), false), (json!(0), true), (json!(1_000_000_000), false), (Value::Null, true),
        ] {
            let mut body = json!({ "customerId": "one", "featureSlug": "calls", "requestedUsage": usage });
            if usage.is_null() {
                body.as_object_mut().unwrap().remove("requestedUsage");
            }
            let answer = check(&t, body).await.expect(200).json();
            assert_eq!((&answer["access"], &answer["remaining"], &answer["creditBalance"]), (&json!(access), &json!("1.5"), &Value::Null), "{usage}");
            assert_eq!(answer.get("deniedReason"), (!access).then_some(&json!("usage_exceeded")), "{usage}");
        }
        // A check consumes nothing.
        assert_eq!(t.state().await, before);
        // Beyond the limit, the rest is zero.
        let more = json!({ "customerId": "one", "eventName": "call", "quantity": 5, "idempotencyKey": "2" });
        t.call(post("/v1/usage/track", &more).key(&t.key)).await.expect(200);
        let over = check(&t, json!({ "customerId": "one", "featureSlug": "calls" })).await.expect(200).json();
        assert_eq!((&over["access"], &over["remaining"]), (&json!(false), &json!("0")));
    }

    async fn credit_check_compares_with_the_debit(t) {
        let shop = Shop::open(&t).await;
        let plan = shop.plan(&t, &shop.product, ("plan", 1), json!([{ "featureId": shop.generation, "type": "credit" }])).await;
        t.subscribed("one", &plan, &shop.product, "active").await;
        let ask = async |usage: Value| check(&t, json!({ "customerId": "one", "featureSlug": "generation", "requestedUsage": usage })).await.expect(200).json();
        let none = ask(json!(1)).await;
        assert_eq!((&none["access"], &none["deniedReason"], &none["creditBalance"]), (&json!(false), &json!("credit_exhausted"), &json!(0)));
        let end = t.app.clock.now().plus_days(1);
        t.grant(shop.wallet("one"), GrantSource::Promotional, 10, Some(end)).await;
        // Each unit costs 1.5, and the cost of an event is rounded up.
        for (usage, access) in [(json!(6), true), (json!("6.666666"), true), (json!("6.666667"), false), (json!(7), false), (json!(1_000_000_000), false)] {
            let answer = ask(usage.clone()).await;
            assert_eq!((&answer["access"], &answer["creditBalance"], &answer["remaining"]), (&json!(access), &json!(10), &Value::Null), "{usage}");
        }
        // Expired credits are gone, whether or not a job has recorded it.
        t.advance(86_400);
        assert_eq!(ask(json!(1)).await["creditBalance"], 0);
        assert_eq!(entitlements(&t, "one").await[0]["balance"], 0);
        t.grant(shop.wallet("one"), GrantSource::Promotional, 10, None).await;
        assert_eq!(ask(json!(1)).await["access"], true);
        let (tenant, no) = (t.tenant, t.customer_no("one").await);
        t.app.db.write(Lane::Usual, async move |tx: &mut Tx<'_, '_>| credits::freeze_all(tx, &tenant, no).await).await.unwrap();
        let frozen = ask(json!(1)).await;
        assert_eq!((&frozen["access"], &frozen["deniedReason"], &frozen["creditBalance"]), (&json!(false), &json!("credit_exhausted"), &json!(10)));
    }

    async fn enum_values_are_allowed_when_the_plan_has_all(t) {
        let shop = Shop::open(&t).await;
        let plan = shop.plan(&t, &shop.product, ("plan", 1), json!([
            { "featureId": shop.region, "type": "config", "value": "eu" }, { "featureId": shop.models, "type": "enum", "values": ["a", "b"] },
        ])).await;
        t.subscribed("one", &plan, &shop.product, "active").await;
        for (slug, values, access) in [
            ("models", json!(["a"]), true), ("models", json!(["b", "a"]), true), ("models", json!([]), true), ("models", json!(["a", "c"]), false), ("models", json!(["A"]), false),
            ("region", json!(["eu"]), true), ("region", json!(["us"]), false), ("region", json!(["eu", "us"]), false),
        ] {
            let answer = check(&t, json!({ "customerId": "one", "featureSlug": slug, "requestedValues": values })).await.expect(200).json();
            assert_eq!(answer["access"], access, "{slug} {values}");
            assert_eq!(answer.get("deniedReason"), (!access).then_some(&json!("no_entitlement")));
        }
        assert_eq!(check(&t, json!({ "customerId": "one", "featureSlug": "models" })).await.expect(200).json()["access"], true);
    }

    async fn invalid_check_fields_are_named(t) {
        let shop = Shop::open(&t).await;
        assert!(!shop.sso.is_empty());
        for (part, param) in [
            (json!({ "featureSlug": null }), "featureSlug"), (json!({ "featureSlug": "" }), "featureSlug"), (json!({ "customerId": 1 }), "customerId"),
            (json!({ "requestedUsage": -1 }), "requestedUsage"), (json!({ "requestedUsage": "1e30" }), "requestedUsage"),
            (json!({ "requestedUsage": 1_000_000_001 }), "requestedUsage"), (json!({ "requestedUsage": true }), "requestedUsage"), (json!({ "requestedUsage": null }), "requestedUsage"),
            (json!({ "featureSlug": "models", "requestedValues": "a" }), "requestedValues"), (json!({ "featureSlug": "models", "requestedValues": [1] }), "requestedValues"),
            (json!({ "requestedUsage": 1, "requestedValues": [] }), "requestedValues"), (json!({ "featureSlug": "sso", "requestedUsage": 1 }), "requestedUsage"),
            (json!({ "featureSlug": "models", "requestedUsage": 1 }), "requestedUsage"), (json!({ "requestedValues": ["a"] }), "requestedValues"), (json!({ "x": 1 }), "x"),
        ] {
            let mut body = json!({ "customerId": "one", "featureSlug": "calls" });
            body.as_object_mut().unwrap().extend(part.as_object().unwrap().clone());
            let refused = check(&t, body).await.refused(422, "validation_failed").json();
            let params: Vec<&Value> = refused["errors"].as_array().unwrap().iter().map(|error| &error["param"]).collect();
            assert_eq!(params, [param], "{part}");
        }
        check(&t, json!({ "featureSlug": "calls" })).await.refused(422, "validation_failed");
        check(&t, json!({ "customerId": "two", "featureSlug": "calls" })).await.refused(404, "customer_not_found");
        check(&t, json!({ "customerId": "one", "featureSlug": "nothing" })).await.refused(404, "not_found");
        let named_twice = post("/v1/customers/one/check", &json!({ "customerId": "one", "featureSlug": "calls" })).key(&t.key);
        t.call(named_twice).await.refused(422, "validation_failed");
    }

    async fn browser_reads_entitlements_of_an_archived_product(t) {
        let shop = t.shop().await;
        t.subscriber(&shop, "has").await;
        t.customer("has none").await;
        let archived = crate::support::patch(format!("/v1/products/{}", shop.product), &json!({ "status": "archived" }));
        t.call(archived.key(&t.key)).await.expect(200);
        let usage = format!("/v1/usage?metricId={}", shop.call);
        let asked = json!({ "featureSlug": "calls" });
        for (customer, knows) in [("has", true), ("has none", false)] {
            let token = t.token(customer).await;
            for request in [get(&usage), post("/v1/check", &asked)] {
                let answer = t.call(request.bearer(&token)).await;
                if knows { answer.expect(200) } else { answer.refused(404, "not_found") };
            }
            // The backend learns which features exist.
            let named = json!({ "featureSlug": "calls", "customerId": customer });
            t.call(post("/v1/check", &named).key(&t.key)).await.expect(200);
        }
    }

    async fn browser_checks_only_its_own_customer(t) {
        let shop = Shop::open(&t).await;
        t.customer("two").await;
        let plan = shop.plan(&t, &shop.product, ("plan", 1), json!([{ "featureId": shop.sso, "type": "boolean" }])).await;
        t.subscribed("one", &plan, &shop.product, "active").await;
        let (one, two) = (t.token("one").await, t.token("two").await);
        let ask = |token: &str, body: Value| t.call(post("/v1/check", &body).bearer(token));
        for body in [json!({ "featureSlug": "sso" }), json!({ "featureSlug": "sso", "customerId": "one" })] {
            assert_eq!(ask(&one, body).await.expect(200).json()["access"], true);
        }
        assert_eq!(ask(&two, json!({ "featureSlug": "sso" })).await.expect(200).json()["access"], false);
        ask(&two, json!({ "featureSlug": "sso", "customerId": "one" })).await.refused(404, "customer_not_found");
        let ask = |path: &str, token: &str| t.call(get(format!("/v1/customers/{path}/entitlements")).bearer(token));
        assert_eq!(ask("one", &one).await.expect(200).json()["data"].as_array().unwrap().len(), 1);
        ask("one", &two).await.refused(404, "customer_not_found");
        let check_one = |token: &str| t.call(post("/v1/customers/one/check", &json!({ "featureSlug": "sso" })).bearer(token));
        assert_eq!(check_one(&one).await.expect(200).json()["access"], true);
        check_one(&two).await.refused(404, "customer_not_found");
    }
}

/// Two products, features of every type, and the customer `one`.
struct Shop {
    product: String,
    other: String,
    credits: String,
    sso: String,
    calls: String,
    generation: String,
    region: String,
    models: String,
}

impl Shop {
    async fn open(t: &Test) -> Self {
        t.customer("one").await;
        let product = t.make("products", json!({ "slug": "api", "name": "API" })).await;
        let other = t.make("products", json!({ "slug": "more", "name": "More" })).await;
        let metric = |event: &str| json!({ "productId": product, "eventName": event, "name": event, "aggregation": "sum" });
        let call = t.make("billable-metrics", metric("call")).await;
        let token = t.make("billable-metrics", metric("token")).await;
        let credits = json!({ "slug": "credits", "name": "Credits", "denomination": "unit" });
        let credits = t.make("credit-currencies", credits).await;
        let feature = async |slug: &str, part: Value| {
            let mut whole = json!({ "productId": product, "slug": slug, "name": slug });
            whole.as_object_mut().unwrap().extend(part.as_object().unwrap().clone());
            t.make("features", whole).await
        };
        let credit = json!({ "type": "credit", "metricId": token, "creditCurrencyId": credits, "creditCost": "1.5" });
        Self {
            sso: feature("sso", json!({ "type": "boolean" })).await,
            calls: feature("calls", json!({ "type": "metered", "metricId": call })).await,
            generation: feature("generation", credit).await,
            region: feature("region", json!({ "type": "config" })).await,
            models: feature("models", json!({ "type": "enum" })).await,
            product,
            other,
            credits,
        }
    }

    /// An active plan with this entitlement.
    async fn plan(
        &self,
        t: &Test,
        product: &str,
        (slug, tier): (&str, i64),
        gives: Value,
    ) -> String {
        let plan = json!({
            "productId": product, "slug": slug, "name": slug, "tier": tier, "billingInterval": "month", "currency": "USD",
            "status": "active", "entitlements": gives,
        });
        t.make("plans", plan).await
    }

    fn wallet<'a>(&'a self, customer: &'a str) -> WalletOf<'a> {
        WalletOf { customer, currency: &self.credits }
    }
}

async fn entitlements(t: &Test, customer: &str) -> Value {
    let path = format!("/v1/customers/{customer}/entitlements");
    t.call(get(path).key(&t.key)).await.expect(200).json()["data"].clone()
}

async fn check(t: &Test, body: Value) -> Answer {
    t.call(post("/v1/check", &body).key(&t.key)).await
}
