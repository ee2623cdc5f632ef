//! HTTP handler of the hosted page's exchange: a code or the page's cookie for the session's token.

use super::http_browser::RefreshResponse;
use super::{ExchangeError, Opening, PageOptions, exchange as open};
use crate::app::App;
use crate::auth::Anyone;
use crate::base::{EmailId, PortalSessionId, Secret};
use crate::branding;
use crate::branding::http::BrandingResponse;
use crate::http::leaves::TextUpTo;
use crate::http::wire::Request;
use crate::http::{Body, Code, Fields, Json, Problem};
use crate::organizations::Tenant;
use crate::portal::http_initial_data::{self, InitialData, Inner};
use crate::portal::{http_invoice_link, http_link};
use crate::signing::InvoiceLink;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode, header};
use std::net::IpAddr;
use std::sync::Arc;
use unitpay_request::response;

const PATH: &str = "/v1/portal-sessions/exchange";

#[derive(Debug, Request)]
#[request(before = Self::check)]
pub struct ExchangeRequest {
    /// The part of the session's `url` behind `#`; excludes `sid`.
    #[request(with = TextUpTo<200>)]
    pub code: Option<String>,
    /// With the cookie of an earlier exchange, after a reload; excludes `code`.
    #[request(with = TextUpTo<64>)]
    pub sid: Option<String>,
}

impl ExchangeRequest {
    fn check(fields: &mut Fields) {
        fields.exactly_one("code", "sid");
    }
}

#[response]
pub struct ExchangeResponse {
    #[serde(flatten)]
    pub token: RefreshResponse,
    /// The portal's first data, as `{"<path>?<query>": response}`.
    #[schema(value_type = BTreeMap<String, Value>)]
    pub initial_data: InitialData,
}

/// Exchanges the code of a session's `url`, once, for the session's token. For the hosted page.
#[utoipa::path(post, path = "/v1/portal-sessions/exchange", tag = "portalSessions", operation_id = "exchangePortalCode",
    responses((status = 200, body = ExchangeResponse)))]
pub async fn exchange(
    State(app): State<Arc<App>>,
    _: Anyone,
    inner: Inner,
    headers: HeaderMap,
    body: Body<ExchangeRequest>,
) -> Result<Response, Problem> {
    require_same_origin(&headers, &app)?;
    let (ExchangeRequest { code, sid }, _) = body.read()?;
    app.check_clock()?;
    let peer = inner.info.peer;
    let Some(known) = Known::read(&app, &headers, (code, sid)) else {
        note_bad_code(&app, peer)?;
        return Err(invalid_code());
    };
    let opening = match known {
        Known::Session(opening) => opening,
        Known::Link(id) => match http_link::open(&app, id).await {
            Ok(sid) => Opening::Cookie(sid),
            Err((sid, error)) => return Err(refused(&app, peer, sid, error).await),
        },
        Known::Invoice(link) => Opening::Cookie(http_invoice_link::open(&app, peer, &link).await?),
    };
    let (verified, next) = match open(&app, opening).await {
        Ok(opened) => opened,
        Err(error) => return Err(refused(&app, peer, Some(opening.sid()), error).await),
    };
    let session = verified.session();
    let initial_data = http_initial_data::gather(&app, &inner, session, next.token.reveal()).await;
    let cookie = session_cookie(&app, session.sid);
    let body = ExchangeResponse { token: RefreshResponse::from(next), initial_data };
    let body = Json(StatusCode::OK, body).compressed_for(&headers);
    Ok(([(header::SET_COOKIE, cookie)], body).into_response())
}

/// A code or a cookie that this server issued.
pub enum Known {
    Session(Opening),
    /// A new link in an e-mail.
    Link(EmailId),
    /// A link to one invoice.
    Invoice(InvoiceLink),
}

impl Known {
    /// Reads the code, or the id and its cookie.
    pub fn read(
        app: &App,
        headers: &HeaderMap,
        (code, sid): (Option<String>, Option<String>),
    ) -> Option<Self> {
        let Some(code) = code else {
            return by_cookie(app, headers, &sid?).map(Self::Session);
        };
        let opening = app.codes.open(&code).map(Opening::Code).map(Self::Session);
        let opening = opening.or_else(|| app.codes.open_link(&code).map(Self::Link));
        opening.or_else(|| app.codes.open_invoice_link(&code).map(Self::Invoice))
    }
}

