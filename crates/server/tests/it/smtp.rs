//! SMTP servers that hang, close, answer without end, or take TLS away.

use crate::on_both_stores;
use crate::support::{Engine, Request, SmtpManner, SmtpServer, Test, get, mail_to, post};
use futures_util::future::join_all;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use unitpay::testing::config::Config;
use unitpay::testing::db::{Lane, Sql, Tx, sql};

/// Names that the API refuses, and that an older version or an import may have stored.
const NAME_CUSTOMER: Sql = sql("UPDATE customers SET name = $1");
const NAME_SHOP: Sql = sql("UPDATE brandings SET name = $1");
const NAME_PLAN: Sql = sql("UPDATE plans SET name = $1");

impl Test {
    /// The newest e-mail: status, attempts and error.
    async fn newest_email(&self) -> Value {
        let list = self.call(get("/v1/emails?limit=1").key(&self.key)).await.expect(200).json();
        let newest = &list["data"][0];
        json!([newest["status"], newest["attempts"], newest["error"]])
    }

    /// Queues an e-mail without a PDF: about a refund of a customer.
    async fn refund_of(&self, name: &str) {
        self.payer(name).await;
        let invoice = self.bill(name, 1_000).await;
        self.pay(&invoice, json!({})).await.expect(200);
        let note = json!({ "amount": 400, "reason": "other", "refundAmount": 400 });
        self.note(&invoice, note).await.expect(201);
        self.bill_what_is_due().await;
    }

    /// Has only e-mails of this kind sent.
    async fn only(&self, kind: &str) {
        let settings = self.call(get("/openapi.json")).await.expect(200).json();
        let kinds = &settings["components"]["schemas"]["EmailKind"]["enum"];
        let others: Vec<_> = kinds.as_array().unwrap().iter().filter(|one| *one != kind).collect();
        let body = json!({ "disabledKinds": others });
        let put = Request::new("PUT", "/v1/email-settings").json(&body);
        self.call(put.key(&self.key)).await.expect(200);
    }

    async fn rename(&self, statement: &'static Sql, name: &str) {
        let name = name.to_owned();
        let set = self.app.db.write(Lane::Usual, async move |tx: &mut Tx<'_, '_>| {
            tx.execute(statement, &[name.as_str().into()]).await
        });
        assert!(set.await.unwrap() > 0);
    }
}

