//! Webhook endpoints and deliveries to receivers with good and bad manners.

use crate::on_both_stores;
use crate::support::{
    Engine, Manner, Place, Program, Receiver, Test, delete, get, patch, post, refused,
};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};
use std::sync::{Arc, mpsc};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::time::timeout;
use unitpay::testing::outbound::{Outbound, OutboundError, Policy, Target};
use unitpay::testing::webhooks::{MAX_ENDPOINTS, deliver};

/// The waits between attempts, in seconds.
const WAITS: [u64; 9] = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];

/// More than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// The deliveries of an endpoint, newest first.
async fn deliveries(t: &Test, endpoint: &str) -> Vec<Value> {
    let path = format!("/v1/webhook-endpoints/{endpoint}/deliveries?limit=100");
    let list = t.call(get(path).key(&t.key)).await.expect(200).json();
    list["data"].as_array().unwrap().clone()
}

async fn endpoint_of(t: &Test, id: &str) -> Value {
    t.call(get(format!("/v1/webhook-endpoints/{id}")).key(&t.key)).await.expect(200).json()
}

/// Sends a POST below an endpoint.
async fn act(t: &Test, id: &str, path: &str, body: Value) -> Value {
    let path = format!("/v1/webhook-endpoints/{id}/{path}");
    t.call(post(path, &body).key(&t.key)).await.expect(200).json()
}

/// The end of a raw response.
#[derive(Clone, Copy)]
enum After {
    Close,
    Wait,
    /// Sends header-like lines until the peer closes the connection.
    Repeat,
}

/// A receiver that answers each connection with this text. Returns its URL.
async fn raw_receiver(text: String, after: After) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let text = text.clone();
            tokio::spawn(async move {
                let mut request = [0; 64 * 1024];
                let _ = stream.read(&mut request).await;
                let _ = stream.write_all(text.as_bytes()).await;
                match after {
                    After::Close => {}
                    After::Wait => std::future::pending().await,
                    After::Repeat => {
                        while stream.write_all(b"x-more: and more\r\n").await.is_ok() {}
                    }
                }
            });
        }
    });
    url
}

