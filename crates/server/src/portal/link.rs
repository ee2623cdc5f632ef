//! New links: a customer whose link no longer opens anything gets another one by e-mail.
//!
//! The session behind a new link is minted when it is opened, with the parameters of the one that it
//! continues. Its id is known before, so a link opens once. What ended the old session, or its customer's
//! generation, ends the link.

use super::{
    ExchangeError, MintError, Minted, NewSession, PageOptions, Refusal, SessionOrigin,
    SessionRecord, mint, sql,
};
use crate::app::App;
use crate::base::PortalSessionId;
use crate::customers::CustomerRef;
use crate::db::DbError;

/// The life of a link in an e-mail.
pub const LINK_LIVES_SECONDS: i64 = 30 * 60;

/// Returns the session that a new link would continue. A session that something ended has none, and
/// neither has one that no backend granted.
pub async fn continuable(
    app: &App,
    sid: PortalSessionId,
) -> Result<Option<Box<SessionRecord>>, DbError> {
    let record = sql::record(&mut app.db.read().await?, sid).await?;
    Ok(record.filter(|record| {
        record.ended(&record.session.current.kid).is_none()
            && !record.organization_suspended
            && record.session.api_key_id.is_some()
    }))
}

/// Mints the session of a new link; `SessionEnded` if the link was used.
pub async fn continue_session(
    app: &App,
    old: PortalSessionId,
    new: PortalSessionId,
) -> Result<Minted, MintError> {
    let record = continuable(app, old).await?.ok_or(MintError::SessionEnded)?;
    let session = record.session;
    let new = NewSession {
        sid: Some(new),
        customer: CustomerRef::Id(session.customer_id),
        generation: Some(record.generation),
        api_key_id: session.api_key_id,
        origin: SessionOrigin::Email,
        invoice_id: None,
        ttl_seconds: session.ttl_seconds,
        max_lifetime_seconds: session.absolute_expires_at.seconds() - session.created_at.seconds(),
        scopes: session.scopes,
        allowed_origins: session.allowed_origins,
        metadata: session.metadata,
        invalidate_existing: false,
        record_event: record.session_events,
        page: PageOptions::from_json(session.page.as_deref()),
    };
    mint(app, session.tenant, new, None).await
}

/// Returns the reason for which a link to this session opens nothing.
pub async fn why_closed(app: &App, sid: PortalSessionId) -> ExchangeError {
    let record = async { sql::record(&mut app.db.read().await?, sid).await };
    let record = match record.await {
        Ok(Some(record)) => record,
        Ok(None) => return ExchangeError::Unknown,
        Err(error) => return ExchangeError::Db(error),
    };
    let session = &record.session;
    let (tenant, page) = (session.tenant, PageOptions::from_json(session.page.as_deref()));
    match record.ended(&session.current.kid) {
        Some(refusal) => ExchangeError::Refused(refusal, tenant, page),
        None if record.organization_suspended => {
            ExchangeError::Refused(Refusal::OrganizationSuspended, tenant, page)
        }
        None => ExchangeError::CodeSpent(tenant, page),
    }
}
