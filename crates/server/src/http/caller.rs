//! Who may call: each kind of caller is a type, made here alone, and a handler's signature names it.
//!
//! [`SecretKey`], [`Portal`] and [`Caller`] carry the scope they demand in their type, so there is
//! no check that a handler could forget. The kind is decided by the credential's shape.

use super::request::RequestInfo;
use super::{Code, Problem};
use crate::app::App;
use crate::audit::Actor;
use crate::base::{ApiKeyId, PortalSessionId, Secret};
use crate::catalog::Viewer;
use crate::keys::{self, KeyKind, KeyRecord, KeyScopes, KeyText};
use crate::limits::Limited;
use crate::organizations::Tenant;
use crate::portal::{self, PortalScopes, VerifiedSession};
use axum::extract::FromRequestParts;
use http::request::Parts;
use http::{HeaderMap, header};
use std::sync::Arc;
use subtle::ConstantTimeEq;

/// Nobody in particular: a public route.
#[derive(Debug)]
pub struct Anyone(());

/// A backend, by a secret key with this scope.
#[derive(Debug)]
pub struct SecretKey<const SCOPE: u32> {
    key: AuthenticatedKey,
}

/// A backend that revokes sessions: it may while the organization is suspended, and is not limited.
#[derive(Debug)]
pub struct RevokingKey {
    key: AuthenticatedKey,
}

/// A browser, by a portal token with this scope. No scope is 0.
#[derive(Debug)]
pub struct Portal<const SCOPE: u32> {
    session: VerifiedSession,
    token: Secret,
}

/// Either, each with its scope: the routes that backend and browser share.
#[derive(Debug)]
pub enum Caller<const KEY_SCOPE: u32, const PORTAL_SCOPE: u32> {
    Key(SecretKey<KEY_SCOPE>),
    Portal(Box<Portal<PORTAL_SCOPE>>),
}

/// Whoever may read the public catalog: a backend that may read all of it, a portal token of any
/// scope, or a page with a publishable key.
#[derive(Debug)]
pub enum CatalogCaller {
    Key(SecretKey<{ KeyScopes::CATALOG_READ }>),
    Portal(Box<Portal<0>>),
    Publishable(PublishableKey),
}

/// A page of anybody's, by a publishable key.
#[derive(Debug)]
pub struct PublishableKey {
    key: AuthenticatedKey,
}

#[derive(Debug)]
struct AuthenticatedKey {
    id: ApiKeyId,
    record: KeyRecord,
}

/// The one credential that a request carries.
enum Credential<'r> {
    None,
    /// In `x-api-key`.
    ApiKey(&'r str),
    /// Behind `Authorization: Bearer`.
    Bearer(&'r str),
    /// Some other `Authorization`, or bytes that are no text.
    Other,
}

impl<const SCOPE: u32> SecretKey<SCOPE> {
    pub const fn tenant(&self) -> Tenant {
        self.key.record.tenant
    }

    pub const fn id(&self) -> ApiKeyId {
        self.key.id
    }

    pub const fn actor(&self) -> Actor {
        Actor::ApiKey(self.key.id)
    }

    pub const fn record(&self) -> &KeyRecord {
        &self.key.record
    }
}

impl RevokingKey {
    pub const fn tenant(&self) -> Tenant {
        self.key.record.tenant
    }

    pub const fn actor(&self) -> Actor {
        Actor::ApiKey(self.key.id)
    }
}

impl<const SCOPE: u32> Portal<SCOPE> {
    pub const fn verified(&self) -> &VerifiedSession {
        &self.session
    }

    pub fn token(&self) -> &str {
        self.token.reveal()
    }

    pub const fn tenant(&self) -> Tenant {
        self.session.session().tenant
    }

    pub const fn sid(&self) -> PortalSessionId {
        self.session.session().sid
    }

    pub const fn actor(&self) -> Actor {
        Actor::PortalSession(self.session.session().sid)
    }
}

impl<const K: u32, const P: u32> Caller<K, P> {
    /// Whose idempotency keys it uses: the API key's, or for a portal token the customer's.
    pub fn idempotency_scope(&self) -> String {
        match self {
            Self::Key(key) => key.id().to_string(),
            Self::Portal(portal) => portal.verified().session().customer_id.to_string(),
        }
    }

    /// The customer that a portal token is of; a key may reach them all.
    pub const fn only_customer(&self) -> Option<i64> {
        match self {
            Self::Key(_) => None,
            Self::Portal(portal) => Some(portal.verified().session().customer_no),
        }
    }

    pub const fn tenant(&self) -> Tenant {
        match self {
            Self::Key(key) => key.tenant(),
            Self::Portal(portal) => portal.tenant(),
        }
    }

    pub const fn actor(&self) -> Actor {
        match self {
            Self::Key(key) => key.actor(),
            Self::Portal(portal) => portal.actor(),
        }
    }
}

impl CatalogCaller {
    pub const fn tenant(&self) -> Tenant {
        match self {
            Self::Key(key) => key.tenant(),
            Self::Portal(portal) => portal.tenant(),
            Self::Publishable(key) => key.key.record.tenant,
        }
    }

    /// For whom the catalog is read.
    pub const fn viewer(&self) -> Viewer {
        match self {
            Self::Key(_) => Viewer::Backend,
            Self::Portal(portal) => Viewer::Customer(portal.verified().session().customer_no),
            Self::Publishable(_) => Viewer::Public,
        }
    }
}

impl FromRequestParts<Arc<App>> for Anyone {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<App>) -> Result<Self, Problem> {
        check_framing(&parts.headers)?;
        Ok(Self(()))
    }
}

