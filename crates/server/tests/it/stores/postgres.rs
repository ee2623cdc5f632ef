//! The requirements of a node on PostgreSQL, whatever the database or the network says.

use super::pgbouncer::{PgBouncer, PoolMode};
use crate::support::{
    Engine, Place, fresh_database, fresh_database_with, post, postgres_certificate,
};
use serde_json::json;
use std::path::PathBuf;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use unitpay::testing::db::{Db, DbError, Postgres, PostgresOptions, Sql, sql};

const COMMITS: Sql = sql("SELECT current_setting('synchronous_commit')");
const ENCRYPTED: Sql = sql("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()");

fn open(url: String, root_certificates: Option<PathBuf>) -> Db {
    let options = PostgresOptions { url, connections: 1, root_certificates };
    Db::Postgres(Postgres::new(&options).unwrap())
}

/// Whether a connection is encrypted, or why it fails.
async fn encrypted(url: String, roots: Option<&PathBuf>) -> Result<bool, DbError> {
    let db = open(url, roots.cloned());
    let setting = db.read().await?.one(&ENCRYPTED, &[], |row| row.take()).await?;
    Ok(setting.unwrap())
}

#[tokio::test]
async fn commits_are_durable_when_the_database_defaults_to_lax() {
    let db = open(fresh_database_with(&["synchronous_commit = off"]).await, None);
    let setting = db.read().await.unwrap().one(&COMMITS, &[], |row| row.take::<String>()).await;
    assert_eq!(setting.unwrap().as_deref(), Some("on"));
}

#[tokio::test]
async fn read_only_database_is_refused() {
    let db = open(fresh_database_with(&["default_transaction_read_only = on"]).await, None);
    let refused = db.read().await.err();
    assert!(matches!(refused, Some(DbError::Unavailable(_))), "{refused:?}");
}

#[tokio::test]
async fn tls_requires_a_trusted_certificate_for_the_host() {
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
    // A remote server is used over TLS only, unless the operator disables it.
    assert!(encrypted(at("database.example.com", ""), Some(&roots)).await.unwrap());
    let refused = encrypted(at("other.example.com", ""), Some(&roots)).await;
    assert!(matches!(refused, Err(DbError::Unavailable(_))), "{refused:?}");
    assert!(!encrypted(at("database.example.com", "&sslmode=disable"), None).await.unwrap());
    assert!(!encrypted(at("localhost", ""), None).await.unwrap());
}

#[tokio::test]
async fn connection_ends_when_the_server_declines_tls() {
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

#[tokio::test]
async fn missing_grant_is_in_the_log_and_not_in_the_answer() {
    let mut place = Place::new(Engine::Postgres).await;
    let key = place.key();
    let url = place.database.clone().unwrap();
    let role = format!("lesser_{}", url.rsplit('/').next().unwrap());
    let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    let grants = format!(
        "CREATE ROLE {role} LOGIN; GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}; \
         REVOKE INSERT ON customers FROM {role}"
    );
    client.batch_execute(&grants).await.unwrap();
    place.database = Some(url.replace("//postgres@", &format!("//{role}@")));
    let mut server = place.serve();
    let body = json!({ "name": "A", "email": "a@example.com" });
    let answer = server.client.call(post("/v1/customers", &body).key(&key)).await;
    let answer = answer.refused(500, "internal");
    for secret in ["42501", "permission", "customers"] {
        assert!(!answer.json().to_string().contains(secret), "{}", answer.json());
    }
    let line = server.wait_for("SQLSTATE 42501");
    assert!(line.contains("ERROR") && line.contains("permission denied for table customers"));
    assert!(server.terminate());
}

#[tokio::test]
async fn pgbouncer_serves_by_sessions_and_is_refused_by_transactions() {
    let mut place = Place::new(Engine::Postgres).await;
    let url = place.database.clone().unwrap();
    for mode in [PoolMode::Transaction, PoolMode::Session] {
        let pooler = PgBouncer::start(&url, mode);
        place.database = Some(pooler.url.clone());
        match mode {
            PoolMode::Transaction => {
                for arguments in [&["serve"][..], &["keys", "list"], &["migrate"]] {
                    let said = place.refused(arguments);
                    assert!(said.contains("pool_mode = session"), "{said}");
                    assert_eq!(said.lines().count(), 1, "{said}");
                }
            }
            PoolMode::Session => {
                let server = place.serve();
                let key = place.key();
                for customer in ["a", "b", "c"] {
                    server.customer(&key, customer).await.expect(201);
                    let token = server.token(&key, customer).await;
                    server.read(&token).await.expect(200);
                }
            }
        }
    }
}
