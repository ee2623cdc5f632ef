//! `Idempotency-Key`: a repeated request gets the first response again.

use crate::on_both_stores;
use crate::support::{Answer, Request, Test, delete, patch, post};
use futures_util::future::join_all;
use serde_json::{Value, json};
use unitpay::testing::keys::KeyScopes;

const REPLAYED: &str = "idempotent-replayed";

on_both_stores! {
    async fn replayed_mint_returns_the_same_bytes(t) {
        t.customer("one").await;
        let body = json!({ "customerId": "one", "ttlSeconds": 600, "scopes": ["customer:read"] });
        let first = t.call(mint(&t, &body, "k")).await.expect(201);
        assert_eq!(first.header(REPLAYED), None);
        let before = t.state().await;
        t.advance(300);
        let again = t.call(mint(&t, &body, "k")).await.expect(201);
        assert_eq!(again.header(REPLAYED), Some("true"));
        assert_eq!(again.header("cache-control"), Some("no-store"));
        assert_eq!(again.body, first.body);
        assert_eq!(t.state().await, before);
        t.read(&again.text("token")).await.expect(200);
    }

    async fn replayed_mint_returns_the_first_token_after_a_refresh(t) {
        t.customer("one").await;
        let body = json!({ "customerId": "one", "ttlSeconds": 600 });
        let first = t.call(mint(&t, &body, "k")).await.expect(201);
        t.advance(450);
        let next = t.refresh(&first.text("token")).await.expect(200);
        assert_ne!(next.text("token"), first.text("token"));
        assert_eq!(t.call(mint(&t, &body, "k")).await.expect(201).body, first.body);
        t.advance(150);
        t.call(mint(&t, &body, "k")).await.refused(409, "conflict");
        t.read(&next.text("token")).await.expect(200);
    }

    async fn replayed_mint_works_after_the_customer_is_renamed(t) {
        let id = t.customer("one").await;
        let brand = async |origins: Value| {
            let body = json!({ "portalOrigins": origins });
            t.call(Request::new("PUT", "/v1/branding").json(&body).key(&t.key)).await.expect(200);
        };
        brand(json!(["https://app.example.com"])).await;
        let body = json!({ "customerId": "one", "returnUrl": "https://app.example.com/billing" });
        let first = t.call(mint(&t, &body, "k")).await.expect(201);
        brand(json!([])).await;
        let rename = json!({ "externalId": null });
        t.call(patch(format!("/v1/customers/{id}"), &rename).key(&t.key)).await.expect(200);
        let before = t.state().await;
        let again = t.call(mint(&t, &body, "k")).await.expect(201);
        assert_eq!(again.header(REPLAYED), Some("true"));
        assert_eq!(again.body, first.body);
        let another = t.customer("one").await;
        assert_eq!(t.call(mint(&t, &body, "k")).await.expect(201).body, first.body);
        assert_ne!(another, id);
        let other = json!({ "customerId": "two" });
        t.call(mint(&t, &other, "k")).await.refused(422, "idempotency_key_reused");
        t.call(mint(&t, &body, "other")).await.refused(422, "validation_failed");
        assert_eq!(t.sessions("").await.len(), 1);
        assert_eq!(t.state().await[1], before[1]);
    }

    async fn replay_works_after_the_customer_is_renamed(t) {
        let shop = t.shop().await;
        let id = t.customer("one").await;
        let package = t.make("credit-packages", json!({
            "creditCurrencyId": shop.credits, "name": "P", "credits": 500, "price": 999, "currency": "USD",
        })).await;
        let requests = [
            ("/v1/customers/one/payment-methods", json!({ "processorToken": "pm_sandbox_visa" })),
            ("/v1/subscriptions", json!({ "customerId": "one", "planId": shop.plan })),
            ("/v1/customers/one/top-ups", json!({ "creditCurrencyId": shop.credits, "packageId": package })),
        ];
        let all = async || {
            let mut answers = Vec::new();
            for (path, body) in &requests {
                let request = post(*path, body).key(&t.key).header("idempotency-key", format!("k{path}"));
                let answer = t.call(request).await;
                answers.push((answer.status, answer.header(REPLAYED).map(str::to_owned)));
            }
            answers
        };
        let first = all().await;
        assert_eq!(first, [(201, None), (200, None), (200, None)]);
        let rename = json!({ "externalId": "two" });
        t.call(patch(format!("/v1/customers/{id}"), &rename).key(&t.key)).await.expect(200);
        let again = all().await;
        let replayed = Some("true".to_owned());
        assert_eq!(again, [(201, replayed.clone()), (200, replayed.clone()), (200, replayed)]);
        assert_eq!(t.charges().await, 1);
    }

    async fn replayed_mint_conflicts_when_the_session_has_ended(t) {
        for (n, end) in ["jti", "customer", "archive", "log out", "expiry"].into_iter().enumerate() {
            let name = format!("c{n}");
            t.customer(&name).await;
            let body = json!({ "customerId": name, "ttlSeconds": 60 });
            let first = t.call(mint(&t, &body, &name)).await.expect(201);
            match end {
                "jti" => t.revoke(json!({ "jti": first.text("jti") })).await.expect(204),
                "customer" => t.revoke(json!({ "customerId": name })).await.expect(204),
                "archive" => archive(&t, &name, None).await.expect(200),
                "log out" => t.call(delete("/v1/portal-sessions/current").bearer(&first.text("token"))).await.expect(204),
                _ => { t.advance(60); t.read(&first.text("token")).await.refused(401, "token_expired") }
            };
            let before = t.state().await;
            t.call(mint(&t, &body, &name)).await.refused(409, "conflict");
            assert_eq!(t.state().await, before, "{end}");
        }
    }

    async fn replayed_mint_does_not_invalidate_sessions_again(t) {
        t.customer("one").await;
        let body = json!({ "customerId": "one", "invalidateExisting": true });
        let first = t.call(mint(&t, &body, "k")).await.expect(201);
        let later = t.token("one").await;
        t.call(mint(&t, &body, "k")).await.expect(201);
        t.read(&first.text("token")).await.expect(200);
        t.read(&later).await.expect(200);
    }

    async fn idempotency_key_is_refused_with_another_request(t) {
        t.customer("one").await;
        t.customer("two").await;
        t.call(mint(&t, &json!({ "customerId": "one" }), "k")).await.expect(201);
        let before = t.state().await;
        let spaced = Request::new("POST", "/v1/portal-sessions").raw_json(r#"{ "customerId": "one" }"#);
        let customer = json!({ "name": "A", "email": "a@example.com" });
        for other in [
            mint(&t, &json!({ "customerId": "two" }), "k"),
            mint(&t, &json!({ "customerId": "one", "ttlSeconds": 3600 }), "k"),
            spaced.key(&t.key).header("idempotency-key", "k"),
            post("/v1/customers", &customer).key(&t.key).header("idempotency-key", "k"),
            post("/v1/api-keys", &json!({ "customerId": "one" })).key(&t.key).header("idempotency-key", "other"),
            post("/v1/api-keys", &json!({ "name": "K" })).key(&t.key).header("idempotency-key", "k"),
        ] {
            let code = if other.headers.iter().any(|(_, v)| v == "other") { "validation_failed" } else { "idempotency_key_reused" };
            t.call(other).await.refused(422, code);
        }
        assert_eq!(t.state().await, before);
    }

    async fn idempotency_key_is_scoped_to_its_api_key(t) {
        let body = json!({ "name": "A", "email": "a@example.com" });
        let others = [
            t.key_of(t.tenant, KeyScopes::ALL).await,
            t.key_of(t.live(t.tenant.organization_id).await, KeyScopes::ALL).await,
            t.key_of(t.organization("another").await, KeyScopes::ALL).await,
        ];
        let mut made = vec![t.call(create(&t, &body, "k")).await.expect(201).text("id")];
        for key in &others {
            let request = post("/v1/customers", &body).key(key).header("idempotency-key", "k");
            let answer = t.call(request).await.expect(201);
            assert_eq!(answer.header(REPLAYED), None);
            made.push(answer.text("id"));
        }
        made.sort();
        made.dedup();
        assert_eq!(made.len(), 4);
    }

    async fn response_is_replayed_for_24_hours(t) {
        let body = json!({ "name": "A", "email": "a@example.com" });
        let first = t.call(create(&t, &body, "k")).await.expect(201);
        t.advance(86_399);
        let again = t.call(create(&t, &body, "k")).await.expect(201);
        assert_eq!((again.header(REPLAYED), &again.body), (Some("true"), &first.body));
        t.advance(1);
        // The day counts from the effect: a replay does not extend it.
        let other = json!({ "name": "B", "email": "b@example.com" });
        let next = t.call(create(&t, &other, "k")).await.expect(201);
        assert_eq!(next.header(REPLAYED), None);
        t.call(create(&t, &body, "k")).await.refused(422, "idempotency_key_reused");
        assert_eq!(t.call(create(&t, &other, "k")).await.expect(201).body, next.body);
    }

    async fn concurrent_twins_have_one_effect(t) {
        t.customer("one").await;
        for round in 0..5 {
            let name = format!("twins {round}");
            let body = json!({ "name": name, "email": "a@example.com" });
            let key = format!("customer-{round}");
            one_effect(join_all((0..8).map(|_| t.call(create(&t, &body, &key)))).await);
            let key = format!("mint-{round}");
            let body = json!({ "customerId": "one" });
            one_effect(join_all((0..8).map(|_| t.call(mint(&t, &body, &key)))).await);
            let state = t.state().await;
            let (customers, sessions) = (&state[0], &state[1]);
            let of_name = customers["data"].as_array().unwrap().iter().filter(|c| c["name"] == name.as_str());
            assert_eq!(of_name.count(), 1);
            assert_eq!(sessions["data"].as_array().unwrap().len(), round + 1);
        }
        // With different bodies, one of two succeeds and the other is refused.
        let bodies = ["A", "B"].map(|name| json!({ "name": name, "email": "a@example.com" }));
        let answers = join_all(bodies.iter().map(|body| t.call(create(&t, body, "either")))).await;
        let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 422]);
    }

    async fn refused_request_stores_no_response(t) {
        let bad = json!({ "name": "A" });
        t.call(create(&t, &bad, "k")).await.refused(422, "validation_failed");
        t.call(mint(&t, &json!({ "customerId": "one" }), "k")).await.refused(404, "customer_not_found");
        let body = json!({ "name": "A", "email": "a@example.com", "externalId": "one" });
        let made = t.call(create(&t, &body, "k")).await.expect(201);
        assert_eq!(made.header(REPLAYED), None);
        t.call(create(&t, &body, "k2")).await.refused(409, "conflict");
        archive(&t, "one", None).await.expect(200);
        let of_archived = json!({ "customerId": "one" });
        t.call(mint(&t, &of_archived, "k3")).await.refused(409, "customer_archived");
        t.call(post("/v1/customers/one/unarchive", &json!({})).key(&t.key)).await.expect(200);
        assert_eq!(t.call(mint(&t, &of_archived, "k3")).await.expect(201).header(REPLAYED), None);
        t.call(mint(&t, &of_archived, "k2")).await.expect(201);
    }

    async fn malformed_idempotency_key_is_refused(t) {
        t.customer("one").await;
        let before = t.state().await;
        let body = json!({ "name": "A", "email": "a@example.com", "customerId": "one" });
        for path in ["/v1/customers", "/v1/portal-sessions", "/v1/api-keys"] {
            for wrong in ["", "a b", "a\tb", "é", &"k".repeat(256)] {
                let request = post(path, &body).key(&t.key).header("idempotency-key", wrong);
                let refused = t.call(request).await.refused(422, "validation_failed").json();
                assert_eq!(refused["errors"][0]["param"], "Idempotency-Key", "{wrong:?}");
            }
            let twice = post(path, &body).key(&t.key).header("idempotency-key", "a").header("idempotency-key", "a");
            t.call(twice).await.refused(422, "validation_failed");
        }
        assert_eq!(t.state().await, before);
        let body = json!({ "name": "A", "email": "a@example.com" });
        for good in ["k".repeat(255), "!~\"\\{}".to_owned(), "k".to_owned()] {
            t.call(create(&t, &body, &good)).await.expect(201);
            assert_eq!(t.call(create(&t, &body, &good)).await.expect(201).header(REPLAYED), Some("true"));
        }
    }

    async fn revoke_archive_refresh_and_logout_ignore_the_key(t) {
        t.customer("one").await;
        t.customer("two").await;
        let keys = ["same", "same", "", "not valid"];
        for key in keys {
            let token = t.token("one").await;
            let request = post("/v1/portal-sessions/revoke", &json!({ "customerId": "one" })).key(&t.key);
            let revoked = t.call(request.header("idempotency-key", key)).await.expect(204);
            assert_eq!(revoked.header(REPLAYED), None);
            t.read(&token).await.refused(401, "session_revoked");
            let token = t.token("one").await;
            let ended = delete("/v1/portal-sessions/current").bearer(&token).header("idempotency-key", key);
            t.call(ended).await.expect(204);
            t.read(&token).await.refused(401, "session_revoked");
            let archived = archive(&t, "two", Some(key)).await.expect(200);
            assert_eq!(archived.header(REPLAYED), None);
            t.mint(json!({ "customerId": "two" })).await.refused(409, "customer_archived");
            t.call(post("/v1/customers/two/unarchive", &json!({})).key(&t.key)).await.expect(200);
        }
        let mut token = t.mint(json!({ "customerId": "one", "ttlSeconds": 60 })).await.text("token");
        for key in keys {
            t.advance(50);
            let refresh = Request::new("POST", "/v1/portal-sessions/refresh").bearer(&token);
            let next = t.call(refresh.header("idempotency-key", key)).await.expect(200).text("token");
            assert_ne!(next, token);
            token = next;
        }
    }
}

fn mint(t: &Test, body: &Value, key: &str) -> Request {
    post("/v1/portal-sessions", body).key(&t.key).header("idempotency-key", key)
}

fn create(t: &Test, body: &Value, key: &str) -> Request {
    post("/v1/customers", body).key(&t.key).header("idempotency-key", key)
}

async fn archive(t: &Test, customer: &str, key: Option<&str>) -> Answer {
    let request = Request::new("POST", format!("/v1/customers/{customer}/archive")).key(&t.key);
    t.call(match key {
        Some(key) => request.header("idempotency-key", key),
        None => request,
    })
    .await
}

/// All got the same response, and all but one are marked as replays.
#[track_caller]
fn one_effect(answers: Vec<Answer>) {
    let fresh = answers.iter().filter(|answer| answer.header(REPLAYED).is_none()).count();
    assert_eq!(fresh, 1);
    for answer in &answers {
        assert_eq!((answer.status, &answer.body), (201, &answers[0].body));
    }
}
