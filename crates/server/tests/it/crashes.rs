//! kill -9, a full disk, clocks that jump: nothing that was answered is lost.

mod billing;
mod clock;
mod disk;
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

/// Builds a library in C that takes the place of some of the system's calls where it is preloaded.
fn shim(place: &Place, source: &str) -> PathBuf {
    let (file, library) = (place.path("shim.c"), place.path("shim.so"));
    std::fs::write(&file, source).unwrap();
    let mut compiler = Command::new("cc");
    compiler.args(["-shared", "-fPIC", "-o"]).arg(&library).arg(&file);
    assert!(compiler.status().expect("the C compiler that builds the server").success());
    library
}

/// What is known of a session whose mint was answered.
pub(crate) struct Known {
    pub token: String,
    jti: String,
    pub fate: Fate,
}

/// What became of a session, as far as answers tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Lives,
    /// A revocation was sent and not answered.
    Unknown,
    Revoked,
}

/// Mints and revokes sessions of one customer until the server answers no more: single ones and,
/// now and then, all. Each answer is let through `answered`.
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

/// Every answered mint is alive unless revoked, every answered revocation holds; what was not
/// answered may be either.
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

/// Loads a server until so many answers have come, kills it, and tells what is known.
async fn load_and_kill(server: Program, key: &str, customers: &[&str], enough: u32) -> Vec<Known> {
    let server = Arc::new(server);
    let answers = Arc::new(Semaphore::new(0));
    let spawn = |customer: &&str| {
        let (server, key, customer) = (Arc::clone(&server), key.to_owned(), (*customer).to_owned());
        let end = EndOfLoad(Arc::clone(&answers));
        tokio::spawn(async move { load(&server, &key, &customer, || end.0.add_permits(1)).await })
    };
    let tasks: Vec<_> = customers.iter().map(spawn).collect();
    // An error means that a task ended too early; it tells why when it is waited for.
    let _ = answers.acquire_many(enough).await;
    server.signal("-KILL");
    let mut known = Vec::new();
    for task in tasks {
        known.extend(task.await.unwrap());
    }
    known
}

/// Has nobody wait for answers that do not come.
struct EndOfLoad(Arc<Semaphore>);

impl Drop for EndOfLoad {
    fn drop(&mut self) {
        self.0.close();
    }
}

const ROUNDS: u32 = 10;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_that_was_answered_is_lost_by_kill_nine_on_the_embedded_store() {
    let place = Place::new(Engine::Sqlite).await;
    let key = place.key();
    let mut server = place.serve();
    let mut seen = Vec::new();
    let customers = ["a", "b", "c", "d"];
    for customer in customers {
        server.customer(&key, customer).await.expect(201);
    }
    for round in 0..ROUNDS {
        // The kill comes after so many answers, a different number in each round.
        let known = load_and_kill(server, &key, &customers, 20 + 7 * round).await;
        server = place.serve();
        check(&server, &known).await;
        seen.extend(known.iter().map(|known| known.fate));
    }
    // Both kinds were there to be checked.
    assert!(seen.contains(&Fate::Lives) && seen.contains(&Fate::Revoked));
}

/// One of two nodes is killed under load again and again; the other one knows all that was answered.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_that_was_answered_is_lost_by_kill_nine_of_one_node_of_two() {
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
