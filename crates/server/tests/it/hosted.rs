//! The link to the hosted page: minted with a session, opened once, reopened with its cookie.

use crate::on_both_stores;
use crate::support::{Answer, Request, Test, get, post};
use futures_util::future::join_all;
use serde_json::{Value, json};

const EXCHANGE: &str = "/v1/portal-sessions/exchange";
const ISSUER: &str = "https://billing.example.com";

fn code_of(minted: &Answer) -> String {
    let url = minted.text("url");
    url.strip_prefix(&format!("{ISSUER}/portal#")).unwrap_or_else(|| panic!("{url}")).to_owned()
}

fn exchange(body: &Value) -> Request {
    post(EXCHANGE, body).header("origin", ISSUER).header("sec-fetch-site", "same-origin")
}

async fn open(t: &Test, code: &str) -> Answer {
    t.client.call(exchange(&json!({ "code": code }))).await
}

fn unzipped(answer: &Answer) -> Value {
    assert_eq!(answer.header("content-encoding"), Some("gzip"));
    serde_json::from_reader(flate2::read::GzDecoder::new(&*answer.body)).unwrap()
}

fn cookie(answer: &Answer) -> String {
    answer.header("set-cookie").unwrap().split(';').next().unwrap().to_owned()
}

on_both_stores! {
    async fn link_opens_its_session_once(t) {
        let id = t.customer("cus_123").await;
        let minted = t.mint(json!({ "customerId": "cus_123", "ttlSeconds": 600 })).await.expect(201);
        let code = code_of(&minted);
        let opened = open(&t, &code).await.expect(200);
        assert_eq!(opened.text("token"), minted.text("token"));
        assert_eq!(opened.text("jti"), minted.text("jti"));
        assert_eq!(opened.header("cache-control"), Some("no-store"));
        assert_eq!(opened.json()["initialData"][format!("/customers/{id}")]["id"], id.as_str());
        let again = open(&t, &code).await.refused(401, "invalid_code");
        assert!(again.json()["branding"].is_object());
        t.read(&minted.text("token")).await.expect(200);
    }

    async fn first_data_is_compressed_when_accepted(t) {
        t.customer("cus_123").await;
        let minted = t.mint(json!({ "customerId": "cus_123" })).await.expect(201);
        let opened = exchange(&json!({ "code": code_of(&minted) })).header("accept-encoding", "gzip");
        let opened = t.client.call(opened).await.expect(200);
        assert_eq!(opened.header("content-type"), Some("application/json"));
        assert_eq!(unzipped(&opened)["token"], minted.text("token").as_str());

        let current = get("/v1/portal-sessions/current?include=initialData").bearer(&minted.text("token"));
        let plain = t.client.call(current.clone()).await.expect(200);
        assert_eq!(plain.header("content-encoding"), None);
        let current = t.client.call(current.header("accept-encoding", "br, gzip")).await.expect(200);
        assert!(current.body.len() * 2 < plain.body.len());
        assert_eq!(unzipped(&current), plain.json());
        // No other response is: a length must not reveal a secret next to a stranger's text.
        let short = get("/v1/portal-sessions/current").bearer(&minted.text("token"));
        let short = t.client.call(short.header("accept-encoding", "gzip")).await.expect(200);
        assert_eq!(short.header("content-encoding"), None);
    }

    async fn concurrent_opens_of_a_link_succeed_once(t) {
        t.customer("cus_123").await;
        let code = code_of(&t.mint(json!({ "customerId": "cus_123" })).await.expect(201));
        let answers = join_all((0..8).map(|_| open(&t, &code))).await;
        assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
        assert_eq!(answers.iter().filter(|answer| answer.status == 401).count(), 7);
    }

    async fn link_expires_after_fifteen_minutes(t) {
        t.customer("cus_123").await;
        let codes = [t.mint(json!({ "customerId": "cus_123" })).await, t.mint(json!({ "customerId": "cus_123" })).await];
        t.advance(15 * 60 - 1);
        open(&t, &code_of(&codes[0])).await.expect(200);
        t.advance(1);
        open(&t, &code_of(&codes[1])).await.refused(401, "invalid_code");
    }

    async fn cookie_reopens_only_its_own_session(t) {
        t.customer("cus_123").await;
        let minted = t.mint(json!({ "customerId": "cus_123" })).await.expect(201);
        let other = t.mint(json!({ "customerId": "cus_123" })).await.expect(201);
        let opened = open(&t, &code_of(&minted)).await.expect(200);
        let set = opened.header("set-cookie").unwrap();
        for part in ["HttpOnly", "SameSite=Strict", "Secure", "Path=/v1/portal-sessions/exchange"] {
            assert!(set.split("; ").any(|found| found == part), "{set}");
        }
        assert!(!set.contains("Domain") && !set.contains("Max-Age"));
        let sid = minted.text("jti");
        let reload = |sid: &str, cookie: &str| {
            exchange(&json!({ "sid": sid })).header("cookie", cookie)
        };
        let cookie = cookie(&opened);
        for jar in [cookie.clone(), format!("a=b; {cookie}; upay_x=y")] {
            let again = t.client.call(reload(&sid, &jar)).await.expect(200);
            assert_eq!(again.text("token"), minted.text("token"));
        }
        let value = cookie.split_once('=').unwrap().1;
        for jar in [String::new(), format!("upay_{sid}="), format!("upay_{sid}={value}x")] {
            t.client.call(reload(&sid, &jar)).await.refused(401, "invalid_code");
        }
        let borrowed = format!("upay_{}={value}", other.text("jti"));
        t.client.call(reload(&other.text("jti"), &borrowed)).await.refused(401, "invalid_code");
        let code = code_of(&other);
        let as_cookie = format!("upay_{}={}", other.text("jti"), code.split_once('.').unwrap().1);
        t.client.call(reload(&other.text("jti"), &as_cookie)).await.refused(401, "invalid_code");
        // The cookie works on no other route.
        t.client.call(get("/v1/portal-sessions/current").header("cookie", &cookie)).await
            .refused(401, "missing_credentials");
        t.revoke(json!({ "jti": sid })).await.expect(204);
        t.client.call(reload(&sid, &cookie)).await.refused(401, "session_revoked");
    }

    async fn link_is_refused_when_its_session_has_ended(t) {
        let id = t.customer("cus_123").await;
        let minted = t.mint(json!({ "customerId": "cus_123" })).await.expect(201);
        t.revoke(json!({ "customerId": "cus_123" })).await.expect(204);
        open(&t, &code_of(&minted)).await.refused(401, "session_revoked");
        let short = t.mint(json!({ "customerId": "cus_123", "ttlSeconds": 60 })).await.expect(201);
        t.advance(60);
        open(&t, &code_of(&short)).await.refused(401, "token_expired");
        let last = t.mint(json!({ "customerId": "cus_123" })).await.expect(201);
        t.set_archived(&id, "archive").await.expect(200);
        open(&t, &code_of(&last)).await.refused(401, "customer_archived");
    }

    async fn invalid_code_is_refused(t) {
        t.customer("cus_123").await;
        let minted = t.mint(json!({ "customerId": "cus_123" })).await.expect(201);
        let code = code_of(&minted);
        let (sid, tag) = code.split_once('.').unwrap();
        let other = t.mint(json!({ "customerId": "cus_123" })).await.text("jti");
        for bad in ["", ".", sid, &format!("{sid}."), &format!("{other}.{tag}"), &format!("{code}A"), &format!("{sid}.{}", "A".repeat(43))] {
            let refused = open(&t, bad).await.refused(401, "invalid_code");
            assert!(refused.json().get("branding").is_none(), "{bad}");
        }
        for body in [json!({}), json!({ "code": code, "sid": sid }), json!({ "code": 1 }), json!({ "code": null })] {
            t.client.call(exchange(&body)).await.refused(422, "validation_failed");
        }
        open(&t, &code).await.expect(200);
    }

    async fn exchange_is_refused_from_other_origins(t) {
        t.customer("cus_123").await;
        let code = code_of(&t.mint(json!({ "customerId": "cus_123" })).await.expect(201));
        let body = json!({ "code": code });
        for (name, value) in [
            ("origin", "https://evil.example"),
            ("origin", "null"),
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
        ] {
            t.client.call(post(EXCHANGE, &body).header(name, value)).await
                .refused(403, "origin_not_allowed");
        }
        let preflight = Request::new("OPTIONS", EXCHANGE).header("origin", "https://evil.example");
        let preflight = t.client.call(preflight).await;
        assert_eq!(preflight.header("access-control-allow-origin"), None);
        open(&t, &code).await.expect(200);
    }

    async fn exchange_returns_branding_locale_and_flow(t) {
        t.customer("cus_123").await;
        t.call(Request::new("PUT", "/v1/branding").json(&json!({ "portalOrigins": ["https://app.example.com"] })).key(&t.key)).await.expect(200);
        let flow = json!({ "type": "cancel", "subscriptionId": "sub_1" });
        let minted = t.mint(json!({ "customerId": "cus_123", "locale": "de", "flow": flow,
            "returnUrl": "https://app.example.com/billing?a=1" })).await.expect(201);
        let opened = open(&t, &code_of(&minted)).await.expect(200);
        let session = t.read(&opened.text("token")).await.expect(200).json()["session"].clone();
        assert_eq!(session["locale"], "de");
        assert_eq!(session["flow"], flow);
        assert_eq!(session["returnUrl"], "https://app.example.com/billing?a=1");
        let spent = open(&t, &code_of(&minted)).await.refused(401, "invalid_code");
        assert_eq!(spent.json()["returnUrl"], "https://app.example.com/billing?a=1");
        let included = t.client.call(get("/v1/portal-sessions/current?include=initialData").bearer(&opened.text("token"))).await.expect(200);
        assert_eq!(included.json()["initialData"], opened.json()["initialData"]);
        t.client.call(get("/v1/portal-sessions/current?include=x").bearer(&opened.text("token"))).await
            .refused(422, "validation_failed");
    }

    async fn mint_refuses_a_foreign_return_url(t) {
        t.customer("cus_123").await;
        t.call(Request::new("PUT", "/v1/branding").json(&json!({ "portalOrigins": ["https://app.example.com"] })).key(&t.key)).await.expect(200);
        for url in [
            "https://evil.example/",
            "https://app.example.com.evil.example/",
            "https://app.example.com@evil.example/",
            "https://app.example.com:8443/",
            "http://app.example.com/",
            "javascript:alert(1)",
            "//app.example.com/",
            "app",
            "",
        ] {
            t.mint(json!({ "customerId": "cus_123", "returnUrl": url })).await.refused(422, "validation_failed");
        }
        for flow in [json!({}), json!({ "type": "x" }), json!({ "type": "cancel" }), json!({ "type": "top_up", "creditCurrencyId": 1 }),
            json!({ "type": "billing_details", "more": true }), json!("cancel"), json!(null)] {
            t.mint(json!({ "customerId": "cus_123", "flow": flow })).await.refused(422, "validation_failed");
        }
        t.mint(json!({ "customerId": "cus_123", "locale": "not a language" })).await.refused(422, "validation_failed");
        assert_eq!(t.sessions("").await, Vec::<Value>::new());
    }
}
