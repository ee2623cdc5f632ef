//! Revocation: what it ends, what it keeps, and that no session comes back.

use crate::on_both_stores;
use crate::support::{Answer, Request, Test, claims, get, post};
use serde_json::{Value, json};
use unitpay::testing::db::{Sql, sql};
use unitpay::testing::keys::KeyScopes;

const REVOKE: &str = "/v1/portal-sessions/revoke";

fn sid_of(token: &str) -> String {
    claims(token)["sid"].as_str().unwrap().to_owned()
}

/// The time and reason of each ended session in the list.
async fn ends(t: &Test) -> Vec<(Value, Value, Value)> {
    let row = |s: &Value| (s["status"].clone(), s["revokedAt"].clone(), s["revokedReason"].clone());
    t.sessions("").await.iter().map(row).collect()
}

async fn events(t: &Test) -> usize {
    let list = t.call(get("/v1/audit-events?limit=100").key(&t.key)).await.expect(200);
    list.json()["data"].as_array().unwrap().len()
}

async fn raw(t: &Test, body: impl Into<Vec<u8>>) -> Answer {
    t.call(Request::new("POST", REVOKE).raw_json(body).key(&t.key)).await
}

on_both_stores! {
    async fn revoking_any_jti_ends_the_session(t) {
        t.customer("c").await;
        for which in [".0", ".1", ".2", ".3", ".4294967295"] {
            let first = t.mint(json!({ "customerId": "c", "ttlSeconds": 60 })).await.expect(201).text("token");
            let bystander = t.token("c").await;
            t.advance(45);
            let second = t.refresh(&first).await.expect(200).text("token");
            t.advance(45);
            let third = t.refresh(&second).await.expect(200).text("token");
            let jti = sid_of(&first) + if which == ".0" { "" } else { which };
            let answer = t.revoke(json!({ "jti": jti })).await.expect(204);
            assert!(answer.body.is_empty());
            t.read(&first).await.refused(401, "token_expired");
            for token in [&second, &third] {
                t.read(token).await.refused(401, "session_revoked");
                t.refresh(token).await.refused(401, "session_revoked");
            }
            t.read(&bystander).await.expect(200);
        }
    }

    async fn revoking_unknown_or_foreign_jti_is_a_no_op(t) {
        t.customer("c").await;
        let token = t.token("c").await;
        let other = t.organization("other").await;
        for tenant in [other, t.live(t.tenant.organization_id).await] {
            let key = t.key_of(tenant, KeyScopes::USUAL).await;
            let foreign = post(REVOKE, &json!({ "jti": sid_of(&token) })).key(&key);
            t.call(foreign).await.expect(204);
        }
        t.read(&token).await.expect(200);
        t.revoke(json!({ "jti": "ps_01kwgt3qt8f689ez1ekre217xw" })).await.expect(204);
        t.revoke(json!({ "jti": "ps_01kwgt3qt8f689ez1ekre217xw.7" })).await.expect(204);

        let only = json!({ "customerId": "c", "ttlSeconds": 60, "maxLifetimeSeconds": 60 });
        let expired = t.mint(only).await.expect(201).text("jti");
        t.advance(3_600);
        // This node takes the session for expired. Another node may not: it is marked all the same.
        let before = events(&t).await;
        t.revoke(json!({ "jti": expired })).await.expect(204);
        assert_eq!(ends(&t).await[0].0, "revoked");
        assert_eq!(events(&t).await, before + 1);

        let revoked = [t.token("c").await, t.token("c").await];
        t.revoke(json!({ "jti": sid_of(&revoked[0]) })).await.expect(204);
        t.advance(1);
        t.revoke(json!({ "customerId": "c" })).await.expect(204);
        let before = (ends(&t).await, events(&t).await);
        t.advance(1);
        for token in &revoked {
            t.revoke(json!({ "jti": sid_of(token) })).await.expect(204);
        }
        assert_eq!((ends(&t).await, events(&t).await), before);
    }

    async fn revoke_requires_exactly_one_jti_or_customer(t) {
        let c = t.customer("c").await;
        let token = t.token("c").await;
        let sid = sid_of(&token);
        for body in [
            json!({}),
            json!({ "jti": sid, "customerId": c }),
            json!({ "jti": sid, "customerId": null }),
            json!({ "jti": null, "customerId": "c" }),
            json!({ "jti": null }),
            json!({ "customerId": null }),
            json!({ "jti": "" }),
            json!({ "customerId": "" }),
            json!({ "jti": sid, "reason": "x" }),
            json!({ "customerId": "c", "all": true }),
            json!({ "jti": token }),
            json!({ "jti": [sid] }),
            json!({ "jti": { "sid": sid } }),
            json!({ "jti": 1 }),
            json!({ "jti": true }),
            json!({ "customerId": [c] }),
            json!({ "customerId": 7 }),
            json!({ "sid": sid }),
            json!({ "JTI": sid }),
            json!({ "jti": sid.to_uppercase() }),
            json!({ "jti": format!("{sid} ") }),
            json!({ "jti": format!("{sid}.0") }),
            json!({ "jti": format!("{sid}.01") }),
            json!({ "jti": format!("{sid}.1.1") }),
            json!({ "jti": format!("{sid}.4294967296") }),
            json!({ "jti": &sid[3..] }),
            json!({ "jti": c }),
            json!([{ "jti": sid }]),
            json!([sid]),
            json!(sid),
            json!(null),
        ] {
            let answer = raw(&t, body.to_string()).await;
            assert_eq!(answer.status, 422, "{body}");
            answer.refused(422, "validation_failed");
        }
        for body in [
            format!(r#"{{"jti":"{sid}","jti":"{sid}"}}"#),
            format!(r#"{{"customerId":"c","customerId":"{c}"}}"#),
            format!(r#"{{"jti":"{sid}","jti":null}}"#),
            r#"{"customerId":"c","\u0063ustomerId":"c"}"#.to_owned(),
            r#"{"customerId":"c\u0000"}"#.to_owned(),
        ] {
            raw(&t, body).await.refused(422, "validation_failed");
        }
        for body in [
            format!(r#"{{"jti":"{sid}""#),
            format!(r#"{{"jti":"{sid}"}} {{"customerId":"c"}}"#),
            format!(r#"{{"jti":"{sid}"}},"#),
            format!("{{'jti':'{sid}'}}"),
            format!("jti={sid}"),
            String::new(),
        ] {
            raw(&t, body).await.refused(400, "malformed_request");
        }
        raw(&t, [b"{\"jti\":\"\xff".as_slice(), sid.as_bytes(), b"\"}"].concat()).await.refused(400, "malformed_request");
        let form = Request::new("POST", REVOKE).header("content-type", "application/x-www-form-urlencoded");
        t.call(form.key(&t.key)).await.refused(415, "unsupported_media_type");
        t.read(&token).await.expect(200);
        assert_eq!(ends(&t).await, [(json!("active"), Value::Null, Value::Null)]);
    }

    async fn customer_is_revoked_by_id_or_external_id(t) {
        let c = t.customer("c").await;
        t.customer("d").await;
        let bystander = t.token("d").await;
        for name in [c.as_str(), "c"] {
            let tokens = [t.token("c").await, t.token(&c).await];
            t.revoke(json!({ "customerId": name })).await.expect(204);
            for token in &tokens {
                t.read(token).await.refused(401, "session_revoked");
                t.refresh(token).await.refused(401, "session_revoked");
                t.log_out(token).await.refused(401, "session_revoked");
            }
        }
        t.revoke(json!({ "customerId": "c" })).await.expect(204);
        let token = t.token("c").await;
        let other = t.organization("other").await;
        for tenant in [other, t.live(t.tenant.organization_id).await] {
            let key = t.key_of(tenant, KeyScopes::USUAL).await;
            for name in [c.as_str(), "c"] {
                let foreign = post(REVOKE, &json!({ "customerId": name })).key(&key);
                t.call(foreign).await.refused(404, "customer_not_found");
            }
        }
        for unknown in ["C", "nobody", "cus_01kwgt3qt8f689ez1ekre217xw", &sid_of(&token)] {
            t.revoke(json!({ "customerId": unknown })).await.refused(404, "customer_not_found");
        }
        for token in [&token, &bystander] {
            t.read(token).await.expect(200);
        }
    }

    /// Timestamps could not distinguish these, because the clock stands still.
    async fn revocation_is_exact_within_one_instant(t) {
        t.customer("c").await;
        let mut dead = Vec::new();
        for _ in 0..5 {
            let before = [t.token("c").await, t.token("c").await];
            t.revoke(json!({ "customerId": "c" })).await.expect(204);
            dead.extend(before);
            t.read(&t.token("c").await).await.expect(200);
            for token in &dead {
                t.read(token).await.refused(401, "session_revoked");
            }
        }
        // Revoking one jti in the same instant ends only its own session.
        let (one, two) = (t.token("c").await, t.token("c").await);
        t.revoke(json!({ "jti": sid_of(&one) })).await.expect(204);
        t.read(&one).await.refused(401, "session_revoked");
        t.read(&two).await.expect(200);
    }

    async fn revoke_works_for_archived_and_suspended(t) {
        let c = t.customer("c").await;
        let token = t.token("c").await;
        let jti = sid_of(&t.token("c").await);
        t.suspend(true).await;
        t.revoke(json!({ "jti": jti })).await.expect(204);
        t.revoke(json!({ "customerId": "c" })).await.expect(204);
        t.mint(json!({ "customerId": "c" })).await.refused(403, "organization_suspended");
        t.suspend(false).await;
        t.read(&token).await.refused(401, "session_revoked");
        assert!(ends(&t).await.iter().all(|(status, ..)| status == "revoked"));

        let token = t.token("c").await;
        t.set_archived("c", "archive").await.expect(200);
        t.revoke(json!({ "customerId": "c" })).await.expect(204);
        t.revoke(json!({ "customerId": c, })).await.expect(204);
        t.revoke(json!({ "jti": sid_of(&token) })).await.expect(204);
        t.read(&token).await.refused(401, "customer_archived");
    }

    async fn ended_session_never_comes_back(t) {
        let c = t.customer("c").await;
        let tokens = [t.token("c").await, t.token("c").await, t.token("c").await, t.token("c").await];
        t.revoke(json!({ "jti": sid_of(&tokens[0]) })).await.expect(204);
        t.log_out(&tokens[1]).await.expect(204);
        t.revoke(json!({ "customerId": "c" })).await.expect(204);
        let last = t.token("c").await;
        let again = || async {
            for token in tokens.iter().chain([&last]) {
                t.read(token).await.refused(401, "session_revoked");
            }
        };
        t.set_archived(&c, "archive").await.expect(200);
        t.set_archived(&c, "unarchive").await.expect(200);
        again().await;
        t.suspend(true).await;
        t.suspend(false).await;
        again().await;
        let patch = crate::support::patch("/v1/customers/c", &json!({ "name": "B" })).key(&t.key);
        t.call(patch).await.expect(200);
        again().await;
        t.app.signing.rotate(&t.app.clock, &t.app.random).await.unwrap();
        again().await;
        t.read(&t.token("c").await).await.expect(200);
    }

    async fn list_shows_when_and_why_each_session_ended(t) {
        let c = t.customer("c").await;
        for (second, reason) in ["revoked", "signed_out", "customer_revoked", "replaced", "api_key_revoked",
            "signing_key_revoked", "customer_archived"].into_iter().enumerate() {
            let key = t.key_of(t.tenant, KeyScopes::ALL).await;
            let mint = post("/v1/portal-sessions", &json!({ "customerId": "c" })).key(&key);
            let minted = t.call(mint).await.expect(201);
            let (token, jti) = (minted.text("token"), minted.text("jti"));
            t.advance(1);
            match reason {
                "revoked" => t.revoke(json!({ "jti": jti })).await.expect(204),
                "signed_out" => t.log_out(&token).await.expect(204),
                "customer_revoked" => t.revoke(json!({ "customerId": c })).await.expect(204),
                "replaced" => {
                    let body = json!({ "customerId": c, "invalidateExisting": true });
                    let next = t.mint(body).await.expect(201);
                    t.revoke(json!({ "jti": next.text("jti") })).await.expect(204)
                }
                "api_key_revoked" => {
                    let shown = t.call(get(format!("/v1/portal-sessions/{jti}")).key(&t.key)).await;
                    let path = format!("/v1/api-keys/{}/revoke", shown.text("createdByKeyId"));
                    t.call(post(path, &json!({ "revokeSessions": true })).key(&t.key)).await.expect(200)
                }
                "signing_key_revoked" => {
                    let kid = t.app.signing.active().unwrap().kid().to_owned();
                    t.app.signing.revoke(kid, &t.app.clock, &t.app.random).await.unwrap();
                    t.read(&token).await
                }
                _ => t.set_archived(&c, "archive").await.expect(200),
            };
            let path = format!("/v1/portal-sessions/{jti}");
            let shown = t.call(get(path).key(&t.key)).await.expect(200).json();
            assert_eq!(shown["status"], "revoked", "{reason}");
            assert_eq!(shown["revokedReason"], reason);
            assert_eq!(shown["revokedAt"], format!("2030-01-01T00:00:0{}.000Z", second + 1));
            assert_eq!(t.sessions("?status=active").await, Vec::<Value>::new());
            let code = if reason == "customer_archived" { reason } else { "session_revoked" };
            t.read(&token).await.refused(401, code);
        }
    }

    async fn logout_ends_only_this_session(t) {
        t.customer("c").await;
        let (token, bystander) = (t.token("c").await, t.token("c").await);
        t.advance(2_700);
        let next = t.refresh(&token).await.expect(200).text("token");
        let answer = t.log_out(&token).await.expect(204);
        assert!(answer.body.is_empty());
        for token in [&token, &next] {
            t.read(token).await.refused(401, "session_revoked");
            t.log_out(token).await.refused(401, "session_revoked");
        }
        t.read(&bystander).await.expect(200);
    }

    async fn revoked_api_key_ends_sessions_only_when_requested(t) {
        t.customer("c").await;
        let usual = t.key_of(t.tenant, KeyScopes::USUAL).await;
        let mint = async |key: &str| {
            t.call(post("/v1/portal-sessions", &json!({ "customerId": "c" })).key(key)).await
        };
        let token = mint(&usual).await.expect(201).text("token");
        let bystander = t.token("c").await;
        let key_id = t.sessions("?limit=2").await[1]["createdByKeyId"].as_str().unwrap().to_owned();
        let revoke = async |body: Value| {
            t.call(post(format!("/v1/api-keys/{key_id}/revoke"), &body).key(&t.key)).await.expect(200);
        };
        revoke(json!({})).await;
        mint(&usual).await.refused(401, "invalid_api_key");
        t.read(&token).await.expect(200);
        revoke(json!({ "revokeSessions": true })).await;
        t.read(&token).await.refused(401, "session_revoked");
        t.refresh(&token).await.refused(401, "session_revoked");
        revoke(json!({ "revokeSessions": false })).await;
        t.read(&token).await.refused(401, "session_revoked");
        t.read(&bystander).await.expect(200);
    }

    async fn revoking_100000_sessions_is_one_write(t) {
        const LIVING: Sql = sql("SELECT COUNT(*) FROM portal_sessions s JOIN customers c \
            ON c.no = s.customer_no WHERE s.generation = c.generation");
        const TOUCHED: Sql = sql("SELECT COUNT(*) FROM portal_sessions WHERE revoked_at IS NOT NULL");
        t.customer("c").await;
        t.customer("d").await;
        let bystander = t.token("d").await;
        let tokens = [t.token("c").await, t.token("c").await, t.token("c").await];
        t.copy_session(&sid_of(&tokens[2]), 100_000).await;
        assert_eq!(t.count(&LIVING).await, 100_004);
        t.revoke(json!({ "customerId": "c" })).await.expect(204);
        for token in &tokens {
            t.read(token).await.refused(401, "session_revoked");
        }
        t.read(&bystander).await.expect(200);
        assert_eq!(t.count(&LIVING).await, 1);
        assert_eq!(t.count(&TOUCHED).await, 0);
        t.read(&t.token("c").await).await.expect(200);
        assert_eq!(t.sessions("?customerId=c&status=active").await.len(), 1);
        assert_eq!(t.sessions("?customerId=c&status=revoked&limit=100").await.len(), 100);
    }
}
