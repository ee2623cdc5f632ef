//! `unitpay export`: what a finance team reads agrees with the API.

use super::copy::fill;
use super::on_both_places;
use crate::support::{Engine, Place, event_with, flat, get, monthly, post, with};
use serde_json::{Value, json};
use std::collections::HashSet;

/// Exports as JSON Lines.
fn exported(place: &Place, records: &str, more: &[&str]) -> Vec<Value> {
    let text = place.ok(&[&["export", records, "--env", "sandbox"], more].concat());
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Exports as CSV: the lines of an unquoted file.
fn csv(place: &Place, records: &str) -> Vec<Vec<String>> {
    let text = place.ok(&["export", records, "--env", "sandbox", "--format", "csv"]);
    text.lines().map(|line| line.split(',').map(str::to_owned).collect()).collect()
}

fn sum(rows: &[Value], column: &str) -> i64 {
    rows.iter().map(|row| row[column].as_i64().unwrap()).sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn export_agrees_with_the_api() {
    let place = Place::new(Engine::Sqlite).await;
    let key = fill(&place);
    let server = place.serve();
    let list = async |path: &str| -> Vec<Value> {
        let path = format!("/v1/{path}?limit=100");
        let page = server.client.call(get(path).key(&key)).await.expect(200).json();
        assert_eq!(page["hasMore"], false);
        page["data"].as_array().unwrap().clone()
    };
    let mut shown = list("invoices").await;
    shown.reverse();
    let invoices = exported(&place, "invoices", &[]);
    assert_eq!(invoices.len(), shown.len());
    for (row, invoice) in invoices.iter().zip(&shown) {
        assert_eq!(row["invoiceId"], invoice["id"]);
        assert_eq!(row["customerName"], invoice["customer"]["name"]);
        for column in [
            "invoiceNumber",
            "status",
            "totalAmount",
            "amountDue",
            "issuedAt",
            "paidAt",
            "periodEnd",
        ] {
            assert_eq!(row[column], invoice[column], "{column}");
        }
    }
    assert_eq!(sum(&exported(&place, "lines", &[]), "amount"), sum(&invoices, "subtotal"));
    assert_eq!(sum(&exported(&place, "payments", &[]), "amount"), sum(&invoices, "amountPaid"));
    let receivables = exported(&place, "receivables", &[]);
    assert_eq!(sum(&receivables, "amountDue"), sum(&invoices, "amountDue"));
    assert!(
        receivables.iter().any(|row| row["status"] == "overdue" && row["daysOverdue"].is_u64())
    );
    // Reading wallets writes the grants that have fallen due since.
    let accounts = list("credit-accounts").await;
    let ledger = exported(&place, "ledger", &[]);
    for account in accounts {
        let of_account: Vec<_> =
            ledger.iter().filter(|row| row["creditAccountId"] == account["id"]).cloned().collect();
        assert_eq!(sum(&of_account, "amount"), account["balance"]);
        assert_eq!(of_account.last().unwrap()["balanceAfter"], account["balance"]);
    }
    // A range is the rows that it covers.
    let middle = invoices[invoices.len() / 2]["issuedAt"].as_str().unwrap();
    let early = exported(&place, "invoices", &["--before", middle]);
    let late = exported(&place, "invoices", &["--since", middle]);
    assert!(!early.is_empty() && !late.is_empty());
    assert_eq!([early, late].concat().len(), invoices.len());
    assert!(exported(&place, "invoices", &["--since", "2999-01-01"]).is_empty());
    assert!(!exported(&place, "usage", &[]).is_empty());
}

on_both_places! {
    async fn export_reads_every_page_and_guards_spreadsheets(place) {
        let server = place.serve();
        let key = place.key();
        let product = server.make(&key, "products", json!({ "slug": "p", "name": "P" })).await;
        let metric = json!({ "productId": product, "eventName": "call", "name": "Calls", "aggregation": "sum" });
        server.make(&key, "billable-metrics", metric).await;
        let plan = with(monthly("plan", flat(1_000)), json!({ "productId": product }));
        let plan = server.make(&key, "plans", plan).await;
        let customer = json!({ "name": "=cmd()", "email": "a@example.com", "externalId": "-1" });
        server.make(&key, "customers", customer).await;
        let card = json!({ "processorToken": "pm_sandbox_visa" });
        server.client.call(post("/v1/customers/-1/payment-methods", &card).key(&key)).await.expect(201);
        let buy = json!({ "customerId": "-1", "planId": plan });
        let bought = server.client.call(post("/v1/subscriptions", &buy).key(&key)).await.expect(200).json();
        // More than two pages.
        for batch in 0..2 {
            let events: Vec<_> = (0..600)
                .map(|n| event_with("-1", "call", &format!("{batch}-{n}"), json!({ "quantity": "0.5" })))
                .collect();
            let call = post("/v1/usage/track", &json!({ "events": events })).key(&key);
            let answer = server.client.call(call).await.expect(200).json();
            assert_eq!(answer["accepted"], 600);
        }
        let events = exported(&place, "usage", &[]);
        let keys: HashSet<_> = events.iter().map(|row| row["idempotencyKey"].to_string()).collect();
        assert_eq!((events.len(), keys.len()), (1_200, 1_200));
        assert!(events.iter().all(|row| row["quantity"] == "0.5" && row["customerExternalId"] == "-1"));
        let invoice = &exported(&place, "invoices", &[])[0];
        assert_eq!(invoice["customerName"], "=cmd()");
        assert_eq!(invoice["invoiceId"], bought["invoice"]["id"]);
        let file = csv(&place, "invoices");
        let column = |name: &str| file[0].iter().position(|column| column == name).unwrap();
        assert_eq!(file.len(), 2);
        assert_eq!(file[1][column("customerName")], "'=cmd()");
        assert_eq!(file[1][column("customerExternalId")], "'-1");
        assert_eq!(file[1][column("totalAmount")], "1000");
        assert_eq!(file[1][column("subscriptionId")], bought["subscription"]["id"].as_str().unwrap());
        // An empty file has its headers.
        let headers = csv(&place, "credit-notes");
        assert_eq!((headers.len(), &*headers[0][0]), (1, "creditNoteId"));
        for arguments in [
            &["export", "invoices"][..],
            &["export", "everything", "--env", "sandbox"],
            &["export", "invoices", "--env", "sandbox", "--org", "nobody"],
            &["export", "invoices", "--env", "sandbox", "--since", "yesterday"],
            &["export", "invoices", "--env", "sandbox", "--before", "2030-02-30"],
            &["export", "invoices", "--env", "sandbox", "--format", "xml"],
        ] {
            place.refused(arguments);
        }
    }
}
