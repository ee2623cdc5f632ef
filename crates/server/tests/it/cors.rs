//! CORS on browser routes and on no others; allowed origins of a session.

use crate::on_both_stores;
use crate::support::{Answer, Engine, Request, Test, get, patch, post};
use serde_json::{Value, json};
use unitpay::testing::db::Db;

const PAGE: &str = "https://app.example.com";

/// Returns the described methods and paths that a browser may call, or all others. A browser may
/// call a route if a credential of its own opens it.
fn routes(browser: bool) -> Vec<(String, String)> {
    let whole = serde_json::to_value(unitpay::testing::routes::openapi()).unwrap();
    let opens = |operation: &Value| {
        let paths = operation["security"].as_array().into_iter().flatten();
        let mut names = paths.flat_map(|path| path.as_object().unwrap().keys());
        names.any(|name| name == "portalToken" || name == "publishableKey")
    };
    let mut found = Vec::new();
    for (path, item) in whole["paths"].as_object().unwrap() {
        let operations = item.as_object().unwrap();
        let of_browser = operations.values().any(opens);
        // Any name works, because missing objects look alike to every caller.
        let parts = path.split('/').map(|part| if part.starts_with('{') { "x" } else { part });
        let path = parts.collect::<Vec<_>>().join("/");
        for (method, operation) in operations {
            if of_browser == browser && opens(operation) == browser {
                found.push((method.to_uppercase(), path.clone()));
            }
        }
    }
    assert!(found.len() > 20, "{found:?}");
    found
}

on_both_stores! {
    async fn preflight_is_answered_without_credential(t) {
        // A store that does not respond is not queried.
        t.app.db.close();
        for (method, path) in &routes(true) {
            let preflight = Request::new("OPTIONS", path)
                .header("origin", PAGE)
                .header("access-control-request-method", method)
                .header("access-control-request-headers", "authorization,content-type");
            let answer = with_cors(t.call(preflight).await.expect(204));
            assert!(answer.body.is_empty());
        }
    }
}

#[tokio::test]
async fn browser_route_sends_cors_headers_on_errors_too() {
    let t = Test::start_with(Engine::Sqlite, |config| {
        config.limits.portal_session_per_second = 1;
        config.limits.portal_session_burst = 1;
    })
    .await;
    t.customer("one").await;
    let token = t.token("one").await;
    with_cors(t.read(&token).await.expect(200));
    with_cors(t.read(&token).await.refused(429, "rate_limited"));
    let fresh = async || t.token("one").await;
    for (method, path) in &routes(true) {
        with_cors(t.call(Request::new(method, path)).await.refused(401, "missing_credentials"));
        let garbage = Request::new(method, path).bearer("garbage").header("origin", PAGE);
        with_cors(t.call(garbage).await.refused(401, "invalid_token"));
    }
    let missing = get("/v1/customers/missing").bearer(&fresh().await);
    with_cors(t.call(missing).await.refused(404, "customer_not_found"));
    let put = Request::new("PUT", "/v1/customers/one");
    let put = with_cors(t.call(put).await.refused(405, "method_not_allowed"));
    assert_eq!(put.header("allow"), Some("GET,HEAD,PATCH"));
    let large = patch("/v1/customers/one", &json!({ "name": "n".repeat(65_536) }));
    with_cors(t.call(large.bearer(&fresh().await)).await.refused(413, "payload_too_large"));
    let text = patch("/v1/customers/one", &json!({ "name": null })).bearer(&fresh().await);
    with_cors(t.call(text).await.refused(422, "validation_failed"));
    let key = get("/v1/customers/one").key(&t.key).header("origin", PAGE);
    with_cors(t.call(key).await.refused(403, "secret_key_in_browser"));
    let rename = patch("/v1/customers/one", &json!({ "name": "B" })).bearer(&fresh().await);
    let Db::Sqlite(store) = &t.app.db else { unreachable!() };
    store.close();
    with_cors(t.call(rename).await.refused(503, "unavailable"));
}

