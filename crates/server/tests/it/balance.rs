//! Customer balances: adjusted by hand, applied before a charge, returned, never negative.

use crate::on_both_stores;
use crate::support::{
    Answer, Test, check_books, flat, get, monthly, new_invoice, patch, post, summarize, with,
};
use futures_util::future::join_all;
use serde_json::{Value, json};
use unitpay::testing::settlement::{Billed, Effect};

impl Test {
    pub async fn adjust(&self, customer: &str, body: Value) -> Answer {
        let path = format!("/v1/customers/{customer}/balance/adjustments");
        self.call(post(path, &body).key(&self.key)).await
    }

    /// Adds dollars to a customer's balance.
    pub async fn credit(&self, customer: &str, amount: i64) {
        self.adjust(customer, json!({ "currency": "USD", "amount": amount })).await.expect(201);
    }

    /// Returns currency and amount of each balance.
    pub async fn balances(&self, customer: &str) -> Value {
        let path = format!("/v1/customers/{customer}/balance");
        let shown = self.call(get(path).key(&self.key)).await.expect(200).json();
        let each = shown["balances"].as_array().unwrap().iter();
        each.map(|one| json!([one["currency"], one["amount"]])).collect()
    }

    /// Returns type, amount and balance after each entry, oldest first.
    pub async fn balance_entries(&self, customer: &str) -> Vec<Value> {
        let path = format!("/v1/customers/{customer}/balance/entries?limit=100");
        let list = self.call(get(path).key(&self.key)).await.expect(200).json();
        let each = list["data"].as_array().unwrap().iter().rev();
        each.map(|one| json!([one["type"], one["amount"], one["balanceAfter"]])).collect()
    }
}

/// The parts that the total of an invoice consists of.
fn parts(invoice: &Value) -> Value {
    json!([
        invoice["totalAmount"],
        invoice["balanceApplied"],
        invoice["amountPaid"],
        invoice["amountDue"],
        invoice["status"]
    ])
}

