//! HTTP handlers of portal sessions for backends: mint, revoke, list, read.

use super::http_fields::{Jti, ReturnUrl, Seconds};
use super::{
    Flow, MintError, NewSession, PageOptions, PortalScopes, PortalSession, RefreshError, Refusal,
    RevokedReason, SessionOrigin, SessionStatus, mint, minted_before, revoke_customer,
    revoke_session, sql,
};
use crate::app::App;
use crate::auth::{RevokingKey, SecretKey};
use crate::base::{ApiKeyId, CustomerId, InvoiceId, PortalSessionId, Secret, Time};
use crate::branding;
use crate::customers::CustomerRef;
use crate::http::leaves::{Locale, Metadata, Origins};
use crate::http::page::{ListQuery, ListResponse, path_id};
use crate::http::wire::Request;
use crate::http::{
    Body, Code, Fields, IdempotencyKey, Json, PathText, Problem, REPLAYED, description,
};
use crate::idempotency::KeyReused;
use crate::keys::KeyScopes;
use crate::organizations::Tenant;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::Value;
use std::sync::Arc;
use unitpay_request::response;

#[derive(Debug, Request)]
pub struct CreatePortalSessionRequest {
    /// A UnitPay id, or the integrator's own.
    customer_id: CustomerRef,
    /// The life of a token. Default 3600.
    #[request(with = Seconds)]
    ttl_seconds: Option<i64>,
    /// The absolute end, which refresh cannot pass; at least `ttlSeconds`. Default 86400.
    #[request(with = Seconds)]
    max_lifetime_seconds: Option<i64>,
    /// At least one, and only scopes that the key may grant. Default: all of those.
    scopes: Option<PortalScopes>,
    /// Every `:read` scope and no other; excludes `scopes`.
    #[request(default = false)]
    read_only: bool,
    /// At most 10 exact origins. Default: any origin.
    #[request(with = Origins, default = Vec::new())]
    allowed_origins: Vec<String>,
    /// Ends the customer's other sessions in the same transaction.
    #[request(default = false)]
    invalidate_existing: bool,
    #[request(with = Metadata, default = "{}".to_owned())]
    metadata: String,
    /// Where the hosted page leads back to. Its origin must be one of the organization's
    /// `portalOrigins`.
    #[request(with = ReturnUrl)]
    return_url: Option<String>,
    /// The portal's language, such as `de` or `pt-BR`.
    #[request(with = Locale)]
    locale: Option<String>,
    /// The first page of the portal.
    flow: Option<Flow>,
}

#[derive(Debug, Request)]
#[request(before = Self::check)]
pub struct RevokePortalSessionRequest {
    /// Any `jti` of a session, of its first token or of a refreshed one; excludes `customerId`.
    #[request(with = Jti)]
    jti: Option<PortalSessionId>,
    /// Ends every session of this customer. Cannot be combined with `jti`.
    customer_id: Option<CustomerRef>,
}

#[derive(Debug, Request)]
pub struct PortalSessionFilter {
    customer_id: Option<CustomerRef>,
    status: Option<SessionStatus>,
}

pub fn scopes_schema() -> utoipa::openapi::schema::Array {
    description::names(PortalScopes::NAMES)
}

#[response]
pub struct CreatePortalSessionResponse {
    /// The token. Send it to the browser and do not store it.
    pub token: Secret,
    /// Equals the token's `exp`.
    pub expires_at: Time,
    pub absolute_expires_at: Time,
    pub jti: String,
    pub customer_id: CustomerId,
    #[schema(schema_with = scopes_schema)]
    pub scopes: PortalScopes,
    /// Opens the hosted page once, within 15 minutes.
    pub url: Secret,
}

#[response]
#[schema(as = PortalSession)]
pub struct PortalSessionResponse {
    pub id: PortalSessionId,
    pub customer_id: CustomerId,
    pub status: SessionStatus,
    #[schema(schema_with = scopes_schema)]
    pub scopes: PortalScopes,
    pub allowed_origins: Vec<String>,
    pub created_at: Time,
    pub expires_at: Time,
    pub absolute_expires_at: Time,
    pub refresh_count: i64,
    pub revoked_at: Option<Time>,
    pub revoked_reason: Option<String>,
    /// `email`: the customer signed in by e-mail. `invoice_link`: the customer followed a link to an
    /// invoice.
    pub origin: SessionOrigin,
    /// The one invoice that the session reads and pays, if it came by a link to it. It has no scopes then.
    pub invoice_id: Option<InvoiceId>,
    /// The key that minted it; `null` without one.
    pub created_by_key_id: Option<ApiKeyId>,
    pub metadata: Value,
}

/// Mints a portal session: a token scoped to one customer.
#[utoipa::path(post, path = "/v1/portal-sessions", tag = "portalSessions", operation_id = "createPortalSession",
    responses((status = 201, body = CreatePortalSessionResponse)))]
