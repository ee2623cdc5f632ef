//! E-mail to customers through SMTP servers with good and bad manners.

use crate::on_both_stores;
use crate::support::{
    Engine, Folder, Manner, Place, Receiver, Request, SmtpManner, SmtpServer, Test, deliver_here,
    flat, get, mail_to, monthly, new_invoice, patch, post, refused,
};
use futures_util::future::join_all;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;
use unitpay::testing::base::CollectionMethod;
use unitpay::testing::invoices::NewInvoice;
use unitpay::testing::jobs;

impl Test {
    async fn emails(&self, query: &str) -> Vec<Value> {
        let list = self.call(get(format!("/v1/emails?limit=100&{query}")).key(&self.key)).await;
        list.expect(200).json()["data"].as_array().unwrap().clone()
    }

    /// Creates a customer with an address, a language and a paid invoice.
    async fn payer_of_one(&self, name: &str, locale: &str) -> String {
        let body = json!({ "name": name, "email": format!("{name}@example.com"), "externalId": name, "locale": locale });
        let made = self.call(post("/v1/customers", &body).key(&self.key)).await.expect(201);
        self.card(name, "pm_sandbox_visa").await;
        self.pay(&self.bill(name, 1_234).await, json!({})).await.expect(200);
        made.text("id")
    }

    async fn brand(&self, branding: Value) {
        let put = Request::new("PUT", "/v1/branding").json(&branding).key(&self.key);
        self.call(put).await.expect(200);
    }

    async fn resend(&self, id: &Value) -> Value {
        let path = format!("/v1/emails/{}/resend", id.as_str().unwrap());
        self.call(post(path, &json!({})).key(&self.key)).await.expect(201).json()
    }
}

/// Kind, status, attempts and error.
fn state(email: &Value) -> Value {
    json!([email["kind"], email["status"], email["attempts"], email["error"]])
}

