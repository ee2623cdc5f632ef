//! Reads and authenticates the one credential of a request.

use crate::app::App;
use crate::audit::Actor;
use crate::auth::{AuthenticatedKey, INVOICE_LINK, Portal};
use crate::base::Secret;
use crate::http::request::RequestInfo;
use crate::http::{Code, Problem};
use crate::keys::{self, KeyKind, KeyScopes, KeyText};
use crate::limits::Limited;
use crate::portal::{self, PortalScopes};
use http::request::Parts;
use http::{HeaderMap, header};
use subtle::ConstantTimeEq;

/// The credential of a request.
pub enum Credential<'r> {
    None,
    /// Sent in `x-api-key`.
    ApiKey(&'r str),
    /// Sent as `Authorization: Bearer`.
    Bearer(&'r str),
    /// Another `Authorization` scheme, or bytes that are not text.
    Other,
}

impl Credential<'_> {
    /// Whether this is meant to be a portal token, valid or not.
    pub fn means_portal(&self) -> bool {
        match self {
            Self::None | Self::ApiKey(_) => false,
            Self::Bearer(text) => !text.starts_with("upay_"),
            Self::Other => true,
        }
    }

    /// Returns the text that may be an API key.
    pub const fn key(&self) -> Option<&str> {
        match self {
            Self::ApiKey(text) | Self::Bearer(text) => Some(text),
            Self::None | Self::Other => None,
        }
    }
}

/// Refuses framing that hyper accepts and a proxy might interpret differently. A Content-Length
/// next to a Transfer-Encoding never arrives here: hyper honours the latter, drops the former and
/// closes the connection after the response (RFC 9112, section 6.1).
pub fn check_framing(headers: &HeaderMap) -> Result<(), Problem> {
    let malformed = |detail| Err(Problem::new(Code::MalformedRequest, detail));
    let count = |name| headers.get_all(name).iter().count();
    if count(header::HOST) != 1 {
        return malformed("A request needs exactly one Host header.");
    }
    if count(header::AUTHORIZATION) > 1 || headers.get_all("x-api-key").iter().count() > 1 {
        return malformed("A credential header must not be repeated.");
    }
    Ok(())
}

pub fn credential(headers: &HeaderMap) -> Result<Credential<'_>, Problem> {
    match (headers.get("x-api-key"), headers.get(header::AUTHORIZATION)) {
        (None, None) => Ok(Credential::None),
        (Some(_), Some(_)) => {
            let detail = "Send one credential, in x-api-key or in Authorization.";
            Err(Problem::new(Code::AmbiguousCredentials, detail))
        }
        (Some(key), None) => Ok(key.to_str().map_or(Credential::Other, Credential::ApiKey)),
        (None, Some(value)) => {
            let bearer =
                value.to_str().ok().and_then(|text| text.split_once(' ')).and_then(
                    |(scheme, token)| scheme.eq_ignore_ascii_case("bearer").then_some(token),
                );
            Ok(bearer.map_or(Credential::Other, Credential::Bearer))
        }
    }
}

fn missing() -> Problem {
    Problem::new(Code::MissingCredentials, "This route needs a credential.")
}

fn invalid_api_key() -> Problem {
    Problem::new(Code::InvalidApiKey, "The API key is not valid.")
}

/// Sessions and keys are revoked whatever the clock says. Handlers that mint one check the clock.
const CHECKED_BY_HANDLERS: KeyScopes = KeyScopes::from_bits(
    KeyScopes::PORTAL_SESSIONS_WRITE | KeyScopes::PORTAL_SESSIONS_READ | KeyScopes::API_KEYS_WRITE,
);

/// Checks a key for every route except revocation: scope, active organization, rate limit.
pub async fn limited_key(
    parts: &Parts,
    app: &App,
    credential: &Credential<'_>,
    kind: KeyKind,
    scope: u32,
) -> Result<AuthenticatedKey, Problem> {
    let key = authenticate_key(parts, app, credential, kind).await?;
    check_key_scope(&key, scope)?;
    if !parts.method.is_safe() && !CHECKED_BY_HANDLERS.contains(scope) {
        app.check_billing_clock()?;
    }
    if key.record.organization_suspended {
        let detail = "The organization is suspended.";
        return Err(Problem::new(Code::OrganizationSuspended, detail));
    }
    match app.limits.secret_key(key.id) {
        Limited::Pass => Ok(key),
        Limited::Hit(limit) => Err(Problem::rate_limited(limit)),
    }
}

