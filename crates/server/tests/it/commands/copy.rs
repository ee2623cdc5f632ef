//! `unitpay store copy`: an embedded store continues on PostgreSQL.

use super::life::Demo;
use crate::support::{Engine, Place, Program, check_books, fresh_database, get, ok, refused};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use unitpay::testing::base::Random;
use unitpay::testing::db::{Db, Postgres, PostgresOptions};
use unitpay::testing::signing::MasterKey;

/// Fills a store with the demo's history and returns its API key.
pub fn fill(place: &Place) -> String {
    let mut command = place.command(&["demo", "--listen", "127.0.0.1:0"]);
    command.stdout(Stdio::piped()).stderr(Stdio::null());
    let mut demo = Demo(command.spawn().unwrap());
    let mut lines = BufReader::new(demo.0.stdout.take().unwrap()).lines().map(Result::unwrap);
    let line = lines.find(|line| line.starts_with("export UNITPAY_API_KEY=")).unwrap();
    let killed = Command::new("kill").arg("-TERM").arg(demo.0.id().to_string()).status().unwrap();
    assert!(killed.success() && demo.0.wait().unwrap().success());
    line.split_once('=').unwrap().1.to_owned()
}

fn master_key(place: &Place) -> String {
    std::fs::read_to_string(place.data().join("master.key")).unwrap().trim().to_owned()
}

fn serve(url: &str, master_key: &str) -> Program {
    let mut command = Program::bare(&["serve", "--listen", "127.0.0.1:0", "--database-url", url]);
    command.env("UNITPAY_MASTER_KEY", master_key);
    Program::start(command)
}

fn open(url: &str) -> Db {
    let options = PostgresOptions { url: url.to_owned(), connections: 1, root_certificates: None };
    Db::Postgres(Postgres::new(&options).unwrap())
}

/// The URLs of documents contain the server's address, which differs.
fn without_address(server: &Program, view: &Value) -> Value {
    let address = server.client.address().to_string();
    serde_json::from_str(&view.to_string().replace(&address, "server")).unwrap()
}

/// Returns what the backend and a customer's page see.
async fn views(server: &Program, key: &str, token: &str) -> BTreeMap<String, Value> {
    let mut views = BTreeMap::new();
    for path in ["customers", "subscriptions", "invoices", "audit-events"] {
        let path = format!("/v1/{path}?limit=100");
        let view = server.client.call(get(&path).key(key)).await.expect(200).json();
        assert!(!view["data"].as_array().unwrap().is_empty(), "{path}");
        views.insert(format!("{path} with the key"), without_address(server, &view));
    }
    for path in [
        "portal-sessions/current",
        "invoices",
        "plans",
        "customers/cus_123/credit-accounts",
        "customers/cus_123/payment-methods",
    ] {
        let path = format!("/v1/{path}");
        let view = server.client.call(get(&path).bearer(token)).await.expect(200).json();
        views.insert(format!("{path} with the token"), without_address(server, &view));
    }
    views
}

#[tokio::test]
async fn copied_store_continues_with_its_sessions_on_postgres() {
    let place = Place::new(Engine::Sqlite).await;
    let key = fill(&place);
    let mut server = place.serve();
    let token = server.token(&key, "cus_123").await;
    let revoked = server.mint(&key, json!({ "customerId": "acme" })).await.expect(201);
    server.revoke(&key, json!({ "jti": revoked.text("jti") })).await.expect(204);
    let before = views(&server, &key, &token).await;
    let url = fresh_database().await;
    let said = place.refused(&["store", "copy", "--to", &url]);
    assert!(said.contains("stop it first"), "{said}");
    assert!(server.terminate());

    let copied = place.ok(&["store", "copy", "--to", &url]);
    let rows: BTreeMap<&str, u64> = copied
        .lines()
        .map(|line| {
            let parts: Vec<&str> = line.split(' ').collect();
            assert_eq!(parts[2].len(), "sha256:".len() + 64, "{line}");
            (parts[0], parts[1].parse().unwrap())
        })
        .collect();
    assert_eq!((rows["organizations"], rows["customers"], rows["portal_sessions"]), (1, 3, 3));
    assert!(rows["credit_ledger"] > 1_000 && rows["usage_events"] > 1_000, "{rows:?}");

    let mut server = serve(&url, &master_key(&place));
    // The demo has no event that is due at once, so that nothing changes meanwhile.
    assert_eq!(views(&server, &key, &token).await, before);
    server.read(&revoked.text("token")).await.refused(401, "session_revoked");
    // New rows get numbers behind the copied ones.
    let customer = server.customer(&key, "new").await.expect(201).text("id");
    let fresh = server.token(&key, &customer).await;
    server.read(&fresh).await.expect(200);
    server.revoke(&key, json!({ "customerId": "cus_123" })).await.expect(204);
    server.read(&token).await.refused(401, "session_revoked");
    assert!(server.terminate());
    let db = open(&url);
    check_books(&db, "after the copy").await;
    db.close();
    let said = place.refused(&["store", "copy", "--to", &url]);
    assert!(said.contains("the target is in use"), "{said}");
}

#[tokio::test]
async fn copy_refuses_another_master_key_and_leaves_the_target_empty() {
    let place = Place::new(Engine::Sqlite).await;
    place.ok(&["orgs", "create", "acme"]);
    let url = fresh_database().await;
    let other = MasterKey::new(Random::system().bytes()).encode();
    let copy = |variables: &[(&str, &str)]| {
        let mut command = place.command(&["store", "copy"]);
        command.envs(variables.iter().copied());
        command
    };
    let target = ("UNITPAY_DATABASE_URL", url.as_str());
    refused(&mut copy(&[target, ("UNITPAY_MASTER_KEY", &other)]));
    assert!(refused(&mut copy(&[])).contains("name the database"));
    // The target is the configured database, and the master key is the store's own.
    let master_key = master_key(&place);
    ok(&mut copy(&[target, ("UNITPAY_MASTER_KEY", &master_key)]));
    let mut list = Program::bare(&["orgs", "list", "--database-url", &url]);
    assert!(ok(list.env("UNITPAY_MASTER_KEY", &master_key)).contains("acme"));
}

#[tokio::test]
async fn copy_refuses_a_missing_store_and_creates_none() {
    let place = Place::new(Engine::Sqlite).await;
    let said = place.refused(&["store", "copy", "--to", "postgres://u@127.0.0.1:1/d"]);
    assert!(said.contains("there is no store"), "{said}");
    assert!(!place.data().exists());
}
