//! The hosted page's files and headers, and the first data that it requests.

use crate::on_both_stores;
use crate::support::{Answer, Engine, Request, Test, get, post};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
     connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'self'; \
     frame-ancestors 'none'";

async fn server() -> Test {
    Test::start(Engine::Sqlite).await
}

fn text(answer: &Answer) -> String {
    String::from_utf8(answer.body.clone()).unwrap()
}

/// Returns the paths of the page's assets, as it writes them.
async fn assets(t: &Test) -> Vec<String> {
    let page = text(&t.call(get("/portal")).await.expect(200));
    let found: Vec<String> =
        page.split('"').filter(|part| part.starts_with("/portal/")).map(str::to_owned).collect();
    assert!(found.len() >= 3, "{page}");
    found
}

#[tokio::test]
async fn page_has_a_strict_csp_that_it_satisfies() {
    let t = server().await;
    let page = t.call(get("/portal")).await.expect(200);
    for (name, value) in [
        ("content-type", "text/html; charset=utf-8"),
        ("content-security-policy", POLICY),
        ("referrer-policy", "no-referrer"),
        ("x-content-type-options", "nosniff"),
        ("cache-control", "no-cache"),
        ("vary", "Accept-Encoding"),
    ] {
        assert_eq!(page.header(name), Some(value), "{name}");
    }
    assert!(page.header("x-request-id").is_some());
    assert_eq!(page.header("access-control-allow-origin"), None);
    let html = text(&page);
    assert!(!html.contains(" style=") && !html.contains("<style") && !html.contains(" on"));
    for script in html.split("<script").skip(1) {
        let (attributes, rest) = script.split_once('>').unwrap();
        assert!(attributes.contains(" src=\"/portal/assets/"), "{attributes}");
        assert!(rest.starts_with("</script>"));
    }
}