#[tokio::test]
async fn backend_route_sends_no_cors_headers() {
    let t = Test::start(Engine::Sqlite).await;
    t.customer("one").await;
    let unknown = ("GET".to_owned(), "/v1/no-such-route".to_owned());
    for (method, path) in routes(false).iter().chain([&unknown]) {
        let preflight = Request::new("OPTIONS", path)
            .header("origin", PAGE)
            .header("access-control-request-method", method);
        let answer = without_cors(t.call(preflight).await);
        assert!([404, 405].contains(&answer.status), "{path}");
        let with_key = Request::new(method, path).key(&t.key);
        without_cors(t.call(with_key.clone().header("origin", PAGE)).await);
        without_cors(t.call(with_key).await);
        without_cors(t.call(Request::new(method, path).header("origin", PAGE)).await);
        let token = Request::new(method, path).bearer("x.y.z").header("origin", PAGE);
        without_cors(t.call(token).await);
    }
    for public in ["/healthz", "/readyz", "/openapi.json", "/.well-known/jwks.json"] {
        without_cors(t.call(get(public).header("origin", PAGE)).await.expect(200));
    }
    without_cors(
        t.call(Request::new("PUT", "/v1/customers")).await.refused(405, "method_not_allowed"),
    );
}

on_both_stores! {
    async fn session_is_accepted_from_allowed_and_own_origins(t) {
        t.customer("one").await;
        let origins = ["https://app.example.com", "http://localhost:3000", "https://[::1]:8443"];
        let body = json!({ "customerId": "one", "allowedOrigins": origins });
        let token = t.mint(body).await.expect(201).text("token");
        let from = |origin: &str| t.call(get("/v1/portal-sessions/current").bearer(&token).header("origin", origin));
        for allowed in origins.into_iter().chain([t.app.issuer.as_str()]) {
            with_cors(from(allowed).await.expect(200));
        }
        t.read(&token).await.expect(200);
        for refused in [
            "null", "", "https://app.example.com:443", "https://app.example.com/", "http://app.example.com",
            "https://APP.example.com", "https://app.example.com.", "https://evil.example.com", "https://app.example.com.evil.example",
            "https://xapp.example.com", "https://sub.app.example.com", "http://localhost", "http://localhost:30000",
            "https://app.example.com, http://localhost:3000", "https://app.example.com http://localhost:3000", "é",
        ] {
            with_cors(from(refused).await.refused(403, "origin_not_allowed"));
        }
        let twice = get("/v1/portal-sessions/current").bearer(&token).header("origin", PAGE).header("origin", PAGE);
        t.call(twice).await.refused(403, "origin_not_allowed");
        // A request that is refused for its origin has no effect.
        let before = t.state().await;
        let evil = |request: Request| t.call(request.bearer(&token).header("origin", "https://evil.example"));
        evil(Request::new("DELETE", "/v1/portal-sessions/current")).await.refused(403, "origin_not_allowed");
        evil(patch("/v1/customers/one", &json!({ "name": "X" }))).await.refused(403, "origin_not_allowed");
        evil(Request::new("POST", "/v1/portal-sessions/refresh")).await.refused(403, "origin_not_allowed");
        assert_eq!(t.state().await, before);
        t.read(&token).await.expect(200);
    }

    async fn any_origin_but_null_is_accepted_without_allowed_origins(t) {
        t.customer("one").await;
        for body in [json!({ "customerId": "one" }), json!({ "customerId": "one", "allowedOrigins": [] })] {
            let token = t.mint(body).await.expect(201).text("token");
            let from = |origin: &str| t.call(get("/v1/portal-sessions/current").bearer(&token).header("origin", origin));
            from("https://any.example").await.expect(200);
            from("null").await.refused(403, "origin_not_allowed");
        }
    }

    async fn allowed_origin_is_refused_unless_serialized_as_browsers_do(t) {
        t.customer("one").await;
        let before = t.state().await;
        for wrong in [
            json!(["https://app.example.com/"]), json!(["https://app.example.com/path"]), json!(["https://App.example.com"]),
            json!(["HTTPS://app.example.com"]), json!(["https://app.example.com:443"]), json!(["http://app.example.com:80"]),
            json!(["app.example.com"]), json!(["https://"]), json!(["null"]), json!(["*"]), json!(["https://*.example.com"]),
            json!(["ftp://app.example.com"]), json!(["https://user@app.example.com"]), json!(["https://app.example.com?x"]),
            json!(["https://app.example.com#x"]), json!(["https://é.example"]), json!(["https://a b.example"]),
            json!(["https://app.example.com:"]), json!(["https://app.example.com:99999"]), json!(["https://app.example.com:x"]), json!(["https://:8443"]),
            json!([""]), json!([null]), json!([1]), json!("https://app.example.com"), json!(null), json!({}),
            json!(vec!["https://app.example.com"; 11]), json!([PAGE, "x"]), json!(["https://app.example.com:0443"]),
        ] {
            let refused = t.mint(json!({ "customerId": "one", "allowedOrigins": wrong })).await;
            let refused = refused.refused(422, "validation_failed").json();
            assert_eq!(refused["errors"][0]["param"], "allowedOrigins", "{wrong}");
        }
        assert_eq!(t.state().await, before);
        let most: Vec<Value> = (0..10).map(|n| json!(format!("https://a{n}.example:8443"))).collect();
        let sid = t.mint(json!({ "customerId": "one", "allowedOrigins": most })).await.expect(201).text("jti");
        let read = t.call(get(format!("/v1/portal-sessions/{sid}")).key(&t.key)).await;
        assert_eq!(read.json()["allowedOrigins"], json!(most));
        // An origin on the default port of the other scheme includes its port.
        for port in ["https://app.example.com:80", "http://app.example.com:443"] {
            t.mint(json!({ "customerId": "one", "allowedOrigins": [port] })).await.expect(201);
        }
        t.call(post("/v1/portal-sessions/introspect", &json!({ "token": "x" })).key(&t.key)).await.expect(200);
    }
}

