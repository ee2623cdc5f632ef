//! HTTP handlers of an environment's settings for sign-in by e-mail.

use super::settings::{self, LoginSettings};
use super::sql;
use crate::app::App;
use crate::auth::SecretKey;
use crate::base::Time;
use crate::db::{DbError, Lane, Tx};
use crate::http::wire::Request;
use crate::http::{Body, Code, Fields, Json, Problem};
use crate::keys::KeyScopes;
use crate::organizations::Tenant;
use crate::portal::PortalScopes;
use crate::portal::http::scopes_schema;
use crate::portal::http_fields::Seconds;
use axum::extract::State;
use http::StatusCode;
use std::sync::Arc;
use unitpay_request::response;

#[response]
#[schema(as = LoginSettings)]
pub struct LoginSettingsResponse {
    pub enabled: bool,
    /// The scopes of the sessions.
    #[schema(schema_with = scopes_schema)]
    pub scopes: PortalScopes,
    /// The life of a token.
    pub ttl_seconds: i64,
    /// The absolute end of a session.
    pub max_lifetime_seconds: i64,
    /// The sign-in page. Link to it from your site and your e-mails.
    pub url: String,
    pub updated_at: Option<Time>,
}

#[derive(Debug, Request)]
pub struct PutLoginSettingsRequest {
    /// Whether customers can sign in by e-mail. Default false.
    #[request(default = false)]
    enabled: bool,
    /// Only scopes that the key may grant. Default: every `:read` scope.
    scopes: Option<PortalScopes>,
    /// The life of a token. Default 3600.
    #[request(with = Seconds)]
    ttl_seconds: Option<i64>,
    /// The absolute end of a session, at least `ttlSeconds`. Default 86400.
    #[request(with = Seconds)]
    max_lifetime_seconds: Option<i64>,
}

/// Reads the settings of sign-in by e-mail.
#[utoipa::path(get, path = "/v1/login-settings", tag = "logins", operation_id = "getLoginSettings",
    responses((status = 200, body = LoginSettingsResponse)))]
pub async fn get(
    State(app): State<Arc<App>>,
    caller: SecretKey<{ KeyScopes::PORTAL_SESSIONS_READ }>,
) -> Result<Json<LoginSettingsResponse>, Problem> {
    let tenant = caller.tenant();
    let settings = sql::settings(&mut app.db.read().await?, &tenant).await?;
    Ok(Json(StatusCode::OK, response(&app, &tenant, settings)))
}

/// Replaces the settings of sign-in by e-mail: a field that is absent is reset. Sessions that exist
/// are as they were minted.
#[utoipa::path(put, path = "/v1/login-settings", tag = "logins", operation_id = "putLoginSettings",
    responses((status = 200, body = LoginSettingsResponse)))]
pub async fn put(
    State(app): State<Arc<App>>,
    caller: SecretKey<{ KeyScopes::PORTAL_SESSIONS_WRITE }>,
    mut body: Body<PutLoginSettingsRequest>,
) -> Result<Json<LoginSettingsResponse>, Problem> {
    check(&mut body.fields, &app);
    let (new, _) = body.read()?;
    let grantable = PortalScopes::grantable_by(caller.record().scopes);
    let portal = &app.config.portal;
    let ttl_seconds = new.ttl_seconds.unwrap_or_else(|| default_ttl(&app));
    let longest = portal.max_lifetime_seconds;
    let new = LoginSettings {
        enabled: new.enabled,
        scopes: new.scopes.unwrap_or_else(|| grantable.and(PortalScopes::READ_ONLY)),
        ttl_seconds,
        max_lifetime_seconds: new.max_lifetime_seconds.unwrap_or(longest),
        updated_at: None,
    };
    if new.scopes.is_empty() || !new.scopes.is_subset_of(grantable) {
        let detail = "This API key cannot grant scopes that it does not have.";
        return Err(Problem::new(Code::InsufficientScope, detail));
    }
    let (tenant, author) = (caller.tenant(), app.author(caller.actor()));
    let step = async move |tx: &mut Tx<'_, '_>| settings::put(tx, &tenant, &new, &author).await;
    let stored = app.db.write::<_, DbError, _>(Lane::Usual, step).await?;
    Ok(Json(StatusCode::OK, response(&app, &tenant, stored)))
}

fn default_ttl(app: &App) -> i64 {
    let portal = &app.config.portal;
    LoginSettings::default().ttl_seconds.clamp(portal.min_ttl_seconds, portal.max_lifetime_seconds)
}

/// Checks what depends on other fields and on the configuration, as a mint does.
fn check(fields: &mut Fields, app: &App) {
    let portal = &app.config.portal;
    let (least, longest) = (portal.min_ttl_seconds, portal.max_lifetime_seconds);
    let ttl = fields.check_integer("ttlSeconds", least..=longest);
    fields.check_integer("maxLifetimeSeconds", ttl.unwrap_or_else(|| default_ttl(app))..=longest);
}

fn response(app: &App, tenant: &Tenant, settings: LoginSettings) -> LoginSettingsResponse {
    LoginSettingsResponse {
        enabled: settings.enabled,
        scopes: settings.scopes,
        ttl_seconds: settings.ttl_seconds,
        max_lifetime_seconds: settings.max_lifetime_seconds,
        url: settings::page_url(&app.issuer, tenant),
        updated_at: settings.updated_at,
    }
}
