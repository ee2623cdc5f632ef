//! What the demo's company has been through: its catalog, three customers, and the months that they
//! used it. Everything is asked of the API itself and billed by the engine, on a clock that the
//! story moves from five months ago to now, so that nothing in the store was put there by hand.

use crate::app::App;
use crate::base::{Clock, Time};
use crate::http::request::RequestInfo;
use crate::{jobs, routes};
use anyhow::{Context, bail};
use axum::Router;
use axum::body::Body;
use http::{Method, Request, header};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tower::ServiceExt;

const DAY: u64 = 86_400;
/// How long ago each customer subscribed, in days. The last one's card fails at the end of a period
/// that was two days ago; the second one's is about to expire.
const ADA: u64 = 131;
const ACME: u64 = 96;
const LENGTH: u64 = 150;
/// Months that the third customer was billed for.
const GLOBEX_MONTHS: i64 = 3;
const GLOBEX_LATE_DAYS: i64 = 2;

/// Tells the story to the store of an app whose clock it moves.
pub struct Story {
    app: Arc<App>,
    router: Router,
    key: String,
}

/// What later days name.
struct World {
    ada: String,
    acme: String,
    globex: String,
    credits: String,
    package: String,
}

/// When the story begins, that is how far behind the clock of its app starts.
pub fn beginning(now: Time) -> Time {
    let midnight = now.seconds() - now.seconds().rem_euclid(DAY as i64);
    Time::from_seconds(midnight).plus_days(-(LENGTH as i64))
}

impl Story {
    pub fn new(app: &Arc<App>, key: String) -> Self {
        Self {
            app: Arc::clone(app),
            router: routes::bare().clone().with_state(Arc::clone(app)),
            key,
        }
    }

    /// Runs from the beginning to `now`. A store that has products has been told it before.
    pub async fn tell(&self, now: Time) -> anyhow::Result<()> {
        let products = self.ask(Method::GET, "/v1/products", &Value::Null).await?;
        if products["data"].as_array().is_some_and(|products| !products.is_empty()) {
            return self.wait_until(now).await;
        }
        let world = self.catalog().await?;
        let globex_from = months_before(now.plus_days(-GLOBEX_LATE_DAYS), GLOBEX_MONTHS)?;
        let mut globex_joined = false;
        for day in 0..LENGTH {
            let left = LENGTH - day;
            self.wait_until(beginning(now).plus_days(day as i64).plus_seconds(10 * 3_600)).await?;
            if left == ADA {
                self.subscribe(&world.ada, "pro-monthly", "pm_sandbox_visa").await?;
            }
            if left == ACME {
                self.subscribe(&world.acme, "scale-monthly", "pm_sandbox_visa").await?;
                self.top_up(&world.acme, &world).await?;
            }
            if !globex_joined && self.app.clock.now() >= globex_from {
                globex_joined = true;
                self.wait_until(globex_from).await?;
                self.subscribe(&world.globex, "pro-monthly", "pm_sandbox_visa").await?;
            }
            if left == 20 {
                // From here on the processor declines it.
                self.card(&world.globex, "pm_sandbox_declined").await?;
                // And this one's last month is the next.
                self.card(&world.acme, "pm_sandbox_expires").await?;
            }
            if left < ADA {
                self.use_it(day, &world).await?;
            }
        }
        self.wait_until(now).await
    }

