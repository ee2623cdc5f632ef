//! HTTP handlers of features.

use super::{Name, OfProduct, Shown, Writer, no_metadata};
use crate::app::App;
use crate::auth::CatalogCaller;
use crate::base::{CreditCurrencyId, Decimal, FeatureId, MetricId, ProductId, Time, Viewer};
use crate::catalog::{Feature, FeatureChange, FeatureKind, FeatureType};
use crate::http::leaves::{DecimalText, Metadata, Slug};
use crate::http::page::{ListQuery, ListResponse};
use crate::http::wire::Request;
use crate::http::{Body, Fields, IdempotencyKey, Json, PathText, Problem};
use axum::extract::State;
use axum::response::Response;
use serde_json::Value;
use std::sync::Arc;
use unitpay_request::response;

#[response]
#[schema(as = Feature)]
pub struct FeatureResponse {
    pub id: FeatureId,
    pub product_id: ProductId,
    pub slug: String,
    pub name: String,
    pub r#type: FeatureType,
    /// The metric that is limited, or paid for in credits.
    pub metric_id: Option<MetricId>,
    pub credit_currency_id: Option<CreditCurrencyId>,
    /// The price of one unit, a decimal in the credit currency's smallest unit.
    pub credit_cost: Option<Decimal>,
    /// The integrator's metadata. Only for secret keys.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Value>,
    pub created_at: Time,
    pub updated_at: Time,
}

#[derive(Debug, Request)]
#[request(before = Self::check)]
pub struct CreateFeatureRequest {
    product_id: ProductId,
    /// Lower-case letters, digits, hyphens and underscores. Unique among features.
    #[request(with = Slug)]
    slug: String,
    #[request(with = Name)]
    name: String,
    r#type: FeatureType,
    /// Of the same product. Required for `metered` and `credit`; not allowed for other types.
    metric_id: Option<MetricId>,
    /// Required for `credit`; not allowed for other types.
    credit_currency_id: Option<CreditCurrencyId>,
    /// A decimal. Required for `credit`; not allowed for other types.
    #[request(with = DecimalText<12>)]
    credit_cost: Option<Decimal>,
    #[request(with = Metadata, default = no_metadata())]
    metadata: String,
}

#[derive(Debug, Request)]
#[request(patch)]
pub struct UpdateFeatureRequest {
    #[request(with = Slug)]
    slug: Option<String>,
    #[request(with = Name)]
    name: Option<String>,
    /// Only for features of type `credit`; in force from the next event on.
    #[request(with = DecimalText<12>)]
    credit_cost: Option<Decimal>,
    /// Replaces all of it; `null` empties it.
    #[request(with = Metadata)]
    metadata: Option<String>,
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
            r#type: self.kind.r#type(),
            metric_id: self.kind.metric_id(),
            credit_currency_id,
            credit_cost,
            metadata: super::metadata(&self.metadata, viewer),
            created_at: self.created_at,
            updated_at: self.updated_at,
        }
    }
}

impl CreateFeatureRequest {
    /// Checks that the type has what it needs: no more and no less.
    fn check(fields: &mut Fields) {
        let needed = match fields
            .peek("type")
            .and_then(|name| FeatureType::ALL.into_iter().find(|known| known.as_str() == name))
        {
            None => return,
            Some(FeatureType::Boolean | FeatureType::Config | FeatureType::Enum) => [false; 3],
            Some(FeatureType::Metered) => [true, false, false],
            Some(FeatureType::Credit) => [true; 3],
        };
        for (name, needed) in ["metricId", "creditCurrencyId", "creditCost"].into_iter().zip(needed)
        {
            match (fields.has(name), needed) {
                (true, false) => fields.wrong(name, "is not for features of this type"),
                (false, true) => fields.wrong(name, "is required for features of this type"),
                (true, true) | (false, false) => {}
            }
        }
    }
}

/// Creates a feature.
#[utoipa::path(post, path = "/v1/features", tag = "catalog", operation_id = "createFeature",
    responses((status = 201, body = FeatureResponse)))]
pub async fn create(
    State(app): State<Arc<App>>,
    caller: Writer,
    idempotency: IdempotencyKey,
    body: Body<CreateFeatureRequest>,
) -> Result<Response, Problem> {
    let (new, raw) = body.read()?;
    let now = app.clock.now();
    let credit = new.credit_currency_id.zip(new.credit_cost);
    let kind = FeatureKind::new(new.r#type, new.metric_id, credit);
    let feature = Feature {
        id: app.ids.feature(),
        product_id: new.product_id,
        slug: new.slug,
        name: new.name,
        kind: kind.ok_or_else(|| Problem::internal("a feature's parts were not checked"))?,
        metadata: new.metadata,
        created_at: now,
        updated_at: now,
    };
    super::create(&app, &caller, idempotency, &raw, feature).await
}

/// Lists features, newest first.
#[utoipa::path(get, path = "/v1/features", tag = "catalog", operation_id = "listFeatures",
    responses((status = 200, body = ListResponse<FeatureResponse>)))]
pub async fn list(
    State(app): State<Arc<App>>,
    caller: CatalogCaller,
    query: ListQuery<OfProduct>,
) -> Result<Json<ListResponse<FeatureResponse>>, Problem> {
    super::list::<Feature, OfProduct>(&app, &caller, query, "features").await
}

/// Returns a feature.
#[utoipa::path(get, path = "/v1/features/{id}", tag = "catalog", operation_id = "getFeature",
    responses((status = 200, body = FeatureResponse)))]
pub async fn get(
    State(app): State<Arc<App>>,
    caller: CatalogCaller,
    PathText(id): PathText,
) -> Result<Json<FeatureResponse>, Problem> {
    super::get::<Feature>(&app, &caller, &id).await
}

/// Updates a feature. Its type and metric are immutable.
#[utoipa::path(patch, path = "/v1/features/{id}", tag = "catalog", operation_id = "updateFeature",
    responses((status = 200, body = FeatureResponse)))]
pub async fn update(
    State(app): State<Arc<App>>,
    caller: Writer,
    PathText(id): PathText,
    body: Body<UpdateFeatureRequest>,
) -> Result<Json<FeatureResponse>, Problem> {
    let (new, _) = body.read()?;
    let change = FeatureChange {
        slug: new.slug,
        name: new.name,
        credit_cost: new.credit_cost,
        metadata: new.metadata,
    };
    super::update::<Feature>(&app, &caller, &id, change).await
}