/// Refuses other pages. A client that is no browser sends neither header.
pub fn require_same_origin(headers: &HeaderMap, app: &App) -> Result<(), Problem> {
    let says = |name: &str, right: &str| {
        headers.get_all(name).iter().all(|value| value.as_bytes() == right.as_bytes())
    };
    if says("origin", &app.origin) && says("sec-fetch-site", "same-origin") {
        return Ok(());
    }
    Err(Problem::new(Code::OriginNotAllowed, "Only the hosted page may call this route."))
}

fn by_cookie(app: &App, headers: &HeaderMap, sid: &str) -> Option<Opening> {
    let sid: PortalSessionId = sid.parse().ok()?;
    let is_own = |value: &str| app.codes.is_cookie(sid, value);
    cookie_of(headers, &sid.to_string(), is_own).then_some(Opening::Cookie(sid))
}

/// Whether the browser has a cookie of this id with a right value.
pub fn cookie_of(headers: &HeaderMap, id: &str, is_right: impl Fn(&str) -> bool) -> bool {
    let name = format!("upay_{id}=");
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut cookies = cookies.flat_map(|text| text.split(';'));
    cookies.any(|cookie| cookie.trim().strip_prefix(&name).is_some_and(&is_right))
}

/// The cookie with which this browser opens a session again.
pub fn session_cookie(app: &App, sid: PortalSessionId) -> String {
    set_cookie(app, &sid.to_string(), PATH, &app.codes.cookie(sid))
}

/// A cookie for one route only, not readable by scripts, until the browser is closed.
pub fn set_cookie(app: &App, id: &str, path: &str, value: &Secret) -> String {
    let secure = if is_plain_loopback(&app.origin) { "" } else { "; Secure" };
    let path = format!("{}{path}", app.base_path);
    format!("upay_{id}={}; Path={path}; HttpOnly; SameSite=Strict{secure}", value.reveal())
}

fn is_plain_loopback(origin: &str) -> bool {
    let host = origin.strip_prefix("http://").unwrap_or_default();
    let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
    ["localhost", "127.0.0.1", "[::1]"].contains(&host)
}

pub fn invalid_code() -> Problem {
    Problem::new(Code::InvalidCode, "The link is not valid, was used or has expired.")
}

/// Codes that open nothing count as bad credentials.
pub fn note_bad_code(app: &App, peer: IpAddr) -> Result<(), Problem> {
    if let Some(limit) = app.limits.shuts_out(peer) {
        return Err(Problem::rate_limited(limit));
    }
    app.limits.note_bad_credentials(peer);
    Ok(())
}

/// A code that this server issued gets the way back.
pub async fn refused(
    app: &App,
    peer: IpAddr,
    sid: Option<PortalSessionId>,
    error: ExchangeError,
) -> Problem {
    let (problem, tenant, page) = match error {
        ExchangeError::Db(error) => return error.into(),
        ExchangeError::Refresh(error) => return error.into(),
        ExchangeError::Unknown => return invalid_code(),
        ExchangeError::TooOften(limit) => return Problem::rate_limited(limit),
        ExchangeError::CodeSpent(tenant, page) => match note_bad_code(app, peer) {
            Ok(()) => (invalid_code(), tenant, page),
            Err(limited) => return limited,
        },
        ExchangeError::Refused(refusal, tenant, page) => (refusal.into(), tenant, page),
    };
    let hint = match sid {
        Some(sid) => http_link::hint(app, sid).await.unwrap_or_default(),
        None => None,
    };
    let problem = match hint {
        Some(hint) => problem.with("emailHint", hint),
        None => problem,
    };
    with_way_back(app, problem, tenant, page).await
}

/// Adds the branding and the link back, which the page shows.
pub async fn with_way_back(
    app: &App,
    problem: Problem,
    tenant: Tenant,
    page: PageOptions,
) -> Problem {
    let problem = match page.return_url {
        Some(url) => problem.with("returnUrl", url),
        None => problem,
    };
    let branding = async { branding::get(&mut app.db.read().await?, &tenant).await }.await;
    match branding.map(|branding| serde_json::to_value(BrandingResponse::to_browser(branding))) {
        Ok(Ok(branding)) => problem.with("branding", branding),
        Ok(Err(_)) | Err(_) => problem,
    }
}
