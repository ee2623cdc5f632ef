//! Verify: the row first, then the digest, and the signature only if the digest differs.
//!
//! This is the only way that a portal token is accepted, for every route and for introspection.
//! Nothing is cached: each call reads the session's row, so an earlier revocation is always seen.

use super::session::token_id;
use super::{PortalSession, Token, sql};
use crate::app::App;
use crate::base::{PortalSessionId, Time};
use crate::customers::Customer;
use crate::customers::billing::BillingProfile;
use crate::db::{DbError, FromRow};
use crate::invoices::InvoiceStatus;
use crate::limits::LimitHit;
use crate::signing::{KeyStatus, SigningError};
use std::net::IpAddr;
use subtle::ConstantTimeEq;
use unitpay_token::{Claims, ClaimsFault, Expected, UnverifiedToken, VerifyError};

/// The answer of the authentication statement: a session's row and everything that can end it.
#[derive(Clone, Debug, FromRow)]
pub struct SessionRecord {
    #[record(join)]
    pub session: PortalSession,
    pub generation: i64,
    #[record(join)]
    pub customer: Customer,
    #[record(join, default)]
    pub billing: BillingProfile,
    #[record(computed)]
    pub organization_suspended: bool,
    #[record(computed)]
    pub key_sessions_revoked: bool,
    #[record(computed)]
    pub signing_key: KeyStatus,
    #[record(computed)]
    pub previous_signing_key: Option<KeyStatus>,
    /// Whether the tenant records events of refreshed sessions.
    #[record(computed)]
    pub session_events: bool,
    /// The status of the invoice that the session is bound to.
    #[record(computed)]
    pub invoice_status: Option<InvoiceStatus>,
}

/// The token that was presented, of the two that may be valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presented {
    Current,
    Predecessor,
    /// None: the hosted page's code opened the session.
    Code,
}

/// A session whose valid token or code was presented. Only this module creates it.
#[derive(Clone, Debug)]
pub struct VerifiedSession {
    /// Boxed, because it is large and passed on often.
    record: Box<SessionRecord>,
    presented: Presented,
}

#[derive(Debug)]
pub enum Refusal {
    /// Forged, malformed, unknown, foreign or another kind of credential.
    Invalid,
    Expired,
    CustomerArchived,
    Revoked,
    /// The session is bound to an invoice that is not owed any more.
    InvoiceClosed(InvoiceStatus),
    OrganizationSuspended,
    /// Too many wrong signatures from this peer. Retry after this many seconds.
    TooManyForgeries(LimitHit),
    Db(DbError),
    Signing(SigningError),
}

/// Accepts a token of a live session. Wrong signatures count against `peer`.
pub async fn verify(
    app: &App,
    token: &str,
    peer: Option<IpAddr>,
) -> Result<VerifiedSession, Refusal> {
    let unverified = UnverifiedToken::parse(token).ok_or(Refusal::Invalid)?;
    let sid: PortalSessionId =
        unverified.session_id().and_then(|sid| sid.parse().ok()).ok_or(Refusal::Invalid)?;
    let record = sql::record(&mut app.db.read().await?, sid).await?.ok_or(Refusal::Invalid)?;
    let now = app.clock.now();
    let digest = unverified.digest();
    let same = |token: &Token| bool::from(token.digest.ct_eq(&digest));
    let presented = if same(&record.session.current) {
        Presented::Current
    } else if record.session.previous.as_ref().is_some_and(same) {
        Presented::Predecessor
    } else {
        return Err(refuse_other_bytes(app, token, &record, peer, now).await);
    };
    let session = &record.session;
    let kept = match presented {
        Presented::Current | Presented::Code => &session.current,
        Presented::Predecessor => session.previous.as_ref().unwrap_or(&session.current),
    };
    if now >= kept.expires_at {
        return Err(Refusal::Expired);
    }
    if let Some(refusal) = record.ended(&kept.kid) {
        return Err(refusal);
    }
    if record.organization_suspended {
        return Err(Refusal::OrganizationSuspended);
    }
    Ok(VerifiedSession { record, presented })
}

