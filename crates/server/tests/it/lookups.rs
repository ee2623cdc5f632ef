//! The backend's views of sessions: list, single session, introspection.

use crate::on_both_stores;
use crate::support::{Answer, Request, Test, claims, get, post};
use serde_json::{Value, json};
use unitpay::testing::keys::KeyScopes;

async fn introspect(t: &Test, key: &str, token: &str) -> Answer {
    let body = json!({ "token": token });
    t.call(post("/v1/portal-sessions/introspect", &body).key(key)).await
}

fn form(body: impl Into<Vec<u8>>) -> Request {
    let mut request = Request::new("POST", "/v1/portal-sessions/introspect")
        .header("content-type", "application/x-www-form-urlencoded");
    request.body = body.into();
    request
}

fn ids(sessions: &[Value]) -> Vec<&str> {
    sessions.iter().map(|session| session["id"].as_str().unwrap()).collect()
}

fn sid_of(token: &str) -> String {
    claims(token)["sid"].as_str().unwrap().to_owned()
}

on_both_stores! {
    async fn list_distinguishes_active_expired_and_revoked(t) {
        let c = t.customer("c").await;
        t.customer("d").await;
        let short = json!({ "customerId": "c", "ttlSeconds": 60 });
        let expired = sid_of(&t.mint(short.clone()).await.expect(201).text("token"));
        let both = t.mint(short).await.expect(201).text("jti");
        t.revoke(json!({ "jti": both })).await.expect(204);
        t.advance(60);
        let revoked = sid_of(&t.token("c").await);
        t.revoke(json!({ "jti": revoked })).await.expect(204);
        let active = sid_of(&t.token("c").await);
        let others = sid_of(&t.token("d").await);

        for (query, expected) in [
            ("", vec![&others, &active, &revoked, &both, &expired]),
            ("?customerId=c", vec![&active, &revoked, &both, &expired]),
            (&format!("?customerId={c}"), vec![&active, &revoked, &both, &expired]),
            ("?status=active", vec![&others, &active]),
            ("?status=expired", vec![&expired]),
            ("?status=revoked", vec![&revoked, &both]),
            ("?customerId=c&status=active", vec![&active]),
            ("?customerId=d&status=revoked", vec![]),
        ] {
            assert_eq!(ids(&t.sessions(query).await), expected, "{query}");
        }
        for (query, status, code) in [
            ("?status=dead", 422, "validation_failed"),
            ("?status=", 422, "validation_failed"),
            ("?status=Active", 422, "validation_failed"),
            ("?status=active&status=expired", 422, "validation_failed"),
            ("?customer=c", 422, "validation_failed"),
            ("?customerId=", 422, "validation_failed"),
            ("?customerId=nobody", 404, "customer_not_found"),
        ] {
            let list = get(format!("/v1/portal-sessions{query}")).key(&t.key);
            t.call(list).await.refused(status, code);
        }
    }

    async fn session_is_returned_without_its_token(t) {
        let c = t.customer("c").await;
        let body = json!({ "customerId": "c", "ttlSeconds": 600, "maxLifetimeSeconds": 900, "readOnly": true,
            "allowedOrigins": ["https://a.example"], "metadata": { "order": "7" } });
        let minted = t.mint(body).await.expect(201);
        let (token, sid) = (minted.text("token"), minted.text("jti"));
        t.advance(450);
        t.refresh(&token).await.expect(200);
        let read = async || t.call(get(format!("/v1/portal-sessions/{sid}")).key(&t.key)).await;
        let shown = read().await.expect(200);
        let key_id = shown.text("createdByKeyId");
        assert!(key_id.starts_with("key_"), "{key_id}");
        let expected = json!({
            "id": sid, "customerId": c, "status": "active", "scopes": minted.json()["scopes"],
            "allowedOrigins": ["https://a.example"], "createdAt": "2030-01-01T00:00:00.000Z",
            "expiresAt": "2030-01-01T00:15:00.000Z", "absoluteExpiresAt": "2030-01-01T00:15:00.000Z",
            "refreshCount": 1, "revokedAt": null, "revokedReason": null, "createdByKeyId": key_id,
            "origin": "api_key", "invoiceId": null,
            "metadata": { "order": "7" },
        });
        assert_eq!(shown.json(), expected);
        assert_eq!(t.sessions("").await, [expected]);
        t.revoke(json!({ "jti": sid })).await.expect(204);
        let shown = read().await.expect(200);
        assert_eq!(shown.text("status"), "revoked");
        assert_eq!(shown.text("revokedAt"), "2030-01-01T00:07:30.000Z");
        assert_eq!(shown.text("revokedReason"), "revoked");

        for unknown in ["ps_01kwgt3qt8f689ez1ekre217xw", &sid.to_uppercase(), &format!("{sid}.1"), "x", &token, &c] {
            t.call(get(format!("/v1/portal-sessions/{unknown}")).key(&t.key)).await.refused(404, "not_found");
        }
        let other = t.organization("other").await;
        for tenant in [other, t.live(t.tenant.organization_id).await] {
            let key = t.key_of(tenant, KeyScopes::USUAL).await;
            let foreign = t.call(get(format!("/v1/portal-sessions/{sid}")).key(&key)).await;
            foreign.refused(404, "not_found");
            let list = t.call(get("/v1/portal-sessions").key(&key)).await.expect(200);
            assert_eq!(list.json()["data"], json!([]));
            let filtered = t.call(get(format!("/v1/portal-sessions?customerId={c}")).key(&key)).await;
            filtered.refused(404, "customer_not_found");
        }
    }

    async fn active_token_introspects_to_its_claims(t) {
        t.customer("c").await;
        let token = t.mint(json!({ "customerId": "c", "ttlSeconds": 600 })).await.expect(201).text("token");
        let expected = |token: &str| {
            let mut expected = claims(token);
            expected["active"] = json!(true);
            expected["token_type"] = json!("Bearer");
            expected
        };
        assert_eq!(introspect(&t, &t.key, &token).await.expect(200).json(), expected(&token));
        let hinted = form(format!("token={token}&token_type_hint=access_token")).key(&t.key);
        assert_eq!(t.call(hinted).await.expect(200).json(), expected(&token));
        t.advance(450);
        let next = t.refresh(&token).await.expect(200).text("token");
        assert_ne!(next, token);
        for token in [token, next] {
            assert_eq!(introspect(&t, &t.key, &token).await.expect(200).json(), expected(&token));
        }
    }

    async fn inactive_token_introspects_to_active_false_only(t) {
        let inactive = async |key: &str, token: &str| {
            let answer = introspect(&t, key, token).await.expect(200);
            assert_eq!(answer.body, br#"{"active":false}"#, "{token:?}");
            assert_eq!(answer.header("content-type"), Some("application/json"));
        };
        let c = t.customer("c").await;
        let token = t.token("c").await;
        let other = t.organization("other").await;
        for tenant in [other, t.live(t.tenant.organization_id).await] {
            inactive(&t.key_of(tenant, KeyScopes::USUAL).await, &token).await;
        }
        let cut = &token[..token.len() - 1];
        for garbage in ["", "x", "a.b.c", "a\nb", " ", "ü🔑", &t.key, cut, &token.repeat(40), &format!("Bearer {token}")] {
            inactive(&t.key, garbage).await;
        }
        let revoked = t.token("c").await;
        t.revoke(json!({ "jti": sid_of(&revoked) })).await.expect(204);
        inactive(&t.key, &revoked).await;
        let expired = t.mint(json!({ "customerId": "c", "ttlSeconds": 60 })).await.expect(201).text("token");
        t.advance(60);
        inactive(&t.key, &expired).await;
        t.set_archived(&c, "archive").await.expect(200);
        inactive(&t.key, &token).await;

        for (body, status, code) in [
            (json!({}), 422, "validation_failed"),
            (json!({ "token": null }), 422, "validation_failed"),
            (json!({ "token": 1 }), 422, "validation_failed"),
            (json!({ "token": "x", "sid": "y" }), 422, "validation_failed"),
        ] {
            t.call(post("/v1/portal-sessions/introspect", &body).key(&t.key)).await.refused(status, code);
        }
        t.call(form("token=a&token=b").key(&t.key)).await.refused(422, "validation_failed");
        t.call(form("").key(&t.key)).await.refused(422, "validation_failed");
        t.suspend(true).await;
        introspect(&t, &t.key, &token).await.refused(403, "organization_suspended");
    }
}
