//! A store for the real program, and what a backend and a browser do with it.

use super::{Answer, Engine, Folder, Program, fresh_database, get, post};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::Command;
use unitpay::testing::base::Random;
use unitpay::testing::db::{Db, Postgres, PostgresOptions, Sqlite};
use unitpay::testing::signing::MasterKey;

/// A folder for the program, and a database if it uses PostgreSQL.
pub struct Place {
    pub folder: Folder,
    pub database: Option<String>,
    master_key: String,
}

impl Place {
    pub async fn new(engine: Engine) -> Self {
        let database = match engine {
            Engine::Sqlite => None,
            Engine::Postgres => Some(fresh_database().await),
        };
        let master_key = MasterKey::new(Random::system().bytes()).encode();
        Self { folder: Folder::make(), database, master_key }
    }

    /// The data directory, which the program creates.
    pub fn data(&self) -> PathBuf {
        self.folder.0.join("data")
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.0.join(name)
    }

    /// A command on this store.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Program::command(&self.data(), arguments);
        if let Some(url) = &self.database {
            command.args(["--database-url", url]).env("UNITPAY_MASTER_KEY", &self.master_key);
        }
        command
    }

    /// Runs a command that must succeed and returns its output.
    #[track_caller]
    pub fn ok(&self, arguments: &[&str]) -> String {
        ok(&mut self.command(arguments))
    }

    /// Runs a command that must fail without output and returns the error.
    #[track_caller]
    pub fn refused(&self, arguments: &[&str]) -> String {
        refused(&mut self.command(arguments))
    }

    pub fn serve(&self) -> Program {
        Program::start(self.command(&["serve", "--listen", "127.0.0.1:0"]))
    }

    /// Opens the store for inspection while no program uses it.
    pub fn open(&self) -> Db {
        match &self.database {
            None => Db::Sqlite(Sqlite::open(&self.data().join("unitpay.db")).unwrap()),
            Some(url) => Db::Postgres(
                Postgres::new(&PostgresOptions {
                    url: url.clone(),
                    connections: 1,
                    root_certificates: None,
                })
                .unwrap(),
            ),
        }
    }

    /// A new key of the default organization's sandbox.
    pub fn key(&self) -> String {
        self.ok(&["keys", "create", "--env", "sandbox"]).trim().to_owned()
    }
}

#[track_caller]
pub fn ok(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {said}");
    String::from_utf8(output.stdout).unwrap()
}

#[track_caller]
pub fn refused(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(matches!(output.status.code(), Some(1 | 2)), "{command:?}: {} {said}", output.status);
    assert_eq!(String::from_utf8_lossy(&output.stdout), "", "{command:?}");
    assert!(!said.contains("panicked"), "{said}");
    said
}

impl Program {
    /// Creates an object of one of the lists and returns its id.
    pub async fn make(&self, key: &str, list: &str, body: Value) -> String {
        self.client.call(post(format!("/v1/{list}"), &body).key(key)).await.expect(201).text("id")
    }

    pub async fn customer(&self, key: &str, external_id: &str) -> Answer {
        let body = json!({ "name": "A", "email": "a@example.com", "externalId": external_id });
        self.client.call(post("/v1/customers", &body).key(key)).await
    }

    pub async fn mint(&self, key: &str, body: Value) -> Answer {
        self.client.call(post("/v1/portal-sessions", &body).key(key)).await
    }

    /// Mints a session of a customer and returns its token.
    pub async fn token(&self, key: &str, customer: &str) -> String {
        self.mint(key, json!({ "customerId": customer })).await.expect(201).text("token")
    }

    pub async fn revoke(&self, key: &str, body: Value) -> Answer {
        self.client.call(post("/v1/portal-sessions/revoke", &body).key(key)).await
    }

    /// Sends the browser's first request.
    pub async fn read(&self, token: &str) -> Answer {
        self.client.call(get("/v1/portal-sessions/current").bearer(token)).await
    }
}