/// Accepts a live session whose code or cookie was verified.
pub fn verify_by_code(record: Box<SessionRecord>, now: Time) -> Result<VerifiedSession, Refusal> {
    if now >= record.session.current.expires_at {
        return Err(Refusal::Expired);
    }
    if let Some(refusal) = record.ended(&record.session.current.kid) {
        return Err(refusal);
    }
    if record.organization_suspended {
        return Err(Refusal::OrganizationSuspended);
    }
    Ok(VerifiedSession { record, presented: Presented::Code })
}

impl VerifiedSession {
    pub const fn session(&self) -> &PortalSession {
        &self.record.session
    }

    /// Returns the session's customer and its billing profile, read by the same statement.
    pub const fn customer(&self) -> (&Customer, &BillingProfile) {
        (&self.record.customer, &self.record.billing)
    }

    /// Whether the tenant records events of refreshed sessions.
    pub const fn records_events(&self) -> bool {
        self.record.session_events
    }

    pub const fn presented(&self) -> Presented {
        self.presented
    }

    /// Returns the claims of the presented token.
    pub fn presented_claims(&self, issuer: &str) -> Claims {
        let session = &self.record.session;
        let claims = session.claims(issuer);
        match (self.presented, &session.previous) {
            (Presented::Predecessor, Some(token)) => Claims {
                issuer: token.issuer_or(issuer),
                token_id: token_id(session.sid, session.refresh_count - 1),
                issued_at: token.issued_at.seconds(),
                expires_at: token.expires_at.seconds(),
                ..claims
            },
            (Presented::Predecessor, None) | (Presented::Current | Presented::Code, _) => claims,
        }
    }
}

impl SessionRecord {
    /// Whether something ended this session, for a token signed by the key `kid`. The revocation of
    /// the current token's key ends the session, of the predecessor's only the predecessor.
    pub fn ended(&self, kid: &str) -> Option<Refusal> {
        let session = &self.session;
        let by_predecessor = session.previous.as_ref().is_some_and(|token| token.kid == kid);
        let signing_key_revoked = self.signing_key == KeyStatus::Revoked
            || (by_predecessor && self.previous_signing_key == Some(KeyStatus::Revoked));
        if self.customer.archived_at.is_some() {
            Some(Refusal::CustomerArchived)
        } else if session.revoked.is_some()
            || self.generation < self.customer.generation
            || self.key_sessions_revoked
            || signing_key_revoked
        {
            Some(Refusal::Revoked)
        } else if session.invoice_id.is_some() {
            // An issued invoice is never deleted. A missing one closes the session, too.
            let status = self.invoice_status.unwrap_or(InvoiceStatus::Void);
            (!status.is_payable()).then_some(Refusal::InvoiceClosed(status))
        } else {
            None
        }
    }
}

/// The bytes match neither token: an older token of the session, or a forgery.
async fn refuse_other_bytes(
    app: &App,
    token: &str,
    record: &SessionRecord,
    peer: Option<IpAddr>,
    now: Time,
) -> Refusal {
    if let Some(wait) = peer.and_then(|peer| app.limits.shuts_out(peer)) {
        return Refusal::TooManyForgeries(wait);
    }
    let expected =
        Expected { issuer: &app.issuer, environment: Some(record.session.tenant.environment) };
    let check = || {
        let key_for = |kid: &str| app.signing.verifier(kid);
        unitpay_token::verify(token, key_for, &expected, now.seconds()).map(|_| ())
    };
    let mut verified = check();
    if verified == Err(VerifyError::UnknownKey) {
        if let Err(error) = app.signing.reload().await {
            return Refusal::Signing(error);
        }
        verified = check();
    }
    match verified {
        Err(VerifyError::Expired) => Refusal::Expired,
        // An older token of this session: the strict check refuses the scope of an invoice.
        Err(VerifyError::BadClaims(ClaimsFault::Scope)) if record.session.invoice_id.is_some() => {
            Refusal::Expired
        }
        Ok(())
        | Err(
            VerifyError::Malformed
            | VerifyError::UnknownKey
            | VerifyError::BadSignature
            | VerifyError::BadClaims(_),
        ) => {
            if let Some(peer) = peer {
                app.limits.note_bad_credentials(peer);
            }
            Refusal::Invalid
        }
    }
}

impl From<DbError> for Refusal {
    fn from(error: DbError) -> Self {
        Self::Db(error)
    }
}
