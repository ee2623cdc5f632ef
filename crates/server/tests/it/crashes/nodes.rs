//! Nodes restarted one after the other under load.

use crate::support::{Client, Engine, Place, Program, get, post};
use serde_json::json;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, RwLock};

/// The nodes as known to a load balancer.
struct Balancer {
    nodes: RwLock<[Arc<Client>; 2]>,
    stop: AtomicBool,
    answers: AtomicUsize,
}

impl Balancer {
    /// Sends a request to one node or, while that one restarts, to the other.
    async fn call(&self, request: crate::support::Request) -> crate::support::Answer {
        let first = self.answers.fetch_add(1, Ordering::Relaxed);
        for turn in 0.. {
            assert!(turn < 10_000, "no node answers");
            let node = Arc::clone(&self.nodes.read().unwrap()[(first + turn) % 2]);
            if let Ok(answer) = node.try_call(request.clone()).await {
                return answer;
            }
        }
        unreachable!()
    }

    /// Mints, reads and revokes until stopped. Every response must be correct.
    async fn work(&self, key: &str, customer: &str) -> usize {
        let mut rounds = 0;
        while !self.stop.load(Ordering::Relaxed) {
            let call = post("/v1/portal-sessions", &json!({ "customerId": customer })).key(key);
            let minted = self.call(call).await.expect(201);
            let read = || get("/v1/portal-sessions/current").bearer(&minted.text("token"));
            for _ in 0..4 {
                self.call(read()).await.expect(200);
            }
            let body = json!({ "jti": minted.text("jti") });
            self.call(post("/v1/portal-sessions/revoke", &body).key(key)).await.expect(204);
            for _ in 0..2 {
                self.call(read()).await.refused(401, "session_revoked");
            }
            rounds += 1;
        }
        rounds
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rolling_restart_keeps_live_and_revoked_tokens_exact() {
    let place = Place::new(Engine::Postgres).await;
    let key = place.key();
    let serve = || {
        let url = "https://billing.example.com";
        Program::start(place.command(&["serve", "--listen", "127.0.0.1:0", "--public-url", url]))
    };
    let mut nodes = [serve(), serve()];
    let client = |node: &Program| Arc::new(Client::new(node.client.address()));
    let balancer = Arc::new(Balancer {
        nodes: RwLock::new([client(&nodes[0]), client(&nodes[1])]),
        stop: AtomicBool::new(false),
        answers: AtomicUsize::new(0),
    });
    let tasks: Vec<_> = {
        for customer in ["a", "b", "c"] {
            nodes[0].customer(&key, customer).await.expect(201);
        }
        ["a", "b", "c"].map(|customer| {
            let (balancer, key) = (Arc::clone(&balancer), key.clone());
            tokio::spawn(async move { balancer.work(&key, customer).await })
        })
    }
    .into();
    for round in 0..4 {
        let which = round % 2;
        let (ended, fresh) = tokio::task::block_in_place(|| (nodes[which].terminate(), serve()));
        assert!(ended);
        balancer.nodes.write().unwrap()[which] = client(&fresh);
        nodes[which] = fresh;
    }
    balancer.stop.store(true, Ordering::Relaxed);
    for task in tasks {
        assert!(task.await.unwrap() > 1);
    }
}
