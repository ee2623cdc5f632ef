//! The HTTP layer in raw bytes: framing, sizes, waits, and shutdown.
//!
//! Its waits use the monotonic clock, so they are set to one second here and awaited.

use crate::support::{Answer, Engine, Request, Test, get, read_answer};
use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::get as route;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use unitpay::testing::config::Config;
use unitpay::testing::http::listener;
use unitpay::testing::http::request::{Surface, around};

/// Longer than any wait here.
const PATIENCE: Duration = Duration::from_secs(20);

async fn server() -> Test {
    Test::start(Engine::Sqlite).await
}

async fn impatient(change: impl FnOnce(&mut Config)) -> Test {
    Test::start_with(Engine::Sqlite, |config| {
        config.http.drain_seconds = 1;
        change(config);
    })
    .await
}

async fn connect(t: &Test) -> TcpStream {
    TcpStream::connect(t.client.address()).await.unwrap()
}

/// Sends bytes and reads everything until the server closes.
async fn send(t: &Test, bytes: impl AsRef<[u8]>) -> String {
    let mut stream = connect(t).await;
    // The server may refuse and close before it has read everything.
    let _ = stream.write_all(bytes.as_ref()).await;
    until_closed(&mut stream).await
}

async fn until_closed(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let read = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut bytes)).await;
    // Unread bytes may turn the server's close into a reset.
    let _ = read.expect("the server neither answered nor closed");
    String::from_utf8_lossy(&bytes).into_owned()
}

async fn answer(stream: &mut TcpStream) -> (Answer, bool) {
    tokio::time::timeout(PATIENCE, read_answer(stream)).await.unwrap().unwrap()
}

/// Returns the statuses of all responses in a connection's output.
fn statuses(text: &str) -> Vec<&str> {
    text.split("HTTP/1.1 ").skip(1).map(|answer| &answer[..3]).collect()
}

/// A request to a route that checks the framing, the last one on its connection.
fn head(lines: &str) -> String {
    format!("GET /healthz HTTP/1.1\r\nConnection: close\r\n{lines}\r\n")
}

#[tokio::test]
async fn repeated_or_missing_host_is_refused() {
    let t = server().await;
    assert_eq!(statuses(&send(&t, head("Host: a\r\n")).await), ["200"]);
    for wrong in ["", "Host: a\r\nHost: b\r\n", "Host: a\r\nhost: a\r\n"] {
        let answer = send(&t, head(wrong)).await;
        assert_eq!(statuses(&answer), ["400"], "{wrong}");
        assert!(answer.contains("malformed_request"));
    }
}

#[tokio::test]
async fn repeated_credential_header_is_refused() {
    let t = server().await;
    t.customer("one").await;
    let token = t.token("one").await;
    for request in [
        get("/v1/portal-sessions/current").bearer(&token).bearer(&token),
        get("/v1/portal-sessions/current").bearer(&token).bearer("x"),
        get("/v1/customers").key(&t.key).key(&t.key),
        get("/v1/customers/one").bearer(&t.key).bearer(&token),
        get("/healthz").bearer("x").bearer("x"),
    ] {
        t.call(request).await.refused(400, "malformed_request");
    }
}

