//! Portal sessions over HTTP, for the backend: mint, revoke, list, read, introspect.

use super::{
    Flow, MintError, NewSession, PageOptions, PortalScopes, PortalSession, RefreshError, Refusal,
    RevokedReason, SessionStatus, mint, minted_before, revoke_customer, revoke_session, sql,
    verify,
};
use crate::app::App;
use crate::auth::{RevokingKey, SecretKey};
use crate::base::{ApiKeyId, CustomerId, PortalSessionId, Secret, Time};
use crate::http::body::JsonOrFormBody;
use crate::http::page::{ListResponse, path_id, query};
use crate::http::{
    Code, Fields, IdempotencyKey, Json, JsonBody, PathText, Problem, REPLAYED, description,
};
use crate::idempotency::KeyReused;
use crate::keys::KeyScopes;
use crate::organizations::Tenant;
use crate::{branding, customers};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, Uri};
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;
use unitpay_token::Claims;
use utoipa::ToSchema;

#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
#[allow(dead_code)] // Describes what `create` reads.
pub struct CreatePortalSessionRequest {
    /// Our id, or the integrator's own.
    #[schema(min_length = 1, max_length = 128)]
    customer_id: String,
    /// Life of a token. Default 3600.
    #[schema(minimum = 60, maximum = 86400, nullable = false)]
    ttl_seconds: Option<i64>,
    /// Absolute end that refresh cannot pass, from `ttlSeconds` on. Default 86400.
    #[schema(minimum = 60, maximum = 86400, nullable = false)]
    max_lifetime_seconds: Option<i64>,
    /// At least one, within what the key may grant; default all of it.
    #[schema(schema_with = scopes_schema)]
    scopes: Option<Vec<String>>,
    /// Every `:read` scope and nothing else; excludes `scopes`.
    #[schema(nullable = false)]
    read_only: Option<bool>,
    /// At most 10 exact origins; default any.
    #[schema(max_items = 10, nullable = false)]
    allowed_origins: Option<Vec<String>>,
    /// Ends the customer's other sessions in the same write.
    #[schema(nullable = false)]
    invalidate_existing: Option<bool>,
    #[schema(nullable = false)]
    metadata: Option<BTreeMap<String, String>>,
    /// Where the hosted page leads back to; of one of the organization's `portalOrigins`.
    #[schema(max_length = 2000, nullable = false)]
    return_url: Option<String>,
    /// The portal's language, as `de` or `pt-BR`.
    #[schema(max_length = 35, nullable = false)]
    locale: Option<String>,
    /// What the portal begins with.
    #[schema(nullable = false)]
    flow: Option<Flow>,
}

pub fn scopes_schema() -> utoipa::openapi::schema::Array {
    description::names(PortalScopes::NAMES)
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CreatePortalSessionResponse {
    /// The token: hand it to the browser, keep it nowhere.
    #[schema(value_type = String)]
    pub token: Secret,
    /// Equals the token's `exp`.
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Time,
    #[schema(value_type = String, format = DateTime)]
    pub absolute_expires_at: Time,
    pub jti: String,
    #[schema(value_type = String)]
    pub customer_id: CustomerId,
    #[schema(schema_with = scopes_schema)]
    pub scopes: PortalScopes,
    /// Opens the hosted page, once, within 15 minutes.
    #[schema(value_type = String)]
    pub url: Secret,
}

#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
#[allow(dead_code)] // Describes what `revoke` reads.
pub struct RevokePortalSessionRequest {
    /// Any `jti` of a session, first or refreshed; excludes `customerId`.
    #[schema(nullable = false)]
    jti: Option<String>,
    /// Ends every session of this customer; excludes `jti`.
    #[schema(nullable = false)]
    customer_id: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PortalSession)]
pub struct PortalSessionResponse {
    #[schema(value_type = String)]
    pub id: PortalSessionId,
    #[schema(value_type = String)]
    pub customer_id: CustomerId,
    #[schema(value_type = PortalSessionStatus)]
    pub status: &'static str,
    #[schema(schema_with = scopes_schema)]
    pub scopes: PortalScopes,
    pub allowed_origins: Vec<String>,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Time,
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Time,
    #[schema(value_type = String, format = DateTime)]
    pub absolute_expires_at: Time,
    pub refresh_count: i64,
    #[schema(value_type = Option<String>, format = DateTime, required = true)]
    pub revoked_at: Option<Time>,
    #[schema(required = true)]
    pub revoked_reason: Option<String>,
    #[schema(value_type = String)]
    pub created_by_key_id: ApiKeyId,
    #[schema(value_type = BTreeMap<String, String>)]
    pub metadata: Value,
}

#[derive(Debug, ToSchema)]
#[schema(rename_all = "lowercase")]
#[allow(dead_code)] // Describes `PortalSessionResponse::status`.
pub enum PortalSessionStatus {
    Active,
    Expired,
    Revoked,
}

