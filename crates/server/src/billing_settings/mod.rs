//! An environment's own settings of billing.

pub mod http;
mod sql;

pub use sql::get;

use crate::audit::{self, Action, Author};
use crate::base::{AfterLostDispute, Time};
use crate::db::{DbError, FromRow, ToRow, Tx};
use crate::organizations::Tenant;
use serde_json::json;

/// A setting that is `None` is the installation's, from its configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq, FromRow, ToRow)]
pub struct BillingSettings {
    pub after_lost_dispute: Option<AfterLostDispute>,
    pub updated_at: Option<Time>,
}

/// Replaces the settings of an environment. A no-op if nothing differs.
pub async fn put(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    new: &BillingSettings,
    author: &Author,
) -> Result<BillingSettings, DbError> {
    let old = sql::get(tx, tenant).await?;
    if (BillingSettings { updated_at: old.updated_at, ..new.clone() }) == old {
        return Ok(old);
    }
    let settings = BillingSettings { updated_at: Some(author.now), ..new.clone() };
    sql::put(tx, tenant, &settings).await?;
    let detail = json!({ "afterLostDispute": settings.after_lost_dispute });
    let organization = tenant.organization_id;
    let event = author.event(Action::BillingSettingsUpdated, organization, None, detail);
    audit::record(tx, tenant.no, &event).await?;
    Ok(settings)
}
