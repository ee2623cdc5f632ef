//! Lists: pages, cursors in both directions, filters.

use crate::on_both_stores;
use crate::support::{Answer, Test, get, post};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use unitpay::testing::credits::GrantSource;
use unitpay::testing::keys::KeyScopes;

const LISTS: [&str; 4] = ["customers", "portal-sessions", "api-keys", "audit-events"];

on_both_stores! {
    async fn cursor_of_all_customers_is_refused_for_one_customer(t) {
        let shop = t.shop().await;
        for customer in ["one", "two"] {
            t.subscriber(&shop, customer).await;
            t.grant(shop.wallet(customer), GrantSource::Promotional, 1, None).await;
            t.bill(customer, 1_000).await;
        }
        let token = t.token("one").await;
        for list in ["subscriptions", "credit-accounts", "invoices"] {
            let cursor = page(&t, list, "limit=1").await["nextCursor"].as_str().unwrap().to_owned();
            page(&t, list, &format!("limit=1&cursor={cursor}")).await;
            let path = format!("/v1/{list}?limit=1&cursor={cursor}");
            invalid(t.call(get(path).bearer(&token)).await, "cursor");
            for named in ["one", "two"] {
                invalid(ask(&t, &t.key, list, &format!("limit=1&cursor={cursor}&customerId={named}")).await, "cursor");
            }
        }
    }

    async fn limit_is_refused_outside_1_to_100(t) {
        fill(&t, 22).await;
        for list in LISTS {
            assert_eq!(ids(&page(&t, list, "").await).len(), 20, "{list}");
            assert_eq!(ids(&page(&t, list, "limit=1").await).len(), 1);
            assert_eq!(ids(&page(&t, list, "limit=21").await).len(), 21);
            assert!(ids(&page(&t, list, "limit=100").await).len() >= 22);
            for wrong in ["0", "101", "-1", "+1", "1.0", "1e1", "", "%201", "1%20", "x", "%31%00", "99999999999999999999"] {
                invalid(ask(&t, &t.key, list, &format!("limit={wrong}")).await, "limit");
            }
            invalid(ask(&t, &t.key, list, "limit=5&limit=5").await, "limit");
            invalid(ask(&t, &t.key, list, "offset=5").await, "offset");
            invalid(ask(&t, &t.key, list, "Limit=5").await, "Limit");
        }
    }

    async fn list_walk_has_no_gap_or_repetition(t) {
        fill(&t, 7).await;
        for list in LISTS {
            let whole = page(&t, list, "limit=100").await;
            assert_eq!((&whole["hasMore"], &whole["nextCursor"], &whole["prevCursor"]), (&json!(false), &Value::Null, &Value::Null));
            let whole = ids(&whole);
            assert!(whole.is_sorted_by(|a, b| a > b), "{list}: {whole:?}");
            for limit in [1, 3, whole.len() - 1, whole.len()] {
                let mut pages = vec![page(&t, list, &format!("limit={limit}")).await];
                while let Some(cursor) = pages[pages.len() - 1]["nextCursor"].as_str() {
                    pages.push(page(&t, list, &format!("limit={limit}&cursor={cursor}")).await);
                }
                assert_eq!(pages.iter().flat_map(ids).collect::<Vec<_>>(), whole, "{list} {limit}");
                for (n, page) in pages.iter().enumerate() {
                    assert_eq!(page["hasMore"], n + 1 < pages.len());
                    assert_eq!(page["prevCursor"].is_string(), n > 0);
                }
                for n in (1..pages.len()).rev() {
                    let cursor = pages[n]["prevCursor"].as_str().unwrap();
                    let back = page(&t, list, &format!("limit={limit}&cursor={cursor}")).await;
                    assert_eq!(ids(&back), ids(&pages[n - 1]), "{list} {limit} {n}");
                    assert_eq!(back["hasMore"], true);
                    assert_eq!(back["prevCursor"].is_string(), n > 1);
                }
            }
        }
    }

    async fn rows_created_while_paging_hide_and_repeat_none(t) {
        fill(&t, 3).await;
        for list in LISTS {
            let known = ids(&page(&t, list, "limit=100").await);
            let first = page(&t, list, "limit=3").await;
            let mut listed = ids(&first);
            let mut next = first["nextCursor"].as_str().map(str::to_owned);
            let mut last = first;
            while let Some(cursor) = next {
                // A new row is created between any two pages.
                fill(&t, 1).await;
                last = page(&t, list, &format!("limit=3&cursor={cursor}")).await;
                listed.extend(ids(&last));
                next = last["nextCursor"].as_str().map(str::to_owned);
            }
            assert_eq!(listed, known, "{list}");
            // Back at the first page, all new rows are there.
            let mut newer = Vec::new();
            let mut back = last["prevCursor"].as_str().map(str::to_owned);
            while let Some(cursor) = back {
                let page = page(&t, list, &format!("limit=3&cursor={cursor}")).await;
                newer.splice(0..0, ids(&page));
                back = page["prevCursor"].as_str().map(str::to_owned);
            }
            newer.extend(ids(&last));
            assert_eq!(newer, ids(&page(&t, list, "limit=100").await), "{list}");
        }
    }

    async fn empty_list_has_no_cursors(t) {
        let other = t.key_of(t.organization("another").await, KeyScopes::ALL).await;
        for list in ["customers", "portal-sessions"] {
            let page = ask(&t, &other, list, "").await.expect(200).json();
            assert_eq!(page, json!({ "data": [], "hasMore": false, "nextCursor": null, "prevCursor": null }));
        }
    }

    async fn cursor_is_refused_for_another_list_filter_or_tenant(t) {
        fill(&t, 3).await;
        let cursor_of = async |list: &str, filter: &str| {
            let page = page(&t, list, &format!("limit=1&{filter}")).await;
            page["nextCursor"].as_str().unwrap().to_owned()
        };
        for list in LISTS {
            let cursor = cursor_of(list, "").await;
            ask(&t, &t.key, list, &format!("cursor={cursor}")).await.expect(200);
            for other in LISTS.into_iter().filter(|other| *other != list) {
                invalid(ask(&t, &t.key, other, &format!("cursor={cursor}")).await, "cursor");
            }
            let live = t.live(t.tenant.organization_id).await;
            let another = t.organization(list).await;
            for tenant in [live, another] {
                let key = t.key_of(tenant, KeyScopes::ALL).await;
                invalid(ask(&t, &key, list, &format!("cursor={cursor}")).await, "cursor");
            }
        }
        let filtered = cursor_of("portal-sessions", "customerId=c0").await;
        let narrower = cursor_of("portal-sessions", "customerId=c0&status=active").await;
        let plain = cursor_of("portal-sessions", "").await;
        for (cursor, filter) in [
            (&filtered, ""), (&filtered, "&customerId=c1"), (&filtered, "&customerId=c0&status=active"),
            (&narrower, "&customerId=c0&status=expired"), (&narrower, "&status=active"),
            (&plain, "&customerId=c0"), (&plain, "&status=revoked"),
        ] {
            invalid(ask(&t, &t.key, "portal-sessions", &format!("cursor={cursor}{filter}")).await, "cursor");
        }
        let events = cursor_of("audit-events", "").await;
        invalid(ask(&t, &t.key, "audit-events", &format!("cursor={events}&customerId=c0")).await, "cursor");
    }

    async fn damaged_cursor_is_refused(t) {
        fill(&t, 3).await;
        for list in LISTS {
            let page = page(&t, list, "limit=1").await;
            let good = page["nextCursor"].as_str().unwrap();
            let text = String::from_utf8(URL_SAFE_NO_PAD.decode(good).unwrap()).unwrap();
            let hash = text.rsplit('.').next().unwrap();
            let made = |text: String| URL_SAFE_NO_PAD.encode(text);
            for damaged in [
                String::new(), "x".into(), good[1..].into(), good[..good.len() - 1].into(), format!("{good}A"),
                format!("{good}="), good.to_uppercase(), "A".repeat(401), "%C3%A9".into(),
                made(format!("x.cus_1.{hash}")), made(format!("o.cus_1.{hash}x")), made(format!("o.cus_1.{hash}.x")),
                made(format!("o.CUS.{hash}")), made(format!("o.' OR 1=1.{hash}")), made(format!("o.~.{hash}")),
                made("o.cus_1".into()), made("o..".into()),
            ] {
                invalid(ask(&t, &t.key, list, &format!("cursor={damaged}")).await, "cursor");
            }
            // A caller who forges the hash can only move within its own list.
            let first = made(format!("o..{hash}"));
            assert_eq!(ids(&self::page(&t, list, &format!("cursor={first}")).await), Vec::<String>::new());
        }
    }

    async fn sessions_are_filtered_by_customer_and_status(t) {
        for name in ["one", "two"] {
            t.customer(name).await;
        }
        let mint = async |customer: &str, ttl: i64| {
            t.mint(json!({ "customerId": customer, "ttlSeconds": ttl })).await.expect(201).text("jti")
        };
        let expired = mint("one", 60).await;
        let revoked = mint("one", 3600).await;
        let both = mint("one", 60).await;
        let of_two = mint("two", 3600).await;
        let active = mint("one", 3600).await;
        for jti in [&revoked, &both] {
            t.revoke(json!({ "jti": jti })).await.expect(204);
        }
        t.advance(60);
        for (query, expected) in [
            ("", vec![&active, &of_two, &both, &revoked, &expired]),
            ("customerId=one", vec![&active, &both, &revoked, &expired]),
            ("customerId=two", vec![&of_two]),
            ("status=active", vec![&active, &of_two]),
            ("status=expired", vec![&expired]),
            ("status=revoked", vec![&both, &revoked]),
            ("customerId=one&status=active", vec![&active]),
            ("customerId=two&status=revoked", vec![]),
        ] {
            let listed = page(&t, "portal-sessions", query).await;
            assert_eq!(ids(&listed).iter().collect::<Vec<_>>(), expected, "{query}");
            let status = query.split("status=").nth(1);
            let all = listed["data"].as_array().unwrap();
            assert!(all.iter().all(|session| status.is_none_or(|status| session["status"] == status)));
        }
        for wrong in ["status=", "status=Active", "status=active&status=active", "status=all", "customerId=", "customerId=a%00"] {
            let param = wrong.split('=').next().unwrap();
            invalid(ask(&t, &t.key, "portal-sessions", wrong).await, param);
        }
        for missing in ["customerId=three", "customerId=cus_01kwgt3qt8f689ez1ekre217xw"] {
            ask(&t, &t.key, "portal-sessions", missing).await.refused(404, "customer_not_found");
        }
    }

    async fn listed_session_equals_the_read_one_without_token(t) {
        let customer = t.customer("one").await;
        let body = json!({
            "customerId": "one", "ttlSeconds": 600, "maxLifetimeSeconds": 1200, "readOnly": true,
            "allowedOrigins": ["https://app.example.com"], "metadata": { "k": "v" },
        });
        let minted = t.mint(body).await.expect(201);
        let sid = minted.text("jti");
        let listed = page(&t, "portal-sessions", "").await["data"][0].clone();
        let read = t.call(get(format!("/v1/portal-sessions/{sid}")).key(&t.key)).await.expect(200);
        assert_eq!(read.json(), listed);
        assert!(!String::from_utf8_lossy(&read.body).contains("eyJ"));
        let key_id = listed["createdByKeyId"].as_str().unwrap();
        assert!(key_id.starts_with("key_"));
        let expected = json!({
            "id": sid, "customerId": customer, "status": "active",
            "scopes": ["customer:read", "subscriptions:read", "invoices:read", "payment_methods:read", "credits:read", "usage:read"],
            "allowedOrigins": ["https://app.example.com"], "createdAt": "2030-01-01T00:00:00.000Z",
            "expiresAt": "2030-01-01T00:10:00.000Z", "absoluteExpiresAt": "2030-01-01T00:20:00.000Z",
            "refreshCount": 0, "revokedAt": null, "revokedReason": null, "createdByKeyId": key_id,
            "origin": "api_key", "invoiceId": null,
            "metadata": { "k": "v" },
        });
        assert_eq!(listed, expected);
        for missing in ["ps_01kwgt3qt8f689ez1ekre217xw", "ps_1", &sid.to_uppercase(), &format!("{sid}.1"), &customer] {
            t.call(get(format!("/v1/portal-sessions/{missing}")).key(&t.key)).await.refused(404, "not_found");
        }
    }
}