pub async fn create(
    State(app): State<Arc<App>>,
    caller: SecretKey<{ KeyScopes::PORTAL_SESSIONS_WRITE }>,
    idempotency: IdempotencyKey,
    mut body: Body<CreatePortalSessionRequest>,
) -> Result<Response, Problem> {
    let grantable = PortalScopes::grantable_by(caller.record().scopes);
    CreatePortalSessionRequest::check(&mut body.fields, &app);
    let (request, raw) = body.read()?;
    let mut new = request.into_session(&app, caller.id(), grantable);
    new.record_event = caller.record().session_events;
    if new.scopes.is_empty() || !new.scopes.is_subset_of(grantable) {
        let detail = "This API key cannot grant scopes that it does not have.";
        return Err(Problem::new(Code::InsufficientScope, detail));
    }
    // A node with a wrong clock would promise an expiry that other nodes do not keep.
    app.check_clock()?;
    let idempotency = idempotency.bind(caller.id(), &raw, app.clock.now());
    let minted = match minted_before(&app, caller.tenant(), idempotency.as_ref()).await? {
        Some(minted) => minted,
        None => {
            check_return_url(&app, &caller.tenant(), &new.page).await?;
            mint(&app, caller.tenant(), new, idempotency).await?
        }
    };
    let body = CreatePortalSessionResponse {
        token: minted.token,
        expires_at: minted.expires_at,
        absolute_expires_at: minted.absolute_expires_at,
        jti: minted.sid.to_string(),
        customer_id: minted.customer_id,
        scopes: minted.scopes,
        url: app.codes.url(&app.issuer, minted.sid),
    };
    metrics::counter!("unitpay_portal_sessions_minted_total").increment(1);
    let answer = Json(StatusCode::CREATED, body);
    Ok(if minted.replayed { (REPLAYED, answer).into_response() } else { answer.into_response() })
}

/// The page links only to the organization's own origins.
async fn check_return_url(app: &App, tenant: &Tenant, page: &PageOptions) -> Result<(), Problem> {
    let Some(url) = &page.return_url else { return Ok(()) };
    let branding = branding::get(&mut app.db.read().await?, tenant).await?;
    let known = |origin: &String| {
        url.strip_prefix(origin.as_str())
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?', '#']))
    };
    if branding.portal_origins.iter().any(known) {
        return Ok(());
    }
    Err(Problem::invalid_param(
        "returnUrl",
        "must have one of the organization's portalOrigins as its origin",
    ))
}

impl CreatePortalSessionRequest {
    /// Checks what depends on other fields and on the configuration.
    fn check(fields: &mut Fields, app: &App) {
        let portal = &app.config.portal;
        let (least, longest) = (portal.min_ttl_seconds, portal.max_lifetime_seconds);
        let ttl = fields.check_integer("ttlSeconds", least..=longest);
        let ttl = ttl.unwrap_or_else(|| default_ttl(app));
        fields.check_integer("maxLifetimeSeconds", ttl..=longest);
        if fields.has("scopes") && fields.is_true("readOnly") {
            fields.wrong("readOnly", "must not be used with scopes");
        }
    }

    fn into_session(self, app: &App, api_key_id: ApiKeyId, grantable: PortalScopes) -> NewSession {
        let default_scopes = match self.read_only {
            true => grantable.and(PortalScopes::READ_ONLY),
            false => grantable,
        };
        NewSession {
            sid: None,
            customer: self.customer_id,
            generation: None,
            api_key_id: Some(api_key_id),
            origin: SessionOrigin::ApiKey,
            invoice_id: None,
            ttl_seconds: self.ttl_seconds.unwrap_or_else(|| default_ttl(app)),
            max_lifetime_seconds: self
                .max_lifetime_seconds
                .unwrap_or(app.config.portal.max_lifetime_seconds),
            scopes: self.scopes.unwrap_or(default_scopes),
            allowed_origins: Value::from(self.allowed_origins).to_string(),
            invalidate_existing: self.invalidate_existing,
            record_event: false,
            metadata: self.metadata,
            page: PageOptions { return_url: self.return_url, locale: self.locale, flow: self.flow },
        }
    }
}

fn default_ttl(app: &App) -> i64 {
    let portal = &app.config.portal;
    3_600.clamp(portal.min_ttl_seconds, portal.max_lifetime_seconds)
}

impl RevokePortalSessionRequest {
    fn check(fields: &mut Fields) {
        fields.exactly_one("jti", "customerId");
    }
}

/// Ends one session, by any `jti` of it, or all sessions of a customer. Durable when answered.
#[utoipa::path(post, path = "/v1/portal-sessions/revoke", tag = "portalSessions", operation_id = "revokePortalSessions",
    responses((status = 204)))]
pub async fn revoke(
    State(app): State<Arc<App>>,
    caller: RevokingKey,
    body: Body<RevokePortalSessionRequest>,
) -> Result<StatusCode, Problem> {
    let (tenant, author) = (caller.tenant(), app.author(caller.actor()));
    let (request, _) = body.read()?;
    let (sid, customer) = (request.jti, request.customer_id);
    let by = if customer.is_some() { "customer" } else { "jti" };
    if let Some(sid) = sid {
        revoke_session(&app.db, tenant, sid, RevokedReason::Revoked, author).await?;
    } else if let Some(customer) = customer
        && !revoke_customer(&app.db, tenant, customer, author).await?
    {
        return Err(Problem::customer_not_found());
    }
    metrics::counter!("unitpay_portal_sessions_revocations_total", "by" => by).increment(1);
    Ok(StatusCode::NO_CONTENT)
}

