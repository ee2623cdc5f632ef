//! A shop with usage that is paid for in credits.

use super::{Answer, Test, get, post};
use serde_json::{Value, json};
use unitpay::testing::audit::Actor;
use unitpay::testing::base::Time;
use unitpay::testing::credits::{self, GrantSource, NewGrant};
use unitpay::testing::db::{Lane, Tx};
use unitpay::testing::work::Work;

/// A product whose plan measures events of several kinds. Those named `generate` cost credits.
pub struct Shop {
    pub product: String,
    pub plan: String,
    /// Sum of the quantities of `call`, number of `hit`, largest `peak`, sum of the property
    /// `bytes` of `send`, distinct values of the property `user` of `login`.
    pub call: String,
    pub hit: String,
    pub peak: String,
    pub send: String,
    pub login: String,
    pub generate: String,
    /// The feature that pays for `generate`.
    pub generation: String,
    /// A credit currency without monetary value.
    pub credits: String,
}

impl Test {
    /// A shop whose plan grants nothing.
    pub async fn shop(&self) -> Shop {
        self.shop_granting(|_| json!([])).await
    }

    /// A shop whose free plan has these grant rules for the credit currency.
    pub async fn shop_granting(&self, rules: impl FnOnce(&str) -> Value) -> Shop {
        let product = self.make("products", json!({ "slug": "api", "name": "API" })).await;
        let metric = async |event: &str, aggregation: &str, property: Option<&str>| {
            let mut metric = json!({ "productId": product, "eventName": event, "name": event, "aggregation": aggregation });
            if let Some(property) = property {
                metric["property"] = json!(property);
            }
            self.make("billable-metrics", metric).await
        };
        let call = metric("call", "sum", None).await;
        let generate = metric("generate", "sum", None).await;
        let credits = json!({ "slug": "credits", "name": "Credits", "denomination": "unit" });
        let credits = self.make("credit-currencies", credits).await;
        let feature = async |slug: &str, metric: &str, part: Value| {
            let mut feature =
                json!({ "productId": product, "slug": slug, "name": slug, "metricId": metric });
            feature.as_object_mut().unwrap().extend(part.as_object().unwrap().clone());
            self.make("features", feature).await
        };
        let calls = feature("calls", &call, json!({ "type": "metered" })).await;
        let credit = json!({ "type": "credit", "creditCurrencyId": credits, "creditCost": "1.5" });
        let generation = feature("generation", &generate, credit).await;
        let plan = json!({
            "productId": product, "slug": "free", "name": "Free", "tier": 0, "billingInterval": "month",
            "currency": "USD", "status": "active", "isPublic": true, "grantRules": rules(&credits),
            "entitlements": [
                { "featureId": calls, "type": "metered", "limit": 100 }, { "featureId": generation, "type": "credit" },
            ],
        });
        Shop {
            plan: self.make("plans", plan).await,
            hit: metric("hit", "count", None).await,
            peak: metric("peak", "max", None).await,
            send: metric("send", "sum", Some("bytes")).await,
            login: metric("login", "unique", Some("user")).await,
            product,
            call,
            generate,
            generation,
            credits,
        }
    }

    /// A customer with a subscription.
    pub async fn subscriber(&self, shop: &Shop, external_id: &str) -> String {
        let id = self.customer(external_id).await;
        let body = json!({ "customerId": external_id, "planId": shop.plan });
        self.call(post("/v1/subscriptions", &body).key(&self.key)).await.expect(200);
        id
    }

    pub async fn track(&self, body: Value) -> Answer {
        self.call(post("/v1/usage/track", &body).key(&self.key)).await
    }

    /// Tracks events and returns the reasons of the rejected ones, by index.
    pub async fn tracked(&self, events: Value) -> Vec<(i64, String)> {
        let count = events.as_array().unwrap().len() as i64;
        let answer = self.track(json!({ "events": events })).await.expect(200).json();
        let rejections: Vec<(i64, String)> = answer["rejections"]
            .as_array()
            .unwrap()
            .iter()
            .map(|r| (r["index"].as_i64().unwrap(), r["reason"].as_str().unwrap().to_owned()))
            .collect();
        assert_eq!(answer["rejected"], rejections.len());
        assert_eq!(answer["accepted"], count - rejections.len() as i64);
        rejections
    }

    /// Returns a customer's usage of a metric.
    pub async fn used(&self, customer: &str, metric: &str) -> String {
        let path = format!("/v1/usage?customerId={customer}&metricId={metric}");
        self.call(get(path).key(&self.key)).await.expect(200).text("usage")
    }

    /// A customer's only wallet, or null.
    pub async fn wallet(&self, customer: &str) -> Value {
        let path = format!("/v1/customers/{customer}/credit-accounts");
        self.call(get(path).key(&self.key)).await.expect(200).json()["data"][0].clone()
    }

    pub async fn balance(&self, customer: &str) -> i64 {
        self.wallet(customer).await["balance"].as_i64().unwrap_or(0)
    }

    /// The entries of a wallet's ledger, oldest first.
    pub async fn ledger(&self, wallet: &Value) -> Vec<Value> {
        let (mut entries, mut cursor) = (Vec::new(), String::new());
        loop {
            let path = format!(
                "/v1/credit-accounts/{}/ledger?limit=100{cursor}",
                wallet["id"].as_str().unwrap()
            );
            let page = self.call(get(path).key(&self.key)).await.expect(200).json();
            entries.extend(page["data"].as_array().unwrap().clone());
            match page["nextCursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        entries.reverse();
        entries
    }

    /// Sends a request for a wallet, such as `refunds`.
    pub async fn of_wallet(&self, wallet: &Value, what: &str, body: Value) -> Answer {
        let path = format!("/v1/credit-accounts/{}/{what}", wallet["id"].as_str().unwrap());
        self.call(post(path, &body).key(&self.key)).await
    }

    /// Grants credits with a source to a customer, which creates its wallet.
    pub async fn grant(
        &self,
        wallet: WalletOf<'_>,
        source: GrantSource,
        amount: i64,
        end: Option<Time>,
    ) {
        let key = (self.customer_no(wallet.customer).await, wallet.currency.parse().unwrap());
        let new = NewGrant {
            source,
            amount,
            starts_at: None,
            expires_at: end,
            subscription_id: None,
            cadence: None,
            description: None,
        };
        let (tenant, by, at) = (self.tenant, self.app.by(Actor::System), self.app.clock.now());
        let granted = self.app.db.write(Lane::Usual, async move |tx: &mut Tx<'_, '_>| {
            let mut work = Work { tx, tenant: &tenant, at, by: &by };
            credits::make(&mut work, key).await?;
            let mut wallets = credits::lock(&mut work, &[key]).await?;
            wallets[0].grant(&new, work.stamp()).unwrap();
            credits::save(&mut work, &wallets).await
        });
        granted.await.unwrap();
    }
}

/// Names the wallet of a customer.
pub struct WalletOf<'a> {
    pub customer: &'a str,
    pub currency: &'a str,
}

impl Shop {
    pub fn wallet<'a>(&'a self, customer: &'a str) -> WalletOf<'a> {
        WalletOf { customer, currency: &self.credits }
    }
}

/// An event of a customer.
pub fn event(customer: &str, name: &str, key: &str) -> Value {
    json!({ "customerId": customer, "eventName": name, "idempotencyKey": key })
}

/// The same with more in it.
pub fn event_with(customer: &str, name: &str, key: &str, more: Value) -> Value {
    let mut event = event(customer, name, key);
    event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    event
}
