//! The life of a portal session: mint, read, refresh, revoke.

use crate::on_both_stores;
use serde_json::json;

on_both_stores! {
    async fn a_minted_token_opens_its_own_customer(t) {
        let id = t.customer("cus_123").await;
        let minted = t.mint(json!({ "customerId": "cus_123", "ttlSeconds": 600 })).await.expect(201);
        assert_eq!(minted.text("customerId"), id);
        assert_eq!(minted.text("expiresAt"), "2030-01-01T00:10:00.000Z");
        assert_eq!(minted.text("absoluteExpiresAt"), "2030-01-02T00:00:00.000Z");
        assert_eq!(minted.header("cache-control"), Some("no-store"));
        let read = t.read(&minted.text("token")).await.expect(200);
        assert_eq!(read.json()["customer"]["id"], id.as_str());
        assert_eq!(read.json()["session"]["id"], minted.text("jti").as_str());
    }

    async fn a_revoked_customer_has_no_living_token_and_a_new_one_lives(t) {
        t.customer("cus_123").await;
        let before = [t.token("cus_123").await, t.token("cus_123").await];
        t.revoke(json!({ "customerId": "cus_123" })).await.expect(204);
        let after = t.token("cus_123").await;
        for token in before {
            t.read(&token).await.refused(401, "session_revoked");
        }
        t.read(&after).await.expect(200);
    }

    async fn a_token_is_refused_from_the_second_of_its_end(t) {
        t.customer("cus_123").await;
        let token = t.mint(json!({ "customerId": "cus_123", "ttlSeconds": 60 })).await.text("token");
        t.advance(59);
        t.read(&token).await.expect(200);
        t.advance(1);
        t.read(&token).await.refused(401, "token_expired");
    }
}
