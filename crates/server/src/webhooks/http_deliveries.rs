//! HTTP handlers of webhook deliveries.

use super::http::{Reader, Writer};
use super::sql::{self, Filter};
use super::{Delivery, DeliveryStatus, Endpoint};
use crate::app::App;
use crate::base::{EventId, Time, WebhookDeliveryId};
use crate::db::{DbError, Lane, Tx};
use crate::events::EventType;
use crate::http::leaves::string;
use crate::http::page::{ListQuery, ListResponse, path_id};
use crate::http::wire::{Field, Request};
use crate::http::{Fields, Json, NoBody, PathText, PathTexts, Problem};
use crate::organizations::Tenant;
use axum::extract::State;
use http::StatusCode;
use std::sync::Arc;
use unitpay_request::response;
use utoipa::openapi::{RefOr, Schema};

#[response]
#[schema(as = WebhookDelivery)]
pub struct WebhookDeliveryResponse {
    pub id: WebhookDeliveryId,
    /// `null` once the event's retention is over.
    pub event_id: Option<EventId>,
    pub event_type: Option<EventType>,
    pub status: DeliveryStatus,
    /// At most ten, counted again from a resend.
    pub attempts: i64,
    pub next_attempt_at: Option<Time>,
    pub last_attempt_at: Option<Time>,
    /// The status of the last attempt's response; `null` if there was none.
    pub response_status: Option<i64>,
    /// The first 1024 bytes of the last attempt's response.
    pub response_body: Option<String>,
    /// Why the last attempt got no response: `unresolved`, `address_refused`, `connection_failed`,
    /// `tls_failed`, `request_failed`, `timed_out` or `event_deleted`.
    pub error: Option<String>,
    pub created_at: Time,
}

#[derive(Debug, Request)]
pub struct DeliveryFilter {
    status: Option<DeliveryStatus>,
    #[request(with = EventName)]
    event_id: Option<EventId>,
}

/// The id of an event in a query.
pub struct EventName;

impl Field for EventName {
    type Value = EventId;

    fn read(fields: &mut Fields, name: &str) -> Option<EventId> {
        fields.parsed(name, "the id of an event")
    }

    fn schema() -> RefOr<Schema> {
        string().into()
    }
}

impl From<Delivery> for WebhookDeliveryResponse {
    fn from(delivery: Delivery) -> Self {
        Self {
            id: delivery.id,
            event_id: delivery.event_id,
            event_type: delivery.event_type,
            status: delivery.status,
            attempts: delivery.attempts,
            next_attempt_at: delivery.next_at,
            last_attempt_at: delivery.attempted_at,
            response_status: delivery.response_status,
            response_body: delivery.response_body,
            error: delivery.error,
            created_at: delivery.created_at,
        }
    }
}

async fn endpoint(tx: &mut Tx<'_, '_>, tenant: &Tenant, id: &str) -> Result<Endpoint, Problem> {
    sql::get(tx, tenant, path_id(id)?).await?.ok_or_else(Problem::not_found)
}

/// Lists the deliveries to a webhook endpoint, newest first.
#[utoipa::path(get, path = "/v1/webhook-endpoints/{id}/deliveries", tag = "webhookEndpoints",
    operation_id = "listWebhookDeliveries",
    responses((status = 200, body = ListResponse<WebhookDeliveryResponse>)))]
pub async fn list(
    State(app): State<Arc<App>>,
    caller: Reader,
    PathText(id): PathText,
    query: ListQuery<DeliveryFilter>,
) -> Result<Json<ListResponse<WebhookDeliveryResponse>>, Problem> {
    let tenant = caller.tenant();
    let (filter, page) = query.read(&tenant, &format!("webhook-deliveries {id}"))?;
    let mut tx = app.db.read().await?;
    let endpoint = endpoint(&mut tx, &tenant, &id).await?;
    let filter = Filter { status: filter.status, event: filter.event_id };
    let rows = sql::page_of_deliveries(&mut tx, endpoint.no, filter, &page).await?;
    let page = page.page(rows, |delivery| delivery.id.to_string());
    Ok(Json(StatusCode::OK, page.map(WebhookDeliveryResponse::from).into()))
}

/// Sends a delivery again, whatever its status, with all attempts ahead.
#[utoipa::path(post, path = "/v1/webhook-endpoints/{id}/deliveries/{deliveryId}/resend",
    tag = "webhookEndpoints", operation_id = "resendWebhookDelivery",
    responses((status = 200, body = WebhookDeliveryResponse)))]
pub async fn resend(
    State(app): State<Arc<App>>,
    caller: Writer,
    PathTexts(id, delivery): PathTexts,
    _: NoBody,
) -> Result<Json<WebhookDeliveryResponse>, Problem> {
    let delivery: WebhookDeliveryId = path_id(&delivery)?;
    let endpoint = endpoint(&mut app.db.read().await?, &caller.tenant(), &id).await?;
    let now = app.clock.now();
    let step = async move |tx: &mut Tx<'_, '_>| {
        sql::resend(tx, endpoint.no, delivery, now).await?;
        sql::delivery(tx, endpoint.no, delivery).await
    };
    let sent = app.db.write::<_, DbError, _>(Lane::Usual, step).await?;
    let sent = sent.ok_or_else(Problem::not_found)?;
    Ok(Json(StatusCode::OK, sent.into()))
}