impl<const SCOPE: u32> FromRequestParts<Arc<App>> for SecretKey<SCOPE> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        check_framing(&parts.headers)?;
        let credential = credential(&parts.headers)?;
        Ok(Self { key: limited_key(parts, app, &credential, KeyKind::Secret, SCOPE).await? })
    }
}

impl FromRequestParts<Arc<App>> for RevokingKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        check_framing(&parts.headers)?;
        let credential = credential(&parts.headers)?;
        let key = authenticate_key(parts, app, &credential, KeyKind::Secret).await?;
        check_key_scope(&key, KeyScopes::PORTAL_SESSIONS_WRITE)?;
        Ok(Self { key })
    }
}

impl<const SCOPE: u32> FromRequestParts<Arc<App>> for Portal<SCOPE> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        check_framing(&parts.headers)?;
        let credential = credential(&parts.headers)?;
        authenticate_portal(parts, app, &credential).await
    }
}

impl<const K: u32, const P: u32> FromRequestParts<Arc<App>> for Caller<K, P> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        check_framing(&parts.headers)?;
        let credential = credential(&parts.headers)?;
        if credential.means_portal() {
            let portal = authenticate_portal(parts, app, &credential).await?;
            return Ok(Self::Portal(Box::new(portal)));
        }
        let key = limited_key(parts, app, &credential, KeyKind::Secret, K).await?;
        Ok(Self::Key(SecretKey { key }))
    }
}

impl FromRequestParts<Arc<App>> for CatalogCaller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        check_framing(&parts.headers)?;
        let credential = credential(&parts.headers)?;
        if credential.means_portal() {
            let portal = authenticate_portal(parts, app, &credential).await?;
            return Ok(Self::Portal(Box::new(portal)));
        }
        if credential.key().and_then(KeyKind::of) == Some(KeyKind::Publishable) {
            let key = limited_key(parts, app, &credential, KeyKind::Publishable, 0).await?;
            return Ok(Self::Publishable(PublishableKey { key }));
        }
        let scope = KeyScopes::CATALOG_READ;
        let key = limited_key(parts, app, &credential, KeyKind::Secret, scope).await?;
        Ok(Self::Key(SecretKey { key }))
    }
}

impl Credential<'_> {
    /// Whether it means to be a portal token, good or not.
    fn means_portal(&self) -> bool {
        match self {
            Self::None | Self::ApiKey(_) => false,
            Self::Bearer(text) => !text.starts_with("upay_"),
            Self::Other => true,
        }
    }

    /// What may be an API key.
    const fn key(&self) -> Option<&str> {
        match self {
            Self::ApiKey(text) | Self::Bearer(text) => Some(text),
            Self::None | Self::Other => None,
        }
    }
}

