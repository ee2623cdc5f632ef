//! An environment's own settings for sign-in by e-mail.

use super::sql;
use crate::audit::{self, Action, Author};
use crate::base::Time;
use crate::db::{DbError, FromRow, ToRow, Tx};
use crate::organizations::{Environment, Tenant};
use crate::portal::PortalScopes;
use serde_json::json;

/// An environment without stored settings has the default: nobody signs in by e-mail.
#[derive(Clone, Debug, PartialEq, Eq, FromRow, ToRow)]
pub struct LoginSettings {
    pub enabled: bool,
    /// The scopes of the sessions.
    pub scopes: PortalScopes,
    pub ttl_seconds: i64,
    pub max_lifetime_seconds: i64,
    pub updated_at: Option<Time>,
}

impl Default for LoginSettings {
    fn default() -> Self {
        Self {
            enabled: false,
            scopes: PortalScopes::READ_ONLY,
            ttl_seconds: 3_600,
            max_lifetime_seconds: 86_400,
            updated_at: None,
        }
    }
}

/// An environment's sign-in page.
#[derive(Clone, Debug, FromRow)]
pub struct LoginPage {
    #[record(join)]
    pub tenant: Tenant,
    #[record(join, default)]
    pub settings: LoginSettings,
    #[record(computed)]
    pub suspended: bool,
    /// Whether the tenant records events of minted sessions.
    #[record(computed)]
    pub session_events: bool,
}

impl LoginPage {
    /// Finds the page of an organization, which is named by its id or its name.
    pub async fn find(
        tx: &mut Tx<'_, '_>,
        organization: &str,
        environment: Environment,
    ) -> Result<Option<Self>, DbError> {
        sql::page(tx, organization, environment).await
    }
}

/// Returns the address of an environment's sign-in page.
pub fn page_url(issuer: &str, tenant: &Tenant) -> String {
    let environment = match tenant.environment {
        Environment::Live => "",
        Environment::Sandbox => "?environment=sandbox",
    };
    format!("{issuer}/portal/login/{}{environment}", tenant.organization_id)
}

/// Replaces the settings of an environment. A no-op if nothing differs.
pub async fn put(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    new: &LoginSettings,
    author: &Author,
) -> Result<LoginSettings, DbError> {
    let old = sql::settings(tx, tenant).await?;
    if (LoginSettings { updated_at: old.updated_at, ..new.clone() }) == old {
        return Ok(old);
    }
    let settings = LoginSettings { updated_at: Some(author.now), ..new.clone() };
    sql::put_settings(tx, tenant, &settings).await?;
    let detail = json!({
        "enabled": settings.enabled,
        "scopes": settings.scopes,
        "ttlSeconds": settings.ttl_seconds,
        "maxLifetimeSeconds": settings.max_lifetime_seconds,
    });
    let organization = tenant.organization_id;
    let event = author.event(Action::LoginSettingsUpdated, organization, None, detail);
    audit::record(tx, tenant.no, &event).await?;
    Ok(settings)
}
