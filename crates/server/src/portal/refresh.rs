//! Refresh: the next token of a session, the same one for every caller.
//!
//! At most two tokens of a session are valid: the current one and its direct predecessor. A refresh
//! that comes early, or with the predecessor, returns the current token again. Of the refreshes that
//! come when it is due, one writes the next token and all return it, on every node. No refresh
//! invalidates a token that has not expired.

use super::session::{Token, token_id};
use super::{PortalSession, Presented, Refusal, VerifiedSession, sql};
use crate::app::App;
use crate::base::{Secret, Time};
use crate::db::{DbError, Lane, Tx};
use crate::events::{self, EventType, NewEvent};
use crate::signing::SigningError;
use unitpay_token::UnverifiedToken;

const ATTEMPTS: usize = 3;

#[derive(Clone, Debug)]
pub struct Refreshed {
    pub token: Secret,
    pub token_id: String,
    pub expires_at: Time,
    pub absolute_expires_at: Time,
}

#[derive(Debug)]
pub enum RefreshError {
    Db(DbError),
    Signing(SigningError),
    /// The session ended after its token was verified.
    Ended(Refusal),
}

/// Returns the token to continue with. `presented` is the verified text.
pub async fn refresh(
    app: &App,
    verified: &VerifiedSession,
    presented: &str,
) -> Result<Refreshed, RefreshError> {
    let mut session = verified.session().clone();
    let now = app.clock.now();
    for _ in 0..ATTEMPTS {
        let given_again = verified.presented() == Presented::Predecessor
            || session.refresh_count != verified.session().refresh_count;
        if given_again || !is_due(&session, now) {
            let same = verified.presented() == Presented::Current && !given_again;
            let token = if same { Some(presented.to_owned()) } else { sign(app, &session).await? };
            if let Some(token) = token {
                return Ok(refreshed(&session, token));
            }
            // A version before did not store the issuer, and the public URL was changed since: the
            // same bytes cannot be made again, new ones can.
        }
        match advance(app, &session, now, verified.records_events()).await? {
            Some(refreshed) => return Ok(refreshed),
            None => {
                let sid = session.sid;
                let record = sql::record(&mut app.db.read().await?, sid)
                    .await?
                    .ok_or(DbError::Broken("a verified session is missing"))?;
                if let Some(refusal) = record.ended(&record.session.current.kid) {
                    return Err(RefreshError::Ended(refusal));
                }
                app.signing.load().await?;
                session = record.session;
            }
        }
    }
    Err(RefreshError::Db(DbError::Contended))
}

/// Whether the current token is in the last quarter of its lifetime and the next one would expire
/// later.
fn is_due(session: &PortalSession, now: Time) -> bool {
    let Token { issued_at, expires_at, .. } = session.current;
    let life = expires_at.0 - issued_at.0;
    now.0 - issued_at.0 >= life / 4 * 3 && next_expiry(session, now) > expires_at
}

fn next_expiry(session: &PortalSession, now: Time) -> Time {
    Time::from_seconds(now.seconds() + session.ttl_seconds).min(session.absolute_expires_at)
}

/// Writes the next token; `None` if another request did, or the signing key has retired.
async fn advance(
    app: &App,
    session: &PortalSession,
    now: Time,
    record_event: bool,
) -> Result<Option<Refreshed>, RefreshError> {
    let key = app.signing.active()?;
    let mut next = session.clone();
    next.refresh_count += 1;
    next.current = Token {
        kid: key.kid().to_owned(),
        digest: [0; 32],
        issued_at: Time::from_seconds(now.seconds()),
        expires_at: next_expiry(session, now),
        issuer: Some(app.issuer.clone()),
    };
    let token = key.sign(&next.claims(&app.issuer)).map_err(|_| SigningError::BadKey)?;
    next.current.digest = UnverifiedToken::parse(&token).ok_or(SigningError::BadKey)?.digest();
    let row = next.clone();
    let event = record_event.then(|| NewEvent {
        id: app.ids.event(),
        event_type: EventType::PortalSessionRefreshed,
        object_id: row.sid.to_string(),
        customer_id: Some(row.customer_id),
        endpoint_id: None,
        at: now,
    });
    let step = async move |tx: &mut Tx<'_, '_>| {
        let written = sql::advance(tx, &row).await?;
        if let Some(event) = event.as_ref().filter(|_| written) {
            events::record(tx, row.tenant.no, event).await?;
        }
        Ok::<_, DbError>(written)
    };
    let written = app.db.write(Lane::Usual, step).await?;
    Ok(written.then(|| refreshed(&next, token)))
}

/// Signs the current token again; `None` if the bytes would differ.
async fn sign(app: &App, session: &PortalSession) -> Result<Option<String>, RefreshError> {
    let key = app.signing.signer(&session.current.kid).await?;
    let token = key.sign(&session.claims(&app.issuer)).map_err(|_| SigningError::BadKey)?;
    let digest = UnverifiedToken::parse(&token).map(|token| token.digest());
    Ok((digest == Some(session.current.digest)).then_some(token))
}

fn refreshed(session: &PortalSession, token: String) -> Refreshed {
    Refreshed {
        token: Secret::new(token),
        token_id: token_id(session.sid, session.refresh_count),
        expires_at: session.current.expires_at,
        absolute_expires_at: session.absolute_expires_at,
    }
}

impl From<DbError> for RefreshError {
    fn from(error: DbError) -> Self {
        Self::Db(error)
    }
}

impl From<SigningError> for RefreshError {
    fn from(error: SigningError) -> Self {
        Self::Signing(error)
    }
}
