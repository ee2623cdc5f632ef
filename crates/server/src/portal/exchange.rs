//! Exchange: the hosted page's way to its session's token.
//!
//! A code opens a session once, within 15 minutes of its mint; the cookie that it leaves opens it
//! again for a reload. Neither does more than the token itself: what ended the session ends both.

use super::verify::verify_by_code;
use super::{
    PageOptions, RefreshError, Refreshed, Refusal, SessionRecord, VerifiedSession, refresh, sql,
};
use crate::app::App;
use crate::base::PortalSessionId;
use crate::db::{DbError, Lane, Tx};
use crate::limits::{LimitHit, Limited};
use crate::organizations::Tenant;

const CODE_LIVES_SECONDS: i64 = 15 * 60;

/// What was shown to open a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opening {
    /// A code that we made for this session.
    Code(PortalSessionId),
    /// A cookie that we made for this session.
    Cookie(PortalSessionId),
}

#[derive(Debug)]
pub enum ExchangeError {
    Db(DbError),
    Refresh(RefreshError),
    /// There is no such session any more.
    Unknown,
    /// The code was used, or is too old. Whoever came with it may be shown the way back.
    CodeSpent(Tenant, PageOptions),
    /// The session has ended, or cannot be used now.
    Refused(Refusal, Tenant, PageOptions),
    /// The session was used too often lately.
    TooOften(LimitHit),
}

/// Gives the session's current token and, by a code, uses the code up.
pub async fn exchange(
    app: &App,
    opening: Opening,
) -> Result<(VerifiedSession, Refreshed), ExchangeError> {
    let (Opening::Code(sid) | Opening::Cookie(sid)) = opening;
    let by_code = matches!(opening, Opening::Code(_));
    let mut tx = app.db.read().await?;
    let record = sql::record(&mut tx, sid).await?.ok_or(ExchangeError::Unknown)?;
    // Looked at before it is tried, so that a spent code costs no write.
    let used = by_code && sql::is_code_used(&mut tx, &record.session).await?;
    drop(tx);
    let now = app.clock.now();
    let (tenant, page) = way_back(&record);
    let ended = now >= record.session.created_at.plus_seconds(CODE_LIVES_SECONDS);
    if used || by_code && ended {
        return Err(ExchangeError::CodeSpent(tenant, page));
    }
    let verified = match verify_by_code(record, now) {
        Ok(verified) => verified,
        Err(refusal) => return Err(ExchangeError::Refused(refusal, tenant, page)),
    };
    if let Limited::Hit(limit) = app.limits.portal_session(sid) {
        return Err(ExchangeError::TooOften(limit));
    }
    let token = refresh(app, &verified, "").await?;
    // Last, so that what fails above leaves the code as it was.
    if by_code {
        let session = verified.session().clone();
        let first = app
            .db
            .write(Lane::Usual, async move |tx: &mut Tx<'_, '_>| {
                sql::use_code(tx, &session, now).await
            })
            .await?;
        if !first {
            return Err(ExchangeError::CodeSpent(tenant, page));
        }
    }
    Ok((verified, token))
}

fn way_back(record: &SessionRecord) -> (Tenant, PageOptions) {
    let session = &record.session;
    (session.tenant, PageOptions::from_json(session.page.as_deref()))
}

impl From<DbError> for ExchangeError {
    fn from(error: DbError) -> Self {
        Self::Db(error)
    }
}

impl From<RefreshError> for ExchangeError {
    fn from(error: RefreshError) -> Self {
        Self::Refresh(error)
    }
}
