//! An environment's own settings for its e-mail.

use super::{EmailKind, sql};
use crate::audit::{self, Action, Author};
use crate::base::Time;
use crate::db::{DbError, FromRow, ToRow, Tx};
use crate::organizations::Tenant;
use serde_json::json;
use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

/// An environment without stored settings has the default: every kind is sent, from the server's
/// sender.
#[derive(Clone, Debug, Default, PartialEq, Eq, FromRow, ToRow)]
pub struct EmailSettings {
    /// Overrides the server's sender, if the server still allows its domain.
    pub sender: Option<String>,
    /// Overrides the branding's support address.
    pub reply_to: Option<String>,
    /// Without an address, nobody gets e-mail to the organization.
    pub alerts_to: Option<String>,
    pub disabled_kinds: Kinds,
    pub updated_at: Option<Time>,
}

/// Kinds of e-mail, each once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kinds(pub Vec<EmailKind>);

/// Replaces the settings of an environment. A no-op if nothing differs.
pub async fn put(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    new: &EmailSettings,
    author: &Author,
) -> Result<EmailSettings, DbError> {
    let old = sql::settings(tx, tenant).await?;
    if (EmailSettings { updated_at: old.updated_at, ..new.clone() }) == old {
        return Ok(old);
    }
    let settings = EmailSettings { updated_at: Some(author.now), ..new.clone() };
    sql::put_settings(tx, tenant, &settings).await?;
    let organization = tenant.organization_id;
    let detail = json!({ "disabledKinds": settings.disabled_kinds.0 });
    let event = author.event(Action::EmailSettingsUpdated, organization, None, detail);
    audit::record(tx, tenant.no, &event).await?;
    Ok(settings)
}

/// The names, separated by spaces.
impl fmt::Display for Kinds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.0.iter().map(|kind| kind.as_str()).collect();
        f.write_str(&names.join(" "))
    }
}

/// Reads stored names. A kind that this version does not know is skipped.
impl FromStr for Kinds {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        let known = |name: &str| EmailKind::ALL.into_iter().find(|kind| kind.as_str() == name);
        Ok(Self(text.split_ascii_whitespace().filter_map(known).collect()))
    }
}
