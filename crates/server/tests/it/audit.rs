//! The audit log: each change is recorded once with its actor, and never with a secret.

use crate::on_both_stores;
use crate::support::{Request, Test, delete, get, patch, post};
use serde_json::{Value, json};
use unitpay::testing::keys::KeyScopes;

on_both_stores! {
    async fn each_change_records_one_event_with_its_actor(t) {
        let key = own_key_id(&t).await;
        let id = t.customer("one").await;
        let by_key = |action: &str, target: &str, customer: Option<&str>, detail: Value| json!({
            "actorType": "api_key", "actorId": key, "action": action, "targetId": target,
            "customerId": customer, "detail": detail,
        });
        expect_new(&t, 0, &[by_key("customer.created", &id, Some(&id), json!({}))]).await;
        t.call(patch("/v1/customers/one", &json!({ "name": "B", "externalId": null })).key(&t.key)).await.expect(200);
        let detail = json!({ "changed": ["externalId", "name"] });
        expect_new(&t, 1, &[by_key("customer.updated", &id, Some(&id), detail)]).await;
        let minted = t.mint(json!({ "customerId": id })).await.expect(201);
        let (sid, token) = (minted.text("jti"), minted.text("token"));
        // A minted session is its own record.
        expect_new(&t, 2, &[]).await;
        let path = format!("/v1/customers/{id}");
        t.call(patch(&path, &json!({ "email": "b@example.com" })).bearer(&token)).await.expect(200);
        let by_browser = |action: &str, target: &str, detail: Value| json!({
            "actorType": "portal_session", "actorId": sid, "action": action, "targetId": target,
            "customerId": id, "detail": detail,
        });
        let detail = json!({ "changed": ["email"] });
        expect_new(&t, 2, &[by_browser("customer.updated", &id, detail)]).await;
        t.call(delete("/v1/portal-sessions/current").bearer(&token)).await.expect(204);
        expect_new(&t, 3, &[by_browser("portal_session.ended", &sid, json!({}))]).await;
        let second = t.mint(json!({ "customerId": id })).await.expect(201).text("jti");
        t.revoke(json!({ "jti": second })).await.expect(204);
        expect_new(&t, 4, &[by_key("portal_session.revoked", &second, Some(&id), json!({}))]).await;
        t.revoke(json!({ "customerId": id })).await.expect(204);
        let detail = json!({ "generation": 1 });
        expect_new(&t, 5, &[by_key("customer.sessions_revoked", &id, Some(&id), detail)]).await;
        t.call(Request::new("POST", format!("{path}/archive")).key(&t.key)).await.expect(200);
        expect_new(&t, 6, &[by_key("customer.archived", &id, Some(&id), json!({}))]).await;
        t.call(Request::new("POST", format!("{path}/unarchive")).key(&t.key)).await.expect(200);
        expect_new(&t, 7, &[by_key("customer.unarchived", &id, Some(&id), json!({}))]).await;
        let body = json!({ "name": "K", "scopes": ["audit:read"] });
        let made = t.call(post("/v1/api-keys", &body).key(&t.key)).await.expect(201).text("id");
        expect_new(&t, 8, &[by_key("api_key.created", &made, None, body)]).await;
        let path = format!("/v1/api-keys/{made}/revoke");
        t.call(post(path, &json!({ "revokeSessions": true })).key(&t.key)).await.expect(200);
        let detail = json!({ "revokeSessions": true });
        expect_new(&t, 9, &[by_key("api_key.revoked", &made, None, detail)]).await;
    }

    async fn repeated_write_with_a_portal_token_records_no_event(t) {
        let shop = t.shop().await;
        let package = json!({ "creditCurrencyId": shop.credits, "name": "P", "credits": 100, "price": 500, "currency": "USD" });
        let package = t.make("credit-packages", package).await;
        let plan = t.plan(crate::support::monthly("plan", crate::support::flat(1_000))).await;
        t.payer("one").await;
        let subscription = t.buy("one", &plan, 1).await;
        let token = t.token("one").await;
        let id = subscription["id"].as_str().unwrap();
        let card = t.card("one", "pm_sandbox_visa").await;
        let rule = json!({ "enabled": true, "mode": "package", "threshold": 10, "packageId": package });
        let of_it = |what: &str, body: Value| post(format!("/v1/subscriptions/{id}/{what}"), &body);
        let rules = format!("/v1/customers/one/auto-topup-rules/{}", shop.credits);
        let writes = || [
            of_it("cancel", json!({ "reason": "later" })),
            of_it("cancel", json!({})),
            patch("/v1/customers/one", &json!({ "name": "B", "email": "b@example.com" })),
            Request::new("POST", format!("/v1/payment-methods/{card}/default")),
            post("/v1/customers/one/payment-methods", &json!({ "processorToken": "pm_sandbox_visa" })),
            Request::new("PUT", rules.clone()).json(&rule),
        ];
        let write = async |requests: Vec<Request>| {
            for request in requests {
                let answer = t.call(request.bearer(&token)).await;
                assert!(answer.status < 300, "{}", answer.status);
            }
        };
        write(writes().into()).await;
        let before = t.state().await;
        write(writes().into()).await;
        assert_eq!(t.state().await, before);
        let undo = || vec![Request::new("POST", format!("/v1/subscriptions/{id}/uncancel")), of_it("change-plan", json!({ "planId": plan }))];
        write(undo()).await;
        let before = t.state().await;
        write(undo()).await;
        assert_eq!(t.state().await, before);
    }

    async fn no_op_change_records_no_event(t) {
        let id = t.customer("one").await;
        let minted = t.mint(json!({ "customerId": "one", "maxLifetimeSeconds": 3600 })).await.expect(201);
        let (sid, token) = (minted.text("jti"), minted.text("token"));
        t.revoke(json!({ "jti": sid })).await.expect(204);
        let living = t.token("one").await;
        let before = events(&t, "").await;
        t.revoke(json!({ "jti": sid })).await.expect(204);
        t.revoke(json!({ "jti": format!("{sid}.1") })).await.expect(204);
        t.revoke(json!({ "jti": "ps_01kwgt3qt8f689ez1ekre217xw" })).await.expect(204);
        t.revoke(json!({ "customerId": "missing" })).await.refused(404, "customer_not_found");
        t.revoke(json!({})).await.refused(422, "validation_failed");
        t.call(delete("/v1/portal-sessions/current").bearer(&token)).await.refused(401, "session_revoked");
        t.call(patch("/v1/customers/one", &json!({})).key(&t.key)).await.expect(200);
        t.call(patch("/v1/customers/one", &json!({ "name": "A" })).key(&t.key)).await.expect(200);
        t.call(patch("/v1/customers/one", &json!({ "name": "" })).key(&t.key)).await.refused(422, "validation_failed");
        t.call(Request::new("POST", "/v1/customers/one/unarchive").key(&t.key)).await.expect(200);
        t.refresh(&living).await.expect(200);
        t.read(&living).await.expect(200);
        t.call(post("/v1/portal-sessions/introspect", &json!({ "token": living })).key(&t.key)).await.expect(200);
        let twin = json!({ "name": "A", "email": "a@example.com", "externalId": "one" });
        t.call(post("/v1/customers", &twin).key(&t.key)).await.refused(409, "conflict");
        let weak = t.key_of(t.tenant, "customers:read".parse().unwrap()).await;
        let weakest = events(&t, "").await;
        let request = post(format!("/v1/customers/{id}/archive"), &json!({})).key(&weak);
        t.call(request).await.refused(403, "insufficient_scope");
        assert_eq!(events(&t, "").await, weakest);
        // The operator created a key in between.
        assert_eq!(weakest[1..], before);
        assert_eq!((&weakest[0]["actorType"], &weakest[0]["actorId"]), (&json!("operator"), &Value::Null));
    }

    async fn events_are_filtered_by_customer(t) {
        let one = t.customer("one").await;
        let two = t.customer("two").await;
        t.token("one").await;
        t.revoke(json!({ "customerId": "one" })).await.expect(204);
        let actions = async |query: &str| {
            let events = events(&t, query).await;
            let actions = events.iter().map(|event| event["action"].as_str().unwrap().to_owned());
            actions.collect::<Vec<_>>()
        };
        for id in [one.as_str(), "one"] {
            let of_one = actions(&format!("customerId={id}")).await;
            assert_eq!(of_one, ["customer.sessions_revoked", "customer.created"]);
        }
        assert_eq!(actions(&format!("customerId={two}")).await, ["customer.created"]);
        let missing = get("/v1/audit-events?customerId=three").key(&t.key);
        t.call(missing).await.refused(404, "customer_not_found");
    }

    async fn tenant_lists_only_its_own_events(t) {
        let id = t.customer("one").await;
        for tenant in [t.live(t.tenant.organization_id).await, t.organization("another").await] {
            let key = t.key_of(tenant, KeyScopes::ALL).await;
            let before = events(&t, "").await;
            let body = json!({ "name": "A", "email": "a@example.com", "externalId": "one" });
            let theirs = t.call(post("/v1/customers", &body).key(&key)).await.expect(201).text("id");
            let listed = t.call(get("/v1/audit-events?customerId=one").key(&key)).await.expect(200).json();
            assert_eq!(listed["data"].as_array().unwrap().len(), 1);
            assert_eq!(listed["data"][0]["targetId"], theirs.as_str());
            let other = get(format!("/v1/audit-events?customerId={id}")).key(&key);
            t.call(other).await.refused(404, "customer_not_found");
            assert_eq!(events(&t, "").await, before);
        }
    }

    async fn events_contain_no_secret(t) {
        let body = json!({ "name": "K", "scopes": ["customers:read"] });
        let made = t.call(post("/v1/api-keys", &body).key(&t.key)).await.expect(201);
        let named = json!({ "name": "Ada Lovelace", "email": "ada@example.com", "metadata": { "note": "private" } });
        let id = t.call(post("/v1/customers", &named).key(&t.key)).await.expect(201).text("id");
        let renamed = json!({ "name": "Augusta", "metadata": { "note": "secret" } });
        t.call(patch(format!("/v1/customers/{id}"), &renamed).key(&t.key)).await.expect(200);
        let token = t.token(&id).await;
        t.call(delete("/v1/portal-sessions/current").bearer(&token)).await.expect(204);
        t.call(post(format!("/v1/api-keys/{}/revoke", made.text("id")), &json!({})).key(&t.key)).await.expect(200);
        let all = Value::from(events(&t, "").await).to_string();
        for secret in [&made.text("secret")[8..], &t.key[8..], "eyJ", &token, "upay_sk_", "Ada", "ada@", "Augusta", "private", "secret"] {
            assert!(!all.contains(secret), "{secret} in {all}");
        }
    }
}

/// All events, newest first.
async fn events(t: &Test, query: &str) -> Vec<Value> {
    let request = get(format!("/v1/audit-events?limit=100&{query}")).key(&t.key);
    t.call(request).await.expect(200).json()["data"].as_array().unwrap().clone()
}

/// Before, there were `known` events beyond the operator's first one. These are all that came
/// since.
async fn expect_new(t: &Test, known: usize, expected: &[Value]) {
    let mut events = events(t, "").await;
    events.truncate(events.len() - 1 - known);
    for event in &mut events {
        let event = event.as_object_mut().unwrap();
        assert!(event.remove("id").unwrap().as_str().unwrap().starts_with("evt_"));
        assert_eq!(event.remove("createdAt").unwrap(), "2030-01-01T00:00:00.000Z");
    }
    assert_eq!(events, expected);
}

async fn own_key_id(t: &Test) -> String {
    let listed = t.call(get("/v1/api-keys").key(&t.key)).await.expect(200).json();
    listed["data"][0]["id"].as_str().unwrap().to_owned()
}