on_both_stores! {
    async fn balance_is_adjusted_once_and_never_below_zero(t) {
        let one = t.customer("one").await;
        t.customer("two").await;
        let add = json!({ "currency": "USD", "amount": 1_000, "description": "Goodwill" });
        let path = "/v1/customers/one/balance/adjustments";
        let again = || t.call(post(path, &add).key(&t.key).header("idempotency-key", "k"));
        let twins = join_all((0..3).map(|_| again())).await;
        let entries: Vec<Value> = twins.into_iter().map(|twin| twin.expect(201).json()).collect();
        assert!(entries.iter().all(|entry| *entry == entries[0]), "{entries:?}");
        assert_eq!((&entries[0]["amount"], &entries[0]["description"]), (&json!(1_000), &json!("Goodwill")));
        t.adjust("one", json!({ "currency": "USD", "amount": -400 })).await.expect(201);
        t.adjust("one", json!({ "currency": "USD", "amount": -601 })).await.refused(422, "amount_out_of_range");
        t.adjust("one", json!({ "currency": "EUR", "amount": -1 })).await.refused(422, "amount_out_of_range");
        t.adjust("one", json!({ "currency": "USD", "amount": 0 })).await.refused(422, "validation_failed");
        t.adjust("one", json!({ "currency": "XXX", "amount": 1 })).await.refused(422, "validation_failed");
        let most = unitpay::testing::base::MAX_AMOUNT;
        t.adjust("one", json!({ "currency": "USD", "amount": most })).await.refused(422, "amount_out_of_range");
        t.adjust("nobody", json!({ "currency": "USD", "amount": 1 })).await.refused(404, "customer_not_found");
        assert_eq!(t.balances("one").await, json!([["USD", 600]]));
        assert_eq!(t.balance_entries("one").await, [json!(["adjustment", 1_000, 1_000]), json!(["adjustment", -400, 600])]);
        assert_eq!(t.balances("two").await, json!([]));
        let token = t.token(&one).await;
        let mine = t.call(get("/v1/customers/one/balance").bearer(&token)).await.expect(200).json();
        assert_eq!(mine["balances"][0]["amount"], 600);
        for what in ["balance", "balance/entries"] {
            t.call(get(format!("/v1/customers/two/{what}")).bearer(&token)).await.refused(404, "customer_not_found");
        }
        t.call(post("/v1/customers/one/archive", &json!({})).key(&t.key)).await.expect(200);
        t.adjust("one", add.clone()).await.refused(409, "customer_archived");
        check_books(&t.app.db, "after adjustments").await;
    }

    async fn parallel_adjustments_take_no_more_than_there_is(t) {
        t.customer("one").await;
        t.credit("one", 500).await;
        let take = || t.adjust("one", json!({ "currency": "USD", "amount": -100 }));
        let answers = join_all((0..12).map(|_| take())).await;
        assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 5);
        assert_eq!(t.balances("one").await, json!([["USD", 0]]));
        check_books(&t.app.db, "after parallel adjustments").await;
    }

    async fn balance_pays_invoices_before_the_card(t) {
        let plan = t.plan(monthly("pro", flat(1_000))).await;
        t.payer("one").await;
        t.credit("one", 1_300).await;
        let bought = t.ask("subscriptions", json!({ "customerId": "one", "planId": plan })).await;
        assert_eq!((&bought["kind"], &bought["paymentAttemptId"]), (&json!("charged_inline"), &Value::Null));
        assert_eq!(bought["subscription"]["status"], "active");
        assert_eq!(parts(&bought["invoice"]), json!([1_000, 1_000, 0, 0, "paid"]));
        assert_eq!(t.charges().await, 0);
        t.clock_to("2030-02-01T00:00:00Z").await;
        t.clock_to("2030-03-01T00:00:00Z").await;
        let invoices = t.invoices_of("one").await;
        assert_eq!(invoices.iter().map(parts).collect::<Vec<_>>(), [
            json!([1_000, 1_000, 0, 0, "paid"]), json!([1_000, 300, 700, 0, "paid"]), json!([1_000, 0, 1_000, 0, "paid"]),
        ]);
        assert_eq!(t.balance_entries("one").await, [
            json!(["adjustment", 1_300, 1_300]), json!(["applied", -1_000, 300]), json!(["applied", -300, 0]),
        ]);
        let pdf = format!("/v1/invoices/{}/pdf", invoices[1]["id"].as_str().unwrap());
        t.call(get(pdf).key(&t.key)).await.expect(200);
        check_books(&t.app.db, "after renewals").await;
    }

    async fn part_left_to_charge_is_at_least_the_minimum(t) {
        let one = t.payer("one").await;
        let collect = async |amount| t.collect(&one, new_invoice(&[amount]), Effect::CollectInvoice).await.unwrap();
        t.credit("one", 980).await;
        let Billed::Attempt(attempt) = collect(1_000).await else { panic!() };
        assert_eq!((attempt.amount, t.balances("one").await), (50, json!([["USD", 30]])));
        // An amount too small to charge waits for the next invoice and takes no balance.
        assert!(matches!(collect(40).await, Billed::Added));
        assert_eq!(t.balances("one").await, json!([["USD", 30]]));
        t.credit("one", 20).await;
        assert!(matches!(collect(10).await, Billed::Issued(_)));
        assert_eq!(t.balances("one").await, json!([["USD", 0]]));
    }

    async fn balance_is_returned_when_the_payment_fails(t) {
        let plan = t.plan(monthly("pro", flat(1_000))).await;
        let one = t.customer("one").await;
        t.credit("one", 300).await;
        let form = t.ask("subscriptions", json!({ "customerId": "one", "planId": plan })).await;
        assert_eq!((&form["kind"], t.balances("one").await), (&json!("requires_form"), json!([["USD", 0]])));
        let pending = t.subscription_of("one").await;
        t.of_subscription(&pending, "cancel", json!({})).await.expect(200);
        assert_eq!(t.balances("one").await, json!([["USD", 300]]));
        t.card(&one, "pm_sandbox_declined").await;
        t.try_to_subscribe("one", &plan).await.refused(402, "payment_declined");
        assert_eq!(t.balance_entries("one").await[1..], [
            json!(["applied", -300, 0]), json!(["returned", 300, 300]), json!(["applied", -300, 0]), json!(["returned", 300, 300]),
        ]);
        check_books(&t.app.db, "after failed payments").await;
    }

    async fn voided_invoice_returns_what_the_balance_paid(t) {
        let plan = t.plan(monthly("pro", flat(1_000))).await;
        t.customer("one").await;
        t.call(patch("/v1/customers/one", &json!({ "collectionMethod": "send_invoice" })).key(&t.key)).await.expect(200);
        t.credit("one", 300).await;
        let sent = t.ask("subscriptions", json!({ "customerId": "one", "planId": plan })).await;
        assert_eq!((&sent["kind"], parts(&sent["invoice"])), (&json!("invoice_sent"), json!([1_000, 300, 0, 700, "issued"])));
        let id = sent["invoice"]["id"].as_str().unwrap();
        let void = || t.call(post(format!("/v1/invoices/{id}/void"), &json!({})).key(&t.key));
        assert_eq!(parts(&void().await.expect(200).json()), json!([1_000, 0, 0, 0, "void"]));
        void().await.refused(409, "invoice_not_payable");
        assert_eq!(t.balances("one").await, json!([["USD", 300]]));
        check_books(&t.app.db, "after a void").await;
    }

    async fn overpaid_transfer_goes_to_the_balance_when_asked(t) {
        t.customer("one").await;
        let invoice = t.bill("one", 1_000).await;
        let transfer = async |amount: i64, excess: bool| {
            let body = json!({ "amount": amount, "reference": "SEPA 7", "excessToBalance": excess });
            t.call(post(format!("/v1/invoices/{invoice}/payments"), &body).key(&t.key)).await
        };
        transfer(1_250, false).await.refused(422, "amount_out_of_range");
        assert_eq!(t.balances("one").await, json!([]));
        assert_eq!(transfer(400, true).await.expect(201).json()["amountDue"], 600);
        let paid = transfer(850, true).await.expect(201).json();
        assert_eq!(parts(&paid), json!([1_000, 0, 1_000, 0, "paid"]));
        assert_eq!(paid["payments"].as_array().unwrap().len(), 2);
        assert_eq!(t.balance_entries("one").await, [json!(["overpayment", 250, 250])]);
        check_books(&t.app.db, "after an overpaid transfer").await;
    }

    async fn top_up_from_the_balance_grants_at_once(t) {
        t.customer("one").await;
        let currency = t.make("credit-currencies", json!({ "slug": "c", "name": "C", "denomination": "unit" })).await;
        let package = json!({ "creditCurrencyId": currency, "name": "K", "credits": 100, "price": 500, "currency": "USD" });
        let package = t.make("credit-packages", package).await;
        t.credit("one", 600).await;
        let bought = t.ask("customers/one/top-ups", json!({ "creditCurrencyId": currency, "packageId": package })).await;
        assert_eq!((&bought["kind"], parts(&bought["invoice"])), (&json!("charged_inline"), json!([500, 500, 0, 0, "paid"])));
        assert_eq!((t.balance("one").await, t.balances("one").await), (100, json!([["USD", 100]])));
        check_books(&t.app.db, "after a top-up").await;
    }

    async fn money_in_another_currency_is_used_up_first(t) {
        let plan = t.plan(with(monthly("euro", flat(1_000)), json!({ "currency": "EUR" }))).await;
        t.payer("one").await;
        t.credit("one", 300).await;
        t.try_to_subscribe("one", &plan).await.refused(422, "currency_mismatch");
        t.adjust("one", json!({ "currency": "EUR", "amount": 1 })).await.refused(422, "currency_mismatch");
        t.adjust("one", json!({ "currency": "USD", "amount": -300 })).await.expect(201);
        t.try_to_subscribe("one", &plan).await.expect(200);
        t.adjust("one", json!({ "currency": "USD", "amount": 1 })).await.refused(422, "currency_mismatch");
        t.adjust("one", json!({ "currency": "EUR", "amount": 1 })).await.expect(201);
        assert_eq!(summarize(&t.invoices_of("one").await), [("create", "paid", 1_000)]);
        assert_eq!(t.balances("one").await, json!([["EUR", 1], ["USD", 0]]));
    }
}