#[tokio::test]
async fn ambiguous_framing_smuggles_no_request() {
    let t = server().await;
    let body = json!({ "name": "A", "email": "a@example.com" }).to_string();
    let smuggled = format!(
        "POST /v1/customers HTTP/1.1\r\nHost: a\r\nx-api-key: {}\r\nContent-Type: application/json\r\n\
         Connection: close\r\nContent-Length: {}\r\n\r\n{body}",
        t.key,
        body.len()
    );
    let before = t.state().await;
    for lines in [
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        "Content-Length: 5\r\nContent-Length: 6\r\n",
        "Content-Length: 5, 6\r\n",
        "Content-Length: -5\r\n",
        "Content-Length: +5\r\n",
        "Content-Length: 0x5\r\n",
        "Content-Length: 99999999999999999999\r\n",
        "Transfer-Encoding: gzip\r\n",
        "Transfer-Encoding: chunked, gzip\r\n",
        "Transfer-Encoding: xchunked\r\n",
        "Transfer-Encoding : chunked\r\n",
        "Transfer-Encoding: identity\r\nContent-Length: 5\r\n",
    ] {
        for path in ["/healthz", "/v1/portal-sessions/current", "/v1/portal-sessions/revoke", "/no"]
        {
            let first = format!("POST {path} HTTP/1.1\r\nHost: a\r\n{lines}\r\n0\r\n\r\n");
            let answers = send(&t, format!("{first}{smuggled}")).await;
            assert_eq!(statuses(&answers).len(), 1, "{path} {lines}: {answers}");
            assert!(statuses(&answers)[0].starts_with('4'), "{path} {lines}: {answers}");
        }
    }
    assert_eq!(t.state().await, before);
    // The same bytes after a body with one length are a request of their own.
    let plain = "POST /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n0\r\n\r\n";
    let both = send(&t, format!("{plain}{smuggled}")).await;
    assert_eq!(statuses(&both), ["405", "201"]);
}

#[tokio::test]
async fn invalid_http_is_refused_without_body_and_closed() {
    let t = server().await;
    for wrong in [
        head("Host: a\r\nx-long: a\r\n folded\r\n"),
        head("Host: a\r\nx-long: a\r\n\tfolded\r\n"),
        head("Host : a\r\n"),
        head("Host: a\r\nx\r\n"),
        head("Host: a\r\nx: a\0b\r\n"),
        head("Host: a\r\nx: a\rb\r\n"),
        head("Host: a\r\n: a\r\n"),
        head("Host: a\r\nx y: a\r\n"),
        "GET  /healthz HTTP/1.1\r\nHost: a\r\n\r\n".into(),
        "GET /healthz\r\nHost: a\r\n\r\n".into(),
        "GET /healthz HTTP/2.0\r\nHost: a\r\n\r\n".into(),
        "GET /health z HTTP/1.1\r\nHost: a\r\n\r\n".into(),
        "\x16\x03\x01\x02\x00\x01\x00\x01\x7c".into(),
        "G\u{e9}T /healthz HTTP/1.1\r\nHost: a\r\n\r\n".into(),
    ] {
        let answer = send(&t, &wrong).await;
        assert_eq!(statuses(&answer), ["400"], "{wrong:?}: {answer}");
        assert!(answer.ends_with("\r\n\r\n"), "{wrong:?}: {answer}");
    }
    // HTTP/2 is not supported, not even to refuse it.
    assert_eq!(send(&t, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await, "");
}

#[tokio::test]
async fn head_is_refused_above_its_size_limits() {
    let t = server().await;
    let fits = head(&format!("Host: a\r\nx: {}\r\n", "x".repeat(15 * 1024)));
    assert_eq!(statuses(&send(&t, fits).await), ["200"]);
    let large = head(&format!("Host: a\r\nx: {}\r\n", "x".repeat(17 * 1024)));
    assert_eq!(statuses(&send(&t, large).await), ["431"]);
    let path = format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "x".repeat(17 * 1024));
    let refused = send(&t, path).await;
    assert!(["414", "431"].contains(&statuses(&refused)[0]), "{refused}");
    // Host and Connection are two of the 64.
    let lines = |count: usize| format!("Host: a\r\n{}", "x: y\r\n".repeat(count - 2));
    assert_eq!(statuses(&send(&t, head(&lines(64))).await), ["200"]);
    assert_eq!(statuses(&send(&t, head(&lines(65))).await), ["431"]);
}

