//! Stores of earlier versions, upgraded and served. `scripts/keep-store` makes them.

use crate::support::{Engine, Place, check_books, get};
use flate2::read::GzDecoder;
use serde_json::{Value, json};
use std::fs::{DirBuilder, File, OpenOptions};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use unitpay::testing::db::newest_version;

/// The facts that no migration may change: money, and who owes it.
const FACTS: [&str; 5] = [
    "SELECT id || ' ' || number || ' ' || total_amount || ' ' || amount_paid FROM invoices",
    "SELECT id || ' ' || invoice_id || ' ' || amount || ' ' || paid_at FROM payments",
    "SELECT id || ' ' || account_no || ' ' || amount || ' ' || balance_after FROM credit_ledger",
    "SELECT id || ' ' || name || ' ' || email || ' ' || metadata FROM customers",
    "SELECT id || ' ' || plan_id || ' ' || quantity || ' ' || currency FROM subscriptions",
];

fn kept_stores() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/stores");
    let entries = std::fs::read_dir(folder).unwrap();
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// Unpacks a kept store into the data directory of a place.
fn unpack(file: &Path, place: &Place) -> PathBuf {
    DirBuilder::new().mode(0o700).create(place.data()).unwrap();
    let database = place.data().join("unitpay.db");
    let mut created = OpenOptions::new();
    let mut target = created.write(true).create_new(true).mode(0o600).open(&database).unwrap();
    std::io::copy(&mut GzDecoder::new(File::open(file).unwrap()), &mut target).unwrap();
    database
}

fn facts(database: &Path) -> Vec<Vec<String>> {
    let store = rusqlite::Connection::open(database).unwrap();
    let read = |query: &str| {
        let mut statement = store.prepare(&format!("{query} ORDER BY 1")).unwrap();
        let rows: Vec<String> =
            statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
        assert!(!rows.is_empty(), "{query}");
        rows
    };
    FACTS.map(read).into()
}

fn version(database: &Path) -> i64 {
    let store = rusqlite::Connection::open(database).unwrap();
    store.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap()
}

#[tokio::test]
async fn every_kept_store_is_upgraded_and_served() {
    let stores = kept_stores();
    assert!(!stores.is_empty());
    for file in stores {
        let name = file.file_name().unwrap().to_str().unwrap();
        let place = Place::new(Engine::Sqlite).await;
        let database = unpack(&file, &place);
        assert_eq!(format!("{:04}.db.gz", version(&database)), name);
        let before = facts(&database);
        place.ok(&["migrate"]);
        assert_eq!(version(&database), newest_version());
        assert_eq!(facts(&database), before, "{name}");
        let db = place.open();
        check_books(&db, name).await;
        db.close();
        assert_eq!(invoices_served(&place).await, before[0].len(), "{name}");
    }
}

/// Serves the store to each of its customers and returns how many invoices of before the upgrade
/// they see. More may be there: a server bills what became due.
async fn invoices_served(place: &Place) -> usize {
    let kept = facts(&place.data().join("unitpay.db")).swap_remove(0);
    let mut server = place.serve();
    let key = place.key();
    let customers = server.client.call(get("/v1/customers").key(&key)).await.expect(200).json();
    let mut count = 0;
    for customer in customers["data"].as_array().unwrap() {
        let minted = server.mint(&key, json!({ "customerId": customer["id"] })).await;
        let token = minted.expect(201).text("token");
        let read = async |path: &str| -> Value {
            server.client.call(get(path).bearer(&token)).await.expect(200).json()
        };
        assert!(read("/v1/subscriptions").await["data"][0]["id"].is_string());
        let invoices = read("/v1/invoices?limit=100").await["data"].as_array().unwrap().clone();
        let is_kept = |invoice: &&Value| {
            let id = invoice["id"].as_str().unwrap();
            kept.iter().any(|fact| fact.starts_with(id))
        };
        count += invoices.iter().filter(is_kept).count();
        let pdf = format!("/v1/invoices/{}/pdf", invoices[0]["id"].as_str().unwrap());
        server.client.call(get(pdf).bearer(&token)).await.expect(200);
    }
    assert!(server.terminate());
    count
}
