//! Other due items: a usage month, a cancellation, a sent invoice, the test clock's own progress.

use super::{DAY, full, status, until};
use crate::on_both_stores;
use crate::support::{flat, get, monthly, post, summarize, yearly};
use serde_json::json;

on_both_stores! {
    async fn usage_month_is_invoiced_once_after_a_crash(t) {
        let usage = t.calls().await;
        let plan = t.plan(yearly("year", json!([{ "type": "recurring", "amount": 20_000 }, usage]))).await;
        t.count_writes().await;
        let prepare = async |name: &str| {
            t.payer(name).await;
            t.buy(name, &plan, 1).await;
            t.call_for(name, "1", 30).await;
            until(&t, name, "usagePeriodEnd").await;
        };
        let work = async |_: &str| t.try_to_bill().await;
        let expected = async |name: &str, rows: i64| {
            let (subscription, invoices) = (t.subscription_of(name).await, t.invoices_of(name).await);
            assert_eq!(summarize(&invoices), [("create", "paid", 20_000), ("usage", "paid", 150)], "after {rows} rows");
            assert_eq!(subscription["usagePeriodStart"], invoices[1]["periodEnd"], "after {rows} rows");
            assert_eq!(subscription["currentBillingPeriodStart"], invoices[0]["periodStart"], "after {rows} rows");
        };
        let rows = t.die_after_each_row(prepare, work, expected).await;
        assert!(rows > 10, "it wrote {rows} rows");
    }

    async fn canceled_period_ends_once_after_a_crash(t) {
        let full = full(&t).await;
        t.count_writes().await;
        let prepare = async |name: &str| {
            t.payer(name).await;
            let subscription = t.buy(name, &full.plan, 1).await;
            t.call_for(name, "1", 30).await;
            t.of_subscription(&subscription, "cancel", json!({})).await.expect(200);
            until(&t, name, "currentBillingPeriodEnd").await;
        };
        let work = async |_: &str| t.try_to_bill().await;
        let expected = async |name: &str, rows: i64| {
            assert_eq!(summarize(&t.invoices_of(name).await), [("create", "paid", 2_000), ("usage", "paid", 150)], "after {rows} rows");
            assert_eq!((status(&t, name).await.as_str(), t.balance(name).await), ("canceled", 0), "after {rows} rows");
        };
        let rows = t.die_after_each_row(prepare, work, expected).await;
        assert!(rows > 15, "it wrote {rows} rows");
    }

    async fn sent_invoice_becomes_overdue_once_after_a_crash(t) {
        let plan = t.plan(monthly("sent", flat(2_000))).await;
        t.count_writes().await;
        let prepare = async |name: &str| {
            let body = json!({ "name": name, "email": "c@example.com", "externalId": name, "collectionMethod": "send_invoice", "netDays": 10 });
            t.make("customers", body).await;
            t.buy(name, &plan, 1).await;
            t.advance(11 * DAY);
        };
        let work = async |_: &str| t.try_to_bill().await;
        let expected = async |name: &str, rows: i64| {
            assert_eq!(summarize(&t.invoices_of(name).await), [("create", "overdue", 2_000)], "after {rows} rows");
            assert_eq!(status(&t, name).await, "past_due", "after {rows} rows");
        };
        let rows = t.die_after_each_row(prepare, work, expected).await;
        assert!(rows > 2, "it wrote {rows} rows");
    }

    async fn advanced_clock_runs_each_item_once_after_a_crash(t) {
        let full = full(&t).await;
        t.count_writes().await;
        let prepare = async |name: &str| {
            t.payer(name).await;
            t.buy(name, &full.plan, 1).await;
        };
        let work = async |name: &str| {
            // By then no node holds the clock.
            t.advance(31);
            let to = t.invoices_of(name).await[0]["periodEnd"].clone();
            let answer = t.call(post("/v1/test-clock/advance", &json!({ "to": to })).key(&t.key)).await;
            // Impossible work is not retried.
            assert_ne!(answer.status, 202);
        };
        let expected = async |name: &str, rows: i64| {
            let clock = t.call(get("/v1/test-clock").key(&t.key)).await.expect(200).text("status");
            assert_eq!((clock.as_str(), t.balance(name).await), ("ready", 130), "after {rows} rows");
            assert_eq!(summarize(&t.invoices_of(name).await), [("create", "paid", 2_000), ("renewal", "paid", 2_000)], "after {rows} rows");
        };
        let rows = t.die_after_each_row(prepare, work, expected).await;
        assert!(rows > 25, "it wrote {rows} rows");
    }
}