    async fn catalog(&self) -> anyhow::Result<World> {
        let branding = json!({
            "name": "Nimbus", "accentColor": "#3b5bdb", "supportEmail": "billing@nimbus.example",
            "legalName": "Nimbus Cloud GmbH", "taxId": "DE123456789",
            "address": { "line1": "Torstraße 1", "city": "Berlin", "postalCode": "10119", "country": "DE" },
            "taxRate": { "name": "VAT", "basisPoints": 1900 },
            "invoiceFooter": "Thank you for building with Nimbus.",
        });
        self.ask(Method::PUT, "/v1/branding", &branding).await?;
        let product = json!({ "slug": "nimbus", "name": "Nimbus",
            "description": "Weather for software: one API, and an assistant that explains it." });
        let product = self.make("products", product).await?;
        let metric = |event: &str, name: &str| json!({ "productId": product, "eventName": event, "name": name, "aggregation": "sum" });
        let calls = self.make("billable-metrics", metric("api_call", "API calls")).await?;
        let answers = self.make("billable-metrics", metric("ai_answer", "AI answers")).await?;
        let credits = json!({ "slug": "ai-credits", "name": "AI credits", "denomination": "unit" });
        let credits = self.make("credit-currencies", credits).await?;
        let package = |name: &str, credits_in_it: i64, price: i64| {
            json!({ "creditCurrencyId": credits, "name": name, "credits": credits_in_it,
                "price": price, "currency": "USD" })
        };
        let small = self.make("credit-packages", package("1,000 AI credits", 1_000, 1_000)).await?;
        self.make("credit-packages", package("5,000 AI credits", 5_000, 4_000)).await?;
        let feature = |slug: &str, name: &str, more: Value| {
            let mut feature = json!({ "productId": product, "slug": slug, "name": name });
            merge(&mut feature, more);
            self.make("features", feature)
        };
        let api =
            feature("api-calls", "API calls", json!({ "type": "metered", "metricId": calls }))
                .await?;
        let ai = feature(
            "ai-answers",
            "AI answers",
            json!({ "type": "credit", "metricId": answers, "creditCurrencyId": credits, "creditCost": "2" }),
        )
        .await?;
        let sso = feature("sso", "Single sign-on", json!({ "type": "boolean" })).await?;
        let support = feature("support", "Support", json!({ "type": "config" })).await?;
        let drip = |amount: i64, rollover: i64| json!([{ "creditCurrencyId": credits, "amount": amount, "cadence": "day", "rolloverCap": rollover }]);
        let usage = |included: &str, price: &str, beyond: &str| {
            json!({ "type": "usage", "metricId": calls, "includedUnits": included, "tiers": [
                { "upTo": 100_000, "unitPrice": price }, { "upTo": null, "unitPrice": beyond }] })
        };
        let plan = |slug: &str, name: &str, tier: i64, interval: &str, more: Value| {
            let mut plan = json!({ "productId": product, "slug": slug, "name": name, "tier": tier,
                "billingInterval": interval, "currency": "USD", "status": "active", "isPublic": true });
            merge(&mut plan, more);
            self.make("plans", plan)
        };
        plan(
            "free",
            "Free",
            0,
            "month",
            json!({
                "description": "For trying things out.",
                "charges": [],
                "entitlements": [{ "featureId": api, "type": "metered", "limit": 1_000 },
                    { "featureId": support, "type": "config", "value": "Community" }],
            }),
        )
        .await?;
        let pro = json!([{ "featureId": api, "type": "metered", "limit": null },
            { "featureId": ai, "type": "credit" },
            { "featureId": support, "type": "config", "value": "E-mail, within a day" }]);
        let scale = json!([{ "featureId": api, "type": "metered", "limit": null },
            { "featureId": ai, "type": "credit" }, { "featureId": sso, "type": "boolean" },
            { "featureId": support, "type": "config", "value": "A person, within the hour" }]);
        for (interval, months) in [("month", 1), ("year", 10)] {
            plan(&format!("pro-{interval}ly"), "Pro", 1, interval, json!({
                "description": "For products that people rely on.",
                "charges": [{ "type": "recurring", "amount": 2_900 * months }, usage("10000", "0.2", "0.1")],
                "entitlements": pro, "grantRules": drip(50, 0),
            }))
            .await?;
            plan(&format!("scale-{interval}ly"), "Scale", 2, interval, json!({
                "description": "For companies with traffic and auditors.",
                "charges": [{ "type": "recurring", "amount": 9_900 * months }, usage("50000", "0.15", "0.08")],
                "entitlements": scale, "grantRules": drip(200, 100),
            }))
            .await?;
        }
        Ok(World {
            ada: self.customer("cus_123").await?,
            acme: self.customer("acme").await?,
            globex: self.customer("globex").await?,
            credits,
            package: small,
        })
    }

    async fn customer(&self, external_id: &str) -> anyhow::Result<String> {
        let found =
            self.ask(Method::GET, &format!("/v1/customers/{external_id}"), &Value::Null).await?;
        let address = json!({ "billingAddress": { "line1": "1 Analytical Way", "city": "London",
            "postalCode": "N1 7AA", "country": "GB" } });
        self.ask(Method::PATCH, &format!("/v1/customers/{external_id}"), &address).await?;
        id(&found)
    }

    async fn card(&self, customer: &str, token: &str) -> anyhow::Result<()> {
        let path = format!("/v1/customers/{customer}/payment-methods");
        let added = self.ask(Method::POST, &path, &json!({ "processorToken": token })).await?;
        let path = format!("/v1/payment-methods/{}/default", id(&added)?);
        self.ask(Method::POST, &path, &Value::Null).await.map(|_| ())
    }

