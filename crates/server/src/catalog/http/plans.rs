//! Plans over HTTP.

use super::{DESCRIPTION, NAME, Shown, Viewer, Writer};
use crate::app::App;
use crate::auth::CatalogCaller;
use crate::base::{Currency, Decimal, PlanId, ProductId, Time};
use crate::catalog::{
    Cadence, Charge, Entitlement, EntitlementValue, FeatureType, GrantRule, Interval, Plan,
    PlanChange, PlanStatus, Tier,
};
use crate::http::page::ListResponse;
use crate::http::{Fields, IdempotencyKey, Json, JsonBody, PathText, Problem};
use axum::extract::State;
use axum::response::Response;
use http::Uri;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;
use utoipa::ToSchema;

const MAX_CHARGES: usize = 20;
const MAX_TIERS: usize = 50;
const MAX_ENTITLEMENTS: usize = 100;
const MAX_GRANT_RULES: usize = 20;
const MAX_TRIAL_DAYS: i64 = 730;

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Plan)]
pub struct PlanResponse {
    #[schema(value_type = String)]
    pub id: PlanId,
    #[schema(value_type = String)]
    pub product_id: ProductId,
    pub slug: String,
    pub name: String,
    #[schema(required = true)]
    pub description: Option<String>,
    /// Plans of one tier differ in interval or currency; a higher tier is a larger plan.
    pub tier: i64,
    #[schema(value_type = PlanStatusName)]
    pub status: &'static str,
    /// Whether pages show it, and customers may choose it by themselves.
    pub is_public: bool,
    #[schema(value_type = BillingInterval)]
    pub billing_interval: &'static str,
    #[schema(value_type = String)]
    pub currency: Currency,
    pub trial_days: i64,
    pub charges: Vec<Charge>,
    pub entitlements: Vec<Entitlement>,
    pub grant_rules: Vec<GrantRule>,
    /// The integrator's own notes; for a secret key alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = BTreeMap<String, String>, required = false)]
    pub metadata: Option<Value>,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Time,
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Time,
}

#[derive(Debug, ToSchema)]
#[schema(as = PlanStatus, rename_all = "lowercase")]
#[allow(dead_code)] // Describes `PlanResponse::status`.
pub enum PlanStatusName {
    Draft,
    Active,
    Archived,
}

#[derive(Debug, ToSchema)]
#[schema(rename_all = "lowercase")]
#[allow(dead_code)] // Describes `PlanResponse::billing_interval`.
pub enum BillingInterval {
    Month,
    Year,
}

#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
#[allow(dead_code)] // Describes what `create` reads.
pub struct CreatePlanRequest {
    product_id: String,
    /// Lower-case letters, digits, hyphens and underscores; unique among plans.
    #[schema(min_length = 1, max_length = 64)]
    slug: String,
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    #[schema(min_length = 1, max_length = 2000, nullable = false)]
    description: Option<String>,
    /// Default 0.
    #[schema(minimum = 0, maximum = 1000, nullable = false)]
    tier: Option<i64>,
    /// Default `draft`.
    #[schema(nullable = false)]
    status: Option<PlanStatusName>,
    /// Default true.
    #[schema(nullable = false)]
    is_public: Option<bool>,
    billing_interval: BillingInterval,
    /// An ISO 4217 code.
    currency: String,
    /// Default 0.
    #[schema(minimum = 0, maximum = 730, nullable = false)]
    trial_days: Option<i64>,
    #[schema(max_items = 20, nullable = false)]
    charges: Option<Vec<Charge>>,
    #[schema(max_items = 100, nullable = false)]
    entitlements: Option<Vec<Entitlement>>,
    #[schema(max_items = 20, nullable = false)]
    grant_rules: Option<Vec<GrantRule>>,
    #[schema(nullable = false)]
    metadata: Option<BTreeMap<String, String>>,
}

#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
#[allow(dead_code)] // Describes what `update` reads.
pub struct UpdatePlanRequest {
    #[schema(min_length = 1, max_length = 64, nullable = false)]
    slug: Option<String>,
    #[schema(min_length = 1, max_length = 200, nullable = false)]
    name: Option<String>,
    /// `null` clears it.
    #[schema(min_length = 1, max_length = 2000)]
    description: Option<String>,
    #[schema(minimum = 0, maximum = 1000, nullable = false)]
    tier: Option<i64>,
    /// Never back to `draft`.
    #[schema(nullable = false)]
    status: Option<PlanStatusName>,
    #[schema(nullable = false)]
    is_public: Option<bool>,
    /// While the plan is a draft.
    #[schema(nullable = false)]
    billing_interval: Option<BillingInterval>,
    /// While the plan is a draft.
    #[schema(nullable = false)]
    currency: Option<String>,
    /// While the plan is a draft.
    #[schema(minimum = 0, maximum = 730, nullable = false)]
    trial_days: Option<i64>,
    /// While the plan is a draft; replaces the whole.
    #[schema(max_items = 20, nullable = false)]
    charges: Option<Vec<Charge>>,
    /// At any time; replaces the whole and takes effect at once.
    #[schema(max_items = 100, nullable = false)]
    entitlements: Option<Vec<Entitlement>>,
    /// While the plan is a draft; replaces the whole.
    #[schema(max_items = 20, nullable = false)]
    grant_rules: Option<Vec<GrantRule>>,
    /// Replaces the whole; `null` empties it.
    metadata: Option<BTreeMap<String, String>>,
}

