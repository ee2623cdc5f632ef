//! Races of mint, revoke and refresh: the order of the responses is the order that holds.

use crate::on_both_stores;
use crate::support::{Answer, Test};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use tokio::sync::Barrier;

/// An action at the barrier, between two ticks of the test's counter.
#[derive(Debug)]
struct Deed {
    started: u64,
    ended: u64,
    what: What,
}

#[derive(Debug)]
enum What {
    Mint(Answer),
    Refresh(Answer),
    Revoke(Answer),
}

#[derive(Clone, Copy)]
enum Role {
    Mint,
    Refresh,
    Revoke,
}

/// Runs all roles concurrently and returns their actions. Revoking roles act three times in a
/// row. The others act until the last revocation has been answered, and once more after it.
async fn run_concurrently(t: &Arc<Test>, token: &str, roles: &[Role]) -> Vec<Deed> {
    let barrier = Arc::new(Barrier::new(roles.len()));
    let ticks = Arc::new(AtomicU64::new(0));
    let revoking = roles.iter().filter(|role| matches!(role, Role::Revoke)).count();
    let to_revoke = Arc::new(AtomicUsize::new(revoking * 3));
    let tasks: Vec<_> = roles
        .iter()
        .map(|role| {
            let (t, barrier, ticks) = (Arc::clone(t), Arc::clone(&barrier), Arc::clone(&ticks));
            let (role, token, to_revoke) = (*role, token.to_owned(), Arc::clone(&to_revoke));
            tokio::spawn(async move {
                let tick = || ticks.fetch_add(1, Ordering::SeqCst);
                let mut deeds = Vec::new();
                barrier.wait().await;
                loop {
                    let last = match role {
                        Role::Revoke => deeds.len() == 2,
                        Role::Mint | Role::Refresh => to_revoke.load(Ordering::SeqCst) == 0,
                    };
                    let started = tick();
                    let body = json!({ "customerId": "c", "ttlSeconds": 60 });
                    let what = match role {
                        Role::Mint => What::Mint(t.mint(body).await),
                        Role::Refresh => What::Refresh(t.refresh(&token).await),
                        Role::Revoke => What::Revoke(t.revoke(json!({ "customerId": "c" })).await),
                    };
                    deeds.push(Deed { started, ended: tick(), what });
                    if matches!(role, Role::Revoke) {
                        to_revoke.fetch_sub(1, Ordering::SeqCst);
                    }
                    if last {
                        return deeds;
                    }
                }
            })
        })
        .collect();
    let mut deeds = Vec::new();
    for task in tasks {
        deeds.extend(task.await.unwrap());
    }
    deeds
}

