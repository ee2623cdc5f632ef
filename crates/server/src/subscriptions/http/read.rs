//! HTTP handlers that read subscriptions.

use super::{SubscriptionResponse, UpcomingResponse, view};
use crate::app::App;
use crate::customers::CustomerRef;
use crate::http::page::{ListQuery, ListResponse, path_id};
use crate::http::wire::Request;
use crate::http::{Json, PathText, Problem};
use crate::subscriptions::http::Reader;
use crate::subscriptions::{self, SubscriptionStatus, sql};
use crate::{flows, invoices};
use axum::extract::State;
use http::StatusCode;
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;

#[derive(Debug, Serialize, ToSchema)]
pub struct UpcomingInvoiceResponse {
    /// `null` if there is none.
    #[schema(required = true)]
    pub invoice: Option<UpcomingResponse>,
}

#[derive(Debug, Request)]
pub struct SubscriptionFilter {
    customer_id: Option<CustomerRef>,
    status: Option<SubscriptionStatus>,
}

/// Lists subscriptions, newest first. A portal token lists those of its own customer.
#[utoipa::path(get, path = "/v1/subscriptions", tag = "subscriptions", operation_id = "listSubscriptions",
    responses((status = 200, body = ListResponse<SubscriptionResponse>)))]
pub async fn list(
    State(app): State<Arc<App>>,
    caller: Reader,
    query: ListQuery<SubscriptionFilter>,
) -> Result<Json<ListResponse<SubscriptionResponse>>, Problem> {
    let tenant = caller.tenant();
    let (SubscriptionFilter { customer_id: named, status }, paging) = query.begin()?;
    let mut tx = app.db.read().await?;
    let customer = caller.reach_customers(&mut tx, named.as_ref()).await?;
    let customer = customer.map(|customer| customer.no);
    let page = paging.read(&tenant, &format!("subscriptions {customer:?} {status:?}"))?;
    let rows = sql::page(&mut tx, &tenant, customer, status, &page).await?;
    let page = page.page(rows, |subscription| subscription.id.to_string());
    Ok(Json(StatusCode::OK, page.map(|subscription| view(&caller, &subscription)).into()))
}

/// Returns a subscription.
#[utoipa::path(get, path = "/v1/subscriptions/{id}", tag = "subscriptions", operation_id = "getSubscription",
    responses((status = 200, body = SubscriptionResponse)))]
pub async fn get(
    State(app): State<Arc<App>>,
    caller: Reader,
    PathText(id): PathText,
) -> Result<Json<SubscriptionResponse>, Problem> {
    let (tenant, id) = (caller.tenant(), path_id(&id)?);
    let mut tx = app.db.read().await?;
    let subscription = caller.reach(subscriptions::get(&mut tx, &tenant, id).await?)?;
    Ok(Json(StatusCode::OK, view(&caller, &subscription)))
}

/// Returns the next due invoice, including usage until now.
#[utoipa::path(get, path = "/v1/subscriptions/{id}/upcoming-invoice", tag = "subscriptions", operation_id = "getUpcomingInvoice",
    responses((status = 200, body = UpcomingInvoiceResponse)))]
pub async fn upcoming_invoice(
    State(app): State<Arc<App>>,
    caller: Reader,
    PathText(id): PathText,
) -> Result<Json<UpcomingInvoiceResponse>, Problem> {
    let (tenant, id) = (caller.tenant(), path_id(&id)?);
    let mut tx = app.db.read().await?;
    let subscription = caller.reach(subscriptions::get(&mut tx, &tenant, id).await?)?;
    let (customer, currency) = (subscription.customer_no, subscription.currency);
    let waiting = invoices::waiting(&mut tx, &tenant, customer, currency).await?;
    let upcoming = flows::upcoming(&mut tx, &tenant, &subscription, waiting).await?;
    Ok(Json(StatusCode::OK, UpcomingInvoiceResponse { invoice: upcoming.map(Into::into) }))
}
