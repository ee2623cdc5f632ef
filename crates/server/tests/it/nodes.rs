//! Several nodes on one PostgreSQL: a change on one takes effect at the others' next request.

use crate::support::{Client, Engine, Request, Test, claims, get, nodes_at_once, post};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::future::join_all;
use serde_json::{Value, json};
use std::time::Duration;
use unitpay::testing::base::Clock;
use unitpay::testing::db::{Sql, sql};
use unitpay::testing::keys::KeyScopes;
use unitpay::testing::signing;
use unitpay_token::SigningKey;

async fn two_nodes() -> (Test, Test) {
    let one = Test::start(Engine::Postgres).await;
    let two = one.another_node().await;
    one.customer("c").await;
    (one, two)
}

fn sid_of(token: &str) -> String {
    claims(token)["sid"].as_str().unwrap().to_owned()
}

async fn rotate(t: &Test) {
    t.app.signing.rotate(&t.app.clock, &t.app.random).await.unwrap();
}

async fn revoke_active_key(t: &Test) {
    let active = t.app.signing.active().unwrap().kid().to_owned();
    t.app.signing.revoke(active, &t.app.clock, &t.app.random).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_node_ends_the_other_refuses_at_its_next_request() {
    let (one, two) = two_nodes().await;
    for (here, there) in [(&one, &two), (&two, &one), (&one, &two)] {
        let (token, other) = (here.token("c").await, there.token("c").await);
        for node in [here, there] {
            node.read(&token).await.expect(200);
            node.read(&other).await.expect(200);
        }
        here.revoke(json!({ "jti": sid_of(&token) })).await.expect(204);
        there.read(&token).await.refused(401, "session_revoked");
        there.refresh(&token).await.refused(401, "session_revoked");
        there.read(&other).await.expect(200);
        here.revoke(json!({ "customerId": "c" })).await.expect(204);
        there.read(&other).await.refused(401, "session_revoked");

        let token = there.token("c").await;
        here.log_out(&token).await.expect(204);
        there.read(&token).await.refused(401, "session_revoked");

        let token = here.token("c").await;
        here.suspend(true).await;
        there.read(&token).await.refused(403, "organization_suspended");
        there.mint(json!({ "customerId": "c" })).await.refused(403, "organization_suspended");
        here.suspend(false).await;
        there.read(&token).await.expect(200);

        here.set_archived("c", "archive").await.expect(200);
        there.read(&token).await.refused(401, "customer_archived");
        there.mint(json!({ "customerId": "c" })).await.refused(409, "customer_archived");
        here.set_archived("c", "unarchive").await.expect(200);
        there.read(&token).await.refused(401, "session_revoked");
        there.read(&there.token("c").await).await.expect(200);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_api_key_revoked_on_one_node_is_refused_by_the_other() {
    let (one, two) = two_nodes().await;
    let key = one.key_of(one.tenant, KeyScopes::USUAL).await;
    let mint = async || {
        two.call(post("/v1/portal-sessions", &json!({ "customerId": "c" })).key(&key)).await
    };
    let token = mint().await.expect(201).text("token");
    let id = one.sessions("").await[0]["createdByKeyId"].as_str().unwrap().to_owned();
    let revoke = post(format!("/v1/api-keys/{id}/revoke"), &json!({ "revokeSessions": true }));
    one.call(revoke.key(&one.key)).await.expect(200);
    mint().await.refused(401, "invalid_api_key");
    two.read(&token).await.refused(401, "session_revoked");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rotation_on_one_node_holds_on_the_other_and_fails_nothing() {
    let (one, two) = two_nodes().await;
    for (here, there) in [(&one, &two), (&two, &one)] {
        let old = there.token("c").await;
        there.advance(2_700);
        here.advance(2_700);
        rotate(here).await;
        let new = there.token("c").await;
        assert_ne!(old.split('.').next(), new.split('.').next());
        for node in [here, there] {
            node.read(&old).await.expect(200);
            node.read(&new).await.expect(200);
            let set = node.call(get("/.well-known/jwks.json")).await.expect(200).json();
            assert!(set["keys"].as_array().unwrap().len() >= 3);
        }
        // The other node also learns of the new key from a refresh.
        rotate(here).await;
        let next = there.refresh(&old).await.expect(200).text("token");
        assert_eq!(here.refresh(&old).await.expect(200).text("token"), next);
    }
}

/// Unknown key ids reload the keys at most once a second, which must not stop a node from signing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_signs_by_a_key_it_has_not_seen_though_it_has_just_loaded_them() {
    let (one, two) = two_nodes().await;
    let token = one.token("c").await;
    one.advance(2_700);
    two.advance(2_700);
    let stranger = SigningKey::from_seed(&[9; 32]).unwrap();
    let forged = forge(&token, &stranger);
    two.read(&forged).await.refused(401, "invalid_token");
    // A rotation promotes a key that every node knows; this one is imported.
    one.app.signing.import(&one.app.random.bytes(), &one.app.clock).await.unwrap();
    let next = one.refresh(&token).await.expect(200).text("token");
    two.read(&forged).await.refused(401, "invalid_token");
    assert_eq!(two.refresh(&token).await.expect(200).text("token"), next);
}

/// The same payload under another key's header, with an invalid signature.
fn forge(token: &str, key: &SigningKey) -> String {
    let header = format!(r#"{{"alg":"EdDSA","typ":"portal+jwt","kid":"{}"}}"#, key.kid());
    let header = URL_SAFE_NO_PAD.encode(header);
    let (_, rest) = token.split_once('.').unwrap();
    format!("{header}.{rest}")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_signing_key_revoked_on_one_node_ends_its_sessions_on_the_other() {
    let (one, two) = two_nodes().await;
    let tokens = [one.token("c").await, two.token("c").await];
    revoke_active_key(&one).await;
    for token in &tokens {
        two.read(token).await.refused(401, "session_revoked");
        two.refresh(token).await.refused(401, "session_revoked");
    }
    let fresh = two.token("c").await;
    for node in [&one, &two] {
        node.read(&fresh).await.expect(200);
    }
    let seed = one.app.random.bytes();
    let kid = one.app.signing.import(&seed, &one.app.clock).await.unwrap();
    let imported = two.token("c").await;
    two.read(&imported).await.expect(200);
    let set = two.call(get("/.well-known/jwks.json")).await.expect(200).json();
    assert!(set["keys"].as_array().unwrap().iter().any(|key| key["kid"] == kid.as_str()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_refreshes_on_two_nodes_get_one_token() {
    let (one, two) = two_nodes().await;
    for round in 1..=10 {
        let token = one.token("c").await;
        one.advance(2_700);
        two.advance(2_700);
        let clients: Vec<&Client> = (0..12).map(|tab| &*[&one, &two][tab % 2].client).collect();
        let path = "/v1/portal-sessions/refresh";
        let asked =
            clients.iter().map(|client| client.call(Request::new("POST", path).bearer(&token)));
        let mut answers: Vec<Value> = Vec::new();
        for answer in join_all(asked).await {
            answers.push(answer.expect(200).json());
        }
        answers.dedup();
        assert_eq!(answers.len(), 1, "round {round}");
        assert_ne!(answers[0]["token"], token.as_str());
        assert_eq!(one.sessions("?limit=1").await[0]["refreshCount"], 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_starting_together_create_one_schema_and_key_set() {
    const KEYS: Sql = sql("SELECT COUNT(*) FROM signing_keys");
    for _ in 0..3 {
        let nodes = nodes_at_once(6).await;
        let mut active = Vec::new();
        for node in &nodes {
            let mut tx = node.db.read().await.unwrap();
            let keys: Option<i64> = tx.one(&KEYS, &[], |row| row.take()).await.unwrap();
            assert_eq!(keys, Some(2));
            assert_eq!(node.db.version().await.unwrap(), unitpay::testing::db::newest_version());
            let stored = signing::all(&mut tx).await.unwrap();
            let kid = node.signing.active().unwrap().kid().to_owned();
            assert!(stored.iter().any(|key| key.kid == kid && key.activated_at.is_some()));
            active.push(kid);
        }
        active.dedup();
        assert_eq!(active.len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn node_with_wrong_clock_serves_no_session() {
    let t = Test::start(Engine::Postgres).await;
    t.customer("c").await;
    let token = t.token("c").await;
    let issuer = t.app.issuer.clone();
    // The store's clock is the machine's; this test's clock is years ahead of it.
    t.app.compare_clocks().await;
    t.read(&token).await.refused(503, "unavailable");
    let wall = Clock::system();
    let behind = Clock::manual(wall.now().plus_seconds(-10));
    let node = t.another_node_with(behind, &issuer).await;
    node.read(&token).await.expect(200);
    node.app.compare_clocks().await;
    let introspect = post("/v1/portal-sessions/introspect", &json!({ "token": token })).key(&t.key);
    for request in [
        get("/v1/portal-sessions/current").bearer(&token),
        Request::new("POST", "/v1/portal-sessions/refresh").bearer(&token),
        Request::new("DELETE", "/v1/portal-sessions/current").bearer(&token),
        get("/v1/customers/c").bearer(&token),
        introspect.clone(),
        post("/v1/portal-sessions", &json!({ "customerId": "c" })).key(&t.key),
        get("/readyz"),
    ] {
        let answer = node.call(request).await.refused(503, "unavailable");
        assert_eq!(answer.header("retry-after"), Some("1"));
    }
    node.call(get("/healthz")).await.expect(200);
    // Revocation needs no clock and works.
    node.revoke(json!({ "jti": "ps_01kwgt3qt8f689ez1ekre217xw" })).await.expect(204);

    // A little ahead, because the store's clock advances during the query.
    let off = wall.now().plus_seconds(1).0 - node.app.clock.now().0;
    node.app.clock.advance(Duration::from_micros(off.unsigned_abs()));
    node.app.compare_clocks().await;
    node.read(&token).await.expect(200);
    node.call(introspect).await.expect(200);
    node.call(get("/readyz")).await.expect(200);

    let system = t.another_node_with(Clock::system(), &issuer).await;
    system.app.compare_clocks().await;
    system.read(&token).await.expect(200);
    system.call(get("/readyz")).await.expect(200);
}

/// A node revokes a session that is valid on another node, whatever its own clock says.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn revoke_by_jti_works_on_a_node_ahead() {
    let (behind, ahead) = two_nodes().await;
    let body = json!({ "customerId": "c", "ttlSeconds": 60, "maxLifetimeSeconds": 60 });
    for seconds_ahead in [3, 70, 2 * 86_400] {
        ahead.advance(seconds_ahead);
        let minted = behind.mint(body.clone()).await.expect(201);
        let token = minted.text("token");
        behind.read(&token).await.expect(200);
        ahead.revoke(json!({ "jti": minted.text("jti") })).await.expect(204);
        behind.read(&token).await.refused(401, "session_revoked");
        behind.refresh(&token).await.refused(401, "session_revoked");
    }
}

/// As above on the embedded store, where a restart brings the other clock.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn revoke_by_jti_works_on_an_embedded_node_ahead() {
    let one = Test::start(Engine::Sqlite).await;
    one.customer("c").await;
    for seconds_ahead in [70, 2 * 86_400] {
        let clock = Clock::manual(one.app.clock.now().plus_seconds(seconds_ahead));
        let ahead = one.another_node_with(clock, &one.app.issuer).await;
        let minted = one.mint(json!({ "customerId": "c", "maxLifetimeSeconds": 3_600 })).await;
        let (token, jti) = (minted.text("token"), minted.text("jti"));
        ahead.revoke(json!({ "jti": jti })).await.expect(204);
        one.read(&token).await.refused(401, "session_revoked");
    }
}

/// While the public URL is being changed, nodes differ in it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refresh_evicts_no_token_when_public_urls_differ() {
    let one = Test::start(Engine::Postgres).await;
    one.customer("c").await;
    let clock = Clock::manual(one.app.clock.now());
    let two = one.another_node_with(clock, "https://new.example.com").await;
    for round in 1..=5 {
        let token = one.token("c").await;
        one.advance(2_700);
        two.advance(2_700);
        let clients: Vec<&Client> = (0..40).map(|tab| &*[&one, &two][tab % 2].client).collect();
        let refresh = async |token: &str| {
            let path = "/v1/portal-sessions/refresh";
            let asked =
                clients.iter().map(|client| client.call(Request::new("POST", path).bearer(token)));
            let mut next: Vec<String> = Vec::new();
            for answer in join_all(asked).await {
                next.push(answer.expect(200).text("token"));
            }
            next.dedup();
            assert_eq!(next.len(), 1, "round {round}");
            next.remove(0)
        };
        let next = refresh(&token).await;
        assert_eq!(refresh(&token).await, next);
        assert_eq!(refresh(&next).await, next);
        for node in [&one, &two] {
            node.read(&token).await.expect(200);
            node.read(&next).await.expect(200);
        }
        assert_eq!(one.sessions("?limit=1").await[0]["refreshCount"], 1);
    }
}