#[tokio::test]
async fn assets_have_their_type_and_are_immutable() {
    let t = server().await;
    for path in assets(&t).await {
        let asset = t.call(get(&path)).await.expect(200);
        let media_type = if path.ends_with(".css") { "text/css" } else { "text/javascript" };
        assert_eq!(asset.header("content-type"), Some(&*format!("{media_type}; charset=utf-8")));
        assert_eq!(asset.header("cache-control"), Some("public, max-age=31536000, immutable"));
        assert_eq!(asset.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(asset.header("content-security-policy"), Some(POLICY));
        assert_eq!(asset.header("content-encoding"), None);
        assert!(!asset.body.is_empty());
    }
}

#[tokio::test]
async fn page_is_compressed_when_accepted() {
    let t = server().await;
    let path = assets(&t).await.into_iter().find(|path| path.contains("/main-")).unwrap();
    let with = async |accepts: &str| t.call(get(&path).header("accept-encoding", accepts)).await;
    let plain = t.call(get(&path)).await.expect(200);
    for accepts in ["gzip", "br, GZIP;q=0.5", "deflate,gzip"] {
        let compressed = with(accepts).await.expect(200);
        assert_eq!(compressed.header("content-encoding"), Some("gzip"), "{accepts}");
        assert!(compressed.body.starts_with(&[0x1f, 0x8b]));
        assert!(compressed.body.len() * 2 < plain.body.len());
    }
    for accepts in ["", "br", "gzip;q=0", "gzip; q=0.000", "gzipped"] {
        let same = with(accepts).await.expect(200);
        assert_eq!(same.header("content-encoding"), None, "{accepts}");
        assert_eq!(same.body, plain.body);
    }
}

#[tokio::test]
async fn page_refuses_other_methods_and_names() {
    let t = server().await;
    let asset = assets(&t).await.remove(0);
    for path in ["/portal", &*asset] {
        for method in ["POST", "PUT", "DELETE", "OPTIONS"] {
            let refused = t.call(Request::new(method, path)).await;
            let refused = refused.refused(405, "method_not_allowed");
            assert_eq!(refused.header("allow"), Some("GET,HEAD"), "{method}");
        }
    }
    for path in [
        "/portal/index.html",
        "/portal/assets",
        "/portal/assets/",
        "/portal/assets/index.html",
        "/portal/assets/main.js",
        "/portal/assets/../index.html",
        "/portal/assets/..%2Findex.html",
        "/portal/assets/%2e%2e%2findex.html",
        "/portal/assets/..%2f..%2f..%2fetc%2fpasswd",
        "/portal/assets/..\\index.html",
        "/Portal",
        &*asset.to_uppercase(),
    ] {
        t.call(get(path)).await.refused(404, "not_found");
    }
}

#[tokio::test]
async fn head_returns_the_headers_of_get() {
    let t = server().await;
    for path in ["/portal".to_owned(), assets(&t).await.remove(0)] {
        let length = t.call(get(&path)).await.expect(200).body.len();
        let mut stream = TcpStream::connect(t.client.address()).await.unwrap();
        let head = format!("HEAD {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("\r\n\r\n"), "{answer}");
        assert!(answer.contains(&format!("content-length: {length}\r\n")), "{answer}");
    }
}

on_both_stores! {
    async fn first_data_holds_what_scopes_allow_and_hooks_request(t) {
        let id = t.customer("cus_123").await;
        let of_customer = |rest: &str| format!("/customers/{id}{rest}");
        let keys = async |session: serde_json::Value| {
            let token = t.mint(session).await.expect(201).text("token");
            let path = "/v1/portal-sessions/current?include=initialData";
            let current = t.call(get(path).bearer(&token)).await.expect(200).json();
            let data = current["initialData"].as_object().unwrap().clone();
            for (path, answer) in &data {
                let asked = t.call(get(format!("/v1{path}")).bearer(&token)).await.expect(200);
                assert_eq!(*answer, asked.json(), "{path}");
            }
            let mut keys: Vec<String> = data.keys().cloned().collect();
            keys.sort();
            keys
        };
        let now = t.app.clock.now();
        let day = |days| now.plus_days(days).to_string()[..10].to_owned();
        let mut all = vec![
            "/billable-metrics?limit=100".to_owned(),
            "/branding".to_owned(),
            "/credit-accounts?limit=100".to_owned(),
            "/credit-currencies?limit=100".to_owned(),
            of_customer(""),
            of_customer("/entitlements"),
            of_customer("/payment-methods?limit=100"),
            "/features?limit=100".to_owned(),
            "/invoices".to_owned(),
            "/plans?limit=100".to_owned(),
            "/portal-sessions/current".to_owned(),
            "/subscriptions?limit=100".to_owned(),
            format!("/usage/aggregate?from={}&to={}", day(-29), day(0)),
        ];
        all.sort();
        assert_eq!(keys(json!({ "customerId": id })).await, all);
        let few = json!({ "customerId": id, "scopes": ["invoices:read"] });
        assert_eq!(keys(few).await, ["/branding", "/invoices", "/portal-sessions/current"]);
    }

    async fn first_data_omits_what_exceeds_its_size(t) {
        t.customer("cus_123").await;
        let product = json!({ "slug": "p", "name": "P" });
        let product = t.call(post("/v1/products", &product).key(&t.key)).await.expect(201).text("id");
        for number in 0..100 {
            let plan = json!({ "productId": product, "slug": format!("plan-{number}"), "name": "P",
                "description": "d".repeat(400), "tier": 0, "billingInterval": "month",
                "currency": "USD", "status": "active", "isPublic": true, "charges": [] });
            t.call(post("/v1/plans", &plan).key(&t.key)).await.expect(201);
        }
        let token = t.token("cus_123").await;
        let all = t.call(get("/v1/plans?limit=100").bearer(&token)).await.expect(200);
        assert!(all.body.len() > 64 * 1024, "{}", all.body.len());
        let path = "/v1/portal-sessions/current?include=initialData";
        let current = t.call(get(path).bearer(&token)).await.expect(200).json();
        let data = current["initialData"].as_object().unwrap();
        assert!(!data.contains_key("/plans?limit=100") && data.contains_key("/invoices"));
        assert!(current["initialData"].to_string().len() <= 64 * 1024);
    }
}

#[tokio::test]
async fn page_is_at_its_path_with_a_slash_too() {
    let t = server().await;
    assert_eq!(t.call(get("/portal/")).await.expect(200).body, t.call(get("/portal")).await.body);
}

/// A public URL with a path: behind a proxy that passes the path on, and behind one that strips it.
#[tokio::test]
async fn public_url_with_a_path_works_with_and_without_the_prefix() {
    let first = server().await;
    let clock = unitpay::testing::base::Clock::manual(first.app.clock.now());
    let t = first.another_node_with(clock, "https://x.test/billing").await;
    t.customer("c").await;
    for prefix in ["/billing", ""] {
        let page = t.call(get(format!("{prefix}/portal"))).await.expect(200);
        assert_eq!(page.header("content-security-policy"), Some(POLICY));
        let html = text(&page);
        let assets: Vec<&str> =
            html.split('"').filter(|part| part.contains("/portal/assets/")).collect();
        assert!(assets.len() >= 3, "{html}");
        for asset in assets {
            let path = asset.strip_prefix("/billing").expect(asset);
            t.call(get(format!("{prefix}{path}"))).await.expect(200);
        }
        let minted = t.mint(json!({ "customerId": "c" })).await.expect(201);
        assert_eq!(crate::support::claims(&minted.text("token"))["iss"], "https://x.test/billing");
        let url = minted.text("url");
        let code = url.strip_prefix("https://x.test/billing/portal#").unwrap();
        let exchange = |origin: &str| {
            let path = format!("{prefix}/v1/portal-sessions/exchange");
            post(path, &json!({ "code": code })).header("origin", origin)
        };
        t.call(exchange("https://y.test")).await.refused(403, "origin_not_allowed");
        let opened = t.call(exchange("https://x.test")).await.expect(200);
        let cookie = opened.header("set-cookie").unwrap();
        assert!(cookie.contains("; Path=/billing/v1/portal-sessions/exchange;"), "{cookie}");
        let current = get(format!("{prefix}/v1/portal-sessions/current?include=initialData"))
            .bearer(&opened.text("token"))
            .header("origin", "https://x.test");
        t.call(current).await.expect(200);
        let keys = t.call(get(format!("{prefix}/.well-known/jwks.json"))).await.expect(200).json();
        assert!(!keys["keys"].as_array().unwrap().is_empty());
        let invoice = t.bill("c", 1_000).await;
        let pdf = t.invoice(&invoice).await["pdfUrl"].as_str().unwrap().to_owned();
        let path = pdf.strip_prefix("https://x.test/billing").unwrap();
        t.call(get(format!("{prefix}{path}")).key(&t.key)).await.expect(200);
    }
    for path in ["/billings/portal", "/billing", "/other/portal"] {
        t.call(get(path)).await.expect(404);
    }
}
