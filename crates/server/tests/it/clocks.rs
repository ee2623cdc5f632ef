//! A node that cannot trust its clock bills nothing, deletes nothing, mints nothing.

use crate::support::{Engine, Request, Test, flat, get, monthly, post};
use serde_json::{Value, json};
use std::time::Duration;
use unitpay::testing::audit::Actor;
use unitpay::testing::base::{Clock, Time};
use unitpay::testing::clock_guard;
use unitpay::testing::db::{DbError, Lane, Sql, Tx, sql};
use unitpay::testing::jobs;
use unitpay::testing::keys::{self, KeyKind, KeyScopes, NewApiKey};

const DAY: i64 = 86_400;
/// All that retention deletes or billing makes.
const ROWS: Sql = sql("SELECT (SELECT COUNT(*) FROM portal_sessions) + \
    (SELECT COUNT(*) FROM idempotency_records) + (SELECT COUNT(*) FROM audit_events) + \
    (SELECT COUNT(*) FROM invoices) + (SELECT COUNT(*) FROM payment_attempts)");

fn real_time() -> Time {
    Clock::system().now()
}

/// A node on PostgreSQL whose clock is so many seconds ahead of the real one, and knows it.
async fn node_ahead(t: &Test, seconds: i64) -> Test {
    let clock = Clock::manual(real_time().plus_seconds(seconds));
    let node = t.another_node_with(clock, &t.app.issuer).await;
    compare(&node, seconds).await;
    node
}

/// Compares a node's clock with PostgreSQL's, which runs while a manual clock stands still.
async fn compare(node: &Test, seconds_ahead: i64) {
    let behind = real_time().plus_seconds(seconds_ahead).0 - node.app.clock.now().0;
    node.app.clock.advance(Duration::from_micros(behind.max(0).unsigned_abs()));
    node.app.compare_clocks().await;
}

/// A subscription, a session and an idempotency record, all of which time would end.
async fn something_due(t: &Test) -> String {
    let plan = t.plan(monthly("pro", flat(2_000))).await;
    t.payer("c").await;
    t.buy("c", &plan, 1).await;
    let mint = post("/v1/portal-sessions", &json!({ "customerId": "c" }));
    t.call(mint.key(&t.key).header("idempotency-key", "k")).await.expect(201).text("token")
}

/// Runs every job that goes by time.
async fn run_jobs(t: &Test) {
    jobs::bill(&t.app).await.unwrap();
    jobs::sweep(&t.app).await.unwrap();
}

async fn renewals(t: &Test) -> usize {
    t.invoices_of("c").await.len()
}

/// Each kind of write that bills, mints or expires.
fn writes(t: &Test, token: &str) -> Vec<Request> {
    let by_key = |path: &str, body: Value| post(path, &body).key(&t.key);
    vec![
        by_key("/v1/subscriptions", json!({ "customerId": "c", "planId": "p" })),
        by_key("/v1/usage/track", json!({ "events": [] })),
        by_key("/v1/customers", json!({ "name": "B", "email": "b@example.com" })),
        by_key("/v1/portal-sessions", json!({ "customerId": "c" })),
        by_key("/v1/api-keys", json!({ "name": "k" })),
        by_key("/v1/test-clock/advance", json!({ "to": "2031-01-01T00:00:00Z" })),
        Request::new("PATCH", "/v1/customers/c").json(&json!({ "name": "B" })).bearer(token),
        Request::new("POST", "/v1/portal-sessions/refresh").bearer(token),
        post("/v1/webhooks/sandbox/any", &json!({})),
    ]
}

async fn assert_refuses_writes(t: &Test, token: &str, why: &str) {
    for write in writes(t, token) {
        let answer = t.call(write).await.refused(503, "unavailable");
        assert_eq!(answer.header("retry-after"), Some("1"));
    }
    let ready = t.call(get("/readyz")).await.refused(503, "unavailable");
    assert!(ready.text("detail").contains(why), "{}", ready.text("detail"));
    t.call(get("/v1/customers/c").key(&t.key)).await.expect(200);
    t.call(get("/healthz")).await.expect(200);
}

