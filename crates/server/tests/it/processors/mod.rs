//! Processors: one contract for all of them, and the faults and forgeries of a processor over HTTP.

mod connect;
mod contract;
mod described;
mod integrator;

use crate::on_both_stores;
use crate::support::{Answer, Engine, Manner, Receiver, Request, Test, deliver_here, get, post};
use integrator::{Fault, Integrator, SECRET};
use serde_json::{Value, json};
use unitpay::testing::db::{Sql, sql};
use unitpay::testing::flows;
use unitpay::testing::keys::KeyScopes;
use unitpay::testing::organizations::Tenant;
use unitpay::testing::payments::remote::{ConnectError, Connection};
use unitpay::testing::signing::SigningSecrets;

const STATUS: Sql = sql("SELECT status FROM payment_attempts");
const WAITING: Sql = sql("SELECT COUNT(*) FROM processor_events WHERE next_at IS NOT NULL");
const OTHER_SECRET: &str = "whsec_dGhlIHNlY3JldCBvZiBzb21lYm9keSBlbHNlISE=";

/// A server that has the integrator connected in its sandbox environment.
async fn connected(engine: Engine) -> (Test, Integrator) {
    let (t, integrator) = unconnected(engine).await;
    connect(&t, &t.tenant, &integrator.url).await.unwrap();
    (t, integrator)
}

async fn unconnected(engine: Engine) -> (Test, Integrator) {
    let t = Test::start_with(engine, deliver_here).await;
    let integrator = Integrator::start().await;
    integrator.set_clock(t.app.clock.clone());
    (t, integrator)
}

async fn connect(t: &Test, tenant: &Tenant, url: &str) -> Result<Connection, ConnectError> {
    let secrets = SigningSecrets::parse(SECRET).unwrap();
    t.app.processors.remote().connect(&t.app.db, tenant, url, secrets).await
}

impl Test {
    /// Sends an event to the tenant's endpoint, signed with the shared secret.
    async fn http_event(&self, integrator: &Integrator, event: &Value) -> Answer {
        let path = self.http_endpoint(&self.key).await;
        self.signed_event(&path, integrator, SECRET, event).await
    }

    async fn http_endpoint(&self, key: &str) -> String {
        let shown = self.call(get("/v1/processors").key(key)).await.expect(200).json();
        let url = shown["data"][0]["webhookUrl"].as_str().unwrap();
        url.strip_prefix("https://billing.example.com").unwrap().to_owned()
    }

    async fn signed_event(
        &self,
        path: &str,
        integrator: &Integrator,
        secret: &str,
        event: &Value,
    ) -> Answer {
        let body = event.to_string();
        let mut request = post(path, event);
        for (name, value) in integrator.sign(secret, &body) {
            request = request.header(name, value);
        }
        self.call(Request { body: body.into_bytes(), ..request }).await
    }

    async fn http_customer(&self, name: &str, token: &str) -> String {
        let customer = self.customer(name).await;
        self.card(&customer, token).await;
        customer
    }

    /// Bills a customer without a card, and returns the invoice and the address of its form.
    async fn form(&self, name: &str) -> (String, String) {
        let customer = self.customer(name).await;
        let invoice = self.bill(&customer, 1_000).await;
        let asked = self.pay(&invoice, json!({})).await.expect(200).json();
        assert_eq!(asked["client"]["processor"], "http");
        (invoice, asked["client"]["clientSecret"].as_str().unwrap().to_owned())
    }
}

