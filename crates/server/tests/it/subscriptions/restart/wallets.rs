//! Wallets: an automatic top-up, daily credits.

use super::DAY;
use crate::on_both_stores;
use crate::support::{Request, Test, get, summarize};
use serde_json::{Value, json};
use unitpay::testing::audit::Actor;
use unitpay::testing::db::{Lane, Tx};
use unitpay::testing::flows;
use unitpay::testing::usage::{NewUsageEvent, Quantity};
use unitpay::testing::work::{BillingError, Work};

/// Tracks an event that costs 1.5, rounded up, like a request whose response is lost. A repeated
/// event does not count again.
async fn generate(t: &Test, customer: &str) -> Result<(), BillingError> {
    let event = NewUsageEvent {
        customer: customer.parse().unwrap(),
        name: "generate".into(),
        quantity: Quantity::ONE,
        properties: None,
        timestamp: None,
        key: "1".into(),
        content: [1; 16],
    };
    let (tenant, by) = (t.tenant, t.app.by(Actor::System));
    let track = async move |tx: &mut Tx<'_, '_>| {
        let at =
            unitpay::testing::test_clock::write_now::<BillingError>(tx, &tenant, by.now).await?;
        let mut work = Work { tx, tenant: &tenant, at, by: &by };
        flows::track_events(&mut work, std::slice::from_ref(&event)).await
    };
    for id in t.app.db.write(Lane::Usual, track).await?.1 {
        drop(flows::run(&t.app, &tenant, id).await);
    }
    Ok(())
}

async fn entries(t: &Test, customer: &str) -> Vec<Value> {
    let brief = |entry: &Value| json!([entry["type"], entry["amount"], entry["createdAt"]]);
    t.ledger(&t.wallet(customer).await).await.iter().map(brief).collect()
}

on_both_stores! {
    async fn automatic_top_up_happens_once_after_a_crash(t) {
        let shop = t.shop_granting(|credits| json!([{ "creditCurrencyId": credits, "amount": 10, "cadence": "period", "rolloverCap": 0 }])).await;
        let package = json!({ "creditCurrencyId": shop.credits, "name": "Hundred", "credits": 100, "price": 500, "currency": "USD" });
        let package = t.make("credit-packages", package).await;
        t.count_writes().await;
        let prepare = async |name: &str| {
            t.subscriber(&shop, name).await;
            t.card(name, "pm_sandbox_visa").await;
            let rule = json!({ "enabled": true, "mode": "package", "threshold": 10, "packageId": package, "quantity": 2, "maxPerMonth": 2 });
            let path = format!("/v1/customers/{name}/auto-topup-rules/{}", shop.credits);
            t.call(Request::new("PUT", path).key(&t.key).json(&rule)).await.expect(200);
        };
        let work = async |name: &str| drop(generate(&t, name).await);
        let expected = async |name: &str, rows: i64| {
            assert_eq!(summarize(&t.invoices_of(name).await), [("top_up", "paid", 1_000)], "after {rows} rows");
            let wallet = t.wallet(name).await;
            assert_eq!((&wallet["balance"], &wallet["autoTopUp"]["pending"]), (&json!(208), &json!(false)), "after {rows} rows");
        };
        let rows = t.die_after_each_row(prepare, work, expected).await;
        assert!(rows > 20, "it wrote {rows} rows");
    }

    async fn daily_credits_are_granted_and_expired_once(t) {
        let shop = t.shop_granting(|credits| json!([{ "creditCurrencyId": credits, "amount": 10, "cadence": "day", "rolloverCap": 4 }])).await;
        t.count_writes().await;
        let prepare = async |name: &str| {
            t.subscriber(&shop, name).await;
            t.advance(2 * DAY);
        };
        // A read writes due entries.
        let work = async |name: &str| {
            drop(t.call(get(format!("/v1/customers/{name}/credit-accounts")).key(&t.key)).await);
        };
        let expected = async |name: &str, rows: i64| {
            let days = ["2030-01-01", "2030-01-02", "2030-01-03"].map(|day| format!("{day}T00:00:00.000Z"));
            assert_eq!(entries(&t, name).await, [
                json!(["grant", 10, days[0]]), json!(["expiry", -10, days[1]]), json!(["grant", 4, days[1]]), json!(["grant", 10, days[1]]),
                json!(["expiry", -10, days[2]]), json!(["expiry", -4, days[2]]), json!(["grant", 4, days[2]]), json!(["grant", 10, days[2]]),
            ], "after {rows} rows");
        };
        let rows = t.die_after_each_row(prepare, work, expected).await;
        assert!(rows > 10, "it wrote {rows} rows");
    }
}
