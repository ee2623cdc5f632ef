//! Retries of a charge, and the end of an unpaid invoice.

use super::{DAY, pays_by, status, until};
use crate::on_both_stores;
use crate::support::{Test, monthly, summarize};
use serde_json::json;

/// A subscription of 2000 whose renewal failed, after this many retries, just before the next one.
/// 30 calls of its new period must be billed.
async fn in_arrears(t: &Test, name: &str, plan: &str, tries: usize) {
    t.payer(name).await;
    t.buy(name, plan, 1).await;
    pays_by(t, name, "pm_sandbox_declined").await;
    until(t, name, "currentBillingPeriodEnd").await;
    t.bill_what_is_due().await;
    t.call_for(name, "1", 30).await;
    for days in [1, 2, 2, 2].into_iter().take(tries) {
        t.advance(days * DAY);
        t.bill_what_is_due().await;
    }
    assert_eq!(status(t, name).await, "past_due");
    t.advance([1, 2, 2, 2][tries] * DAY);
}

async fn plan(t: &Test) -> String {
    let usage = t.calls().await;
    let plan =
        t.plan(monthly("pro", json!([{ "type": "recurring", "amount": 2_000 }, usage]))).await;
    t.count_writes().await;
    plan
}

/// The number of charges of a customer's card.
async fn tries(t: &Test, name: &str) -> usize {
    let state = t.state_of(name).await;
    state.iter().filter(|row| row.starts_with("attempt") && row.ends_with("declined")).count()
}

on_both_stores! {
    async fn successful_retry_charges_once_after_a_crash(t) {
        let plan = plan(&t).await;
        let prepare = async |name: &str| {
            in_arrears(&t, name, &plan, 0).await;
            pays_by(&t, name, "pm_sandbox_visa").await;
        };
        let work = async |_: &str| t.try_to_bill().await;
        let expected = async |name: &str, rows: i64| {
            assert_eq!(summarize(&t.invoices_of(name).await), [("create", "paid", 2_000), ("renewal", "paid", 2_000)], "after {rows} rows");
            assert_eq!((status(&t, name).await.as_str(), tries(&t, name).await), ("active", 1), "after {rows} rows");
        };
        let rows = t.die_after_each_row(prepare, work, expected).await;
        assert!(rows > 8, "it wrote {rows} rows");
    }

    async fn failed_retry_counts_once_after_a_crash(t) {
        let plan = plan(&t).await;
        let prepare = async |name: &str| in_arrears(&t, name, &plan, 1).await;
        let work = async |_: &str| t.try_to_bill().await;
        let expected = async |name: &str, rows: i64| {
            assert_eq!(summarize(&t.invoices_of(name).await), [("create", "paid", 2_000), ("renewal", "overdue", 2_000)], "after {rows} rows");
            assert_eq!((status(&t, name).await.as_str(), tries(&t, name).await), ("past_due", 3), "after {rows} rows");
            // Two days after this one, less the time that passed.
            t.advance(2 * DAY - 3_662);
            t.bill_what_is_due().await;
            assert_eq!(tries(&t, name).await, 3, "after {rows} rows");
            t.advance(1);
            t.bill_what_is_due().await;
            assert_eq!(tries(&t, name).await, 4, "after {rows} rows");
        };
        let rows = t.die_after_each_row(prepare, work, expected).await;
        assert!(rows > 6, "it wrote {rows} rows");
    }

    async fn last_retry_ends_subscription_once_after_a_crash(t) {
        let plan = plan(&t).await;
        let prepare = async |name: &str| in_arrears(&t, name, &plan, 3).await;
        let work = async |_: &str| t.try_to_bill().await;
        let expected = async |name: &str, rows: i64| {
            assert_eq!(
                summarize(&t.invoices_of(name).await),
                [("create", "paid", 2_000), ("renewal", "uncollectible", 2_000), ("usage", "overdue", 150)],
                "after {rows} rows"
            );
            // The renewal five times, the usage once.
            assert_eq!((status(&t, name).await.as_str(), tries(&t, name).await), ("canceled", 6), "after {rows} rows");
        };
        let rows = t.die_after_each_row(prepare, work, expected).await;
        assert!(rows > 20, "it wrote {rows} rows");
    }
}
