//! The pricing of a product: everything that a pricing table shows, in one response.

use super::Shown;
use super::credits::{CreditCurrencyResponse, CreditPackageResponse};
use super::features::FeatureResponse;
use super::plans::PlanResponse;
use super::products::ProductResponse;
use crate::app::App;
use crate::auth::CatalogCaller;
use crate::base::PlanId;
use crate::catalog::{self, EntitlementValue, Pricing};
use crate::http::page::path_id;
use crate::http::{Json, PathText, Problem};
use axum::extract::State;
use http::StatusCode;
use std::sync::Arc;
use unitpay_request::response;

#[response]
#[schema(as = Pricing)]
pub struct PricingResponse {
    pub product: ProductResponse,
    /// In ascending order.
    pub tiers: Vec<PricingTier>,
    /// The features of any of the plans.
    pub feature_rows: Vec<FeatureRow>,
    /// The credit currencies that plans grant, features cost and packages sell.
    pub credit_currencies: Vec<CreditCurrencyResponse>,
    pub credit_packages: Vec<CreditPackageResponse>,
}

/// The plans of one tier.
#[response]
pub struct PricingTier {
    pub tier: i64,
    /// The name of the tier's first plan.
    pub name: String,
    pub monthly: Vec<PlanResponse>,
    pub yearly: Vec<PlanResponse>,
}

/// One feature across the plans.
#[response]
pub struct FeatureRow {
    pub feature: FeatureResponse,
    /// The plans that include it, in the order of the tiers.
    pub plans: Vec<FeatureOfPlan>,
}

#[response]
pub struct FeatureOfPlan {
    pub plan_id: PlanId,
    pub value: EntitlementValue,
}

/// Returns the pricing of a product.
#[utoipa::path(get, path = "/v1/public/pricing/{productId}", tag = "catalog", operation_id = "getPricing",
    responses((status = 200, body = PricingResponse)))]
pub async fn get(
    State(app): State<Arc<App>>,
    caller: CatalogCaller,
    PathText(id): PathText,
) -> Result<Json<PricingResponse>, Problem> {
    let (tenant, viewer, id) = (caller.tenant(), caller.viewer(), path_id(&id)?);
    let found = catalog::pricing(&mut app.db.read().await?, &tenant, viewer, id).await?;
    let Pricing { product, plans, features, currencies, packages } =
        found.ok_or_else(Problem::not_found)?;
    let mut tiers: Vec<PricingTier> = Vec::new();
    for plan in &plans {
        if tiers.last().is_none_or(|last| last.tier != plan.tier) {
            let (tier, name) = (plan.tier, plan.name.clone());
            tiers.push(PricingTier { tier, name, monthly: Vec::new(), yearly: Vec::new() });
        }
        if let Some(tier) = tiers.last_mut() {
            match plan.billing_interval {
                catalog::Interval::Month => tier.monthly.push(plan.show(viewer)),
                catalog::Interval::Year => tier.yearly.push(plan.show(viewer)),
            }
        }
    }
    let rows = features.iter().map(|feature| FeatureRow {
        feature: feature.show(viewer),
        plans: plans
            .iter()
            .filter_map(|plan| {
                let value = plan.gives(feature.id)?.clone();
                Some(FeatureOfPlan { plan_id: plan.id, value })
            })
            .collect(),
    });
    let body = PricingResponse {
        product: product.show(viewer),
        tiers,
        feature_rows: rows.collect(),
        credit_currencies: currencies.iter().map(|currency| currency.show(viewer)).collect(),
        credit_packages: packages.iter().map(|package| package.show(viewer)).collect(),
    };
    Ok(Json(StatusCode::OK, body))
}
