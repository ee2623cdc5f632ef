//! HTTP handlers of portal sessions for backends: mint, revoke, list, read, introspect.

use super::{
    Flow, MintError, NewSession, PageOptions, PortalScopes, PortalSession, RefreshError, Refusal,
    RevokedReason, SessionStatus, mint, minted_before, revoke_customer, revoke_session, sql,
    verify,
};
use crate::app::App;
use crate::auth::{RevokingKey, SecretKey};
use crate::base::{ApiKeyId, CustomerId, PortalSessionId, Secret, Time};
use crate::branding;
use crate::customers::CustomerRef;
use crate::http::body::FormBody;
use crate::http::leaves::{
    AnyText, Integer, Locale, Metadata, Origins, objects, scope_set, string,
};
use crate::http::page::{ListQuery, ListResponse, path_id};
use crate::http::wire::{Components, Field, Request, named, named_component};
use crate::http::{
    Body, Code, Fields, IdempotencyKey, Json, PathText, Problem, REPLAYED, description,
};
use crate::idempotency::KeyReused;
use crate::keys::KeyScopes;
use crate::keys::http::Env;
use crate::organizations::Tenant;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, Uri};
use serde::Serialize;
use serde_json::Value;
use std::sync::Arc;
use unitpay_request::response;
use unitpay_token::Claims;
use utoipa::ToSchema;
use utoipa::openapi::{RefOr, Schema};

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

#[derive(Debug, Request)]
pub struct IntrospectRequest {
    #[request(with = AnyText)]
    token: String,
    /// Ignored (RFC 7662, section 2.1).
    #[request(with = AnyText, name = "token_type_hint")]
    _token_type_hint: Option<String>,
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
    pub created_by_key_id: ApiKeyId,
    pub metadata: Value,
}

/// RFC 7662, section 2.2: the response for an inactive token contains nothing else.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub enum IntrospectResponse {
    Active(Box<ActiveToken>),
    Inactive(InactiveToken),
}

#[derive(Debug, Serialize, ToSchema)]
pub struct ActiveToken {
    #[schema(schema_with = always_true)]
    pub active: bool,
    pub scope: String,
    /// `Bearer`
    pub token_type: &'static str,
    pub iss: String,
    pub aud: &'static str,
    pub sub: String,
    pub sid: String,
    pub jti: String,
    pub org: String,
    pub env: Env,
    pub iat: i64,
    pub exp: i64,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct InactiveToken {
    #[schema(schema_with = always_false)]
    pub active: bool,
}

fn always_true() -> utoipa::openapi::schema::Object {
    description::always(true)
}

fn always_false() -> utoipa::openapi::schema::Object {
    description::always(false)
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
            customer: self.customer_id,
            api_key_id,
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
        if fields.has("jti") == fields.has("customerId") {
            fields.wrong("jti", "exactly one of jti and customerId is required");
        }
    }
}

/// A number of seconds; the configuration may narrow the bounds.
pub struct Seconds;

impl Field for Seconds {
    type Value = i64;

    fn read(fields: &mut Fields, name: &str) -> Option<i64> {
        fields.integer(name, 1..=86_400)
    }

    fn schema() -> RefOr<Schema> {
        Integer::<60, 86_400>::schema()
    }
}

/// A session, by any of its `jti`.
pub struct Jti;

impl Field for Jti {
    type Value = PortalSessionId;

    fn read(fields: &mut Fields, name: &str) -> Option<PortalSessionId> {
        let jti = fields.text(name, 1..=64)?;
        let sid = unitpay_token::parse_token_id(&jti).and_then(|(sid, _)| sid.parse().ok());
        if sid.is_none() {
            fields.wrong(name, "is not a jti, which begins with ps_; a token is no jti");
        }
        sid
    }

    fn schema() -> RefOr<Schema> {
        string().into()
    }
}

pub struct ReturnUrl;

impl Field for ReturnUrl {
    type Value = String;