on_both_stores! {
    async fn server_that_hangs_or_closes_gets_the_same_message_later(t) {
        let smtp = SmtpServer::start().await;
        let t = Test::with_email(t.engine, &smtp).await;
        t.only("refund").await;
        let cases = [
            (SmtpManner::HangAt("EHLO"), "timed_out", 0),
            (SmtpManner::CloseAt("EHLO"), "connection_failed", 0),
            (SmtpManner::HangAt("."), "timed_out", 1),
            (SmtpManner::CloseAt("."), "connection_failed", 1),
            (SmtpManner::AnswerMessage("421 4.3.2 going down"), "421", 0),
        ];
        for (at, (manner, error, taken)) in cases.into_iter().enumerate() {
            t.refund_of(&format!("c{at}")).await;
            smtp.set(manner.clone());
            t.send_email().await;
            let before = smtp.take();
            assert_eq!((before.len(), t.newest_email().await), (taken, json!(["pending", 1, error])), "{manner:?}");
            smtp.set(SmtpManner::Accept);
            t.advance(60);
            t.send_email().await;
            let after = smtp.take();
            assert_eq!((after.len(), t.newest_email().await), (1, json!(["sent", 2, null])), "{manner:?}");
            // The server may have had it before: the recipient sees that it is the same.
            for mail in before {
                assert_eq!(mail.header("message-id"), after[0].header("message-id"), "{manner:?}");
                assert_eq!(mail.text.split("\n\n").nth(1), after[0].text.split("\n\n").nth(1));
            }
        }
    }

    async fn endless_answer_ends_with_its_bytes_not_with_time(t) {
        let smtp = SmtpServer::start().await;
        let patient = |config: &mut Config| {
            mail_to(config, smtp.port);
            config.email.timeout_seconds = 60;
        };
        let t = Test::start_with(t.engine, patient).await;
        t.only("refund").await;
        t.refund_of("one").await;
        let long: &'static str = Box::leak("2".repeat(4_096).into_boxed_str());
        for (at, (command, line)) in [
            ("EHLO", "250-SIZE\r\n"), ("EHLO", long), ("MAIL", "250-ok\r\n"), ("RCPT", long), ("QUIT", long),
        ].into_iter().enumerate() {
            smtp.set(SmtpManner::Endless(command, line));
            t.advance(43_200);
            t.send_email().await;
            // What follows the acceptance changes nothing.
            let expected = if command == "QUIT" { json!(["sent", 5, null]) } else { json!(["pending", at + 1, "connection_failed"]) };
            assert_eq!(t.newest_email().await, expected, "{command} {}", &line[..4]);
        }
        // What fits the buffers of five connections, and far less than a second of it.
        assert!(smtp.endless_bytes() < 100_000_000, "{}", smtp.endless_bytes());
    }

    async fn taken_away_starttls_sends_nothing(t) {
        let (smtp, certificate) = SmtpServer::start_with_tls().await;
        let required = |config: &mut Config| {
            mail_to(config, smtp.port);
            config.email.server = format!("smtp://localhost:{}", smtp.port).try_into().unwrap();
            config.email.starttls = serde_json::from_value(json!("required")).unwrap();
            config.email.root_certificates = certificate.clone();
        };
        let t = Test::start_with(t.engine, required).await;
        t.only("refund").await;
        t.refund_of("one").await;
        t.send_email().await;
        assert_eq!((smtp.take().len(), t.newest_email().await), (0, json!(["pending", 1, "starttls_missing"])));
        // Answers in the clear do not count under TLS.
        smtp.set(SmtpManner::Starttls("250-injected\r\n250 8BITMIME\r\n"));
        t.advance(60);
        t.send_email().await;
        assert_eq!((smtp.take().len(), t.newest_email().await), (0, json!(["pending", 2, "connection_failed"])));
        smtp.set(SmtpManner::Starttls(""));
        t.advance(300);
        t.send_email().await;
        assert_eq!((smtp.take().len(), t.newest_email().await), (1, json!(["sent", 3, null])));
    }

    async fn stored_names_cannot_add_headers(t) {
        let smtp = SmtpServer::start().await;
        let t = Test::with_email(t.engine, &smtp).await;
        t.only("subscription_canceled").await;
        let branding = Request::new("PUT", "/v1/branding").json(&json!({ "name": "Shop" }));
        t.call(branding.key(&t.key)).await.expect(200);
        let plan = t.plan(crate::support::monthly("pro", crate::support::flat(1_000))).await;
        t.payer("one").await;
        let subscription = t.buy("one", &plan, 1).await;
        t.of_subscription(&subscription, "cancel", json!({ "mode": "now" })).await.expect(200);
        t.send_email().await;
        smtp.take();
        let id = t.call(get("/v1/emails").key(&t.key)).await.expect(200).json()["data"][0]["id"].clone();
        let path = format!("/v1/emails/{}/resend", id.as_str().unwrap());
        let attack = "Eve\r\nBcc: v@example.com\r\n\r\n<script>alert(1)</script>\r\n.\r\nMAIL FROM:<v@example.com>";
        for name in [attack, "Eve\nBcc: v@example.com", "=?utf-8?q?Eve=0D=0ABcc:_v@example.com?=", "Eve\u{85}\u{2028}Bcc: v@example.com\u{202e}"] {
            for statement in [&NAME_CUSTOMER, &NAME_SHOP, &NAME_PLAN] {
                t.rename(statement, name).await;
            }
            t.call(post(&path, &json!({})).key(&t.key)).await.expect(201);
            t.send_email().await;
            let mails = smtp.take();
            assert_eq!((mails.len(), mails[0].to.as_str()), (1, "a@example.com"), "{mails:?}");
            let (head, body) = mails[0].text.split_once("\n\n").unwrap();
            let unfolded = head.replace("\n ", " ").replace("\n\t", " ");
            let mut names: Vec<&str> = unfolded.lines().map(|line| line.split(':').next().unwrap()).collect();
            names.sort_unstable();
            assert_eq!(names, ["Content-Type", "Date", "From", "MIME-Version", "Message-ID", "Subject", "To"], "{head}");
            let html = String::from_utf8(mails[0].part("text/html")).unwrap();
            assert!(!html.contains("<script>") && body.starts_with("--texts-"), "{body}");
        }
    }
}

/// Two nodes empty one outbox of 200 e-mails, each of which is received once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_share_an_outbox_without_duplicates() {
    let smtp = SmtpServer::start().await;
    let one = Test::with_email(Engine::Postgres, &smtp).await;
    let two = one.another_mailing_node(&smtp).await;
    one.only("refund").await;
    one.refund_of("one").await;
    one.send_email().await;
    smtp.take();
    let first = one.call(get("/v1/emails").key(&one.key)).await.expect(200).json();
    let path = format!("/v1/emails/{}/resend", first["data"][0]["id"].as_str().unwrap());
    let mut expected = BTreeSet::new();
    for _ in 0..10 {
        let resend = || one.call(post(&path, &json!({})).key(&one.key));
        for made in join_all((0..20).map(|_| resend())).await {
            expected.insert(format!("<{}@shop.example>", made.expect(201).text("id")));
        }
    }
    join_all([&one, &two, &one, &two].map(Test::send_email)).await;
    let mut received = BTreeMap::new();
    for mail in smtp.take() {
        *received.entry(mail.header("message-id").unwrap()).or_insert(0) += 1;
    }
    assert_eq!(received.len(), 200);
    assert!(
        received.iter().all(|(id, times)| *times == 1 && expected.contains(id)),
        "{received:?}"
    );
}