impl Shown for Plan {
    type Response = PlanResponse;

    fn show(&self, viewer: Viewer) -> PlanResponse {
        PlanResponse {
            id: self.id,
            product_id: self.product_id,
            slug: self.slug.clone(),
            name: self.name.clone(),
            description: self.description.clone(),
            tier: self.tier,
            status: self.status.as_str(),
            is_public: self.is_public,
            billing_interval: self.billing_interval.as_str(),
            currency: self.currency,
            trial_days: self.trial_days,
            charges: self.charges.clone(),
            entitlements: self.entitlements.clone(),
            grant_rules: self.grant_rules.clone(),
            metadata: super::metadata(&self.metadata, viewer),
            created_at: self.created_at,
            updated_at: self.updated_at,
        }
    }
}

impl Fields {
    fn plan(&mut self, patch: bool) -> PlanChange {
        let description = |fields: &mut Self, name: &str| fields.text(name, DESCRIPTION);
        PlanChange {
            slug: self.slug("slug"),
            name: self.text("name", NAME),
            description: self.optional(patch, "description", description),
            tier: self.integer("tier", 0..=1_000),
            status: self.word("status", &PlanStatus::ALL, PlanStatus::as_str),
            is_public: self.boolean("isPublic"),
            billing_interval: self.word("billingInterval", &Interval::ALL, Interval::as_str),
            currency: self.currency("currency"),
            trial_days: self.integer("trialDays", 0..=MAX_TRIAL_DAYS),
            charges: self.objects("charges", MAX_CHARGES, Self::charge),
            entitlements: self.objects("entitlements", MAX_ENTITLEMENTS, Self::entitlement),
            grant_rules: self.objects("grantRules", MAX_GRANT_RULES, Self::grant_rule),
            metadata: self.notes(patch),
        }
    }

    fn charge(&mut self) -> Option<Charge> {
        #[derive(Clone, Copy)]
        enum Kind {
            Recurring,
            Usage,
            OneOff,
        }
        const KINDS: [Kind; 3] = [Kind::Recurring, Kind::Usage, Kind::OneOff];
        self.required(&["type"]);
        let kind = self.word("type", &KINDS, |kind| match kind {
            Kind::Recurring => "recurring",
            Kind::Usage => "usage",
            Kind::OneOff => "one_off",
        });
        match kind? {
            Kind::Recurring => {
                self.required(&["amount"]);
                let (amount, per_unit) = (self.amount("amount", 0), self.boolean("perUnit"));
                Some(Charge::Recurring { amount: amount?, per_unit: per_unit.unwrap_or(false) })
            }
            Kind::Usage => {
                self.required(&["metricId", "tiers"]);
                let metric_id = self.parsed("metricId", "the id of a billable metric");
                let included_units = self.decimal("includedUnits", 6).unwrap_or(Decimal::ZERO);
                let tiers = self.objects("tiers", MAX_TIERS, Self::tier);
                Some(Charge::Usage { metric_id: metric_id?, included_units, tiers: tiers? })
            }
            Kind::OneOff => {
                self.required(&["amount"]);
                Some(Charge::OneOff { amount: self.amount("amount", 0)? })
            }
        }
    }

    fn tier(&mut self) -> Option<Tier> {
        self.required(&["upTo", "unitPrice"]);
        // Here null is a value: without end.
        let up_to = self.optional(true, "upTo", |fields, name| fields.amount(name, 1));
        let unit_price = self.decimal("unitPrice", 12);
        Some(Tier { up_to: up_to?, unit_price: unit_price? })
    }

    fn entitlement(&mut self) -> Option<Entitlement> {
        self.required(&["featureId", "type"]);
        let feature_id = self.parsed("featureId", "the id of a feature");
        let value = match self.word("type", &FeatureType::ALL, FeatureType::as_str)? {
            FeatureType::Boolean => Some(EntitlementValue::Boolean),
            FeatureType::Metered => {
                self.required(&["limit"]);
                // Here null is a value: without limit.
                let limit = self.optional(true, "limit", |fields, name| fields.amount(name, 0));
                limit.map(|limit| EntitlementValue::Metered { limit })
            }
            FeatureType::Credit => Some(EntitlementValue::Credit),
            FeatureType::Config => {
                let value = self.required_text("value", 1..=500);
                Some(EntitlementValue::Config { value })
            }
            FeatureType::Enum => {
                self.required(&["values"]);
                self.entitled_values().map(|values| EntitlementValue::Enum { values })
            }
        };
        Some(Entitlement { feature_id: feature_id?, value: value? })
    }

