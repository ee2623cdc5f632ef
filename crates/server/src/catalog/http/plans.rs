//! HTTP handlers of plans.

use super::{LongText, Name, OfProduct, Shown, Writer, no_metadata};
use crate::app::App;
use crate::auth::CatalogCaller;
use crate::base::words::words;
use crate::base::{Currency, Decimal, PlanId, ProductId, Time, Viewer};
use crate::catalog::{
    Cadence, Charge, Entitlement, EntitlementValue, FeatureType, GrantOn, GrantRule, Interval,
    Plan, PlanChange, PlanStatus, Tier,
};
use crate::http::leaves::{Integer, Item, List, Metadata, Slug};
use crate::http::page::{ListQuery, ListResponse};
use crate::http::wire::Request;
use crate::http::{Body, Fields, IdempotencyKey, Json, PathText, Problem};
use axum::extract::State;
use axum::response::Response;
use serde_json::Value;
use std::sync::Arc;
use unitpay_request::response;

const MAX_TIERS: usize = 50;
type Charges = List<Charge, 20>;
type Entitlements = List<Entitlement, 100>;
type GrantRules = List<GrantRule, 20>;
type Rank = Integer<0, 1_000>;
type TrialDays = Integer<0, 730>;

#[response]
#[schema(as = Plan)]
pub struct PlanResponse {
    pub id: PlanId,
    pub product_id: ProductId,
    pub slug: String,
    pub name: String,
    pub description: Option<String>,
    /// Plans of one tier differ in interval or currency. A higher tier is a larger plan.
    pub tier: i64,
    pub status: PlanStatus,
    /// Whether pages show the plan and customers may choose it.
    pub is_public: bool,
    pub billing_interval: Interval,
    pub currency: Currency,
    pub trial_days: i64,
    /// Whether a start needs a payment method if the plan has any price and the customer is charged
    /// automatically, even if there is nothing to pay yet.
    pub require_payment_method: bool,
    pub charges: Vec<Charge>,
    pub entitlements: Vec<Entitlement>,
    pub grant_rules: Vec<GrantRule>,
    /// The integrator's metadata. Only for secret keys.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Value>,
    pub created_at: Time,
    pub updated_at: Time,
}

#[derive(Debug, Request)]
pub struct CreatePlanRequest {
    product_id: ProductId,
    /// Lower-case letters, digits, hyphens and underscores. Unique among plans.
    #[request(with = Slug)]
    slug: String,
    #[request(with = Name)]
    name: String,
    #[request(with = LongText)]
    description: Option<String>,
    /// Default 0.
    #[request(with = Rank, default = 0)]
    tier: i64,
    /// Default `draft`.
    #[request(default = PlanStatus::Draft)]
    status: PlanStatus,
    /// Default true.
    #[request(default = true)]
    is_public: bool,
    billing_interval: Interval,
    /// An ISO 4217 code.
    currency: Currency,
    /// Default 0.
    #[request(with = TrialDays, default = 0)]
    trial_days: i64,
    /// Whether a start needs a payment method if the plan has any price, a trial or usage charges only
    /// too. Default true.
    #[request(default = true)]
    require_payment_method: bool,
    #[request(with = Charges, default = Vec::new())]
    charges: Vec<Charge>,
    #[request(with = Entitlements, default = Vec::new())]
    entitlements: Vec<Entitlement>,
    #[request(with = GrantRules, default = Vec::new())]
    grant_rules: Vec<GrantRule>,
    #[request(with = Metadata, default = no_metadata())]
    metadata: String,
}

#[derive(Debug, Request)]
#[request(patch)]
pub struct UpdatePlanRequest {
    #[request(with = Slug)]
    slug: Option<String>,
    #[request(with = Name)]
    name: Option<String>,
    /// `null` clears it.
    #[request(with = LongText)]
    description: Option<Option<String>>,
    #[request(with = Rank)]
    tier: Option<i64>,
    /// Cannot be set back to `draft`.
    status: Option<PlanStatus>,
    is_public: Option<bool>,
    /// Only while the plan is a draft.
    billing_interval: Option<Interval>,
    /// Only while the plan is a draft.
    currency: Option<Currency>,
    /// Only while the plan is a draft.
    #[request(with = TrialDays)]
    trial_days: Option<i64>,
    /// At any time; applies to later starts.
    require_payment_method: Option<bool>,
    /// Only while the plan is a draft; replaces all of them.
    #[request(with = Charges)]
    charges: Option<Vec<Charge>>,
    /// At any time; replaces all of them and takes effect immediately.
    #[request(with = Entitlements)]
    entitlements: Option<Vec<Entitlement>>,
    /// Only while the plan is a draft; replaces all of them.
    #[request(with = GrantRules)]
    grant_rules: Option<Vec<GrantRule>>,
    /// Replaces all of it; `null` empties it.
    #[request(with = Metadata)]
    metadata: Option<String>,
}

impl From<UpdatePlanRequest> for PlanChange {
    fn from(new: UpdatePlanRequest) -> Self {
        Self {
            slug: new.slug,
            name: new.name,
            description: new.description,
            tier: new.tier,
            status: new.status,
            is_public: new.is_public,
            billing_interval: new.billing_interval,
            currency: new.currency,
            trial_days: new.trial_days,
            require_payment_method: new.require_payment_method,
            charges: new.charges,
            entitlements: new.entitlements,
            grant_rules: new.grant_rules,
            metadata: new.metadata,
        }
    }
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
            status: self.status,
            is_public: self.is_public,
            billing_interval: self.billing_interval,
            currency: self.currency,
            trial_days: self.trial_days,
            require_payment_method: self.require_payment_method,
            charges: self.charges.clone(),
            entitlements: self.entitlements.clone(),
            grant_rules: self.grant_rules.clone(),
            metadata: super::metadata(&self.metadata, viewer),
            created_at: self.created_at,
            updated_at: self.updated_at,
        }
    }
}

