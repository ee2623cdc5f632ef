//! The history of the demo's company: its catalog, three customers, and months of usage. It calls
//! the API and lets the engine bill, on a clock that moves from five months ago to the present.
//! Nothing is inserted into the store directly.

use super::catalog::{self, Catalog};
use crate::app::App;
use crate::base::{Clock, Time};
use crate::config::EmailConfig;
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

/// A customer with its external id, name and address.
pub struct Company {
    pub external_id: &'static str,
    pub name: &'static str,
    pub email: &'static str,
}

/// A developer on the free plan.
pub const ADA: Company =
    Company { external_id: "cus_123", name: "Ada Lovelace", email: "ada@example.com" };
/// A freight company that upgraded, and whose card expires soon.
pub const ACME: Company =
    Company { external_id: "acme", name: "Acme Incorporated", email: "billing@acme.example" };
/// A robotics company whose last payment failed.
pub const GLOBEX: Company =
    Company { external_id: "globex", name: "Globex Corporation", email: "accounts@globex.example" };

const DAY: i64 = 86_400;
const LENGTH: i64 = 150;
/// An event that happened this many days ago.
const ADA_PAYS: i64 = 131;
const ACME_JOINS: i64 = 128;
const ACME_GROWS: i64 = 64;
const ADA_TOPS_UP: i64 = 17;
const ACME_CHANGES_CARD: i64 = 9;
const GLOBEX_CARD_FAILS: i64 = 20;
/// The last customer was billed for some months and then failed to pay.
const GLOBEX_MONTHS: i64 = 3;
const GLOBEX_LATE_DAYS: i64 = 2;
/// Usage is reported twice a day: the hour, and the share of the day's usage in hundredths.
const HOURS: [(i64, u64); 2] = [(9, 60), (16, 40)];

/// Plays the story into the store of an app whose clock it moves.
pub struct Story {
    app: Arc<App>,
    router: Router,
    key: String,
}

/// Returns the beginning of the story, at which the app's clock starts.
pub fn beginning(now: Time) -> Time {
    let midnight = now.seconds() - now.seconds().rem_euclid(DAY);
    Time::from_seconds(midnight).plus_days(-LENGTH)
}

impl Story {
    pub fn new(app: &Arc<App>, key: String) -> Self {
        Self {
            app: Arc::clone(app),
            router: routes::bare().clone().with_state(Arc::clone(app)),
            key,
        }
    }

    /// The settings of the e-mail to the customers.
    pub fn email(&self) -> &EmailConfig {
        &self.app.config.email
    }

    /// Plays the story from its beginning to `now`. Does nothing if the store has products.
    pub async fn tell(&self, now: Time) -> anyhow::Result<()> {
        let products = self.ask(Method::GET, "/v1/products", &Value::Null).await?;
        if products["data"].as_array().is_some_and(|products| !products.is_empty()) {
            return self.wait_until(now).await;
        }
        let catalog = catalog::make(self).await?;
        self.introduce().await?;
        let globex_joins = months_before(now.plus_days(-GLOBEX_LATE_DAYS), GLOBEX_MONTHS)?;
        for day in 0..=LENGTH {
            let midnight = beginning(now).plus_days(day);
            for (hour, share) in HOURS {
                let at = midnight.plus_seconds(hour * 3_600);
                if at > now {
                    break;
                }
                self.wait_until(at).await?;
                if hour == HOURS[0].0 {
                    self.turn(LENGTH - day, &catalog).await?;
                }
                self.use_it(day, midnight, hour, share).await?;
            }
            if (midnight..midnight.plus_days(1)).contains(&globex_joins) {
                self.subscribe(&GLOBEX, "pro-monthly", Some("pm_sandbox_visa")).await?;
            }
        }
        self.wait_until(now).await
    }

