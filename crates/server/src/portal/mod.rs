//! Portal sessions: mint, verify, refresh, revoke.
//!
//! The session row is the authority. It stores the digests of the current token and its
//! predecessor. A request is authenticated by the digest of the bytes that it sent, and its
//! permissions come from the row, never from the claims.

mod exchange;
pub mod http;
pub mod http_browser;
pub mod http_exchange;
pub mod http_fields;
pub mod http_initial_data;
pub mod http_introspect;
pub mod http_invoice_link;
pub mod http_link;
pub mod http_page;
mod invoice_link;
mod link;
mod mint;
mod page;
mod refresh;
mod revoke;
mod session;
mod sql;
mod verify;

pub use exchange::{ExchangeError, Opening, exchange};
pub use invoice_link::{LinkError, check_link, open_link};
pub use link::{LINK_LIVES_SECONDS, continuable, continue_session, why_closed};
pub use mint::{MintError, Minted, NewSession, mint, minted_before};
pub use page::{Flow, PageOptions};
pub use refresh::{RefreshError, Refreshed, refresh};
pub use revoke::{revoke_customer, revoke_session};
pub use session::{PortalSession, RevokedReason, SessionOrigin, SessionStatus, Token};
pub use sql::{delete_before, erase, get};
pub use verify::{Presented, Refusal, SessionRecord, VerifiedSession, verify};

use crate::base::scopes::scopes;
use crate::keys::KeyScopes;

scopes! {
    /// The permissions of a portal token, for its own customer.
    PortalScopes {
        CUSTOMER_READ = "customer:read",
        CUSTOMER_WRITE = "customer:write",
        SUBSCRIPTIONS_READ = "subscriptions:read",
        SUBSCRIPTIONS_WRITE = "subscriptions:write",
        INVOICES_READ = "invoices:read",
        INVOICES_PAY = "invoices:pay",
        PAYMENT_METHODS_READ = "payment_methods:read",
        PAYMENT_METHODS_WRITE = "payment_methods:write",
        CREDITS_READ = "credits:read",
        CREDITS_WRITE = "credits:write",
        USAGE_READ = "usage:read",
    }
}

impl PortalScopes {
    pub const READ_ONLY: Self = Self::from_bits(
        Self::CUSTOMER_READ
            | Self::SUBSCRIPTIONS_READ
            | Self::INVOICES_READ
            | Self::PAYMENT_METHODS_READ
            | Self::CREDITS_READ
            | Self::USAGE_READ,
    );

    /// Returns the session scopes that a key with these scopes may grant: never more than it has.
    pub fn grantable_by(key: KeyScopes) -> Self {
        let needs = [
            (Self::CUSTOMER_READ, KeyScopes::CUSTOMERS_READ),
            (Self::CUSTOMER_WRITE, KeyScopes::CUSTOMERS_WRITE),
            (Self::SUBSCRIPTIONS_READ, KeyScopes::SUBSCRIPTIONS_READ),
            (Self::SUBSCRIPTIONS_WRITE, KeyScopes::SUBSCRIPTIONS_WRITE),
            (Self::INVOICES_READ, KeyScopes::INVOICES_READ),
            (Self::INVOICES_PAY, KeyScopes::INVOICES_WRITE),
            (Self::PAYMENT_METHODS_READ, KeyScopes::PAYMENT_METHODS_READ),
            (Self::PAYMENT_METHODS_WRITE, KeyScopes::PAYMENT_METHODS_WRITE),
            (Self::CREDITS_READ, KeyScopes::CREDITS_READ),
            (Self::CREDITS_WRITE, KeyScopes::CREDITS_WRITE),
            (Self::USAGE_READ, KeyScopes::USAGE_READ),
        ];
        let granted = needs.into_iter().filter(|(_, need)| key.contains(*need));
        Self::from_bits(granted.fold(0, |bits, (scope, _)| bits | scope))
    }
}
