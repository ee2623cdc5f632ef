//! New links by e-mail for links that no longer open anything.

use crate::on_both_stores;
use crate::support::{Answer, Mail, Request, SmtpServer, Test, get, mail_to, patch, post};
use futures_util::future::join_all;
use serde_json::{Value, json};
use unitpay::testing::keys::KeyScopes;

const ISSUER: &str = "https://billing.example.com";
const EXCHANGE: &str = "/v1/portal-sessions/exchange";
const SEND: &str = "/v1/portal-sessions/exchange/link";

fn from_page(path: &str, body: &Value) -> Request {
    post(path, body).header("origin", ISSUER).header("sec-fetch-site", "same-origin")
}

async fn open(t: &Test, code: &str) -> Answer {
    t.call(from_page(EXCHANGE, &json!({ "code": code }))).await
}

async fn send(t: &Test, code: &str) -> Answer {
    t.call(from_page(SEND, &json!({ "code": code }))).await
}

/// Returns the code of the link in an e-mail.
fn code_in(mail: &Mail) -> String {
    let text = String::from_utf8(mail.part("text/plain")).unwrap();
    let start = format!("{ISSUER}/portal#");
    text.lines()
        .find_map(|line| line.strip_prefix(&start))
        .unwrap_or_else(|| panic!("{text}"))
        .to_owned()
}

impl Test {
    async fn mint_link(&self, body: Value) -> String {
        let minted = self.mint(body).await.expect(201);
        minted.text("url").split_once('#').unwrap().1.to_owned()
    }

    /// A link that was used.
    async fn used_link(&self, body: Value) -> String {
        let code = self.mint_link(body).await;
        open(self, &code).await.expect(200);
        code
    }

    async fn mailed_link(&self, smtp: &SmtpServer, code: &str) -> String {
        send(self, code).await.expect(201);
        self.send_email().await;
        let mails = smtp.take();
        assert_eq!(mails.len(), 1, "{mails:?}");
        code_in(&mails[0])
    }
}