    fn entitled_values(&mut self) -> Option<Vec<String>> {
        let values = self.texts("values", 100)?;
        let plain =
            |text: &String| (1..=100).contains(&text.len()) && !text.chars().any(char::is_control);
        let twice = values.iter().enumerate().any(|(at, value)| values[..at].contains(value));
        if values.is_empty() || twice || !values.iter().all(plain) {
            self.wrong("values", "must be different texts of 1 to 100 bytes");
        }
        Some(values)
    }

    fn grant_rule(&mut self) -> Option<GrantRule> {
        self.required(&["creditCurrencyId", "amount", "cadence"]);
        let credit_currency_id = self.parsed("creditCurrencyId", "the id of a credit currency");
        let amount = self.amount("amount", 1);
        let cadence = self.word("cadence", &Cadence::ALL, Cadence::as_str);
        let rollover_cap = self.amount("rolloverCap", 0).unwrap_or(0);
        Some(GrantRule {
            credit_currency_id: credit_currency_id?,
            amount: amount?,
            cadence: cadence?,
            rollover_cap,
        })
    }
}

/// Makes a plan. Out of draft, what it charges, grants and lets try is fixed.
#[utoipa::path(post, path = "/v1/plans", tag = "catalog", operation_id = "createPlan",
    security(("secretKey" = ["catalog:write"])),
    params(("Idempotency-Key" = Option<String>, Header,)),
    request_body = CreatePlanRequest,
    responses((status = 201, body = PlanResponse)))]
pub async fn create(
    State(app): State<Arc<App>>,
    caller: Writer,
    idempotency: IdempotencyKey,
    JsonBody { mut fields, raw }: JsonBody,
) -> Result<Response, Problem> {
    fields.required(&["productId", "slug", "name", "billingInterval", "currency"]);
    let (id, now, new) = (app.ids.plan(), app.clock.now(), fields.plan(false));
    let product_id = fields.parsed("productId", "the id of a product");
    let plan = fields.made(|| {
        Some(Plan {
            id,
            product_id: product_id?,
            slug: new.slug?,
            name: new.name?,
            description: new.description.flatten(),
            tier: new.tier.unwrap_or(0),
            status: new.status.unwrap_or(PlanStatus::Draft),
            is_public: new.is_public.unwrap_or(true),
            billing_interval: new.billing_interval?,
            currency: new.currency?,
            trial_days: new.trial_days.unwrap_or(0),
            charges: new.charges.unwrap_or_default(),
            entitlements: new.entitlements.unwrap_or_default(),
            grant_rules: new.grant_rules.unwrap_or_default(),
            metadata: new.metadata.unwrap_or_else(|| "{}".to_owned()),
            created_at: now,
            updated_at: now,
        })
    })?;
    super::create(&app, &caller, idempotency, &raw, plan).await
}

/// Lists plans, newest first; a page sees the public ones that can be chosen, and its customer's.
#[utoipa::path(get, path = "/v1/plans", tag = "catalog", operation_id = "listPlans",
    security(("secretKey" = ["catalog:read"]), ("portalToken" = []), ("publishableKey" = [])),
    params(("productId" = Option<String>, Query,), ("limit" = Option<i64>, Query, minimum = 1, maximum = 100), ("cursor" = Option<String>, Query,)),
    responses((status = 200, body = ListResponse<PlanResponse>)))]
pub async fn list(
    State(app): State<Arc<App>>,
    caller: CatalogCaller,
    uri: Uri,
) -> Result<Json<ListResponse<PlanResponse>>, Problem> {
    super::list::<Plan>(&app, &caller, &uri, "plans", "productId").await
}

/// Reads a plan.
#[utoipa::path(get, path = "/v1/plans/{id}", tag = "catalog", operation_id = "getPlan",
    security(("secretKey" = ["catalog:read"]), ("portalToken" = []), ("publishableKey" = [])),
    params(("id" = String, Path,)),
    responses((status = 200, body = PlanResponse)))]
pub async fn get(
    State(app): State<Arc<App>>,
    caller: CatalogCaller,
    PathText(id): PathText,
) -> Result<Json<PlanResponse>, Problem> {
    super::get::<Plan>(&app, &caller, &id).await
}

/// Changes a plan.
#[utoipa::path(patch, path = "/v1/plans/{id}", tag = "catalog", operation_id = "updatePlan",
    security(("secretKey" = ["catalog:write"])),
    params(("id" = String, Path,)),
    request_body = UpdatePlanRequest,
    responses((status = 200, body = PlanResponse)))]
pub async fn update(
    State(app): State<Arc<App>>,
    caller: Writer,
    PathText(id): PathText,
    JsonBody { mut fields, .. }: JsonBody,
) -> Result<Json<PlanResponse>, Problem> {
    let change = fields.plan(true);
    fields.finish()?;
    super::update::<Plan>(&app, &caller, &id, change).await
}