on_both_stores! {
    async fn endpoint_receives_a_signed_event(t) {
        let t = Test::with_webhooks(t.engine).await;
        let receiver = Receiver::start(Manner::Status(204)).await;
        let (id, secret) = t.endpoint(&receiver).await;
        t.customer("one").await;
        t.deliver().await;
        let got = receiver.take();
        assert_eq!(got.len(), 1);
        let list = t.call(get("/v1/events").key(&t.key)).await.expect(200).json();
        assert_eq!(got[0].json(), list["data"][0]);
        assert_eq!(got[0].header("webhook-id"), list["data"][0]["id"].as_str().unwrap());
        assert_eq!(got[0].header("webhook-timestamp"), "1893456000");
        assert_eq!(got[0].header("content-type"), "application/json");
        assert_eq!(got[0].signatures(&[&secret]), 1);
        let listed = deliveries(&t, &id).await;
        assert_eq!(listed[0], json!({
            "id": listed[0]["id"], "eventId": list["data"][0]["id"], "eventType": "customer.created",
            "status": "succeeded", "attempts": 1, "nextAttemptAt": null,
            "lastAttemptAt": "2030-01-01T00:00:00.000Z", "responseStatus": 204, "responseBody": "",
            "error": null, "createdAt": "2030-01-01T00:00:00.000Z",
        }));
        t.deliver().await;
        assert_eq!(receiver.take().len(), 0);
        // The secret is shown once and is not stored as it is.
        let shown = t.call(get("/v1/webhook-endpoints").key(&t.key)).await.expect(200);
        assert!(!String::from_utf8_lossy(&shown.body).contains("whsec_"));
    }

    async fn endpoint_receives_only_the_types_it_asks_for(t) {
        let t = Test::with_webhooks(t.engine).await;
        let receiver = Receiver::start(Manner::Status(200)).await;
        let (id, _) = t.endpoint(&receiver).await;
        let path = format!("/v1/webhook-endpoints/{id}");
        let types = json!({ "types": ["customer.updated"], "description": "only changes" });
        t.call(patch(&path, &types).key(&t.key)).await.expect(200);
        t.customer("one").await;
        t.call(patch("/v1/customers/one", &json!({ "name": "B" })).key(&t.key)).await.expect(200);
        t.deliver().await;
        let got = receiver.take();
        assert_eq!((got.len(), &got[0].json()["type"]), (1, &json!("customer.updated")));
        // A test reaches it whatever it asks for.
        let event = act(&t, &id, "test", json!({})).await["eventId"].clone();
        t.deliver().await;
        let got = receiver.take();
        assert_eq!((got.len(), &got[0].json()["id"]), (1, &event));
        assert_eq!(got[0].json()["data"]["object"], endpoint_of(&t, &id).await);
        // Neither a disabled nor a deleted endpoint gets anything.
        t.call(patch(&path, &json!({ "enabled": false })).key(&t.key)).await.expect(200);
        t.call(patch("/v1/customers/one", &json!({ "name": "C" })).key(&t.key)).await.expect(200);
        t.deliver().await;
        t.call(patch(&path, &json!({ "enabled": true })).key(&t.key)).await.expect(200);
        t.call(patch("/v1/customers/one", &json!({ "name": "D" })).key(&t.key)).await.expect(200);
        t.publish().await;
        t.call(delete(&path).key(&t.key)).await.expect(204);
        t.deliver().await;
        assert_eq!(receiver.take().len(), 0);
        t.call(get(&path).key(&t.key)).await.refused(404, "not_found");
        let audit = t.call(get("/v1/audit-events").key(&t.key)).await.expect(200).json();
        let actions: Vec<&str> = audit["data"].as_array().unwrap().iter().map(|event| event["action"].as_str().unwrap()).filter(|action| action.starts_with("webhook")).collect();
        assert_eq!(actions, [
            "webhook_endpoint.deleted", "webhook_endpoint.updated", "webhook_endpoint.updated",
            "webhook_endpoint.updated", "webhook_endpoint.created",
        ]);
    }

    async fn failed_delivery_is_repeated_on_schedule(t) {
        let t = Test::with_webhooks(t.engine).await;
        let receiver = Receiver::start(Manner::Status(500)).await;
        let (id, secret) = t.endpoint(&receiver).await;
        t.customer("one").await;
        t.deliver().await;
        for (attempt, wait) in WAITS.into_iter().enumerate() {
            let got = receiver.take();
            assert_eq!((got.len(), got[0].signatures(&[&secret])), (1, 1));
            let listed = &deliveries(&t, &id).await[0];
            let shown = (&listed["status"], &listed["attempts"], &listed["responseBody"]);
            assert_eq!(shown, (&json!("pending"), &json!(attempt + 1), &json!("status 500")));
            t.advance(wait - 1);
            t.deliver().await;
            assert_eq!(receiver.take().len(), 0);
            t.advance(1);
            t.deliver().await;
        }
        assert_eq!(receiver.take().len(), 1);
        let listed = deliveries(&t, &id).await[0].clone();
        let shown = (&listed["status"], &listed["attempts"], &listed["nextAttemptAt"]);
        assert_eq!(shown, (&json!("failed"), &json!(10), &Value::Null));
        assert_eq!(endpoint_of(&t, &id).await["failingSince"], "2030-01-01T00:00:00.000Z");
        // Given up, it is sent again on request.
        receiver.set(Manner::Status(200));
        let delivery = listed["id"].as_str().unwrap();
        act(&t, &id, &format!("deliveries/{delivery}/resend"), json!({})).await;
        t.deliver().await;
        assert_eq!(receiver.take().len(), 1);
        assert_eq!(endpoint_of(&t, &id).await["failingSince"], Value::Null);
        let missing = format!("/v1/webhook-endpoints/{id}/deliveries/whd_01kwgt3qt8f689ez1ekre217xw/resend");
        t.call(post(missing, &json!({})).key(&t.key)).await.refused(404, "not_found");
    }

    async fn endpoint_is_disabled_after_five_days_and_recovers(t) {
        let t = Test::with_webhooks(t.engine).await;
        let receiver = Receiver::start(Manner::Status(503)).await;
        let (id, _) = t.endpoint(&receiver).await;
        t.customer("one").await;
        t.deliver().await;
        t.advance(5 * 86_400 - 1);
        t.customer("two").await;
        t.deliver().await;
        assert_eq!(endpoint_of(&t, &id).await["enabled"], true);
        t.advance(10);
        t.deliver().await;
        assert_eq!(endpoint_of(&t, &id).await["enabled"], false);
        let audit = t.call(get("/v1/audit-events?limit=1").key(&t.key)).await.expect(200).json();
        let last = &audit["data"][0];
        assert_eq!((&last["action"], &last["actorType"]), (&json!("webhook_endpoint.disabled"), &json!("system")));
        // Events of the time of failure are not lost.
        t.customer("three").await;
        t.deliver().await;
        receiver.take();
        receiver.set(Manner::Status(200));
        let path = format!("/v1/webhook-endpoints/{id}");
        t.call(patch(&path, &json!({ "enabled": true })).key(&t.key)).await.expect(200);
        // And that it was disabled.
        assert_eq!(act(&t, &id, "recover", json!({ "since": "2030-01-01T00:00:00.000Z" })).await, json!({ "queued": 2 }));
        assert_eq!(act(&t, &id, "recover", json!({ "since": "2030-01-01T00:00:00.000Z" })).await, json!({ "queued": 0 }));
        t.advance(86_400);
        t.deliver().await;
        let mut got: Vec<String> = receiver.take().iter().map(|got| got.json()["data"]["object"]["externalId"].as_str().unwrap_or_default().to_owned()).collect();
        got.sort();
        assert_eq!(got, ["", "one", "three", "two"]);
        assert_eq!(endpoint_of(&t, &id).await["failingSince"], Value::Null);
    }

    async fn rotated_secret_signs_beside_the_new_one_for_a_day(t) {
        let t = Test::with_webhooks(t.engine).await;
        let receiver = Receiver::start(Manner::Status(200)).await;
        let (id, old) = t.endpoint(&receiver).await;
        let new = act(&t, &id, "rotate-secret", json!({})).await["secret"].as_str().unwrap().to_owned();
        assert_ne!(old, new);
        t.customer("one").await;
        t.deliver().await;
        assert_eq!(receiver.take()[0].signatures(&[&old, &new]), 2);
        t.advance(86_400);
        t.customer("two").await;
        t.deliver().await;
        assert_eq!(receiver.take()[0].signatures(&[&new]), 1);
    }

    async fn hostile_receiver_fails_within_its_time(t) {
        let t = Test::with_webhooks(t.engine).await;
        let target = Receiver::start(Manner::Status(200)).await;
        let mapped = target.url.replace("127.0.0.1", "[::ffff:127.0.0.1]");
        let cases = [
            (Manner::Redirect(target.url.clone()), json!(302), Value::Null, "pending"),
            (Manner::Redirect(mapped), json!(302), Value::Null, "pending"),
            (Manner::Silent, Value::Null, json!("timed_out"), "pending"),
            (Manner::Stuck, Value::Null, json!("timed_out"), "pending"),
            (Manner::Endless, json!(200), Value::Null, "succeeded"),
            (Manner::Huge(10_000_000), json!(200), Value::Null, "succeeded"),
            (Manner::Status(199 + 1), json!(200), Value::Null, "succeeded"),
            (Manner::Status(410), json!(410), Value::Null, "pending"),
        ];
        let mut ids = Vec::new();
        for (manner, ..) in &cases {
            let receiver = Receiver::start(manner.clone()).await;
            ids.push(t.endpoint(&receiver).await.0);
        }
        // Nobody listens here any more.
        let closed = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let body = json!({ "url": format!("http://{}/", closed.local_addr().unwrap()) });
        drop(closed);
        let dead = t.call(post("/v1/webhook-endpoints", &body).key(&t.key)).await.expect(201).text("id");
        t.customer("one").await;
        t.deliver().await;
        for ((manner, status, error, outcome), id) in cases.iter().zip(&ids) {
            let listed = &deliveries(&t, id).await[0];
            let shown = (&listed["responseStatus"], &listed["error"], &listed["status"]);
            assert_eq!(shown, (status, error, &json!(outcome)), "{manner:?}");
            let kept = listed["responseBody"].as_str().unwrap_or_default().len();
            assert!(kept <= 3 * 1024, "{kept}");
        }
        assert_eq!(deliveries(&t, &dead).await[0]["error"], "connection_failed");
        assert_eq!(target.take().len(), 0);
    }

    async fn receiver_without_http_manners_fails_within_its_time(t) {
        let t = Test::with_webhooks(t.engine).await;
        let head = "HTTP/1.1 200 OK\r\n";
        let cases = [
            (String::new(), After::Close, "request_failed"),
            ("SSH-2.0-OpenSSH_9.6\r\n".to_owned(), After::Wait, "request_failed"),
            (head.to_owned() + "x-slow: ", After::Wait, "timed_out"),
            (head.to_owned(), After::Repeat, "request_failed"),
            (head.to_owned() + "content-length: 100\r\n\r\nhalf", After::Close, "request_failed"),
            (head.to_owned() + "content-length: 99999999999999999999999\r\n\r\n", After::Wait, "request_failed"),
            // It is accepted once enough of it has come; the rest of a terabyte is not read.
            (head.to_owned() + "content-length: 1099511627776\r\n\r\n", After::Repeat, ""),
        ];
        let mut ids = Vec::new();
        for (text, after, _) in &cases {
            let url = raw_receiver(text.clone(), *after).await;
            let made = t.call(post("/v1/webhook-endpoints", &json!({ "url": url })).key(&t.key)).await;
            ids.push(made.expect(201).text("id"));
        }
        t.customer("one").await;
        t.deliver().await;
        for ((text, _, error), id) in cases.iter().zip(&ids) {
            let listed = &deliveries(&t, id).await[0];
            assert_eq!(listed["error"].as_str().unwrap_or_default(), *error, "{text}");
            let status = if error.is_empty() { "succeeded" } else { "pending" };
            assert_eq!(listed["status"], status, "{text}");
        }
    }

    async fn silent_endpoint_delays_no_other(t) {
        let t = Test::with_webhooks(t.engine).await;
        let (silent, quick) = (Receiver::start(Manner::Silent).await, Receiver::start(Manner::Status(200)).await);
        let slow = t.endpoint(&silent).await.0;
        for name in ["one", "two", "three"] {
            t.customer(name).await;
        }
        t.publish().await;
        let app = Arc::clone(&t.app);
        let stuck = tokio::spawn(async move { deliver::deliver_due(&app).await });
        silent.arrival().await;
        t.endpoint(&quick).await;
        t.customer("four").await;
        t.deliver().await;
        assert_eq!(quick.take().len(), 1);
        assert_eq!(deliveries(&t, &slow).await.iter().filter(|one| one["attempts"] == 0).count(), 4);
        stuck.await.unwrap().unwrap();
    }

    async fn events_of_a_customer_arrive_in_order(t) {
        let t = Test::with_webhooks(t.engine).await;
        let receiver = Receiver::start(Manner::Status(200)).await;
        t.endpoint(&receiver).await;
        for name in ["one", "two"] {
            t.customer(name).await;
        }
        for n in 0..40 {
            for name in ["one", "two"] {
                let path = format!("/v1/customers/{name}");
                t.call(patch(path, &json!({ "name": format!("{name} {n}") })).key(&t.key)).await.expect(200);
            }
        }
        t.deliver().await;
        let got: Vec<Value> = receiver.take().iter().map(|got| got.json()).collect();
        assert_eq!(got.len(), 82);
        for name in ["one", "two"] {
            let of_one = got.iter().filter(|event| event["data"]["object"]["externalId"] == name);
            let numbers: Vec<i64> = of_one.map(|event| event["sequence"].as_i64().unwrap()).collect();
            assert!(numbers.is_sorted(), "{numbers:?}");
        }
    }

    async fn node_that_dies_leaves_its_deliveries_to_another(t) {
        let t = Test::with_webhooks(t.engine).await;
        let receiver = Receiver::start(Manner::Silent).await;
        t.endpoint(&receiver).await;
        t.customer("one").await;
        t.publish().await;
        let app = Arc::clone(&t.app);
        let dying = tokio::spawn(async move { deliver::deliver_due(&app).await });
        receiver.arrival().await;
        dying.abort();
        assert!(dying.await.unwrap_err().is_cancelled());
        receiver.set(Manner::Status(200));
        assert_eq!(receiver.take().len(), 1);
        // The lease still holds.
        t.deliver().await;
        assert_eq!(receiver.take().len(), 0);
        t.advance(60);
        t.deliver().await;
        assert_eq!(receiver.take().len(), 1);
        t.deliver().await;
        assert_eq!(receiver.take().len(), 0);
    }

    async fn endpoint_urls_that_reach_private_services_are_refused(t) {
        for url in [
            "http://hooks.example.com/", "ftp://hooks.example.com/", "hooks.example.com", "/hook", "",
            "https://user:secret@hooks.example.com/", "https://user@hooks.example.com/",
            "https://hooks.example.com/#part", "https://hooks.example.com:22/",
            "https://hooks.example.com:6379/", "https://hooks.example.com:0/", "https://127.0.0.1/",
            "https://10.1.2.3/", "https://169.254.169.254/latest/meta-data", "https://[::1]/",
            "https://[::ffff:127.0.0.1]/", "https://[::ffff:7f00:1]/", "https://[64:ff9b::a9fe:a9fe]/",
            "https://[fe80::1]/", "https://[fd00:ec2::254]/", "https://2130706433/", "https://0x7f.1/",
            "https://[2002:7f00:1::]/", "https://[::127.0.0.1]/", "https://[fec0::1]/", "https://[::]/",
            "https://[64:ff9b:1::a00:1]/", "https://[2001::1]/", "https://[::1%25eth0]/",
            "https://hooks.example.com:65536/", "https://hooks.example.com:/",
            "https://127.1/", "https://localhost/", "https://api.localhost/", "https://0.0.0.0/",
        ] {
            let made = t.call(post("/v1/webhook-endpoints", &json!({ "url": url })).key(&t.key)).await;
            let refused = made.refused(422, "validation_failed").json();
            assert_eq!(refused["errors"][0]["param"], "url", "{url}");
        }
        for body in [
            json!({}), json!({ "url": 1 }), json!({ "url": "https://a.example", "types": ["x"] }),
            json!({ "url": "https://a.example", "types": ["webhook_endpoint.tested"] }),
            json!({ "url": "https://a.example", "secret": "whsec_x" }),
            json!({ "url": "https://a.example", "description": "x".repeat(201) }),
        ] {
            t.call(post("/v1/webhook-endpoints", &body).key(&t.key)).await.refused(422, "validation_failed");
        }
        let body = json!({ "url": "https://hooks.example.com/" });
        for _ in 0..MAX_ENDPOINTS {
            t.call(post("/v1/webhook-endpoints", &body).key(&t.key)).await.expect(201);
        }
        t.call(post("/v1/webhook-endpoints", &body).key(&t.key)).await.refused(409, "conflict");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stricter_configuration_stops_deliveries() {
    let t = Test::with_webhooks(Engine::Postgres).await;
    let receiver = Receiver::start(Manner::Status(200)).await;
    let (id, _) = t.endpoint(&receiver).await;
    t.customer("one").await;
    let strict = t.another_node().await;
    strict.deliver().await;
    assert_eq!(deliveries(&t, &id).await[0]["error"], "address_refused");
    assert_eq!(receiver.take().len(), 0);
}

/// A name that resolves to a private address is refused when the connection is opened.
#[tokio::test]
async fn name_of_a_private_address_is_refused_at_connection() {
    let receiver = Receiver::start(Manner::Status(200)).await;
    let local = Policy {
        allow_http: true,
        allowed_networks: vec!["127.0.0.0/8".parse().unwrap(), "::1".parse().unwrap()],
        ..Policy::default()
    };
    let url = receiver.url.replace("127.0.0.1", "localhost");
    let target = Target::parse(&url, &local).unwrap();
    let peer = Outbound::new(Policy::default()).peer(target.clone());
    let (headers, body, second) =
        (axum::http::HeaderMap::new(), "{}".into(), Duration::from_secs(5));
    let refused = peer.post(&headers, &body, 10, second).await.unwrap_err();
    assert_eq!(refused, OutboundError::AddressRefused);
    assert_eq!(receiver.take().len(), 0);
    let sent = Outbound::new(local).peer(target).post(&headers, &body, 10, second).await.unwrap();
    assert_eq!((sent.status, sent.body), (200, b"status 200".to_vec()));
}

/// Starts a server that delivers to this machine.
fn serve_locally(place: &Place) -> Program {
    let mut command = place.command(&["serve", "--listen", "127.0.0.1:0"]);
    command.env("UNITPAY_WEBHOOKS_ALLOW_HTTP", "true");
    command.env("UNITPAY_WEBHOOKS_ALLOWED_NETWORKS", "127.0.0.0/8");
    Program::start(command)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_server_sends_the_event_under_way_again() {
    let place = Place::new(Engine::Sqlite).await;
    let mut program = serve_locally(&place);
    let key = place.key();
    let receiver = Receiver::start(Manner::Silent).await;
    program.make(&key, "webhook-endpoints", json!({ "url": receiver.url })).await;
    program.customer(&key, "one").await.expect(201);
    timeout(PATIENCE, receiver.arrival()).await.unwrap();
    let first = receiver.take();
    program.kill();
    receiver.set(Manner::Status(200));
    let _again = serve_locally(&place);
    timeout(PATIENCE, receiver.arrival()).await.unwrap();
    assert_eq!(receiver.take()[0].json(), first[0].json());
}

/// The server is killed while it publishes and delivers, each time after another number of
/// deliveries. Every acknowledged change arrives, with the same event each time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kill_9_loses_no_delivery() {
    const OF_ROUND: usize = 20;
    let place = Place::new(Engine::Sqlite).await;
    let mut program = serve_locally(&place);
    let key = place.key();
    let receiver = Receiver::start(Manner::Status(200)).await;
    program.make(&key, "webhook-endpoints", json!({ "url": receiver.url })).await;
    let (mut made, mut arrived) = (BTreeSet::new(), BTreeMap::<String, Value>::new());
    let until = async |arrived: &mut BTreeMap<String, Value>, enough: usize| {
        loop {
            for got in receiver.take() {
                let event = got.json();
                let customer = event["customerId"].as_str().unwrap().to_owned();
                assert_eq!(arrived.entry(customer).or_insert_with(|| event.clone()), &event);
            }
            if arrived.len() >= enough {
                break;
            }
            timeout(PATIENCE, receiver.arrival()).await.unwrap();
        }
    };
    for round in 0..6 {
        for n in 0..OF_ROUND {
            let created = program.customer(&key, &format!("{round}-{n}")).await.expect(201);
            made.insert(created.text("id"));
        }
        until(&mut arrived, round * (OF_ROUND + 3)).await;
        program.kill();
        program = serve_locally(&place);
    }
    until(&mut arrived, made.len()).await;
    assert_eq!(arrived.into_keys().collect::<BTreeSet<_>>(), made);
}

/// A running `unitpay listen`, killed on drop.
struct Listener {
    child: Child,
    lines: mpsc::Receiver<String>,
}

impl Listener {
    fn start(place: &Place, arguments: &[&str], key: &str) -> Self {
        let mut command = place.command(arguments);
        command.env("UNITPAY_API_KEY", key).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || {
            output.lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
        });
        Self { child, lines }
    }

    fn line(&self) -> String {
        self.lines.recv_timeout(PATIENCE).unwrap()
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `unitpay listen` forwards a server's new events, signed by the secret that it prints.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn listen_command_forwards_signed_events() {
    let place = Place::new(Engine::Sqlite).await;
    let (program, key) = (place.serve(), place.key());
    program.customer(&key, "before").await.expect(201);
    // An event before the command starts is not forwarded, so it has to be published by then.
    let published = async || {
        let list = program.client.call(get("/v1/events").key(&key)).await.expect(200).json();
        !list["data"].as_array().unwrap().is_empty()
    };
    timeout(PATIENCE, async { while !published().await {} }).await.unwrap();
    let receiver = Receiver::start(Manner::Status(200)).await;
    let server = format!("http://{}/v1", program.client.address());
    let arguments = ["listen", "--forward-to", &receiver.url, "--server", &server];
    let listener = Listener::start(&place, &arguments, &key);
    let first = listener.line();
    let secret = first.strip_prefix("The signing secret is ").unwrap();
    assert_eq!(listener.line(), format!("Events are sent to {}", receiver.url));
    program.customer(&key, "after").await.expect(201);
    timeout(PATIENCE, receiver.arrival()).await.unwrap();
    let got = receiver.take();
    assert_eq!((got.len(), got[0].signatures(&[secret])), (1, 1));
    assert_eq!(got[0].json()["data"]["object"]["externalId"], "after");
    let line = listener.line();
    assert!(line.contains("customer.created") && line.ends_with("-> 200"), "{line}");
    // The secret stays the same, and a failing receiver does not end the command.
    drop(listener);
    receiver.set(Manner::Status(500));
    let listener = Listener::start(&place, &arguments, &key);
    assert_eq!(listener.line(), first);
    listener.line();
    for name in ["third", "fourth"] {
        program.customer(&key, name).await.expect(201);
        assert!(listener.line().ends_with("-> 500"));
    }
    drop(listener);
    let mut wrong = place.command(&arguments);
    let said = refused(wrong.env("UNITPAY_API_KEY", "upay_sk_wrong"));
    assert!(said.contains("webhooks:read") && !said.contains("upay_sk_wrong"), "{said}");
}
