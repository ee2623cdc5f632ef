//! HTTP handlers of usage: events from backends, meters and charts for browsers too.

use super::{MAX_EVENTS, Meter, RejectionReason, Tracked, http_body, meter};
use crate::app::App;
use crate::auth::{Caller, SecretKey};
use crate::base::{Decimal, MetricId};
use crate::catalog;
use crate::customers::CustomerRef;
use crate::db::{Lane, Tx};
use crate::http::leaves::{Day, ShortText};
use crate::http::page::{Query, path_id};
use crate::http::wire::Request;
use crate::http::{Json, Problem, RawJsonBody};
use crate::keys::KeyScopes;
use crate::portal::PortalScopes;
use crate::work::{BillingError, Work};
use crate::{flows, test_clock};
use axum::extract::State;
use http::StatusCode;
use serde::Serialize;
use std::borrow::Cow;
use std::sync::Arc;
use unitpay_request::response;
use utoipa::ToSchema;

/// The maximum size of a body with events.
const MAX_BODY_BYTES: usize = 1024 * 1024;

#[derive(Debug, Serialize, ToSchema)]
pub struct TrackResponse {
    pub accepted: usize,
    pub rejected: usize,
    /// The rejected events with their reasons.
    pub rejections: Vec<RejectionResponse>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Rejection)]
pub struct RejectionResponse {
    /// The index of the event in the request, from 0.
    pub index: usize,
    #[schema(schema_with = reason_schema)]
    pub reason: &'static str,
    /// For people; it names the field that is wrong.
    #[schema(value_type = String)]
    pub message: Cow<'static, str>,
}

#[response]
pub struct UsageMeter {
    pub metric_id: MetricId,
    pub metric_name: String,
    /// The usage in the current usage period.
    pub usage: Decimal,
    /// The limit of the plans; `null` if unlimited.
    pub limit: Option<i64>,
    pub is_unlimited: bool,
    /// The percentage of the limit; `null` if unlimited.
    pub percentage: Option<i64>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct UsageHistory {
    /// One row per event name that occurred and day of the range.
    pub data: Vec<UsageDay>,
}

#[response]
pub struct UsageDay {
    /// A UTC date.
    #[schema(format = Date)]
    pub date: String,
    pub event_name: String,
    /// The sum of the quantities.
    pub total: Decimal,
}

fn reason_schema() -> utoipa::openapi::schema::Object {
    utoipa::openapi::ObjectBuilder::new()
        .schema_type(utoipa::openapi::schema::Type::String)
        .enum_values(Some(RejectionReason::ALL.map(RejectionReason::as_str)))
        .build()
}

impl From<Meter> for UsageMeter {
    fn from(meter: Meter) -> Self {
        Self {
            metric_id: meter.metric.id,
            usage: meter.usage,
            is_unlimited: meter.limit.is_none(),
            percentage: meter.percentage(),
            metric_name: meter.metric.name,
            limit: meter.limit,
        }
    }
}

impl From<Tracked> for TrackResponse {
    fn from(tracked: Tracked) -> Self {
        let rejections = tracked.rejections.into_iter().map(|rejection| RejectionResponse {
            index: rejection.index,
            reason: rejection.reason.as_str(),
            message: rejection.message(),
        });
        let rejections: Vec<_> = rejections.collect();
        Self { accepted: tracked.accepted, rejected: rejections.len(), rejections }
    }
}

/// Counts usage events, each once for its customer and key; at most 1000 of them, or one. In a batch,
/// an event of the wrong shape is rejected and the others count.
#[utoipa::path(post, path = "/v1/usage/track", tag = "usage", operation_id = "trackUsage",
    request_body = http_body::Batch,
    responses((status = 200, body = TrackResponse)))]
