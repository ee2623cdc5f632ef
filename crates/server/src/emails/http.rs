//! HTTP handlers of e-mails.

use super::{Email, EmailKind, EmailStatus, sql};
use crate::app::App;
use crate::auth::SecretKey;
use crate::base::{CustomerId, EmailId, Time};
use crate::customers::CustomerRef;
use crate::db::Tx;
use crate::http::page::{ListQuery, ListResponse, path_id};
use crate::http::wire::Request;
use crate::http::{Code, IdempotencyKey, Json, NoBody, PathText, Problem};
use crate::idempotency::Outcome;
use crate::keys::KeyScopes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use std::sync::Arc;
use unitpay_request::response;

#[response]
#[schema(as = Email)]
pub struct EmailResponse {
    pub id: EmailId,
    /// `null`: it is to the organization.
    pub customer_id: Option<CustomerId>,
    pub kind: EmailKind,
    /// The invoice, payment attempt, subscription, payment method, wallet, login, portal session or
    /// webhook endpoint that it is about.
    pub object_id: String,
    /// `sent`: the SMTP server accepted it. `failed`: it was refused for good, or every attempt
    /// failed. `paused`: not sent, because the SMTP server refused the address before.
    pub status: EmailStatus,
    /// The address of the last attempt.
    pub to: Option<String>,
    /// At most seven.
    pub attempts: i64,
    pub next_attempt_at: Option<Time>,
    /// Why the last attempt failed: the status of SMTP, or a word such as `timed_out`.
    pub error: Option<String>,
    pub sent_at: Option<Time>,
    pub created_at: Time,
}

#[derive(Debug, Request)]
pub struct EmailFilter {
    customer_id: Option<CustomerRef>,
}

impl From<Email> for EmailResponse {
    fn from(email: Email) -> Self {
        Self {
            id: email.id,
            customer_id: email.customer_id,
            kind: email.kind,
            object_id: email.object_id,
            status: email.status,
            to: email.recipient,
            attempts: email.attempts,
            next_attempt_at: email.next_at,
            error: email.error,
            sent_at: email.sent_at,
            created_at: email.created_at,
        }
    }
}

/// Lists e-mails, newest first.
#[utoipa::path(get, path = "/v1/emails", tag = "emails", operation_id = "listEmails",
    responses((status = 200, body = ListResponse<EmailResponse>)))]
pub async fn list(
    State(app): State<Arc<App>>,
    caller: SecretKey<{ KeyScopes::EMAILS_READ }>,
    query: ListQuery<EmailFilter>,
) -> Result<Json<ListResponse<EmailResponse>>, Problem> {
    let tenant = caller.tenant();
    let (filter, page) = query.read(&tenant, "emails")?;
    let mut tx = app.db.read().await?;
    let customer = caller.reach_customers(&mut tx, filter.customer_id.as_ref()).await?;
    let customer = customer.map(|customer| customer.id);
    let emails = sql::page(&mut tx, &tenant, customer, &page).await?;
    let page = page.page(emails, |email| email.id.to_string());
    Ok(Json(StatusCode::OK, page.map(EmailResponse::from).into()))
}

/// Sends an e-mail again, as a new e-mail to the recipient's present address. A paused address is
/// tried again.
#[utoipa::path(post, path = "/v1/emails/{id}/resend", tag = "emails", operation_id = "resendEmail",
    responses((status = 201, body = EmailResponse)))]
pub async fn resend(
    State(app): State<Arc<App>>,
    caller: SecretKey<{ KeyScopes::EMAILS_WRITE }>,
    PathText(id): PathText,
    idempotency: IdempotencyKey,
    _: NoBody,
) -> Result<Response, Problem> {
    let (tenant, id) = (caller.tenant(), path_id::<EmailId>(&id)?);
    let found = sql::get(&mut app.db.read().await?, &tenant, id).await?;
    let email = found.ok_or_else(Problem::not_found)?;
    if !super::is_on(&app, &tenant) {
        let detail = "E-mail is not configured for this environment.";
        return Err(Problem::new(Code::Conflict, detail));
    }
    if matches!(email.kind, EmailKind::LoginCode | EmailKind::PortalLink | EmailKind::InvoiceLink) {
        let detail = "Only the customer can ask for a code or a link again.";
        return Err(Problem::new(Code::Conflict, detail));
    }
    let author = app.author(caller.actor());
    let idempotency = idempotency.bind(caller.id(), b"", author.now);
    let step = async move |tx: &mut Tx<'_, '_>| {
        let again = super::resend(tx, &tenant, &email, &author).await?;
        let again = sql::get(tx, &tenant, again).await?.ok_or_else(Problem::not_found)?;
        serde_json::to_value(EmailResponse::from(again)).map_err(Problem::internal)
    };
    let written = app.once(idempotency, step).await?;
    Ok(Outcome::from(written).into_response())
}
