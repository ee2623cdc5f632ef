//! Settlement: an amount due is charged once, whatever fails in between.
//!
//! A dying node is simulated by running the steps one by one, through the server's own functions,
//! and leaving out the rest.

use crate::on_both_stores;
use crate::support::{Answer, Test, get, new_invoice, post};
use futures_util::future::join_all;
use serde_json::{Value, json};
use unitpay::testing::audit::Actor;
use unitpay::testing::base::PaymentAttemptId;
use unitpay::testing::credits::GrantSource;
use unitpay::testing::db::{Lane, Sql, Tx, sql};
use unitpay::testing::invoices::{InvoiceReason, InvoiceStatus};
use unitpay::testing::settlement;
use unitpay::testing::settlement::{Attempt, AttemptStatus, Billed, Effect};
use unitpay::testing::work::Work;

const ATTEMPTS: Sql = sql("SELECT COUNT(*) FROM payment_attempts");
const PENDING: Sql = sql("SELECT COUNT(*) FROM payment_attempts WHERE status = 'pending'");
const LAST_CHARGE_TO: Sql =
    sql("UPDATE payment_attempts SET payment_method_id = $1 WHERE status = 'succeeded'");
const REFUNDS: Sql = sql("SELECT COUNT(*) FROM sandbox_intents WHERE status = 'refunded'");
const NUMBERED: Sql = sql("SELECT COUNT(*) FROM invoices WHERE number IS NOT NULL");

impl Test {
    async fn attempt(&self, id: PaymentAttemptId) -> Attempt {
        let mut tx = self.app.db.read().await.unwrap();
        settlement::get(&mut tx, &self.tenant, id).await.unwrap().unwrap()
    }

    async fn status(&self, id: PaymentAttemptId) -> AttemptStatus {
        self.attempt(id).await.status
    }

    /// Starts to bill a new invoice and returns the attempt.
    async fn begin(&self, customer: &str, effect: Effect) -> Attempt {
        match self.collect(customer, new_invoice(&[1_000]), effect).await.unwrap() {
            Billed::Attempt(attempt) => *attempt,
            other => panic!("{other:?}"),
        }
    }

    fn starting(&self) -> Effect {
        Effect::StartSubscription { subscription_id: self.app.ids.subscription() }
    }

    async fn paid(&self, invoice: &str) -> bool {
        let shown = self.invoice(invoice).await;
        let paid = shown["status"] == "paid";
        assert_eq!(shown["payments"].as_array().unwrap().len(), usize::from(paid));
        paid
    }
}

fn secret_of(answer: &Value) -> &str {
    assert_eq!(answer["kind"], "requires_form", "{answer}");
    answer["client"]["clientSecret"].as_str().unwrap()
}

fn code(answer: &Answer) -> Value {
    answer.json()["code"].clone()
}

impl Test {
    /// A payment attempt as a credential reads it.
    async fn read_attempt(&self, id: &Value, token: Option<&str>) -> Answer {
        let request = get(format!("/v1/payment-attempts/{}", id.as_str().unwrap()));
        self.call(match token {
            None => request.key(&self.key),
            Some(token) => request.bearer(token),
        })
        .await
    }
}

