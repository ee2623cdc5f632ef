//! Disputes: what a report changes, in any order, twice, after a crash, and by each setting.

use crate::on_both_stores;
use crate::support::{Answer, Request, Test, check_books, get, monthly, post};
use serde_json::{Value, json};
use unitpay::testing::base::{AfterLostDispute, DisputeStatus, ReportedDispute, Time};
use unitpay::testing::billing_settings::{self, BillingSettings};
use unitpay::testing::db::{Sql, sql};
use unitpay::testing::jobs;
use unitpay::testing::organizations::Tenant;
use unitpay::testing::payments::ProcessorEvent;

const CHARGE: Sql = sql("SELECT CAST(MIN(a.id) AS TEXT) FROM payment_attempts a \
     JOIN customers c ON c.no = a.customer_no WHERE c.external_id = $1");
const REVERSALS: Sql = sql("SELECT COUNT(*) FROM audit_events WHERE action = 'payment.reversed'");
const FAILED_REFUNDS: Sql = sql("SELECT COUNT(*) FROM refunds WHERE status = 'failed'");
const DISPUTES: Sql = sql("SELECT COUNT(*) FROM disputes");

pub fn report(status: DisputeStatus, amount: i64) -> ReportedDispute {
    ReportedDispute {
        reference: "dp_1".into(),
        amount: Some(amount),
        reason: "fraudulent".into(),
        status,
        due_by: Some(Time::from_seconds(1_893_456_000 + 7 * 86_400)),
    }
}

impl Test {
    pub async fn first_charge(&self, customer: &str) -> String {
        let mut tx = self.app.db.read().await.unwrap();
        tx.one(&CHARGE, &[customer.into()], |row| row.take()).await.unwrap().unwrap()
    }

    /// Sends the report of a dispute of this charge, signed with this tenant's secret.
    async fn report(&self, tenant: &Tenant, charge: &str, dispute: ReportedDispute) -> Answer {
        let event = ProcessorEvent::Disputed {
            key: charge.parse().unwrap(),
            reference: "pi_1".into(),
            card: None,
            dispute,
        };
        let delivery = self.app.processors.sandbox().deliver(tenant, &event).unwrap();
        let path = format!("/v1/webhooks/sandbox/{}", tenant.organization_id);
        let request = Request::new("POST", path).raw_json(delivery.body);
        self.call(request.header("sandbox-signature", delivery.signature)).await
    }

    pub async fn reported(&self, charge: &str, status: DisputeStatus, amount: i64) {
        self.report(&self.tenant, charge, report(status, amount)).await.expect(204);
    }

    /// A customer who has paid an invoice, and the charge.
    async fn has_paid(&self, customer: &str, amount: i64) -> (String, String) {
        self.payer(customer).await;
        let invoice = self.bill(customer, amount).await;
        self.pay(&invoice, json!({})).await.expect(200);
        (invoice, self.first_charge(customer).await)
    }

    /// An invoice that a customer has paid with the card of this token.
    async fn paid_by(&self, customer: &str, amount: i64, token: &str) -> String {
        self.customer(customer).await;
        self.card(customer, token).await;
        let invoice = self.bill(customer, amount).await;
        self.pay(&invoice, json!({})).await.expect(200);
        invoice
    }

    /// Status, amount paid, amount due and dispute of an invoice.
    async fn summarized(&self, invoice: &str) -> Value {
        let shown = self.invoice(invoice).await;
        json!([shown["status"], shown["amountPaid"], shown["amountDue"], shown["disputeStatus"]])
    }

    async fn sell_to(&self, customer: &str) -> Value {
        let charges = json!([{ "type": "recurring", "amount": 2_000 }]);
        let plan = self.plan(monthly("pro", charges)).await;
        self.payer(customer).await;
        self.buy(customer, &plan, 1).await
    }
}

async fn following(t: Test, after: AfterLostDispute) -> Test {
    Test::start_with(t.engine, |config| config.billing.after_lost_dispute = after).await
}

