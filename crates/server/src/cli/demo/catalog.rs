//! The catalog and branding of the demo's company.

use super::story::Story;
use http::Method;
use serde_json::{Value, json};

/// The ids that the story refers to.
pub struct Catalog {
    pub credits: String,
    pub package: String,
}

/// The features that distinguish the plans.
struct Features {
    api: String,
    reports: String,
    ai: String,
    regions: String,
    sso: String,
    support: String,
}

/// A plan in both intervals: its monthly price and its content.
struct Plan<'a> {
    slug: &'a str,
    name: &'a str,
    description: &'a str,
    /// Dollars, in cents. A year costs ten months.
    price: i64,
    /// Included API calls, and the price of one more in cents, up to 100,000 and above.
    calls: Option<(&'a str, &'a str, &'a str)>,
    /// AI credits per day, and the rollover cap.
    drip: (i64, i64),
    entitlements: Value,
}

pub async fn make(story: &Story) -> anyhow::Result<Catalog> {
    let branding = json!({
        "name": "Nimbus", "accentColor": "#3b5bdb", "supportEmail": "billing@nimbus.example",
        "legalName": "Nimbus Weather, Inc.", "taxId": "94-3310576",
        "address": { "line1": "548 Market Street", "line2": "Suite 410", "city": "San Francisco", "state": "CA",
            "postalCode": "94104", "country": "US" },
        "invoiceFooter": "Questions? Write to billing@nimbus.example. Thank you for building with Nimbus.",
    });
    story.ask(Method::PUT, "/v1/branding", &branding).await?;
    let product = json!({ "slug": "nimbus", "name": "Nimbus",
        "description": "Weather for software: one API, and an assistant that explains the forecast." });
    let product = story.make("products", product).await?;
    let metric = |event: &str, name: &str| json!({ "productId": product, "eventName": event, "name": name, "aggregation": "sum" });
    let calls = story.make("billable-metrics", metric("api_call", "API calls")).await?;
    let answers = story.make("billable-metrics", metric("ai_answer", "AI answers")).await?;
    let reports = story.make("billable-metrics", metric("report", "Reports")).await?;
    let credits = json!({ "slug": "ai-credits", "name": "AI credits", "denomination": "unit" });
    let credits = story.make("credit-currencies", credits).await?;
    let package = |name: &str, amount: i64, price: i64| json!({ "creditCurrencyId": credits, "name": name, "credits": amount, "price": price, "currency": "USD" });
    let small = story.make("credit-packages", package("1,000 AI credits", 1_000, 1_000)).await?;
    story.make("credit-packages", package("5,000 AI credits", 5_000, 4_000)).await?;
    let feature = async |slug: &str, name: &str, more: Value| {
        let feature = json!({ "productId": product, "slug": slug, "name": name });
        story.make("features", merged(feature, more)).await
    };
    let metered = |metric: &str| json!({ "type": "metered", "metricId": metric });
    let ai = json!({ "type": "credit", "metricId": answers, "creditCurrencyId": credits, "creditCost": "2" });
    let features = Features {
        api: feature("api-calls", "API calls", metered(&calls)).await?,
        reports: feature("reports", "Reports", metered(&reports)).await?,
        ai: feature("ai-answers", "AI answers", ai).await?,
        regions: feature("regions", "Regions", json!({ "type": "enum" })).await?,
        sso: feature("sso", "Single sign-on", json!({ "type": "boolean" })).await?,
        support: feature("support", "Support", json!({ "type": "config" })).await?,
    };
    for (tier, plan) in (0..).zip(plans(&features)) {
        for (interval, months) in [("month", 1), ("year", 10)] {
            let mut charges = Vec::new();
            if plan.price > 0 {
                charges.push(json!({ "type": "recurring", "amount": plan.price * months }));
            }
            if let Some((included, price, beyond)) = plan.calls {
                charges.push(json!({ "type": "usage", "metricId": calls, "includedUnits": included,
                    "tiers": [{ "upTo": 100_000, "unitPrice": price }, { "upTo": null, "unitPrice": beyond }] }));
            }
            let (amount, cap) = plan.drip;
            let body = json!({ "productId": product, "slug": format!("{}-{interval}ly", plan.slug), "name": plan.name,
                "description": plan.description, "tier": tier, "billingInterval": interval, "currency": "USD",
                "status": "active", "isPublic": true, "charges": charges, "entitlements": plan.entitlements,
                "grantRules": [{ "creditCurrencyId": credits, "amount": amount, "cadence": "day", "rolloverCap": cap }] });
            story.make("plans", body).await?;
        }
    }
    Ok(Catalog { credits, package: small })
}

fn plans(features: &Features) -> [Plan<'static>; 3] {
    let limit = |id: &str, limit: Option<i64>| json!({ "featureId": id, "type": "metered", "limit": limit });
    let ai = || json!({ "featureId": features.ai, "type": "credit" });
    let regions = |values: &[&str]| json!({ "featureId": features.regions, "type": "enum", "values": values });
    let support =
        |value: &str| json!({ "featureId": features.support, "type": "config", "value": value });
    [
        Plan {
            slug: "free",
            name: "Free",
            description: "For trying things out.",
            price: 0,
            calls: None,
            drip: (10, 0),
            entitlements: json!([
                limit(&features.api, Some(1_000)),
                limit(&features.reports, Some(3)),
                ai(),
                regions(&["Europe"]),
                support("Community")
            ]),
        },
        Plan {
            slug: "pro",
            name: "Pro",
            description: "For products that people rely on.",
            price: 2_900,
            calls: Some(("10000", "0.2", "0.1")),
            drip: (50, 0),
            entitlements: json!([
                limit(&features.api, None),
                limit(&features.reports, Some(100)),
                ai(),
                regions(&["Europe", "Americas"]),
                support("E-mail, within a day")
            ]),
        },
        Plan {
            slug: "scale",
            name: "Scale",
            description: "For companies with traffic and auditors.",
            price: 14_900,
            calls: Some(("100000", "0.12", "0.08")),
            drip: (200, 100),
            entitlements: json!([
                limit(&features.api, None),
                limit(&features.reports, None),
                ai(),
                regions(&["Europe", "Americas", "Asia-Pacific"]),
                json!({ "featureId": features.sso, "type": "boolean" }),
                support("A person, within the hour")
            ]),
        },
    ]
}

fn merged(mut object: Value, more: Value) -> Value {
    if let (Value::Object(object), Value::Object(more)) = (&mut object, more) {
        object.extend(more);
    }
    object
}