on_both_stores! {
    async fn http_card_pays(t) {
        let (t, integrator) = connected(t.engine).await;
        let customer = t.http_customer("c", "tok_good").await;
        let invoice = t.bill(&customer, 1_234).await;
        t.pay(&invoice, json!({})).await.expect(200);
        assert!(t.is_paid(&invoice).await);
        let sent = integrator.calls("charges").pop().unwrap();
        let reference = format!("c_{customer}");
        assert_eq!(sent.body, json!({ "operation": "charges", "environment": "sandbox",
            "attemptId": sent.key.unwrap(), "customer": reference, "method": format!("pm_{reference}_tok_good"),
            "amount": 1_234, "currency": "USD", "exponent": 2, "offSession": false, "keepsCard": true }));
        assert!(integrator.refusals().is_empty());
    }

    async fn http_declines_leave_the_invoice_open(t) {
        let (t, integrator) = connected(t.engine).await;
        for (token, reason) in [("tok_declined", "card_declined"), ("tok_lost", "card_declined")] {
            let customer = t.http_customer(token, token).await;
            let invoice = t.bill(&customer, 1_000).await;
            let refused = t.pay(&invoice, json!({})).await.refused(402, "payment_declined").json();
            assert_eq!(refused["declineReason"], reason);
            assert!(!t.is_paid(&invoice).await);
        }
        // Below the minimum that it names, it is not asked.
        let customer = t.http_customer("small", "tok_good").await;
        let invoice = t.bill(&customer, 49).await;
        t.pay(&invoice, json!({})).await.refused(422, "amount_out_of_range");
        assert_eq!(integrator.paid(), 0);
    }

    async fn http_faults_never_charge_twice(t) {
        let (t, integrator) = connected(t.engine).await;
        let customer = t.http_customer("c", "tok_good").await;
        let elsewhere = Receiver::start(Manner::Status(200)).await;
        let mut charged = 0;
        for (fault, at_once) in [
            (Fault::ErrorAfter, true),
            (Fault::NotJson, true),
            (Fault::Endless, true),
            (Fault::Redirect(elsewhere.url.clone()), true),
            (Fault::Says(json!({ "typo": 1 })), true),
            (Fault::ErrorInstead, false),
            (Fault::CutInside, false),
            (Fault::Silent, false),
        ] {
            let invoice = t.bill(&customer, 1_000).await;
            integrator.fail(std::slice::from_ref(&fault));
            let answer = t.pay(&invoice, json!({})).await;
            if !at_once {
                answer.refused(503, "unavailable");
                assert!(!t.is_paid(&invoice).await, "{fault:?}");
                t.advance(60);
                t.sweep().await;
            }
            charged += 1;
            assert!(t.is_paid(&invoice).await, "{fault:?}");
            assert_eq!((integrator.paid(), integrator.has_faults_left()), (charged, false), "{fault:?}");
        }
        assert!(elsewhere.take().is_empty());
    }

    async fn http_charge_is_found_after_its_key_was_forgotten(t) {
        let (t, integrator) = connected(t.engine).await;
        let customer = t.http_customer("c", "tok_good").await;
        let invoice = t.bill(&customer, 1_000).await;
        integrator.fail(&[Fault::CutInside]);
        t.pay(&invoice, json!({})).await.refused(503, "unavailable");
        t.advance(86_400);
        t.sweep().await;
        assert_eq!((t.is_paid(&invoice).await, integrator.calls("charges").len()), (true, 1));
        assert_eq!(integrator.calls("charges/find").len(), 1);
    }

    async fn http_answers_that_are_not_ours_never_pay(t) {
        let (t, integrator) = connected(t.engine).await;
        let customer = t.http_customer("c", "tok_good").await;
        for wrong in [
            json!({ "amount": 1 }),
            json!({ "amount": "1000" }),
            json!({ "amount": 1000.0 }),
            json!({ "amount": 10.0 }),
            json!({ "amount": 100_000 }),
            json!({ "currency": "EUR" }),
            json!({ "currency": "usd" }),
            json!({ "attemptId": "pay_00000000000000000000000000" }),
            json!({ "reference": "" }),
            json!({ "reference": "a b" }),
            json!({ "status": "paid" }),
            json!({ "status": "pending" }),
            json!({ "status": "declined" }),
            json!({ "status": "requires_form", "form": { "url": "javascript:alert(1)" } }),
            json!({ "status": "requires_form", "form": { "url": "https://a@b.example/" } }),
            json!({ "status": "requires_form" }),
            json!({ "unknown": true }),
        ] {
            let invoice = t.bill(&customer, 1_000).await;
            // The charge, and the question that follows it.
            integrator.fail(&[Fault::Says(wrong.clone()), Fault::Says(wrong.clone())]);
            t.pay(&invoice, json!({})).await.refused(503, "unavailable");
            assert!(!t.is_paid(&invoice).await, "{wrong}");
            integrator.stop_failing();
            // The truth is told at last.
            t.advance(60);
            t.sweep().await;
            assert!(t.is_paid(&invoice).await, "{wrong}");
        }
    }

    async fn http_event_is_bound_to_the_tenant_that_signed_it(t) {
        let (t, integrator) = connected(t.engine).await;
        let (invoice, url) = t.form("c").await;
        let event = integrator.fill_in(&url);
        // Another organization, with a secret and an endpoint of its own.
        let other = t.organization("other").await;
        integrator.set_secret(OTHER_SECRET);
        let secrets = SigningSecrets::parse(OTHER_SECRET).unwrap();
        let remote = t.app.processors.remote();
        remote.connect(&t.app.db, &other, &integrator.url, secrets).await.unwrap();
        let theirs = t.http_endpoint(&t.key_of(other, KeyScopes::ALL).await).await;
        let ours = t.http_endpoint(&t.key).await;
        assert_ne!(ours, theirs);
        t.signed_event(&ours, &integrator, OTHER_SECRET, &event).await.refused(400, "malformed_request");
        t.signed_event(&theirs, &integrator, SECRET, &event).await.refused(400, "malformed_request");
        // Signed well, it names an attempt that its tenant does not have.
        t.signed_event(&theirs, &integrator, OTHER_SECRET, &event).await.expect(204);
        assert_eq!((t.is_paid(&invoice).await, t.count(&WAITING).await), (false, 0));
        assert_eq!(integrator.calls("charges/find").len(), 0);
        integrator.set_secret(SECRET);
        t.signed_event(&ours, &integrator, SECRET, &event).await.expect(204);
        assert!(t.is_paid(&invoice).await);
    }

    async fn http_events_that_are_forged_are_refused(t) {
        let (t, integrator) = connected(t.engine).await;
        let (invoice, url) = t.form("c").await;
        let path = t.http_endpoint(&t.key).await;
        let event = integrator.fill_in(&url);
        let before = t.state().await;
        for (name, value) in [
            ("environment", json!("live")),
            ("type", json!("charge.paid")),
            ("id", json!("")),
            ("id", json!("x".repeat(101))),
            ("data", json!({})),
            ("data", json!({ "attemptId": "pay_1" })),
            ("data", json!({ "attemptId": event["data"]["attemptId"], "amount": 1 })),
            ("livemode", json!(false)),
        ] {
            let mut changed = event.clone();
            changed[name] = value;
            t.http_event(&integrator, &changed).await.refused(400, "malformed_request");
        }
        t.call(post(&path, &event)).await.refused(400, "malformed_request");
        let body = event.to_string();
        let signed = integrator.sign(SECRET, &body);
        t.advance(301);
        let late = signed.into_iter().fold(post(&path, &event), |request, (name, value)| request.header(name, value));
        t.call(Request { body: body.into_bytes(), ..late }).await.refused(400, "malformed_request");
        assert_eq!((t.state().await, t.is_paid(&invoice).await), (before, false));
        t.call(post("/v1/webhooks/http/nothing", &event)).await.refused(404, "not_found");
        t.http_event(&integrator, &event).await.expect(204);
        assert!(t.is_paid(&invoice).await);
    }

    async fn http_event_is_a_hint_only(t) {
        let (t, integrator) = connected(t.engine).await;
        let (invoice, url) = t.form("c").await;
        let attempt = integrator.calls("charges")[0].key.clone().unwrap();
        // Nobody has paid, whatever is said.
        let hint = integrator.event("charge.changed", json!({ "attemptId": attempt }));
        t.http_event(&integrator, &hint).await.expect(204);
        assert_eq!((t.is_paid(&invoice).await, t.text_of(&STATUS).await.as_str()), (false, "requires_form"));
        // Paid, but less than was asked for.
        let paid = integrator.fill_in(&url);
        integrator.fail(&[Fault::Says(json!({ "amount": 1 }))]);
        t.http_event(&integrator, &paid).await.expect(204);
        assert_eq!((t.is_paid(&invoice).await, t.text_of(&STATUS).await.as_str()), (false, "requires_form"));
        // The state cannot be asked for now: the event is durable all the same.
        integrator.fail(&[Fault::ErrorInstead]);
        let again = integrator.fill_in(&url);
        t.http_event(&integrator, &again).await.expect(204);
        assert_eq!((t.is_paid(&invoice).await, t.count(&WAITING).await), (false, 1));
        t.advance(60);
        flows::sweep_events(&t.app).await.unwrap();
        assert_eq!((t.is_paid(&invoice).await, t.count(&WAITING).await), (true, 0));
        for event in [&hint, &paid, &again] {
            t.http_event(&integrator, event).await.expect(204);
        }
        let shown = t.invoice(&invoice).await;
        assert_eq!((shown["payments"].as_array().unwrap().len(), integrator.paid()), (1, 1));
    }

    async fn http_form_keeps_its_card(t) {
        let (t, integrator) = connected(t.engine).await;
        let customer = t.customer("c").await;
        let invoice = t.bill(&customer, 1_000).await;
        let asked = t.pay(&invoice, json!({})).await.expect(200).json();
        assert_eq!((&asked["kind"], &asked["client"]["type"]), (&json!("requires_form"), &json!("payment")));
        let event = integrator.fill_in(asked["client"]["clientSecret"].as_str().unwrap());
        t.http_event(&integrator, &event).await.expect(204);
        assert!(t.is_paid(&invoice).await);
        let next = t.bill(&customer, 500).await;
        t.pay(&next, json!({})).await.expect(200);
        assert_eq!((t.is_paid(&next).await, integrator.paid()), (true, 2));
    }

    async fn http_form_whose_event_was_lost_is_found(t) {
        let (t, integrator) = connected(t.engine).await;
        let (paid, url) = t.form("c").await;
        let (open, _) = t.form("d").await;
        integrator.fill_in(&url);
        flows::poll_events(&t.app).await.unwrap();
        assert!(t.is_paid(&paid).await && !t.is_paid(&open).await);
        // Not again before ten minutes have passed.
        let calls = integrator.all_calls().len();
        flows::poll_events(&t.app).await.unwrap();
        assert_eq!(integrator.all_calls().len(), calls);
        t.advance(600);
        flows::poll_events(&t.app).await.unwrap();
        assert_eq!(integrator.all_calls().len(), calls + 1);
    }

    async fn http_form_that_is_canceled_is_closed(t) {
        let (t, integrator) = connected(t.engine).await;
        let (invoice, _) = t.form("c").await;
        let attempt = integrator.calls("charges")[0].key.clone().unwrap();
        let canceled = integrator.cancel(&attempt);
        t.http_event(&integrator, &canceled).await.expect(204);
        assert_eq!(t.text_of(&STATUS).await, "abandoned");
        let asked = t.pay(&invoice, json!({})).await.expect(200).json();
        let event = integrator.fill_in(asked["client"]["clientSecret"].as_str().unwrap());
        t.http_event(&integrator, &event).await.expect(204);
        assert!(t.is_paid(&invoice).await);
    }

    async fn http_form_given_up_is_canceled_or_refunded(t) {
        let (t, integrator) = connected(t.engine).await;
        let void = async |invoice: &str| {
            t.call(post(format!("/v1/invoices/{invoice}/void"), &json!({})).key(&t.key)).await.expect(200);
        };
        let (invoice, url) = t.form("c").await;
        void(&invoice).await;
        // The customer is faster than the cancellation.
        let event = integrator.fill_in(&url);
        t.sweep().await;
        assert_eq!(integrator.calls("charges/cancel").len(), 1);
        // The answer to the refund is lost: it is one.
        integrator.fail(&[Fault::None, Fault::None, Fault::CutInside]);
        t.http_event(&integrator, &event).await.expect(204);
        assert_eq!((t.text_of(&STATUS).await.as_str(), integrator.refunds().len()), ("refund_due", 1));
        t.advance(60);
        t.sweep().await;
        assert_eq!((t.text_of(&STATUS).await.as_str(), integrator.refunds().len()), ("refunded", 1));
        let refund = &integrator.refunds()[0];
        assert_eq!((&refund["amount"], &refund["currency"]), (&json!(1_000), &json!("USD")));
    }

    async fn http_refund_is_never_repeated_after_it_failed(t) {
        let (t, integrator) = connected(t.engine).await;
        let (invoice, url) = t.form("c").await;
        t.call(post(format!("/v1/invoices/{invoice}/void"), &json!({})).key(&t.key)).await.expect(200);
        integrator.refunds_are("pending");
        let event = integrator.fill_in(&url);
        t.http_event(&integrator, &event).await.expect(204);
        assert_eq!(t.text_of(&STATUS).await, "refund_due");
        let done = integrator.refund_becomes("succeeded");
        t.http_event(&integrator, &done).await.expect(204);
        assert_eq!(t.text_of(&STATUS).await, "refunded");
        let failed = integrator.refund_becomes("failed");
        for event in [&failed, &done] {
            t.http_event(&integrator, event).await.expect(204);
            assert_eq!(t.text_of(&STATUS).await, "refund_due");
        }
        t.advance(86_400);
        t.sweep().await;
        assert_eq!(integrator.refunds().len(), 1);
    }

    async fn http_cards_are_added_changed_and_removed_by_events(t) {
        let (t, integrator) = connected(t.engine).await;
        let customer = t.customer("c").await;
        let path = format!("/v1/customers/{customer}/payment-methods");
        let cards = async || t.call(get(&path).key(&t.key)).await.expect(200).json()["data"].clone();
        let url = t.set_up(&customer).await;
        let added = integrator.fill_in(&url);
        t.http_event(&integrator, &added).await.expect(204);
        assert_eq!(cards().await[0]["cardLast4"], "4242");
        let changed = integrator.change_method(Some("1111"));
        t.http_event(&integrator, &changed).await.expect(204);
        assert_eq!(cards().await[0]["cardLast4"], "1111");
        // Named by another customer, it is nobody's.
        let theirs = t.http_customer("d", "tok_good").await;
        let stolen = json!({ "customer": format!("c_{theirs}"), "method": changed["data"]["method"] });
        let stolen = integrator.event("method.added", stolen);
        t.http_event(&integrator, &stolen).await.expect(204);
        let shown = t.call(get(format!("/v1/customers/{theirs}/payment-methods")).key(&t.key)).await.json();
        assert_eq!(shown["data"].as_array().unwrap().len(), 1);
        let gone = integrator.change_method(None);
        t.http_event(&integrator, &gone).await.expect(204);
        assert_eq!(cards().await, json!([]));
        t.add_card(&customer, &json!({ "processorToken": "tok_nonsense" })).await.refused(422, "validation_failed");
    }
}
