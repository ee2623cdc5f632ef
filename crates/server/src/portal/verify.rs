//! Verify: row first, then digest, the signature only where the digest differs.
//!
//! This is the one way a portal token is accepted, for every route and for introspection. Nothing
//! is cached: each call reads the session's row, and what was revoked before it is refused.

use super::session::token_id;
use super::{PortalSession, Token, sql};
use crate::app::App;
use crate::base::{PortalSessionId, Time};
use crate::customers::Customer;
use crate::customers::billing::BillingProfile;
use crate::db::{DbError, FromRow};
use crate::limits::LimitHit;
use crate::signing::{KeyStatus, SigningError};
use std::net::IpAddr;
use subtle::ConstantTimeEq;
use unitpay_token::{Claims, Expected, UnverifiedToken, VerifyError};

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
}

/// Which of the two tokens that may live was presented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presented {
    Current,
    Predecessor,
    /// None: the code of the hosted page opened the session.
    Code,
}

/// A session whose live token was presented, or whose code was. Made in this module alone.
#[derive(Clone, Debug)]
pub struct VerifiedSession {
    /// Long, and handed on often.
    record: Box<SessionRecord>,
    presented: Presented,
}

#[derive(Debug)]
pub enum Refusal {
    /// Forged, malformed, unknown, foreign or of another kind.
    Invalid,
    Expired,
    CustomerArchived,
    Revoked,
    OrganizationSuspended,
    /// Too many wrong signatures from this peer; ask again after so many seconds.
    TooManyForgeries(LimitHit),
    Db(DbError),
    Signing(SigningError),
}

/// Accepts a token of a living session. `peer` is whom wrong signatures are counted against.
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

/// Accepts a living session whose code or cookie of the hosted page was found to be right.
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

    /// The session's customer, read by the same statement, and what billing knows of it.
    pub const fn customer(&self) -> (&Customer, &BillingProfile) {
        (&self.record.customer, &self.record.billing)
    }

    pub const fn presented(&self) -> Presented {
        self.presented
    }

    /// The claims of the very token that was presented.
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
        } else {
            None
        }
    }
}

/// These bytes are neither of the two tokens: an older one of the session, or a forgery.
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
