//! Stripe as the processor, against the stand-in: charges, forms, faults, webhooks, refunds.

mod accounts;
mod crashes;
mod disputes;
mod import;
pub mod judge;
mod moving;
mod stand_in;

use crate::on_both_stores;
use crate::support::{Answer, Engine, Request, Test, flat, monthly, post, summarize};
use serde_json::{Value, json};
pub use stand_in::StandIn;
use stand_in::{Fault, PUBLISHABLE, SECRET, WEBHOOK_SECRET};
use unitpay::testing::base::Secret;
use unitpay::testing::db::{Sql, sql};
use unitpay::testing::payments::stripe::{ConnectError, Connection, NewCredentials};
use unitpay::testing::{flows, settlement};

const STATUS: Sql = sql("SELECT status FROM payment_attempts");
const WAITING: Sql = sql("SELECT COUNT(*) FROM processor_events WHERE next_at IS NOT NULL");
const REFUND_FAILED: Sql =
    sql("SELECT COUNT(*) FROM audit_events WHERE action = 'payment.refund_failed'");

/// A server that has the stand-in's account connected in its sandbox environment.
pub async fn connected(engine: Engine) -> (Test, StandIn) {
    let (t, stand_in) = unconnected(engine).await;
    connect(&t, credentials()).await.unwrap();
    (t, stand_in)
}

async fn unconnected(engine: Engine) -> (Test, StandIn) {
    let stand_in = StandIn::start().await;
    let origin = stand_in.url().try_into().unwrap();
    let t = Test::start_with(engine, |config| config.stripe.api_base = origin).await;
    stand_in.set_clock(t.app.clock.clone());
    (t, stand_in)
}

pub fn credentials() -> NewCredentials {
    NewCredentials {
        secret_key: Some(Secret::new(SECRET.into())),
        publishable_key: Some(PUBLISHABLE.into()),
        webhook_secret: Some(Secret::new(WEBHOOK_SECRET.into())),
    }
}

pub async fn connect(t: &Test, new: NewCredentials) -> Result<Connection, ConnectError> {
    let now = t.app.clock.now();
    t.app.processors.stripe().connect(&t.app.db, &t.tenant, new, now).await
}

impl Test {
    /// Sends an event to the tenant's endpoint as Stripe does.
    async fn stripe_event(&self, stand_in: &StandIn, event: &Value) -> Answer {
        self.stripe_webhook(event, &stand_in.signature(WEBHOOK_SECRET, &event.to_string())).await
    }

    async fn stripe_webhook(&self, event: &Value, signature: &str) -> Answer {
        let shown = self.call(crate::support::get("/v1/processors").key(&self.key)).await;
        let url = shown.expect(200).json()["data"][0]["webhookUrl"].as_str().unwrap().to_owned();
        let path = url.strip_prefix("https://billing.example.com").unwrap();
        let request = Request::new("POST", path)
            .header("content-type", "application/json; charset=utf-8")
            .header("stripe-signature", signature);
        self.call(Request { body: event.to_string().into_bytes(), ..request }).await
    }

    /// A customer with a saved card, entered in Stripe's form.
    async fn stripe_customer(&self, stand_in: &StandIn, name: &str, card: &str) -> String {
        let customer = self.customer(name).await;
        let secret = self.set_up(&customer).await;
        stand_in.fill_in(&secret, card);
        let token = secret.split_once("_secret").unwrap().0;
        self.card(&customer, token).await;
        customer
    }

    pub async fn is_paid(&self, invoice: &str) -> bool {
        self.invoice(invoice).await["status"] == "paid"
    }
}

