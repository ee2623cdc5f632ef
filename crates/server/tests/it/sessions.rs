//! Minting a portal session, and the bounds of each field. `lookups`, `refresh` and `revoke` test
//! what follows.

use crate::on_both_stores;
use crate::support::{Request, Test, claims, get, post};
use serde_json::{Value, json};
use unitpay::testing::base::Time;
use unitpay::testing::keys::KeyScopes;
use unitpay::testing::portal::PortalScopes;

on_both_stores! {
    async fn minted_token_reads_its_own_customer(t) {
        let id = t.customer("cus_123").await;
        let minted = t.mint(json!({ "customerId": "cus_123", "ttlSeconds": 600 })).await.expect(201);
        assert_eq!(minted.text("customerId"), id);
        assert_eq!(minted.text("expiresAt"), "2030-01-01T00:10:00.000Z");
        assert_eq!(minted.text("absoluteExpiresAt"), "2030-01-02T00:00:00.000Z");
        assert_eq!(minted.header("cache-control"), Some("no-store"));
        let read = t.read(&minted.text("token")).await.expect(200);
        assert_eq!(read.json()["customer"]["id"], id.as_str());
        assert_eq!(read.json()["session"]["id"], minted.text("jti").as_str());
    }

    async fn revoked_customer_has_only_later_tokens(t) {
        t.customer("cus_123").await;
        let before = [t.token("cus_123").await, t.token("cus_123").await];
        t.revoke(json!({ "customerId": "cus_123" })).await.expect(204);
        let after = t.token("cus_123").await;
        for token in before {
            t.read(&token).await.refused(401, "session_revoked");
        }
        t.read(&after).await.expect(200);
    }

    async fn token_is_refused_from_the_second_of_its_exp(t) {
        t.customer("cus_123").await;
        let token = t.mint(json!({ "customerId": "cus_123", "ttlSeconds": 60 })).await.text("token");
        t.advance(59);
        t.read(&token).await.expect(200);
        t.advance(1);
        t.read(&token).await.refused(401, "token_expired");
    }
}

/// Asserts that each body is refused by name and that nothing was minted.
async fn refuse_all(t: &Test, bodies: &[(&str, Value)]) {
    for (param, body) in bodies {
        let answer = t.mint(body.clone()).await;
        assert_eq!(answer.status, 422, "{body}");
        let errors = answer.refused(422, "validation_failed").json()["errors"].clone();
        let named: Vec<_> = errors.as_array().unwrap().iter().map(|e| e["param"].clone()).collect();
        assert!(named.contains(&json!(param)), "{param}: {body} answered {errors}");
    }
    assert_eq!(t.sessions("").await, Vec::<Value>::new());
}

/// A mint for `c` with one more field.
fn with(field: &str, value: impl Into<Value>) -> (String, Value) {
    (field.to_owned(), json!({ "customerId": "c", field: value.into() }))
}

async fn refuse_fields(t: &Test, fields: Vec<(String, Value)>) {
    let bodies: Vec<_> =
        fields.iter().map(|(field, body)| (field.as_str(), body.clone())).collect();
    refuse_all(t, &bodies).await;
}

