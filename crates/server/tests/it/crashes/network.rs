//! A connection to PostgreSQL that is lost, comes back, or ends right after a commit.

use crate::support::{Engine, Place, Program, Request, get, post};
use serde_json::json;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// The query that commits, and the tag of its response.
const COMMITTED: &str = "COMMIT\0";

/// A proxy between a node and its database that can be cut.
struct Wire {
    port: u16,
    cut: watch::Sender<bool>,
    /// Cuts the next transaction with this text after the database has committed it. The server's
    /// jobs commit as well, so only the tested request may send the text.
    cut_after_commit: Arc<Mutex<Option<&'static str>>>,
}

impl Wire {
    async fn to(upstream: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (cut, is_cut) = watch::channel(false);
        let cut_after_commit = Arc::new(Mutex::new(None));
        let armed = Arc::clone(&cut_after_commit);
        tokio::spawn(async move {
            loop {
                let (near, _) = listener.accept().await.unwrap();
                let mut is_cut = is_cut.clone();
                if *is_cut.borrow() {
                    continue;
                }
                let Ok(far) = TcpStream::connect(&upstream).await else { continue };
                let armed = Arc::clone(&armed);
                tokio::spawn(async move {
                    tokio::select! {
                        () = carry(near, far, &armed) => {}
                        _ = is_cut.wait_for(|cut| *cut) => {}
                    }
                });
            }
        });
        Self { port, cut, cut_after_commit }
    }
}

/// Copies bytes both ways until one side ends.
async fn carry(mut near: TcpStream, mut far: TcpStream, armed: &Mutex<Option<&str>>) {
    let (mut there, mut back) = (vec![0; 65_536], vec![0; 65_536]);
    let (mut is_target, mut committing) = (false, false);
    loop {
        tokio::select! {
            read = near.read(&mut there) => {
                let Ok(length @ 1..) = read else { return };
                let sent = &there[..length];
                committing |= commits(sent, armed, &mut is_target);
                if far.write_all(sent).await.is_err() {
                    return;
                }
            }
            read = far.read(&mut back) => {
                let Ok(length @ 1..) = read else { return };
                // The database has committed, and the response is lost.
                let committed = committing && contains(&back[..length], COMMITTED);
                if committed || near.write_all(&back[..length]).await.is_err() {
                    return;
                }
            }
        }
    }
}

/// Whether these bytes commit the selected transaction.
fn commits(sent: &[u8], armed: &Mutex<Option<&str>>, is_target: &mut bool) -> bool {
    let mut armed = armed.lock().unwrap();
    *is_target |= armed.is_some_and(|text| contains(sent, text));
    contains(sent, COMMITTED) && std::mem::take(is_target) && armed.take().is_some()
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|part| part == text.as_bytes())
}

/// A node with a proxied database, a customer and a token.
struct Node {
    server: Program,
    wire: Wire,
    key: String,
    token: String,
    _place: Place,
}

async fn node() -> Node {
    let place = Place::new(Engine::Postgres).await;
    let key = place.key();
    let url = place.database.clone().unwrap();
    let (user, address) = url.strip_prefix("postgres://").unwrap().split_once('@').unwrap();
    let (upstream, name) = address.split_once('/').unwrap();
    let wire = Wire::to(upstream.to_owned()).await;
    let behind = format!("postgres://{user}@127.0.0.1:{}/{name}", wire.port);
    // The last occurrence of a flag counts.
    let mut command = place.command(&["serve", "--listen", "127.0.0.1:0"]);
    command.env("UNITPAY_DATABASE_URL", behind);
    let server = Program::start(without_flag(&command, "--database-url"));
    server.customer(&key, "a").await.expect(201);
    let token = server.token(&key, "a").await;
    Node { server, wire, key, token, _place: place }
}

/// The same command without a flag and its value.
fn without_flag(command: &std::process::Command, flag: &str) -> std::process::Command {
    let mut changed = std::process::Command::new(command.get_program());
    let mut arguments = command.get_args();
    while let Some(argument) = arguments.next() {
        if argument == flag {
            arguments.next();
        } else {
            changed.arg(argument);
        }
    }
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => changed.env(name, value),
            None => changed.env_remove(name),
        };
    }
    changed
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lost_database_returns_503_until_it_is_back() {
    let Node { mut server, wire, key, token, .. } = node().await;
    let forged = format!("{}AAAA", &token[..token.len() - 4]);
    let unknown = "/v1/customers/unknown";
    for _ in 0..2 {
        wire.cut.send(true).unwrap();
        for call in [
            get("/v1/portal-sessions/current").bearer(&token),
            get("/v1/portal-sessions/current").bearer(&forged),
            Request::new("POST", "/v1/portal-sessions/refresh").bearer(&token),
            post("/v1/portal-sessions", &json!({ "customerId": "a" })).key(&key),
            post("/v1/portal-sessions/revoke", &json!({ "customerId": "a" })).key(&key),
            post("/v1/portal-sessions/introspect", &json!({ "token": token })).key(&key),
            get("/v1/portal-sessions").key(&key),
            get(unknown).key(&key),
            get("/.well-known/jwks.json"),
            get("/readyz"),
        ] {
            let path = call.path.clone();
            let answer = server.client.call(call).await;
            assert!(answer.header("retry-after").is_some(), "{path} {}", answer.status);
            answer.refused(503, "unavailable");
        }
        // Routes that need no store still work.
        server.client.call(get("/healthz")).await.expect(200);
        let call = get("/v1/portal-sessions/current").bearer("nonsense");
        server.client.call(call).await.refused(401, "invalid_token");
        wire.cut.send(false).unwrap();
        server.client.call(get("/readyz")).await.expect(200);
        server.read(&token).await.expect(200);
        server.token(&key, "a").await;
    }
    assert!(server.terminate());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connection_cut_after_commit_returns_5xx_and_keeps_write() {
    let Node { server, wire, key, token, .. } = node().await;
    let arm = |text| *wire.cut_after_commit.lock().unwrap() = Some(text);
    let sessions = async || {
        let list = server.client.call(get("/v1/portal-sessions").key(&key)).await.expect(200);
        list.json()["data"].as_array().unwrap().len()
    };
    // A mint with its Idempotency-Key can be retried.
    let mint = || {
        let body = json!({ "customerId": "a", "metadata": { "order": "cut-this-mint" } });
        let call = post("/v1/portal-sessions", &body).key(&key);
        server.client.call(call.header("idempotency-key", "once"))
    };
    let before = sessions().await;
    arm("cut-this-mint");
    mint().await.refused(503, "unavailable");
    assert_eq!(sessions().await, before + 1);
    let again = mint().await.expect(201);
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    server.read(&again.text("token")).await.expect(200);
    assert_eq!(sessions().await, before + 1);
    // A revocation holds and can be retried.
    server.read(&token).await.expect(200);
    arm("customer.sessions_revoked");
    let revoke = || server.revoke(&key, json!({ "customerId": "a" }));
    revoke().await.refused(503, "unavailable");
    server.read(&token).await.refused(401, "session_revoked");
    revoke().await.expect(204);
}