#[derive(Debug, ToSchema)]
#[schema(rename_all = "snake_case")]
#[allow(dead_code)] // Describes what `introspect` reads.
pub struct IntrospectRequest {
    token: String,
    /// Ignored (RFC 7662, section 2.1).
    #[schema(nullable = false)]
    token_type_hint: Option<String>,
}

/// RFC 7662, section 2.2: of a token that is not good nothing is told but that.
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
    #[schema(value_type = crate::keys::http::Env)]
    pub env: &'static str,
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
    security(("secretKey" = ["portal_sessions:write"])),
    params(("Idempotency-Key" = Option<String>, Header,)),
    request_body = CreatePortalSessionRequest,
    responses((status = 201, body = CreatePortalSessionResponse)))]
pub async fn create(
    State(app): State<Arc<App>>,
    caller: SecretKey<{ KeyScopes::PORTAL_SESSIONS_WRITE }>,
    idempotency: IdempotencyKey,
    JsonBody { mut fields, raw }: JsonBody,
) -> Result<Response, Problem> {
    let grantable = PortalScopes::grantable_by(caller.record().scopes);
    let new = fields.new_session(&app, caller.id(), grantable);
    fields.finish()?;
    if new.scopes.is_empty() || !new.scopes.is_subset_of(grantable) {
        let detail = "A key cannot grant what it may not do itself.";
        return Err(Problem::new(Code::InsufficientScope, detail));
    }
    // A node whose clock is wrong would promise an end that others do not keep.
    app.check_clock()?;
    let idempotency = idempotency.of(caller.id(), &raw, app.clock.now());
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

/// A page leads back to the organization's own origins alone: no link of ours leads elsewhere.
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
    Err(Problem::invalid_param("returnUrl", "must be of one of the organization's portalOrigins"))
}

impl Fields {
    fn page_options(&mut self) -> PageOptions {
        PageOptions {
            return_url: self.return_url(),
            locale: self.locale("locale"),
            flow: self.flow(),
        }
    }

    fn return_url(&mut self) -> Option<String> {
        let url = self.text("returnUrl", 1..=2000)?;
        let parsed = url.parse::<Uri>().ok();
        if !parsed.is_some_and(|url| matches!(url.scheme_str(), Some("https" | "http"))) {
            self.wrong("returnUrl", "must be an https:// or http:// URL");
        }
        Some(url)
    }

    fn flow(&mut self) -> Option<Flow> {
        const ID: std::ops::RangeInclusive<usize> = 1..=64;
        self.object("flow", |flow| {
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

    fn new_session(
        &mut self,
        app: &App,
        api_key_id: ApiKeyId,
        grantable: PortalScopes,
    ) -> NewSession {
        let portal = &app.config.portal;
        let longest = portal.max_lifetime_seconds;
        let ttl = self.integer("ttlSeconds", portal.min_ttl_seconds..=longest);
        let ttl_seconds = ttl.unwrap_or_else(|| 3_600.clamp(portal.min_ttl_seconds, longest));
        let lifetime = self.integer("maxLifetimeSeconds", ttl_seconds..=longest);
        let customer = self.customer("customerId");
        if customer.is_none() && !self.has_error("customerId") {
            self.wrong("customerId", "is required");
        }
        NewSession {
            customer: customer.unwrap_or(customers::CustomerRef::External(String::new())),
            api_key_id,
            ttl_seconds,
            max_lifetime_seconds: lifetime.unwrap_or(longest),
            scopes: self.session_scopes(grantable),
            allowed_origins: Value::from(self.origins("allowedOrigins").unwrap_or_default())
                .to_string(),
            invalidate_existing: self.boolean("invalidateExisting").unwrap_or(false),
            metadata: self.metadata("metadata").unwrap_or_else(|| "{}".to_owned()),
            page: self.page_options(),
        }
    }

    fn session_scopes(&mut self, grantable: PortalScopes) -> PortalScopes {
        let named = self.has("scopes");
        let read_only = self.boolean("readOnly").unwrap_or(false);
        if named && read_only {
            self.wrong("readOnly", "must not be used with scopes");
        }
        let Some(names) = self.texts("scopes", PortalScopes::NAMES.len()) else {
            return if read_only { grantable.and(PortalScopes::READ_ONLY) } else { grantable };
        };
        let scopes =
            names.iter().try_fold(PortalScopes::default(), |set, name| set.with_name(name));
        scopes.filter(|scopes| !scopes.is_empty()).unwrap_or_else(|| {
            self.wrong("scopes", format!("must be some of {}", PortalScopes::NAMES.join(", ")));
            grantable
        })
    }
}

/// Ends one session, by any of its `jti`, or all of a customer. Durable when it is answered.
#[utoipa::path(post, path = "/v1/portal-sessions/revoke", tag = "portalSessions", operation_id = "revokePortalSessions",
    security(("secretKey" = ["portal_sessions:write"])),
    request_body = RevokePortalSessionRequest,
    responses((status = 204)))]
pub async fn revoke(
    State(app): State<Arc<App>>,
    caller: RevokingKey,
    JsonBody { mut fields, .. }: JsonBody,
) -> Result<StatusCode, Problem> {
    let (tenant, actor, ids, now) =
        (caller.tenant(), caller.actor(), app.ids.clone(), app.clock.now());
    if fields.has("jti") == fields.has("customerId") {
        fields.wrong("jti", "exactly one of jti and customerId is required");
    }
    let sid = fields.text("jti", 1..=64).and_then(|jti| {
        let sid = unitpay_token::parse_token_id(&jti).and_then(|(sid, _)| sid.parse().ok());
        if sid.is_none() {
            fields.wrong("jti", "is not a jti; it begins with ps_ and is no token");
        }
        sid
    });
    let customer = fields.customer("customerId");
    fields.finish()?;
    let by = if customer.is_some() { "customer" } else { "jti" };
    if let Some(sid) = sid {
        revoke_session(&app.db, tenant, sid, RevokedReason::Revoked, actor, ids, now).await?;
    } else if let Some(customer) = customer
        && !revoke_customer(&app.db, tenant, customer, actor, ids, now).await?
    {
        return Err(Problem::customer_not_found());
    }
    metrics::counter!("unitpay_portal_sessions_revocations_total", "by" => by).increment(1);
    Ok(StatusCode::NO_CONTENT)
}

/// Lists sessions, newest first; never a token.
#[utoipa::path(get, path = "/v1/portal-sessions", tag = "portalSessions", operation_id = "listPortalSessions",
    security(("secretKey" = ["portal_sessions:read"])),
    params(("customerId" = Option<String>, Query,), ("status" = Option<PortalSessionStatus>, Query,),
        ("limit" = Option<i64>, Query, minimum = 1, maximum = 100), ("cursor" = Option<String>, Query,)),
    responses((status = 200, body = ListResponse<PortalSessionResponse>)))]
