//! Features over HTTP.

use super::{NAME, Shown, Viewer, Writer};
use crate::app::App;
use crate::auth::CatalogCaller;
use crate::base::{CreditCurrencyId, Decimal, FeatureId, MetricId, ProductId, Time};
use crate::catalog::{Feature, FeatureChange, FeatureKind, FeatureType};
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

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Feature)]
pub struct FeatureResponse {
    #[schema(value_type = String)]
    pub id: FeatureId,
    #[schema(value_type = String)]
    pub product_id: ProductId,
    pub slug: String,
    pub name: String,
    #[schema(value_type = FeatureTypeName)]
    pub r#type: &'static str,
    /// What is metered, or paid for in credits.
    #[schema(value_type = Option<String>, required = true)]
    pub metric_id: Option<MetricId>,
    #[schema(value_type = Option<String>, required = true)]
    pub credit_currency_id: Option<CreditCurrencyId>,
    /// What one unit costs, in the credit currency's smallest unit: a decimal.
    #[schema(value_type = Option<String>, required = true)]
    pub credit_cost: Option<Decimal>,
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
#[schema(as = FeatureType, rename_all = "lowercase")]
#[allow(dead_code)] // Describes `FeatureResponse::type`.
pub enum FeatureTypeName {
    Boolean,
    Metered,
    Credit,
    Config,
    Enum,
}

#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
#[allow(dead_code)] // Describes what `create` reads.
pub struct CreateFeatureRequest {
    product_id: String,
    /// Lower-case letters, digits, hyphens and underscores; unique among features.
    #[schema(min_length = 1, max_length = 64)]
    slug: String,
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    r#type: FeatureTypeName,
    /// Of the same product; required for `metered` and `credit`, and for these alone.
    #[schema(nullable = false)]
    metric_id: Option<String>,
    /// Required for `credit`, and for it alone.
    #[schema(nullable = false)]
    credit_currency_id: Option<String>,
    /// A decimal; required for `credit`, and for it alone.
    #[schema(nullable = false)]
    credit_cost: Option<String>,
    #[schema(nullable = false)]
    metadata: Option<BTreeMap<String, String>>,
}

#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
#[allow(dead_code)] // Describes what `update` reads.
pub struct UpdateFeatureRequest {
    #[schema(min_length = 1, max_length = 64, nullable = false)]
    slug: Option<String>,
    #[schema(min_length = 1, max_length = 200, nullable = false)]
    name: Option<String>,
    /// Of a feature of type `credit`; holds from the next event on.
    #[schema(nullable = false)]
    credit_cost: Option<String>,
    /// Replaces the whole; `null` empties it.
    metadata: Option<BTreeMap<String, String>>,
}

impl Shown for Feature {
    type Response = FeatureResponse;

    fn show(&self, viewer: Viewer) -> FeatureResponse {
        let (credit_currency_id, credit_cost) = self.kind.credit().unzip();
        FeatureResponse {
            id: self.id,
            product_id: self.product_id,
            slug: self.slug.clone(),
            name: self.name.clone(),
            r#type: self.kind.r#type().as_str(),
            metric_id: self.kind.metric_id(),
            credit_currency_id,
            credit_cost,
            metadata: super::metadata(&self.metadata, viewer),
            created_at: self.created_at,
            updated_at: self.updated_at,
        }
    }
}

impl Fields {
    fn feature(&mut self, patch: bool) -> FeatureChange {
        FeatureChange {
            slug: self.slug("slug"),
            name: self.text("name", NAME),
            credit_cost: if patch { self.decimal("creditCost", 12) } else { None },
            metadata: self.notes(patch),
        }
    }

