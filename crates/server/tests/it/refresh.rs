//! Refresh: one next token for all tabs, and no unexpired token is invalidated.

use crate::on_both_stores;
use crate::support::{Test, claims, get, post};
use serde_json::{Value, json};
use std::sync::Arc;
use unitpay::testing::base::Clock;
use unitpay::testing::http::{Code, Problem};
use unitpay::testing::portal;

async fn mint(t: &Test, ttl: i64, max: i64) -> String {
    let body = json!({ "customerId": "c", "ttlSeconds": ttl, "maxLifetimeSeconds": max });
    t.mint(body).await.expect(201).text("token")
}

/// Mints with a lifetime of 3,600 seconds and moves to where the next token is due.
async fn due(t: &Test) -> String {
    t.customer("c").await;
    let token = mint(t, 3_600, 86_400).await;
    t.advance(2_700);
    token
}

fn seconds(token: &str, claim: &str) -> i64 {
    claims(token)[claim].as_i64().unwrap()
}

fn header(token: &str) -> &str {
    token.split('.').next().unwrap()
}

async fn refresh_count(t: &Test) -> i64 {
    t.sessions("?limit=1").await[0]["refreshCount"].as_i64().unwrap()
}

/// Runs an action between the check of a token and the write of the next one, and returns the
/// browser's response.
async fn refresh_around(
    t: &Test,
    token: &str,
    happens: impl AsyncFnOnce(),
) -> Result<String, Code> {
    let verified = portal::verify(&t.app, token, None).await.unwrap();
    happens().await;
    let refreshed = portal::refresh(&t.app, &verified, token).await;
    refreshed.map(|next| next.token.reveal().to_owned()).map_err(|error| Problem::from(error).code)
}