on_both_stores! {
    async fn receipt_is_sent_once_with_the_invoice_attached(t) {
        let smtp = SmtpServer::start().await;
        let t = Test::with_email(t.engine, &smtp).await;
        t.brand(json!({ "name": "Söhne & Co", "supportEmail": "help@shop.example", "accentColor": "#aa0000" })).await;
        let customer = t.payer_of_one("ada", "de-DE").await;
        t.send_email().await;
        t.send_email().await;
        let mails = smtp.take();
        assert_eq!(mails.len(), 1, "{mails:?}");
        let mail = &mails[0];
        assert_eq!(mail.to, "ada@example.com");
        assert_eq!(mail.header("reply-to").unwrap(), "help@shop.example");
        assert!(mail.header("from").unwrap().ends_with("<billing@shop.example>"));
        assert_eq!(mail.header("date").unwrap(), "Tue, 01 Jan 2030 00:00:00 +0000");
        assert!(mail.text.contains("filename=\"INV-000001.pdf\""), "{}", mail.text);
        assert!(mail.part("application/pdf").starts_with(b"%PDF-"));
        let text = String::from_utf8(mail.part("text/plain")).unwrap();
        for part in ["Guten Tag ada,", "Rechnung: INV-000001", "Betrag: 12,34\u{a0}US$", "Bezahlt am: 01.01.2030", "help@shop.example", "Söhne & Co"] {
            assert!(text.contains(part), "{part}: {text}");
        }
        let html = String::from_utf8(mail.part("text/html")).unwrap();
        for part in ["lang=\"de-DE\" dir=\"ltr\"", "#aa0000", "Söhne &amp; Co"] {
            assert!(html.contains(part), "{part}: {html}");
        }
        let list = t.emails(&format!("customerId={customer}")).await;
        let sent = json!({
            "id": list[0]["id"], "customerId": customer, "kind": "receipt", "objectId": list[0]["objectId"],
            "status": "sent", "to": "ada@example.com", "attempts": 1, "nextAttemptAt": null, "error": null,
            "sentAt": "2030-01-01T00:00:00.000Z", "createdAt": "2030-01-01T00:00:00.000Z",
        });
        assert_eq!((list.len(), &list[0]), (1, &sent));
        let id = sent["id"].as_str().unwrap();
        assert_eq!(mail.header("message-id").unwrap(), format!("<{id}@shop.example>"));
        assert_eq!(t.emails("customerId=ada").await, list);
    }

    async fn folder_takes_messages_in_place_of_a_server(t) {
        let folder = Folder::make();
        let outbox = folder.0.join("out/box");
        let t = Test::start_with(t.engine, |config| {
            config.email.folder.clone_from(&outbox);
            config.email.sender = "billing@shop.example".to_owned().try_into().unwrap();
            config.email.sandbox = true;
        });
        let t = t.await;
        let customer = t.payer_of_one("ada", "en").await;
        t.send_email().await;
        let sent = t.emails(&format!("customerId={customer}")).await;
        assert_eq!(state(&sent[0]), json!(["receipt", "sent", 1, null]));
        let file = outbox.join(format!("{}.eml", sent[0]["id"].as_str().unwrap()));
        let message = std::fs::read_to_string(&file).unwrap();
        for part in ["To: ada <ada@example.com>", "filename=\"INV-000001.pdf\"", "From: "] {
            assert!(message.contains(part), "{part}: {message}");
        }
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(&outbox).unwrap().count(), 1);
        // A folder that cannot be written to loses nothing.
        std::fs::remove_dir_all(folder.0.join("out")).unwrap();
        std::fs::write(folder.0.join("out"), "").unwrap();
        t.resend(&sent[0]["id"]).await;
        t.send_email().await;
        let waits = t.emails(&format!("customerId={customer}")).await;
        assert_eq!(state(&waits[0]), json!(["receipt", "pending", 1, "folder_failed"]));
    }

    async fn resent_email_is_a_new_one_to_the_present_address(t) {
        let smtp = SmtpServer::start().await;
        let t = Test::with_email(t.engine, &smtp).await;
        t.payer_of_one("ada", "ar").await;
        t.send_email().await;
        let first = smtp.take();
        let html = String::from_utf8(first[0].part("text/html")).unwrap();
        assert!(html.contains("lang=\"ar\" dir=\"rtl\""), "{html}");
        let id = t.emails("").await[0]["id"].clone();
        let new = json!({ "email": "lovelace@example.com" });
        t.call(patch("/v1/customers/ada", &new).key(&t.key)).await.expect(200);
        let path = format!("/v1/emails/{}/resend", id.as_str().unwrap());
        let once = || post(&path, &json!({})).key(&t.key).header("idempotency-key", "k");
        let again = t.call(once()).await.expect(201).json();
        assert_eq!(t.call(once()).await.expect(201).json(), again);
        assert_eq!(state(&again), json!(["receipt", "pending", 0, null]));
        t.send_email().await;
        let second = smtp.take();
        assert_eq!((second.len(), second[0].to.as_str()), (1, "lovelace@example.com"));
        assert_ne!(second[0].header("message-id"), first[0].header("message-id"));
        let missing = post("/v1/emails/eml_01kwgt3qt8f689ez1ekre217xw/resend", &json!({}));
        t.call(missing.key(&t.key)).await.refused(404, "not_found");
    }

    async fn each_kind_is_sent_for_its_event_only(t) {
        let smtp = SmtpServer::start().await;
        let t = Test::with_email(t.engine, &smtp).await;
        let plan = t.plan(monthly("pro", flat(1_000))).await;
        t.payer("one").await;
        let subscription = t.buy("one", &plan, 1).await;
        let invoice = t.invoices_of("one").await[0]["id"].as_str().unwrap().to_owned();
        let note = json!({ "amount": 400, "reason": "other", "refundAmount": 400 });
        t.note(&invoice, note).await.expect(201);
        // The customer saw this decline in the form.
        let open = t.bill("one", 500).await;
        let card = t.card("one", "pm_sandbox_declined").await;
        t.pay(&open, json!({ "paymentMethodId": card })).await.refused(402, "payment_declined");
        t.send_email().await;
        let kinds = async || -> BTreeSet<String> {
            t.emails("").await.iter().map(|one| one["kind"].as_str().unwrap().to_owned()).collect()
        };
        assert_eq!(kinds().await, ["receipt", "refund"].map(str::to_owned).into());
        let refund = smtp.take().into_iter().find(|mail| !mail.text.contains("application/pdf")).unwrap();
        let text = String::from_utf8(refund.part("text/plain")).unwrap();
        assert!(text.contains("Charged: $10.00\nRefunded in total: $4.00\n"), "{text}");
        // Of a renewal, nobody saw it.
        let default = post(format!("/v1/payment-methods/{card}/default"), &json!({}));
        t.call(default.key(&t.key)).await.expect(200);
        t.clock_to("2030-02-01T00:00:00Z").await;
        t.send_email().await;
        let mail = smtp.take().into_iter().find(|mail| mail.header("subject").unwrap().contains("failed")).unwrap();
        let text = String::from_utf8(mail.part("text/plain")).unwrap();
        assert!(text.contains("Amount: $10.00\nNext attempt: "), "{text}");
        t.of_subscription(&subscription, "cancel", json!({ "mode": "now" })).await;
        let sent = NewInvoice { collection_method: CollectionMethod::SendInvoice, ..new_invoice(&[700]) };
        t.issue(t.tenant, t.customer_no("one").await, sent).await.unwrap().unwrap();
        t.send_email().await;
        let all = ["invoice", "payment_failed", "receipt", "refund", "subscription_canceled"];
        assert_eq!(kinds().await, all.map(str::to_owned).into());
        assert!(t.emails("").await.iter().all(|one| one["status"] == "sent"));
        let due = smtp.take().into_iter().find(|mail| mail.text.contains("application/pdf")).unwrap();
        let text = String::from_utf8(due.part("text/plain")).unwrap();
        assert!(text.contains("Amount due: $7.00\nDue on: "), "{text}");
    }

    async fn email_is_retried_until_the_attempts_end(t) {
        let smtp = SmtpServer::start().await;
        let t = Test::with_email(t.engine, &smtp).await;
        t.payer_of_one("ada", "en").await;
        let manners = [
            (SmtpManner::Hang, "timed_out", 60),
            (SmtpManner::CloseAt("RCPT"), "connection_failed", 300),
            (SmtpManner::AnswerMessage("452 later"), "452", 1_800),
            // These say nothing about the recipient.
            (SmtpManner::AnswerSender("550 unknown sender"), "550", 7_200),
            (SmtpManner::AnswerRecipient("ada@", "550 5.7.1 relaying denied"), "550", 21_600),
            (SmtpManner::AnswerRecipient("ada@", "552 mailbox full"), "552", 43_200),
        ];
        for (at, (manner, error, wait)) in manners.into_iter().enumerate() {
            smtp.set(manner);
            t.send_email().await;
            let expected = json!(["receipt", "pending", at + 1, error]);
            assert_eq!(state(&t.emails("").await[0]), expected);
            t.advance(wait - 1);
            t.send_email().await;
            assert_eq!(state(&t.emails("").await[0]), expected);
            t.advance(1);
        }
        let id = t.emails("").await[0]["id"].clone();
        t.send_email().await;
        assert_eq!(state(&t.emails("").await[0]), json!(["receipt", "failed", 7, "552"]));
        smtp.set(SmtpManner::Accept);
        t.advance(86_400);
        t.send_email().await;
        assert_eq!(smtp.take().len(), 0);
        t.resend(&id).await;
        t.send_email().await;
        assert_eq!((smtp.take().len(), state(&t.emails("").await[0])), (1, json!(["receipt", "sent", 1, null])));
    }

    async fn refused_address_is_paused_until_a_resend(t) {
        let smtp = SmtpServer::start().await;
        let t = Test::with_email(t.engine, &smtp).await;
        smtp.set(SmtpManner::AnswerRecipient("ada@example.com", "550 5.1.1 <ada@example.com> unknown"));
        t.payer_of_one("ada", "en").await;
        t.payer_of_one("bob", "en").await;
        t.send_email().await;
        let mails = smtp.take();
        assert_eq!((mails.len(), mails[0].to.as_str()), (1, "bob@example.com"));
        let first = t.emails("customerId=ada").await[0].clone();
        assert_eq!(state(&first), json!(["receipt", "failed", 1, "550"]));
        let audit = t.call(get("/v1/audit-events?customerId=ada&limit=1").key(&t.key)).await.expect(200);
        let last = audit.json()["data"][0].clone();
        assert_eq!((&last["action"], &last["targetId"]), (&json!("email.address_paused"), &first["id"]));
        assert!(!last.to_string().contains('@'), "{last}");
        // The address is not tried again, although the server would accept it now.
        smtp.set(SmtpManner::Accept);
        t.pay(&t.bill("ada", 500).await, json!({})).await.expect(200);
        t.send_email().await;
        assert_eq!((smtp.take().len(), state(&t.emails("customerId=ada").await[0])), (0, json!(["receipt", "paused", 0, null])));
        t.resend(&first["id"]).await;
        t.send_email().await;
        assert_eq!(smtp.take().len(), 1);
        // A refused message does not pause the address.
        smtp.set(SmtpManner::AnswerMessage("554 not this"));
        t.pay(&t.bill("bob", 500).await, json!({})).await.expect(200);
        t.send_email().await;
        assert_eq!(state(&t.emails("customerId=bob").await[0]), json!(["receipt", "failed", 1, "554"]));
        smtp.set(SmtpManner::Accept);
        t.pay(&t.bill("bob", 500).await, json!({})).await.expect(200);
        t.send_email().await;
        assert_eq!(smtp.take().len(), 1);
    }

    async fn names_cannot_add_headers_or_markup(t) {
        let smtp = SmtpServer::start().await;
        let t = Test::with_email(t.engine, &smtp).await;
        t.brand(json!({ "name": "Shop\" <evil@example.com>, <b>x</b>" })).await;
        t.payer_of_one("ada", "en").await;
        t.send_email().await;
        let id = t.emails("").await[0]["id"].clone();
        smtp.take();
        let line_break = json!({ "name": "Eve\r\nBcc: victim@example.com" });
        t.call(patch("/v1/customers/ada", &line_break).key(&t.key)).await.refused(422, "validation_failed");
        for name in ["Eve, victim@example.com", "=?utf-8?q?x=0D=0ABcc:_v?=", "Eve\u{2028}Bcc: v@example.com", "<script>{seller}"] {
            t.call(patch("/v1/customers/ada", &json!({ "name": name })).key(&t.key)).await.expect(200);
            t.resend(&id).await;
            t.send_email().await;
            let mails = smtp.take();
            assert_eq!((mails.len(), mails[0].to.as_str()), (1, "ada@example.com"));
            let mail = &mails[0];
            assert_eq!(mail.header("bcc"), None);
            assert!(mail.header("from").unwrap().ends_with("<billing@shop.example>"));
            assert!(mail.header("to").unwrap().ends_with("<ada@example.com>"));
            let html = String::from_utf8(mail.part("text/html")).unwrap();
            assert!(!html.contains("<script>") && !html.contains("<b>"), "{html}");
            let text = String::from_utf8(mail.part("text/plain")).unwrap();
            assert!(text.starts_with(&format!("Hello {name},")), "{text}");
        }
    }

    async fn settings_choose_sender_reply_address_and_kinds(t) {
        let smtp = SmtpServer::start().await;
        let t = Test::start_with(t.engine, |config| {
            mail_to(config, smtp.port);
            config.email.sender_domains = vec!["acme.example".to_owned().try_into().unwrap()];
        })
        .await;
        let put = async |body: Value| {
            t.call(Request::new("PUT", "/v1/email-settings").json(&body).key(&t.key)).await
        };
        let read = async || t.call(get("/v1/email-settings").key(&t.key)).await.expect(200).json();
        let default = json!({ "sender": null, "replyTo": null, "alertsTo": null, "disabledKinds": [], "updatedAt": null });
        assert_eq!(read().await, default);
        for (body, param) in [
            (json!({ "sender": "billing@bank.example" }), "sender"),
            (json!({ "sender": "billing@evil.acme.example" }), "sender"),
            (json!({ "sender": "a@shop.example\r\nBcc: v@example.com" }), "sender"),
            (json!({ "replyTo": "nobody" }), "replyTo"),
            (json!({ "alertsTo": "ops@acme.example, all@acme.example" }), "alertsTo"),
            (json!({ "disabledKinds": ["news"] }), "disabledKinds"),
        ] {
            let refused = put(body.clone()).await.refused(422, "validation_failed").json();
            assert_eq!(refused["errors"][0]["param"], param, "{body}");
        }
        assert_eq!(read().await, default);
        let new = json!({ "sender": "Billing@ACME.example", "replyTo": "help@acme.example", "disabledKinds": ["refund", "invoice", "refund"] });
        let stored = put(new).await.expect(200).json();
        assert_eq!((&stored["disabledKinds"], read().await), (&json!(["invoice", "refund"]), stored.clone()));
        t.brand(json!({ "name": "Acme", "supportEmail": "support@acme.example" })).await;
        t.payer_of_one("ada", "en").await;
        let sent = NewInvoice { collection_method: CollectionMethod::SendInvoice, ..new_invoice(&[700]) };
        t.issue(t.tenant, t.customer_no("ada").await, sent).await.unwrap().unwrap();
        t.send_email().await;
        let mails = smtp.take();
        assert_eq!(mails.len(), 1, "{mails:?}");
        assert_eq!(mails[0].header("from").unwrap(), "Acme <Billing@ACME.example>");
        assert_eq!(mails[0].header("reply-to").unwrap(), "help@acme.example");
        put(json!({})).await.expect(200);
        let id = t.emails("").await[0]["id"].clone();
        t.resend(&id).await;
        t.send_email().await;
        let mails = smtp.take();
        assert_eq!(mails[0].header("from").unwrap(), "Acme <billing@shop.example>");
        assert_eq!(mails[0].header("reply-to").unwrap(), "support@acme.example");
    }

    async fn customer_hears_of_an_expiring_default_card_and_low_credits(t) {
        let smtp = SmtpServer::start().await;
        let t = Test::with_email(t.engine, &smtp).await;
        let shop = t.shop().await;
        t.subscriber(&shop, "one").await;
        // A unit costs 1.5 credits.
        t.promote(&shop, 100).await;
        t.use_up("generate", "a", 61).await;
        t.send_email().await;
        let mails = smtp.take();
        assert_eq!((mails.len(), &t.emails("").await[0]["objectId"]), (1, &t.wallet("one").await["id"]), "{mails:?}");
        assert_eq!(mails[0].header("subject").unwrap(), "Your Credits are running low");
        for token in ["pm_sandbox_visa", "pm_sandbox_mastercard"] {
            t.card("one", token).await;
        }
        t.cards_expire(1, 2030).await;
        t.advance(86_400);
        jobs::announce(&t.app).await.unwrap();
        t.send_email().await;
        let mails = smtp.take();
        assert_eq!(mails.len(), 1, "{mails:?}");
        let text = String::from_utf8(mails[0].part("text/plain")).unwrap();
        assert!(text.contains("Card: Visa •••• 4242\nValid until: 01/2030\n"), "{text}");
    }

    async fn organization_hears_of_a_disabled_endpoint(t) {
        let smtp = SmtpServer::start().await;
        let t = Test::start_with(t.engine, |config| {
            mail_to(config, smtp.port);
            deliver_here(config);
        })
        .await;
        t.brand(json!({ "name": "Acme" })).await;
        let receiver = Receiver::start(Manner::Status(503)).await;
        let settings = json!({ "alertsTo": "ops@acme.example" });
        let put = Request::new("PUT", "/v1/email-settings").json(&settings).key(&t.key);
        t.call(put).await.expect(200);
        let body = json!({ "url": receiver.url.replace("?a=1", "?token=hunter2"), "types": ["customer.created"] });
        let id = t.call(post("/v1/webhook-endpoints", &body).key(&t.key)).await.expect(201).text("id");
        t.customer("one").await;
        t.deliver().await;
        t.advance(5 * 86_400);
        t.customer("two").await;
        t.deliver().await;
        t.deliver().await;
        t.send_email().await;
        let mails = smtp.take();
        assert_eq!(mails.len(), 1, "{mails:?}");
        assert_eq!(mails[0].header("to").unwrap(), "ops@acme.example");
        assert_eq!(mails[0].header("subject").unwrap(), "A webhook endpoint of Acme was disabled");
        let text = String::from_utf8(mails[0].part("text/plain")).unwrap();
        for part in [
            "Hello Acme,".to_owned(),
            format!("Endpoint: {}\n", receiver.url.replace("?a=1", "")),
            "Environment: sandbox\nFailing since: 2030-01-01T00:00:00.000Z\nLast error: 503\n".to_owned(),
            format!("PATCH /v1/webhook-endpoints/{id} {{\"enabled\":true}}\n"),
            format!("POST /v1/webhook-endpoints/{id}/recover {{\"since\":\"2030-01-01T00:00:00.000Z\"}}\n"),
        ] {
            assert!(text.contains(&part), "{part}: {text}");
        }
        assert!(!mails[0].text.contains("hunter2"));
        let email = t.emails("").await[0].clone();
        assert_eq!((&email["customerId"], &email["objectId"]), (&Value::Null, &json!(id)));
        // The requests do what they promise.
        let enable = patch(format!("/v1/webhook-endpoints/{id}"), &json!({ "enabled": true }));
        t.call(enable.key(&t.key)).await.expect(200);
        t.resend(&email["id"]).await;
        t.send_email().await;
        assert_eq!((smtp.take().len(), state(&t.emails("").await[0])), (0, json!(["endpoint_disabled", "failed", 1, "notice_outdated"])));
        let since = json!({ "since": "2030-01-01T00:00:00.000Z" });
        let recover = post(format!("/v1/webhook-endpoints/{id}/recover"), &since);
        t.call(recover.key(&t.key)).await.expect(200);
    }

    async fn nobody_hears_of_an_endpoint_without_an_address(t) {
        let smtp = SmtpServer::start().await;
        let t = Test::start_with(t.engine, |config| {
            mail_to(config, smtp.port);
            deliver_here(config);
        })
        .await;
        let receiver = Receiver::start(Manner::Status(503)).await;
        let (id, _) = t.endpoint(&receiver).await;
        t.customer("one").await;
        t.deliver().await;
        t.advance(5 * 86_400);
        t.customer("two").await;
        t.deliver().await;
        t.send_email().await;
        assert_eq!((smtp.take().len(), t.emails("").await.len()), (0, 0));
        let list = t.call(get("/v1/events?type=webhook_endpoint.disabled").key(&t.key)).await.expect(200).json();
        let object = &list["data"][0]["data"]["object"];
        assert_eq!((&object["id"], &object["enabled"]), (&json!(id), &json!(false)));
    }

    async fn nothing_is_queued_without_a_server(t) {
        t.payer_of_one("ada", "en").await;
        t.send_email().await;
        assert_eq!(t.emails("").await, Vec::<Value>::new());
    }

    async fn email_is_deleted_after_its_retention(t) {
        let smtp = SmtpServer::start().await;
        let t = Test::with_email(t.engine, &smtp).await;
        t.payer_of_one("ada", "en").await;
        t.send_email().await;
        t.advance(30 * 86_400);
        jobs::sweep(&t.app).await.unwrap();
        assert_eq!(t.emails("").await.len(), 1);
        t.advance(1);
        jobs::sweep(&t.app).await.unwrap();
        assert_eq!(t.emails("").await.len(), 0);
    }
}