on_both_stores! {
    async fn attempt_shows_a_payment_that_succeeded(t) {
        let customer = t.customer("c").await;
        let card = t.card(&customer, "pm_sandbox_visa").await;
        let invoice = t.bill(&customer, 1_000).await;
        let id = &t.pay(&invoice, json!({})).await.expect(200).json()["paymentAttemptId"];
        let attempt = t.read_attempt(id, None).await.expect(200).json();
        assert_eq!(attempt, json!({
            "id": id, "customerId": customer, "invoiceId": invoice, "subscriptionId": null,
            "creditAccountId": null, "paymentMethodId": card, "status": "succeeded",
            "amount": 1_000, "currency": "USD", "declineReason": null,
            "createdAt": "2030-01-01T00:00:00.000Z",
        }));
    }

    async fn attempt_shows_why_a_payment_was_declined(t) {
        let customer = t.customer("c").await;
        t.card(&customer, "pm_sandbox_declined").await;
        let invoice = t.bill(&customer, 1_000).await;
        let refused = t.pay(&invoice, json!({})).await.refused(402, "payment_declined").json();
        let attempt = t.read_attempt(&refused["paymentAttemptId"], None).await.expect(200).json();
        assert_eq!((&attempt["status"], &attempt["declineReason"]), (&json!("declined"), &json!("card_declined")));
    }

    async fn payment_method_shows_that_its_last_charge_was_declined(t) {
        let customer = t.customer("c").await;
        let path = format!("/v1/customers/{customer}/payment-methods");
        let declined = async || {
            let cards = t.call(get(&path).key(&t.key)).await.expect(200).json();
            let cards = cards["data"].as_array().unwrap().clone();
            cards.iter().map(|card| card["isDeclined"].as_bool().unwrap()).collect::<Vec<_>>()
        };
        let bad = t.card(&customer, "pm_sandbox_declined").await;
        let invoice = t.bill(&customer, 1_000).await;
        assert_eq!(declined().await, [false]);
        t.pay(&invoice, json!({})).await.refused(402, "payment_declined");
        assert_eq!(declined().await, [true]);
        let other = t.card(&customer, "pm_sandbox_requires_form").await;
        let by_other = json!({ "paymentMethodId": other });
        let form = t.pay(&invoice, by_other).await.expect(200).json();
        // A charge that is not over says nothing about the card.
        assert_eq!(declined().await, [false, true]);
        t.fill_in(secret_of(&form), "succeed").await.expect(204);
        assert_eq!(declined().await, [false, true]);
        // As if the later charge had been to the declined card.
        let moved = t.app.db.write(Lane::Usual, async move |tx: &mut Tx<'_, '_>| {
            tx.execute(&LAST_CHARGE_TO, &[bad.as_str().into()]).await
        });
        assert_eq!(moved.await.unwrap(), 1);
        assert_eq!(declined().await, [false, false]);
    }

    async fn attempt_follows_a_form_that_the_customer_fills_in(t) {
        let customer = t.customer("c").await;
        let token = t.token(&customer).await;
        t.card(&customer, "pm_sandbox_requires_form").await;
        let invoice = t.bill(&customer, 1_000).await;
        let outcome = t.pay(&invoice, json!({})).await.expect(200).json();
        let id = &outcome["paymentAttemptId"];
        let status = async || t.read_attempt(id, Some(&token)).await.expect(200).text("status");
        assert_eq!(status().await, "requires_form");
        t.fill_in(secret_of(&outcome), "succeed").await.expect(204);
        assert_eq!(status().await, "succeeded");
    }

    async fn attempt_shows_that_a_form_expired(t) {
        let customer = t.customer("c").await;
        t.card(&customer, "pm_sandbox_requires_form").await;
        let invoice = t.bill(&customer, 1_000).await;
        let id = &t.pay(&invoice, json!({})).await.expect(200).json()["paymentAttemptId"];
        t.advance(settlement::FORM_OPEN_FOR_SECONDS.unsigned_abs());
        t.sweep().await;
        let attempt = t.read_attempt(id, None).await.expect(200);
        assert_eq!(attempt.text("status"), "abandoned");
    }

    async fn attempt_of_another_customer_is_not_found(t) {
        let (customer, other) = (t.customer("c").await, t.customer("other").await);
        t.card(&customer, "pm_sandbox_visa").await;
        let invoice = t.bill(&customer, 1_000).await;
        let id = &t.pay(&invoice, json!({})).await.expect(200).json()["paymentAttemptId"];
        t.read_attempt(id, Some(&t.token(&customer).await)).await.expect(200);
        t.read_attempt(id, Some(&t.token(&other).await)).await.refused(404, "not_found");
        t.read_attempt(&json!(t.app.ids.payment_attempt()), None).await.refused(404, "not_found");
        t.read_attempt(&json!("pay_nothing"), None).await.refused(404, "not_found");
    }

    async fn attempt_is_shown_to_any_token_of_its_customer(t) {
        let customer = t.customer("c").await;
        t.card(&customer, "pm_sandbox_visa").await;
        let invoice = t.bill(&customer, 1_000).await;
        let id = &t.pay(&invoice, json!({})).await.expect(200).json()["paymentAttemptId"];
        for scope in ["credits:write", "subscriptions:write", "customer:read"] {
            let session = t.mint(json!({ "customerId": customer, "scopes": [scope] })).await;
            let token = session.expect(201).text("token");
            t.read_attempt(id, Some(&token)).await.expect(200);
        }
    }

    async fn pay_charges_the_default_card(t) {
        let customer = t.customer("c").await;
        t.card(&customer, "pm_sandbox_mastercard").await;
        let invoice = t.bill(&customer, 1_000).await;
        let outcome = t.pay(&invoice, json!({})).await.expect(200).json();
        assert_eq!((&outcome["kind"], &outcome["subscription"]), (&json!("charged_inline"), &Value::Null));
        let paid = &outcome["invoice"];
        assert_eq!((&paid["status"], &paid["amountPaid"], &paid["amountDue"]),
            (&json!("paid"), &json!(1_000), &json!(0)));
        assert_eq!((&paid["payments"][0]["brand"], &paid["payments"][0]["last4"]),
            (&json!("mastercard"), &json!("4444")));
        assert_eq!(t.charges().await, 1);
        t.pay(&invoice, json!({})).await.refused(409, "invoice_not_payable");
        assert_eq!(t.charges().await, 1);
    }

    async fn pay_charges_the_given_card(t) {
        let customer = t.customer("c").await;
        t.card(&customer, "pm_sandbox_declined").await;
        let visa = t.card(&customer, "pm_sandbox_visa").await;
        let invoice = t.bill(&customer, 1_000).await;
        t.pay(&invoice, json!({ "paymentMethodId": "pm_nothing" })).await.refused(404, "not_found");
        let unknown = json!({ "paymentMethodId": t.app.ids.payment_method() });
        t.pay(&invoice, unknown).await.refused(404, "not_found");
        let other = t.customer("other").await;
        let others = t.card(&other, "pm_sandbox_visa").await;
        t.pay(&invoice, json!({ "paymentMethodId": others })).await.refused(404, "not_found");
        t.pay(&invoice, json!({ "card": visa })).await.refused(422, "validation_failed");
        assert_eq!((t.charges().await, t.count(&ATTEMPTS).await), (0, 0));
        t.pay(&invoice, json!({ "paymentMethodId": visa })).await.expect(200);
        assert!(t.paid(&invoice).await);
    }

    async fn decline_changes_nothing_and_is_replayed(t) {
        let customer = t.customer("c").await;
        t.card(&customer, "pm_sandbox_declined").await;
        let invoice = t.bill(&customer, 1_000).await;
        let before = t.invoice(&invoice).await;
        for replayed in [None, Some("true")] {
            let refused = t.pay_once(&invoice, json!({}), "k").await.refused(402, "payment_declined");
            assert_eq!(refused.json()["declineReason"], "card_declined");
            assert_eq!(refused.header("idempotent-replayed"), replayed);
        }
        assert_eq!(t.invoice(&invoice).await, before);
        assert_eq!((t.count(&ATTEMPTS).await, t.charges().await), (1, 0));
        t.pay_once(&invoice, json!({ "paymentMethodId": "x" }), "k").await
            .refused(404, "not_found");
        // A new key is a new attempt.
        t.pay_once(&invoice, json!({}), "l").await.refused(402, "payment_declined");
        assert_eq!(t.count(&ATTEMPTS).await, 2);
    }

    async fn refusal_is_evaluated_again_under_the_same_key(t) {
        let customer = t.customer("c").await;
        t.card(&customer, "pm_sandbox_timeout").await;
        let invoice = t.bill(&customer, 1_000).await;
        t.begin_to_pay(&invoice).await;
        t.pay_once(&invoice, json!({}), "k").await.refused(409, "payment_in_progress");
        t.advance(60);
        t.sweep().await;
        t.advance(60);
        t.sweep().await;
        t.pay_once(&invoice, json!({}), "k").await.refused(409, "invoice_not_payable");
        assert_eq!(t.charges().await, 1);
    }

    async fn lost_response_never_charges_twice(t) {
        let customer = t.customer("c").await;
        t.card(&customer, "pm_sandbox_timeout").await;
        let invoice = t.bill(&customer, 1_000).await;
        t.pay_once(&invoice, json!({}), "k").await.refused(503, "unavailable");
        assert_eq!((t.charges().await, t.paid(&invoice).await), (1, false));
        // A caller without the key must wait.
        t.pay(&invoice, json!({})).await.refused(409, "payment_in_progress");
        let outcome = t.pay_once(&invoice, json!({}), "k").await.expect(200);
        assert_eq!(outcome.json()["kind"], "charged_inline");
        assert_eq!(outcome.header("idempotent-replayed"), Some("true"));
        assert!(t.paid(&invoice).await);
        assert_eq!((t.charges().await, t.count(&ATTEMPTS).await), (1, 1));
    }

    async fn attempt_is_continued_after_a_crash_in_step_one(t) {
        let customer = t.customer("c").await;
        t.card(&customer, "pm_sandbox_visa").await;
        let invoice = t.bill(&customer, 1_000).await;
        t.begin_to_pay(&invoice).await;
        t.advance(59);
        assert_eq!(t.sweep().await, 0);
        assert_eq!((t.charges().await, t.paid(&invoice).await), (0, false));
        t.advance(1);
        assert_eq!(t.sweep().await, 1);
        assert!(t.paid(&invoice).await);
        assert_eq!((t.charges().await, t.sweep().await), (1, 0));
    }

    async fn attempt_is_recorded_once_after_a_crash_in_step_two(t) {
        let customer = t.customer("c").await;
        t.card(&customer, "pm_sandbox_visa").await;
        let invoice = t.bill(&customer, 1_000).await;
        let id = t.begin_to_pay(&invoice).await;
        // The processor has charged, and the caller is gone.
        unitpay::testing::flows::charge(&t.app, &t.tenant, &t.attempt(id).await).await.unwrap();
        assert_eq!((t.charges().await, t.paid(&invoice).await), (1, false));
        t.advance(60);
        t.sweep().await;
        assert!(t.paid(&invoice).await);
        assert_eq!((t.charges().await, t.count(&PENDING).await), (1, 0));
    }

    async fn replay_returns_the_result_after_a_crash_in_step_three(t) {
        let customer = t.customer("c").await;
        t.card(&customer, "pm_sandbox_visa").await;
        let invoice = t.bill(&customer, 1_000).await;
        let first = t.pay_once(&invoice, json!({}), "k").await.expect(200).json();
        let again = t.pay_once(&invoice, json!({}), "k").await.expect(200);
        assert_eq!(again.json(), first);
        assert_eq!(t.charges().await, 1);
    }

    async fn old_attempt_is_looked_up_before_charging_again(t) {
        let customer = t.customer("c").await;
        t.card(&customer, "pm_sandbox_timeout").await;
        let (lost, never) = (t.bill(&customer, 1_000).await, t.bill(&customer, 2_000).await);
        t.pay(&lost, json!({})).await.refused(503, "unavailable");
        t.begin_to_pay(&never).await;
        // No node was running for longer than the processor keeps a key, so it would charge again.
        t.advance(25 * 3_600);
        assert_eq!(t.sweep().await, 2);
        assert!(t.paid(&lost).await);
        // The other one was never charged. It is charged now, and its response is lost.
        assert_eq!((t.charges().await, t.paid(&never).await), (2, false));
        t.advance(3_600);
        t.sweep().await;
        assert!(t.paid(&never).await);
        assert_eq!(t.charges().await, 2);
    }

    async fn unknown_attempt_is_retried_with_backoff(t) {
        let customer = t.customer("c").await;
        let invoice = t.bill(&customer, 1_000).await;
        t.card(&customer, "pm_sandbox_visa").await;
        let id = t.begin_to_pay(&invoice).await;
        let mut waits = Vec::new();
        for age in [0, 60, 600, 7_200] {
            t.advance(age);
            let unknown = unitpay::testing::payments::ChargeResult::Unknown;
            let attempt = unitpay::testing::flows::record(&t.app, &t.tenant, id, unknown).await.unwrap();
            waits.push(attempt.next_at.unwrap().seconds() - t.app.clock.now().seconds());
        }
        assert_eq!(waits, [60, 60, 660, 3_600]);
    }

    async fn pending_payment_blocks_other_changes_of_the_invoice(t) {
        let customer = t.customer("c").await;
        t.card(&customer, "pm_sandbox_visa").await;
        let invoice = t.bill(&customer, 1_000).await;
        let id = t.begin_to_pay(&invoice).await;
        let before = (t.state().await, t.invoice(&invoice).await);
        for (path, body) in [
            ("pay", json!({})),
            ("void", json!({})),
            ("payments", json!({ "amount": 1, "reference": "R" })),
        ] {
            let request = post(format!("/v1/invoices/{invoice}/{path}"), &body).key(&t.key);
            t.call(request).await.refused(409, "payment_in_progress");
        }
        assert_eq!((t.state().await, t.invoice(&invoice).await), before);
        assert_eq!(t.status(id).await, AttemptStatus::Pending);
    }

    async fn concurrent_payments_charge_once(t) {
        let customer = t.customer("c").await;
        t.card(&customer, "pm_sandbox_visa").await;
        let invoice = t.bill(&customer, 1_000).await;
        let answers = join_all((0..8).map(|_| t.pay(&invoice, json!({})))).await;
        let paid = answers.iter().filter(|answer| answer.status == 200).count();
        let refused = answers.iter().filter(|answer| answer.status == 409);
        assert!(refused.clone().all(|answer| {
            code(answer) == "payment_in_progress" || code(answer) == "invoice_not_payable"
        }));
        assert_eq!((paid, refused.count(), t.charges().await), (1, 7, 1));
    }

    async fn concurrent_twins_pay_once(t) {
        let customer = t.customer("c").await;
        t.card(&customer, "pm_sandbox_visa").await;
        let invoice = t.bill(&customer, 1_000).await;
        let twins = join_all((0..6).map(|_| t.pay_once(&invoice, json!({}), "k"))).await;
        let bodies: Vec<Value> = twins.into_iter().map(|twin| twin.expect(200).json()).collect();
        assert!(bodies.iter().all(|body| *body == bodies[0]));
        assert_eq!((t.charges().await, t.count(&ATTEMPTS).await), (1, 1));
    }

    async fn nodes_continuing_one_attempt_charge_once(t) {
        let customer = t.customer("c").await;
        t.card(&customer, "pm_sandbox_visa").await;
        let invoices = join_all((0..6).map(|n| t.bill(&customer, 1_000 + n))).await;
        for invoice in &invoices {
            t.begin_to_pay(invoice).await;
        }
        t.advance(60);
        let other = match t.engine {
            crate::support::Engine::Sqlite => None,
            crate::support::Engine::Postgres => Some(t.another_node().await),
        };
        let other = other.as_ref().unwrap_or(&t);
        tokio::join!(t.sweep(), other.sweep(), t.sweep());
        for invoice in &invoices {
            assert!(t.paid(invoice).await);
        }
        assert_eq!(t.charges().await, 6);
    }

    async fn pay_without_card_opens_a_form_and_saves_the_card(t) {
        let customer = t.customer("c").await;
        let invoice = t.bill(&customer, 1_000).await;
        let asked = t.pay(&invoice, json!({})).await.expect(200).json();
        assert_eq!((&asked["reason"], &asked["invoice"]["id"]),
            (&json!("payment_method_required"), &json!(invoice)));
        assert_eq!((&asked["client"]["processor"], &asked["client"]["type"]),
            (&json!("sandbox"), &json!("payment")));
        let secret = secret_of(&asked).to_owned();
        // A repeated call returns the same form. A decline leaves it open.
        assert_eq!(secret_of(&t.pay(&invoice, json!({})).await.expect(200).json()), secret);
        t.fill_in(&secret, "decline").await.refused(402, "payment_declined");
        assert!(!t.paid(&invoice).await);
        for _ in 0..2 {
            t.fill_in(&secret, "succeed").await.expect(204);
        }
        assert!(t.paid(&invoice).await);
        assert_eq!((t.charges().await, t.count(&ATTEMPTS).await), (1, 1));
        let next = t.bill(&customer, 500).await;
        let outcome = t.pay(&next, json!({})).await.expect(200).json();
        assert_eq!(outcome["kind"], "charged_inline");
    }

    async fn card_requiring_authentication_opens_a_form_on_session(t) {
        let customer = t.customer("c").await;
        t.card(&customer, "pm_sandbox_requires_form").await;
        let invoice = t.bill(&customer, 1_000).await;
        let asked = t.pay_once(&invoice, json!({}), "k").await.expect(200).json();
        assert_eq!(asked["reason"], "authentication_required");
        assert_eq!(t.pay_once(&invoice, json!({}), "k").await.expect(200).json(), asked);
        t.fill_in(secret_of(&asked), "succeed").await.expect(204);
        assert!(t.paid(&invoice).await);
        // The replay returns the current state.
        let outcome = t.pay_once(&invoice, json!({}), "k").await.expect(200).json();
        assert_eq!(outcome["kind"], "charged_inline");
        // A renewal is off-session.
        let attempt = t.begin(&customer, Effect::CollectInvoice).await;
        let attempt = unitpay::testing::flows::run(&t.app, &t.tenant, attempt.id).await.unwrap();
        assert_eq!(attempt.decline_reason.unwrap().as_str(), "authentication_required");
        let open = t.stored_invoice(attempt.invoice_id).await.unwrap();
        assert_eq!((open.status, open.number), (InvoiceStatus::Issued, Some(2)));
    }

    async fn renewal_without_card_is_declined_off_session(t) {
        let customer = t.customer("c").await;
        let attempt = t.begin(&customer, Effect::CollectInvoice).await;
        let attempt = unitpay::testing::flows::run(&t.app, &t.tenant, attempt.id).await.unwrap();
        assert_eq!(attempt.decline_reason.unwrap().as_str(), "payment_method_required");
        assert_eq!(attempt.status, AttemptStatus::Declined);
    }

    async fn first_invoice_has_no_number_until_paid(t) {
        let (good, bad) = (t.customer("c").await, t.customer("d").await);
        t.card(&good, "pm_sandbox_visa").await;
        t.card(&bad, "pm_sandbox_declined").await;
        let shop = t.shop().await;
        let mut attempts = Vec::new();
        for customer in [&bad, &good] {
            t.grant(shop.wallet(customer), GrantSource::Promotional, 1, None).await;
            let wallet = t.wallet(customer).await["id"].as_str().unwrap().parse().unwrap();
            let effect = Effect::TopUp { credit_account_id: wallet, credits: 10, package_id: None, automatic: false };
            attempts.push(t.begin(customer, effect).await);
        }
        let [first, second] = &attempts[..] else { unreachable!() };
        assert_eq!(t.count(&NUMBERED).await, 0);
        let draft = t.stored_invoice(second.invoice_id).await.unwrap();
        assert_eq!((draft.status, draft.number, draft.reason), (InvoiceStatus::Draft, None, InvoiceReason::Renewal));
        for attempt in &attempts {
            unitpay::testing::flows::run(&t.app, &t.tenant, attempt.id).await.unwrap();
        }
        assert!(t.stored_invoice(first.invoice_id).await.is_none());
        let paid = t.stored_invoice(second.invoice_id).await.unwrap();
        assert_eq!((paid.status, paid.number), (InvoiceStatus::Paid, Some(1)));
        // `top_ups` tests the effect of a top-up. A declined one has no effect.
        assert_eq!(t.balance(&bad).await, 1);
    }

    async fn closed_form_payment_is_refunded(t) {
        let customer = t.customer("c").await;
        t.card(&customer, "pm_sandbox_requires_form").await;
        let visa = t.card(&customer, "pm_sandbox_visa").await;
        let invoice = t.bill(&customer, 1_000).await;
        let asked = t.pay_once(&invoice, json!({}), "k").await.expect(200).json();
        t.pay(&invoice, json!({ "paymentMethodId": visa })).await.expect(200);
        let paid = t.invoice(&invoice).await;
        assert_eq!(paid["status"], "paid");
        t.fill_in(secret_of(&asked), "succeed").await.expect(204);
        assert_eq!(t.invoice(&invoice).await, paid);
        assert_eq!((t.charges().await, t.count(&REFUNDS).await), (2, 1));
        t.pay_once(&invoice, json!({}), "k").await.refused(409, "conflict");
    }

    async fn transfer_and_void_close_a_form(t) {
        let customer = t.customer("c").await;
        for (path, body, status) in [
            ("payments", json!({ "amount": 100, "reference": "R" }), 201),
            ("void", json!({}), 200),
        ] {
            let invoice = t.bill(&customer, 1_000).await;
            let asked = t.pay(&invoice, json!({})).await.expect(200).json();
            let request = post(format!("/v1/invoices/{invoice}/{path}"), &body).key(&t.key);
            let done = t.call(request).await.expect(status).json();
            t.fill_in(secret_of(&asked), "succeed").await.expect(204);
            assert_eq!(t.invoice(&invoice).await, done);
        }
        assert_eq!((t.charges().await, t.count(&REFUNDS).await), (2, 2));
    }

    async fn form_expires_after_23_hours_and_late_payment_is_refunded(t) {
        let customer = t.customer("c").await;
        let invoice = t.bill(&customer, 1_000).await;
        let asked = t.pay(&invoice, json!({})).await.expect(200).json();
        let attempt = t.begin(&customer, t.starting()).await;
        let pending = unitpay::testing::flows::run(&t.app, &t.tenant, attempt.id).await.unwrap();
        assert_eq!(pending.status, AttemptStatus::RequiresForm);
        t.advance(23 * 3_600 - 1);
        assert_eq!(t.sweep().await, 0);
        t.advance(1);
        assert_eq!(t.sweep().await, 2);
        assert_eq!(t.status(attempt.id).await, AttemptStatus::Abandoned);
        assert!(t.stored_invoice(attempt.invoice_id).await.is_none());
        assert_eq!(t.invoice(&invoice).await["status"], "issued");
        let secrets = [secret_of(&asked), pending.client_secret.as_deref().unwrap()];
        for secret in secrets {
            t.fill_in(secret, "succeed").await.refused(404, "not_found");
        }
        t.pay_canceled_forms().await;
        for secret in secrets {
            t.fill_in(secret, "succeed").await.expect(204);
        }
        assert!(!t.paid(&invoice).await);
        assert_eq!(t.count(&REFUNDS).await, 2);
        assert_eq!(t.status(attempt.id).await, AttemptStatus::Refunded);
    }

    async fn interrupted_refund_is_continued(t) {
        const DUE: Sql = sql("UPDATE payment_attempts SET status = 'refund_due', next_at = 0 \
            WHERE status = 'refunded'");
        const TAKEN: Sql = sql("UPDATE sandbox_intents SET status = 'succeeded' WHERE status = 'refunded'");
        let customer = t.customer("c").await;
        let invoice = t.bill(&customer, 1_000).await;
        let asked = t.pay(&invoice, json!({})).await.expect(200).json();
        t.call(post(format!("/v1/invoices/{invoice}/void"), &json!({})).key(&t.key)).await.expect(200);
        t.fill_in(secret_of(&asked), "succeed").await.expect(204);
        // As if the node had died before it called the processor.
        let undone = t.app.db.write(Lane::Usual, async move |tx: &mut Tx<'_, '_>| {
            Ok::<_, unitpay::testing::db::DbError>((tx.execute(&DUE, &[]).await?, tx.execute(&TAKEN, &[]).await?))
        });
        assert_eq!(undone.await.unwrap(), (1, 1));
        t.sweep().await;
        assert_eq!((t.count(&REFUNDS).await, t.sweep().await), (1, 0));
    }

    async fn archiving_refunds_payments_in_progress(t) {
        let customer = t.customer("c").await;
        t.card(&customer, "pm_sandbox_visa").await;
        let attempt = t.begin(&customer, t.starting()).await;
        let result = unitpay::testing::flows::charge(&t.app, &t.tenant, &attempt).await.unwrap();
        let (tenant, no, by) = (t.tenant, attempt.customer_no, t.app.by(Actor::System));
        let given_up = t.app.db.write(Lane::Usual, async move |tx: &mut Tx<'_, '_>| {
            let mut work = Work { tx, tenant: &tenant, at: by.now, by: &by };
            settlement::abandon_all_of_customer(&mut work, no).await
        });
        given_up.await.unwrap();
        let attempt = unitpay::testing::flows::record(&t.app, &t.tenant, attempt.id, result).await.unwrap();
        assert_eq!(attempt.status, AttemptStatus::Refunded);
        assert_eq!((t.count(&NUMBERED).await, t.count(&REFUNDS).await), (0, 1));
    }

    async fn archived_customer_is_not_charged(t) {
        let customer = t.customer("c").await;
        t.card(&customer, "pm_sandbox_visa").await;
        let invoice = t.bill(&customer, 1_000).await;
        t.set_archived(&customer, "archive").await.expect(200);
        t.pay(&invoice, json!({})).await.refused(409, "customer_archived");
        assert_eq!((t.charges().await, t.count(&ATTEMPTS).await), (0, 0));
    }

    async fn remainder_below_minimum_is_never_charged(t) {
        let customer = t.customer("c").await;
        t.card(&customer, "pm_sandbox_visa").await;
        let invoice = t.bill(&customer, 1_000).await;
        let path = format!("/v1/invoices/{invoice}/payments");
        let body = json!({ "amount": 951, "reference": "R" });
        t.call(post(path, &body).key(&t.key)).await.expect(201);
        t.pay(&invoice, json!({})).await.refused(409, "invoice_not_payable");
        assert_eq!((t.charges().await, t.count(&ATTEMPTS).await), (0, 0));
    }
}
