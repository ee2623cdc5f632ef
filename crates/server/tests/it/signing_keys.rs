//! Signing keys: rotate, revoke, import, and the effect on their tokens.

use crate::on_both_stores;
use crate::support::{Engine, Test, get};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use unitpay::testing::db::{Sql, sql};
use unitpay::testing::jobs;
use unitpay::testing::portal;
use unitpay::testing::signing::SigningError;

const SEEDS: Sql = sql("SELECT COUNT(sealed_seed) FROM signing_keys");

fn kid_of(token: &str) -> String {
    let header = URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap();
    let header: Value = serde_json::from_slice(&header).unwrap();
    header["kid"].as_str().unwrap().to_owned()
}

async fn published(t: &Test) -> Vec<String> {
    let set = t.call(get("/.well-known/jwks.json")).await.expect(200).json();
    let keys = set["keys"].as_array().unwrap();
    keys.iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

async fn rotate(t: &Test) {
    t.app.signing.rotate(&t.app.clock, &t.app.random).await.unwrap();
}

async fn revoke(t: &Test, kid: &str) -> Result<(), SigningError> {
    t.app.signing.revoke(kid.to_owned(), &t.app.clock, &t.app.random).await
}

/// Anyone may send a token with an unknown key id. The store is not queried for each.
#[tokio::test]
async fn keys_are_reloaded_at_most_once_a_second() {
    let t = Test::start(Engine::Postgres).await;
    let begun = Instant::now();
    t.app.signing.reload().await.unwrap();
    t.app.db.close();
    t.app.signing.load().await.unwrap_err();
    let again = t.app.signing.reload().await;
    // A machine that stalls for a second does not cause more queries.
    assert!(again.is_ok() || begun.elapsed() >= Duration::from_secs(1), "{again:?}");
}

on_both_stores! {
    async fn jwks_shows_public_keys_only(t) {
        t.customer("c").await;
        let answer = t.call(get("/.well-known/jwks.json")).await.expect(200);
        assert_eq!(answer.header("cache-control"), Some("public, max-age=300"));
        assert_eq!(answer.header("content-type"), Some("application/json"));
        for key in answer.json()["keys"].as_array().unwrap() {
            let (kid, x) = (&key["kid"], &key["x"]);
            let whole = json!({ "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": kid, "x": x });
            assert_eq!(*key, whole);
        }
        let mut kids = published(&t).await;
        assert_eq!(kids.len(), 2);
        for round in 3..6 {
            let before = t.token("c").await;
            rotate(&t).await;
            let after = t.token("c").await;
            assert_ne!(kid_of(&before), kid_of(&after));
            // A verifier with the earlier key set can verify new tokens.
            assert!(kids.contains(&kid_of(&before)) && kids.contains(&kid_of(&after)));
            let now = published(&t).await;
            assert_eq!(now.len(), round);
            assert!(kids.iter().all(|kid| now.contains(kid)));
            kids = now;
            for token in [before, after] {
                t.read(&token).await.expect(200);
            }
        }
    }

    async fn revoked_signing_key_ends_its_sessions_immediately(t) {
        t.customer("c").await;
        let (retiring, kept) = (t.token("c").await, published(&t).await);
        rotate(&t).await;
        let active = t.token("c").await;
        revoke(&t, &kid_of(&active)).await.unwrap();
        t.read(&active).await.refused(401, "session_revoked");
        t.refresh(&active).await.refused(401, "session_revoked");
        t.read(&retiring).await.expect(200);
        let promoted = t.token("c").await;
        t.read(&promoted).await.expect(200);
        let now = published(&t).await;
        assert!(!now.contains(&kid_of(&active)) && now.contains(&kid_of(&retiring)));
        assert_eq!(now.len(), 3);

        revoke(&t, &kid_of(&retiring)).await.unwrap();
        t.read(&retiring).await.refused(401, "session_revoked");
        t.read(&promoted).await.expect(200);
        let next = published(&t).await.into_iter().find(|kid| *kid != kid_of(&promoted)).unwrap();
        revoke(&t, &next).await.unwrap();
        let now = published(&t).await;
        assert_eq!(now.len(), 2);
        assert!(!now.contains(&next) && now.contains(&kid_of(&promoted)));
        t.read(&promoted).await.expect(200);
        rotate(&t).await;
        t.read(&t.token("c").await).await.expect(200);
        for gone in [kid_of(&active), kid_of(&retiring), next, "unknown".into()] {
            assert!(matches!(revoke(&t, &gone).await, Err(SigningError::UnknownKey)), "{gone}");
        }
        assert!(kept.contains(&kid_of(&retiring)));
        // Revoked keys cannot sign again; only retiring, active and next keys remain.
        assert_eq!(t.count(&SEEDS).await, 3);
    }

    /// After a refresh, the two valid tokens of a session may have different signing keys.
    async fn revoking_a_key_ends_sessions_by_current_token(t) {
        t.customer("c").await;
        let pair = async || {
            let first = t.token("c").await;
            t.advance(2_700);
            rotate(&t).await;
            let second = t.refresh(&first).await.expect(200).text("token");
            assert_ne!(kid_of(&first), kid_of(&second));
            (first, second)
        };
        let (first, second) = pair().await;
        revoke(&t, &kid_of(&first)).await.unwrap();
        t.read(&first).await.refused(401, "session_revoked");
        t.refresh(&first).await.refused(401, "session_revoked");
        t.read(&second).await.expect(200);
        assert_eq!(t.sessions("?limit=1").await[0]["status"], "active");
        let (first, second) = pair().await;
        revoke(&t, &kid_of(&second)).await.unwrap();
        for token in [&first, &second] {
            t.read(token).await.refused(401, "session_revoked");
            t.refresh(token).await.refused(401, "session_revoked");
        }
        assert_eq!(t.sessions("?limit=1").await[0]["status"], "revoked");
    }

    async fn key_revoked_during_mint_leaves_no_live_token(t) {
        t.customer("c").await;
        let token = t.token("c").await;
        t.advance(2_700);
        let verified = portal::verify(&t.app, &token, None).await.unwrap();
        revoke(&t, &kid_of(&token)).await.unwrap();
        assert!(portal::refresh(&t.app, &verified, &token).await.is_err());
        t.read(&token).await.refused(401, "session_revoked");
        assert_eq!(t.sessions("").await[0]["refreshCount"], 0);

        let t = Arc::new(t);
        for _ in 0..10 {
            let kid = t.app.signing.active().unwrap().kid().to_owned();
            let minting: Vec<_> = (0..4)
                .map(|_| {
                    let t = Arc::clone(&t);
                    tokio::spawn(async move { t.token("c").await })
                })
                .collect();
            revoke(&t, &kid).await.unwrap();
            for minted in minting {
                let token = minted.await.unwrap();
                let read = t.read(&token).await;
                if kid_of(&token) == kid {
                    read.refused(401, "session_revoked");
                } else {
                    read.expect(200);
                }
            }
        }
    }

    async fn imported_key_signs_new_tokens(t) {
        t.customer("c").await;
        let before = t.token("c").await;
        let known = published(&t).await;
        let seed = t.app.random.bytes();
        let kid = t.app.signing.import(&seed, &t.app.clock).await.unwrap();
        let token = t.token("c").await;
        assert_eq!(kid_of(&token), kid);
        for token in [&token, &before] {
            t.read(token).await.expect(200);
        }
        let now = published(&t).await;
        assert_eq!(now.len(), 3);
        assert!(now.contains(&kid) && known.iter().all(|kid| now.contains(kid)));
        let again = t.app.signing.import(&seed, &t.app.clock).await;
        assert!(matches!(again, Err(SigningError::KeyExists)));
        assert_eq!(published(&t).await, now);
        // `next` was published before and is promoted by a rotation.
        rotate(&t).await;
        let promoted = kid_of(&t.token("c").await);
        assert!(known.contains(&promoted) && promoted != kid_of(&before));
        revoke(&t, &kid).await.unwrap();
        t.read(&token).await.refused(401, "session_revoked");
        assert!(t.app.signing.import(&seed, &t.app.clock).await.is_err());
    }

    async fn rotation_fails_no_request(t) {
        t.customer("c").await;
        let mut due = Vec::new();
        for _ in 0..160 {
            due.push(t.token("c").await);
        }
        t.advance(2_700);
        let t = Arc::new(t);
        let (done, mut finished) = mpsc::channel(due.len());
        let workers: Vec<_> = due
            .chunks(40)
            .map(|due| {
                let (t, done, due) = (Arc::clone(&t), done.clone(), due.to_vec());
                tokio::spawn(async move {
                    for token in due {
                        let next = t.refresh(&token).await.expect(200).text("token");
                        assert_ne!(next, token);
                        for token in [token, next, t.token("c").await] {
                            t.read(&token).await.expect(200);
                        }
                        done.send(()).await.unwrap();
                    }
                })
            })
            .collect();
        drop(done);
        for _ in 0..10 {
            rotate(&t).await;
            for _ in 0..15 {
                finished.recv().await.unwrap();
            }
        }
        for worker in workers {
            worker.await.unwrap();
        }
    }

    async fn retired_key_is_removed_after_its_last_token_expires(t) {
        t.customer("c").await;
        let longest = json!({ "customerId": "c", "ttlSeconds": 86_400 });
        let token = t.mint(longest).await.expect(201).text("token");
        rotate(&t).await;
        t.advance(86_399);
        jobs::sweep(&t.app).await.unwrap();
        t.read(&token).await.expect(200);
        assert!(published(&t).await.contains(&kid_of(&token)));
        assert_eq!(t.count(&SEEDS).await, 3);
        t.advance(3_601);
        jobs::sweep(&t.app).await.unwrap();
        assert_eq!(published(&t).await.len(), 3);
        t.advance(1);
        jobs::sweep(&t.app).await.unwrap();
        let now = published(&t).await;
        assert_eq!(now.len(), 2);
        assert!(!now.contains(&kid_of(&token)));
        assert_eq!(t.count(&SEEDS).await, 2);
        t.read(&token).await.refused(401, "token_expired");
        t.read(&t.token("c").await).await.expect(200);
    }
}