on_both_stores! {
    async fn stripe_card_is_saved_by_its_form_and_pays(t) {
        let (t, stand_in) = connected(t.engine).await;
        let customer = t.customer("c").await;
        let path = format!("/v1/customers/{customer}/payment-methods/setup");
        let client = t.call(post(path, &json!({})).key(&t.key)).await.expect(200).json();
        assert_eq!((&client["processor"], &client["type"]), (&json!("stripe"), &json!("setup")));
        assert_eq!(client["publishableKey"], PUBLISHABLE);
        let secret = client["clientSecret"].as_str().unwrap();
        let event = stand_in.fill_in(secret, "pm_card_mastercard").unwrap();
        let token = json!({ "processorToken": secret.split_once("_secret").unwrap().0 });
        let added = t.add_card(&customer, &token).await.expect(201).json();
        assert_eq!((&added["cardBrand"], &added["cardLast4"]), (&json!("mastercard"), &json!("4444")));
        // The webhook of the same form adds nothing.
        t.stripe_event(&stand_in, &event).await.expect(204);
        let shown = t.call(crate::support::get(format!("/v1/customers/{customer}/payment-methods")).key(&t.key));
        assert_eq!(shown.await.json()["data"].as_array().unwrap().len(), 1);
        let invoice = t.bill(&customer, 1_234).await;
        t.pay(&invoice, json!({})).await.expect(200);
        assert!(t.is_paid(&invoice).await);
        let intent = &stand_in.all("payment_intent")[0];
        assert_eq!((&intent["amount"], &intent["currency"]), (&json!(1_234), &json!("usd")));
        let stored = &stand_in.all("customer")[0];
        assert_eq!(stored["metadata"]["unitpay_customer"], customer.as_str());
        assert_eq!((&stored["name"], &stored["email"]), (&json!("A"), &json!("a@example.com")));
    }

    async fn stripe_form_without_a_card_pays_and_keeps_the_card(t) {
        let (t, stand_in) = connected(t.engine).await;
        let customer = t.customer("c").await;
        let invoice = t.bill(&customer, 1_000).await;
        let asked = t.pay(&invoice, json!({})).await.expect(200).json();
        let client = &asked["client"];
        assert_eq!((&asked["kind"], &client["publishableKey"]), (&json!("requires_form"), &json!(PUBLISHABLE)));
        let secret = client["clientSecret"].as_str().unwrap();
        assert!(stand_in.fill_in(secret, "pm_card_declined").is_none());
        assert!(!t.is_paid(&invoice).await);
        let event = stand_in.fill_in(secret, "pm_card_visa").unwrap();
        for _ in 0..2 {
            t.stripe_event(&stand_in, &event).await.expect(204);
        }
        assert!(t.is_paid(&invoice).await);
        // The card is kept: the next invoice needs no form.
        let next = t.bill(&customer, 500).await;
        t.pay(&next, json!({})).await.expect(200);
        assert_eq!((t.is_paid(&next).await, stand_in.charges()), (true, 2));
    }

    async fn stripe_form_of_a_link_pays_and_keeps_no_card(t) {
        let (t, stand_in) = connected(t.engine).await;
        let customer = t.stripe_customer(&stand_in, "c", "pm_card_mastercard").await;
        let invoice = t.bill(&customer, 1_000).await;
        let token = t.open_invoice(&t.invoice_link(&customer, &invoice).await).await.expect(200).text("token");
        let pay = post(format!("/v1/invoices/{invoice}/pay"), &json!({})).bearer(&token);
        let asked = t.call(pay).await.expect(200).json();
        let sent = stand_in.calls().pop().unwrap();
        assert_eq!((sent.parameters.get("setup_future_usage"), sent.parameters.get("payment_method")), (None, None));
        let secret = asked["client"]["clientSecret"].as_str().unwrap();
        let event = stand_in.fill_in(secret, "pm_card_visa").unwrap();
        for _ in 0..2 {
            t.stripe_event(&stand_in, &event).await.expect(204);
        }
        let paid = t.invoice(&invoice).await;
        assert_eq!((&paid["status"], &paid["payments"][0]["brand"], &paid["payments"][0]["last4"]), (&json!("paid"), &json!("visa"), &json!("4242")));
        let shown = t.call(crate::support::get(format!("/v1/customers/{customer}/payment-methods")).key(&t.key));
        let shown = shown.await.json()["data"].as_array().unwrap().clone();
        assert_eq!((shown.len(), &shown[0]["cardBrand"], stand_in.charges()), (1, &json!("mastercard"), 1));
    }

    async fn stripe_declines_leave_the_invoice_open(t) {
        let (t, stand_in) = connected(t.engine).await;
        for (card, reason) in [
            ("pm_card_chargeDeclined", "card_declined"),
            ("pm_card_chargeDeclinedInsufficientFunds", "insufficient_funds"),
        ] {
            let customer = t.stripe_customer(&stand_in, card, card).await;
            let invoice = t.bill(&customer, 1_000).await;
            let refused = t.pay(&invoice, json!({})).await.refused(402, "payment_declined").json();
            assert_eq!(refused["declineReason"], reason);
            assert!(!t.is_paid(&invoice).await);
        }
        assert_eq!(stand_in.charges(), 0);
    }

    async fn stripe_authentication_opens_a_form_only_on_session(t) {
        let (t, stand_in) = connected(t.engine).await;
        let customer = t.stripe_customer(&stand_in, "c", "pm_card_authenticationRequired").await;
        let invoice = t.bill(&customer, 1_000).await;
        let asked = t.pay(&invoice, json!({})).await.expect(200).json();
        assert_eq!(asked["reason"], "authentication_required");
        let secret = asked["client"]["clientSecret"].as_str().unwrap();
        let event = stand_in.fill_in(secret, "pm_card_visa").unwrap();
        t.stripe_event(&stand_in, &event).await.expect(204);
        assert!(t.is_paid(&invoice).await);
        let renewal = t.collect(&customer, crate::support::new_invoice(&[1_000]), settlement::Effect::CollectInvoice);
        let settlement::Billed::Attempt(attempt) = renewal.await.unwrap() else { panic!() };
        let attempt = flows::run(&t.app, &t.tenant, attempt.id).await.unwrap();
        assert_eq!(attempt.decline_reason.unwrap().as_str(), "authentication_required");
        let sent = stand_in.calls().pop().unwrap();
        assert_eq!(sent.parameters["off_session"], "true");
        assert_eq!(sent.key, Some(attempt.id.to_string()));
        assert!(sent.user_agent.starts_with("UnitPay/"));
    }

    async fn stripe_faults_never_charge_twice(t) {
        let (t, stand_in) = connected(t.engine).await;
        let customer = t.stripe_customer(&stand_in, "c", "pm_card_visa").await;
        let mut charged = 0;
        for (fault, at_once, waits) in [
            (Fault::TooManyRequests, true, 0),
            (Fault::Locked, true, 0),
            // The saved 500 would be repeated for a day: the charge is looked for.
            (Fault::ErrorAfter, true, 0),
            (Fault::ErrorInstead, false, 25 * 3_600),
            (Fault::CutBefore, false, 60),
            (Fault::CutAfter, false, 60),
            (Fault::CutInside, false, 60),
            (Fault::NotJson, false, 60),
            (Fault::TooLarge, false, 60),
        ] {
            let invoice = t.bill(&customer, 1_000).await;
            stand_in.fail(&[fault]);
            let answer = t.pay(&invoice, json!({})).await;
            if !at_once {
                answer.refused(503, "unavailable");
                assert!(!t.is_paid(&invoice).await, "{fault:?}");
                t.advance(waits);
                t.sweep().await;
            }
            charged += 1;
            assert!(t.is_paid(&invoice).await, "{fault:?}");
            assert_eq!((stand_in.charges(), stand_in.has_faults_left()), (charged, false), "{fault:?}");
        }
    }

    async fn stripe_bounds_its_repetitions(t) {
        let (t, stand_in) = connected(t.engine).await;
        let customer = t.stripe_customer(&stand_in, "c", "pm_card_visa").await;
        let invoice = t.bill(&customer, 1_000).await;
        stand_in.fail(&[Fault::TooManyRequests; 3]);
        t.pay(&invoice, json!({})).await.refused(503, "unavailable");
        assert!(!stand_in.has_faults_left());
        t.advance(60);
        t.sweep().await;
        assert_eq!((t.is_paid(&invoice).await, stand_in.charges()), (true, 1));
    }

    async fn stripe_webhook_before_our_record_pays_once(t) {
        let (t, stand_in) = connected(t.engine).await;
        let customer = t.stripe_customer(&stand_in, "c", "pm_card_visa").await;
        let invoice = t.bill(&customer, 1_000).await;
        stand_in.fail(&[Fault::CutAfter]);
        t.pay(&invoice, json!({})).await.refused(503, "unavailable");
        let events = stand_in.all("event");
        let paid = events.iter().find(|event| event["type"] == "payment_intent.succeeded").unwrap();
        t.stripe_event(&stand_in, paid).await.expect(204);
        assert!(t.is_paid(&invoice).await);
        t.advance(60);
        t.sweep().await;
        t.stripe_event(&stand_in, paid).await.expect(204);
        let shown = t.invoice(&invoice).await;
        assert_eq!((shown["payments"].as_array().unwrap().len(), stand_in.charges()), (1, 1));
    }

    async fn stripe_event_without_a_webhook_is_found(t) {
        let (t, stand_in) = connected(t.engine).await;
        let mut invoices = Vec::new();
        // More than one page of the stand-in.
        for name in ["a", "b", "c", "d"] {
            let customer = t.customer(name).await;
            let invoice = t.bill(&customer, 1_000).await;
            let asked = t.pay(&invoice, json!({})).await.expect(200).json();
            stand_in.fill_in(asked["client"]["clientSecret"].as_str().unwrap(), "pm_card_visa");
            invoices.push(invoice);
        }
        t.advance(15 * 60);
        flows::poll_events(&t.app).await.unwrap();
        for invoice in &invoices {
            assert!(t.is_paid(invoice).await);
        }
        // Not again before ten minutes have passed.
        let calls = stand_in.calls().len();
        flows::poll_events(&t.app).await.unwrap();
        assert_eq!(stand_in.calls().len(), calls);
    }

    async fn stripe_event_that_cannot_be_applied_waits(t) {
        let (t, stand_in) = connected(t.engine).await;
        let customer = t.customer("c").await;
        let invoice = t.bill(&customer, 1_000).await;
        let asked = t.pay(&invoice, json!({})).await.expect(200).json();
        let secret = asked["client"]["clientSecret"].as_str().unwrap();
        let event = stand_in.fill_in(secret, "pm_card_visa").unwrap();
        // Stripe is asked for the card and does not answer: the event is durable all the same.
        stand_in.fail(&[Fault::CutBefore]);
        t.stripe_event(&stand_in, &event).await.expect(204);
        assert_eq!((t.is_paid(&invoice).await, t.count(&WAITING).await), (false, 1));
        t.advance(60);
        flows::sweep_events(&t.app).await.unwrap();
        assert_eq!((t.is_paid(&invoice).await, t.count(&WAITING).await), (true, 0));
    }

    async fn stripe_webhooks_of_others_are_refused(t) {
        let (t, stand_in) = connected(t.engine).await;
        let customer = t.customer("c").await;
        let invoice = t.bill(&customer, 1_000).await;
        let asked = t.pay(&invoice, json!({})).await.expect(200).json();
        let secret = asked["client"]["clientSecret"].as_str().unwrap();
        let event = stand_in.fill_in(secret, "pm_card_visa").unwrap();
        let body = event.to_string();
        let forged = stand_in.signature("whsec_another", &body);
        let mut live = event.clone();
        live["livemode"] = json!(true);
        let mut thin = event.clone();
        thin["object"] = json!("v2.core.event");
        let before = t.state().await;
        t.stripe_webhook(&event, &forged).await.refused(400, "malformed_request");
        t.stripe_webhook(&event, "").await.refused(400, "malformed_request");
        t.stripe_event(&stand_in, &live).await.refused(400, "malformed_request");
        t.stripe_event(&stand_in, &thin).await.refused(400, "malformed_request");
        let good = stand_in.signature(WEBHOOK_SECRET, &body);
        t.advance(301);
        t.stripe_webhook(&event, &good).await.refused(400, "malformed_request");
        assert_eq!(t.state().await, before);
        let mut unknown = event.clone();
        unknown["type"] = json!("invoice.created");
        unknown["id"] = json!("evt_unknown");
        t.stripe_event(&stand_in, &unknown).await.expect(204);
        assert!(!t.is_paid(&invoice).await);
    }

    async fn stripe_card_of_another_customer_is_unknown(t) {
        let (t, stand_in) = connected(t.engine).await;
        let (mine, theirs) = (t.customer("c").await, t.customer("d").await);
        let secret = t.set_up(&theirs).await;
        let setup = secret.split_once("_secret").unwrap().0.to_owned();
        stand_in.fill_in(&secret, "pm_card_visa");
        t.set_up(&mine).await;
        let card = stand_in.all("payment_method")[0]["id"].as_str().unwrap().to_owned();
        let open = t.set_up(&mine).await.split_once("_secret").unwrap().0.to_owned();
        for token in [&setup, &card, &open, "pm_nothing", "seti_nothing", "../v1/refunds", "pm_1?x=y", "pm 1"] {
            let body = json!({ "processorToken": token });
            t.add_card(&mine, &body).await.refused(422, "validation_failed");
        }
        // Link has no card fields.
        let link = t.set_up(&mine).await;
        stand_in.fill_in(&link, "pm_link");
        let body = json!({ "processorToken": link.split_once("_secret").unwrap().0 });
        t.add_card(&mine, &body).await.refused(422, "validation_failed");
        t.card(&theirs, &setup).await;
    }

    async fn stripe_card_changes_are_followed(t) {
        let (t, stand_in) = connected(t.engine).await;
        let customer = t.stripe_customer(&stand_in, "c", "pm_card_visa").await;
        let path = format!("/v1/customers/{customer}/payment-methods");
        let cards = async || t.call(crate::support::get(&path).key(&t.key)).await.expect(200).json();
        let reference = stand_in.all("payment_method")[0]["id"].as_str().unwrap().to_owned();
        let replaced = stand_in.replace_card(&reference, "1111");
        t.stripe_event(&stand_in, &replaced).await.expect(204);
        assert_eq!(cards().await["data"][0]["cardLast4"], "1111");
        let removed = stand_in.remove_card(&reference);
        // Late news of a card that is gone changes nothing.
        for event in [&removed, &replaced, &removed] {
            t.stripe_event(&stand_in, event).await.expect(204);
            assert_eq!(cards().await["data"], json!([]));
        }
        let invoice = t.bill(&customer, 1_000).await;
        let asked = t.pay(&invoice, json!({})).await.expect(200).json();
        assert_eq!(asked["reason"], "payment_method_required");
    }

    async fn stripe_form_given_up_is_canceled(t) {
        let (t, stand_in) = connected(t.engine).await;
        let customer = t.customer("c").await;
        let invoice = t.bill(&customer, 1_000).await;
        t.pay(&invoice, json!({})).await.expect(200);
        t.call(post(format!("/v1/invoices/{invoice}/void"), &json!({})).key(&t.key)).await.expect(200);
        // Stripe does not answer at first.
        stand_in.fail(&[Fault::CutAfter, Fault::ErrorInstead]);
        for _ in 0..3 {
            t.sweep().await;
            t.advance(60);
        }
        assert_eq!(stand_in.all("payment_intent")[0]["status"], "canceled");
        let calls = stand_in.calls().len();
        t.advance(86_400);
        t.sweep().await;
        assert_eq!((t.text_of(&STATUS).await.as_str(), stand_in.calls().len()), ("abandoned", calls));
        // The event of it changes nothing.
        let canceled = stand_in.all("event").pop().unwrap();
        assert_eq!(canceled["type"], "payment_intent.canceled");
        t.stripe_event(&stand_in, &canceled).await.expect(204);
        assert_eq!(t.text_of(&STATUS).await, "abandoned");
    }

    async fn stripe_form_paid_before_its_cancellation_is_refunded(t) {
        let (t, stand_in) = connected(t.engine).await;
        let customer = t.customer("c").await;
        let invoice = t.bill(&customer, 1_000).await;
        let asked = t.pay(&invoice, json!({})).await.expect(200).json();
        t.call(post(format!("/v1/invoices/{invoice}/void"), &json!({})).key(&t.key)).await.expect(200);
        let secret = asked["client"]["clientSecret"].as_str().unwrap();
        let event = stand_in.fill_in(secret, "pm_card_visa").unwrap();
        t.sweep().await;
        assert_eq!(t.text_of(&STATUS).await, "abandoned");
        t.stripe_event(&stand_in, &event).await.expect(204);
        assert_eq!((t.text_of(&STATUS).await.as_str(), stand_in.all("refund").len()), ("refunded", 1));
    }

    async fn stripe_form_canceled_in_the_dashboard_is_closed(t) {
        let (t, stand_in) = connected(t.engine).await;
        let customer = t.customer("c").await;
        let invoice = t.bill(&customer, 1_000).await;
        t.pay(&invoice, json!({})).await.expect(200);
        let intent = stand_in.all("payment_intent")[0]["id"].as_str().unwrap().to_owned();
        let canceled = stand_in.cancel(&intent);
        for _ in 0..2 {
            t.stripe_event(&stand_in, &canceled).await.expect(204);
            assert_eq!(t.text_of(&STATUS).await, "abandoned");
        }
        // The invoice is owed as before, and another form opens.
        let asked = t.pay(&invoice, json!({})).await.expect(200).json();
        let event = stand_in.fill_in(asked["client"]["clientSecret"].as_str().unwrap(), "pm_card_visa");
        t.stripe_event(&stand_in, &event.unwrap()).await.expect(204);
        assert!(t.is_paid(&invoice).await);
    }

    async fn stripe_customer_deleted_in_the_dashboard_is_made_again(t) {
        let (t, stand_in) = connected(t.engine).await;
        let customer = t.stripe_customer(&stand_in, "c", "pm_card_visa").await;
        let kept = t.stripe_customer(&stand_in, "d", "pm_card_visa").await;
        for times in 1..=2 {
            let customers = stand_in.all("customer");
            let gone = customers.iter().find(|found| found["metadata"]["unitpay_customer"] == customer.as_str());
            let gone = gone.unwrap()["id"].as_str().unwrap().to_owned();
            let deleted = stand_in.delete_customer(&gone);
            for _ in 0..2 {
                t.stripe_event(&stand_in, &deleted).await.expect(204);
            }
            let path = format!("/v1/customers/{customer}/payment-methods");
            let cards = t.call(crate::support::get(path).key(&t.key)).await.expect(200).json();
            assert_eq!(cards["data"], json!([]));
            // Stripe remembers the key under which the deleted customer was made.
            let secret = t.set_up(&customer).await;
            stand_in.fill_in(&secret, "pm_card_visa");
            t.card(&customer, secret.split_once("_secret").unwrap().0).await;
            let invoice = t.bill(&customer, 1_000).await;
            t.pay(&invoice, json!({})).await.expect(200);
            assert_eq!((t.is_paid(&invoice).await, stand_in.charges()), (true, times));
        }
        let invoice = t.bill(&kept, 1_000).await;
        t.pay(&invoice, json!({})).await.expect(200);
        assert!(t.is_paid(&invoice).await);
    }

    async fn stripe_detached_card_declines(t) {
        let (t, stand_in) = connected(t.engine).await;
        let customer = t.stripe_customer(&stand_in, "c", "pm_card_visa").await;
        let reference = stand_in.all("payment_method")[0]["id"].as_str().unwrap().to_owned();
        stand_in.remove_card(&reference);
        let invoice = t.bill(&customer, 1_000).await;
        let refused = t.pay(&invoice, json!({})).await.refused(402, "payment_declined").json();
        assert_eq!(refused["declineReason"], "payment_method_required");
    }

    async fn stripe_renewal_below_the_accounts_minimum_moves(t) {
        let (t, stand_in) = connected(t.engine).await;
        let plan = t.plan(monthly("plan", flat(2_000))).await;
        let customer = t.stripe_customer(&stand_in, "c", "pm_card_visa").await;
        t.buy(&customer, &plan, 1).await;
        stand_in.minimum_is(3_000);
        t.clock_to("2030-02-01T00:00:00Z").await;
        let moved = t.invoices_of(&customer).await.pop().unwrap();
        let amounts = json!([moved["status"], moved["amountPaid"], moved["amountMoved"]]);
        assert_eq!(amounts, json!(["paid", 0, 2_000]));
        // No retry has failed, and the next period pays for both.
        t.clock_to("2030-03-01T00:00:00Z").await;
        assert_eq!(summarize(&t.invoices_of(&customer).await).last(), Some(&("renewal", "paid", 4_000)));
        assert_eq!(stand_in.charges(), 2);
        // The customer who is there is told, and nothing moves.
        let invoice = t.bill(&customer, 1_000).await;
        t.pay(&invoice, json!({})).await.refused(402, "payment_declined");
        assert!(!t.is_paid(&invoice).await);
    }

    async fn stripe_refund_is_never_repeated_after_it_failed(t) {
        let (t, stand_in) = connected(t.engine).await;
        let customer = t.customer("c").await;
        let invoice = t.bill(&customer, 1_000).await;
        let asked = t.pay(&invoice, json!({})).await.expect(200).json();
        t.call(post(format!("/v1/invoices/{invoice}/void"), &json!({})).key(&t.key)).await.expect(200);
        let secret = asked["client"]["clientSecret"].as_str().unwrap();
        let event = stand_in.fill_in(secret, "pm_card_visa").unwrap();
        stand_in.refunds_are("pending");
        t.stripe_event(&stand_in, &event).await.expect(204);
        assert_eq!(t.text_of(&STATUS).await, "refund_due");
        t.advance(3_600);
        t.sweep().await;
        let refund = stand_in.all("refund")[0]["id"].as_str().unwrap().to_owned();
        let done = stand_in.refund_becomes(&refund, "succeeded");
        t.stripe_event(&stand_in, &done).await.expect(204);
        assert_eq!(t.text_of(&STATUS).await, "refunded");
        // The bank gives it back after all, and the older event comes again.
        let failed = stand_in.refund_becomes(&refund, "failed");
        for event in [&failed, &done, &failed] {
            t.stripe_event(&stand_in, event).await.expect(204);
            assert_eq!(t.text_of(&STATUS).await, "refund_due");
        }
        for _ in 0..3 {
            t.advance(86_400);
            t.sweep().await;
        }
        assert_eq!((stand_in.all("refund").len(), t.count(&REFUND_FAILED).await), (1, 1));
    }

    async fn stripe_refund_after_a_lost_answer_is_one(t) {
        let (t, stand_in) = connected(t.engine).await;
        let customer = t.customer("c").await;
        let invoice = t.bill(&customer, 1_000).await;
        let asked = t.pay(&invoice, json!({})).await.expect(200).json();
        t.call(post(format!("/v1/invoices/{invoice}/void"), &json!({})).key(&t.key)).await.expect(200);
        let secret = asked["client"]["clientSecret"].as_str().unwrap();
        let event = stand_in.fill_in(secret, "pm_card_visa").unwrap();
        // In order: the card is read, refunds are listed, the refund is made.
        stand_in.fail(&[Fault::None, Fault::None, Fault::CutAfter]);
        t.stripe_event(&stand_in, &event).await.expect(204);
        assert_eq!((t.text_of(&STATUS).await.as_str(), stand_in.all("refund").len()), ("refund_due", 1));
        t.advance(60);
        t.sweep().await;
        assert_eq!((t.text_of(&STATUS).await.as_str(), stand_in.all("refund").len()), ("refunded", 1));
    }
}