pub async fn list(
    State(app): State<Arc<App>>,
    caller: SecretKey<{ KeyScopes::PORTAL_SESSIONS_READ }>,
    uri: Uri,
) -> Result<Json<ListResponse<PortalSessionResponse>>, Problem> {
    let (tenant, now) = (caller.tenant(), app.clock.now());
    let mut fields = query(&uri)?;
    let customer = fields.customer("customerId");
    let status = fields.text("status", 1..=20).and_then(|text| {
        let status = SessionStatus::ALL.into_iter().find(|status| status.as_str() == text);
        if status.is_none() {
            fields.wrong("status", "must be active, expired or revoked");
        }
        status
    });
    let page = fields.page(&tenant, &format!("portal-sessions {customer:?} {status:?}"));
    fields.finish()?;
    let mut tx = app.db.read().await?;
    let customer = customers::http::resolve(&mut tx, &tenant, customer.as_ref()).await?;
    let no = customer.map(|customer| customer.no);
    let rows = sql::page(&mut tx, &tenant, no, status, &page, now).await?;
    drop(tx);
    let page = page.page(rows, |session| session.sid.to_string());
    Ok(Json(StatusCode::OK, page.map(|session| response(&session, now)).into()))
}

/// Reads one session; never a token.
#[utoipa::path(get, path = "/v1/portal-sessions/{sid}", tag = "portalSessions", operation_id = "getPortalSession",
    security(("secretKey" = ["portal_sessions:read"])),
    params(("sid" = String, Path,)),
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

fn response(session: &PortalSession, now: Time) -> PortalSessionResponse {
    let (revoked_at, revoked_reason) =
        session.revoked.clone().map(|end| (end.at, end.reason)).unzip();
    PortalSessionResponse {
        id: session.sid,
        customer_id: session.customer_id,
        status: session.status(now).as_str(),
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

/// Tells whether a token is good right now (RFC 7662).
#[utoipa::path(post, path = "/v1/portal-sessions/introspect", tag = "portalSessions", operation_id = "introspectPortalToken",
    security(("secretKey" = ["portal_sessions:read"])),
    request_body(content((IntrospectRequest = "application/json"), (IntrospectRequest = "application/x-www-form-urlencoded"))),
    responses((status = 200, body = IntrospectResponse)))]
pub async fn introspect(
    State(app): State<Arc<App>>,
    caller: SecretKey<{ KeyScopes::PORTAL_SESSIONS_READ }>,
    JsonOrFormBody(mut fields): JsonOrFormBody,
) -> Result<Json<IntrospectResponse>, Problem> {
    if !fields.has("token") {
        fields.wrong("token", "is required");
    }
    let token = fields.any_text("token").unwrap_or_default();
    fields.any_text("token_type_hint");
    fields.finish()?;
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
        env: claims.environment.as_str(),
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
                "The session of the repeated request no longer lives; use a new Idempotency-Key.",
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
