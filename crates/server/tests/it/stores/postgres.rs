//! What a node demands of PostgreSQL, whatever the database or the network says.

use crate::support::{fresh_database, fresh_database_with, postgres_certificate};
use std::path::PathBuf;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use unitpay::db::{Db, DbError, Postgres, PostgresOptions, Sql, sql};

const COMMITS: Sql = sql("SELECT current_setting('synchronous_commit')");
const ENCRYPTED: Sql = sql("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()");

fn open(url: String, root_certificates: Option<PathBuf>) -> Db {
    let options = PostgresOptions { url, connections: 1, root_certificates };
    Db::Postgres(Postgres::new(&options).unwrap())
}

/// Whether a connection is encrypted, or why there is none.
async fn encrypted(url: String, roots: Option<&PathBuf>) -> Result<bool, DbError> {
    let db = open(url, roots.cloned());
    let told = db.read().await?.one(&ENCRYPTED, &[], |row| row.take()).await?;
    Ok(told.unwrap())
}

#[tokio::test]
async fn what_is_answered_was_committed_even_where_the_database_is_told_to_be_lax() {
    let db = open(fresh_database_with(&["synchronous_commit = off"]).await, None);
    let told = db.read().await.unwrap().one(&COMMITS, &[], |row| row.take::<String>()).await;
    assert_eq!(told.unwrap().as_deref(), Some("on"));
}

#[tokio::test]
async fn a_database_that_takes_no_writes_is_not_read_either() {
    let db = open(fresh_database_with(&["default_transaction_read_only = on"]).await, None);
    let refused = db.read().await.err();
    assert!(matches!(refused, Some(DbError::Unavailable(_))), "{refused:?}");
}

#[tokio::test]
async fn the_certificate_is_of_a_known_authority_and_of_this_very_name() {
    let url = fresh_database().await;
    let roots = postgres_certificate().await;
    let at = |host: &str, more: &str| {
        let url = url.replace("@127.0.0.1:", &format!("@{host}:"));
        format!("{url}?hostaddr=127.0.0.1{more}")
    };
    for mode in ["&sslmode=verify-full", "&sslmode=require"] {
        assert!(encrypted(at("localhost", mode), Some(&roots)).await.unwrap(), "{mode}");
        for (host, roots) in [("127.0.0.1", Some(&roots)), ("localhost", None)] {
            let refused = encrypted(at(host, mode), roots).await;
            assert!(matches!(refused, Err(DbError::Unavailable(_))), "{host}: {refused:?}");
        }
    }
    // A server elsewhere is spoken to by TLS alone, unless the operator says otherwise.
    assert!(encrypted(at("database.example.com", ""), Some(&roots)).await.unwrap());
    let refused = encrypted(at("other.example.com", ""), Some(&roots)).await;
    assert!(matches!(refused, Err(DbError::Unavailable(_))), "{refused:?}");
    assert!(!encrypted(at("database.example.com", "&sslmode=disable"), None).await.unwrap());
    assert!(!encrypted(at("localhost", ""), None).await.unwrap());
}

#[tokio::test]
async fn whoever_answers_that_there_is_no_tls_hears_nothing_more() {
    const ASKED_FOR_TLS: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let heard = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut heard = vec![0; 8];
        stream.read_exact(&mut heard).await.unwrap();
        stream.write_all(b"N").await.unwrap();
        stream.read_to_end(&mut heard).await.unwrap();
        heard
    });
    let url = format!("postgres://user:secret@database.example.com:{port}/x?hostaddr=127.0.0.1");
    let refused = encrypted(url, None).await;
    assert!(matches!(refused, Err(DbError::Unavailable(_))), "{refused:?}");
    assert_eq!(heard.await.unwrap(), ASKED_FOR_TLS);
}