on_both_stores! {
    async fn refresh_returns_the_same_token_in_first_three_quarters(t) {
        t.customer("c").await;
        let token = mint(&t, 3_600, 86_400).await;
        for wait in [0, 1, 1_799, 899] {
            t.advance(wait);
            let same = t.refresh(&token).await.expect(200);
            assert_eq!(same.text("token"), token);
            assert_eq!(same.text("jti"), claims(&token)["jti"]);
            assert_eq!(same.text("expiresAt"), "2030-01-01T01:00:00.000Z");
        }
        t.advance(1);
        let next = t.refresh(&token).await.expect(200);
        assert_ne!(next.text("token"), token);
        assert_eq!(next.text("expiresAt"), "2030-01-01T01:45:00.000Z");
        assert_eq!(next.text("absoluteExpiresAt"), "2030-01-02T00:00:00.000Z");
        let mut expected = claims(&token);
        let jti = format!("{}.1", expected["sid"].as_str().unwrap());
        assert_eq!(next.text("jti"), jti);
        expected["jti"] = json!(jti);
        expected["iat"] = json!(seconds(&token, "iat") + 2_700);
        expected["exp"] = json!(seconds(&token, "iat") + 6_300);
        assert_eq!(claims(&next.text("token")), expected);
        assert_eq!(next.header("cache-control"), Some("no-store"));
    }

    async fn concurrent_tabs_get_one_next_token(t) {
        let token = due(&t).await;
        let t = Arc::new(t);
        let tabs: Vec<_> = (0..24)
            .map(|_| {
                let (t, token) = (Arc::clone(&t), token.clone());
                tokio::spawn(async move { t.refresh(&token).await.expect(200).body })
            })
            .collect();
        let mut answers = Vec::new();
        for tab in tabs {
            answers.push(tab.await.unwrap());
        }
        answers.dedup();
        assert_eq!(answers.len(), 1);
        let next = serde_json::from_slice::<Value>(&answers[0]).unwrap();
        assert_ne!(next["token"], token.as_str());
        assert_eq!(refresh_count(&t).await, 1);
        // Late tabs as well, with either token. Neither advances the session.
        for token in [token.as_str(), next["token"].as_str().unwrap()] {
            assert_eq!(t.refresh(token).await.expect(200).json(), next);
            t.read(token).await.expect(200);
        }
        assert_eq!(refresh_count(&t).await, 1);
    }

    async fn predecessor_is_valid_until_its_exp_and_gets_current(t) {
        let token = due(&t).await;
        let next = t.refresh(&token).await.expect(200).text("token");
        t.advance(899);
        assert_eq!(t.refresh(&token).await.expect(200).text("token"), next);
        t.advance(1);
        t.read(&token).await.refused(401, "token_expired");
        t.refresh(&token).await.refused(401, "token_expired");
        t.read(&next).await.expect(200);
    }

    async fn refresh_never_exceeds_the_absolute_end(t) {
        t.customer("c").await;
        let first = mint(&t, 3_600, 5_000).await;
        t.advance(2_700);
        let answer = t.refresh(&first).await.expect(200);
        let last = answer.text("token");
        assert_eq!(answer.text("expiresAt"), answer.text("absoluteExpiresAt"));
        assert_eq!(seconds(&last, "exp") - seconds(&first, "iat"), 5_000);
        t.advance(2_299);
        assert_eq!(t.refresh(&last).await.expect(200).text("token"), last);
        t.advance(1);
        t.refresh(&last).await.refused(401, "token_expired");
        t.read(&last).await.refused(401, "token_expired");

        let only = mint(&t, 600, 600).await;
        t.advance(599);
        assert_eq!(t.refresh(&only).await.expect(200).text("token"), only);
        t.advance(1);
        t.refresh(&only).await.refused(401, "token_expired");
        assert_eq!(refresh_count(&t).await, 0);
    }

    /// Tabs keep any of their tokens and come back at odd times.
    async fn at_most_two_tokens_are_valid_each_until_its_exp(t) {
        t.customer("c").await;
        let mut tokens = vec![mint(&t, 240, 3_600).await];
        let sid = claims(&tokens[0])["sid"].as_str().unwrap().to_owned();
        let mut now = seconds(&tokens[0], "iat");
        let end = now + 3_600;
        for round in 0..160_usize {
            let step = [7, 31, 1, 47, 59, 13, 50][round % 7];
            t.advance(step);
            now += i64::try_from(step).unwrap();
            let mut living = Vec::new();
            for token in &tokens {
                if now < seconds(token, "exp") {
                    t.read(token).await.expect(200);
                    living.push(token.clone());
                } else {
                    t.read(token).await.refused(401, "token_expired");
                }
            }
            assert!(living.len() <= 2, "round {round}: {} tokens live", living.len());
            let Some(tab) = living.get(round % living.len().max(1)) else {
                assert!(now >= end, "the session died at {now}, before {end}");
                break;
            };
            let next = t.refresh(tab).await.expect(200).text("token");
            if next != *tokens.last().unwrap() {
                assert_eq!(claims(&next)["jti"], format!("{sid}.{}", tokens.len()));
                tokens.push(next);
            }
        }
        assert!(tokens.len() > 10 && now >= end, "{} tokens at {now}", tokens.len());
    }

    async fn ended_session_cannot_be_refreshed(t) {
        let c = t.customer("c").await;
        let end = async |how: Value| {
            let token = mint(&t, 60, 3_600).await;
            t.advance(45);
            match how["call"].as_str() {
                Some("archive") => { t.set_archived(&c, "archive").await.expect(200); }
                Some("suspend") => t.suspend(true).await,
                Some("log out") => { t.log_out(&token).await.expect(204); }
                _ => { t.revoke(how).await.expect(204); }
            }
            token
        };
        let revoked = end(json!({ "customerId": "c" })).await;
        t.refresh(&revoked).await.refused(401, "session_revoked");
        let left = end(json!({ "call": "log out" })).await;
        t.refresh(&left).await.refused(401, "session_revoked");
        let token = end(json!({ "call": "suspend" })).await;
        t.refresh(&token).await.refused(403, "organization_suspended");
        t.suspend(false).await;
        t.refresh(&token).await.expect(200);
        let token = end(json!({ "call": "archive" })).await;
        t.refresh(&token).await.refused(401, "customer_archived");
        t.set_archived(&c, "unarchive").await.expect(200);
        t.refresh(&token).await.refused(401, "session_revoked");
        let counts: Vec<_> = t.sessions("").await.iter().map(|s| s["refreshCount"].clone()).collect();
        assert_eq!(counts, [0, 1, 0, 0]);
    }

    async fn session_ended_during_refresh_ends_the_next_token(t) {
        let c = t.customer("c").await;
        let fresh = async || {
            let token = mint(&t, 60, 3_600).await;
            t.advance(45);
            token
        };
        let token = fresh().await;
        let jti = claims(&token)["sid"].clone();
        let revoke = async || { t.revoke(json!({ "jti": jti })).await.expect(204); };
        assert_eq!(refresh_around(&t, &token, revoke).await, Err(Code::SessionRevoked));
        let token = fresh().await;
        let leave = async || { t.log_out(&token).await.expect(204); };
        assert_eq!(refresh_around(&t, &token, leave).await, Err(Code::SessionRevoked));
        let token = fresh().await;
        let revoke = async || { t.revoke(json!({ "customerId": "c" })).await.expect(204); };
        if let Ok(next) = refresh_around(&t, &token, revoke).await {
            t.read(&next).await.refused(401, "session_revoked");
            t.refresh(&next).await.refused(401, "session_revoked");
        }
        let token = fresh().await;
        let suspend = async || t.suspend(true).await;
        if let Ok(next) = refresh_around(&t, &token, suspend).await {
            t.read(&next).await.refused(403, "organization_suspended");
        }
        t.suspend(false).await;
        let token = fresh().await;
        let archive = async || { t.set_archived(&c, "archive").await.expect(200); };
        if let Ok(next) = refresh_around(&t, &token, archive).await {
            t.read(&next).await.refused(401, "customer_archived");
        }
    }

    async fn refresh_works_across_a_key_rotation(t) {
        let token = due(&t).await;
        t.app.signing.rotate(&t.app.clock, &t.app.random).await.unwrap();
        let next = t.refresh(&token).await.expect(200).text("token");
        assert_ne!(header(&next), header(&token));
        t.app.signing.rotate(&t.app.clock, &t.app.random).await.unwrap();
        // The current token's key has retired and still signs the same bytes for a late tab.
        assert_eq!(t.refresh(&token).await.expect(200).text("token"), next);
        let rotate = async || t.app.signing.rotate(&t.app.clock, &t.app.random).await.unwrap();
        t.advance(2_700);
        let last = refresh_around(&t, &next, rotate).await.unwrap();
        t.read(&last).await.expect(200);
        assert_eq!(t.refresh(&next).await.expect(200).text("token"), last);
    }

    /// The operator moves the installation to another public URL while browsers hold tokens.
    async fn session_survives_a_new_issuer(t) {
        let token = due(&t).await;
        let next = t.refresh(&token).await.expect(200).text("token");
        let clock = Clock::manual(t.app.clock.now());
        let moved = t.another_node_with(clock, "https://new.example.com").await;
        for token in [&token, &next] {
            assert_eq!(moved.refresh(token).await.expect(200).text("token"), next);
        }
        moved.advance(2_700);
        let new = moved.refresh(&next).await.expect(200).text("token");
        assert_eq!(claims(&new)["iss"], "https://new.example.com");
        for token in [&next, &new] {
            moved.read(token).await.expect(200);
            assert_eq!(moved.refresh(token).await.expect(200).text("token"), new);
            let asked = post("/v1/portal-sessions/introspect", &json!({ "token": token }));
            let answer = moved.call(asked.key(&moved.key)).await.expect(200).json();
            assert_eq!(answer["iss"], claims(token)["iss"]);
        }
    }

    async fn refresh_requires_a_portal_token_and_no_body(t) {
        t.customer("c").await;
        let token = t.token("c").await;
        let path = "/v1/portal-sessions/refresh";
        t.call(post(path, &json!({})).key(&t.key)).await.refused(401, "invalid_token");
        t.call(post(path, &json!({}))).await.refused(401, "missing_credentials");
        t.call(get(path).bearer(&token)).await.refused(405, "method_not_allowed");
        t.call(post(path, &json!({ "x": 1 })).bearer(&token)).await.refused(422, "validation_failed");
        t.call(post(path, &json!([])).bearer(&token)).await.refused(422, "validation_failed");
        t.call(post(path, &json!({})).bearer(&token)).await.expect(200);
        t.refresh(&token).await.expect(200);
    }
}
