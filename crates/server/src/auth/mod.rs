//! Caller types: each kind of caller is a type with one constructor here, and a handler's signature
//! names it.
//!
//! [`SecretKey`], [`Portal`] and [`Caller`] carry the required scope in their type, so a handler
//! cannot forget the check. The format of the credential decides the kind.

mod authenticate;
mod describe;
mod reach;

use crate::app::App;
use crate::audit::Actor;
use crate::auth::authenticate::{
    authenticate_key, authenticate_portal, check_daily_writes, check_framing, check_key_scope,
    credential, limited_key,
};
use crate::base::{ApiKeyId, PortalSessionId, Secret, Viewer};
use crate::http::Problem;
use crate::keys::{KeyKind, KeyRecord, KeyScopes};
use crate::organizations::Tenant;
use crate::portal::VerifiedSession;
use axum::extract::FromRequestParts;
use http::request::Parts;
use std::sync::Arc;

/// Marks an operation, in the portal scope of its caller, that a session may call which is bound to an
/// invoice. Without the mark such a session is refused. The handler has to reach every object by
/// [`Caller::reach`], which finds the invoice and its payment attempts only.
pub const INVOICE_LINK: u32 = 1 << 31;

/// Any caller: a public route.
#[derive(Debug)]
pub struct Anyone(());

/// A backend with a secret key that has this scope.
#[derive(Debug)]
pub struct SecretKey<const SCOPE: u32> {
    key: AuthenticatedKey,
}

/// A backend that revokes sessions. Allowed while the organization is suspended, and not
/// rate-limited.
#[derive(Debug)]
pub struct RevokingKey {
    key: AuthenticatedKey,
}

/// A browser with a portal token that has this scope. 0 requires no scope.
#[derive(Debug)]
pub struct Portal<const SCOPE: u32> {
    session: VerifiedSession,
    token: Secret,
}

/// Either of the two, each with its scope: for routes shared by backend and browser.
#[derive(Debug)]
pub enum Caller<const KEY_SCOPE: u32, const PORTAL_SCOPE: u32> {
    Key(SecretKey<KEY_SCOPE>),
    Portal(Box<Portal<PORTAL_SCOPE>>),
}

/// A caller that may read the public catalog: a backend with the scope to read all of it, a portal
/// token with any scope, or a page with a publishable key.
#[derive(Debug)]
pub enum CatalogCaller<const PORTAL_SCOPE: u32 = 0> {
    Key(SecretKey<{ KeyScopes::CATALOG_READ }>),
    Portal(Box<Portal<PORTAL_SCOPE>>),
    Publishable(PublishableKey),
}

/// A page with a publishable key.
#[derive(Debug)]
pub struct PublishableKey {
    key: AuthenticatedKey,
}

#[derive(Debug)]
struct AuthenticatedKey {
    id: ApiKeyId,
    record: KeyRecord,
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

    /// Returns the viewer for whom objects are read.
    pub const fn viewer(&self) -> Viewer {
        let session = self.session.session();
        match session.invoice_id {
            None => Viewer::Customer(session.customer_no),
            Some(invoice) => Viewer::Invoice(session.customer_no, invoice),
        }
    }
}

impl<const K: u32, const P: u32> Caller<K, P> {
    /// Returns the scope of idempotency keys: the API key or, for a portal token, the customer. A link to
    /// an invoice has keys of its own.
    pub fn idempotency_scope(&self) -> String {
        match self {
            Self::Key(key) => key.id().to_string(),
            Self::Portal(portal) => {
                let session = portal.verified().session();
                match session.invoice_id {
                    None => session.customer_id.to_string(),
                    Some(invoice) => format!("{} {invoice}", session.customer_id),
                }
            }
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

impl<const P: u32> CatalogCaller<P> {
    pub const fn tenant(&self) -> Tenant {
        match self {
            Self::Key(key) => key.tenant(),
            Self::Portal(portal) => portal.tenant(),
            Self::Publishable(key) => key.key.record.tenant,
        }
    }

    /// Returns the viewer for whom the catalog is read.
    pub const fn viewer(&self) -> Viewer {
        match self {
            Self::Key(_) => Viewer::Backend,
            Self::Portal(portal) => portal.viewer(),
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
            if !parts.method.is_safe() {
                app.check_billing_clock()?;
                check_daily_writes(app, &portal)?;
            }
            return Ok(Self::Portal(Box::new(portal)));
        }
        let key = limited_key(parts, app, &credential, KeyKind::Secret, K).await?;
        Ok(Self::Key(SecretKey { key }))
    }
}

impl<const P: u32> FromRequestParts<Arc<App>> for CatalogCaller<P> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        check_framing(&parts.headers)?;
        let credential = credential(&parts.headers)?;
        if credential.means_portal() {
            let portal = authenticate_portal(parts, app, &credential).await?;
            return Ok(Self::Portal(Box::new(portal)));
        }
        if credential.key().and_then(KeyKind::guess) == Some(KeyKind::Publishable) {
            let key = limited_key(parts, app, &credential, KeyKind::Publishable, 0).await?;
            return Ok(Self::Publishable(PublishableKey { key }));
        }
        let scope = KeyScopes::CATALOG_READ;
        let key = limited_key(parts, app, &credential, KeyKind::Secret, scope).await?;
        Ok(Self::Key(SecretKey { key }))
    }
}