    /// A feature's type and what it needs: no more and no less.
    fn feature_kind(&mut self) -> Option<FeatureKind> {
        let parts = ["metricId", "creditCurrencyId", "creditCost"];
        let given = parts.map(|name| self.has(name));
        let metric_id = self.parsed("metricId", "the id of a billable metric");
        let currency = self.parsed("creditCurrencyId", "the id of a credit currency");
        let cost = self.decimal("creditCost", 12);
        let r#type = self.word("type", &FeatureType::ALL, FeatureType::as_str)?;
        let needed = match r#type {
            FeatureType::Boolean | FeatureType::Config | FeatureType::Enum => [false; 3],
            FeatureType::Metered => [true, false, false],
            FeatureType::Credit => [true; 3],
        };
        for ((name, given), needed) in parts.into_iter().zip(given).zip(needed) {
            match (given, needed) {
                (true, false) => self.wrong(name, "is not for features of this type"),
                (false, true) => self.wrong(name, "is required for features of this type"),
                (true, true) | (false, false) => {}
            }
        }
        FeatureKind::of(r#type, metric_id, currency.zip(cost))
    }
}

/// Makes a feature.
#[utoipa::path(post, path = "/v1/features", tag = "catalog", operation_id = "createFeature",
    security(("secretKey" = ["catalog:write"])),
    params(("Idempotency-Key" = Option<String>, Header,)),
    request_body = CreateFeatureRequest,
    responses((status = 201, body = FeatureResponse)))]
pub async fn create(
    State(app): State<Arc<App>>,
    caller: Writer,
    idempotency: IdempotencyKey,
    JsonBody { mut fields, raw }: JsonBody,
) -> Result<Response, Problem> {
    fields.required(&["productId", "slug", "name", "type"]);
    let (id, now, new) = (app.ids.feature(), app.clock.now(), fields.feature(false));
    let product_id = fields.parsed("productId", "the id of a product");
    let kind = fields.feature_kind();
    let feature = fields.made(|| {
        Some(Feature {
            id,
            product_id: product_id?,
            slug: new.slug?,
            name: new.name?,
            kind: kind?,
            metadata: new.metadata.unwrap_or_else(|| "{}".to_owned()),
            created_at: now,
            updated_at: now,
        })
    })?;
    super::create(&app, &caller, idempotency, &raw, feature).await
}

/// Lists features, newest first.
#[utoipa::path(get, path = "/v1/features", tag = "catalog", operation_id = "listFeatures",
    security(("secretKey" = ["catalog:read"]), ("portalToken" = []), ("publishableKey" = [])),
    params(("productId" = Option<String>, Query,), ("limit" = Option<i64>, Query, minimum = 1, maximum = 100), ("cursor" = Option<String>, Query,)),
    responses((status = 200, body = ListResponse<FeatureResponse>)))]
pub async fn list(
    State(app): State<Arc<App>>,
    caller: CatalogCaller,
    uri: Uri,
) -> Result<Json<ListResponse<FeatureResponse>>, Problem> {
    super::list::<Feature>(&app, &caller, &uri, "features", "productId").await
}

/// Reads a feature.
#[utoipa::path(get, path = "/v1/features/{id}", tag = "catalog", operation_id = "getFeature",
    security(("secretKey" = ["catalog:read"]), ("portalToken" = []), ("publishableKey" = [])),
    params(("id" = String, Path,)),
    responses((status = 200, body = FeatureResponse)))]
pub async fn get(
    State(app): State<Arc<App>>,
    caller: CatalogCaller,
    PathText(id): PathText,
) -> Result<Json<FeatureResponse>, Problem> {
    super::get::<Feature>(&app, &caller, &id).await
}

/// Changes a feature. Its type and what it counts are fixed.
#[utoipa::path(patch, path = "/v1/features/{id}", tag = "catalog", operation_id = "updateFeature",
    security(("secretKey" = ["catalog:write"])),
    params(("id" = String, Path,)),
    request_body = UpdateFeatureRequest,
    responses((status = 200, body = FeatureResponse)))]
pub async fn update(
    State(app): State<Arc<App>>,
    caller: Writer,
    PathText(id): PathText,
    JsonBody { mut fields, .. }: JsonBody,
) -> Result<Json<FeatureResponse>, Problem> {
    let change = fields.feature(true);
    fields.finish()?;
    super::update::<Feature>(&app, &caller, &id, change).await
}