pub async fn track(
    State(app): State<Arc<App>>,
    caller: SecretKey<{ KeyScopes::USAGE_WRITE }>,
    RawJsonBody(raw): RawJsonBody<MAX_BODY_BYTES>,
) -> Result<Json<TrackResponse>, Problem> {
    let http_body::Batch { events, places, rejections } = http_body::events(&raw)?;
    let (tenant, by) = (caller.tenant(), app.by(caller.actor()));
    let (mut tracked, attempts) = app
        .db
        .write(Lane::Usual, async move |tx: &mut Tx<'_, '_>| {
            let at = test_clock::write_now::<BillingError>(tx, &tenant, by.now).await?;
            flows::track_events(&mut Work { tx, tenant: &tenant, at, by: &by }, &events).await
        })
        .await?;
    for rejection in &mut tracked.rejections {
        rejection.index = places[rejection.index];
    }
    tracked.rejections.extend(rejections);
    tracked.rejections.sort_unstable_by_key(|rejection| rejection.index);
    for id in attempts {
        let app = Arc::clone(&app);
        // The caller does not wait. If this process stops, any node continues the attempt.
        tokio::spawn(async move {
            if let Err(error) = flows::run(&app, &tenant, id).await {
                tracing::warn!(attempt = %id, ?error, "an automatic top-up was not settled yet");
            }
        });
    }
    Ok(Json(StatusCode::OK, tracked.into()))
}

#[derive(Debug, Request)]
pub struct MeterQuery {
    #[request(with = ShortText<128>)]
    metric_id: String,
    customer_id: Option<CustomerRef>,
}

#[derive(Debug, Request)]
pub struct HistoryQuery {
    #[request(with = Day)]
    from: i64,
    #[request(with = Day)]
    to: i64,
    customer_id: Option<CustomerRef>,
}

type Reader = Caller<{ KeyScopes::USAGE_READ }, { PortalScopes::USAGE_READ }>;

/// Returns a customer's usage of a metric in the usage period, and its limit.
#[utoipa::path(get, path = "/v1/usage", tag = "usage", operation_id = "getUsage",
    responses((status = 200, body = UsageMeter)))]
pub async fn get(
    State(app): State<Arc<App>>,
    caller: Reader,
    query: Query<MeterQuery>,
) -> Result<Json<UsageMeter>, Problem> {
    let (tenant, query) = (caller.tenant(), query.read()?);
    let mut tx = app.db.read().await?;
    let customer = caller.reach_customer(&mut tx, query.customer_id.as_ref()).await?;
    let metric_id = path_id::<MetricId>(&query.metric_id)?;
    let at = test_clock::now(&mut tx, &tenant, app.clock.now()).await?;
    let metric = catalog::visible_metric(&mut tx, &tenant, caller.viewer(), metric_id).await?;
    let metric = metric.ok_or_else(Problem::not_found)?;
    let meter = meter::read(&mut tx, &tenant, customer.no, metric, at).await?;
    Ok(Json(StatusCode::OK, meter.into()))
}

/// Returns a customer's usage per day and event name, for a range of at most 92 days.
#[utoipa::path(get, path = "/v1/usage/aggregate", tag = "usage", operation_id = "aggregateUsage",
    responses((status = 200, body = UsageHistory)))]
pub async fn aggregate(
    State(app): State<Arc<App>>,
    caller: Reader,
    query: Query<HistoryQuery>,
) -> Result<Json<UsageHistory>, Problem> {
    let HistoryQuery { from, to, customer_id } = query.read()?;
    if !(0..meter::MAX_DAYS).contains(&(to - from)) {
        let message = format!("must be 0 to {} days after from", meter::MAX_DAYS - 1);
        return Err(Problem::invalid_param("to", message));
    }
    let mut tx = app.db.read().await?;
    let customer = caller.reach_customer(&mut tx, customer_id.as_ref()).await?;
    let days = meter::history(&mut tx, customer.no, from, to).await?;
    let data = days.into_iter().map(|(day, event_name, total)| UsageDay {
        date: meter::date(day),
        event_name,
        total,
    });
    Ok(Json(StatusCode::OK, UsageHistory { data: data.collect() }))
}

const _: () = assert!(MAX_EVENTS == 1000, "described above");