on_both_stores! {
    async fn ttl_out_of_bounds_is_refused_not_clamped(t) {
        t.customer("c").await;
        let mut fields = Vec::new();
        for bad in [59, 86_401, 0, -60, i64::MAX, i64::MIN] {
            fields.push(with("ttlSeconds", bad));
            fields.push(with("maxLifetimeSeconds", bad));
        }
        fields.push(with("maxLifetimeSeconds", 3_599));
        refuse_fields(&t, fields).await;
        let shorter = json!({ "customerId": "c", "ttlSeconds": 600, "maxLifetimeSeconds": 599 });
        t.mint(shorter).await.refused(422, "validation_failed");

        for (body, expires, ends) in [
            (json!({}), "2030-01-01T01:00:00.000Z", "2030-01-02T00:00:00.000Z"),
            (json!({ "ttlSeconds": 60 }), "2030-01-01T00:01:00.000Z", "2030-01-02T00:00:00.000Z"),
            (json!({ "ttlSeconds": 86_400 }), "2030-01-02T00:00:00.000Z", "2030-01-02T00:00:00.000Z"),
            (json!({ "maxLifetimeSeconds": 3_600 }), "2030-01-01T01:00:00.000Z", "2030-01-01T01:00:00.000Z"),
            (
                json!({ "ttlSeconds": 60, "maxLifetimeSeconds": 60 }),
                "2030-01-01T00:01:00.000Z",
                "2030-01-01T00:01:00.000Z",
            ),
        ] {
            let mut body = body;
            body["customerId"] = json!("c");
            let minted = t.mint(body).await.expect(201);
            assert_eq!(minted.text("expiresAt"), expires);
            assert_eq!(minted.text("absoluteExpiresAt"), ends);
            let claims = claims(&minted.text("token"));
            let life = claims["exp"].as_i64().unwrap() - 1_893_456_000;
            assert_eq!(claims["iat"], 1_893_456_000);
            assert_eq!(Time::from_seconds(1_893_456_000 + life).to_string(), expires);
        }
    }

    async fn coercible_values_are_refused(t) {
        t.customer("c").await;
        let mut fields = vec![with("customerId", 1), with("customerId", ""), with("customerId", "a\nb")];
        fields.push(with("customerId", "é".repeat(65)));
        for field in ["customerId", "ttlSeconds", "maxLifetimeSeconds", "scopes", "readOnly",
            "allowedOrigins", "invalidateExisting", "metadata"] {
            fields.push(with(field, Value::Null));
            fields.push(with(field, json!({ "a": { "b": 1 } })));
            fields.push(with(field, json!([[]])));
        }
        for field in ["ttlSeconds", "maxLifetimeSeconds"] {
            for bad in [json!("3600"), json!(3600.0), json!(true), json!(1e30)] {
                fields.push(with(field, bad));
            }
        }
        for field in ["readOnly", "invalidateExisting"] {
            for bad in [json!("true"), json!(1), json!(0), json!("")] {
                fields.push(with(field, bad));
            }
        }
        for field in ["Customerid", "customer_id", "ttl", "exp", "sub", "org", "env", "token", ""] {
            fields.push(with(field, "c"));
        }
        refuse_fields(&t, fields).await;
        refuse_all(&t, &[("customerId", json!({})), ("customerId", json!({ "ttlSeconds": 60 }))]).await;
        // `json!` would print these numbers in their shortest form.
        for number in ["6e1", "60.0", "60e0", "1e400", "0x3c", "060", "+60", "-0"] {
            let body = format!(r#"{{"customerId":"c","ttlSeconds":{number}}}"#);
            let answer = t.call(Request::new("POST", "/v1/portal-sessions").raw_json(body).key(&t.key)).await;
            match number {
                "0x3c" | "060" | "+60" => answer.refused(400, "malformed_request"),
                _ => answer.refused(422, "validation_failed"),
            };
        }
        assert_eq!(t.sessions("").await, Vec::<Value>::new());
    }

    async fn session_gets_no_scope_that_its_key_lacks(t) {
        t.customer("c").await;
        let narrow: KeyScopes = "portal_sessions:write customers:read invoices:write".parse().unwrap();
        let narrow = t.key_of(t.tenant, narrow).await;
        let mint = async |key: &str, body: Value| {
            let mut body = body;
            body["customerId"] = json!("c");
            t.call(post("/v1/portal-sessions", &body).key(key)).await
        };
        let all = mint(&t.key, json!({})).await.expect(201).json()["scopes"].clone();
        assert_eq!(all, json!(PortalScopes::NAMES));
        let some = mint(&narrow, json!({})).await.expect(201);
        assert_eq!(some.json()["scopes"], json!(["customer:read", "invoices:pay"]));
        assert_eq!(claims(&some.text("token"))["scope"], "customer:read invoices:pay");
        let read = mint(&t.key, json!({ "readOnly": true })).await.expect(201).json()["scopes"].clone();
        let reading: Vec<_> = PortalScopes::NAMES.iter().filter(|name| name.ends_with(":read")).collect();
        assert_eq!(read, json!(reading));
        let read = mint(&narrow, json!({ "readOnly": true })).await.expect(201).json()["scopes"].clone();
        assert_eq!(read, json!(["customer:read"]));
        let named = json!({ "scopes": ["invoices:pay", "customer:read"], "readOnly": false });
        let named = mint(&t.key, named).await.expect(201).json()["scopes"].clone();
        assert_eq!(named, json!(["customer:read", "invoices:pay"]));

        let before = t.sessions("").await.len();
        for beyond in [json!(["customer:write"]), json!(["customer:read", "invoices:read"])] {
            mint(&narrow, json!({ "scopes": beyond })).await.refused(403, "insufficient_scope");
        }
        let none = t.key_of(t.tenant, "portal_sessions:write".parse().unwrap()).await;
        mint(&none, json!({})).await.refused(403, "insufficient_scope");
        mint(&none, json!({ "readOnly": true })).await.refused(403, "insufficient_scope");
        let reader = t.key_of(t.tenant, "portal_sessions:read".parse().unwrap()).await;
        mint(&reader, json!({})).await.refused(403, "insufficient_scope");
        for bad in [
            json!({ "scopes": [] }),
            json!({ "scopes": ["customer:admin"] }),
            json!({ "scopes": ["customer:read "] }),
            json!({ "scopes": ["customer:read customer:write"] }),
            json!({ "scopes": ["Customer:Read"] }),
            json!({ "scopes": "customer:read" }),
            json!({ "scopes": [1] }),
            json!({ "scopes": ["customer:read", null] }),
            json!({ "scopes": ["portal_sessions:write"] }),
            json!({ "scopes": ["customer:read"], "readOnly": true }),
        ] {
            mint(&t.key, bad).await.refused(422, "validation_failed");
        }
        assert_eq!(t.sessions("").await.len(), before);
    }

    async fn origin_is_refused_unless_serialized_as_browsers_do(t) {
        t.customer("c").await;
        let long = format!("https://{}.example", "a".repeat(260));
        let eleven: Vec<_> = (0..11).map(|n| format!("https://{n}.example.com")).collect();
        let mut fields = vec![with("allowedOrigins", eleven.clone()), with("allowedOrigins", "https://a.example")];
        for bad in [
            "", "*", "null", "https://", "a.example", "//a.example", "https:a.example", "ftp://a.example",
            "https://a.example/", "https://a.example/path", "https://a.example?q", "https://a.example#f",
            "HTTPS://a.example", "https://A.example", "https://*.example", "https://u@a.example",
            "https://u:p@a.example", "https://a.example:443", "http://a.example:80", "https://a.example:",
            "https://a.example:99999", "https://a.example:0443", "https://:8080", " https://a.example",
            "https://a.example ", "https://a.example\n", "https://a b.example", "https://bücher.example",
            "https://[::1", "https://::1", "https://a,b", "https://a.example https://b.example",
            &long,
        ] {
            fields.push(with("allowedOrigins", json!(["https://ok.example", bad])));
        }
        refuse_fields(&t, fields).await;

        let origins = ["https://a.example", "http://localhost:3000", "http://127.0.0.1:8080",
            "http://[::1]:3000", "https://a.example:8443", "http://a.example:443", "https://xn--bcher-kva.example"];
        let body = json!({ "customerId": "c", "allowedOrigins": origins });
        let token = t.mint(body).await.expect(201).text("token");
        assert_eq!(t.sessions("").await[0]["allowedOrigins"], json!(origins));
        let from = async |origin: &str| {
            t.call(get("/v1/portal-sessions/current").bearer(&token).header("origin", origin)).await
        };
        for origin in origins.into_iter().chain(["https://billing.example.com"]) {
            from(origin).await.expect(200);
        }
        t.read(&token).await.expect(200);
        for origin in ["null", "https://b.example", "http://a.example", "https://a.example:444",
            "https://A.example", "https://a.example.evil.example", ""] {
            from(origin).await.refused(403, "origin_not_allowed");
        }
        let ten: Vec<_> = eleven.into_iter().skip(1).collect();
        t.mint(json!({ "customerId": "c", "allowedOrigins": ten })).await.expect(201);
        let any = t.mint(json!({ "customerId": "c", "allowedOrigins": [] })).await.expect(201).text("token");
        let request = get("/v1/portal-sessions/current").bearer(&any);
        t.call(request.clone().header("origin", "https://b.example")).await.expect(200);
        t.call(request.header("origin", "null")).await.refused(403, "origin_not_allowed");
    }

    async fn metadata_is_bounded_and_returned_unchanged(t) {
        t.customer("c").await;
        let keys = |count: usize| -> Value { (0..count).map(|n| (format!("k{n}"), json!("v"))).collect::<serde_json::Map<_, _>>().into() };
        let mut fields = vec![with("metadata", keys(21)), with("metadata", json!({ "": "v" }))];
        fields.push(with("metadata", json!({ "é".repeat(41): "v" })));
        fields.push(with("metadata", json!({ "k": "é".repeat(501) })));
        for bad in [json!(1), json!(true), json!(null), json!(["v"]), json!({ "k": "v" })] {
            fields.push(with("metadata", json!({ "k": bad })));
        }
        fields.push(with("metadata", "v"));
        refuse_fields(&t, fields).await;
        let kept = json!({ "é".repeat(40): "é".repeat(500), "quote\"": "\n\\ and 🔑", "empty": "" });
        for metadata in [keys(20), kept, json!({})] {
            t.mint(json!({ "customerId": "c", "metadata": metadata })).await.expect(201);
            assert_eq!(t.sessions("?limit=1").await[0]["metadata"], metadata);
        }
    }

    async fn mint_requires_an_active_customer_of_the_tenant(t) {
        let customer = t.customer("c").await;
        let other = t.organization("other").await;
        let live = t.live(t.tenant.organization_id).await;
        let usual = KeyScopes::USUAL;
        let (other_key, live_key) = (t.key_of(other, usual).await, t.key_of(live, usual).await);
        for key in [&other_key, &live_key] {
            for id in [customer.as_str(), "c"] {
                let body = json!({ "customerId": id });
                t.call(post("/v1/portal-sessions", &body).key(key)).await.refused(404, "customer_not_found");
            }
        }
        for unknown in ["cus_01kwgt3qt8f689ez1ekre217xw", "nobody", "C", "c ", &customer.to_uppercase()] {
            t.mint(json!({ "customerId": unknown })).await.refused(404, "customer_not_found");
        }
        // The same external id in another tenant is another customer.
        let new = json!({ "name": "B", "email": "b@example.com", "externalId": "c" });
        let foreign = t.call(post("/v1/customers", &new).key(&live_key)).await.expect(201).text("id");
        let body = json!({ "customerId": "c" });
        let minted = t.call(post("/v1/portal-sessions", &body).key(&live_key)).await.expect(201);
        assert_eq!(minted.text("customerId"), foreign);
        assert_eq!(claims(&minted.text("token"))["env"], "live");
        t.mint(json!({ "customerId": foreign })).await.refused(404, "customer_not_found");
        assert_eq!(t.sessions("").await, Vec::<Value>::new());

        t.call(post(format!("/v1/customers/{customer}/archive"), &json!({})).key(&t.key)).await.expect(200);
        for id in [customer.as_str(), "c"] {
            t.mint(json!({ "customerId": id })).await.refused(409, "customer_archived");
            let replacing = json!({ "customerId": id, "invalidateExisting": true });
            t.mint(replacing).await.refused(409, "customer_archived");
        }
        assert_eq!(t.sessions("").await, Vec::<Value>::new());
    }

    async fn invalidating_mint_ends_all_other_sessions(t) {
        t.customer("c").await;
        t.customer("d").await;
        let (first, second, other) = (t.token("c").await, t.token("c").await, t.token("d").await);
        let kept = json!({ "customerId": "c", "invalidateExisting": false });
        let third = t.mint(kept).await.expect(201).text("token");
        t.read(&first).await.expect(200);
        let replacing = json!({ "customerId": "c", "invalidateExisting": true });
        let last = t.mint(replacing).await.expect(201).text("token");
        for token in [first, second, third] {
            t.read(&token).await.refused(401, "session_revoked");
        }
        t.read(&last).await.expect(200);
        t.read(&other).await.expect(200);
        let revoked = t.sessions("?customerId=c&status=revoked").await;
        assert_eq!(revoked.len(), 3);
        assert!(revoked.iter().all(|session| session["revokedReason"] == "replaced"), "{revoked:?}");
        assert_eq!(t.sessions("?customerId=c&status=active").await.len(), 1);
    }
}
