//! kill -9 around a charge, before Stripe carries it out and after: the next node finishes it, and it is
//! charged once.

use super::accounts::run;
use super::stand_in::{Fault, PUBLISHABLE, SECRET, StandIn};
use crate::support::{Engine, Place, Program, post};
use serde_json::json;

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
    for (round, faults) in [
        vec![Fault::HangBefore],
        vec![Fault::HangAfter],
        vec![Fault::HangAfter, Fault::HangAfter],
        vec![Fault::HangBefore, Fault::HangAfter],
    ]
    .into_iter()
    .enumerate()
    {
        let name = format!("c{round}");
        node.customer(&key, &name).await.expect(201);
        let path = format!("/v1/customers/{name}/payment-methods");
        let setup = post(format!("{path}/setup"), &json!({})).key(&key);
        let secret = node.client.call(setup).await.expect(200).text("clientSecret");
        stand_in.fill_in(&secret, "pm_card_visa");
        let token = json!({ "processorToken": secret.split_once("_secret").unwrap().0 });
        node.client.call(post(path, &token).key(&key)).await.expect(201);
        let buy = post("/v1/subscriptions", &json!({ "customerId": name, "planId": plan }));
        let buy = buy.key(&key).header("idempotency-key", &name);
        for fault in faults {
            stand_in.fail(&[fault]);
            tokio::select! {
                answer = node.client.call(buy.clone()) => panic!("{answer:?}"),
                () = stand_in.hangs() => {}
            }
            node.kill();
            node = serve();
        }
        let done = node.client.call(buy).await.expect(200).json();
        assert_eq!(
            (&done["kind"], &done["invoice"]["status"]),
            (&json!("charged_inline"), &json!("paid"))
        );
        assert_eq!(stand_in.charges(), round + 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stripe_charges_once_on_sqlite_when_killed() {
    charges_once_however_often_it_is_killed(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stripe_charges_once_on_postgres_when_killed() {
    charges_once_however_often_it_is_killed(Engine::Postgres).await;
}
