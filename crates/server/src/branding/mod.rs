//! Branding: an organization's look in its portal, and the seller on its invoices.

pub mod http;
mod sql;

pub use sql::get;

use crate::audit::{self, Action, Author};
use crate::base::{Address, TaxDeclaration, TaxRate, Time};
use crate::db::{DbError, FromRow, ToRow, Tx};
use crate::organizations::Tenant;
use serde_json::json;

/// A tenant without a stored branding has the default: no field set.
#[derive(Clone, Debug, Default, PartialEq, Eq, FromRow, ToRow)]
pub struct Branding {
    pub name: Option<String>,
    /// A `data:` URI.
    pub logo: Option<String>,
    /// `#rrggbb`.
    pub accent_color: Option<String>,
    /// The corner radius in pixels.
    pub radius: Option<i64>,
    pub support_email: Option<String>,
    /// The origins that sessions may be used from and return to.
    pub portal_origins: Vec<String>,
    pub legal_name: Option<String>,
    pub address: Option<Address>,
    pub tax_id: Option<String>,
    /// The rate of customers without a rate of their own.
    pub tax_rate: Option<TaxRate>,
    pub invoice_footer: Option<String>,
    /// For invoices in other currencies.
    pub tax_declaration: Option<TaxDeclaration>,
    pub updated_at: Option<Time>,
}

/// Replaces a tenant's branding. A no-op if nothing differs.
pub async fn put(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    new: &Branding,
    author: &Author,
) -> Result<Branding, DbError> {
    let old = sql::get(tx, tenant).await?;
    if (Branding { updated_at: old.updated_at, ..new.clone() }) == old {
        return Ok(old);
    }
    let branding = Branding { updated_at: Some(author.now), ..new.clone() };
    sql::put(tx, tenant, &branding).await?;
    let organization = tenant.organization_id;
    let event = author.event(Action::BrandingUpdated, organization, None, json!({}));
    audit::record(tx, tenant.no, &event).await?;
    Ok(branding)
}