#[tokio::test]
async fn slow_head_and_idle_connection_are_closed() {
    let t = impatient(|config| config.http.header_timeout_seconds = 1).await;
    let mut slow = Vec::new();
    for _ in 0..50 {
        let mut stream = connect(&t).await;
        stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: a\r\nx: ").await.unwrap();
        slow.push(stream);
    }
    let mut silent = connect(&t).await;
    let mut idle = connect(&t).await;
    idle.write_all(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    assert_eq!(answer(&mut idle).await.0.status, 200);
    t.call(get("/healthz")).await.expect(200);
    for stream in slow.iter_mut().chain([&mut silent, &mut idle]) {
        assert_eq!(until_closed(stream).await, "");
    }
}

#[tokio::test]
async fn slow_body_gets_408_and_changes_nothing() {
    let t = impatient(|config| config.http.body_timeout_seconds = 1).await;
    let before = t.state().await;
    let bytes = begun_creation(&t, "");
    let answer = send(&t, bytes).await;
    assert_eq!(statuses(&answer), ["408"]);
    assert!(answer.contains("\"request_timeout\"") && answer.contains("x-request-id"), "{answer}");
    assert_eq!(t.state().await, before);
}

#[tokio::test]
async fn request_over_its_time_limit_gets_503() {
    let t = impatient(|config| config.http.request_timeout_seconds = 1).await;
    let before = t.state().await;
    let answer = send(&t, begun_creation(&t, "")).await;
    assert_eq!(statuses(&answer), ["503"]);
    assert!(answer.contains("\"unavailable\"") && answer.contains("retry-after: 1"), "{answer}");
    assert_eq!(t.state().await, before);
}

#[tokio::test]
async fn client_that_reads_nothing_is_disconnected() {
    let t = impatient(|config| {
        config.http.request_timeout_seconds = 1;
        config.http.max_connections = 1;
    })
    .await;
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let mut deaf = socket.connect(t.client.address()).await.unwrap();
    // More than all buffers on the path hold.
    let request = "GET /openapi.json HTTP/1.1\r\nHost: a\r\n\r\n";
    deaf.write_all(request.repeat(200).as_bytes()).await.unwrap();
    // There is room for one connection, so another is served once that one is closed.
    let served = tokio::time::timeout(PATIENCE, t.call(get("/healthz"))).await;
    served.expect("its place was kept").expect(200);
    let answer = until_closed(&mut deaf).await;
    assert!(statuses(&answer).len() < 200);
}

#[tokio::test]
async fn client_that_reads_slowly_is_disconnected() {
    let t = impatient(|config| config.http.response_timeout_seconds = 1).await;
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let mut slow = socket.connect(t.client.address()).await.unwrap();
    // A few answers fill all buffers on the path.
    let request = "GET /openapi.json HTTP/1.1\r\nHost: a\r\n\r\n";
    slow.write_all(request.repeat(200).as_bytes()).await.unwrap();
    // Reads steadily, a few bytes for each answer that another client gets, so that it never looks
    // dead.
    let (mut buffer, started) = ([0; 16], std::time::Instant::now());
    let ended = async {
        while slow.read(&mut buffer).await.is_ok_and(|read| read > 0) {
            t.call(get("/healthz")).await.expect(200);
            if started.elapsed() > Duration::from_secs(3) {
                break;
            }
        }
        until_closed(&mut slow).await
    };
    let answer = tokio::time::timeout(PATIENCE, ended).await.expect("it was not disconnected");
    assert!(statuses(&answer).len() < 200);
}

#[tokio::test]
async fn truncated_body_changes_nothing() {
    let t = server().await;
    let before = t.state().await;
    let mut stream = connect(&t).await;
    stream.write_all(begun_creation(&t, "").as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    let answer = until_closed(&mut stream).await;
    assert!(answer.is_empty() || statuses(&answer) == ["400"], "{answer}");
    assert_eq!(t.state().await, before);
}

#[tokio::test]
async fn connection_over_the_cap_waits() {
    let t = impatient(|config| config.http.max_connections = 2).await;
    let request = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n";
    let mut open = Vec::new();
    for _ in 0..2 {
        let mut stream = connect(&t).await;
        stream.write_all(request).await.unwrap();
        assert_eq!(answer(&mut stream).await.0.status, 200);
        open.push(stream);
    }
    let mut third = connect(&t).await;
    third.write_all(request).await.unwrap();
    let waiting = tokio::spawn(async move { answer(&mut third).await.0.status });
    // Open connections are still served.
    for n in 0..20 {
        let stream = &mut open[n % 2];
        stream.write_all(request).await.unwrap();
        assert_eq!(answer(stream).await.0.status, 200);
    }
    assert!(!waiting.is_finished());
    drop(open.pop());
    assert_eq!(waiting.await.unwrap(), 200);
}

#[tokio::test]
async fn http_1_0_pipelining_and_head_are_served() {
    let t = server().await;
    let old = send(&t, "GET /healthz HTTP/1.0\r\nHost: a\r\n\r\n").await;
    assert!(old.starts_with("HTTP/1.0 200 ") && old.ends_with("{\"status\":\"ok\"}"), "{old}");
    let two = "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\nGET /no HTTP/1.1\r\nHost: a\r\n\r\n";
    let pipelined = send(&t, format!("{two}{}", head("Host: a\r\n"))).await;
    assert_eq!(statuses(&pipelined), ["200", "404", "200"]);
    for (path, status) in [("/healthz", "200"), ("/no", "404"), ("/v1/customers", "401")] {
        let asked = format!("HEAD {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        let answer = send(&t, asked).await;
        assert_eq!(statuses(&answer), [status]);
        assert!(answer.ends_with("\r\n\r\n") && answer.contains("content-length: "), "{answer}");
        assert!(!answer.contains("content-length: 0"));
    }
    let absolute =
        "GET http://elsewhere.example/healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    assert_eq!(statuses(&send(&t, absolute).await), ["200"]);
}

#[tokio::test]
async fn path_variants_do_not_bypass_checks() {
    let t = server().await;
    t.customer("one").await;
    let token = t.token("one").await;
    for path in [
        "/",
        "/v1",
        "/v1/",
        "/V1/customers",
        "/v1/Customers",
        "/v1/customers/",
        "//v1/customers",
        "/v1//customers",
        "/v1/./customers",
        "/v1/x/../customers",
        "/v1/%63ustomers",
        "/v1%2fcustomers",
        "/v1/customers;x",
        "/v1/customers%3Fa",
        "/v1/customers%00",
        "/v1/customers/one/",
        "/v1/customers/one/archive/",
        "/v1/api-keys/x",
        "/v1/portal-sessions/current/",
        "/v1/portal-sessions/current/x",
        "/metrics",
        "/admin",
        "/.well-known",
        "/openapi.json/",
    ] {
        let refused = t.call(get(path).key(&t.key)).await;
        assert_eq!(refused.status, 404, "{path}");
        let refused = refused.refused(404, "not_found");
        assert!(!String::from_utf8_lossy(&refused.body).contains(path) || path == "/");
    }
    for path in ["/v1/portal-sessions/%63urrent", "/v1/portal-sessions/CURRENT"] {
        t.call(get(path).bearer(&token)).await.refused(401, "invalid_api_key");
        t.call(get(path).key(&t.key)).await.refused(404, "not_found");
    }
    let named = "/v1/customers/%2e%2e%2Fapi-keys";
    t.call(get(named).key(&t.key)).await.refused(404, "customer_not_found");
    let nameless = Request::new("POST", "/v1/customers//archive");
    t.call(nameless.key(&t.key)).await.refused(404, "customer_not_found");
}

#[tokio::test]
async fn wrong_method_gets_405_with_allow() {
    let t = server().await;
    for (method, path, allowed) in [
        ("DELETE", "/v1/customers", "GET,HEAD,POST"),
        ("PUT", "/v1/portal-sessions/current", "DELETE,GET,HEAD"),
        ("GET", "/v1/portal-sessions/refresh", "POST"),
        ("GET", "/v1/portal-sessions/revoke", "POST"),
        ("POST", "/healthz", "GET,HEAD"),
        ("TRACE", "/healthz", "GET,HEAD"),
        ("PURGE", "/healthz", "GET,HEAD"),
        ("get", "/healthz", "GET,HEAD"),
    ] {
        let refused = t.call(Request::new(method, path).key(&t.key)).await;
        let refused = refused.refused(405, "method_not_allowed");
        let mut methods: Vec<&str> = refused.header("allow").unwrap().split(',').collect();
        methods.sort_unstable();
        assert_eq!(methods.join(","), allowed, "{method} {path}");
    }
    for target in ["OPTIONS * HTTP/1.1", "CONNECT a:443 HTTP/1.1"] {
        let answer = send(&t, format!("{target}\r\nHost: a\r\nConnection: close\r\n\r\n")).await;
        assert!(statuses(&answer)[0].starts_with('4'), "{target}: {answer}");
    }
}

#[tokio::test]
async fn every_response_has_request_id_no_store_and_nosniff() {
    let t = server().await;
    for path in ["/healthz", "/v1/customers", "/no"] {
        let answer = t.call(get(path)).await;
        assert!(answer.header("x-request-id").unwrap().starts_with("req_"));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    }
    let jwks = t.call(get("/.well-known/jwks.json")).await.expect(200);
    assert_eq!(jwks.header("cache-control"), Some("public, max-age=300"));
    // Ids and origins from the caller are not trusted.
    let named = t.call(get("/healthz").header("x-request-id", "mine")).await;
    assert_ne!(named.header("x-request-id"), Some("mine"));
    assert_eq!(
        t.call(get("/v1/customers")).await.header("www-authenticate"),
        Some("Bearer realm=\"unitpay\"")
    );
}

#[tokio::test]
async fn stopping_server_finishes_open_requests() {
    let t = impatient(|config| config.http.drain_seconds = 20).await;
    let body = json!({ "name": "A", "email": "a@example.com" }).to_string();
    let mut idle = connect(&t).await;
    idle.write_all(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    answer(&mut idle).await;
    let mut under_way = connect(&t).await;
    let begun = begun_creation(&t, "Expect: 100-continue\r\n");
    let (head, start) = begun.split_at(begun.find("\r\n\r\n").unwrap() + 4);
    under_way.write_all(head.as_bytes()).await.unwrap();
    // The server logs this when it begins to read the body: the request is in progress.
    let mut go_on = [0; 25];
    under_way.read_exact(&mut go_on).await.unwrap();
    assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n");
    t.stop();
    assert_eq!(until_closed(&mut idle).await, "");
    while TcpStream::connect(t.client.address()).await.is_ok() {
        tokio::task::yield_now().await;
    }
    under_way.write_all(start.as_bytes()).await.unwrap();
    under_way.write_all(&body.as_bytes()[start.len()..]).await.unwrap();
    let (made, closes) = answer(&mut under_way).await;
    assert_eq!(made.expect(201).json()["name"], "A");
    assert!(closes);
    assert_eq!(until_closed(&mut under_way).await, "");
}

#[tokio::test]
async fn stopping_server_waits_at_most_its_drain_time() {
    let t = impatient(|_| {}).await;
    let mut stuck = connect(&t).await;
    stuck.write_all(begun_creation(&t, "Expect: 100-continue\r\n").as_bytes()).await.unwrap();
    stuck.read_exact(&mut [0; 25]).await.unwrap();
    t.stop();
    assert_eq!(until_closed(&mut stuck).await, "");
}

#[tokio::test]
async fn panicking_handler_returns_a_problem() {
    let t = server().await;
    let state = (Arc::clone(&t.app), Surface::Backend);
    let router = Router::new()
        .route("/panic", route(|| async { panic!("on purpose") as () }))
        .layer(from_fn_with_state(state, around));
    let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = crate::support::Client::new(socket.local_addr().unwrap());
    let (stop, stopping) = tokio::sync::watch::channel(false);
    let http = t.app.config.http.clone();
    let serving =
        tokio::spawn(async move { listener::serve(socket, router, &http, stopping).await });
    let answer = client.call(get("/panic")).await.refused(500, "internal");
    assert!(!String::from_utf8_lossy(&answer.body).contains("on purpose"));
    client.call(get("/panic")).await.refused(500, "internal");
    stop.send(true).unwrap();
    serving.await.unwrap();
}

/// The head of a request that would create a customer, and the first bytes of its body.
fn begun_creation(t: &Test, lines: &str) -> String {
    let body = json!({ "name": "A", "email": "a@example.com" }).to_string();
    let (key, length) = (&t.key, body.len());
    format!(
        "POST /v1/customers HTTP/1.1\r\nHost: a\r\nx-api-key: {key}\r\nContent-Type: application/json\r\n\
         {lines}Content-Length: {length}\r\n\r\n{}",
        &body[..5]
    )
}
