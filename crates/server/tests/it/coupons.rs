//! Coupons: who may redeem one, what it takes off, and what is credited of a price that it lowered.

mod changes;
mod histories;
mod prices;
mod redemptions;
mod terms;

use crate::support::{Answer, Request, Test, get, patch, post, with};
use serde_json::{Value, json};

/// A coupon with these terms.
fn terms(more: Value) -> Value {
    with(json!({ "name": "Spring", "duration": "once" }), more)
}

impl Test {
    async fn coupon(&self, more: Value) -> String {
        self.make("coupons", terms(more)).await
    }

    /// Creates a promotion code and returns its id.
    async fn code(&self, coupon: &str, code: &str, more: Value) -> String {
        let body = with(json!({ "couponId": coupon, "code": code }), more);
        self.make("promotion-codes", body).await
    }

    async fn amend(&self, list: &str, id: &str, change: Value) {
        self.call(patch(format!("/v1/{list}/{id}"), &change).key(&self.key)).await.expect(200);
    }

    async fn times_redeemed(&self, list: &str, id: &str) -> i64 {
        let found = self.call(get(format!("/v1/{list}/{id}")).key(&self.key)).await.expect(200);
        found.json()["timesRedeemed"].as_i64().unwrap()
    }

    /// Subscribes with a coupon or code.
    async fn try_with(&self, customer: &str, plan: &str, coupon: Value) -> Answer {
        let body = with(json!({ "customerId": customer, "planId": plan }), coupon);
        self.call(post("/v1/subscriptions", &body).key(&self.key)).await
    }

    async fn put_discount(&self, subscription: &Value, body: Value) -> Answer {
        let path = format!("/v1/subscriptions/{}/discount", subscription["id"].as_str().unwrap());
        self.call(Request::new("PUT", path).json(&body).key(&self.key)).await
    }
}

/// Returns the amounts and discounts of the lines of an invoice or preview.
fn lowered(invoice: &Value) -> Vec<(i64, i64)> {
    let items = invoice["items"].as_array().unwrap();
    let discount = |item: &Value| item["discount"]["amount"].as_i64().unwrap_or(0);
    items.iter().map(|item| (item["amount"].as_i64().unwrap(), discount(item))).collect()
}

/// Returns the total of each invoice.
fn totals(invoices: &[Value]) -> Vec<i64> {
    invoices.iter().map(|one| one["totalAmount"].as_i64().unwrap()).collect()
}
