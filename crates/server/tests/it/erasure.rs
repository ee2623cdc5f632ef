//! Erasing a customer's personal data.

use crate::on_both_stores;
use crate::support::{Engine, SmtpServer, Test, event_with, flat, get, monthly, patch, post};
use serde_json::{Value, json};
use unitpay::testing::db::sql;

/// In everything that is written about the customer.
const MARK: &str = "ada7f3c";

/// Returns the names of the tables with a row that contains a text.
async fn tables_with(t: &Test, text: &str) -> Vec<String> {
    let mut tx = t.app.db.read().await.unwrap();
    let names = match t.engine {
        Engine::Sqlite => {
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
        }
        Engine::Postgres => {
            "SELECT CAST(table_name AS TEXT) FROM information_schema.tables WHERE table_schema = 'public'"
        }
    };
    let names: Vec<String> = tx.all(&sql(names), &[], |row| row.take()).await.unwrap();
    assert!(names.len() > 30, "{names:?}");
    let mut found = Vec::new();
    for name in names {
        let row = match t.engine {
            Engine::Sqlite => {
                let columns = format!(
                    r#"SELECT 'ifnull(CAST("' || name || '" AS TEXT), '''')' FROM pragma_table_info('{name}')"#
                );
                let columns: Vec<String> =
                    tx.all(&sql(columns.leak()), &[], |row| row.take()).await.unwrap();
                columns.join(" || ")
            }
            Engine::Postgres => "CAST(one AS TEXT)".to_owned(),
        };
        let holds = format!("SELECT 1 FROM {name} AS one WHERE {row} LIKE '%{text}%' LIMIT 1");
        if tx.exists(&sql(holds.leak()), &[]).await.unwrap() {
            found.push(name);
        }
    }
    found.sort();
    found
}

/// Creates a customer with data in every table that holds any.
async fn customer(t: &Test) -> Value {
    let note = json!({ "note": MARK });
    let body = json!({
        "name": format!("Ada {MARK}"), "email": format!("{MARK}@example.com"), "externalId": format!("x-{MARK}"),
        "metadata": note, "poNumber": MARK, "notes": MARK,
        "billingAddress": { "line1": format!("{MARK} street"), "city": "Berlin", "country": "DE" },
    });
    let create = post("/v1/customers", &body).key(&t.key).header("idempotency-key", "one");
    let made = t.call(create).await.expect(201).json();
    let id = made["id"].as_str().unwrap();
    let charges = json!([{ "type": "recurring", "amount": 1_000 }, t.calls().await]);
    let plan = t.plan(monthly("plan", charges)).await;
    t.card(id, "pm_sandbox_visa").await;
    t.ask("subscriptions", json!({ "customerId": id, "planId": plan, "metadata": note })).await;
    let event = event_with(id, "call", "1", json!({ "properties": { "user": MARK } }));
    assert_eq!(t.tracked(json!([event])).await, []);
    t.mint(json!({ "customerId": id, "metadata": note })).await.expect(201);
    t.publish().await;
    made
}

on_both_stores! {
    async fn erased_data_is_in_issued_documents_only(t) {
        let smtp = SmtpServer::start().await;
        let t = Test::with_email(t.engine, &smtp).await;
        let made = customer(&t).await;
        let id = made["id"].as_str().unwrap();
        let token = t.token(id).await;
        t.send_email().await;
        let before = tables_with(&t, MARK).await;
        assert!(before.len() >= 9 && before.contains(&"emails".to_owned()), "{before:?}");
        // Its events are published after the erasure.
        t.pay(&t.bill(id, 500).await, json!({})).await.expect(200);
        smtp.take();
        let erase = async || t.call(post(format!("/v1/customers/{id}/erase"), &json!({})).key(&t.key)).await;
        let erased = erase().await.expect(200).json();
        assert_eq!(tables_with(&t, MARK).await, ["invoices"]);
        t.publish().await;
        t.send_email().await;
        assert_eq!(tables_with(&t, MARK).await, ["invoices"]);
        assert!(smtp.take().is_empty());
        assert_eq!((&erased["status"], &erased["name"]), (&json!("archived"), &json!("Erased customer")));
        assert_eq!(erased["email"], format!("{id}@erased.invalid"));
        assert_eq!(erased["erasedAt"], "2030-01-01T00:00:00.000Z");
        t.read(&token).await.refused(401, "customer_archived");
        let methods = get(format!("/v1/customers/{id}/payment-methods")).key(&t.key);
        assert_eq!(t.call(methods).await.expect(200).json()["data"], json!([]));
        // The document keeps the buyer, and a repeated request changes nothing.
        assert_eq!(t.invoices_of(id).await[0]["customer"]["name"], made["name"]);
        let before = t.state().await;
        t.advance(60);
        assert_eq!(erase().await.expect(200).json(), erased);
        assert_eq!(t.state().await, before);
    }

    async fn erased_customer_takes_no_data_and_frees_its_id(t) {
        let made = customer(&t).await;
        let id = made["id"].as_str().unwrap();
        let other = t.customer("other").await;
        t.call(post(format!("/v1/customers/{id}/erase"), &json!({})).key(&t.key)).await.expect(200);
        let change = patch(format!("/v1/customers/{id}"), &json!({ "name": "Ada" })).key(&t.key);
        t.call(change).await.refused(409, "customer_erased");
        t.call(post(format!("/v1/customers/{id}/unarchive"), &json!({})).key(&t.key)).await.refused(409, "customer_erased");
        let plan = t.plan(monthly("other", flat(100))).await;
        t.try_to_subscribe(id, &plan).await.refused(409, "customer_archived");
        t.customer(made["externalId"].as_str().unwrap()).await;
        // Another customer's data stays, and a portal token cannot erase.
        let kept = t.call(get(format!("/v1/customers/{other}")).key(&t.key)).await.expect(200).json();
        assert_eq!(kept["externalId"], "other");
        let erase = post(format!("/v1/customers/{other}/erase"), &json!({}));
        assert_eq!(t.call(erase.bearer(&t.token("other").await)).await.status, 401);
        t.call(post("/v1/customers/unknown/erase", &json!({})).key(&t.key)).await.refused(404, "customer_not_found");
    }
}