    fn read(fields: &mut Fields, name: &str) -> Option<String> {
        let url = fields.text(name, 1..=2_000)?;
        let parsed = url.parse::<Uri>().ok();
        if !parsed.is_some_and(|url| matches!(url.scheme_str(), Some("https" | "http"))) {
            fields.wrong(name, "must be an https:// or http:// URL");
        }
        Some(url)
    }

    fn schema() -> RefOr<Schema> {
        string().max_length(Some(2_000)).into()
    }
}

scope_set!(PortalScopes);

objects! {
    Flow: |fields, name| fields.flow(name)
}

impl Fields {
    fn flow(&mut self, name: &str) -> Option<Flow> {
        const ID: std::ops::RangeInclusive<usize> = 1..=64;
        self.object(name, |flow| {
            flow.required(&["type"]);
            let kind = flow.word("type", Flow::TYPES, |name| name)?;
            let required = |flow: &mut Self, name| {
                flow.required(&[name]);
                flow.text(name, ID)
            };
            Some(match kind {
                "cancel" => Flow::Cancel { subscription_id: required(flow, "subscriptionId")? },
                "pay_invoice" => Flow::PayInvoice { invoice_id: required(flow, "invoiceId")? },
                "top_up" => Flow::TopUp { credit_currency_id: required(flow, "creditCurrencyId")? },
                "add_payment_method" => Flow::AddPaymentMethod,
                "billing_details" => Flow::BillingDetails,
                _ => Flow::ChangePlan {
                    subscription_id: flow.text("subscriptionId", ID),
                    plan_id: flow.text("planId", ID),
                },
            })
        })
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
        created_by_key_id: session.api_key_id,
        metadata: serde_json::from_str(&session.metadata).unwrap_or_default(),
    }
}

/// Returns whether a token is active (RFC 7662).
#[utoipa::path(post, path = "/v1/portal-sessions/introspect", tag = "portalSessions", operation_id = "introspectPortalToken",
    responses((status = 200, body = IntrospectResponse)))]
pub async fn introspect(
    State(app): State<Arc<App>>,
    caller: SecretKey<{ KeyScopes::PORTAL_SESSIONS_READ }>,
    body: FormBody<IntrospectRequest>,
) -> Result<Json<IntrospectResponse>, Problem> {
    let token = body.read()?.token;
    app.check_clock()?;
    let verified = match verify(&app, &token, None).await {
        Ok(verified) => Some(verified).filter(|found| found.session().tenant == caller.tenant()),
        Err(refusal @ (Refusal::Db(_) | Refusal::Signing(_) | Refusal::TooManyForgeries(_))) => {
            return Err(refusal.into());
        }
        Err(
            Refusal::Invalid
            | Refusal::Expired
            | Refusal::CustomerArchived
            | Refusal::Revoked
            | Refusal::OrganizationSuspended,
        ) => None,
    };
    let body = match verified {
        Some(verified) => {
            IntrospectResponse::Active(Box::new(active(verified.presented_claims(&app.issuer))))
        }
        None => IntrospectResponse::Inactive(InactiveToken { active: false }),
    };
    Ok(Json(StatusCode::OK, body))
}

fn active(claims: Claims) -> ActiveToken {
    ActiveToken {
        active: true,
        scope: claims.scope,
        token_type: "Bearer",
        iss: claims.issuer,
        aud: unitpay_token::AUDIENCE,
        sub: claims.subject,
        sid: claims.session_id,
        jti: claims.token_id,
        org: claims.organization_id,
        env: claims.environment.into(),
        iat: claims.issued_at,
        exp: claims.expires_at,
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
            Refusal::OrganizationSuspended => {
                Self::new(Code::OrganizationSuspended, "The organization is suspended.")
            }
            Refusal::TooManyForgeries(limit) => Self::rate_limited(limit),
            Refusal::Db(error) => error.into(),
            Refusal::Signing(error) => error.into(),
        }
    }
}
