//! Events: recorded with their change, published once, in the API's own form.

use crate::on_both_stores;
use crate::support::{Engine, Test, get, patch, post};
use futures_util::future::join_all;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use unitpay::testing::db::{Sql, sql};

const EVENTS: Sql = sql("SELECT COUNT(*) FROM events");

/// All events, oldest first.
async fn events(t: &Test, query: &str) -> Vec<Value> {
    let list = t.call(get(format!("/v1/events?limit=100&{query}")).key(&t.key)).await.expect(200);
    let mut events = list.json()["data"].as_array().unwrap().clone();
    events.reverse();
    events
}

fn types(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["type"].as_str().unwrap()).collect()
}

on_both_stores! {
    async fn change_records_an_event_with_its_object(t) {
        let id = t.customer("one").await;
        assert_eq!(events(&t, "").await, Vec::<Value>::new());
        t.publish().await;
        let customer = t.call(get("/v1/customers/one").key(&t.key)).await.expect(200).json();
        let all = events(&t, "").await;
        assert!(all[0]["id"].as_str().unwrap().starts_with("evt_"));
        assert_eq!(all, [json!({
            "id": all[0]["id"], "type": "customer.created", "timestamp": "2030-01-01T00:00:00.000Z",
            "sequence": 1, "customerId": id, "data": { "object": customer },
        })]);
        // The audit event of the change has the same id.
        let audit = t.call(get("/v1/audit-events?customerId=one").key(&t.key)).await.expect(200);
        assert_eq!(audit.json()["data"][0]["id"], all[0]["id"]);
        let one = get(format!("/v1/events/{}", all[0]["id"].as_str().unwrap())).key(&t.key);
        assert_eq!(t.call(one).await.expect(200).json(), all[0]);
        // The object stays as it was published.
        t.call(patch("/v1/customers/one", &json!({ "name": "B" })).key(&t.key)).await.expect(200);
        t.publish().await;
        let all = events(&t, "").await;
        assert_eq!(all[0]["data"]["object"]["name"], "A");
        assert_eq!(all[1]["data"]["object"]["name"], "B");
    }

    async fn refused_and_repeated_changes_record_no_event(t) {
        let body = json!({ "name": "A", "email": "a@example.com", "externalId": "one" });
        let create = || post("/v1/customers", &body).key(&t.key);
        t.call(create().header("idempotency-key", "k")).await.expect(201);
        t.call(create().header("idempotency-key", "k")).await.expect(201);
        t.call(create()).await.refused(409, "conflict");
        t.call(patch("/v1/customers/one", &json!({ "name": "A" })).key(&t.key)).await.expect(200);
        assert_eq!(t.count(&EVENTS).await, 1);
    }

    async fn events_are_filtered_and_paged(t) {
        let one = t.customer("one").await;
        t.customer("two").await;
        t.call(patch("/v1/customers/one", &json!({ "name": "B" })).key(&t.key)).await.expect(200);
        t.publish().await;
        let sequences = async |query: &str| {
            let found = events(&t, query).await;
            found.iter().map(|event| event["sequence"].as_i64().unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(sequences("").await, [1, 2, 3]);
        assert_eq!(sequences("type=customer.created").await, [1, 2]);
        assert_eq!(sequences(&format!("customerId={one}")).await, [1, 3]);
        assert_eq!(sequences("customerId=one&type=customer.updated").await, [3]);
        assert_eq!(sequences("afterSequence=1").await, [2, 3]);
        let page = t.call(get("/v1/events?limit=2").key(&t.key)).await.expect(200).json();
        let next = format!("/v1/events?limit=2&cursor={}", page["nextCursor"].as_str().unwrap());
        let next = t.call(get(next).key(&t.key)).await.expect(200).json();
        assert_eq!((next["data"][0]["sequence"].as_i64(), &next["hasMore"]), (Some(1), &json!(false)));
        for bad in ["type=customer.exploded", "afterSequence=-1", "afterSequence=x", "since=1"] {
            t.call(get(format!("/v1/events?{bad}")).key(&t.key)).await.refused(422, "validation_failed");
        }
        t.call(get("/v1/events?customerId=none").key(&t.key)).await.refused(404, "customer_not_found");
        t.call(get("/v1/events/evt_1").key(&t.key)).await.refused(404, "not_found");
    }

    async fn billing_events_have_the_form_of_the_api(t) {
        let plan = json!({ "slug": "p", "name": "P", "status": "active", "billingInterval": "month",
            "currency": "USD", "charges": [{ "type": "recurring", "amount": 1_000 }] });
        let plan = t.plan(plan).await;
        let customer = t.customer("one").await;
        let card = t.card(&customer, "pm_sandbox_visa").await;
        t.ask("subscriptions", json!({ "customerId": customer, "planId": plan })).await;
        t.publish().await;
        let all = events(&t, "").await;
        let kinds: BTreeSet<&str> = types(&all).into_iter().collect();
        assert_eq!(kinds, BTreeSet::from([
            "customer.created", "payment_method.attached", "payment_method.updated",
            "subscription.created", "invoice.issued", "invoice.paid", "subscription.activated",
            "payment.succeeded",
        ]), "{:?}", types(&all));
        for event in &all {
            let (object, kind) = (&event["data"]["object"], event["type"].as_str().unwrap());
            let id = object["id"].as_str().unwrap();
            let path = match kind.split('.').next().unwrap() {
                "customer" => format!("customers/{id}"),
                "subscription" => format!("subscriptions/{id}"),
                "invoice" => format!("invoices/{id}"),
                "payment" => format!("payment-attempts/{id}"),
                "payment_method" => {
                    let path = format!("/v1/customers/{customer}/payment-methods");
                    let list = t.call(get(path).key(&t.key)).await.expect(200).json();
                    assert_eq!(&list["data"][0], object);
                    continue;
                }
                other => panic!("{other}"),
            };
            let read = t.call(get(format!("/v1/{path}")).key(&t.key)).await.expect(200).json();
            assert_eq!(&read, object, "{kind}");
            assert_eq!(event["customerId"], customer.as_str());
        }
        // An object that is deleted before its event is published is only named.
        t.call(post(format!("/v1/payment-methods/{card}/default"), &json!({})).key(&t.key)).await;
        let second = t.card(&customer, "pm_sandbox_mastercard").await;
        let remove = crate::support::delete(format!("/v1/payment-methods/{second}")).key(&t.key);
        t.call(remove).await.expect(204);
        t.publish().await;
        let all = events(&t, "type=payment_method.detached").await;
        let gone = json!({ "id": second, "customerId": customer, "deleted": true });
        assert_eq!(all[0]["data"]["object"], gone);
    }

    async fn session_events_are_recorded_on_request_only(t) {
        t.customer("one").await;
        t.token("one").await;
        let minted = t.mint(json!({ "customerId": "one" })).await.expect(201);
        t.revoke(json!({ "jti": minted.text("jti") })).await.expect(204);
        t.publish().await;
        assert_eq!(types(&events(&t, "").await), ["customer.created", "portal_session.revoked"]);
        let all = json!({ "url": "https://hooks.example.com", "types": [] });
        let all = t.call(post("/v1/webhook-endpoints", &all).key(&t.key)).await.expect(201).text("id");
        t.token("one").await;
        assert_eq!(t.count(&EVENTS).await, 2);
        let named = json!({ "types": ["portal_session.created", "portal_session.refreshed"] });
        let path = format!("/v1/webhook-endpoints/{all}");
        t.call(patch(&path, &named).key(&t.key)).await.expect(200);
        let minted = t.mint(json!({ "customerId": "one" })).await.expect(201);
        t.advance(2_800);
        let token = t.refresh(&minted.text("token")).await.expect(200).text("token");
        t.publish().await;
        let later = events(&t, "afterSequence=2").await;
        assert_eq!(types(&later), ["portal_session.created", "portal_session.refreshed"]);
        assert!(!Value::from(later.clone()).to_string().contains(&token));
        assert_eq!(later[0]["data"]["object"]["id"], minted.text("jti").as_str());
        t.call(crate::support::delete(&path).key(&t.key)).await.expect(204);
        t.token("one").await;
        assert_eq!(t.count(&EVENTS).await, 4);
    }

    async fn tenants_have_sequences_of_their_own(t) {
        t.customer("one").await;
        let live = t.live(t.tenant.organization_id).await;
        let key = t.key_of(live, unitpay::testing::keys::KeyScopes::ALL).await;
        let body = json!({ "name": "A", "email": "a@example.com", "externalId": "one" });
        t.call(post("/v1/customers", &body).key(&key)).await.expect(201);
        t.publish().await;
        for key in [&t.key, &key] {
            let list = t.call(get("/v1/events").key(key)).await.expect(200).json();
            assert_eq!(list["data"].as_array().unwrap().len(), 1);
            assert_eq!(list["data"][0]["sequence"], 1);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_publish_each_event_once() {
    let one = Test::start(Engine::Postgres).await;
    let two = one.another_node().await;
    for round in 0..4 {
        let customers: Vec<String> = (0..60).map(|n| format!("c{round}-{n}")).collect();
        join_all(customers.iter().map(|name| one.customer(name))).await;
        join_all([&one, &two, &one, &two].map(Test::publish)).await;
    }
    join_all([&one, &two].map(Test::publish)).await;
    const NUMBERED: Sql =
        sql("SELECT COUNT(DISTINCT sequence) FROM events WHERE sequence BETWEEN 1 AND 240");
    assert_eq!((one.count(&EVENTS).await, one.count(&NUMBERED).await), (240, 240));
}
