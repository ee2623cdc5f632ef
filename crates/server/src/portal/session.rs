//! The portal session: its row and its tokens.

use super::PortalScopes;
use crate::base::words::words;
use crate::base::{ApiKeyId, CustomerId, InvoiceId, PortalSessionId, Time};
use crate::db::{FromRow, ToRow};
use crate::organizations::Tenant;
use unitpay_token::Claims;

/// A session as it is stored, with its tenant and its customer's id.
#[derive(Clone, Debug, FromRow)]
pub struct PortalSession {
    pub sid: PortalSessionId,
    #[record(join)]
    pub tenant: Tenant,
    pub customer_no: i64,
    #[record(computed)]
    pub customer_id: CustomerId,
    /// The key that minted it; `None` if it came by e-mail.
    #[record(computed)]
    pub api_key_id: Option<ApiKeyId>,
    pub origin: SessionOrigin,
    /// The invoice that the session is bound to. Such a session has no scopes and reaches nothing else.
    pub invoice_id: Option<InvoiceId>,
    pub scopes: PortalScopes,
    /// A JSON array of origins; empty means any origin.
    pub allowed_origins: String,
    /// A JSON object of strings.
    pub metadata: String,
    pub created_at: Time,
    pub ttl_seconds: i64,
    pub absolute_expires_at: Time,
    pub refresh_count: i64,
    #[record(prefix = "")]
    pub current: Token,
    #[record(prefix = "previous_")]
    pub previous: Option<Token>,
    #[record(prefix = "revoked_")]
    pub revoked: Option<Revocation>,
    /// The look of the hosted page, JSON of [`super::PageOptions`].
    pub page: Option<String>,
}

/// The stored data of a token: signing key, digest, expiry.
#[derive(Clone, Debug, FromRow, ToRow)]
pub struct Token {
    pub kid: String,
    pub digest: [u8; 32],
    pub issued_at: Time,
    pub expires_at: Time,
    /// Its `iss`; `None` if an older version signed it, and then this node's own is assumed.
    pub issuer: Option<String>,
}

/// The early end of a session.
#[derive(Clone, Debug, FromRow)]
pub struct Revocation {
    pub at: Time,
    pub reason: String,
}

impl Token {
    pub fn issuer_or(&self, issuer: &str) -> String {
        self.issuer.clone().unwrap_or_else(|| issuer.to_owned())
    }
}

words! {
    SessionStatus as PortalSessionStatus {
        Active = "active",
        Expired = "expired",
        Revoked = "revoked",
    }
}

words! {
    /// The origin of a session.
    SessionOrigin as PortalSessionOrigin {
        /// A backend minted it.
        ApiKey = "api_key",
        /// The customer has read an e-mail to its address.
        Email = "email",
        /// The customer has followed a link to one invoice.
        InvoiceLink = "invoice_link",
    }
}

/// The reason that a session ended before its expiry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RevokedReason {
    /// A backend revoked its `jti`.
    Revoked,
    /// The browser logged out.
    SignedOut,
}

impl PortalSession {
    /// The current token's `jti`.
    pub fn token_id(&self) -> String {
        token_id(self.sid, self.refresh_count)
    }

    /// The claims of the current token. Signed again by the same key they are the same bytes, on
    /// every node: `issuer`, this node's own, counts only for a token whose `iss` was not stored.
    pub fn claims(&self, issuer: &str) -> Claims {
        Claims {
            issuer: self.current.issuer_or(issuer),
            subject: self.customer_id.to_string(),
            session_id: self.sid.to_string(),
            token_id: self.token_id(),
            organization_id: self.tenant.organization_id.to_string(),
            environment: self.tenant.environment,
            issued_at: self.current.issued_at.seconds(),
            expires_at: self.current.expires_at.seconds(),
            scope: scope_text(self.invoice_id, self.scopes),
        }
    }

    pub fn status(&self, now: Time) -> SessionStatus {
        if self.revoked.is_some() {
            SessionStatus::Revoked
        } else if now >= self.current.expires_at {
            SessionStatus::Expired
        } else {
            SessionStatus::Active
        }
    }

    pub fn allowed_origins(&self) -> Vec<String> {
        serde_json::from_str(&self.allowed_origins).unwrap_or_default()
    }

    /// Whether a page of this origin may use the session. `null` never may.
    pub fn allows_origin(&self, origin: &str) -> bool {
        let allowed = self.allowed_origins();
        origin != "null" && (allowed.is_empty() || allowed.iter().any(|known| known == origin))
    }
}

/// Returns the `scope` of a session's tokens. Verifiers elsewhere refuse that of an invoice, so that it is
/// not taken for the customer's session.
pub fn scope_text(invoice_id: Option<InvoiceId>, scopes: PortalScopes) -> String {
    match invoice_id {
        Some(id) => format!("invoice:{id}"),
        None => scopes.to_string(),
    }
}

/// Returns `sid` for the first token, `sid.n` for the n-th refresh.
pub fn token_id(sid: PortalSessionId, refreshes: i64) -> String {
    if refreshes == 0 { sid.to_string() } else { format!("{sid}.{refreshes}") }
}

impl RevokedReason {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Revoked => "revoked",
            Self::SignedOut => "signed_out",
        }
    }
}
