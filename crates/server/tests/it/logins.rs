//! Sign-in by a code that is e-mailed to the customer's address.

use crate::on_both_stores;
use crate::support::{Answer, Engine, Mail, Request, SmtpServer, Test, get, mail_to, patch, post};
use futures_util::future::join_all;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use unitpay::testing::db::{Sql, sql};
use unitpay::testing::jobs;
use unitpay::testing::keys::KeyScopes;

const ISSUER: &str = "https://billing.example.com";
const ADA: &str = "ada@example.com";

/// A code that was asked for, in the browser that asked.
#[derive(Clone, Debug)]
struct Asked {
    id: String,
    cookie: String,
}

fn from_page(request: Request) -> Request {
    request.header("origin", ISSUER).header("sec-fetch-site", "same-origin")
}

/// Returns the digits in the text of an e-mail.
fn code_in(mail: &Mail) -> String {
    let text = String::from_utf8(mail.part("text/plain")).unwrap();
    text.lines().find_map(|line| line.strip_prefix("Code: ")).unwrap().to_owned()
}

/// Returns six digits that are not these.
fn other_than(code: &str) -> String {
    format!("{:06}", (code.parse::<u32>().unwrap() + 1) % 1_000_000)
}

impl Test {
    /// A server with sign-in on, and the customer Ada.
    async fn with_logins(engine: Engine, smtp: &SmtpServer) -> Self {
        let t = Self::with_email(engine, smtp).await;
        t.set_logins(json!({ "enabled": true })).await.expect(200);
        t.customer_at("ada", ADA).await;
        t
    }

    async fn set_logins(&self, settings: Value) -> Answer {
        self.call(Request::new("PUT", "/v1/login-settings").json(&settings).key(&self.key)).await
    }

    async fn customer_at(&self, name: &str, email: &str) -> String {
        let body = json!({ "name": name, "email": email, "externalId": name });
        self.call(post("/v1/customers", &body).key(&self.key)).await.expect(201).text("id")
    }

    async fn try_to_ask(&self, email: &str) -> Answer {
        let organization = self.tenant.organization_id.to_string();
        let body =
            json!({ "organization": organization, "environment": "sandbox", "email": email });
        self.call(from_page(post("/v1/logins", &body))).await
    }

    async fn ask_for_code(&self, email: &str) -> Asked {
        let answer = self.try_to_ask(email).await.expect(201);
        let cookie = answer.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
        Asked { id: answer.text("id"), cookie }
    }

    /// Asks for a code and reads it in the e-mail.
    async fn mailed_code(&self, smtp: &SmtpServer, email: &str) -> (Asked, String) {
        let asked = self.ask_for_code(email).await;
        self.send_email().await;
        let mails = smtp.take();
        assert_eq!((mails.len(), mails[0].to.as_str()), (1, email), "{mails:?}");
        (asked, code_in(&mails[0]))
    }

    async fn enter_with(&self, asked: &Asked, proof: Value) -> Answer {
        let mut body = proof;
        body["id"] = json!(asked.id);
        let request = from_page(post("/v1/logins/enter", &body)).header("cookie", &asked.cookie);
        self.call(request).await
    }

    async fn enter(&self, asked: &Asked, code: &str) -> Answer {
        self.enter_with(asked, json!({ "code": code })).await
    }

    async fn email_sessions(&self) -> Vec<Value> {
        let all = self.sessions("?limit=100").await;
        all.into_iter().filter(|session| session["origin"] == "email").collect()
    }

    /// Opens the hosted page with the cookie of a login.
    async fn open_entered(&self, entered: &Answer) -> Answer {
        let cookie = entered.header("set-cookie").unwrap().split(';').next().unwrap();
        let body = json!({ "sid": entered.text("sessionId") });
        let exchange = from_page(post("/v1/portal-sessions/exchange", &body));
        self.call(exchange.header("cookie", cookie)).await
    }
}

