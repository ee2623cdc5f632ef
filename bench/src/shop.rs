//! A shop with a catalog and subscribed customers, all created through the API, and the requests
//! that report their usage.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use crate::requests::{self, Requests};
use crate::server::Server;
use crate::setup::{self, member};

/// An event that is billed at the end of its month, and one that debits credits immediately.
const METERED: &str = "api_call";
const DEBITED: &str = "answer";

/// The plans, each of its own product.
#[derive(Debug)]
pub(crate) struct Shop {
    key: String,
    /// Charges for usage only.
    pub(crate) metered: String,
    /// Free, and grants more credits than a benchmark uses.
    pub(crate) credits: String,
    /// Charged monthly, with daily credits and usage charges.
    pub(crate) daily: String,
}

impl Shop {
    pub(crate) async fn open(server: &Server, key: &str) -> Result<Shop> {
        let make = async |path: &str, body: Value| -> Result<String> {
            let request = requests::post(&format!("/v1/{path}"), key, &body.to_string());
            let answer = setup::once(server.addr, &request).await?;
            let text = || String::from_utf8_lossy(&answer.body).into_owned();
            member(&answer.body, "id").with_context(|| format!("making {path}: {}", text()))
        };
        let product =
            async |name: &str| make("products", json!({ "slug": name, "name": name })).await;
        let metric = async |product: &str, event: &str| {
            let body = json!({ "productId": product, "eventName": event, "name": event,
                "aggregation": "sum" });
            make("billable-metrics", body).await
        };
        let plan = async |product: &str, name: &str, more: Value| {
            let mut body = json!({ "productId": product, "slug": name, "name": name, "tier": 1,
                "billingInterval": "month", "currency": "USD", "status": "active",
                "isPublic": true, "charges": [], "entitlements": [], "grantRules": [] });
            if let (Value::Object(body), Value::Object(more)) = (&mut body, more) {
                body.extend(more);
            }
            make("plans", body).await
        };
        let usage = |metric: &str| {
            json!({ "type": "usage", "metricId": metric, "includedUnits": "1000",
                "tiers": [{ "upTo": 100_000, "unitPrice": "0.2" }, { "upTo": null, "unitPrice": "0.1" }] })
        };

        let (api, assistant, suite) =
            (product("api").await?, product("assistant").await?, product("suite").await?);
        let calls = metric(&api, METERED).await?;
        let answers = metric(&assistant, DEBITED).await?;
        let seats = metric(&suite, "seat_hour").await?;
        let currency = json!({ "slug": "credits", "name": "Credits", "denomination": "unit" });
        let currency = make("credit-currencies", currency).await?;
        let feature = json!({ "productId": assistant, "slug": "answers", "name": "Answers",
            "type": "credit", "metricId": answers, "creditCurrencyId": currency, "creditCost": "2" });
        let feature = make("features", feature).await?;
        let grants = |amount: i64, cadence: &str| {
            json!([{ "creditCurrencyId": currency, "amount": amount, "cadence": cadence,
                "rolloverCap": 0 }])
        };

        Ok(Shop {
            key: key.to_owned(),
            metered: plan(
                &api,
                "metered",
                json!({ "charges": [usage(&calls)], "requirePaymentMethod": false }),
            )
            .await?,
            credits: plan(
                &assistant,
                "credits",
                json!({ "entitlements": [{ "featureId": feature, "type": "credit" }],
                    "grantRules": grants(1_000_000_000, "period") }),
            )
            .await?,
            daily: plan(
                &suite,
                "daily",
                json!({ "charges": [{ "type": "recurring", "amount": 2_900 }, usage(&seats)],
                    "grantRules": grants(50, "day") }),
            )
            .await?,
        })
    }

    /// Subscribes each of these customers and returns the subscriptions in order.
    pub(crate) async fn subscribe(
        &self,
        server: &Server,
        customers: &[String],
        plan: &str,
    ) -> Result<Vec<String>> {
        let body = |customer: &str| json!({ "customerId": customer, "planId": plan }).to_string();
        let made = self.post_each(server, customers, |id| ("/v1/subscriptions".into(), body(id)));
        let made = made.await.context("subscribing")?;
        let id = |body: &Vec<u8>| {
            let outcome: Value = serde_json::from_slice(body)?;
            let id = outcome.pointer("/subscription/id").and_then(Value::as_str);
            id.map(str::to_owned).with_context(|| format!("a subscription came to {outcome}"))
        };
        made.iter().map(id).collect()
    }

    /// Adds a working card to each of these customers.
    pub(crate) async fn cards(&self, server: &Server, customers: &[String]) -> Result<()> {
        let body = json!({ "processorToken": "pm_sandbox_visa" }).to_string();
        self.post_each(server, customers, |id| {
            (format!("/v1/customers/{id}/payment-methods"), body.clone())
        })
        .await
        .context("adding cards")
        .map(|_| ())
    }

    async fn post_each(
        &self,
        server: &Server,
        customers: &[String],
        request: impl Fn(&str) -> (String, String),
    ) -> Result<Vec<Vec<u8>>> {
        let requests = customers.iter().map(|id| {
            let (path, body) = request(id);
            requests::post(&path, &self.key, &body)
        });
        setup::all(server, &requests.collect(), customers.len(), &[200, 201]).await
    }

    /// Batches of new metered events, each over this many customers, cycling through all of them.
    pub(crate) fn batches(
        &self,
        customers: &Arc<[String]>,
        events: usize,
        customers_each: usize,
    ) -> Requests {
        let (key, customers) = (self.key.clone(), Arc::clone(customers));
        Requests::made(move |place| {
            let customer_of = |at: usize| {
                &customers[(place * customers_each + at % customers_each) % customers.len()]
            };
            let events: Vec<_> = (0..events)
                .map(|at| {
                    event(customer_of(at), METERED, &format!("{customers_each}-{place}-{at}"))
                })
                .collect();
            let body = format!(r#"{{"events":[{}]}}"#, events.join(","));
            requests::post("/v1/usage/track", &key, &body)
        })
    }

    /// Single new events, each for the next customer and debiting credits. The name must be unique
    /// per store.
    pub(crate) fn debits(&self, customers: &Arc<[String]>, name: &str) -> Requests {
        let (key, customers) = (self.key.clone(), Arc::clone(customers));
        let name = name.to_owned();
        Requests::made(move |place| {
            let customer = &customers[place % customers.len()];
            let body = event(customer, DEBITED, &format!("{name}-{place}"));
            requests::post("/v1/usage/track", &key, &body)
        })
    }
}

fn event(customer: &str, name: &str, key: &str) -> String {
    format!(
        r#"{{"customerId":"{customer}","eventName":"{name}","idempotencyKey":"{key}","quantity":3}}"#
    )
}
