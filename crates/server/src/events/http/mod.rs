//! HTTP handlers of events.

mod description;
mod objects;

pub use description::describe_webhooks;
pub use objects::object;

use super::sql::Filter;
use super::{EventType, Message, sql};
use crate::app::App;
use crate::auth::SecretKey;
use crate::base::EventId;
use crate::customers::CustomerRef;
use crate::http::leaves::string;
use crate::http::page::{ListQuery, ListResponse, path_id};
use crate::http::wire::{Field, Request};
use crate::http::{Fields, Json, PathText, Problem};
use crate::keys::KeyScopes;
use axum::extract::State;
use http::StatusCode;
use std::sync::Arc;
use utoipa::openapi::{RefOr, Schema};

#[derive(Debug, Request)]
pub struct EventFilter {
    customer_id: Option<CustomerRef>,
    r#type: Option<EventType>,
    /// Only events with a greater sequence number.
    #[request(with = Sequence)]
    after_sequence: Option<i64>,
}

/// A sequence number in a query.
pub struct Sequence;

impl Field for Sequence {
    type Value = i64;

    fn read(fields: &mut Fields, name: &str) -> Option<i64> {
        let text = fields.text(name, 1..=18)?;
        let digits = text.bytes().all(|b| b.is_ascii_digit());
        let number = text.parse().ok().filter(|_| digits);
        if number.is_none() {
            fields.wrong(name, "must be a sequence number");
        }
        number
    }

    fn schema() -> RefOr<Schema> {
        string().pattern(Some("^[0-9]{1,18}$")).into()
    }
}

/// Lists events, newest first. An event appears here once it is published, usually within a second
/// of its change.
#[utoipa::path(get, path = "/v1/events", tag = "events", operation_id = "listEvents",
    responses((status = 200, body = ListResponse<Message>)))]
pub async fn list(
    State(app): State<Arc<App>>,
    caller: SecretKey<{ KeyScopes::WEBHOOKS_READ }>,
    query: ListQuery<EventFilter>,
) -> Result<Json<ListResponse<Message>>, Problem> {
    let tenant = caller.tenant();
    let (filter, page) = query.read(&tenant, "events")?;
    let mut tx = app.db.read().await?;
    let named = filter.customer_id.as_ref();
    let customer = caller.reach_customers(&mut tx, named).await?;
    let filter = Filter {
        customer: customer.map(|found| found.id),
        event_type: filter.r#type,
        after: filter.after_sequence.unwrap_or(0),
    };
    let events = sql::page(&mut tx, &tenant, filter, &page).await?;
    let page = page.page(events, |event| event.sequence.to_string()).map(Message::from);
    Ok(Json(StatusCode::OK, page.into()))
}

/// Returns an event.
#[utoipa::path(get, path = "/v1/events/{id}", tag = "events", operation_id = "getEvent",
    responses((status = 200, body = Message)))]
pub async fn get(
    State(app): State<Arc<App>>,
    caller: SecretKey<{ KeyScopes::WEBHOOKS_READ }>,
    PathText(id): PathText,
) -> Result<Json<Message>, Problem> {
    let id: EventId = path_id(&id)?;
    let found = sql::get(&mut app.db.read().await?, &caller.tenant(), id).await?;
    let event = found.ok_or_else(Problem::not_found)?;
    Ok(Json(StatusCode::OK, event.into()))
}
