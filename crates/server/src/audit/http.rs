//! HTTP handlers of the audit log.

use super::{Action, ActorType, AuditEvent, sql};
use crate::app::App;
use crate::auth::SecretKey;
use crate::base::{CustomerId, EventId, Time};
use crate::customers::CustomerRef;
use crate::http::page::{ListQuery, ListResponse};
use crate::http::wire::Request;
use crate::http::{Json, Problem};
use crate::keys::KeyScopes;
use axum::extract::State;
use http::StatusCode;
use serde_json::Value;
use std::sync::Arc;
use unitpay_request::response;

#[response]
#[schema(as = AuditEvent)]
pub struct AuditEventResponse {
    pub id: EventId,
    #[schema(value_type = ActorType)]
    pub actor_type: String,
    pub actor_id: Option<String>,
    #[schema(schema_with = action_schema)]
    pub action: String,
    pub target_id: String,
    pub customer_id: Option<CustomerId>,
    /// The changed values. Never contains a secret.
    pub detail: Value,
    pub created_at: Time,
}

fn action_schema() -> utoipa::openapi::schema::Object {
    utoipa::openapi::ObjectBuilder::new()
        .schema_type(utoipa::openapi::schema::Type::String)
        .enum_values(Some(Action::NAMES.iter().copied()))
        .build()
}

impl From<AuditEvent> for AuditEventResponse {
    fn from(event: AuditEvent) -> Self {
        Self {
            id: event.id,
            actor_type: event.actor_type,
            actor_id: event.actor_id,
            action: event.action,
            target_id: event.target_id,
            customer_id: event.customer_id,
            detail: serde_json::from_str(&event.detail).unwrap_or_default(),
            created_at: event.created_at,
        }
    }
}

#[derive(Debug, Request)]
pub struct AuditFilter {
    customer_id: Option<CustomerRef>,
}

/// Lists audit events, newest first.
#[utoipa::path(get, path = "/v1/audit-events", tag = "audit", operation_id = "listAuditEvents",
    responses((status = 200, body = ListResponse<AuditEventResponse>)))]
pub async fn list(
    State(app): State<Arc<App>>,
    caller: SecretKey<{ KeyScopes::AUDIT_READ }>,
    query: ListQuery<AuditFilter>,
) -> Result<Json<ListResponse<AuditEventResponse>>, Problem> {
    let tenant = caller.tenant();
    let (filter, page) = query.read(&tenant, "audit-events")?;
    let mut tx = app.db.read().await?;
    let named = filter.customer_id.as_ref();
    let customer = caller.reach_customers(&mut tx, named).await?;
    let events = sql::page(&mut tx, &tenant, customer.map(|found| found.id), &page).await?;
    let page = page.page(events, |event| event.id.to_string()).map(AuditEventResponse::from);
    Ok(Json(StatusCode::OK, page.into()))
}
