//! Exchange: gives the hosted page its session's token.
//!
//! A code opens a session once, within 15 minutes of its mint. The cookie that it sets opens it
//! again for a reload. Neither can do more than the token, and ending the session ends both.

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

/// The credential that was presented to open a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opening {
    /// A code that this server issued for the session.
    Code(PortalSessionId),
    /// A cookie that this server issued for the session.
    Cookie(PortalSessionId),
}

impl Opening {
    pub const fn sid(self) -> PortalSessionId {
        let (Self::Code(sid) | Self::Cookie(sid)) = self;
        sid
    }
}

#[derive(Debug)]
pub enum ExchangeError {
    Db(DbError),
    Refresh(RefreshError),
    /// The session no longer exists.
    Unknown,
    /// The code was used or has expired. The page may still offer the way back.
    CodeSpent(Tenant, PageOptions),
    /// The session has ended or cannot be used now.
    Refused(Refusal, Tenant, PageOptions),
    /// The session has exceeded its rate limit.
    TooOften(LimitHit),
}

/// Returns the session's current token. A code is used up by this.
pub async fn exchange(
    app: &App,
    opening: Opening,
) -> Result<(VerifiedSession, Refreshed), ExchangeError> {
    let sid = opening.sid();
    let by_code = matches!(opening, Opening::Code(_));
    let mut tx = app.db.read().await?;
    let record = sql::record(&mut tx, sid).await?.ok_or(ExchangeError::Unknown)?;
    // Checked before writing, so that a used code costs no write.
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
    // Runs last, so that an earlier failure does not use up the code.
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