/// The body without what differs between any two answers.
fn comparable(answer: &Answer) -> (u16, Vec<String>, Value) {
    let mut body = answer.json();
    for name in ["id", "expiresAt", "requestId"] {
        body.as_object_mut().unwrap().remove(name);
    }
    let names = answer.headers.iter().map(|(name, _)| name.clone()).collect();
    (answer.status, names, body)
}

on_both_stores! {
    async fn code_opens_a_session_as_the_settings_say(t) {
        let smtp = SmtpServer::start().await;
        let t = Test::with_logins(t.engine, &smtp).await;
        let settings = json!({ "enabled": true, "scopes": ["customer:read", "invoices:read"], "ttlSeconds": 600, "maxLifetimeSeconds": 1_200 });
        let stored = t.set_logins(settings).await.expect(200).json();
        assert_eq!(stored["url"], format!("{ISSUER}/portal/login/{}?environment=sandbox", t.tenant.organization_id));
        // Case does not matter.
        let asked = t.ask_for_code("Ada@EXAMPLE.com").await;
        t.send_email().await;
        let mails = smtp.take();
        assert_eq!((mails.len(), mails[0].to.as_str()), (1, ADA));
        let code = code_in(&mails[0]);
        assert_eq!((code.len(), mails[0].header("subject").unwrap()), (6, "Your sign-in code for UnitPay".to_owned()));
        assert!(code.bytes().all(|digit| digit.is_ascii_digit()), "{code}");
        let entered = t.enter(&asked, &code).await.expect(200);
        assert_eq!(entered.json()["customers"], json!([]));
        let sid = entered.text("sessionId");
        let opened = t.open_entered(&entered).await.expect(200);
        let read = t.read(&opened.text("token")).await.expect(200).json();
        assert_eq!((&read["scopes"], &read["customer"]["name"]), (&json!(["customer:read", "invoices:read"]), &json!("ada")));
        let listed = t.email_sessions().await;
        assert_eq!((listed.len(), &listed[0]["id"]), (1, &json!(sid)));
        assert_eq!((&listed[0]["createdByKeyId"], &listed[0]["allowedOrigins"]), (&Value::Null, &json!([ISSUER])));
        assert_eq!(listed[0]["expiresAt"], "2030-01-01T00:10:00.000Z");
        assert_eq!(listed[0]["absoluteExpiresAt"], "2030-01-01T00:20:00.000Z");
        let audit = t.call(get("/v1/audit-events?customerId=ada&limit=1").key(&t.key)).await.expect(200).json()["data"][0].clone();
        assert_eq!((&audit["action"], &audit["targetId"], &audit["actorId"]), (&json!("portal_session.created"), &json!(sid), &json!(sid)));
        assert_eq!(audit["detail"], json!({ "origin": "email" }));
        // It lives and ends like any other.
        t.advance(500);
        let next = t.refresh(&opened.text("token")).await.expect(200).text("token");
        t.revoke(json!({ "customerId": "ada" })).await.expect(204);
        t.read(&next).await.refused(401, "session_revoked");
        assert_eq!(t.email_sessions().await[0]["revokedReason"], "customer_revoked");
    }

    async fn unknown_address_gets_the_same_answers(t) {
        const ROWS: Sql = sql("SELECT COUNT(*) FROM logins WHERE address IS NOT NULL AND candidates = '[]' AND tries = 0");
        let smtp = SmtpServer::start().await;
        let t = Test::with_logins(t.engine, &smtp).await;
        let (known, unknown) = (t.try_to_ask(ADA).await, t.try_to_ask("nobody@example.com").await);
        assert_eq!(comparable(&known), comparable(&unknown));
        // Neither request looked the address up: both left the same row, and nothing else.
        assert_eq!(t.count(&ROWS).await, 2);
        assert_eq!(t.call(get("/v1/emails").key(&t.key)).await.expect(200).json()["data"], json!([]));
        t.send_email().await;
        let mails = smtp.take();
        assert_eq!((mails.len(), mails[0].to.as_str()), (1, ADA));
        let code = code_in(&mails[0]);
        let asked = |answer: &Answer| Asked {
            id: answer.text("id"),
            cookie: answer.header("set-cookie").unwrap().split(';').next().unwrap().to_owned(),
        };
        for _ in 0..6 {
            let (known, unknown) = (t.enter(&asked(&known), &other_than(&code)).await, t.enter(&asked(&unknown), &other_than(&code)).await);
            assert_eq!(comparable(&known), comparable(&unknown));
            known.refused(401, "invalid_code");
        }
        // Its right code, which nobody was sent, is a wrong one.
        let (nobody, ada) = (t.ask_for_code("nobody@example.com").await, t.ask_for_code(ADA).await);
        t.send_email().await;
        let right = t.app.codes.login_code(nobody.id.parse().unwrap()).reveal().to_owned();
        let refused = t.enter(&nobody, &right).await;
        assert_eq!(comparable(&refused), comparable(&t.enter(&ada, &other_than(&code_in(&smtp.take()[0]))).await));
        assert_eq!(t.email_sessions().await, Vec::<Value>::new());
    }

    async fn five_tries_hold_for_concurrent_guesses(t) {
        let smtp = SmtpServer::start().await;
        let t = Test::with_logins(t.engine, &smtp).await;
        let (asked, code) = t.mailed_code(&smtp, ADA).await;
        let wrong = other_than(&code);
        let answers = join_all((0..20).map(|_| t.enter(&asked, &wrong))).await;
        let mut left: Vec<i64> = answers.into_iter().map(|answer| answer.refused(401, "invalid_code").json()["triesLeft"].as_i64().unwrap()).collect();
        left.sort_unstable();
        assert_eq!(left[16..], [1, 2, 3, 4]);
        assert_eq!(left[..16], [0; 16]);
        t.enter(&asked, &code).await.refused(401, "invalid_code");
        assert_eq!(t.email_sessions().await, Vec::<Value>::new());
        // The fifth try may be the right one.
        let (asked, code) = t.mailed_code(&smtp, ADA).await;
        for left in (1..5).rev() {
            assert_eq!(t.enter(&asked, &other_than(&code)).await.refused(401, "invalid_code").json()["triesLeft"], left);
        }
        t.enter(&asked, &code).await.expect(200);
    }

    async fn code_works_only_in_the_browser_that_asked(t) {
        let smtp = SmtpServer::start().await;
        let t = Test::with_logins(t.engine, &smtp).await;
        let (asked, code) = t.mailed_code(&smtp, ADA).await;
        let other = t.ask_for_code(ADA).await;
        let name = asked.cookie.split_once('=').unwrap().0;
        let value = other.cookie.split_once('=').unwrap().1;
        for cookie in [String::new(), other.cookie.clone(), format!("{name}={value}"), format!("{name}="), format!("{}x", asked.cookie)] {
            let stolen = Asked { cookie, ..asked.clone() };
            let refused = t.enter(&stolen, &code).await.refused(401, "invalid_code");
            assert_eq!(refused.header("set-cookie"), None);
        }
        // Another browser's tries do not count, and its own code is another one.
        let mixed = Asked { id: other.id, cookie: other.cookie };
        t.enter(&mixed, &code).await.refused(401, "invalid_code");
        let entered = t.enter(&asked, &code).await.expect(200);
        let set = t.try_to_ask(ADA).await.expect(201).header("set-cookie").unwrap().to_owned();
        for part in ["HttpOnly", "SameSite=Strict", "Secure", "Path=/v1/logins", "Max-Age=600"] {
            assert!(set.split("; ").any(|found| found == part), "{set}");
        }
        assert!(entered.header("set-cookie").unwrap().contains("Path=/v1/portal-sessions/exchange"));
    }

    async fn code_is_used_once_and_expires(t) {
        let smtp = SmtpServer::start().await;
        let t = Test::with_logins(t.engine, &smtp).await;
        let (asked, code) = t.mailed_code(&smtp, ADA).await;
        let answers = join_all((0..5).map(|_| t.enter(&asked, &code))).await;
        assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
        t.enter(&asked, &code).await.refused(401, "invalid_code");
        assert_eq!(t.email_sessions().await.len(), 1);
        let (asked, code) = t.mailed_code(&smtp, ADA).await;
        t.advance(600);
        t.enter(&asked, &code).await.refused(401, "invalid_code");
        // Nor is it sent late.
        t.ask_for_code(ADA).await;
        t.publish().await;
        t.advance(600);
        t.send_email().await;
        assert_eq!(smtp.take().len(), 0);
        let last = t.call(get("/v1/emails?limit=1").key(&t.key)).await.expect(200).json()["data"][0].clone();
        assert_eq!((&last["kind"], &last["status"], &last["error"]), (&json!("login_code"), &json!("failed"), &json!("code_expired")));
        t.ask_for_code(ADA).await;
        t.advance(601);
        t.send_email().await;
        assert_eq!((smtp.take().len(), t.email_sessions().await.len()), (0, 1));
    }

    async fn one_of_several_customers_is_chosen_after_the_code(t) {
        let smtp = SmtpServer::start().await;
        let t = Test::with_logins(t.engine, &smtp).await;
        let second = t.customer_at("second", "ADA@example.com").await;
        let gone = t.customer_at("gone", ADA).await;
        let stranger = t.customer_at("stranger", "stranger@example.com").await;
        t.set_archived(&gone, "archive").await.expect(200);
        let (asked, code) = t.mailed_code(&smtp, ADA).await;
        // Nobody chooses before the code.
        t.enter_with(&asked, json!({ "customerId": second })).await.refused(401, "invalid_code");
        let choice = t.enter(&asked, &code).await.expect(200);
        assert_eq!((choice.json()["sessionId"].clone(), choice.header("set-cookie")), (Value::Null, None));
        let names: Vec<String> = choice.json()["customers"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect();
        assert_eq!(names, ["ada", "second"]);
        t.enter(&asked, &code).await.refused(401, "invalid_code");
        for other in [gone.as_str(), &stranger, "second", "cus_"] {
            t.enter_with(&asked, json!({ "customerId": other })).await.refused(401, "invalid_code");
        }
        let elsewhere = Asked { cookie: String::new(), ..asked.clone() };
        t.enter_with(&elsewhere, json!({ "customerId": second })).await.refused(401, "invalid_code");
        let answers = join_all((0..4).map(|_| t.enter_with(&asked, json!({ "customerId": second })))).await;
        assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
        let sessions = t.email_sessions().await;
        assert_eq!((sessions.len(), &sessions[0]["customerId"]), (1, &json!(second)));
        for body in [json!({}), json!({ "code": code, "customerId": second }), json!({ "code": 1 })] {
            t.enter_with(&asked, body).await.refused(422, "validation_failed");
        }
    }

    async fn code_ends_with_what_it_was_sent_for(t) {
        let smtp = SmtpServer::start().await;
        let t = Test::with_logins(t.engine, &smtp).await;
        let change = async |change: &str, customer: &str| match change {
            "revoked" => { t.revoke(json!({ "customerId": customer })).await.expect(204); }
            "archived" => { t.set_archived(customer, "archive").await.expect(200); }
            "restored" => {
                t.set_archived(customer, "archive").await.expect(200);
                t.set_archived(customer, "unarchive").await.expect(200);
            }
            "erased" => { t.call(post(format!("/v1/customers/{customer}/erase"), &json!({})).key(&t.key)).await.expect(200); }
            "moved" => { t.call(patch(format!("/v1/customers/{customer}"), &json!({ "email": "new@example.com" })).key(&t.key)).await.expect(200); }
            _ => { t.set_logins(json!({})).await.expect(200); }
        };
        for how in ["revoked", "archived", "restored", "erased", "moved", "off"] {
            let address = format!("{how}@example.com");
            let customer = t.customer_at(how, &address).await;
            let (asked, code) = t.mailed_code(&smtp, &address).await;
            change(how, &customer).await;
            t.enter(&asked, &code).await.refused(401, "invalid_code");
        }
        assert_eq!(t.email_sessions().await, Vec::<Value>::new());
        // To an archived customer no code is sent at all.
        t.set_logins(json!({ "enabled": true })).await.expect(200);
        t.set_archived("ada", "archive").await.expect(200);
        t.ask_for_code(ADA).await;
        t.send_email().await;
        assert_eq!(smtp.take().len(), 0);
    }

    async fn sign_in_is_off_unless_it_is_turned_on(t) {
        let smtp = SmtpServer::start().await;
        let mailing = Test::with_logins(t.engine, &smtp).await;
        let page = |t: &Test, query: &str| {
            let query = query.replace("ORG", &t.tenant.organization_id.to_string());
            from_page(get(format!("/v1/logins?{query}")))
        };
        let found = mailing.call(page(&mailing, "organization=ORG&environment=sandbox")).await.expect(200);
        assert!(found.json()["branding"].is_object());
        mailing.call(page(&mailing, "organization=default&environment=sandbox")).await.expect(200);
        for query in ["organization=ORG", "organization=ORG&environment=live", "organization=nobody&environment=sandbox", "organization=Default&environment=sandbox"] {
            mailing.call(page(&mailing, query)).await.refused(404, "not_found");
        }
        for query in ["", "environment=sandbox", "organization=ORG&environment=test", "organization=ORG&x=1"] {
            mailing.call(page(&mailing, query)).await.refused(422, "validation_failed");
        }
        mailing.suspend(true).await;
        mailing.try_to_ask(ADA).await.refused(403, "organization_suspended");
        mailing.suspend(false).await;
        let (asked, code) = mailing.mailed_code(&smtp, ADA).await;
        mailing.suspend(true).await;
        mailing.enter(&asked, &code).await.refused(403, "organization_suspended");
        mailing.suspend(false).await;
        mailing.set_logins(json!({})).await.expect(200);
        mailing.try_to_ask(ADA).await.refused(404, "not_found");
        // Without an SMTP server it cannot work.
        t.set_logins(json!({ "enabled": true })).await.expect(200);
        t.try_to_ask(ADA).await.refused(404, "not_found");
    }

    async fn pages_of_others_cannot_ask_or_enter(t) {
        let smtp = SmtpServer::start().await;
        let t = Test::with_logins(t.engine, &smtp).await;
        let (asked, code) = t.mailed_code(&smtp, ADA).await;
        let organization = t.tenant.organization_id.to_string();
        let start = json!({ "organization": organization, "environment": "sandbox", "email": ADA });
        let enter = json!({ "id": asked.id, "code": code });
        for (name, value) in [("origin", "https://evil.example"), ("origin", "null"), ("sec-fetch-site", "cross-site")] {
            t.call(post("/v1/logins", &start).header(name, value)).await.refused(403, "origin_not_allowed");
            t.call(post("/v1/logins/enter", &enter).header(name, value).header("cookie", &asked.cookie)).await.refused(403, "origin_not_allowed");
            t.call(get(format!("/v1/logins?organization={organization}")).header(name, value)).await.refused(403, "origin_not_allowed");
        }
        t.enter(&asked, &code).await.expect(200);
    }

    async fn codes_for_an_address_are_limited(t) {
        let smtp = SmtpServer::start().await;
        let t = Test::with_logins(t.engine, &smtp).await;
        for at in 0..5 {
            t.ask_for_code(if at % 2 == 0 { ADA } else { "ADA@example.com" }).await;
        }
        t.try_to_ask(ADA).await.refused(429, "rate_limited");
        for _ in 0..5 {
            t.ask_for_code("nobody@example.com").await;
        }
        let refused = t.try_to_ask("nobody@example.com").await.refused(429, "rate_limited");
        assert_eq!(refused.header("retry-after"), Some("3600"));
        t.ask_for_code("bob@example.com").await;
        t.advance(3_601);
        for _ in 0..5 {
            t.ask_for_code(ADA).await;
        }
        t.advance(3_601);
        t.try_to_ask(ADA).await.refused(429, "rate_limited");
        t.advance(86_400);
        t.ask_for_code(ADA).await;
    }

    async fn codes_for_a_peer_are_limited(t) {
        let smtp = SmtpServer::start().await;
        let t = Test::start_with(t.engine, |config| {
            mail_to(config, smtp.port);
            config.limits.logins_per_hour = 3;
        }).await;
        t.set_logins(json!({ "enabled": true })).await.expect(200);
        for at in 0..3 {
            t.ask_for_code(&format!("{at}@example.com")).await;
        }
        t.try_to_ask(ADA).await.refused(429, "rate_limited");
    }

    async fn settings_cannot_grant_more_than_their_key(t) {
        let read = async |key: &str| t.call(get("/v1/login-settings").key(key)).await;
        let default = read(&t.key).await.expect(200).json();
        assert_eq!((&default["enabled"], &default["updatedAt"]), (&json!(false), &Value::Null));
        let put = |key: &str, body: Value| t.client.call(Request::new("PUT", "/v1/login-settings").json(&body).key(key));
        for (body, param) in [
            (json!({ "enabled": 1 }), "enabled"),
            (json!({ "scopes": [] }), "scopes"),
            (json!({ "scopes": ["customers:read"] }), "scopes"),
            (json!({ "ttlSeconds": 59 }), "ttlSeconds"),
            (json!({ "ttlSeconds": 600, "maxLifetimeSeconds": 599 }), "maxLifetimeSeconds"),
            (json!({ "maxLifetimeSeconds": 86_401 }), "maxLifetimeSeconds"),
            (json!({ "origin": "email" }), "origin"),
        ] {
            let refused = put(&t.key, body.clone()).await.refused(422, "validation_failed").json();
            assert_eq!(refused["errors"][0]["param"], param, "{body}");
        }
        let weak = t.key_of(t.tenant, KeyScopes::from_bits(KeyScopes::PORTAL_SESSIONS_WRITE | KeyScopes::INVOICES_READ)).await;
        put(&weak, json!({ "enabled": true, "scopes": ["invoices:read", "invoices:pay"] })).await.refused(403, "insufficient_scope");
        assert_eq!(read(&t.key).await.json(), default);
        let stored = put(&weak, json!({ "enabled": true })).await.expect(200).json();
        assert_eq!((&stored["scopes"], &stored["ttlSeconds"], &stored["maxLifetimeSeconds"]), (&json!(["invoices:read"]), &json!(3_600), &json!(86_400)));
        t.advance(1);
        assert_eq!(put(&weak, json!({ "enabled": true })).await.expect(200).json(), stored);
        let audit = t.call(get("/v1/audit-events").key(&t.key)).await.expect(200).json();
        let updates: Vec<&Value> = audit["data"].as_array().unwrap().iter().filter(|event| event["action"] == "login_settings.updated").collect();
        assert_eq!((updates.len(), &updates[0]["detail"]["scopes"]), (1, &json!(["invoices:read"])));
        // The other environment has its own.
        let live = t.key_of(t.live(t.tenant.organization_id).await, KeyScopes::ALL).await;
        assert_eq!(read(&live).await.expect(200).json()["enabled"], false);
        assert_eq!(read(&live).await.json()["url"], format!("{ISSUER}/portal/login/{}", t.tenant.organization_id));
    }

    async fn names_cannot_add_headers_to_a_code(t) {
        let smtp = SmtpServer::start().await;
        let t = Test::with_logins(t.engine, &smtp).await;
        let brand = json!({ "name": "Shop\" <evil@example.com>, <b>x</b>" });
        t.call(Request::new("PUT", "/v1/branding").json(&brand).key(&t.key)).await.expect(200);
        t.call(patch("/v1/customers/ada", &json!({ "name": "=?utf-8?q?x=0D=0ABcc:_v?= {code}" })).key(&t.key)).await.expect(200);
        let (asked, code) = t.mailed_code(&smtp, ADA).await;
        t.enter(&asked, &code).await.expect(200);
        t.ask_for_code(ADA).await;
        t.send_email().await;
        let mail = &smtp.take()[0];
        assert_eq!(mail.header("bcc"), None);
        assert!(mail.header("to").unwrap().ends_with("<ada@example.com>"));
        assert!(mail.header("from").unwrap().ends_with("<billing@shop.example>"));
        let html = String::from_utf8(mail.part("text/html")).unwrap();
        assert!(!html.contains("<b>"), "{html}");
        for email in ["ada@example.com\r\nBcc: v@example.com", "ada@example.com, v@example.com", "ada", "a@b\u{0}c.example"] {
            t.try_to_ask(email).await.refused(422, "validation_failed");
        }
    }

    async fn address_is_kept_until_it_is_looked_up(t) {
        const ADDRESSES: Sql = sql("SELECT COUNT(*) FROM logins WHERE address IS NOT NULL");
        const LOGINS: Sql = sql("SELECT COUNT(*) FROM logins");
        let smtp = SmtpServer::start().await;
        let t = Test::with_logins(t.engine, &smtp).await;
        t.ask_for_code(ADA).await;
        t.ask_for_code("nobody@example.com").await;
        assert_eq!(t.count(&ADDRESSES).await, 2);
        // An erased customer's waits no longer.
        t.call(post("/v1/customers/ada/erase", &json!({})).key(&t.key)).await.expect(200);
        assert_eq!(t.count(&ADDRESSES).await, 1);
        t.publish().await;
        assert_eq!((t.count(&ADDRESSES).await, t.count(&LOGINS).await), (0, 1));
        t.advance(86_400);
        jobs::sweep(&t.app).await.unwrap();
        assert_eq!(t.count(&LOGINS).await, 1);
        t.advance(1);
        jobs::sweep(&t.app).await.unwrap();
        assert_eq!(t.count(&LOGINS).await, 0);
    }
}

/// Guesses on two nodes at once have five tries together, and one right code on both has one session.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tries_hold_across_nodes() {
    let smtp = SmtpServer::start().await;
    let one = Test::with_logins(Engine::Postgres, &smtp).await;
    let two = one.another_mailing_node(&smtp).await;
    let (asked, code) = one.mailed_code(&smtp, ADA).await;
    let wrong = other_than(&code);
    let guesses = (0..30).map(|at| if at % 2 == 0 { &one } else { &two });
    let answers = join_all(guesses.map(|node| node.enter(&asked, &wrong))).await;
    let left: Vec<i64> =
        answers.iter().map(|answer| answer.json()["triesLeft"].as_i64().unwrap()).collect();
    let positive: BTreeSet<i64> = left.iter().copied().filter(|left| *left > 0).collect();
    assert_eq!(positive, (1..5).collect());
    assert_eq!(left.iter().filter(|left| **left > 0).count(), 4);
    two.enter(&asked, &code).await.refused(401, "invalid_code");
    let (asked, code) = one.mailed_code(&smtp, ADA).await;
    let answers = join_all([&one, &two, &one, &two].map(|node| node.enter(&asked, &code))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
    assert_eq!(one.email_sessions().await.len(), 1);
}

/// Requests on two nodes at once get an address the codes of one node, for known and unknown addresses.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn codes_for_an_address_hold_across_nodes() {
    let smtp = SmtpServer::start().await;
    let one = Test::with_logins(Engine::Postgres, &smtp).await;
    let two = one.another_mailing_node(&smtp).await;
    for address in [ADA, "nobody@example.com", "bob@example.com"] {
        let asks = (0..40).map(|at| if at % 2 == 0 { &one } else { &two });
        let answers = join_all(asks.map(|node| node.try_to_ask(address))).await;
        let statuses = |status| answers.iter().filter(|answer| answer.status == status).count();
        assert_eq!((statuses(201), statuses(429)), (5, 35), "{address}");
    }
    for node in [&one, &two] {
        node.advance(3_601);
    }
    let asks = (0..40).map(|at| if at % 2 == 0 { &one } else { &two });
    let answers = join_all(asks.map(|node| node.try_to_ask(ADA))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 5);
    // The ten of a day are used up.
    two.advance(3_601);
    two.try_to_ask(ADA).await.refused(429, "rate_limited");
}