pub async fn authenticate_key(
    parts: &Parts,
    app: &App,
    credential: &Credential<'_>,
    kind: KeyKind,
) -> Result<AuthenticatedKey, Problem> {
    if matches!(credential, Credential::None) {
        return Err(missing());
    }
    let text = credential.key().filter(|text| KeyKind::guess(text) == Some(kind));
    let text = text.ok_or_else(invalid_api_key)?;
    // Node's fetch sends `Sec-Fetch-Mode`. Only browsers send these two headers.
    let from_browser = ["origin", "sec-fetch-site"];
    if kind == KeyKind::Secret && from_browser.iter().any(|name| parts.headers.contains_key(*name))
    {
        let detail = "A secret key must never be used in a browser; revoke it.";
        return Err(Problem::new(Code::SecretKeyInBrowser, detail));
    }
    let info = RequestInfo::get(parts)?;
    // Looking up a key costs at most one read, so a good key passes whatever else its peer address
    // sends. Others may share the address, and their noise must not stop a backend from revoking.
    let bad = || match app.limits.shuts_out(info.peer) {
        Some(limit) => Problem::rate_limited(limit),
        None => {
            app.limits.note_bad_credentials(info.peer);
            invalid_api_key()
        }
    };
    let key = KeyText::parse(text).ok_or_else(bad)?;
    let id = key.key_id();
    let record = keys::record(&mut app.db.read().await?, id).await?;
    // An unknown id does the same comparison, with a digest that no known text has.
    let expected = record.as_ref().map_or([0; 32], |record| record.secret_digest);
    let same = bool::from(expected.ct_eq(&key.digest()));
    let now = app.clock.now();
    let expiry = app.clock_guard.verdict().expiry_time(now);
    let record = record
        .filter(|record| same && !record.revoked)
        .filter(|record| record.expires_at.is_none_or(|end| expiry < end))
        .ok_or_else(bad)?;
    info.set_caller(Actor::ApiKey(id));
    app.key_uses.note(id, now);
    Ok(AuthenticatedKey { id, record })
}

pub fn check_key_scope(key: &AuthenticatedKey, scope: u32) -> Result<(), Problem> {
    if key.record.scopes.contains(scope) {
        return Ok(());
    }
    Err(insufficient_scope(&KeyScopes::from_bits(scope).to_string(), "API key"))
}

fn insufficient_scope(scope: &str, holder: &str) -> Problem {
    Problem::new(Code::InsufficientScope, format!("The {holder} lacks the scope {scope}."))
}

pub async fn authenticate_portal<const SCOPE: u32>(
    parts: &Parts,
    app: &App,
    credential: &Credential<'_>,
) -> Result<Portal<SCOPE>, Problem> {
    let invalid = || Problem::from(portal::Refusal::Invalid);
    let token = match credential {
        Credential::None => return Err(missing()),
        Credential::ApiKey(_) | Credential::Other => return Err(invalid()),
        Credential::Bearer(token) => *token,
    };
    app.check_clock()?;
    let info = RequestInfo::get(parts)?;
    let verified = portal::verify(app, token, Some(info.peer)).await?;
    let session = verified.session();
    info.set_caller(Actor::PortalSession(session.sid));
    check_portal_scope(session, SCOPE)?;
    check_origin(&parts.headers, app, session)?;
    match app.limits.portal_session(session.sid) {
        Limited::Pass => Ok(Portal { session: verified, token: Secret::new(token.to_owned()) }),
        Limited::Hit(limit) => Err(Problem::rate_limited(limit)),
    }
}

/// Checks a scope of a portal token. A session that is bound to an invoice may call only the operations
/// that are marked for it, whatever their scope.
fn check_portal_scope(session: &portal::PortalSession, scope: u32) -> Result<(), Problem> {
    let is_allowed = match session.invoice_id {
        None => session.scopes.contains(scope & !INVOICE_LINK),
        Some(_) => scope & INVOICE_LINK != 0,
    };
    match (is_allowed, session.invoice_id) {
        (true, _) => Ok(()),
        (false, None) => {
            Err(insufficient_scope(&PortalScopes::from_bits(scope).to_string(), "token"))
        }
        (false, Some(_)) => {
            let detail = "A link to an invoice opens that invoice only.";
            Err(Problem::new(Code::InsufficientScope, detail))
        }
    }
}

/// Counts a request that may write. Requests that only read, such as a check, need no scope to write.
pub fn check_daily_writes<const SCOPE: u32>(
    app: &App,
    portal: &Portal<SCOPE>,
) -> Result<(), Problem> {
    if PortalScopes::READ_ONLY.contains(SCOPE & !INVOICE_LINK) {
        return Ok(());
    }
    let session = portal.verified().session();
    match app.limits.customer_write(session.tenant.no, session.customer_no, session.invoice_id) {
        Limited::Pass => Ok(()),
        Limited::Hit(limit) => Err(Problem::rate_limited(limit)),
    }
}

/// Protects against other pages. This is not authentication: a client that is not a browser can
/// send any header.
fn check_origin(
    headers: &HeaderMap,
    app: &App,
    session: &portal::PortalSession,
) -> Result<(), Problem> {
    let mut origins = headers.get_all(header::ORIGIN).iter();
    let origin = match (origins.next(), origins.next()) {
        (None, _) => return Ok(()),
        (Some(origin), None) => origin.to_str().unwrap_or("null"),
        (Some(_), Some(_)) => "null",
    };
    if origin == app.origin || session.allows_origin(origin) {
        return Ok(());
    }
    Err(Problem::new(Code::OriginNotAllowed, "This session may not be used from this origin."))
}