const ALLOWED_HEADERS: &str = "Authorization, Content-Type, Idempotency-Key, X-Api-Key, baggage, \
     traceparent, tracestate, sentry-trace, b3, x-b3-traceid, x-b3-spanid, x-b3-parentspanid, \
     x-b3-sampled, x-b3-flags, x-datadog-origin, x-datadog-parent-id, \
     x-datadog-sampling-priority, x-datadog-trace-id, x-datadog-tags";

#[track_caller]
fn with_cors(answer: Answer) -> Answer {
    for (name, value) in [
        ("access-control-allow-origin", "*"),
        ("access-control-allow-headers", ALLOWED_HEADERS),
        ("access-control-max-age", "7200"),
        (
            "access-control-expose-headers",
            "Date, Retry-After, X-Request-Id, RateLimit, RateLimit-Policy",
        ),
    ] {
        assert_eq!(answer.header(name), Some(value), "{answer:?}");
    }
    let methods = answer.header("access-control-allow-methods").unwrap();
    for method in ["GET", "POST", "PATCH", "DELETE"] {
        assert!(methods.split(", ").any(|known| known == method), "{methods}");
    }
    assert_eq!(answer.header("access-control-allow-credentials"), None);
    assert!(answer.header("x-request-id").is_some());
    answer
}

#[track_caller]
fn without_cors(answer: Answer) -> Answer {
    let found = answer.headers.iter().find(|(name, _)| name.starts_with("access-control-"));
    assert_eq!(found, None, "{answer:?}");
    answer
}

/// Tracing libraries add headers to every fetch of a page.
#[tokio::test]
async fn preflight_allows_the_headers_of_tracing_libraries() {
    let t = Test::start(Engine::Sqlite).await;
    let preflight = Request::new("OPTIONS", "/v1/portal-sessions/current").header("origin", PAGE);
    let answer = t.call(preflight).await.expect(204);
    let allowed = answer.header("access-control-allow-headers").unwrap().to_lowercase();
    let allowed: Vec<&str> = allowed.split(',').map(str::trim).collect();
    for header in [
        "authorization",
        "baggage",
        "traceparent",
        "tracestate",
        "sentry-trace",
        "x-datadog-origin",
        "x-datadog-parent-id",
        "x-datadog-sampling-priority",
        "x-datadog-trace-id",
        "b3",
        "x-b3-traceid",
        "x-b3-spanid",
        "x-b3-parentspanid",
        "x-b3-sampled",
        "x-b3-flags",
    ] {
        assert!(allowed.contains(&header), "{header}");
    }
    t.customer("c").await;
    let token = t.token("c").await;
    let traced = get("/v1/portal-sessions/current").bearer(&token).header("traceparent", "x");
    t.call(traced.header("baggage", "a=b")).await.expect(200);
}
