//! HTTP handlers of portal sessions for browsers: read, refresh, log out.

use super::{
    Flow, PageOptions, PortalScopes, PortalSession, Refreshed, RevokedReason, SessionStatus,
    refresh as next_token, revoke_session,
};
use crate::app::App;
use crate::auth::{INVOICE_LINK, Portal};
use crate::base::{CustomerId, InvoiceId, PortalSessionId, Secret, Time};
use crate::customers::http::CustomerResponse;
use crate::http::page::query;
use crate::http::{Json, NoBody, Problem};
use crate::portal::http_initial_data::{self, InitialData, Inner};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode, Uri};
use std::sync::Arc;
use unitpay_request::response;

#[response]
pub struct CurrentSessionResponse {
    pub session: CurrentSession,
    /// The session's customer; `null` without the scope `customer:read`.
    pub customer: Option<CustomerResponse>,
    #[schema(schema_with = super::http::scopes_schema)]
    pub scopes: PortalScopes,
    /// With `?include=initialData`: the portal's first data, as `{"<path>?<query>": response}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = BTreeMap<String, Value>, required = false)]
    pub initial_data: Option<InitialData>,
}

/// A session as its own browser sees it.
#[response]
pub struct CurrentSession {
    pub id: PortalSessionId,
    pub customer_id: CustomerId,
    pub status: SessionStatus,
    pub created_at: Time,
    /// The expiry of the session's current token.
    pub expires_at: Time,
    pub absolute_expires_at: Time,
    pub refresh_count: i64,
    /// The `locale` of the mint.
    pub locale: Option<String>,
    /// The one invoice that the session reads and pays, if it came by a link to it.
    pub invoice_id: Option<InvoiceId>,
    /// Where the hosted page sends the customer afterwards.
    pub return_url: Option<String>,
    /// The dialog that the hosted page opens first.
    pub flow: Option<Flow>,
}

impl From<Refreshed> for RefreshResponse {
    fn from(next: Refreshed) -> Self {
        Self {
            token: next.token,
            expires_at: next.expires_at,
            absolute_expires_at: next.absolute_expires_at,
            jti: next.token_id,
        }
    }
}

#[response]
pub struct RefreshResponse {
    pub token: Secret,
    pub expires_at: Time,
    pub absolute_expires_at: Time,
    pub jti: String,
}

/// Returns the token's session, customer and scopes.
#[utoipa::path(get, path = "/v1/portal-sessions/current", tag = "portalSessions", operation_id = "getCurrentPortalSession",
    params(("include" = Option<String>, Query, description = "`initialData`, or nothing.")),
    responses((status = 200, body = CurrentSessionResponse)))]
pub async fn current(
    State(app): State<Arc<App>>,
    caller: Portal<INVOICE_LINK>,
    inner: Inner,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    let mut initial_data = None;
    if uri.query().is_some() {
        let mut fields = query(&uri)?;
        match fields.text("include", 0..=20).as_deref() {
            None => {}
            Some("initialData") => {
                let session = caller.verified().session();
                let gathered = http_initial_data::gather(&app, &inner, session, caller.token());
                initial_data = Some(gathered.await);
            }
            Some(_) => fields.wrong("include", "must be initialData"),
        }
        fields.finish()?;
    }
    let verified = caller.verified();
    let session = verified.session();
    let readable = session.scopes.contains(PortalScopes::CUSTOMER_READ);
    let customer = readable.then(|| {
        let (customer, billing) = verified.customer();
        CustomerResponse::to_browser(customer, billing.clone())
    });
    let scopes = session.scopes;
    let session = view(session, app.clock.now());
    let body = CurrentSessionResponse { session, customer, scopes, initial_data };
    let is_long = body.initial_data.is_some();
    let body = Json(StatusCode::OK, body);
    Ok(if is_long { body.compressed_for(&headers) } else { body.into_response() })
}

fn view(session: &PortalSession, now: Time) -> CurrentSession {
    let page = PageOptions::from_json(session.page.as_deref());
    CurrentSession {
        id: session.sid,
        customer_id: session.customer_id,
        status: session.status(now),
        created_at: session.created_at,
        expires_at: session.current.expires_at,
        absolute_expires_at: session.absolute_expires_at,
        refresh_count: session.refresh_count,
        locale: page.locale,
        invoice_id: session.invoice_id,
        return_url: page.return_url,
        flow: page.flow,
    }
}

/// Returns the current or the next token, the same for every tab that calls.
#[utoipa::path(post, path = "/v1/portal-sessions/refresh", tag = "portalSessions", operation_id = "refreshPortalSession",
    responses((status = 200, body = RefreshResponse)))]
pub async fn refresh(
    State(app): State<Arc<App>>,
    caller: Portal<INVOICE_LINK>,
    _: NoBody,
) -> Result<Json<RefreshResponse>, Problem> {
    let next = next_token(&app, caller.verified(), caller.token()).await?;
    Ok(Json(StatusCode::OK, RefreshResponse::from(next)))
}

/// Logs out: ends the session immediately.
#[utoipa::path(delete, path = "/v1/portal-sessions/current", tag = "portalSessions", operation_id = "endCurrentPortalSession",
    responses((status = 204)))]
pub async fn end(
    State(app): State<Arc<App>>,
    caller: Portal<INVOICE_LINK>,
) -> Result<StatusCode, Problem> {
    let (tenant, sid, author) = (caller.tenant(), caller.sid(), app.author(caller.actor()));
    revoke_session(&app.db, tenant, sid, RevokedReason::SignedOut, author).await?;
    Ok(StatusCode::NO_CONTENT)
}