    /// An event that happened this many days ago.
    async fn turn(&self, days_ago: i64, catalog: &Catalog) -> anyhow::Result<()> {
        match days_ago {
            LENGTH => self.subscribe(&ADA, "free-monthly", None).await,
            ADA_PAYS => {
                self.card(&ADA, "pm_sandbox_visa").await?;
                self.change(&ADA, "pro-monthly").await
            }
            ACME_JOINS => self.subscribe(&ACME, "pro-monthly", Some("pm_sandbox_mastercard")).await,
            ACME_GROWS => {
                self.change(&ACME, "scale-monthly").await?;
                self.top_up_by_itself(&ACME, catalog).await
            }
            ADA_TOPS_UP => self.top_up(&ADA, catalog).await,
            ACME_CHANGES_CARD => self.card(&ACME, "pm_sandbox_expires").await,
            GLOBEX_CARD_FAILS => self.card(&GLOBEX, "pm_sandbox_declined").await,
            _ => Ok(()),
        }
    }

    /// Sets the customers' addresses, which decide their taxes.
    async fn introduce(&self) -> anyhow::Result<()> {
        let ada = json!({ "type": "individual", "taxStatus": "exempt", "billingAddress": {
            "line1": "220 NW 8th Avenue", "city": "Portland", "state": "OR", "postalCode": "97209", "country": "US" } });
        let acme = json!({ "type": "company", "taxStatus": "reverse_charge",
            "taxIds": [{ "type": "eu_vat", "value": "NL861234567B01" }], "billingAddress": {
            "line1": "Boompjes 60", "city": "Rotterdam", "postalCode": "3011 XB", "country": "NL" } });
        let globex = json!({ "type": "company", "taxStatus": "taxable",
            "taxRate": { "name": "WA sales tax", "basisPoints": 1_035 }, "billingAddress": {
            "line1": "1100 Westlake Avenue N", "city": "Seattle", "state": "WA", "postalCode": "98109", "country": "US" } });
        for (who, billing) in [(&ADA, ada), (&ACME, acme), (&GLOBEX, globex)] {
            let path = format!("/v1/customers/{}", who.external_id);
            self.ask(Method::PATCH, &path, &billing).await?;
        }
        Ok(())
    }

    /// Adds a card and makes it the default.
    async fn card(&self, who: &Company, token: &str) -> anyhow::Result<()> {
        let path = format!("/v1/customers/{}/payment-methods", who.external_id);
        let body = json!({ "processorToken": token, "setDefault": true });
        self.ask(Method::POST, &path, &body).await.map(|_| ())
    }

    async fn subscribe(&self, who: &Company, plan: &str, card: Option<&str>) -> anyhow::Result<()> {
        if let Some(token) = card {
            self.card(who, token).await?;
        }
        let body = json!({ "customerId": who.external_id, "planId": self.plan(plan).await? });
        check_settled(&self.ask(Method::POST, "/v1/subscriptions", &body).await?)
    }

    async fn change(&self, who: &Company, plan: &str) -> anyhow::Result<()> {
        let path = format!("/v1/subscriptions?customerId={}", who.external_id);
        let list = self.ask(Method::GET, &path, &Value::Null).await?;
        let path = format!("/v1/subscriptions/{}/change-plan", id(&list["data"][0])?);
        let body = json!({ "planId": self.plan(plan).await? });
        check_settled(&self.ask(Method::POST, &path, &body).await?)
    }

    /// Returns a plan's id by its slug.
    pub async fn plan(&self, slug: &str) -> anyhow::Result<String> {
        let plans = self.ask(Method::GET, "/v1/plans?limit=100", &Value::Null).await?;
        let plan = plans["data"].as_array().into_iter().flatten().find(|plan| plan["slug"] == slug);
        id(plan.context("no such plan")?)
    }

    async fn top_up(&self, who: &Company, catalog: &Catalog) -> anyhow::Result<()> {
        let path = format!("/v1/customers/{}/top-ups", who.external_id);
        let body = json!({ "creditCurrencyId": catalog.credits, "packageId": catalog.package });
        check_settled(&self.ask(Method::POST, &path, &body).await?)
    }

