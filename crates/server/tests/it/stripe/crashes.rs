//! kill -9 around each call, before Stripe carries it out and after: the next node finishes it, and it
//! happens once.

use super::accounts::run;
use super::stand_in::{Fault, PUBLISHABLE, SECRET, StandIn};
use crate::support::{Engine, Place, Program, Request, get, post};
use serde_json::json;

/// The kills of a round: while the customer is made at Stripe, and around the charge.
const ROUNDS: [(&[Fault], &[Fault]); 4] = [
    (&[Fault::HangBefore], &[Fault::HangBefore]),
    (&[Fault::HangAfter], &[Fault::HangAfter]),
    (&[], &[Fault::HangAfter, Fault::HangAfter]),
    (&[], &[Fault::HangBefore, Fault::HangAfter]),
];

/// Returns the number of repetitions of the rounds, of eight kills each. A release has more.
fn cycles() -> usize {
    std::env::var("UNITPAY_KILL_CYCLES").map_or(1, |cycles| cycles.parse().unwrap())
}

async fn charges_once_however_often_it_is_killed(engine: Engine) {
    let (place, stand_in) = (Place::new(engine).await, StandIn::start().await);
    let input = format!("secret_key={SECRET}\npublishable_key={PUBLISHABLE}\n");
    let connect = ["processors", "connect", "stripe", "--env", "sandbox"];
    let (connected, said) = run(&place, &stand_in, &connect, &input);
    assert!(connected, "{said}");
    let serve = || {
        let mut command = place.command(&["serve", "--listen", "127.0.0.1:0"]);
        command.env("UNITPAY_STRIPE_API_BASE", stand_in.url());
        Program::start(command)
    };
    let (key, mut node) = (place.key(), serve());
    let product = node.make(&key, "products", json!({ "slug": "main", "name": "Main" })).await;
    let plan = json!({
        "productId": product, "slug": "pro", "name": "Pro", "status": "active",
        "billingInterval": "month", "currency": "USD",
        "charges": [{ "type": "recurring", "amount": 2_000 }],
    });
    let plan = node.make(&key, "plans", plan).await;
    for round in 0..cycles() * ROUNDS.len() {
        let (at_setup, at_charge) = ROUNDS[round % ROUNDS.len()];
        let name = format!("c{round}");
        node.customer(&key, &name).await.expect(201);
        let path = format!("/v1/customers/{name}/payment-methods");
        let setup = post(format!("{path}/setup"), &json!({})).key(&key);
        for fault in at_setup {
            kill_at(&stand_in, *fault, &mut node, &setup).await;
            node = serve();
        }
        let secret = node.client.call(setup).await.expect(200).text("clientSecret");
        assert_eq!(stand_in.all("customer").len(), round + 1);
        stand_in.fill_in(&secret, "pm_card_visa");
        let token = json!({ "processorToken": secret.split_once("_secret").unwrap().0 });
        node.client.call(post(path, &token).key(&key)).await.expect(201);
        let buy = post("/v1/subscriptions", &json!({ "customerId": name, "planId": plan }));
        let buy = buy.key(&key).header("idempotency-key", &name);
        for fault in at_charge {
            kill_at(&stand_in, *fault, &mut node, &buy).await;
            node = serve();
        }
        let done = node.client.call(buy).await.expect(200).json();
        assert_eq!(
            (&done["kind"], &done["invoice"]["status"]),
            (&json!("charged_inline"), &json!("paid"))
        );
        assert_eq!(stand_in.charges(), round + 1);
    }
    // No charge is without its effect.
    let list = node.client.call(get("/v1/subscriptions?status=active&limit=100").key(&key)).await;
    let active = list.expect(200).json()["data"].as_array().unwrap().len();
    assert_eq!((active, stand_in.charges()), (cycles() * ROUNDS.len(), active));
}

/// Sends a request and kills the node once Stripe got its next call.
async fn kill_at(stand_in: &StandIn, fault: Fault, node: &mut Program, request: &Request) {
    stand_in.fail(&[fault]);
    tokio::select! {
        answer = node.client.call(request.clone()) => panic!("{answer:?}"),
        () = stand_in.hangs() => {}
    }
    node.kill();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stripe_charges_once_on_sqlite_when_killed() {
    charges_once_however_often_it_is_killed(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stripe_charges_once_on_postgres_when_killed() {
    charges_once_however_often_it_is_killed(Engine::Postgres).await;
}
