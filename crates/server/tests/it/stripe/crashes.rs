//! kill -9 around each call, before Stripe carries it out and after: the next node finishes it, and it
//! happens once.

use super::accounts::run;
use super::stand_in::Fault::{self, HangAfter, HangBefore};
use super::stand_in::{PUBLISHABLE, SECRET, StandIn};
use crate::support::{Engine, Place, Program, Request, get, post};
use serde_json::json;

/// The faults of the calls up to each kill.
type Kills = &'static [&'static [Fault]];

/// The kills of a round: while the customer is made at Stripe, around the charge, and around the
/// refund. Before a refund is made, Stripe is asked for one that was made already.
const ROUNDS: [(Kills, Kills, Kills); 4] = [
    (&[&[HangBefore]], &[&[HangBefore]], &[&[HangBefore]]),
    (&[&[HangAfter]], &[&[HangAfter]], &[&[Fault::None, HangAfter]]),
    (&[], &[&[HangAfter], &[HangAfter]], &[&[Fault::None, HangAfter], &[HangAfter]]),
    (&[], &[&[HangBefore], &[HangAfter]], &[&[Fault::None, HangBefore], &[Fault::None, HangAfter]]),
];

/// Returns the number of repetitions of the rounds, of 14 kills each. A release has more.
fn cycles() -> usize {
    std::env::var("UNITPAY_KILL_CYCLES").map_or(1, |cycles| cycles.parse().unwrap())
}

async fn money_moves_once_however_often_it_is_killed(engine: Engine) {
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
        let (at_setup, at_charge, at_refund) = ROUNDS[round % ROUNDS.len()];
        let name = format!("c{round}");
        node.customer(&key, &name).await.expect(201);
        let path = format!("/v1/customers/{name}/payment-methods");
        let setup = post(format!("{path}/setup"), &json!({})).key(&key);
        for faults in at_setup {
            kill_at(&stand_in, faults, &mut node, &setup).await;
            node = serve();
        }
        let secret = node.client.call(setup).await.expect(200).text("clientSecret");
        assert_eq!(stand_in.all("customer").len(), round + 1);
        stand_in.fill_in(&secret, "pm_card_visa");
        let token = json!({ "processorToken": secret.split_once("_secret").unwrap().0 });
        node.client.call(post(path, &token).key(&key)).await.expect(201);
        let buy = post("/v1/subscriptions", &json!({ "customerId": name, "planId": plan }));
        let buy = buy.key(&key).header("idempotency-key", &name);
        for faults in at_charge {
            kill_at(&stand_in, faults, &mut node, &buy).await;
            node = serve();
        }
        let done = node.client.call(buy).await.expect(200).json();
        assert_eq!(
            (&done["kind"], &done["invoice"]["status"]),
            (&json!("charged_inline"), &json!("paid"))
        );
        assert_eq!(stand_in.charges(), round + 1);
        let path = format!("/v1/invoices/{}/credit-notes", done["invoice"]["id"].as_str().unwrap());
        let part = json!({ "amount": 500, "refundAmount": 500, "reason": "order_change" });
        let give_back =
            post(path, &part).key(&key).header("idempotency-key", format!("{name}-back"));
        for faults in at_refund {
            kill_at(&stand_in, faults, &mut node, &give_back).await;
            node = serve();
        }
        let note = node.client.call(give_back).await.expect(201).json();
        assert_eq!(
            (&note["refunds"][0]["status"], stand_in.all("refund").len()),
            (&json!("succeeded"), round + 1)
        );
    }
    // No charge is without its effect.
    let list = node.client.call(get("/v1/subscriptions?status=active&limit=100").key(&key)).await;
    let active = list.expect(200).json()["data"].as_array().unwrap().len();
    assert_eq!((active, stand_in.charges()), (cycles() * ROUNDS.len(), active));
}

/// Sends a request and kills the node once Stripe got the call that hangs.
async fn kill_at(stand_in: &StandIn, faults: &[Fault], node: &mut Program, request: &Request) {
    stand_in.fail(faults);
    tokio::select! {
        answer = node.client.call(request.clone()) => panic!("{answer:?}"),
        () = stand_in.hangs() => {}
    }
    node.kill();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stripe_moves_money_once_on_sqlite_when_killed() {
    money_moves_once_however_often_it_is_killed(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stripe_moves_money_once_on_postgres_when_killed() {
    money_moves_once_however_often_it_is_killed(Engine::Postgres).await;
}
