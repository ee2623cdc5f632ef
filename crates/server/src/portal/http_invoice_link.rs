//! The hosted page's requests with a link to one invoice.

use super::http_exchange::{invalid_code, note_bad_code, with_way_back};
use super::http_link::{masked, too_many};
use super::{LinkError, PageOptions, Refusal, check_link, open_link};
use crate::app::App;
use crate::audit::Actor;
use crate::base::PortalSessionId;
use crate::db::{DbError, Lane, Tx};
use crate::emails::{self, EmailKind};
use crate::http::Problem;
use crate::limits::Limited;
use crate::signing::InvoiceLink;
use std::net::IpAddr;

/// Opens a link: mints a session for its invoice.
pub async fn open(app: &App, peer: IpAddr, link: &InvoiceLink) -> Result<PortalSessionId, Problem> {
    if let Limited::Hit(limit) = app.limits.invoice_link(link.invoice_id) {
        return Err(Problem::rate_limited(limit));
    }
    match open_link(app, link).await {
        Ok(sid) => Ok(sid),
        Err(error) => Err(refused(app, peer, error).await),
    }
}

/// Sends another link to the customer's own address, for one that is too old. Returns the masked address.
pub async fn send(app: &App, peer: IpAddr, link: &InvoiceLink) -> Result<String, Problem> {
    let linked = match check_link(app, link).await {
        Err(LinkError::Expired(linked)) => linked,
        // It still works.
        Ok(_) => return Err(refused(app, peer, LinkError::Ended).await),
        Err(error) => return Err(refused(app, peer, error).await),
    };
    let tenant = linked.tenant;
    if !emails::sends(app, &tenant, EmailKind::InvoiceLink).await? {
        return Err(Problem::not_found());
    }
    let email_hint = masked(&linked.customer.email);
    let (author, invoice) = (app.author(Actor::System), link.invoice_id.to_string());
    let step = async move |tx: &mut Tx<'_, '_>| {
        let about = (EmailKind::InvoiceLink, invoice.clone());
        emails::queue_link(tx, &tenant, &linked.customer, about, &author).await
    };
    match app.db.write::<_, DbError, _>(Lane::Usual, step).await? {
        true => Ok(email_hint),
        false => Err(Problem::rate_limited(too_many())),
    }
}

/// A link that was ended gets what a made-up one gets.
async fn refused(app: &App, peer: IpAddr, error: LinkError) -> Problem {
    let (problem, tenant) = match error {
        LinkError::Mint(error) => return error.into(),
        LinkError::Ended => return note_bad_code(app, peer).err().unwrap_or_else(invalid_code),
        LinkError::Suspended(tenant) => (Refusal::OrganizationSuspended.into(), tenant),
        LinkError::Closed(status, tenant) => {
            (invalid_code().with("invoiceStatus", status.as_str()), tenant)
        }
        LinkError::Expired(linked) => {
            let tenant = linked.tenant;
            let is_sent = emails::sends(app, &tenant, EmailKind::InvoiceLink).await;
            let problem = match is_sent {
                Ok(true) => invalid_code().with("emailHint", masked(&linked.customer.email)),
                Ok(false) | Err(_) => invalid_code(),
            };
            (problem, tenant)
        }
    };
    with_way_back(app, problem, tenant, PageOptions::default()).await
}