/// What hyper lets pass and a proxy in front might read in another way than we do. A Content-Length
/// beside a Transfer-Encoding never comes here: hyper reads by the latter, drops the former and
/// closes the connection after the answer (RFC 9112, section 6.1).
fn check_framing(headers: &HeaderMap) -> Result<(), Problem> {
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

fn credential(headers: &HeaderMap) -> Result<Credential<'_>, Problem> {
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

/// A key as every route but revocation takes it: in scope, of an active organization, in its limit.
async fn limited_key(
    parts: &Parts,
    app: &App,
    credential: &Credential<'_>,
    kind: KeyKind,
    scope: u32,
) -> Result<AuthenticatedKey, Problem> {
    let key = authenticate_key(parts, app, credential, kind).await?;
    check_key_scope(&key, scope)?;
    if key.record.organization_suspended {
        let detail = "The organization is suspended.";
        return Err(Problem::new(Code::OrganizationSuspended, detail));
    }
    match app.limits.secret_key(key.id) {
        Limited::Pass => Ok(key),
        Limited::Hit(limit) => Err(Problem::rate_limited(limit)),
    }
}

async fn authenticate_key(
    parts: &Parts,
    app: &App,
    credential: &Credential<'_>,
    kind: KeyKind,
) -> Result<AuthenticatedKey, Problem> {
    if matches!(credential, Credential::None) {
        return Err(missing());
    }
    let text = credential.key().filter(|text| KeyKind::of(text) == Some(kind));
    let text = text.ok_or_else(invalid_api_key)?;
    // Node's own fetch sends `Sec-Fetch-Mode`; these two only a browser sends.
    let from_browser = ["origin", "sec-fetch-site"];
    if kind == KeyKind::Secret && from_browser.iter().any(|name| parts.headers.contains_key(*name))
    {
        let detail = "A secret key must never be used in a browser; revoke it.";
        return Err(Problem::new(Code::SecretKeyInBrowser, detail));
    }
    let info = RequestInfo::of(parts)?;
    // Looking at a key costs one read at most, so a good one passes whatever else its peer sent:
    // others may call from the same address, and nobody else's noise may keep a key from revoking.
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
    // An unknown id is compared too, with what nothing hashes to that anybody knows.
    let expected = record.as_ref().map_or([0; 32], |record| record.secret_digest);
    let same = bool::from(expected.ct_eq(&key.digest()));
    let now = app.clock.now();
    let record = record
        .filter(|record| same && !record.revoked)
        .filter(|record| record.expires_at.is_none_or(|end| now < end))
        .ok_or_else(bad)?;
    info.set_caller(Actor::ApiKey(id));
    app.key_uses.note(id, now);
    Ok(AuthenticatedKey { id, record })
}

fn check_key_scope(key: &AuthenticatedKey, scope: u32) -> Result<(), Problem> {
    if key.record.scopes.contains(scope) {
        return Ok(());
    }
    Err(insufficient_scope(&KeyScopes::from_bits(scope).to_string(), "API key"))
}

fn insufficient_scope(scope: &str, holder: &str) -> Problem {
    Problem::new(Code::InsufficientScope, format!("The {holder} lacks the scope {scope}."))
}

async fn authenticate_portal<const SCOPE: u32>(
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
    let info = RequestInfo::of(parts)?;
    let verified = portal::verify(app, token, Some(info.peer)).await?;
    let session = verified.session();
    info.set_caller(Actor::PortalSession(session.sid));
    if !session.scopes.contains(SCOPE) {
        return Err(insufficient_scope(&PortalScopes::from_bits(SCOPE).to_string(), "token"));
    }
    check_origin(&parts.headers, app, session)?;
    match app.limits.portal_session(session.sid) {
        Limited::Pass => Ok(Portal { session: verified, token: Secret::new(token.to_owned()) }),
        Limited::Hit(limit) => Err(Problem::rate_limited(limit)),
    }
}

/// A guard against other pages, not authentication: whoever is no browser sends what they like.
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
    if origin == app.issuer || session.allows_origin(origin) {
        return Ok(());
    }
    Err(Problem::new(Code::OriginNotAllowed, "This session may not be used from this origin."))
}
