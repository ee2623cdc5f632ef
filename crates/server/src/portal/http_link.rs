//! HTTP handler that sends a new link to a customer, for the hosted page.

use super::http_exchange::{
    ExchangeRequest, Known, invalid_code, note_bad_code, refused, require_same_origin,
};
use super::{
    ExchangeError, LINK_LIVES_SECONDS, MintError, continuable, continue_session, why_closed,
};
use crate::app::App;
use crate::audit::Actor;
use crate::auth::Anyone;
use crate::base::{EmailId, PortalSessionId};
use crate::db::{DbError, Lane, Tx};
use crate::emails::{self, EmailKind};
use crate::http::{Body, Json, Problem};
use crate::limits::{LimitHit, Limited};
use crate::portal::http_initial_data::Inner;
use crate::portal::http_invoice_link;
use axum::extract::State;
use http::{HeaderMap, StatusCode};
use std::net::IpAddr;
use std::sync::Arc;
use unitpay_request::response;

#[response]
pub struct SendPortalLinkResponse {
    /// The address that the link is sent to, masked.
    pub email_hint: String,
}

/// Sends a new link to the customer's own address, for a link or a session of this browser that no
/// longer opens anything. For the hosted page.
#[utoipa::path(post, path = "/v1/portal-sessions/exchange/link", tag = "portalSessions", operation_id = "sendPortalLink",
    responses((status = 201, body = SendPortalLinkResponse)))]
pub async fn send(
    State(app): State<Arc<App>>,
    _: Anyone,
    inner: Inner,
    headers: HeaderMap,
    body: Body<ExchangeRequest>,
) -> Result<Json<SendPortalLinkResponse>, Problem> {
    require_same_origin(&headers, &app)?;
    let (ExchangeRequest { code, sid }, _) = body.read()?;
    app.check_clock()?;
    let peer = inner.info.peer;
    let sid = match Known::read(&app, &headers, (code, sid)) {
        Some(Known::Session(opening)) => Some(opening.sid()),
        Some(Known::Link(id)) => session_of(&app, id).await?,
        Some(Known::Invoice(link)) => {
            limit(&app, peer)?;
            let email_hint = http_invoice_link::send(&app, peer, &link).await?;
            return Ok(Json(StatusCode::CREATED, SendPortalLinkResponse { email_hint }));
        }
        None => None,
    };
    let Some(sid) = sid else {
        note_bad_code(&app, peer)?;
        return Err(invalid_code());
    };
    limit(&app, peer)?;
    let Some(record) = continuable(&app, sid).await? else {
        let error = why_closed(&app, sid).await;
        return Err(refused(&app, peer, None, error).await);
    };
    let tenant = record.session.tenant;
    if !emails::sends(&app, &tenant, EmailKind::PortalLink).await? {
        return Err(Problem::not_found());
    }
    let (customer, author) = (record.customer, app.author(Actor::System));
    let email_hint = masked(&customer.email);
    let step = async move |tx: &mut Tx<'_, '_>| {
        let about = (EmailKind::PortalLink, sid.to_string());
        emails::queue_link(tx, &tenant, &customer, about, &author).await
    };
    if !app.db.write::<_, DbError, _>(Lane::Usual, step).await? {
        return Err(Problem::rate_limited(too_many()));
    }
    Ok(Json(StatusCode::CREATED, SendPortalLinkResponse { email_hint }))
}

fn limit(app: &App, peer: IpAddr) -> Result<(), Problem> {
    match app.limits.login(peer) {
        Limited::Pass => Ok(()),
        Limited::Hit(limit) => Err(Problem::rate_limited(limit)),
    }
}

pub const fn too_many() -> LimitHit {
    LimitHit {
        policy: "links-of-customer",
        burst: emails::LINKS_AN_HOUR,
        window_seconds: 3_600,
        wait_seconds: 3_600,
    }
}

/// Opens a link from an e-mail, once: mints its session. An error comes with the session that a new link
/// would continue.
pub async fn open(
    app: &App,
    id: EmailId,
) -> Result<PortalSessionId, (Option<PortalSessionId>, ExchangeError)> {
    let none = |error: DbError| (None, ExchangeError::Db(error));
    let sent = async { emails::sent_link(&mut app.db.read().await?, id).await };
    let Some(old) = sent.await.map_err(none)? else { return Err((None, ExchangeError::Unknown)) };
    let new = PortalSessionId::from_u128(id.to_u128());
    let is_late = app.clock.now() >= id.made_at().plus_seconds(LINK_LIVES_SECONDS);
    let minted =
        if is_late { Err(MintError::SessionEnded) } else { continue_session(app, old, new).await };
    match minted {
        Ok(minted) => Ok(minted.sid),
        Err(MintError::Db(error)) => Err(none(error)),
        Err(MintError::Signing(error)) => Err((None, ExchangeError::Refresh(error.into()))),
        Err(
            MintError::SessionEnded
            | MintError::CustomerArchived
            | MintError::CustomerNotFound
            | MintError::StaleKey
            | MintError::KeyReused,
        ) => {
            let sid = session_of(app, id).await.map_err(none)?.unwrap_or(old);
            Err((Some(sid), why_closed(app, sid).await))
        }
    }
}

/// Returns the session that a link from an e-mail has opened or, before that, the one that it continues.
async fn session_of(app: &App, id: EmailId) -> Result<Option<PortalSessionId>, DbError> {
    let new = PortalSessionId::from_u128(id.to_u128());
    if continuable(app, new).await?.is_some() {
        return Ok(Some(new));
    }
    emails::sent_link(&mut app.db.read().await?, id).await
}

/// Returns the masked address that a new link would be sent to, if one would.
pub async fn hint(app: &App, sid: PortalSessionId) -> Result<Option<String>, DbError> {
    let Some(record) = continuable(app, sid).await? else { return Ok(None) };
    let tenant = record.session.tenant;
    let is_sent = emails::sends(app, &tenant, EmailKind::PortalLink).await?;
    Ok(is_sent.then(|| masked(&record.customer.email)))
}

/// Returns an address as its owner recognizes it: `a…@example.com`.
pub fn masked(address: &str) -> String {
    let (name, domain) = address.rsplit_once('@').unwrap_or_default();
    let first: String = name.chars().take(1).collect();
    format!("{first}…@{domain}")
}
