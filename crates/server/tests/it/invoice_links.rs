//! Links in e-mails that open one invoice.

use crate::on_both_stores;
use crate::support::{Answer, Mail, Request, SmtpServer, Test, get, mail_to, new_invoice, post};
use futures_util::future::join_all;
use serde_json::{Value, json};
use unitpay::testing::base::{CollectionMethod, Secret};
use unitpay::testing::customers::{self, CustomerRef};
use unitpay::testing::invoices::NewInvoice;
use unitpay::testing::keys::KeyScopes;
use unitpay::testing::signing::InvoiceLink;

const ISSUER: &str = "https://billing.example.com";
const EXCHANGE: &str = "/v1/portal-sessions/exchange";
const SEND: &str = "/v1/portal-sessions/exchange/link";
const DAY: u64 = 86_400;

fn from_page(path: &str, body: &Value) -> Request {
    post(path, body).header("origin", ISSUER).header("sec-fetch-site", "same-origin")
}

/// Returns the code of the link in an e-mail, if it has one.
fn code_in(mail: &Mail) -> Option<String> {
    let text = String::from_utf8(mail.part("text/plain")).unwrap();
    let start = format!("{ISSUER}/portal#");
    text.lines().find_map(|line| line.strip_prefix(&start)).map(str::to_owned)
}

/// A refusal without what differs between any two.
fn comparable(answer: &Answer) -> (u16, Value) {
    let mut body = answer.json();
    body.as_object_mut().unwrap().remove("requestId");
    (answer.status, body)
}

impl Test {
    /// Returns the code of a link to an invoice that is sent now.
    pub async fn invoice_link(&self, customer: &str, invoice: &str) -> String {
        let reference: CustomerRef = customer.parse().unwrap();
        let mut tx = self.app.db.read().await.unwrap();
        let customer = customers::get(&mut tx, &self.tenant, &reference).await.unwrap().unwrap();
        let link = InvoiceLink {
            invoice_id: invoice.parse().unwrap(),
            tenant_no: self.tenant.no,
            generation: customer.generation,
            sent_at: self.app.clock.now(),
        };
        let url: Secret = self.app.codes.invoice_link_url(&self.app.issuer, &link);
        url.reveal().split_once('#').unwrap().1.to_owned()
    }

    pub async fn open_invoice(&self, code: &str) -> Answer {
        self.call(from_page(EXCHANGE, &json!({ "code": code }))).await
    }

    async fn invoice_token(&self, customer: &str, invoice: &str) -> String {
        let code = self.invoice_link(customer, invoice).await;
        self.open_invoice(&code).await.expect(200).text("token")
    }

    /// Issues an invoice to be paid by transfer, which is e-mailed.
    async fn send_invoice(&self, customer: &str, amount: i64) -> String {
        let sent = NewInvoice {
            collection_method: CollectionMethod::SendInvoice,
            ..new_invoice(&[amount])
        };
        let issued = self.issue(self.tenant, self.customer_no(customer).await, sent).await;
        issued.unwrap().unwrap().id.to_string()
    }

    async fn pay_by_token(&self, token: &str, invoice: &str, body: Value) -> Answer {
        self.call(post(format!("/v1/invoices/{invoice}/pay"), &body).bearer(token)).await
    }

    async fn confirm_by(&self, token: &str, secret: &str) -> Answer {
        let body = json!({ "clientSecret": secret, "outcome": "succeed" });
        self.call(post("/v1/sandbox/forms/confirm", &body).bearer(token)).await
    }

    async fn methods_of(&self, customer: &str) -> Vec<Value> {
        let path = format!("/v1/customers/{customer}/payment-methods");
        self.call(get(path).key(&self.key)).await.expect(200).json()["data"]
            .as_array()
            .unwrap()
            .clone()
    }
}