words! {
    ChargeType {
        Recurring = "recurring",
        Usage = "usage",
        OneOff = "one_off",
    }
}

impl Item for Charge {
    fn read(fields: &mut Fields) -> Option<Self> {
        fields.charge()
    }
}

impl Item for Entitlement {
    fn read(fields: &mut Fields) -> Option<Self> {
        fields.entitlement()
    }
}

impl Item for GrantRule {
    fn read(fields: &mut Fields) -> Option<Self> {
        fields.grant_rule()
    }
}

impl Fields {
    fn charge(&mut self) -> Option<Charge> {
        self.required(&["type"]);
        match self.word("type", &ChargeType::ALL, ChargeType::as_str)? {
            ChargeType::Recurring => {
                self.required(&["amount"]);
                let (amount, per_unit) = (self.amount("amount", 0), self.boolean("perUnit"));
                Some(Charge::Recurring { amount: amount?, per_unit: per_unit.unwrap_or(false) })
            }
            ChargeType::Usage => {
                self.required(&["metricId", "tiers"]);
                let metric_id = self.parsed("metricId", "the id of a billable metric");
                let included_units = self.decimal("includedUnits", 6).unwrap_or(Decimal::ZERO);
                let tiers = self.objects("tiers", MAX_TIERS, Self::tier);
                Some(Charge::Usage { metric_id: metric_id?, included_units, tiers: tiers? })
            }
            ChargeType::OneOff => {
                self.required(&["amount"]);
                Some(Charge::OneOff { amount: self.amount("amount", 0)? })
            }
        }
    }

    fn tier(&mut self) -> Option<Tier> {
        self.required(&["upTo", "unitPrice"]);
        // `null` means no upper bound.
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
                // `null` means unlimited.
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
            self.wrong("values", "must be distinct strings of 1 to 100 bytes");
        }
        Some(values)
    }

    fn grant_rule(&mut self) -> Option<GrantRule> {
        self.required(&["creditCurrencyId", "amount", "cadence"]);
        let credit_currency_id = self.parsed("creditCurrencyId", "the id of a credit currency");
        let amount = self.amount("amount", 1);
        let cadence = self.word("cadence", &Cadence::ALL, Cadence::as_str);
        let rollover_cap = self.amount("rolloverCap", 0).unwrap_or(0);
        let grant_on = self.word("grantOn", &GrantOn::ALL, GrantOn::as_str);
        Some(GrantRule {
            credit_currency_id: credit_currency_id?,
            amount: amount?,
            cadence: cadence?,
            rollover_cap,
            grant_on,
        })
    }
}

/// Creates a plan. Once it is no longer a draft, its charges, grants and trial are immutable.
#[utoipa::path(post, path = "/v1/plans", tag = "catalog", operation_id = "createPlan",
    responses((status = 201, body = PlanResponse)))]
pub async fn create(
    State(app): State<Arc<App>>,
    caller: Writer,
    idempotency: IdempotencyKey,
    body: Body<CreatePlanRequest>,
) -> Result<Response, Problem> {
    let (new, raw) = body.read()?;
    let now = app.clock.now();
    let plan = Plan {
        id: app.ids.plan(),
        product_id: new.product_id,
        slug: new.slug,
        name: new.name,
        description: new.description,
        tier: new.tier,
        status: new.status,
        is_public: new.is_public,
        billing_interval: new.billing_interval,
        currency: new.currency,
        trial_days: new.trial_days,
        require_payment_method: new.require_payment_method,
        charges: new.charges,
        entitlements: new.entitlements,
        grant_rules: new.grant_rules,
        metadata: new.metadata,
        created_at: now,
        updated_at: now,
    };
    super::create(&app, &caller, idempotency, &raw, plan).await
}

/// Lists plans, newest first. A page sees public plans that can be chosen, and those of its
/// customer.
#[utoipa::path(get, path = "/v1/plans", tag = "catalog", operation_id = "listPlans",
    responses((status = 200, body = ListResponse<PlanResponse>)))]
pub async fn list(
    State(app): State<Arc<App>>,
    caller: CatalogCaller,
    query: ListQuery<OfProduct>,
) -> Result<Json<ListResponse<PlanResponse>>, Problem> {
    super::list::<Plan, OfProduct>(&app, &caller, query, "plans").await
}

/// Returns a plan.
#[utoipa::path(get, path = "/v1/plans/{id}", tag = "catalog", operation_id = "getPlan",
    responses((status = 200, body = PlanResponse)))]
pub async fn get(
    State(app): State<Arc<App>>,
    caller: CatalogCaller,
    PathText(id): PathText,
) -> Result<Json<PlanResponse>, Problem> {
    super::get::<Plan>(&app, &caller, &id).await
}

/// Updates a plan.
#[utoipa::path(patch, path = "/v1/plans/{id}", tag = "catalog", operation_id = "updatePlan",
    responses((status = 200, body = PlanResponse)))]
pub async fn update(
    State(app): State<Arc<App>>,
    caller: Writer,
    PathText(id): PathText,
    body: Body<UpdatePlanRequest>,
) -> Result<Json<PlanResponse>, Problem> {
    let (new, _) = body.read()?;
    super::update::<Plan>(&app, &caller, &id, new.into()).await
}