/// Lists sessions, newest first, without tokens.
#[utoipa::path(get, path = "/v1/portal-sessions", tag = "portalSessions", operation_id = "listPortalSessions",
    responses((status = 200, body = ListResponse<PortalSessionResponse>)))]
pub async fn list(
    State(app): State<Arc<App>>,
    caller: SecretKey<{ KeyScopes::PORTAL_SESSIONS_READ }>,
    query: ListQuery<PortalSessionFilter>,
) -> Result<Json<ListResponse<PortalSessionResponse>>, Problem> {
    let (tenant, now) = (caller.tenant(), app.clock.now());
    let (PortalSessionFilter { customer_id: customer, status }, page) =
        query.read(&tenant, "portal-sessions")?;
    let mut tx = app.db.read().await?;
    let customer = caller.reach_customers(&mut tx, customer.as_ref()).await?;
    let customer_no = customer.map(|customer| customer.no);
    let filter = sql::SessionFilter { customer_no, status, now };
    let rows = sql::page(&mut tx, &tenant, &filter, &page).await?;
    drop(tx);
    let page = page.page(rows, |session| session.sid.to_string());
    Ok(Json(StatusCode::OK, page.map(|session| response(&session, now)).into()))
}

/// Returns a session, without its token.
#[utoipa::path(get, path = "/v1/portal-sessions/{sid}", tag = "portalSessions", operation_id = "getPortalSession",
    responses((status = 200, body = PortalSessionResponse)))]
pub async fn get(
    State(app): State<Arc<App>>,
    caller: SecretKey<{ KeyScopes::PORTAL_SESSIONS_READ }>,
    PathText(sid): PathText,
) -> Result<Json<PortalSessionResponse>, Problem> {
    let tenant = caller.tenant();
    let sid: PortalSessionId = path_id(&sid)?;
    let found = sql::get(&mut app.db.read().await?, &tenant, sid).await?;
    let session = found.ok_or_else(Problem::not_found)?;
    Ok(Json(StatusCode::OK, response(&session, app.clock.now())))
}

pub fn response(session: &PortalSession, now: Time) -> PortalSessionResponse {
    let (revoked_at, revoked_reason) =
        session.revoked.clone().map(|end| (end.at, end.reason)).unzip();
    PortalSessionResponse {
        id: session.sid,
        customer_id: session.customer_id,
        status: session.status(now),
        scopes: session.scopes,
        allowed_origins: session.allowed_origins(),
        created_at: session.created_at,
        expires_at: session.current.expires_at,
        absolute_expires_at: session.absolute_expires_at,
        refresh_count: session.refresh_count,
        revoked_at,
        revoked_reason,
        origin: session.origin,
        invoice_id: session.invoice_id,
        created_by_key_id: session.api_key_id,
        metadata: serde_json::from_str(&session.metadata).unwrap_or_default(),
    }
}

impl From<MintError> for Problem {
    fn from(error: MintError) -> Self {
        match error {
            MintError::Db(error) => error.into(),
            MintError::Signing(error) => error.into(),
            MintError::CustomerNotFound => Self::customer_not_found(),
            MintError::CustomerArchived => Self::customer_archived(),
            MintError::KeyReused => KeyReused.into(),
            MintError::StaleKey => Self::internal("a mint kept a signing key that is not active"),
            MintError::SessionEnded => Self::new(
                Code::Conflict,
                "The session of the replayed request has ended; use a new Idempotency-Key.",
            ),
        }
    }
}

impl From<RefreshError> for Problem {
    fn from(error: RefreshError) -> Self {
        match error {
            RefreshError::Db(error) => error.into(),
            RefreshError::Signing(error) => error.into(),
            RefreshError::Ended(refusal) => refusal.into(),
        }
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Invalid => Self::new(Code::InvalidToken, "The token is not valid."),
            Refusal::Expired => Self::new(Code::TokenExpired, "The token has expired."),
            Refusal::CustomerArchived => {
                Self::new(Code::TokenOfArchivedCustomer, "The customer is archived.")
            }
            Refusal::Revoked => Self::new(Code::SessionRevoked, "The session was revoked."),
            Refusal::InvoiceClosed(status) => {
                Self::new(Code::SessionRevoked, "The invoice of the session is not owed any more.")
                    .with("invoiceStatus", status.as_str())
            }
            Refusal::OrganizationSuspended => {
                Self::new(Code::OrganizationSuspended, "The organization is suspended.")
            }
            Refusal::TooManyForgeries(limit) => Self::rate_limited(limit),
            Refusal::Db(error) => error.into(),
            Refusal::Signing(error) => error.into(),
        }
    }
}
