//! Connecting a processor over HTTP: what is refused, what is never shown, who is charged.

use super::integrator::{Integrator, SECRET};
use super::{OTHER_SECRET, connect, connected, unconnected};
use crate::on_both_stores;
use crate::stripe::StandIn;
use crate::support::{Engine, Place, Test, deliver_here, get};
use serde_json::json;
use std::io::Write as _;
use std::process::{Command, Stdio};
use unitpay::testing::organizations::Environment;
use unitpay::testing::payments::remote::{ConnectError, disconnect, step_back};
use unitpay::testing::signing::SigningSecrets;

on_both_stores! {
    async fn http_processor_is_checked_before_it_is_connected(t) {
        let (t, integrator) = unconnected(t.engine).await;
        for (name, wrong, right) in [
            ("protocol", json!(2), json!(1)),
            ("environment", json!("live"), json!("sandbox")),
            ("account", json!(""), json!("acct_1")),
            ("keyHoldsForSeconds", json!(60), json!(86_400)),
            ("minimums", json!({ "usd": 50 }), json!({ "USD": 50 })),
            ("minimums", json!({ "USD": 0 }), json!({ "USD": 50 })),
            ("protocol", json!("1"), json!(1)),
        ] {
            integrator.set_terms(name, wrong);
            let refused = connect(&t, &t.tenant, &integrator.url).await;
            assert!(matches!(refused, Err(ConnectError::Call(_))), "{name}: {refused:?}");
            integrator.set_terms(name, right);
        }
        integrator.set_secret(OTHER_SECRET);
        let refused = connect(&t, &t.tenant, &integrator.url).await.unwrap_err().to_string();
        assert!(refused.contains("401 bad_signature"), "{refused}");
        let calls = integrator.all_calls().len();
        for url in ["http://10.0.0.1/", "https://169.254.169.254/", "http://[::1]/", "ftp://a.example/",
            "https://a:b@c.example/", "https://a.example/?x=1", "https://a.example/#x", ""] {
            let refused = connect(&t, &t.tenant, url).await;
            assert!(matches!(refused, Err(ConnectError::Url(_))), "{url}");
        }
        assert_eq!(integrator.all_calls().len(), calls);
        let shown = t.call(get("/v1/processors").key(&t.key)).await.expect(200).json();
        assert_eq!(shown, json!({ "data": [{ "processor": "sandbox", "status": "built_in", "isUsed": true }] }));
        let live = t.live(t.tenant.organization_id).await;
        assert_eq!(live.environment, Environment::Live);
        let refused = connect(&t, &live, &integrator.url).await;
        assert!(matches!(refused, Err(ConnectError::Call(_))));
    }

    async fn http_processor_is_shown_without_its_secret(t) {
        let (t, integrator) = connected(t.engine).await;
        let shown = t.call(get("/v1/processors").key(&t.key)).await.expect(200);
        let text = String::from_utf8(shown.body.clone()).unwrap();
        assert!(!text.contains(SECRET));
        let http = &shown.json()["data"][0];
        assert_eq!((&http["processor"], &http["status"], &http["isUsed"]), (&json!("http"), &json!("connected"), &json!(true)));
        assert_eq!((&http["url"], &http["account"]), (&json!(integrator.url), &json!("acct_1")));
        assert_eq!(shown.json()["data"][1]["isUsed"], false);
        assert!(!format!("{:?}", t.app.processors).contains(SECRET));
    }

    async fn http_account_is_not_swapped_under_its_customers(t) {
        let (t, integrator) = connected(t.engine).await;
        t.http_customer("c", "tok_good").await;
        integrator.set_terms("account", json!("acct_2"));
        let swapped = connect(&t, &t.tenant, &integrator.url).await;
        assert!(matches!(swapped, Err(ConnectError::OtherAccount(old)) if old == "acct_1"));
        integrator.set_terms("account", json!("acct_1"));
        let again = connect(&t, &t.tenant, &format!("{}/", integrator.url)).await.unwrap();
        assert_eq!(again.url, integrator.url);
    }

    async fn http_secret_overlaps_while_it_is_replaced(t) {
        let (t, integrator) = connected(t.engine).await;
        let customer = t.http_customer("c", "tok_good").await;
        let (_, url) = t.form("d").await;
        let event = integrator.fill_in(&url);
        let path = t.http_endpoint(&t.key).await;
        let remote = t.app.processors.remote();
        let secret = remote.rotate(&t.app.db, &t.tenant).await.unwrap();
        // Both secrets sign and are taken.
        for known in [SECRET, secret.reveal()] {
            integrator.set_secret(known);
            let invoice = t.bill(&customer, 1_000).await;
            t.pay(&invoice, json!({})).await.expect(200);
            t.signed_event(&path, &integrator, known, &event).await.expect(204);
        }
        t.advance(86_400);
        t.signed_event(&path, &integrator, SECRET, &event).await.refused(400, "malformed_request");
        t.signed_event(&path, &integrator, secret.reveal(), &event).await.expect(204);
        integrator.set_secret(SECRET);
        let invoice = t.bill(&customer, 1_000).await;
        t.pay(&invoice, json!({})).await.refused(503, "unavailable");
    }

    async fn http_disconnected_leaves_the_sandbox(t) {
        let (t, integrator) = connected(t.engine).await;
        let customer = t.http_customer("c", "tok_good").await;
        let invoice = t.bill(&customer, 1_000).await;
        let path = t.http_endpoint(&t.key).await;
        disconnect(&t.app.db, &t.tenant, &t.app.random, t.app.clock.now()).await.unwrap();
        let calls = integrator.all_calls().len();
        t.pay(&invoice, json!({})).await.refused(409, "conflict");
        let event = integrator.event("charge.changed", json!({}));
        t.signed_event(&path, &integrator, SECRET, &event).await.refused(404, "not_found");
        let shown = t.call(get("/v1/processors").key(&t.key)).await.expect(200).json();
        assert_eq!((&shown["data"][0]["status"], &shown["data"][1]["isUsed"]), (&json!("disconnected"), &json!(true)));
        assert_eq!(integrator.all_calls().len(), calls);
        let remote = t.app.processors.remote();
        assert!(matches!(remote.rotate(&t.app.db, &t.tenant).await, Err(ConnectError::NotConnected)));
        // Connected again, the card is still there.
        connect(&t, &t.tenant, &integrator.url).await.unwrap();
        t.pay(&invoice, json!({})).await.expect(200);
        assert!(t.is_paid(&invoice).await);
    }

    async fn processor_connected_last_takes_new_payments(t) {
        let (integrator, stripe) = (Integrator::start().await, StandIn::start().await);
        let origin = stripe.url().try_into().unwrap();
        let t = Test::start_with(t.engine, |config| {
            deliver_here(config);
            config.stripe.api_base = origin;
        }).await;
        integrator.set_clock(t.app.clock.clone());
        stripe.set_clock(t.app.clock.clone());
        connect(&t, &t.tenant, &integrator.url).await.unwrap();
        let customer = t.http_customer("c", "tok_good").await;
        let used = async || {
            let shown = t.call(get("/v1/processors").key(&t.key)).await.expect(200).json();
            let rows = shown["data"].as_array().unwrap().clone();
            let used: Vec<String> = rows.iter().filter(|row| row["isUsed"] == true).map(|row| row["processor"].to_string()).collect();
            used.join(" ")
        };
        assert_eq!(used().await, "\"http\"");
        // Nobody else is connected: it stays in use.
        step_back(&t.app.db, &t.tenant).await.unwrap();
        assert_eq!(used().await, "\"http\"");
        crate::stripe::connect(&t, crate::stripe::credentials()).await.unwrap();
        assert_eq!(used().await, "\"stripe\"");
        // A card stays with its processor.
        let invoice = t.bill(&customer, 1_000).await;
        t.pay(&invoice, json!({})).await.expect(200);
        assert_eq!((t.is_paid(&invoice).await, integrator.paid(), stripe.charges()), (true, 1, 0));
        connect(&t, &t.tenant, &integrator.url).await.unwrap();
        assert_eq!(used().await, "\"http\"");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn http_rotation_holds_on_every_node() {
    let (one, integrator) = connected(Engine::Postgres).await;
    let customer = one.http_customer("c", "tok_good").await;
    let two = one.another_delivering_node().await;
    let secrets = SigningSecrets::parse(OTHER_SECRET).unwrap();
    let pay = async |node: &Test| {
        let invoice = one.bill(&customer, 1_000).await;
        node.pay(&invoice, json!({})).await
    };
    integrator.set_secret(OTHER_SECRET);
    pay(&two).await.refused(503, "unavailable");
    let remote = one.app.processors.remote();
    remote.connect(&one.app.db, &one.tenant, &integrator.url, secrets).await.unwrap();
    pay(&two).await.expect(200);
    // Two nodes continue the same attempt: one charge.
    let invoice = one.bill(&customer, 1_000).await;
    let paid = integrator.paid();
    let pays =
        futures_util::future::join(one.pay(&invoice, json!({})), two.pay(&invoice, json!({})));
    pays.await;
    assert_eq!((one.is_paid(&invoice).await, integrator.paid()), (true, paid + 1));
}

/// Allows services on this machine.
pub fn allow_loopback(command: &mut Command) {
    command.env("UNITPAY_WEBHOOKS_ALLOW_HTTP", "true");
    command.env("UNITPAY_WEBHOOKS_ALLOWED_NETWORKS", "127.0.0.0/8");
}

/// Runs a command of the program with this text on its standard input.
pub fn run(place: &Place, arguments: &[&str], input: &str) -> (bool, String, String) {
    let mut command = place.command(arguments);
    allow_loopback(&mut command);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let done = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (done.status.success(), text(done.stdout), text(done.stderr))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn http_processor_is_connected_from_the_command_line() {
    let (place, integrator) = (Place::new(Engine::Sqlite).await, Integrator::start().await);
    let (done, secret, _) = run(&place, &["processors", "secret"], "");
    assert!(done && secret.starts_with("whsec_"));
    integrator.set_secret(secret.trim());
    let connect = ["processors", "connect", "http", "--env", "sandbox", "--url", &integrator.url];
    for (arguments, input, reason) in [
        (&connect[..], "", "must be whsec_"),
        (&connect[..], "whsec_short", "must be whsec_"),
        (&connect[..], OTHER_SECRET, "401 bad_signature"),
        (&connect[..5], secret.as_str(), "--url is needed"),
        (&["processors", "rotate", "http", "--env", "sandbox"][..], "", "no processor over HTTP"),
        (
            &["processors", "connect", "http", "--env", "live", "--url", &integrator.url][..],
            secret.as_str(),
            "another environment",
        ),
    ] {
        let (done, _, said) = run(&place, arguments, input);
        assert!(!done && said.contains(reason), "{said}");
        assert!(!said.contains(secret.trim()) && !said.contains(OTHER_SECRET), "{said}");
    }
    let (done, url, said) = run(&place, &connect, &secret);
    assert!(done && url.contains("/v1/webhooks/http/"), "{said}");
    let (_, listed, _) = run(&place, &["processors", "list"], "");
    assert!(listed.contains(&format!("sandbox connected acct_1 {}", integrator.url)), "{listed}");
    let (done, next, _) = run(&place, &["processors", "rotate", "http", "--env", "sandbox"], "");
    assert!(done && next.starts_with("whsec_") && next != secret);
    for entry in std::fs::read_dir(place.data()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        for secret in [secret.trim(), next.trim()] {
            let key = secret.strip_prefix("whsec_").unwrap().as_bytes();
            assert!(!bytes.windows(key.len()).any(|part| part == key));
        }
    }
    assert!(run(&place, &["processors", "disconnect", "http", "--env", "sandbox"], "").0);
    let (_, listed, _) = run(&place, &["processors", "list"], "");
    assert!(listed.contains("disconnected") && !listed.contains("whsec_"), "{listed}");
}