    async fn subscribe(&self, customer: &str, plan: &str, token: &str) -> anyhow::Result<()> {
        self.card(customer, token).await?;
        let plans = self.ask(Method::GET, "/v1/plans?limit=100", &Value::Null).await?;
        let plan = plans["data"].as_array().into_iter().flatten().find(|p| p["slug"] == plan);
        let body = json!({ "customerId": customer, "planId": plan.context("no such plan")?["id"] });
        let outcome = self.ask(Method::POST, "/v1/subscriptions", &body).await?;
        match outcome["kind"].as_str() {
            Some("charged_inline") => Ok(()),
            _ => bail!("a subscription of the demo came to {outcome}"),
        }
    }

    async fn top_up(&self, customer: &str, world: &World) -> anyhow::Result<()> {
        let path = format!("/v1/customers/{customer}/top-ups");
        let body = json!({ "creditCurrencyId": world.credits, "packageId": world.package });
        self.ask(Method::POST, &path, &body).await.map(|_| ())
    }

    /// A day's use: more on working days, and more as the months go by.
    async fn use_it(&self, day: u64, world: &World) -> anyhow::Result<()> {
        let weekend = matches!(day % 7, 5 | 6);
        let traffic = |base: u64| {
            let busy = base + base * day / LENGTH + base * (day * 7_919 % 11) / 30;
            if weekend { busy / 3 } else { busy }
        };
        let event = |customer: &str, name: &str, quantity: u64| {
            json!({ "customerId": customer, "eventName": name, "quantity": quantity,
                "idempotencyKey": format!("{name}-{day}") })
        };
        let events = json!({ "events": [
            event(&world.ada, "api_call", traffic(600)),
            event(&world.ada, "ai_answer", traffic(6)),
            event(&world.acme, "api_call", traffic(4_200)),
            event(&world.acme, "ai_answer", traffic(70)),
            event(&world.globex, "api_call", traffic(900)),
        ] });
        self.ask(Method::POST, "/v1/usage/track", &events).await.map(|_| ())
    }

    /// Moves the clock and has the engine do what falls due on the way.
    async fn wait_until(&self, at: Time) -> anyhow::Result<()> {
        let clock: &Clock = &self.app.clock;
        loop {
            let left = at.seconds() - clock.now().seconds();
            if left <= 0 {
                return Ok(());
            }
            clock.advance(Duration::from_secs(left.unsigned_abs().min(DAY)));
            jobs::bill(&self.app).await?;
        }
    }

    async fn make(&self, path: &str, body: Value) -> anyhow::Result<String> {
        id(&self.ask(Method::POST, &format!("/v1/{path}"), &body).await?)
    }

    /// Asks the API, as the company's backend.
    pub async fn ask(&self, method: Method, path: &str, body: &Value) -> anyhow::Result<Value> {
        let request = Request::builder()
            .method(&method)
            .uri(path)
            .header(header::HOST, "localhost")
            .header("x-api-key", &self.key)
            .extension(Arc::new(RequestInfo::own(self.app.ids.request())));
        let request = if body.is_null() {
            request.body(Body::empty())
        } else {
            request
                .header(header::CONTENT_TYPE, "application/json")
                .body(Body::from(body.to_string()))
        };
        let Ok(answer) = self.router.clone().oneshot(request?).await;
        let status = answer.status();
        let problem = answer.extensions().get::<crate::http::Problem>().cloned();
        let body = answer.into_body().collect().await?.to_bytes();
        if !status.is_success() {
            bail!("{method} {path} answered {status}: {problem:?}");
        }
        Ok(if body.is_empty() { Value::Null } else { serde_json::from_slice(&body)? })
    }
}

fn id(object: &Value) -> anyhow::Result<String> {
    object["id"].as_str().map(str::to_owned).context("an object without an id")
}

fn merge(object: &mut Value, more: Value) {
    if let (Value::Object(object), Value::Object(more)) = (object, more) {
        object.extend(more);
    }
}

fn months_before(at: Time, months: i64) -> anyhow::Result<Time> {
    let at = jiff::Timestamp::from_second(at.seconds())?.to_zoned(jiff::tz::TimeZone::UTC);
    let before = at.checked_sub(jiff::Span::new().try_months(months)?)?;
    Ok(Time::from_seconds(before.timestamp().as_second()))
}