    /// Lets a wallet buy a package automatically when few credits are left.
    async fn top_up_by_itself(&self, who: &Company, catalog: &Catalog) -> anyhow::Result<()> {
        let path =
            format!("/v1/customers/{}/auto-topup-rules/{}", who.external_id, catalog.credits);
        let body = json!({ "enabled": true, "mode": "package", "packageId": catalog.package,
            "threshold": 100, "maxPerMonth": 4 });
        self.ask(Method::PUT, &path, &body).await.map(|_| ())
    }

    /// Reports part of a day's usage. It does not count before the customer subscribes.
    async fn use_it(&self, day: i64, midnight: Time, hour: i64, share: u64) -> anyhow::Result<()> {
        let event = |who: &Company, name: &str, usual: u64| {
            let whole = on_a_day(day, midnight, usual, who.name.len() as u64);
            json!({ "customerId": who.external_id, "eventName": name,
                "quantity": (whole * share).div_ceil(100), "idempotencyKey": format!("{name}-{day}-{hour}") })
        };
        let answers = if LENGTH - day > ACME_GROWS { 22 } else { 118 };
        let events = json!({ "events": [
            event(&ADA, "api_call", 1_100), event(&ADA, "ai_answer", 24), event(&ADA, "report", 1),
            event(&ACME, "api_call", 5_200), event(&ACME, "ai_answer", answers), event(&ACME, "report", 4),
            event(&GLOBEX, "api_call", 1_900), event(&GLOBEX, "ai_answer", 21), event(&GLOBEX, "report", 2),
        ] });
        self.ask(Method::POST, "/v1/usage/track", &events).await.map(|_| ())
    }

    /// Advances the clock and runs what falls due on the way.
    async fn wait_until(&self, at: Time) -> anyhow::Result<()> {
        let clock: &Clock = &self.app.clock;
        loop {
            let left = at.seconds() - clock.now().seconds();
            if left <= 0 {
                return Ok(());
            }
            clock.advance(Duration::from_secs(left.min(DAY).unsigned_abs()));
            jobs::bill(&self.app).await?;
        }
    }

    /// Creates an object and returns its id.
    pub async fn make(&self, path: &str, body: Value) -> anyhow::Result<String> {
        id(&self.ask(Method::POST, &format!("/v1/{path}"), &body).await?)
    }

    /// Calls the API as the company's backend.
    pub async fn ask(&self, method: Method, path: &str, body: &Value) -> anyhow::Result<Value> {
        let request = Request::builder()
            .method(&method)
            .uri(path)
            .header(header::HOST, "localhost")
            .header("x-api-key", &self.key)
            .extension(Arc::new(RequestInfo::local(self.app.ids.request())));
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

/// Returns the usage of one day: growing over the months, low on weekends, and never quite the
/// same.
fn on_a_day(day: i64, midnight: Time, usual: u64, seed: u64) -> u64 {
    // The first day of 1970 was a Thursday.
    let weekend = matches!((midnight.seconds() / DAY + 4) % 7, 0 | 6);
    let chance = (day.unsigned_abs() + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15 ^ (seed * usual));
    let chance = (chance ^ (chance >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9) >> 33;
    let grown = 60 + 40 * day.unsigned_abs() / LENGTH.unsigned_abs();
    let busy = if chance.is_multiple_of(23) { 165 } else { 78 + chance % 45 };
    usual * grown * busy * if weekend { 30 } else { 100 } / 1_000_000
}

fn check_settled(outcome: &Value) -> anyhow::Result<()> {
    match outcome["kind"].as_str() {
        Some("charged_inline" | "created_no_charge") => Ok(()),
        _ => bail!("a step of the demo came to {outcome}"),
    }
}

pub fn id(object: &Value) -> anyhow::Result<String> {
    object["id"].as_str().map(str::to_owned).context("an object without an id")
}

fn months_before(at: Time, months: i64) -> anyhow::Result<Time> {
    let at = jiff::Timestamp::from_second(at.seconds())?.to_zoned(jiff::tz::TimeZone::UTC);
    let before = at.checked_sub(jiff::Span::new().try_months(months)?)?;
    Ok(Time::from_seconds(before.timestamp().as_second()))
}