on_both_stores! {
    async fn link_in_an_email_opens_its_invoice(t) {
        let smtp = SmtpServer::start().await;
        let t = Test::with_email(t.engine, &smtp).await;
        let body = json!({ "name": "Ada", "email": "ada@example.com", "externalId": "ada", "locale": "de" });
        let customer = t.call(post("/v1/customers", &body).key(&t.key)).await.expect(201).text("id");
        let invoice = t.send_invoice("ada", 700).await;
        t.send_email().await;
        let mail = smtp.take().pop().unwrap();
        let code = code_in(&mail).unwrap();
        assert!(mail.text.contains("Rechnung ansehen und bezahlen") || String::from_utf8(mail.part("text/plain")).unwrap().contains("Rechnung ansehen und bezahlen:"));
        assert!(String::from_utf8(mail.part("text/html")).unwrap().contains(&format!("href=\"{ISSUER}/portal#{code}\"")));
        t.advance(29 * DAY);
        let opened = t.open_invoice(&code).await.expect(200);
        let (token, sid) = (opened.text("token"), opened.text("jti"));
        let paths: Vec<String> = opened.json()["initialData"].as_object().unwrap().keys().cloned().collect();
        assert_eq!(paths, ["/branding".to_owned(), format!("/invoices/{invoice}"), "/portal-sessions/current".to_owned()]);
        let current = t.read(&token).await.expect(200).json();
        assert_eq!((&current["scopes"], &current["customer"], &current["session"]["invoiceId"], &current["session"]["locale"]), (&json!([]), &Value::Null, &json!(invoice), &json!("de")));
        let read = t.call(get(format!("/v1/invoices/{invoice}")).bearer(&token)).await.expect(200).json();
        assert_eq!((&read["amountDue"], read.get("metadata")), (&json!(700), None));
        let document = t.call(get(format!("/v1/invoices/{invoice}/pdf")).bearer(&token)).await.expect(200);
        assert!(document.body.starts_with(b"%PDF-"));
        // It is listed, audited and described like any other session.
        let listed = t.sessions("?limit=1").await[0].clone();
        assert_eq!((&listed["id"], &listed["origin"], &listed["invoiceId"], &listed["scopes"]), (&json!(sid), &json!("invoice_link"), &json!(invoice), &json!([])));
        assert_eq!((&listed["createdByKeyId"], &listed["allowedOrigins"], &listed["status"]), (&Value::Null, &json!([ISSUER]), &json!("active")));
        assert_eq!((&listed["expiresAt"], &listed["absoluteExpiresAt"]), (&json!("2030-01-30T00:15:00.000Z"), &json!("2030-01-30T01:00:00.000Z")));
        let audit = t.call(get("/v1/audit-events?customerId=ada&limit=1").key(&t.key)).await.expect(200).json()["data"][0].clone();
        assert_eq!((&audit["action"], &audit["targetId"]), (&json!("portal_session.created"), &json!(sid)));
        assert_eq!(audit["detail"], json!({ "origin": "invoice_link", "invoiceId": invoice }));
        // Other services do not take it for the customer.
        let introspected = t.call(post("/v1/portal-sessions/introspect", &json!({ "token": token })).key(&t.key)).await.expect(200).json();
        assert_eq!((introspected, listed["customerId"].as_str()), (json!({ "active": false }), Some(customer.as_str())));
        // It opens again, on another node too, and for a reload by the cookie of the browser.
        let node = t.another_mailing_node(&smtp).await;
        assert_ne!(node.open_invoice(&code).await.expect(200).text("jti"), sid);
        let cookie = opened.header("set-cookie").unwrap().split(';').next().unwrap();
        t.call(from_page(EXCHANGE, &json!({ "sid": sid })).header("cookie", cookie)).await.expect(200);
        t.call(post(EXCHANGE, &json!({ "code": code })).header("origin", "https://evil.example")).await.refused(403, "origin_not_allowed");
        t.call(get(format!("/v1/invoices/{invoice}")).bearer(&token).header("origin", "https://evil.example")).await.refused(403, "origin_not_allowed");
    }

    async fn payment_by_link_uses_a_form_and_keeps_no_card(t) {
        let customer = t.customer("ada").await;
        t.card("ada", "pm_sandbox_mastercard").await;
        let card = t.methods_of("ada").await[0]["id"].as_str().unwrap().to_owned();
        let invoice = t.bill("ada", 900).await;
        let code = t.invoice_link("ada", &invoice).await;
        let opened = t.open_invoice(&code).await.expect(200);
        let (token, sid) = (opened.text("token"), opened.text("jti"));
        // The saved card is not charged, not even by name.
        t.pay_by_token(&token, &invoice, json!({ "paymentMethodId": card })).await.refused(404, "not_found");
        t.pay_by_token(&token, &invoice, json!({ "paymentMethodId": "pm_01kwgt3qt8f689ez1ekre217xv" })).await.refused(404, "not_found");
        let asked = t.pay_by_token(&token, &invoice, json!({})).await.expect(200).json();
        assert_eq!((&asked["kind"], &asked["reason"], asked.get("subscription")), (&json!("requires_form"), &json!("payment_method_required"), None));
        assert_eq!(t.charges().await, 0);
        let again = t.pay_by_token(&token, &invoice, json!({})).await.expect(200).json();
        assert_eq!(again["paymentAttemptId"], asked["paymentAttemptId"]);
        let attempt = asked["paymentAttemptId"].as_str().unwrap();
        let attempt = get(format!("/v1/payment-attempts/{attempt}"));
        assert_eq!(t.call(attempt.clone().bearer(&token)).await.expect(200).text("status"), "requires_form");
        // Neither forms nor payments of other invoices.
        let setup = t.set_up(&customer).await;
        t.confirm_by(&token, &setup).await.refused(404, "not_found");
        let other = t.bill("ada", 500).await;
        let theirs = t.invoice_token("ada", &other).await;
        let form = t.pay_by_token(&theirs, &other, json!({})).await.expect(200).json();
        t.confirm_by(&token, form["client"]["clientSecret"].as_str().unwrap()).await.refused(404, "not_found");
        t.call(attempt.bearer(&theirs)).await.refused(404, "not_found");
        let secret = asked["client"]["clientSecret"].as_str().unwrap();
        t.confirm_by(&token, secret).await.expect(204);
        let paid = t.invoice(&invoice).await;
        assert_eq!((&paid["status"], paid["payments"].as_array().unwrap().len(), &paid["payments"][0]["last4"]), (&json!("paid"), 1, &json!("4242")));
        assert_eq!((t.methods_of("ada").await.len(), t.charges().await), (1, 1));
        // The session and the link have ended with the debt.
        let refused = t.read(&token).await.refused(401, "session_revoked");
        assert_eq!(refused.text("invoiceStatus"), "paid");
        t.refresh(&token).await.refused(401, "session_revoked");
        let refused = t.open_invoice(&code).await.refused(401, "invalid_code");
        assert_eq!((refused.text("invoiceStatus"), refused.json().get("emailHint")), ("paid".to_owned(), None));
        let cookie = opened.header("set-cookie").unwrap().split(';').next().unwrap();
        let reload = from_page(EXCHANGE, &json!({ "sid": sid })).header("cookie", cookie);
        assert_eq!(t.call(reload).await.refused(401, "session_revoked").text("invoiceStatus"), "paid");
        let listed = t.sessions("?status=revoked").await;
        assert_eq!((listed.len(), &listed[0]["id"], &listed[0]["revokedReason"]), (1, &json!(sid), &json!("invoice_closed")));
        // Unlike a form of the customer's own.
        t.call(Request::new("DELETE", format!("/v1/payment-methods/{card}")).key(&t.key)).await.expect(204);
        let full = t.pay(&other, json!({})).await.expect(200).json();
        assert_ne!(full["paymentAttemptId"], form["paymentAttemptId"]);
        t.fill_in(full["client"]["clientSecret"].as_str().unwrap(), "succeed").await.expect(204);
        assert_eq!(t.methods_of("ada").await.len(), 1);
    }

    async fn concurrent_payments_by_links_charge_once(t) {
        t.customer("ada").await;
        let invoice = t.bill("ada", 900).await;
        let tokens = join_all((0..4).map(|_| t.invoice_token("ada", &invoice))).await;
        let asked = join_all(tokens.iter().map(|token| t.pay_by_token(token, &invoice, json!({})))).await;
        assert!(asked.iter().all(|answer| [200, 409].contains(&answer.status)), "{asked:?}");
        let form = t.pay_by_token(&tokens[0], &invoice, json!({})).await.expect(200).json();
        let secret = form["client"]["clientSecret"].as_str().unwrap();
        join_all(tokens.iter().map(|token| t.confirm_by(token, secret))).await;
        assert_eq!((t.charges().await, t.invoice(&invoice).await["status"].clone()), (1, json!("paid")));
    }

    async fn void_invoice_ends_its_links(t) {
        t.customer("ada").await;
        let invoice = t.bill("ada", 900).await;
        let code = t.invoice_link("ada", &invoice).await;
        let token = t.open_invoice(&code).await.expect(200).text("token");
        t.call(post(format!("/v1/invoices/{invoice}/void"), &json!({})).key(&t.key)).await.expect(200);
        assert_eq!(t.read(&token).await.refused(401, "session_revoked").text("invoiceStatus"), "void");
        assert_eq!(t.open_invoice(&code).await.refused(401, "invalid_code").text("invoiceStatus"), "void");
    }

    async fn ended_link_looks_like_one_that_was_never_sent(t) {
        let smtp = SmtpServer::start().await;
        let t = Test::with_email(t.engine, &smtp).await;
        t.customer("forged").await;
        let code = t.invoice_link("forged", &t.bill("forged", 900).await).await;
        let forged = t.open_invoice(&format!("{}A", &code[..code.len() - 1])).await;
        let forged = comparable(&forged.refused(401, "invalid_code"));
        for how in ["session", "customer", "archived", "unarchived", "erased", "epoch"] {
            t.customer(how).await;
            let invoice = t.bill(how, 900).await;
            let code = t.invoice_link(how, &invoice).await;
            let opened = t.open_invoice(&code).await.expect(200);
            match how {
                "session" => { t.revoke(json!({ "jti": opened.text("jti") })).await.expect(204); }
                "customer" => { t.revoke(json!({ "customerId": how })).await.expect(204); }
                "erased" => { t.call(post(format!("/v1/customers/{how}/erase"), &json!({})).key(&t.key)).await.expect(200); }
                "epoch" => { t.mint(json!({ "customerId": how, "invalidateExisting": true })).await.expect(201); }
                _ => { t.set_archived(how, "archive").await.expect(200); }
            }
            if how == "unarchived" {
                t.set_archived(how, "unarchive").await.expect(200);
            }
            assert_eq!(t.read(&opened.text("token")).await.status, 401, "{how}");
            assert_eq!(comparable(&t.open_invoice(&code).await), forged, "{how}");
            let sent = t.call(from_page(SEND, &json!({ "code": code }))).await;
            assert_eq!(comparable(&sent), forged, "{how}");
            t.advance(31 * DAY);
            assert_eq!(comparable(&t.open_invoice(&code).await), forged, "{how}");
        }
        // A link that was sent afterwards works, unless the customer is archived.
        t.revoke(json!({ "customerId": "session" })).await.expect(204);
        let invoice = t.bill("session", 900).await;
        let code = t.invoice_link("session", &invoice).await;
        let opened = t.open_invoice(&code).await.expect(200);
        // Signing out ends the session only.
        t.log_out(&opened.text("token")).await.expect(204);
        t.open_invoice(&code).await.expect(200);
        t.suspend(true).await;
        t.open_invoice(&code).await.refused(403, "organization_suspended");
        t.suspend(false).await;
        t.open_invoice(&code).await.expect(200);
        t.send_email().await;
        assert_eq!(smtp.take().len(), 0);
    }

    async fn email_to_an_archived_customer_has_no_link(t) {
        let smtp = SmtpServer::start().await;
        let t = Test::with_email(t.engine, &smtp).await;
        t.customer("ada").await;
        t.send_invoice("ada", 700).await;
        t.set_archived("ada", "archive").await.expect(200);
        t.send_email().await;
        let mails = smtp.take();
        assert_eq!((mails.len(), code_in(&mails[0])), (1, None));
    }

    async fn old_link_sends_a_new_one(t) {
        let smtp = SmtpServer::start().await;
        let t = Test::with_email(t.engine, &smtp).await;
        t.customer("ada").await;
        let invoice = t.bill("ada", 900).await;
        let old = t.invoice_link("ada", &invoice).await;
        // One that works sends none.
        t.call(from_page(SEND, &json!({ "code": old }))).await.refused(401, "invalid_code");
        t.advance(30 * DAY);
        let refused = t.open_invoice(&old).await.refused(401, "invalid_code");
        assert_eq!((refused.text("emailHint"), refused.json()["branding"].is_object()), ("a…@example.com".to_owned(), true));
        let answers = join_all((0..5).map(|_| t.call(from_page(SEND, &json!({ "code": old }))))).await;
        assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 3);
        answers.into_iter().find(|answer| answer.status != 201).unwrap().refused(429, "rate_limited");
        t.send_email().await;
        let mails = smtp.take();
        assert_eq!((mails.len(), mails[0].to.as_str()), (3, "a@example.com"));
        assert_eq!(mails[0].header("subject").unwrap(), "Your link to invoice INV-000001 from UnitPay");
        let new = code_in(&mails[0]).unwrap();
        t.open_invoice(&new).await.expect(200);
        t.open_invoice(&old).await.refused(401, "invalid_code");
        let listed = t.call(get("/v1/emails?limit=1").key(&t.key)).await.expect(200).json()["data"][0].clone();
        assert_eq!((&listed["kind"], &listed["objectId"], &listed["status"]), (&json!("invoice_link"), &json!(invoice), &json!("sent")));
        let path = format!("/v1/emails/{}/resend", listed["id"].as_str().unwrap());
        t.call(post(path, &json!({})).key(&t.key)).await.refused(409, "conflict");
        // Of what is paid by now none is sent, although it was asked for.
        let next = t.bill("ada", 500).await;
        let late = t.invoice_link("ada", &next).await;
        t.advance(30 * DAY);
        t.call(from_page(SEND, &json!({ "code": late }))).await.expect(201);
        t.card("ada", "pm_sandbox_visa").await;
        t.pay(&next, json!({})).await.expect(200);
        t.send_email().await;
        let subjects: Vec<String> = smtp.take().iter().map(|mail| mail.header("subject").unwrap()).collect();
        assert!(subjects.iter().all(|subject| subject.starts_with("Receipt")), "{subjects:?}");
        // The kind can be turned off.
        let settings = Request::new("PUT", "/v1/email-settings").json(&json!({ "disabledKinds": ["invoice_link"] }));
        t.call(settings.key(&t.key)).await.expect(200);
        let third = t.bill("ada", 500).await;
        let code = t.invoice_link("ada", &third).await;
        t.advance(30 * DAY);
        assert_eq!(t.open_invoice(&code).await.refused(401, "invalid_code").json().get("emailHint"), None);
        t.call(from_page(SEND, &json!({ "code": code }))).await.refused(404, "not_found");
    }

    async fn failed_charge_is_paid_by_the_link_in_its_email(t) {
        let smtp = SmtpServer::start().await;
        let t = Test::with_email(t.engine, &smtp).await;
        let plan = t.plan(crate::support::monthly("pro", crate::support::flat(1_000))).await;
        t.payer("one").await;
        t.buy("one", &plan, 1).await;
        let card = t.card("one", "pm_sandbox_declined").await;
        let default = post(format!("/v1/payment-methods/{card}/default"), &json!({}));
        t.call(default.key(&t.key)).await.expect(200);
        t.send_email().await;
        smtp.take();
        t.clock_to("2030-02-01T00:00:00Z").await;
        t.send_email().await;
        let mails = smtp.take();
        let mail = mails.iter().find(|mail| mail.header("subject").unwrap().contains("failed")).unwrap();
        let opened = t.open_invoice(&code_in(mail).unwrap()).await.expect(200);
        let token = opened.text("token");
        let invoice = t.sessions("?limit=1").await[0]["invoiceId"].as_str().unwrap().to_owned();
        let form = t.pay_by_token(&token, &invoice, json!({})).await.expect(200).json();
        assert_eq!(form.get("subscription"), None);
        t.confirm_by(&token, form["client"]["clientSecret"].as_str().unwrap()).await.expect(204);
        assert_eq!(t.invoice(&invoice).await["status"], "paid");
        // The declined card stays the default: the holder of a link changes nothing of the customer.
        let methods = t.methods_of("one").await;
        assert_eq!(methods.iter().find(|method| method["isDefault"] == true).unwrap()["id"], json!(card));
    }

    async fn forged_link_opens_nothing(t) {
        t.customer("ada").await;
        t.customer("bob").await;
        let (invoice, other) = (t.bill("ada", 900).await, t.bill("bob", 900).await);
        let code = t.invoice_link("ada", &invoice).await;
        let minted = t.mint(json!({ "customerId": "ada" })).await.expect(201).text("url");
        let of_session = minted.split_once('#').unwrap().1.to_owned();
        let [id, tenant, generation, sent, tag] = code.split('.').collect::<Vec<_>>()[..] else { panic!("{code}") };
        let tag_of_session = of_session.split_once('.').unwrap().1;
        let bad = [
            format!("{other}.{tenant}.{generation}.{sent}.{tag}"),
            format!("{id}.{}.{generation}.{sent}.{tag}", t.tenant.no + 1),
            format!("{id}.{tenant}.1.{sent}.{tag}"),
            format!("{id}.{tenant}.{generation}.9999999999.{tag}"),
            format!("{id}.{tenant}.{generation}.{sent}.{tag_of_session}"),
            format!("{id}.{tag}"),
            format!("{id}.{tenant}.{generation}.{sent}.{tag}."),
            format!("{id}.{tenant}.{generation}.{sent}.{tag}="),
            format!("{id}.{tenant}.{generation}.{sent}."),
            format!("{id}.+{tenant}.{generation}.{sent}.{tag}"),
            format!(" {code}"),
            id.to_owned(),
        ];
        for bad in bad {
            let refused = t.open_invoice(&bad).await.refused(401, "invalid_code").json();
            assert_eq!((refused.get("branding"), refused.get("invoiceStatus")), (None, None), "{bad}");
            t.call(from_page(SEND, &json!({ "code": bad }))).await.refused(401, "invalid_code");
        }
        assert_eq!(t.sessions("").await.len(), 1);
        t.open_invoice(&code).await.expect(200);
    }

    async fn openings_and_forgeries_are_limited(t) {
        let t = Test::start_with(t.engine, |config| config.limits.logins_per_hour = 2).await;
        t.customer("ada").await;
        let (invoice, other) = (t.bill("ada", 900).await, t.bill("ada", 900).await);
        let code = t.invoice_link("ada", &invoice).await;
        for _ in 0..2 {
            t.open_invoice(&code).await.expect(200);
        }
        t.open_invoice(&code).await.refused(429, "rate_limited");
        t.invoice_token("ada", &other).await;
        let t = Test::start_with(t.engine, |config| config.limits.bad_credentials_per_second = 3).await;
        t.customer("ada").await;
        let code = t.invoice_link("ada", &t.bill("ada", 900).await).await;
        let guesses: Vec<String> = (0..20).map(|at| format!("{}{at:02}", &code[..code.len() - 2])).collect();
        let answers = join_all(guesses.iter().map(|guess| t.open_invoice(guess))).await;
        assert!(answers.iter().any(|answer| answer.status == 429), "{answers:?}");
        assert!(answers.iter().all(|answer| [401, 429].contains(&answer.status)), "{answers:?}");
    }

    async fn writes_of_a_link_do_not_use_up_the_customers(t) {
        let t = Test::start_with(t.engine, |config| config.limits.customer_writes_per_day = 2).await;
        let customer = t.customer("ada").await;
        let invoice = t.bill("ada", 900).await;
        let token = t.invoice_token("ada", &invoice).await;
        for _ in 0..2 {
            t.pay_by_token(&token, &invoice, json!({})).await.expect(200);
        }
        t.pay_by_token(&token, &invoice, json!({})).await.refused(429, "rate_limited");
        let token = t.token("ada").await;
        let change = crate::support::patch(format!("/v1/customers/{customer}"), &json!({ "name": "B" }));
        t.call(change.bearer(&token)).await.expect(200);
    }

    async fn session_of_a_link_lives_for_an_hour(t) {
        t.customer("ada").await;
        let invoice = t.bill("ada", 900).await;
        let first = t.invoice_token("ada", &invoice).await;
        let mut token = first.clone();
        for _ in 0..4 {
            t.advance(720);
            token = t.refresh(&token).await.expect(200).text("token");
        }
        // An older token is refused as such, although its scope is for this server only.
        t.read(&first).await.refused(401, "token_expired");
        t.call(get(format!("/v1/invoices/{invoice}")).bearer(&token)).await.expect(200);
        t.advance(720);
        t.refresh(&token).await.refused(401, "token_expired");
    }

    async fn links_can_be_turned_off(t) {
        let smtp = SmtpServer::start().await;
        let t = Test::start_with(t.engine, |config| {
            mail_to(config, smtp.port);
            config.portal.invoice_link_days = 0;
        }).await;
        t.customer("ada").await;
        let invoice = t.send_invoice("ada", 700).await;
        t.send_email().await;
        assert_eq!(code_in(&smtp.take()[0]), None);
        let code = t.invoice_link("ada", &invoice).await;
        t.open_invoice(&code).await.refused(401, "invalid_code");
    }

    async fn link_reaches_nothing_of_another_tenant(t) {
        t.customer("ada").await;
        let invoice = t.bill("ada", 900).await;
        let token = t.invoice_token("ada", &invoice).await;
        let other = t.organization("other").await;
        let key = t.key_of(other, KeyScopes::ALL).await;
        let theirs = t.call(get("/v1/portal-sessions").key(&key)).await.expect(200).json();
        assert_eq!(theirs["data"], json!([]));
        let introspected = t.call(post("/v1/portal-sessions/introspect", &json!({ "token": token })).key(&key)).await;
        assert_eq!(introspected.expect(200).json(), json!({ "active": false }));
    }
}