/// A secret key that ends at an instant.
async fn key_until(t: &Test, expires_at: Time) -> String {
    let (kind, scopes) = (KeyKind::Secret, KeyScopes::ALL);
    let new = NewApiKey { kind, name: "k".into(), scopes, expires_at: Some(expires_at) };
    let made = keys::make(&new, &t.app.ids, &t.app.random, t.app.clock.now());
    let text = made.secret.reveal().to_owned();
    let (tenant, ids) = (t.tenant, t.app.ids.clone());
    let stored = t.app.db.write(Lane::Usual, async move |tx: &mut Tx<'_, '_>| {
        keys::store(tx, &tenant, &made, Actor::Operator, &ids).await?;
        Ok::<_, DbError>(())
    });
    stored.await.unwrap();
    text
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn node_forty_days_ahead_bills_and_deletes_nothing() {
    let t = Test::start(Engine::Postgres).await;
    let right = node_ahead(&t, 0).await;
    let token = something_due(&right).await;
    let rows = right.count(&ROWS).await;
    let ahead = node_ahead(&t, 40 * DAY).await;
    run_jobs(&ahead).await;
    assert_refuses_writes(&ahead, &token, "s ahead of PostgreSQL's").await;
    run_jobs(&ahead).await;
    assert_eq!((right.count(&ROWS).await, renewals(&right).await), (rows, 1));
    let jti = right.sessions("").await[0]["id"].clone();
    ahead.revoke(json!({ "jti": jti })).await.expect(204);
    right.read(&token).await.refused(401, "session_revoked");
    // The same node would have billed and deleted by a clock that it trusts.
    let fooled = Clock::manual(real_time().plus_days(40));
    let fooled = t.another_node_with(fooled, &t.app.issuer).await;
    run_jobs(&fooled).await;
    assert_eq!(renewals(&right).await, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn api_key_expires_by_the_store_s_clock() {
    let t = Test::start(Engine::Postgres).await;
    let now = real_time();
    let expired = key_until(&t, now.plus_seconds(-1_800)).await;
    let valid = key_until(&t, now.plus_seconds(1_800)).await;
    for seconds in [-3_600, 0, 40 * DAY] {
        let node = node_ahead(&t, seconds).await;
        let read = async |key: &str| node.call(get("/v1/customers").key(key)).await;
        read(&expired).await.refused(401, "invalid_api_key");
        read(&valid).await.expect(200);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn node_recovers_when_its_wall_clock_agrees_again() {
    let t = Test::start(Engine::Postgres).await;
    let node = node_ahead(&t, 0).await;
    let token = something_due(&node).await;
    // The wall clock jumps, and the process continues by its own clock.
    node.app.clock.set_wall_ahead(3_600);
    compare(&node, 0).await;
    assert_refuses_writes(&node, &token, "s ahead of PostgreSQL's").await;
    node.app.clock.set_wall_ahead(0);
    compare(&node, 0).await;
    node.read(&token).await.expect(200);
    node.call(get("/readyz")).await.expect(200);
    // A process that started by a wrong clock takes the right time when the clock is set right.
    let wrong = node_ahead(&t, DAY).await;
    wrong.read(&token).await.refused(503, "unavailable");
    wrong.app.clock.set_wall_ahead(-DAY);
    compare(&wrong, DAY).await;
    assert!((wrong.app.clock.now().0 - real_time().0).abs() < 60_000_000);
    wrong.read(&token).await.expect(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn embedded_node_bills_nothing_while_its_wall_clock_ran_away() {
    let t = Test::start(Engine::Sqlite).await;
    let token = something_due(&t).await;
    t.app.compare_clocks().await;
    t.advance(31 * DAY as u64);
    let fresh = t.token("c").await;
    let rows = t.count(&ROWS).await;
    t.app.clock.set_wall_ahead(400 * DAY);
    t.app.compare_clocks().await;
    assert_refuses_writes(&t, &fresh, "34560000.0 s ahead of the monotonic clock").await;
    run_jobs(&t).await;
    assert_eq!((t.count(&ROWS).await, renewals(&t).await), (rows, 1));
    // It comes back: what was due all the time is billed once.
    t.app.clock.set_wall_ahead(0);
    t.app.compare_clocks().await;
    t.read(&token).await.refused(401, "token_expired");
    t.read(&fresh).await.expect(200);
    run_jobs(&t).await;
    assert_eq!(renewals(&t).await, 2);
    // Within an hour it is followed as ever.
    t.app.clock.set_wall_ahead(3_600);
    t.app.compare_clocks().await;
    t.call(get("/readyz")).await.expect(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn embedded_node_set_back_serves_sessions_and_bills_nothing() {
    let t = Test::start(Engine::Sqlite).await;
    something_due(&t).await;
    t.advance(31 * DAY as u64);
    t.app.clock.set_wall_ahead(-DAY);
    t.app.compare_clocks().await;
    run_jobs(&t).await;
    assert_eq!(renewals(&t).await, 1);
    let token = t.token("c").await;
    t.read(&token).await.expect(200);
    let ready = t.call(get("/readyz")).await.refused(503, "unavailable");
    assert!(ready.text("detail").contains("86400.0 s behind the monotonic clock"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn operator_confirms_the_time_that_was_seen_and_no_other() {
    let t = Test::start(Engine::Sqlite).await;
    something_due(&t).await;
    let confirm = async |wall: Time| {
        let confirmed = t.app.db.write(Lane::Urgent, async move |tx: &mut Tx<'_, '_>| {
            clock_guard::accept(tx, wall).await
        });
        confirmed.await.unwrap();
        t.app.compare_clocks().await;
    };
    let start = t.app.clock.now();
    let jumped = start.plus_days(40);
    // A confirmation from before the jump confirms nothing.
    confirm(jumped).await;
    t.app.clock.set_wall_ahead(40 * DAY);
    t.app.compare_clocks().await;
    t.call(get("/readyz")).await.refused(503, "unavailable");
    // Neither does one of another time.
    confirm(jumped.plus_days(1)).await;
    t.call(get("/readyz")).await.refused(503, "unavailable");
    run_jobs(&t).await;
    assert_eq!(renewals(&t).await, 1);
    confirm(jumped.plus_seconds(60)).await;
    t.call(get("/readyz")).await.expect(200);
    assert_eq!(t.app.clock.now(), jumped);
    run_jobs(&t).await;
    assert_eq!(renewals(&t).await, 2);
    // It is used up.
    t.app.clock.set_wall_ahead(-2 * 3_600);
    t.app.compare_clocks().await;
    t.call(get("/readyz")).await.refused(503, "unavailable");
}