/// Creates customers `c0` and up, each with a session of `c0` and `c1`, and keys; so there are
/// events as well.
async fn fill(t: &Test, count: usize) {
    for n in 0..count {
        let body = json!({ "name": "A", "email": "a@example.com", "externalId": format!("c{n}") });
        t.call(post("/v1/customers", &body).key(&t.key)).await;
        let body = json!({ "name": "A", "email": "a@example.com" });
        t.call(post("/v1/customers", &body).key(&t.key)).await.expect(201);
        t.mint(json!({ "customerId": "c0" })).await.expect(201);
        t.call(post("/v1/api-keys", &json!({ "name": "K" })).key(&t.key)).await.expect(201);
    }
}

async fn ask(t: &Test, key: &str, list: &str, query: &str) -> Answer {
    t.call(get(format!("/v1/{list}?{query}")).key(key)).await
}

async fn page(t: &Test, list: &str, query: &str) -> Value {
    ask(t, &t.key, list, query).await.expect(200).json()
}

fn ids(page: &Value) -> Vec<String> {
    let rows = page["data"].as_array().unwrap().iter();
    rows.map(|row| row["id"].as_str().unwrap().to_owned()).collect()
}

#[track_caller]
fn invalid(answer: Answer, param: &str) {
    let body = answer.refused(422, "validation_failed").json();
    assert_eq!(body["errors"][0]["param"], param, "{body}");
}
