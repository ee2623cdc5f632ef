//! kill -9, a full disk, clock jumps: no acknowledged write is lost.

mod billing;
mod clock;
mod disk;
mod emails;
mod network;
mod nodes;
mod sync;
mod writes;

use crate::support::{Engine, Place, Program};
use serde_json::json;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Builds a C library that replaces system calls when it is preloaded.
fn shim(place: &Place, source: &str) -> PathBuf {
    let (file, library) = (place.path("shim.c"), place.path("shim.so"));
    std::fs::write(&file, source).unwrap();
    let mut compiler = Command::new("cc");
    compiler.args(["-shared", "-fPIC", "-o"]).arg(&library).arg(&file);
    assert!(compiler.status().expect("the C compiler that builds the server").success());
    library
}

/// The known state of an acknowledged session.
pub(crate) struct Known {
    pub token: String,
    jti: String,
    pub fate: Fate,
}

/// The state of a session according to the responses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Lives,
    /// A revocation was sent and got no response.
    Unknown,
    Revoked,
}

/// Mints and revokes sessions of one customer until the server stops responding: single ones and
/// sometimes all. Records each response through `answered`.
pub(crate) async fn load(
    server: &Program,
    key: &str,
    customer: &str,
    answered: impl Fn(),
) -> Vec<Known> {
    let mut known: Vec<Known> = Vec::new();
    let call = |path: &str, body| {
        server
            .client
            .try_call(crate::support::post(format!("/v1/portal-sessions{path}"), &body).key(key))
    };
    for turn in 0.. {
        let Ok(minted) = call("", json!({ "customerId": customer })).await else { break };
        let minted = minted.expect(201);
        known.push(Known {
            token: minted.text("token"),
            jti: minted.text("jti"),
            fate: Fate::Lives,
        });
        answered();
        let (body, hit) = match turn % 8 {
            // The newest, the oldest, everything.
            2 => (json!({ "jti": known[known.len() - 1].jti }), known.len() - 1..known.len()),
            5 => (json!({ "jti": known[0].jti }), 0..1),
            7 => (json!({ "customerId": customer }), 0..known.len()),
            _ => continue,
        };
        let lives = |known: &&mut Known| known.fate == Fate::Lives;
        known[hit.clone()].iter_mut().filter(lives).for_each(|known| known.fate = Fate::Unknown);
        let Ok(revoked) = call("/revoke", body).await else { break };
        revoked.expect(204);
        known[hit].iter_mut().for_each(|known| known.fate = Fate::Revoked);
        answered();
    }
    known
}

/// Every acknowledged mint is valid unless revoked, and every acknowledged revocation holds.
/// Without a response, either is possible.
pub(crate) async fn check(server: &Program, known: &[Known]) {
    for Known { token, fate, jti } in known {
        let read = server.read(token).await;
        match fate {
            Fate::Lives => assert_eq!(read.status, 200, "{jti} was minted and is lost"),
            Fate::Revoked => drop(read.refused(401, "session_revoked")),
            Fate::Unknown if read.status == 200 => {}
            Fate::Unknown => drop(read.refused(401, "session_revoked")),
        }
    }
}

/// Loads a server until this many responses have arrived, kills it, and returns what is known.
async fn load_and_kill(server: Program, key: &str, customers: &[&str], enough: u32) -> Vec<Known> {
    let server = Arc::new(server);
    let answers = Arc::new(Semaphore::new(0));
    let spawn = |customer: &&str| {
        let (server, key, customer) = (Arc::clone(&server), key.to_owned(), (*customer).to_owned());
        let end = EndOfLoad(Arc::clone(&answers));
        tokio::spawn(async move { load(&server, &key, &customer, || end.0.add_permits(1)).await })
    };
    let tasks: Vec<_> = customers.iter().map(spawn).collect();
    // An error means that a task ended too early. Joining it reports why.
    let _ = answers.acquire_many(enough).await;
    server.signal("-KILL");
    let mut known = Vec::new();
    for task in tasks {
        known.extend(task.await.unwrap());
    }
    known
}

/// Drops the callers that wait for responses.
struct EndOfLoad(Arc<Semaphore>);

impl Drop for EndOfLoad {
    fn drop(&mut self) {
        self.0.close();
    }
}

const ROUNDS: u32 = 10;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kill_9_loses_no_acknowledged_write_on_sqlite() {
    let place = Place::new(Engine::Sqlite).await;
    let key = place.key();
    let mut server = place.serve();
    let mut fates = Vec::new();
    let customers = ["a", "b", "c", "d"];
    for customer in customers {
        server.customer(&key, customer).await.expect(201);
    }
    for round in 0..ROUNDS {
        // The kill comes after a different number of responses in each round.
        let known = load_and_kill(server, &key, &customers, 20 + 7 * round).await;
        server = place.serve();
        check(&server, &known).await;
        fates.extend(known.iter().map(|known| known.fate));
    }
    // Both kinds occurred.
    assert!(fates.contains(&Fate::Lives) && fates.contains(&Fate::Revoked));
}

/// Kills one of two nodes under load repeatedly. The other one knows everything that was
/// acknowledged.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kill_9_of_one_node_loses_no_acknowledged_write() {
    let place = Place::new(Engine::Postgres).await;
    let key = place.key();
    let stays = place.serve();
    let customers = ["a", "b", "c"];
    for customer in customers {
        stays.customer(&key, customer).await.expect(201);
    }
    for round in 0..ROUNDS {
        let known = load_and_kill(place.serve(), &key, &customers, 20 + 5 * round).await;
        check(&stays, &known).await;
    }
}
