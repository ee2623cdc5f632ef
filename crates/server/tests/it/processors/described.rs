//! The protocol's description: what the server sends, and what it understands, is described, and the
//! example keeps the protocol.

use super::connect::{allow_loopback, run};
use super::connected;
use super::integrator::{Integrator, SECRET};
use crate::on_both_stores;
use crate::stripe::judge;
use crate::support::{Client, Engine, Place, Program, Request, delete, get, post};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};

const OPERATIONS: usize = 11;

/// The description, with its references replaced by what they name.
fn description() -> Value {
    let text = include_str!("../../../../../docs/processor.openapi.json");
    let raw: Value = serde_json::from_str(text).unwrap();
    resolved(&raw, &raw)
}

fn resolved(value: &Value, root: &Value) -> Value {
    match value {
        Value::Object(members) => match members.get("$ref").and_then(Value::as_str) {
            Some(name) => resolved(root.pointer(&name[1..]).unwrap(), root),
            None => members.iter().map(|(name, one)| (name.clone(), resolved(one, root))).collect(),
        },
        Value::Array(items) => items.iter().map(|one| resolved(one, root)).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

fn schema<'a>(description: &'a Value, operation: &str, part: &str) -> &'a Value {
    let path = format!("/paths/~1{}/post/{part}", operation.replace('/', "~1"));
    let found = description.pointer(&path).unwrap_or_else(|| panic!("{path}"));
    &found["content"]["application/json"]["schema"]
}

on_both_stores! {
    async fn processor_description_fits_what_is_sent(t) {
        let (t, integrator) = connected(t.engine).await;
        let customer = t.http_customer("c", "tok_good").await;
        let card = t.card(&customer, "tok_good").await;
        t.set_up(&customer).await;
        let invoice = t.bill(&customer, 1_000).await;
        t.pay(&invoice, json!({})).await.expect(200);
        let (open, url) = t.form("d").await;
        let event = integrator.fill_in(&url);
        t.call(post(format!("/v1/invoices/{open}/void"), &json!({})).key(&t.key)).await.expect(200);
        t.sweep().await;
        t.http_event(&integrator, &event).await.expect(204);
        let refunded = integrator.refund_becomes("succeeded");
        t.http_event(&integrator, &refunded).await.expect(204);
        let changed = integrator.change_method(Some("1111"));
        t.http_event(&integrator, &changed).await.expect(204);
        t.call(delete(format!("/v1/payment-methods/{card}")).key(&t.key)).await.expect(204);
        let description = description();
        let mut operations: Vec<String> = Vec::new();
        for call in integrator.all_calls() {
            let request = schema(&description, &call.operation, "requestBody");
            judge::check(request, &call.body, "", false).unwrap_or_else(|wrong| panic!("{call:?}: {wrong}"));
            let mut other = call.body.clone();
            other["nonsense"] = json!(1);
            assert!(judge::check(request, &other, "", false).is_err());
            let answer = schema(&description, &call.operation, "responses/200");
            judge::check(answer, &call.answer, "", false).unwrap_or_else(|wrong| panic!("{call:?}: {wrong}"));
            operations.push(call.operation);
        }
        operations.sort_unstable();
        operations.dedup();
        assert_eq!(operations.len(), OPERATIONS, "{operations:?}");
        assert_eq!(description["paths"].as_object().unwrap().len(), OPERATIONS);
        for event in [&event, &refunded, &changed] {
            judge::check(&description["components"]["schemas"]["Event"], event, "", false).unwrap();
        }
    }
}

/// A service as a process of its own, killed on drop.
struct Service {
    child: Child,
    url: String,
}

