//! Links that open one invoice, in e-mails about it.
//!
//! A link is not stored. A key of the installation vouches for its content: the invoice, the generation
//! of the customer, and when it was sent. It may be opened often, and each opening mints a short session
//! that is bound to the invoice. A link ends when the invoice is paid or void, when the customer's
//! sessions end, when a backend revokes one of the sessions that it opened, and after some days.

use super::{MintError, NewSession, PageOptions, PortalScopes, SessionOrigin, mint, sql};
use crate::app::App;
use crate::base::PortalSessionId;
use crate::customers::billing::BillingProfile;
use crate::customers::{Customer, CustomerRef};
use crate::db::{DbError, FromRow};
use crate::invoices::InvoiceStatus;
use crate::organizations::Tenant;
use crate::signing::InvoiceLink;
use serde_json::json;

const TTL_SECONDS: i64 = 15 * 60;
const MAX_LIFETIME_SECONDS: i64 = 60 * 60;

/// The invoice of a link, and its customer.
#[derive(Clone, Debug, FromRow)]
pub struct Linked {
    #[record(join)]
    pub tenant: Tenant,
    #[record(join)]
    pub customer: Customer,
    #[record(join, default)]
    pub billing: BillingProfile,
    #[record(computed)]
    pub invoice_status: InvoiceStatus,
    #[record(computed)]
    pub organization_suspended: bool,
    #[record(computed)]
    pub session_events: bool,
}

/// The reason that a link opens nothing.
#[derive(Debug)]
pub enum LinkError {
    Mint(MintError),
    /// It was ended or turned off: as if it had never been sent.
    Ended,
    /// Too old. The rest is as it was, so the customer may get another one.
    Expired(Box<Linked>),
    /// The invoice is not owed any more.
    Closed(InvoiceStatus, Tenant),
    Suspended(Tenant),
}

/// Returns the invoice of a link that opens it now.
pub async fn check_link(app: &App, link: &InvoiceLink) -> Result<Box<Linked>, LinkError> {
    let days = app.config.portal.invoice_link_days;
    let mut tx = app.db.read().await?;
    let linked = sql::linked(&mut tx, link).await?.filter(|linked| {
        days > 0
            && linked.customer.archived_at.is_none()
            && linked.customer.generation == link.generation
    });
    let linked = linked.ok_or(LinkError::Ended)?;
    let (tenant, no) = (linked.tenant, linked.customer.no);
    // Revoked sessions are kept for longer than a link works.
    if sql::was_revoked(&mut tx, &tenant, no, link.invoice_id, link.sent_at).await? {
        return Err(LinkError::Ended);
    }
    if linked.organization_suspended {
        return Err(LinkError::Suspended(tenant));
    }
    if !linked.invoice_status.is_payable() {
        return Err(LinkError::Closed(linked.invoice_status, tenant));
    }
    if app.clock.now() >= link.sent_at.plus_days(days) {
        return Err(LinkError::Expired(linked));
    }
    Ok(linked)
}

/// Mints a session that is bound to the invoice of a link, for the hosted page only.
pub async fn open_link(app: &App, link: &InvoiceLink) -> Result<PortalSessionId, LinkError> {
    let linked = check_link(app, link).await?;
    let portal = &app.config.portal;
    let clamped = |seconds: i64| seconds.clamp(portal.min_ttl_seconds, portal.max_lifetime_seconds);
    let new = NewSession {
        sid: None,
        customer: CustomerRef::Id(linked.customer.id),
        generation: Some(link.generation),
        api_key_id: None,
        origin: SessionOrigin::InvoiceLink,
        invoice_id: Some(link.invoice_id),
        ttl_seconds: clamped(TTL_SECONDS),
        max_lifetime_seconds: clamped(MAX_LIFETIME_SECONDS),
        scopes: PortalScopes::default(),
        allowed_origins: json!([app.origin]).to_string(),
        metadata: "{}".to_owned(),
        invalidate_existing: false,
        record_event: linked.session_events,
        page: PageOptions { locale: linked.billing.locale.clone(), ..PageOptions::default() },
    };
    match mint(app, linked.tenant, new, None).await {
        Ok(minted) => Ok(minted.sid),
        // The customer's sessions were ended, or it was archived, since the link was checked.
        Err(
            MintError::SessionEnded | MintError::CustomerArchived | MintError::CustomerNotFound,
        ) => Err(LinkError::Ended),
        Err(
            error @ (MintError::Db(_)
            | MintError::Signing(_)
            | MintError::StaleKey
            | MintError::KeyReused),
        ) => Err(LinkError::Mint(error)),
    }
}

impl From<DbError> for LinkError {
    fn from(error: DbError) -> Self {
        Self::Mint(error.into())
    }
}
