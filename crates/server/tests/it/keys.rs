//! Secret keys: what they may create, their lifetime, what is shown.

use crate::on_both_stores;
use crate::support::{Answer, Test, get, post};
use serde_json::{Value, json};
use unitpay::testing::keys::KeyScopes;

on_both_stores! {
    async fn new_key_shows_its_secret_once(t) {
        let body = json!({ "name": "backend", "scopes": ["customers:read", "audit:read"] });
        let made = create(&t, &t.key, &body).await.expect(201).json();
        let secret = made["secret"].as_str().unwrap();
        assert!(secret.starts_with("upay_sk_") && secret.len() == 79);
        let mut listed = made.clone();
        listed.as_object_mut().unwrap().remove("secret");
        let expected = json!({
            "id": made["id"], "kind": "secret", "name": "backend", "env": "sandbox",
            "scopes": ["customers:read", "audit:read"], "lastFour": &secret[75..],
            "createdAt": "2030-01-01T00:00:00.000Z", "expiresAt": null, "lastUsedAt": null,
            "revokedAt": null,
        });
        assert_eq!(listed, expected);
        let list = list(&t).await;
        assert_eq!(list[0], expected);
        assert!(list.iter().all(|key| key.get("secret").is_none()));
        t.call(get("/v1/customers").key(secret)).await.expect(200);
        t.call(post("/v1/customers", &json!({})).key(secret)).await.refused(403, "insufficient_scope");
        let path = format!("/v1/api-keys/{}/revoke", made["id"].as_str().unwrap());
        let revoked = t.call(post(path, &json!({})).key(&t.key)).await.expect(200).json();
        assert_eq!(revoked.get("secret"), None);
    }

    async fn new_key_inherits_scopes_except_api_keys_write(t) {
        let made = create(&t, &t.key, &json!({ "name": "usual" })).await.expect(201).json();
        assert_eq!(made["scopes"], json!(KeyScopes::USUAL));
        let maker = "api_keys:write customers:read".parse().unwrap();
        let maker = t.key_of(t.tenant, maker).await;
        let made = create(&t, &maker, &json!({ "name": "less" })).await.expect(201).json();
        assert_eq!(made["scopes"], json!(["customers:read"]));
        let made = create(&t, &maker, &json!({ "name": "k", "scopes": ["api_keys:write"] })).await;
        assert_eq!(made.expect(201).json()["scopes"], json!(["api_keys:write"]));
    }

    async fn key_cannot_create_a_key_with_more_scopes(t) {
        for name in KeyScopes::NAMES {
            let rest: Vec<&str> = KeyScopes::NAMES.iter().copied().filter(|n| n != name).collect();
            let maker = t.key_of(t.tenant, rest.join(" ").parse().unwrap()).await;
            let before = t.state().await;
            let refused = create(&t, &maker, &json!({ "name": "more", "scopes": [name] })).await;
            refused.refused(403, "insufficient_scope");
            assert_eq!(t.state().await, before, "{name}");
        }
    }

    async fn unknown_scopes_are_refused(t) {
        let before = t.state().await;
        for scopes in [
            json!([]), json!(["*"]), json!(["customers"]), json!(["Customers:read"]),
            json!(["customers:read "]), json!(["customers:read audit:read"]), json!([""]),
            json!("customers:read"), json!([null]), json!([1]), json!(null), json!({}),
            json!(["customer:read"]), json!(vec!["customers:read"; KeyScopes::NAMES.len() + 1]),
        ] {
            let body = json!({ "name": "wrong", "scopes": scopes });
            invalid(create(&t, &t.key, &body).await, "scopes");
        }
        for name in [json!(""), json!("n".repeat(101)), json!("a\u{0}"), json!("a\nb"), json!(null), json!(1)] {
            let body = json!({ "name": name });
            create(&t, &t.key, &body).await.refused(422, "validation_failed");
        }
        // The caller chooses neither organization nor environment.
        for (extra, value) in [("env", "live"), ("organizationId", "org_01kwgt3qt8f689ez1ekre217xw"), ("id", "key_1"), ("secret", "s")] {
            invalid(create(&t, &t.key, &json!({ "name": "k", extra: value })).await, extra);
        }
        assert_eq!(t.state().await, before);
    }

    async fn new_key_belongs_to_the_tenant_of_its_creator(t) {
        let live = t.live(t.tenant.organization_id).await;
        let another = t.organization("another").await;
        for (tenant, env) in [(live, "live"), (another, "sandbox")] {
            let maker = t.key_of(tenant, KeyScopes::ALL).await;
            let before = list(&t).await;
            let made = create(&t, &maker, &json!({ "name": "theirs" })).await.expect(201).json();
            assert_eq!(made["env"], env);
            assert_eq!(list(&t).await, before);
            let path = format!("/v1/api-keys/{}/revoke", made["id"].as_str().unwrap());
            t.call(post(&path, &json!({})).key(&t.key)).await.refused(404, "not_found");
            t.call(get("/v1/customers").key(made["secret"].as_str().unwrap())).await.expect(200);
            t.call(post(&path, &json!({})).key(&maker)).await.expect(200);
        }
    }

    async fn key_expires_and_creates_no_longer_lived_key(t) {
        let end = "2030-01-01T01:00:00.000Z";
        let all: Vec<&str> = KeyScopes::NAMES.to_vec();
        let body = json!({ "name": "short", "scopes": all, "expiresAt": "2030-01-01T03:00:00+02:00" });
        let short = create(&t, &t.key, &body).await.expect(201);
        assert_eq!(short.text("expiresAt"), end);
        let short = short.text("secret");
        let before = t.state().await;
        for wrong in [
            json!("2030-01-01T00:00:00.000Z"), json!("2029-12-31T23:59:59Z"), json!("2030-01-01T01:00:00.001Z"),
            json!("2030-01-01"), json!("2030-01-01T00:30:00"), json!("never"), json!(""), json!(1893459600),
            json!(null), json!("+999999-01-01T00:00:00Z"),
        ] {
            let body = json!({ "name": "later", "expiresAt": wrong });
            invalid(create(&t, &short, &body).await, "expiresAt");
        }
        assert_eq!(t.state().await, before);
        // Without an expiry of its own it gets its creator's.
        let inherits = create(&t, &short, &json!({ "name": "inherits" })).await.expect(201);
        assert_eq!(inherits.text("expiresAt"), end);
        t.customer("one").await;
        let token = t.call(post("/v1/portal-sessions", &json!({ "customerId": "one" })).key(&short)).await.text("token");
        t.advance(3_599);
        t.call(get("/v1/customers").key(&short)).await.expect(200);
        t.advance(1);
        for key in [short, inherits.text("secret")] {
            t.call(get("/v1/customers").key(&key)).await.refused(401, "invalid_api_key");
        }
        // Its session ended with the token, not with the key.
        t.read(&token).await.refused(401, "token_expired");
    }

    async fn expired_key_leaves_its_sessions_valid(t) {
        let body = json!({ "name": "short", "expiresAt": "2030-01-01T00:00:10Z" });
        let short = create(&t, &t.key, &body).await.expect(201).text("secret");
        t.customer("one").await;
        let token = t.call(post("/v1/portal-sessions", &json!({ "customerId": "one" })).key(&short)).await.text("token");
        t.advance(10);
        t.call(get("/v1/customers").key(&short)).await.refused(401, "invalid_api_key");
        t.read(&token).await.expect(200);
    }

    async fn revoked_key_ends_its_sessions_only_when_requested(t) {
        t.customer("one").await;
        let made = create(&t, &t.key, &json!({ "name": "leaked" })).await.expect(201);
        let (id, secret) = (made.text("id"), made.text("secret"));
        let mint = post("/v1/portal-sessions", &json!({ "customerId": "one" })).key(&secret);
        let token = t.call(mint).await.text("token");
        let others = t.token("one").await;
        let revoke = |body: Value| t.call(post(format!("/v1/api-keys/{id}/revoke"), &body).key(&t.key));
        t.advance(5);
        let revoked = revoke(json!({})).await.expect(200).json();
        assert_eq!(revoked["revokedAt"], "2030-01-01T00:00:05.000Z");
        t.call(get("/v1/customers").key(&secret)).await.refused(401, "invalid_api_key");
        t.read(&token).await.expect(200);
        t.advance(5);
        // A second revocation may add the sessions' end and keeps the first time.
        assert_eq!(revoke(json!({ "revokeSessions": true })).await.expect(200).json(), revoked);
        t.read(&token).await.refused(401, "session_revoked");
        assert_eq!(revoke(json!({ "revokeSessions": false })).await.expect(200).json(), revoked);
        t.read(&token).await.refused(401, "session_revoked");
        t.read(&others).await.expect(200);
        let before = t.state().await;
        for body in [json!({ "revokeSessions": null }), json!({ "revokeSessions": "true" }), json!({ "x": 1 })] {
            revoke(body).await.refused(422, "validation_failed");
        }
        for missing in ["key_01kwgt3qt8f689ez1ekre217xw", "key_1", "KEY", &id.to_uppercase(), &secret] {
            let path = format!("/v1/api-keys/{missing}/revoke");
            t.call(post(path, &json!({})).key(&t.key)).await.refused(404, "not_found");
        }
        assert_eq!(t.state().await, before);
    }

    async fn key_can_revoke_itself(t) {
        let made = create(&t, &t.key, &json!({ "name": "self", "scopes": ["api_keys:write"] })).await.expect(201);
        let request = post(format!("/v1/api-keys/{}/revoke", made.text("id")), &json!({}));
        t.call(request.clone().key(&made.text("secret"))).await.expect(200);
        t.call(request.key(&made.text("secret"))).await.refused(401, "invalid_api_key");
    }

    async fn last_use_of_a_key_is_recorded(t) {
        let made = create(&t, &t.key, &json!({ "name": "used" })).await.expect(201);
        let id = made.text("id");
        let last_used = async || {
            t.app.key_uses.write(&t.app.db).await.unwrap();
            let list = list(&t).await;
            list.iter().find(|key| key["id"] == id.as_str()).unwrap()["lastUsedAt"].clone()
        };
        assert_eq!(last_used().await, Value::Null);
        t.advance(60);
        t.call(get("/v1/customers").key(&made.text("secret"))).await.expect(200);
        assert_eq!(last_used().await, "2030-01-01T00:01:00.000Z");
        t.advance(60);
        // A request refused for its secret is not a use of the key.
        let mistyped = made.text("secret").replace("upay_sk_", "upay_sk_0");
        t.call(get("/v1/customers").key(&mistyped)).await.refused(401, "invalid_api_key");
        assert_eq!(last_used().await, "2030-01-01T00:01:00.000Z");
    }

    async fn replayed_key_creation_omits_the_secret(t) {
        let body = json!({ "name": "once" });
        let request = || post("/v1/api-keys", &body).key(&t.key).header("idempotency-key", "k-1");
        let first = t.call(request()).await.expect(201);
        assert_eq!(first.header("idempotent-replayed"), None);
        let before = t.state().await;
        let again = t.call(request()).await.expect(201);
        assert_eq!(again.header("idempotent-replayed"), Some("true"));
        assert_eq!(t.state().await, before);
        let (mut first, again) = (first.json(), again.json());
        assert!(first.as_object_mut().unwrap().remove("secret").is_some());
        assert_eq!(again, first);
    }

    async fn key_grants_only_scopes_that_it_has(t) {
        t.customer("one").await;
        let scopes = "portal_sessions:write customers:read invoices:write";
        let key = t.key_of(t.tenant, scopes.parse().unwrap()).await;
        let mint = |body: Value| t.call(post("/v1/portal-sessions", &body).key(&key));
        let all = mint(json!({ "customerId": "one" })).await.expect(201).json();
        assert_eq!(all["scopes"], json!(["customer:read", "invoices:pay"]));
        let read_only = mint(json!({ "customerId": "one", "readOnly": true })).await.expect(201).json();
        assert_eq!(read_only["scopes"], json!(["customer:read"]));
        let before = t.state().await;
        let more = json!({ "customerId": "one", "scopes": ["customer:read", "customer:write"] });
        mint(more).await.refused(403, "insufficient_scope");
        let nothing = t.key_of(t.tenant, "portal_sessions:write".parse().unwrap()).await;
        let nothing = post("/v1/portal-sessions", &json!({ "customerId": "one" })).key(&nothing);
        t.call(nothing).await.refused(403, "insufficient_scope");
        assert_eq!(t.state().await[1], before[1]);
    }
}

async fn create(t: &Test, key: &str, body: &Value) -> Answer {
    t.call(post("/v1/api-keys", body).key(key)).await
}

async fn list(t: &Test) -> Vec<Value> {
    let list = t.call(get("/v1/api-keys?limit=100").key(&t.key)).await.expect(200).json();
    list["data"].as_array().unwrap().clone()
}

#[track_caller]
fn invalid(answer: Answer, param: &str) {
    let body = answer.refused(422, "validation_failed").json();
    assert_eq!(body["errors"][0]["param"], param, "{body}");
}
