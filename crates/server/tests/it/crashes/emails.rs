//! A node that is killed after the SMTP server took a message, and before it recorded that.

use crate::support::{Engine, Place, Program, SmtpManner, SmtpServer, get, post};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::sleep;
use unitpay::testing::db::{DbError, Lane, Sql, Tx, sql};

/// Lets five minutes pass for the claims.
const LAPSE: Sql = sql("UPDATE emails SET next_at = 0 WHERE next_at IS NOT NULL");
const SENT: Sql = sql("SELECT id FROM emails WHERE status = 'sent'");
/// Each has one e-mail.
const INVOICES: Sql = sql("SELECT id FROM invoices WHERE status = 'issued'");
const CUSTOMERS: usize = 12;

fn serve(place: &Place, smtp: &SmtpServer) -> Program {
    let mut command = place.command(&["serve", "--listen", "127.0.0.1:0"]);
    command.env("UNITPAY_EMAIL_SERVER", format!("smtp://127.0.0.1:{}", smtp.port));
    command
        .env("UNITPAY_EMAIL_SENDER", "billing@shop.example")
        .env("UNITPAY_EMAIL_SANDBOX", "true");
    Program::start(command)
}

async fn emails(server: &Program, key: &str) -> Vec<Value> {
    let list = server.client.call(get("/v1/emails?limit=100").key(key)).await.expect(200).json();
    list["data"].as_array().unwrap().clone()
}

/// Kills a node after this many messages, and starts another one. Returns how many came twice.
async fn kill_after(place: &Place, messages: usize) -> usize {
    let smtp = SmtpServer::start().await;
    let mut server = serve(place, &smtp);
    let key = place.key();
    smtp.set(SmtpManner::Kill(messages, server.id()));
    for n in 0..CUSTOMERS {
        let name = format!("c{messages}-{n}");
        let body = json!({ "name": name, "email": format!("{name}@example.com"), "externalId": name, "collectionMethod": "send_invoice" });
        let made = server.client.try_call(post("/v1/customers", &body).key(&key)).await;
        let items = json!([{ "description": "Setup", "unitAmount": 500 }]);
        let body = json!({ "customerId": name, "currency": "USD", "items": items });
        if made.is_err()
            || server.client.try_call(post("/v1/invoices", &body).key(&key)).await.is_err()
        {
            break;
        }
    }
    server.wait();
    let taken = smtp.take();
    assert!(taken.len() >= messages);
    smtp.set(SmtpManner::Accept);
    let db = place.open();
    let lapse = async move |tx: &mut Tx<'_, '_>| tx.execute(&LAPSE, &[]).await;
    db.write::<u64, DbError, _>(Lane::Usual, lapse).await.unwrap();
    let mut tx = db.read().await.unwrap();
    let recorded: Vec<String> = tx.all(&SENT, &[], |row| row.take()).await.unwrap();
    let invoices: Vec<String> = tx.all(&INVOICES, &[], |row| row.take()).await.unwrap();
    drop(tx);
    drop(db);
    let server = serve(place, &smtp);
    loop {
        let emails = emails(&server, &key).await;
        let sent = emails.iter().filter(|email| email["status"] == "sent").count();
        if sent == invoices.len() {
            break;
        }
        sleep(Duration::from_millis(100)).await;
    }
    let mut copies = BTreeMap::new();
    for mail in taken.iter().chain(&smtp.take()) {
        *copies.entry(mail.header("message-id").unwrap()).or_insert(0) += 1;
    }
    let of_round = |email: &&Value| {
        email["to"].as_str().is_none_or(|to| to.starts_with(&format!("c{messages}-")))
    };
    let all = emails(&server, &key).await;
    for email in all.iter().filter(of_round) {
        let id = format!("<{}@shop.example>", email["id"].as_str().unwrap());
        let was_taken = taken.iter().any(|mail| mail.header("message-id").as_ref() == Some(&id));
        let was_recorded = recorded.iter().any(|one| email["id"] == one.as_str());
        // None is lost, and only what was taken and not recorded comes again.
        let expected = if was_taken && !was_recorded { 2 } else { 1 };
        assert_eq!(copies.get(&id), Some(&expected), "{id} {was_taken} {was_recorded}");
    }
    copies.values().filter(|times| **times == 2).count()
}

async fn killed_node_repeats_only_what_it_did_not_record(engine: Engine) {
    let place = Place::new(engine).await;
    for messages in [1, 4, 9] {
        let twice = kill_after(&place, messages).await;
        // The message that the node died with; at most four are on their way at once.
        assert!((1..=4).contains(&twice), "{twice}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_node_repeats_an_email_once_on_sqlite() {
    killed_node_repeats_only_what_it_did_not_record(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_node_repeats_an_email_once_on_postgres() {
    killed_node_repeats_only_what_it_did_not_record(Engine::Postgres).await;
}