on_both_stores! {
    async fn used_link_gets_a_new_one_to_the_own_address(t) {
        let smtp = SmtpServer::start().await;
        let t = Test::with_email(t.engine, &smtp).await;
        t.customer("ada").await;
        let body = json!({ "customerId": "ada", "ttlSeconds": 600, "maxLifetimeSeconds": 1_200, "scopes": ["customer:read"],
            "metadata": { "a": "b" }, "locale": "de" });
        let code = t.used_link(body).await;
        let refused = open(&t, &code).await.refused(401, "invalid_code");
        assert_eq!(refused.text("emailHint"), "a…@example.com");
        assert_eq!(send(&t, &code).await.expect(201).json(), json!({ "emailHint": "a…@example.com" }));
        t.send_email().await;
        let mails = smtp.take();
        assert_eq!((mails.len(), mails[0].to.as_str()), (1, "a@example.com"));
        assert!(!mails[0].text.contains(&code));
        let new = code_in(&mails[0]);
        assert!(String::from_utf8(mails[0].part("text/html")).unwrap().contains(&format!("href=\"{ISSUER}/portal#{new}\"")));
        t.advance(29 * 60);
        let opened = open(&t, &new).await.expect(200);
        let sid = opened.text("jti");
        assert_eq!(sid[3..], new[4..30]);
        let read = t.read(&opened.text("token")).await.expect(200).json();
        assert_eq!((&read["scopes"], &read["session"]["locale"]), (&json!(["customer:read"]), &json!("de")));
        let session = t.sessions("?limit=1").await[0].clone();
        let (first, listed) = (t.sessions("?limit=2").await[1].clone(), &session);
        assert_eq!((&listed["id"], &listed["origin"], &listed["metadata"]), (&json!(sid), &json!("email"), &json!({ "a": "b" })));
        assert_eq!(listed["createdByKeyId"], first["createdByKeyId"]);
        assert_eq!(listed["absoluteExpiresAt"], "2030-01-01T00:49:00.000Z");
        let audit = t.call(get("/v1/audit-events?customerId=ada&limit=1").key(&t.key)).await.expect(200).json()["data"][0].clone();
        assert_eq!((&audit["action"], &audit["targetId"]), (&json!("portal_session.created"), &json!(sid)));
        // It opens once, but for the browser that opened it, and leads on to the next one.
        assert_eq!(open(&t, &new).await.refused(401, "invalid_code").text("emailHint"), "a…@example.com");
        let cookie = opened.header("set-cookie").unwrap().split(';').next().unwrap();
        let reload = from_page(EXCHANGE, &json!({ "sid": sid })).header("cookie", cookie);
        t.call(reload).await.expect(200);
        open(&t, &t.mailed_link(&smtp, &new).await).await.expect(200);
    }

    async fn expired_link_and_expired_session_get_a_new_one(t) {
        let smtp = SmtpServer::start().await;
        let t = Test::with_email(t.engine, &smtp).await;
        t.customer("ada").await;
        let code = t.mint_link(json!({ "customerId": "ada" })).await;
        t.advance(15 * 60);
        assert_eq!(open(&t, &code).await.refused(401, "invalid_code").text("emailHint"), "a…@example.com");
        // A link from an e-mail expires, too, and gets the next one.
        let late = t.mailed_link(&smtp, &code).await;
        t.advance(30 * 60);
        assert_eq!(open(&t, &late).await.refused(401, "invalid_code").text("emailHint"), "a…@example.com");
        let new = t.mailed_link(&smtp, &late).await;
        let opened = open(&t, &new).await.expect(200);
        // By the cookie, after a reload of the page of an expired session.
        t.advance(86_400);
        let cookie = opened.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
        let body = json!({ "sid": opened.text("jti") });
        let expired = t.call(from_page(EXCHANGE, &body).header("cookie", &cookie)).await.refused(401, "token_expired");
        assert_eq!(expired.text("emailHint"), "a…@example.com");
        t.call(from_page(SEND, &body)).await.refused(401, "invalid_code");
        t.call(from_page(SEND, &body).header("cookie", &cookie)).await.expect(201);
        // It is not sent late.
        t.advance(30 * 60);
        t.send_email().await;
        assert_eq!(smtp.take().len(), 0);
        let last = t.call(get("/v1/emails?limit=1").key(&t.key)).await.expect(200).json()["data"][0].clone();
        assert_eq!((&last["kind"], &last["error"]), (&json!("portal_link"), &json!("link_expired")));
        let path = format!("/v1/emails/{}/resend", last["id"].as_str().unwrap());
        t.call(post(path, &json!({})).key(&t.key)).await.refused(409, "conflict");
    }

    async fn concurrent_opens_of_a_mailed_link_succeed_once(t) {
        let smtp = SmtpServer::start().await;
        let t = Test::with_email(t.engine, &smtp).await;
        t.customer("ada").await;
        let code = t.used_link(json!({ "customerId": "ada" })).await;
        let new = t.mailed_link(&smtp, &code).await;
        let answers = join_all((0..8).map(|_| open(&t, &new))).await;
        assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
        assert_eq!(answers.iter().filter(|answer| answer.status == 401).count(), 7);
        assert_eq!(t.sessions("").await.len(), 2);
    }

    async fn nothing_is_offered_for_what_was_ended(t) {
        let smtp = SmtpServer::start().await;
        let t = Test::with_email(t.engine, &smtp).await;
        for how in ["session", "customer", "archived", "erased", "key"] {
            t.customer(how).await;
            let key = t.key_of(t.tenant, KeyScopes::ALL).await;
            let minted = t.call(post("/v1/portal-sessions", &json!({ "customerId": how })).key(&key)).await.expect(201);
            let code = minted.text("url").split_once('#').unwrap().1.to_owned();
            open(&t, &code).await.expect(200);
            let new = t.mailed_link(&smtp, &code).await;
            match how {
                "session" => { t.revoke(json!({ "jti": minted.text("jti") })).await.expect(204); }
                "customer" => { t.revoke(json!({ "customerId": how })).await.expect(204); }
                "archived" => { t.set_archived(how, "archive").await.expect(200); }
                "erased" => { t.call(post(format!("/v1/customers/{how}/erase"), &json!({})).key(&t.key)).await.expect(200); }
                _ => {
                    let id = t.sessions("?limit=1").await[0]["createdByKeyId"].as_str().unwrap().to_owned();
                    let revoke = json!({ "revokeSessions": true });
                    t.call(post(format!("/v1/api-keys/{id}/revoke"), &revoke).key(&t.key)).await.expect(200);
                }
            }
            for code in [&code, &new] {
                let refused = open(&t, code).await;
                assert_eq!((refused.status, refused.json().get("emailHint")), (401, None), "{how}");
                assert_eq!(send(&t, code).await.status, 401, "{how}");
            }
        }
        t.send_email().await;
        assert_eq!(smtp.take().len(), 0);
        let minted: Vec<Value> = t.sessions("").await.into_iter().filter(|one| one["origin"] == "email").collect();
        assert_eq!(minted, Vec::<Value>::new());
    }

    async fn new_links_are_limited_by_link_and_customer(t) {
        let smtp = SmtpServer::start().await;
        let t = Test::with_email(t.engine, &smtp).await;
        t.customer("ada").await;
        let first = t.used_link(json!({ "customerId": "ada" })).await;
        let answers = join_all((0..6).map(|_| send(&t, &first))).await;
        assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 3);
        answers.into_iter().find(|answer| answer.status != 201).unwrap().refused(429, "rate_limited");
        let second = t.used_link(json!({ "customerId": "ada" })).await;
        for _ in 0..2 {
            send(&t, &second).await.expect(201);
        }
        send(&t, &second).await.refused(429, "rate_limited");
        t.customer("bob").await;
        send(&t, &t.used_link(json!({ "customerId": "bob" })).await).await.expect(201);
        t.advance(3_601);
        send(&t, &first).await.expect(201);
        let limited = Test::start_with(t.engine, |config| {
            mail_to(config, smtp.port);
            config.limits.logins_per_hour = 1;
        }).await;
        limited.customer("ada").await;
        let code = limited.used_link(json!({ "customerId": "ada" })).await;
        send(&limited, &code).await.expect(201);
        send(&limited, &code).await.refused(429, "rate_limited");
    }

    async fn invalid_link_gets_nothing(t) {
        let smtp = SmtpServer::start().await;
        let t = Test::with_email(t.engine, &smtp).await;
        t.customer("ada").await;
        let code = t.used_link(json!({ "customerId": "ada" })).await;
        let new = t.mailed_link(&smtp, &code).await;
        let (id, tag) = new.split_once('.').unwrap();
        let (sid, sid_tag) = code.split_once('.').unwrap();
        for bad in ["", ".", id, &format!("{id}."), &format!("{id}.{sid_tag}"), &format!("{sid}.{tag}"), &format!("eml_{}.{tag}", &sid[3..])] {
            open(&t, bad).await.refused(401, "invalid_code");
            let refused = send(&t, bad).await.refused(401, "invalid_code");
            assert!(refused.json().get("branding").is_none(), "{bad}");
        }
        for (name, value) in [("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")] {
            t.call(post(SEND, &json!({ "code": code })).header(name, value)).await.refused(403, "origin_not_allowed");
        }
        t.call(from_page(SEND, &json!({}))).await.refused(422, "validation_failed");
        // The kind can be turned off.
        let settings = Request::new("PUT", "/v1/email-settings").json(&json!({ "disabledKinds": ["portal_link"] }));
        t.call(settings.key(&t.key)).await.expect(200);
        assert_eq!(open(&t, &code).await.refused(401, "invalid_code").json().get("emailHint"), None);
        send(&t, &code).await.refused(404, "not_found");
        open(&t, &new).await.expect(200);
    }

    async fn nothing_is_offered_without_a_mail_server(t) {
        t.customer("ada").await;
        let code = t.used_link(json!({ "customerId": "ada" })).await;
        assert_eq!(open(&t, &code).await.refused(401, "invalid_code").json().get("emailHint"), None);
        send(&t, &code).await.refused(404, "not_found");
    }

    async fn address_of_a_link_is_the_present_one(t) {
        let smtp = SmtpServer::start().await;
        let t = Test::with_email(t.engine, &smtp).await;
        t.customer("ada").await;
        let code = t.used_link(json!({ "customerId": "ada" })).await;
        t.call(patch("/v1/customers/ada", &json!({ "email": "\u{fc}ber@example.com" })).key(&t.key)).await.expect(200);
        assert_eq!(open(&t, &code).await.refused(401, "invalid_code").text("emailHint"), "ü…@example.com");
        t.call(patch("/v1/customers/ada", &json!({ "email": "new@example.com" })).key(&t.key)).await.expect(200);
        send(&t, &code).await.expect(201);
        t.send_email().await;
        assert_eq!(smtp.take()[0].to, "new@example.com");
    }
}
