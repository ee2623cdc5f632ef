//! Subscriptions for tests: plans of one product, the test clock, invoices.

use super::{Answer, Test, event_with, get, post};
use serde_json::{Value, json};
use unitpay::testing::jobs;

/// A plan of the product that every plan of [`Test::plan`] belongs to, with these charges.
pub fn monthly(slug: &str, charges: Value) -> Value {
    json!({ "slug": slug, "name": slug, "status": "active", "billingInterval": "month",
        "currency": "USD", "charges": charges })
}

/// The same per year.
pub fn yearly(slug: &str, charges: Value) -> Value {
    with(monthly(slug, charges), json!({ "billingInterval": "year" }))
}

/// A recurring charge, whatever the quantity.
pub fn flat(amount: i64) -> Value {
    json!([{ "type": "recurring", "amount": amount }])
}

/// A recurring charge per unit.
pub fn per_unit(amount: i64) -> Value {
    json!([{ "type": "recurring", "amount": amount, "perUnit": true }])
}

/// An object with members added or replaced.
pub fn with(mut object: Value, more: Value) -> Value {
    object.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    object
}

impl Test {
    /// Returns the product `main`, and creates it if there is none.
    pub async fn main_product(&self) -> String {
        let list = self.call(get("/v1/products?limit=100").key(&self.key)).await.expect(200).json();
        let known = list["data"].as_array().unwrap().iter().find(|one| one["slug"] == "main");
        match known {
            Some(product) => product["id"].as_str().unwrap().to_owned(),
            None => self.make("products", json!({ "slug": "main", "name": "Main" })).await,
        }
    }

    /// Creates a plan of the main product, unless it names another one, and returns its id.
    pub async fn plan(&self, plan: Value) -> String {
        let product = json!({ "productId": self.main_product().await });
        self.make("plans", with(product, plan)).await
    }

    /// A charge of 5 per `call` event of the main product.
    pub async fn calls(&self) -> Value {
        let product = self.main_product().await;
        let metric = json!({ "productId": product, "eventName": "call", "name": "Calls", "aggregation": "sum" });
        let metric = self.make("billable-metrics", metric).await;
        json!({ "type": "usage", "metricId": metric, "includedUnits": "0", "tiers": [{ "upTo": null, "unitPrice": "5" }] })
    }

    /// Tracks this many calls of a customer.
    pub async fn call_for(&self, customer: &str, key: &str, quantity: impl Into<Value>) {
        let event = event_with(customer, "call", key, json!({ "quantity": quantity.into() }));
        assert_eq!(self.tracked(json!([event])).await, []);
    }

    /// Creates a customer with a working card.
    pub async fn payer(&self, external_id: &str) -> String {
        let id = self.customer(external_id).await;
        self.card(&id, "pm_sandbox_visa").await;
        id
    }

    pub async fn try_to_subscribe(&self, customer: &str, plan: &str) -> Answer {
        let body = json!({ "customerId": customer, "planId": plan });
        self.call(post("/v1/subscriptions", &body).key(&self.key)).await
    }

    /// Subscribes a customer and returns the subscription.
    pub async fn buy(&self, customer: &str, plan: &str, quantity: i64) -> Value {
        let body = json!({ "customerId": customer, "planId": plan, "quantity": quantity });
        self.ask("subscriptions", body).await;
        self.subscription_of(customer).await
    }

    /// A customer's newest subscription.
    pub async fn subscription_of(&self, customer: &str) -> Value {
        let path = format!("/v1/subscriptions?customerId={customer}&limit=1");
        self.call(get(path).key(&self.key)).await.expect(200).json()["data"][0].clone()
    }

    /// Sends a request for a subscription, such as `change-plan`.
    pub async fn of_subscription(&self, subscription: &Value, what: &str, body: Value) -> Answer {
        let id = subscription["id"].as_str().unwrap();
        self.call(post(format!("/v1/subscriptions/{id}/{what}"), &body).key(&self.key)).await
    }

    /// Returns all of a customer's invoices, oldest first, with lines.
    pub async fn invoices_of(&self, customer: &str) -> Vec<Value> {
        let path = format!("/v1/invoices?customerId={customer}&limit=100");
        let list = self.call(get(path).key(&self.key)).await.expect(200).json();
        let mut whole = Vec::new();
        for short in list["data"].as_array().unwrap().iter().rev() {
            whole.push(self.invoice(short["id"].as_str().unwrap()).await);
        }
        whole
    }

    /// Advances the test clock to an instant such as `2030-02-01T00:00:00Z`.
    pub async fn clock_to(&self, to: &str) {
        let advance = || post("/v1/test-clock/advance", &json!({ "to": to })).key(&self.key);
        let mut answer = self.call(advance()).await;
        while answer.status == 202 {
            answer = self.call(advance()).await;
        }
        answer.expect(200);
    }

    /// Runs what the server does every few seconds.
    pub async fn bill_what_is_due(&self) {
        jobs::bill(&self.app).await.unwrap();
    }
}

/// Returns reason, status and total of each invoice.
pub fn summarize(invoices: &[Value]) -> Vec<(&str, &str, i64)> {
    invoices
        .iter()
        .map(|one| {
            let [reason, status] = ["reason", "status"].map(|name| one[name].as_str().unwrap());
            (reason, status, one["totalAmount"].as_i64().unwrap())
        })
        .collect()
}

/// Returns type and amount of each line.
pub fn lines(invoice: &Value) -> Vec<(String, i64)> {
    let items = invoice["items"].as_array().unwrap();
    let line = |item: &Value| {
        (item["type"].as_str().unwrap().to_owned(), item["amount"].as_i64().unwrap())
    };
    items.iter().map(line).collect()
}