on_both_stores! {
    async fn dispute_is_shown_and_changes_no_money_until_it_is_lost(t) {
        let (invoice, charge) = t.has_paid("one", 1_000).await;
        for status in [DisputeStatus::Inquiry, DisputeStatus::NeedsResponse, DisputeStatus::UnderReview] {
            t.reported(&charge, status, 1_000).await;
            assert_eq!(t.summarized(&invoice).await, json!(["paid", 1_000, 0, status]));
        }
        let shown = t.invoice(&invoice).await;
        let dispute = &shown["disputes"][0];
        assert_eq!(
            json!([dispute["reference"], dispute["amount"], dispute["reason"], dispute["status"], dispute["dueBy"], dispute["amountReversed"], dispute["paymentAttemptId"]]),
            json!(["dp_1", 1_000, "fraudulent", "under_review", "2030-01-08T00:00:00.000Z", 0, charge]),
        );
        let list = t.call(get("/v1/invoices").key(&t.key)).await.expect(200).json();
        assert_eq!((&list["data"][0]["disputeStatus"], &list["data"][0]["disputes"]), (&json!("under_review"), &Value::Null));
        // The bank holds the money.
        let body = json!({ "amount": 1_000, "reason": "other", "refundAmount": 1_000 });
        let path = format!("/v1/invoices/{invoice}/credit-notes");
        t.call(post(&path, &body).key(&t.key)).await.refused(422, "amount_out_of_range");
        t.reported(&charge, DisputeStatus::Won, 1_000).await;
        assert_eq!(t.summarized(&invoice).await, json!(["paid", 1_000, 0, "won"]));
        t.call(post(&path, &body).key(&t.key)).await.expect(201);
        assert_eq!(t.count(&REVERSALS).await, 0);
    }

    async fn lost_dispute_reverses_once_and_won_one_restores(t) {
        let (invoice, charge) = t.has_paid("one", 1_000).await;
        t.reported(&charge, DisputeStatus::Lost, 400).await;
        let lost = json!(["uncollectible", 600, 400, "lost"]);
        assert_eq!(t.summarized(&invoice).await, lost);
        assert_eq!(t.invoice(&invoice).await["payments"][0]["amountReversed"], 400);
        // Older reports that come late, and the same again.
        for (status, amount) in [(DisputeStatus::NeedsResponse, 400), (DisputeStatus::Lost, 400), (DisputeStatus::UnderReview, 400)] {
            t.reported(&charge, status, amount).await;
            assert_eq!(t.summarized(&invoice).await, lost);
        }
        assert_eq!((t.count(&REVERSALS).await, t.count(&DISPUTES).await), (1, 1));
        check_books(&t.app.db, "after a lost dispute").await;
        t.reported(&charge, DisputeStatus::Won, 400).await;
        assert_eq!(t.summarized(&invoice).await, json!(["paid", 1_000, 0, "won"]));
        check_books(&t.app.db, "after a won dispute").await;
    }

    async fn payment_after_a_lost_dispute_goes_to_the_balance_when_won(t) {
        let (invoice, charge) = t.has_paid("one", 1_000).await;
        t.reported(&charge, DisputeStatus::Lost, 1_000).await;
        t.pay(&invoice, json!({})).await.expect(200);
        assert_eq!(t.summarized(&invoice).await, json!(["paid", 1_000, 0, "lost"]));
        t.reported(&charge, DisputeStatus::Won, 1_000).await;
        assert_eq!(t.summarized(&invoice).await, json!(["paid", 1_000, 0, "won"]));
        assert_eq!(t.balances("one").await, json!([["USD", 1_000]]));
        check_books(&t.app.db, "after a payment that came back").await;
    }

    async fn dispute_takes_back_no_more_than_was_not_refunded(t) {
        let (invoice, charge) = t.has_paid("one", 1_000).await;
        let body = json!({ "amount": 300, "reason": "other", "refundAmount": 300 });
        let path = format!("/v1/invoices/{invoice}/credit-notes");
        t.call(post(&path, &body).key(&t.key)).await.expect(201);
        // In another currency it is of the whole charge.
        let foreign = ReportedDispute { amount: None, ..report(DisputeStatus::Lost, 0) };
        t.report(&t.tenant, &charge, foreign).await.expect(204);
        assert_eq!(t.summarized(&invoice).await, json!(["uncollectible", 300, 700, "lost"]));
        assert_eq!(t.invoice(&invoice).await["disputes"][0]["amount"], 1_000);
        // A second dispute of the same charge finds nothing more.
        let second = ReportedDispute { reference: "dp_2".into(), ..report(DisputeStatus::Lost, 1_000) };
        t.report(&t.tenant, &charge, second).await.expect(204);
        assert_eq!(t.summarized(&invoice).await, json!(["uncollectible", 300, 700, "lost"]));
        assert_eq!(t.count(&DISPUTES).await, 2);
        check_books(&t.app.db, "after two disputes").await;
    }

    async fn dispute_signed_by_another_tenant_changes_nothing(t) {
        let (invoice, charge) = t.has_paid("one", 1_000).await;
        let other = t.organization("another").await;
        let before = t.invoice(&invoice).await;
        t.report(&other, &charge, report(DisputeStatus::Lost, 1_000)).await.expect(204);
        assert_eq!((t.invoice(&invoice).await, t.count(&DISPUTES).await), (before, 0));
        // Nor does the reference of a dispute of another charge.
        t.reported(&charge, DisputeStatus::NeedsResponse, 1_000).await;
        let (second, charge) = t.has_paid("two", 500).await;
        t.reported(&charge, DisputeStatus::Lost, 500).await;
        assert_eq!(t.summarized(&second).await, json!(["paid", 500, 0, null]));
    }

    async fn dispute_is_announced_with_its_payment(t) {
        let (_, charge) = t.has_paid("one", 1_000).await;
        for status in [DisputeStatus::NeedsResponse, DisputeStatus::Lost, DisputeStatus::Lost] {
            t.reported(&charge, status, 1_000).await;
        }
        jobs::publish(&t.app).await.unwrap();
        let list = get("/v1/events?type=payment.disputed").key(&t.key);
        let list = t.call(list).await.expect(200).json();
        let ids: Vec<&Value> = list["data"].as_array().unwrap().iter().map(|event| &event["data"]["object"]["id"]).collect();
        assert_eq!(ids, [&json!(charge), &json!(charge)]);
    }

    async fn lost_dispute_leaves_the_subscription_by_default(t) {
        t.sell_to("one").await;
        let charge = t.first_charge("one").await;
        t.reported(&charge, DisputeStatus::Lost, 2_000).await;
        let invoice = t.invoices_of("one").await.remove(0);
        assert_eq!((&invoice["status"], &invoice["amountDue"]), (&json!("uncollectible"), &json!(2_000)));
        assert_eq!(t.subscription_of("one").await["status"], "active");
    }

    async fn lost_dispute_makes_past_due_and_charges_again_if_set(t) {
        let t = following(t, AfterLostDispute::PastDue).await;
        t.sell_to("one").await;
        let charge = t.first_charge("one").await;
        t.reported(&charge, DisputeStatus::Lost, 2_000).await;
        assert_eq!(t.subscription_of("one").await["status"], "past_due");
        assert_eq!(t.invoices_of("one").await[0]["status"], "overdue");
        t.advance(86_400);
        t.bill_what_is_due().await;
        t.bill_what_is_due().await;
        assert_eq!(t.subscription_of("one").await["status"], "active");
        assert_eq!(t.invoices_of("one").await[0]["status"], "paid");
        t.reported(&charge, DisputeStatus::Won, 2_000).await;
        assert_eq!(t.balances("one").await, json!([["USD", 2_000]]));
        check_books(&t.app.db, "after a dispute of a subscription").await;
    }

    async fn setting_of_an_environment_overrides_the_installation(t) {
        let t = following(t, AfterLostDispute::PastDue).await;
        let set = async |body: Value| {
            let request = Request::new("PUT", "/v1/billing-settings").json(&body);
            t.call(request.key(&t.key)).await.expect(200).json()["afterLostDispute"].clone()
        };
        let read = async || t.call(get("/v1/billing-settings").key(&t.key)).await.expect(200).json();
        assert_eq!(read().await, json!({ "afterLostDispute": "past_due", "updatedAt": null }));
        assert_eq!(set(json!({ "afterLostDispute": "cancel" })).await, "cancel");
        t.sell_to("one").await;
        t.reported(&t.first_charge("one").await, DisputeStatus::Lost, 2_000).await;
        assert_eq!(t.subscription_of("one").await["status"], "canceled");
        // Another organization keeps the installation's.
        let other = t.organization("another").await;
        let mut tx = t.app.db.read().await.unwrap();
        assert_eq!(billing_settings::get(&mut tx, &other).await.unwrap(), BillingSettings::default());
        drop(tx);
        let wrong = Request::new("PUT", "/v1/billing-settings").json(&json!({ "afterLostDispute": "refund" }));
        t.call(wrong.key(&t.key)).await.refused(422, "validation_failed");
        assert_eq!(read().await["afterLostDispute"], "cancel");
        assert_eq!(set(json!({})).await, "past_due");
    }

    async fn refund_that_fails_after_a_lost_dispute_is_no_credit(t) {
        let invoice = t.paid_by("one", 1_000, "pm_sandbox_refund_fails").await;
        let charge = t.first_charge("one").await;
        let body = json!({ "amount": 300, "reason": "other", "refundAmount": 300 });
        let path = format!("/v1/invoices/{invoice}/credit-notes");
        t.call(post(&path, &body).key(&t.key)).await.expect(201);
        // The bank has returned all of it while the refund was pending.
        t.reported(&charge, DisputeStatus::Lost, 1_000).await;
        assert_eq!(t.summarized(&invoice).await, json!(["uncollectible", 300, 700, "lost"]));
        t.advance(3_600);
        t.bill_what_is_due().await;
        assert_eq!(t.count(&FAILED_REFUNDS).await, 1);
        assert_eq!(t.balances("one").await, json!([]));
        assert_eq!(t.invoice(&invoice).await["disputes"][0]["amountReversed"], 1_000);
        check_books(&t.app.db, "after a refund that the bank has made").await;
        // The bank gives the money to the seller after all, who still owes the refund.
        t.reported(&charge, DisputeStatus::Won, 1_000).await;
        assert_eq!(t.summarized(&invoice).await, json!(["paid", 1_000, 0, "won"]));
        assert_eq!(t.balances("one").await, json!([["USD", 300]]));
        check_books(&t.app.db, "after a won dispute of a failed refund").await;
    }

    async fn refund_that_failed_before_a_dispute_is_lost_is_a_credit(t) {
        let invoice = t.paid_by("one", 1_000, "pm_sandbox_refund_fails").await;
        let charge = t.first_charge("one").await;
        let body = json!({ "amount": 300, "reason": "other", "refundAmount": 300 });
        let path = format!("/v1/invoices/{invoice}/credit-notes");
        t.call(post(&path, &body).key(&t.key)).await.expect(201);
        t.advance(3_600);
        t.bill_what_is_due().await;
        assert_eq!(t.balances("one").await, json!([["USD", 300]]));
        t.reported(&charge, DisputeStatus::Lost, 1_000).await;
        // All of it is owed again, and 300 of that is in the balance.
        assert_eq!(t.summarized(&invoice).await, json!(["uncollectible", 0, 1_000, "lost"]));
        check_books(&t.app.db, "after a lost dispute of a failed refund").await;
    }

    async fn won_dispute_makes_a_past_due_subscription_active(t) {
        let t = following(t, AfterLostDispute::PastDue).await;
        t.sell_to("one").await;
        let charge = t.first_charge("one").await;
        for (status, subscription) in [(DisputeStatus::Lost, "past_due"), (DisputeStatus::Won, "active")] {
            t.reported(&charge, status, 2_000).await;
            assert_eq!(t.subscription_of("one").await["status"], subscription);
        }
    }

    async fn lost_dispute_ends_the_subscription_if_set(t) {
        let t = following(t, AfterLostDispute::Cancel).await;
        t.sell_to("one").await;
        let charge = t.first_charge("one").await;
        t.reported(&charge, DisputeStatus::NeedsResponse, 2_000).await;
        assert_eq!(t.subscription_of("one").await["status"], "active");
        t.reported(&charge, DisputeStatus::Lost, 2_000).await;
        assert_eq!(t.subscription_of("one").await["status"], "canceled");
        assert_eq!(t.invoices_of("one").await[0]["status"], "uncollectible");
        // Nothing revives it.
        t.reported(&charge, DisputeStatus::Won, 2_000).await;
        assert_eq!(t.subscription_of("one").await["status"], "canceled");
        assert_eq!(t.invoices_of("one").await[0]["status"], "paid");
    }

    async fn lost_dispute_happens_once_after_a_crash_at_any_row(t) {
        let t = following(t, AfterLostDispute::PastDue).await;
        let charges = json!([{ "type": "recurring", "amount": 2_000 }]);
        let plan = t.plan(monthly("pro", charges)).await;
        t.count_writes().await;
        let prepare = async |name: &str| {
            t.payer(name).await;
            t.buy(name, &plan, 1).await;
        };
        let work = async |name: &str| {
            let charge = t.first_charge(name).await;
            let reference = format!("dp_{name}");
            let lost = ReportedDispute { reference, ..report(DisputeStatus::Lost, 500) };
            drop(t.report(&t.tenant, &charge, lost).await);
        };
        let expected = async |name: &str, rows: i64| {
            let invoice = t.invoices_of(name).await.remove(0);
            let shown = json!([invoice["status"], invoice["amountPaid"], invoice["disputes"][0]["amountReversed"]]);
            assert_eq!(shown, json!(["overdue", 1_500, 500]), "after {rows} rows");
            assert_eq!(t.subscription_of(name).await["status"], "past_due", "after {rows} rows");
        };
        let rows = t.die_after_each_row(prepare, work, expected).await;
        assert!(rows > 8, "it wrote {rows} rows");
    }
}
