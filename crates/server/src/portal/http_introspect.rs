//! HTTP handler of introspection (RFC 7662): whether a token is active.

use super::{Refusal, verify};
use crate::app::App;
use crate::auth::SecretKey;
use crate::http::body::FormBody;
use crate::http::leaves::AnyText;
use crate::http::wire::Request;
use crate::http::{Json, Problem, description};
use crate::keys::KeyScopes;
use crate::keys::http::Env;
use axum::extract::State;
use http::StatusCode;
use serde::Serialize;
use std::sync::Arc;
use unitpay_token::Claims;
use utoipa::ToSchema;

#[derive(Debug, Request)]
pub struct IntrospectRequest {
    #[request(with = AnyText)]
    token: String,
    /// Ignored (RFC 7662, section 2.1).
    #[request(with = AnyText, name = "token_type_hint")]
    _token_type_hint: Option<String>,
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
        // The token of a link to an invoice is for this server only.
        Ok(verified) => Some(verified).filter(|found| {
            let session = found.session();
            session.tenant == caller.tenant() && session.invoice_id.is_none()
        }),
        Err(refusal @ (Refusal::Db(_) | Refusal::Signing(_) | Refusal::TooManyForgeries(_))) => {
            return Err(refusal.into());
        }
        Err(
            Refusal::Invalid
            | Refusal::Expired
            | Refusal::CustomerArchived
            | Refusal::Revoked
            | Refusal::InvoiceClosed(_)
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
