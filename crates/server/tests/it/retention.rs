//! The sweeper: what it deletes, and that it never deletes too early.

use crate::on_both_stores;
use crate::support::{Answer, Engine, Test, get, post};
use serde_json::json;
use unitpay::testing::db::{Sql, sql};
use unitpay::testing::jobs;

const DAY: u64 = 86_400;
const SESSIONS: Sql = sql("SELECT COUNT(*) FROM portal_sessions");
const GENERATIONS: Sql = sql("SELECT COUNT(*) FROM ended_generations");
const RECORDS: Sql = sql("SELECT COUNT(*) FROM idempotency_records");

async fn sweep(t: &Test) {
    jobs::sweep(&t.app).await.unwrap();
}

async fn mint_once(t: &Test, key: &str, ttl_seconds: i64) -> Answer {
    let body = json!({ "customerId": "c", "ttlSeconds": ttl_seconds });
    t.call(post("/v1/portal-sessions", &body).key(&t.key).header("idempotency-key", key)).await
}

async fn actions(t: &Test) -> Vec<String> {
    let list = t.call(get("/v1/audit-events?limit=100").key(&t.key)).await.expect(200).json();
    let events = list["data"].as_array().unwrap();
    events.iter().map(|event| event["action"].as_str().unwrap().to_owned()).collect()
}

async fn audit_events_go_after(t: Test, days: u64) {
    t.customer("c").await;
    let old = actions(&t).await;
    assert_eq!(old, ["customer.created", "api_key.created"]);
    t.advance(1);
    t.revoke(json!({ "customerId": "c" })).await.expect(204);
    t.advance(days * DAY - 1);
    sweep(&t).await;
    assert_eq!(actions(&t).await.len(), 3);
    t.advance(1);
    sweep(&t).await;
    assert_eq!(actions(&t).await, ["customer.sessions_revoked"]);
    t.advance(1);
    sweep(&t).await;
    assert_eq!(actions(&t).await, Vec::<String>::new());
}

on_both_stores! {
    async fn session_is_deleted_30_days_after_its_absolute_end(t) {
        t.customer("c").await;
        let revoked = t.token("c").await;
        t.revoke(json!({ "customerId": "c" })).await.expect(204);
        let kept = t.mint(json!({ "customerId": "c", "ttlSeconds": 86_400 })).await.expect(201);
        let (token, jti) = (kept.text("token"), kept.text("jti"));
        t.copy_session(&jti, 1_200).await;
        t.advance(DAY - 1);
        sweep(&t).await;
        t.read(&token).await.expect(200);
        t.read(&revoked).await.refused(401, "token_expired");
        t.advance(30 * DAY);
        sweep(&t).await;
        assert_eq!((t.count(&SESSIONS).await, t.count(&GENERATIONS).await), (1_202, 1));
        t.read(&token).await.refused(401, "token_expired");
        assert_eq!(t.sessions("?status=revoked").await.len(), 1);
        let young = t.token("c").await;
        // Ids carry milliseconds. One second later, all ids of that instant are older.
        t.advance(2);
        sweep(&t).await;
        assert_eq!((t.count(&SESSIONS).await, t.count(&GENERATIONS).await), (1, 0));
        t.read(&young).await.expect(200);
        t.read(&token).await.refused(401, "invalid_token");
        t.read(&revoked).await.refused(401, "invalid_token");
        t.call(get(format!("/v1/portal-sessions/{jti}")).key(&t.key)).await.refused(404, "not_found");
        t.revoke(json!({ "jti": jti })).await.expect(204);
    }

    async fn token_stays_refused_after_its_row_is_deleted(t) {
        t.customer("c").await;
        for _ in 0..3 {
            t.revoke(json!({ "customerId": "c" })).await.expect(204);
        }
        t.advance(40 * DAY);
        sweep(&t).await;
        assert_eq!(t.count(&GENERATIONS).await, 0);
        let token = t.token("c").await;
        t.read(&token).await.expect(200);
        t.revoke(json!({ "customerId": "c" })).await.expect(204);
        t.read(&token).await.refused(401, "session_revoked");
        assert_eq!(t.sessions("").await[0]["revokedReason"], "customer_revoked");
    }

    async fn idempotency_record_is_deleted_after_24_hours(t) {
        t.customer("c").await;
        let first = mint_once(&t, "k", 86_400).await.expect(201);
        t.advance(DAY - 1);
        sweep(&t).await;
        assert_eq!(t.count(&RECORDS).await, 1);
        let again = mint_once(&t, "k", 86_400).await.expect(201);
        assert_eq!((again.body.clone(), again.header("idempotent-replayed")), (first.body, Some("true")));
        mint_once(&t, "k", 60).await.refused(422, "idempotency_key_reused");
        t.advance(1);
        sweep(&t).await;
        assert_eq!(t.count(&RECORDS).await, 0);
        let fresh = mint_once(&t, "k", 60).await.expect(201);
        assert_eq!(fresh.header("idempotent-replayed"), None);
        assert_eq!(t.count(&SESSIONS).await, 2);
    }

    async fn audit_event_is_deleted_after_400_days(t) {
        audit_events_go_after(t, 400).await;
    }

    async fn sweep_without_old_rows_changes_nothing(t) {
        let c = t.customer("c").await;
        let token = t.token("c").await;
        for _ in 0..3 {
            sweep(&t).await;
        }
        assert_eq!(t.read(&token).await.expect(200).json()["customer"]["id"], c.as_str());
        assert_eq!(actions(&t).await.len(), 2);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn audit_events_are_deleted_after_the_configured_days() {
    let t = Test::start_with(Engine::Sqlite, |config| config.retention.audit_days = 10).await;
    audit_events_go_after(t, 10).await;
}
