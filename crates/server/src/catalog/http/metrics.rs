//! Billable metrics over HTTP.

use super::{NAME, Shown, Viewer, Writer};
use crate::app::App;
use crate::auth::CatalogCaller;
use crate::base::{MetricId, ProductId, Time};
use crate::catalog::{Aggregation, Metric, MetricChange};
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
#[schema(as = BillableMetric)]
pub struct MetricResponse {
    #[schema(value_type = String)]
    pub id: MetricId,
    #[schema(value_type = String)]
    pub product_id: ProductId,
    pub event_name: String,
    pub name: String,
    #[schema(value_type = MetricAggregation)]
    pub aggregation: &'static str,
    /// The property of an event that is aggregated; without one it is the quantity.
    #[schema(required = true)]
    pub property: Option<String>,
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
#[schema(rename_all = "lowercase")]
#[allow(dead_code)] // Describes `MetricResponse::aggregation`.
pub enum MetricAggregation {
    Sum,
    Count,
    Max,
    Unique,
}

#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
#[allow(dead_code)] // Describes what `create` reads.
pub struct CreateMetricRequest {
    product_id: String,
    #[schema(min_length = 1, max_length = 100)]
    event_name: String,
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    aggregation: MetricAggregation,
    /// Required for `unique`, not for `count`.
    #[schema(min_length = 1, max_length = 100, nullable = false)]
    property: Option<String>,
    #[schema(nullable = false)]
    metadata: Option<BTreeMap<String, String>>,
}

#[derive(Debug, ToSchema)]
#[allow(dead_code)] // Describes what `update` reads.
pub struct UpdateMetricRequest {
    #[schema(min_length = 1, max_length = 200, nullable = false)]
    name: Option<String>,
    /// Replaces the whole; `null` empties it.
    metadata: Option<BTreeMap<String, String>>,
}

impl Shown for Metric {
    type Response = MetricResponse;

    fn show(&self, viewer: Viewer) -> MetricResponse {
        MetricResponse {
            id: self.id,
            product_id: self.product_id,
            event_name: self.event_name.clone(),
            name: self.name.clone(),
            aggregation: self.aggregation.as_str(),
            property: self.property.clone(),
            metadata: super::metadata(&self.metadata, viewer),
            created_at: self.created_at,
            updated_at: self.updated_at,
        }
    }
}

impl Fields {
    fn metric(&mut self, patch: bool) -> MetricChange {
        MetricChange { name: self.text("name", NAME), metadata: self.notes(patch) }
    }
}

/// Makes a billable metric. How it adds up never changes.
#[utoipa::path(post, path = "/v1/billable-metrics", tag = "catalog", operation_id = "createBillableMetric",
    security(("secretKey" = ["catalog:write"])),
    params(("Idempotency-Key" = Option<String>, Header,)),
    request_body = CreateMetricRequest,
    responses((status = 201, body = MetricResponse)))]
pub async fn create(
    State(app): State<Arc<App>>,
    caller: Writer,
    idempotency: IdempotencyKey,
    JsonBody { mut fields, raw }: JsonBody,
) -> Result<Response, Problem> {
    fields.required(&["productId", "eventName", "name", "aggregation"]);
    let (id, now, new) = (app.ids.metric(), app.clock.now(), fields.metric(false));
    let product_id = fields.parsed("productId", "the id of a product");
    let event_name = fields.text("eventName", 1..=100);
    let aggregation = fields.word("aggregation", &Aggregation::ALL, Aggregation::as_str);
    let property = fields.text("property", 1..=100);
    let metric = fields.made(|| {
        Some(Metric {
            id,
            product_id: product_id?,
            event_name: event_name?,
            name: new.name?,
            aggregation: aggregation?,
            property,
            metadata: new.metadata.unwrap_or_else(|| "{}".to_owned()),
            created_at: now,
            updated_at: now,
        })
    })?;
    super::create(&app, &caller, idempotency, &raw, metric).await
}

/// Lists billable metrics, newest first.
#[utoipa::path(get, path = "/v1/billable-metrics", tag = "catalog", operation_id = "listBillableMetrics",
    security(("secretKey" = ["catalog:read"]), ("portalToken" = []), ("publishableKey" = [])),
    params(("productId" = Option<String>, Query,), ("limit" = Option<i64>, Query, minimum = 1, maximum = 100), ("cursor" = Option<String>, Query,)),
    responses((status = 200, body = ListResponse<MetricResponse>)))]
pub async fn list(
    State(app): State<Arc<App>>,
    caller: CatalogCaller,
    uri: Uri,
) -> Result<Json<ListResponse<MetricResponse>>, Problem> {
    super::list::<Metric>(&app, &caller, &uri, "billable-metrics", "productId").await
}

/// Reads a billable metric.
#[utoipa::path(get, path = "/v1/billable-metrics/{id}", tag = "catalog", operation_id = "getBillableMetric",
    security(("secretKey" = ["catalog:read"]), ("portalToken" = []), ("publishableKey" = [])),
    params(("id" = String, Path,)),
    responses((status = 200, body = MetricResponse)))]
pub async fn get(
    State(app): State<Arc<App>>,
    caller: CatalogCaller,
    PathText(id): PathText,
) -> Result<Json<MetricResponse>, Problem> {
    super::get::<Metric>(&app, &caller, &id).await
}

/// Renames a billable metric.
#[utoipa::path(patch, path = "/v1/billable-metrics/{id}", tag = "catalog", operation_id = "updateBillableMetric",
    security(("secretKey" = ["catalog:write"])),
    params(("id" = String, Path,)),
    request_body = UpdateMetricRequest,
    responses((status = 200, body = MetricResponse)))]
pub async fn update(
    State(app): State<Arc<App>>,
    caller: Writer,
    PathText(id): PathText,
    JsonBody { mut fields, .. }: JsonBody,
) -> Result<Json<MetricResponse>, Problem> {
    let change = fields.metric(true);
    fields.finish()?;
    super::update::<Metric>(&app, &caller, &id, change).await
}