/// Two nodes that look at the same time send each e-mail once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_send_each_email_once() {
    let smtp = SmtpServer::start().await;
    let one = Test::with_email(Engine::Postgres, &smtp).await;
    let two = one.another_mailing_node(&smtp).await;
    let names: Vec<String> = (0..12).map(|n| format!("c{n:02}")).collect();
    for name in &names {
        one.payer_of_one(name, "en").await;
    }
    join_all([&one, &two, &one, &two].map(Test::send_email)).await;
    let mut to: Vec<String> = smtp.take().into_iter().map(|mail| mail.to).collect();
    to.sort();
    let expected: Vec<String> = names.iter().map(|name| format!("{name}@example.com")).collect();
    assert_eq!(to, expected);
}

#[tokio::test]
async fn email_configuration_is_checked_at_the_start() {
    let place = Place::new(Engine::Sqlite).await;
    let serve = |variables: &[(&str, &str)]| {
        let mut command = place.command(&["serve", "--listen", "127.0.0.1:0"]);
        for (name, value) in variables {
            command.env(format!("UNITPAY_EMAIL_{name}"), value);
        }
        refused(&mut command)
    };
    let (server, sender) = (("SERVER", "smtp://mail.example"), ("SENDER", "b@shop.example"));
    for (variables, word) in [
        (&[("SERVER", "mail.example")][..], "smtp://host:port"),
        (&[("SERVER", "smtp://user:hunter2@mail.example")], "without credentials"),
        (&[server], "email.sender"),
        (&[server, ("SENDER", "nobody")], "sender"),
        (&[server, ("SENDER", "büro@shop.example")], "ASCII"),
        (
            &[server, sender, ("STARTTLS", "off"), ("USER", "u"), ("PASSWORD", "hunter2")],
            "email.user needs TLS",
        ),
        (&[server, sender, ("ROOT_CERTIFICATES", "/nowhere.pem")], "email.root_certificates"),
        (&[server, sender, ("TIMEOUT_SECONDS", "61")], "at most 60"),
    ] {
        let said = serve(variables);
        assert!(said.contains(word) && !said.contains("hunter2"), "{variables:?}: {said}");
    }
}
