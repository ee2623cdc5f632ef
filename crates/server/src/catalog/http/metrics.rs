//! HTTP handlers of billable metrics.

use super::{Name, OfProduct, Shown, Writer, no_metadata};
use crate::app::App;
use crate::auth::CatalogCaller;
use crate::base::{MetricId, ProductId, Time, Viewer};
use crate::catalog::{Aggregation, Metric, MetricChange};
use crate::http::leaves::{Metadata, Text};
use crate::http::page::{ListQuery, ListResponse};
use crate::http::wire::Request;
use crate::http::{Body, IdempotencyKey, Json, PathText, Problem};
use axum::extract::State;
use axum::response::Response;
use serde_json::Value;
use std::sync::Arc;
use unitpay_request::response;

#[response]
#[schema(as = BillableMetric)]
pub struct MetricResponse {
    pub id: MetricId,
    pub product_id: ProductId,
    pub event_name: String,
    pub name: String,
    pub aggregation: Aggregation,
    /// The event property that is aggregated. Default: the event's quantity.
    pub property: Option<String>,
    /// The integrator's metadata. Only for secret keys.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Value>,
    pub created_at: Time,
    pub updated_at: Time,
}

#[derive(Debug, Request)]
pub struct CreateMetricRequest {
    product_id: ProductId,
    #[request(with = Text<1, 100>)]
    event_name: String,
    #[request(with = Name)]
    name: String,
    aggregation: Aggregation,
    /// Required for `unique`; not allowed for `count`.
    #[request(with = Text<1, 100>)]
    property: Option<String>,
    #[request(with = Metadata, default = no_metadata())]
    metadata: String,
}

#[derive(Debug, Request)]
#[request(patch)]
pub struct UpdateMetricRequest {
    #[request(with = Name)]
    name: Option<String>,
    /// Replaces all of it; `null` empties it.
    #[request(with = Metadata)]
    metadata: Option<String>,
}

impl Shown for Metric {
    type Response = MetricResponse;

    fn show(&self, viewer: Viewer) -> MetricResponse {
        MetricResponse {
            id: self.id,
            product_id: self.product_id,
            event_name: self.event_name.clone(),
            name: self.name.clone(),
            aggregation: self.aggregation,
            property: self.property.clone(),
            metadata: super::metadata(&self.metadata, viewer),
            created_at: self.created_at,
            updated_at: self.updated_at,
        }
    }
}

/// Creates a billable metric. Its aggregation never changes.
#[utoipa::path(post, path = "/v1/billable-metrics", tag = "catalog", operation_id = "createBillableMetric",
    responses((status = 201, body = MetricResponse)))]
pub async fn create(
    State(app): State<Arc<App>>,
    caller: Writer,
    idempotency: IdempotencyKey,
    body: Body<CreateMetricRequest>,
) -> Result<Response, Problem> {
    let (new, raw) = body.read()?;
    let now = app.clock.now();
    let metric = Metric {
        id: app.ids.metric(),
        product_id: new.product_id,
        event_name: new.event_name,
        name: new.name,
        aggregation: new.aggregation,
        property: new.property,
        metadata: new.metadata,
        created_at: now,
        updated_at: now,
    };
    super::create(&app, &caller, idempotency, &raw, metric).await
}

/// Lists billable metrics, newest first.
#[utoipa::path(get, path = "/v1/billable-metrics", tag = "catalog", operation_id = "listBillableMetrics",
    responses((status = 200, body = ListResponse<MetricResponse>)))]
pub async fn list(
    State(app): State<Arc<App>>,
    caller: CatalogCaller,
    query: ListQuery<OfProduct>,
) -> Result<Json<ListResponse<MetricResponse>>, Problem> {
    super::list::<Metric, OfProduct>(&app, &caller, query, "billable-metrics").await
}

/// Returns a billable metric.
#[utoipa::path(get, path = "/v1/billable-metrics/{id}", tag = "catalog", operation_id = "getBillableMetric",
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
    responses((status = 200, body = MetricResponse)))]
pub async fn update(
    State(app): State<Arc<App>>,
    caller: Writer,
    PathText(id): PathText,
    body: Body<UpdateMetricRequest>,
) -> Result<Json<MetricResponse>, Problem> {
    let (new, _) = body.read()?;
    let change = MetricChange { name: new.name, metadata: new.metadata };
    super::update::<Metric>(&app, &caller, &id, change).await
}