impl Service {
    fn start(events: &str) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/http-processor");
        let mut command = Command::new("node");
        command.arg("server.js").current_dir(folder).env("UNITPAY_SECRET", SECRET).env("PORT", "0");
        command.env("EVENTS_URL", events).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.trim().strip_prefix("listening on ").unwrap().to_owned();
        Self { child, url }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn check(url: &str, secret: &str) -> (bool, String) {
    let mut command = Program::bare(&["processors", "check", "--url", url]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(secret.as_bytes()).unwrap();
    let done = child.wait_with_output().unwrap();
    let said = String::from_utf8([done.stdout, done.stderr].concat()).unwrap();
    (done.status.success(), said)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processor_example_passes_its_check() {
    let service = Service::start("");
    let (done, said) = check(&service.url, SECRET);
    assert!(done && !said.contains("FAIL"), "{said}");
    for case in [
        "a good card is charged",
        "the same charge again is the first one",
        "a charge is found by its attempt",
        "a card is declined",
        "a part is refunded once",
        "the rest is refunded",
        "more than the rest is refused",
        "a charge of an unknown method is refused",
        "a form is canceled",
        "a removed method is not charged",
    ] {
        assert!(said.contains(&format!("ok    {case}")), "{case}: {said}");
    }
    assert!(said.contains("all 22 cases"), "{said}");
    let (done, said) = check(&service.url, super::OTHER_SECRET);
    assert!(
        !done && said.contains("FAIL  hello says what it is: it answered 401 bad_signature"),
        "{said}"
    );
    let (done, said) = check("not a url", SECRET);
    assert!(!done && said.contains("the URL"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processor_check_reports_what_is_wrong() {
    let integrator = Integrator::start().await;
    let (done, said) = check(&integrator.url, SECRET);
    assert!(done, "{said}");
    for (fault, reason) in [
        ("charges_twice", "FAIL  the same charge again is the first one"),
        ("unsigned", "FAIL  a call with another secret is refused"),
        ("refunds_more", "FAIL  more than the rest is refused"),
        ("misspelt", "unknown field `declne`"),
        ("forgets", "FAIL  a charge is found by its attempt"),
    ] {
        let integrator = Integrator::start().await;
        integrator.be(fault);
        let (done, said) = check(&integrator.url, SECRET);
        assert!(!done && said.contains(reason), "{fault}: {said}");
    }
}

/// A server, the example and a customer: a card, and a form whose event comes over the network.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processor_example_takes_payments() {
    let place = Place::new(Engine::Sqlite).await;
    let mut command = place.command(&["serve", "--listen", "127.0.0.1:0"]);
    allow_loopback(&mut command);
    let node = Program::start(command);
    let key = place.key();
    // The address for events is known once a service is connected, and stays.
    let connect = |url: &str| {
        let arguments = ["processors", "connect", "http", "--env", "sandbox", "--url", url];
        let (done, address, said) = run(&place, &arguments, SECRET);
        assert!(done, "{said}");
        let (_, endpoint) = address.trim().split_once("/v1/webhooks/http/").unwrap();
        format!("http://{}/v1/webhooks/http/{endpoint}", node.client.address())
    };
    let events = connect(&Service::start("").url);
    let service = Service::start(&events);
    assert_eq!(connect(&service.url), events);
    let call = async |request: Request, status| {
        node.client.call(request.key(&key)).await.expect(status).json()
    };
    for (name, token) in [("card", Some("tok_good")), ("form", None)] {
        let customer = node.customer(&key, name).await.expect(201).text("id");
        if let Some(token) = token {
            let body = json!({ "processorToken": token });
            call(post(format!("/v1/customers/{customer}/payment-methods"), &body), 201).await;
        }
        let items = json!([{ "description": "Setup", "unitAmount": 1_000 }]);
        let body = json!({ "customerId": customer, "currency": "USD", "items": items });
        let invoice = call(post("/v1/invoices", &body), 201).await;
        let id = invoice["id"].as_str().unwrap().to_owned();
        let paid = call(post(format!("/v1/invoices/{id}/pay"), &json!({})), 200).await;
        if token.is_none() {
            let url = paid["client"]["clientSecret"].as_str().unwrap();
            let url = url.strip_prefix("http://").unwrap();
            let (address, path) = url.split_once('/').unwrap();
            let form = Client::new(address.parse().unwrap());
            let back = "return_url=http%3A%2F%2F127.0.0.1%3A4000%2Fportal";
            let sent = form.call(Request::new("POST", format!("/{path}?{back}"))).await;
            assert_eq!(
                (sent.status, sent.header("location")),
                (303, Some("http://127.0.0.1:4000/portal"))
            );
            let sent = form
                .call(Request::new("POST", format!("/{path}?return_url=https%3A%2F%2Fa.example")))
                .await;
            assert_eq!(sent.status, 404);
        }
        let shown = call(get(format!("/v1/invoices/{id}")), 200).await;
        assert_eq!(shown["status"], "paid", "{name}");
    }
}