on_both_stores! {
    async fn mint_revoke_mint_leaves_exactly_the_last_token(t) {
        t.customer("c").await;
        let mut dead = Vec::new();
        for _ in 0..200 {
            let before = t.token("c").await;
            t.revoke(json!({ "customerId": "c" })).await.expect(204);
            let after = t.token("c").await;
            t.read(&before).await.refused(401, "session_revoked");
            t.read(&after).await.expect(200);
            dead.extend([before, after]);
        }
        let last = dead.pop().unwrap();
        for token in &dead {
            t.read(token).await.refused(401, "session_revoked");
        }
        t.read(&last).await.expect(200);
    }

    async fn revocation_holds_under_concurrent_requests(t) {
        use Role::{Mint, Refresh, Revoke};
        t.customer("c").await;
        let t = Arc::new(t);
        let (mut before, mut beside, mut after) = (0, 0, 0);
        for _ in 0..25 {
            let body = json!({ "customerId": "c", "ttlSeconds": 60 });
            let old = t.mint(body).await.expect(201).text("token");
            t.advance(45);
            let roles = [Mint, Mint, Mint, Refresh, Refresh, Revoke, Revoke];
            let deeds = run_concurrently(&t, &old, &roles).await;
            let revokes: Vec<_> = deeds.iter().filter(|deed| matches!(deed.what, What::Revoke(_))).collect();
            let first_done = revokes.iter().map(|deed| deed.ended).min().unwrap();
            let last_started = revokes.iter().map(|deed| deed.started).max().unwrap();
            let last_done = revokes.iter().map(|deed| deed.ended).max().unwrap();
            t.read(&old).await.refused(401, "session_revoked");
            for deed in &deeds {
                match &deed.what {
                    What::Revoke(answer) => {
                        answer.clone().expect(204);
                    }
                    What::Mint(answer) => {
                        let token = answer.clone().expect(201).text("token");
                        let read = t.read(&token).await;
                        if deed.ended < last_started {
                            before += 1;
                            read.refused(401, "session_revoked");
                        } else if deed.started > last_done {
                            after += 1;
                            read.expect(200);
                        } else {
                            // Concurrently with a revocation, either result is possible, but it
                            // must not change.
                            beside += 1;
                            let again = t.read(&token).await.status;
                            assert_eq!(read.status, again);
                            assert!([200, 401].contains(&again));
                        }
                    }
                    What::Refresh(answer) if answer.status == 200 => {
                        assert!(deed.started < first_done, "refreshed after the revocation: {deed:?}");
                        t.read(&answer.text("token")).await.refused(401, "session_revoked");
                    }
                    What::Refresh(answer) => {
                        answer.clone().refused(401, "session_revoked");
                    }
                }
            }
        }
        let counted = format!("{before} before, {beside} beside, {after} after");
        assert!(before > 0 && beside > 0 && after > 0, "{counted}");
    }

    async fn revoke_during_refresh_leaves_no_live_token(t) {
        t.customer("c").await;
        let t = Arc::new(t);
        for _ in 0..30 {
            let minted = t.mint(json!({ "customerId": "c", "ttlSeconds": 60 })).await.expect(201);
            let (token, jti) = (minted.text("token"), minted.text("jti"));
            t.advance(45);
            let refreshing: Vec<_> = (0..4)
                .map(|_| {
                    let (t, token) = (Arc::clone(&t), token.clone());
                    tokio::spawn(async move { t.refresh(&token).await })
                })
                .collect();
            t.revoke(json!({ "jti": jti })).await.expect(204);
            t.read(&token).await.refused(401, "session_revoked");
            for refreshed in refreshing {
                let answer = refreshed.await.unwrap();
                if answer.status == 200 {
                    t.read(&answer.text("token")).await.refused(401, "session_revoked");
                } else {
                    answer.refused(401, "session_revoked");
                }
            }
        }
    }

    async fn concurrent_invalidating_mints_leave_one_session(t) {
        t.customer("c").await;
        let t = Arc::new(t);
        for _ in 0..10 {
            let minting: Vec<_> = (0..6)
                .map(|_| {
                    let t = Arc::clone(&t);
                    let body = json!({ "customerId": "c", "invalidateExisting": true });
                    tokio::spawn(async move { t.mint(body).await.expect(201).text("token") })
                })
                .collect();
            let mut living = 0;
            for minted in minting.into_iter() {
                living += i32::from(t.read(&minted.await.unwrap()).await.status == 200);
            }
            assert!(living >= 1, "nobody has a session");
            assert_eq!(t.sessions("?status=active").await.len(), 1);
        }
    }

    async fn archiving_during_mints_leaves_no_live_token(t) {
        let c = t.customer("c").await;
        let t = Arc::new(t);
        for _ in 0..15 {
            let minting: Vec<_> = (0..5)
                .map(|_| {
                    let t = Arc::clone(&t);
                    tokio::spawn(async move { t.mint(json!({ "customerId": "c" })).await })
                })
                .collect();
            t.set_archived(&c, "archive").await.expect(200);
            let mut tokens = Vec::new();
            for minted in minting {
                let answer = minted.await.unwrap();
                if answer.status == 201 {
                    t.read(&answer.text("token")).await.refused(401, "customer_archived");
                    tokens.push(answer.text("token"));
                } else {
                    answer.refused(409, "customer_archived");
                }
            }
            t.mint(json!({ "customerId": "c" })).await.refused(409, "customer_archived");
            t.set_archived(&c, "unarchive").await.expect(200);
            for token in tokens {
                t.read(&token).await.refused(401, "session_revoked");
            }
        }
    }
}
