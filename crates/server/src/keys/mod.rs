//! API keys: secret keys for backends, and publishable keys for pages that read the public catalog.
//!
//! A key is `upay_sk_` or `upay_pk_`, the key's id, a 256-bit secret and a CRC-32, in base62. The
//! store keeps a SHA-256 digest, and the key is shown once. With the checksum, secret scanners can
//! recognize leaked keys without calling the server. A publishable key has no scopes, and only the
//! operator creates one.

pub mod format;
pub mod http;
mod sql;

pub use format::{KeyKind, KeyText};
pub use sql::{any, note_use, of_all_tenants, record, revoke_all};

use crate::audit::{self, Action, Actor, Author, NewAuditEvent};
use crate::base::{ApiKeyId, Ids, Random, Time, scopes::scopes};
use crate::db::{DbError, FromRow, ToRow, Tx};
use crate::organizations::Tenant;

scopes! {
    /// The permissions of a secret key.
    KeyScopes {
        PORTAL_SESSIONS_READ = "portal_sessions:read",
        PORTAL_SESSIONS_WRITE = "portal_sessions:write",
        CUSTOMERS_READ = "customers:read",
        CUSTOMERS_WRITE = "customers:write",
        CATALOG_READ = "catalog:read",
        CATALOG_WRITE = "catalog:write",
        SUBSCRIPTIONS_READ = "subscriptions:read",
        SUBSCRIPTIONS_WRITE = "subscriptions:write",
        INVOICES_READ = "invoices:read",
        INVOICES_WRITE = "invoices:write",
        PAYMENT_METHODS_READ = "payment_methods:read",
        PAYMENT_METHODS_WRITE = "payment_methods:write",
        CREDITS_READ = "credits:read",
        CREDITS_WRITE = "credits:write",
        USAGE_READ = "usage:read",
        USAGE_WRITE = "usage:write",
        API_KEYS_READ = "api_keys:read",
        API_KEYS_WRITE = "api_keys:write",
        AUDIT_READ = "audit:read",
        WEBHOOKS_READ = "webhooks:read",
        WEBHOOKS_WRITE = "webhooks:write",
        EMAILS_READ = "emails:read",
        EMAILS_WRITE = "emails:write",
    }
}

impl KeyScopes {
    /// The default scopes of a new key.
    pub const USUAL: Self = Self::ALL.without(Self::API_KEYS_WRITE);
}

/// A key as it is listed, without the secret.
#[derive(Clone, Debug, FromRow, ToRow)]
pub struct ApiKey {
    pub id: ApiKeyId,
    pub kind: KeyKind,
    pub name: String,
    pub scopes: KeyScopes,
    pub last_four: String,
    pub created_at: Time,
    pub expires_at: Option<Time>,
    #[record(read_only)]
    pub last_used_at: Option<Time>,
    #[record(read_only)]
    pub revoked_at: Option<Time>,
}

/// The answer of the authentication statement about a key.
#[derive(Clone, Debug, FromRow)]
pub struct KeyRecord {
    #[record(join)]
    pub tenant: Tenant,
    #[record(computed)]
    pub organization_suspended: bool,
    pub scopes: KeyScopes,
    pub secret_digest: [u8; 32],
    pub expires_at: Option<Time>,
    #[record(computed)]
    pub revoked: bool,
    /// Whether the tenant records events of minted sessions.
    #[record(computed)]
    pub session_events: bool,
}

#[derive(Clone, Debug)]
pub struct NewApiKey {
    pub kind: KeyKind,
    pub name: String,
    pub scopes: KeyScopes,
    pub expires_at: Option<Time>,
}

/// A new key, with the text that is shown once.
#[derive(Debug)]
pub struct CreatedApiKey {
    pub key: ApiKey,
    pub secret: KeyText,
}

/// Generates a key and its secret without storing it.
pub fn make(new: &NewApiKey, ids: &Ids, random: &Random, now: Time) -> CreatedApiKey {
    let secret = KeyText::make(new.kind, ids.api_key(), &random.bytes());
    CreatedApiKey {
        key: ApiKey {
            id: secret.key_id(),
            kind: new.kind,
            name: new.name.clone(),
            scopes: new.scopes,
            last_four: secret.last_four().to_owned(),
            created_at: now,
            expires_at: new.expires_at,
            last_used_at: None,
            revoked_at: None,
        },
        secret,
    }
}

/// Stores a new key with its audit event.
pub async fn store(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    created: &CreatedApiKey,
    actor: Actor,
    ids: &Ids,
) -> Result<(), DbError> {
    sql::insert(tx, tenant, &created.key, &created.secret.digest()).await?;
    let key = &created.key;
    let event = NewAuditEvent {
        id: ids.event(),
        actor,
        action: Action::ApiKeyCreated,
        target_id: key.id.to_string(),
        customer_id: None,
        detail: serde_json::json!({ "name": key.name, "scopes": key.scopes }),
        at: key.created_at,
    };
    audit::record(tx, tenant.no, &event).await
}

/// Revokes a key, and with `sessions` the sessions that it minted; returns `None` if the tenant has
/// no such key.
pub async fn revoke(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    id: ApiKeyId,
    sessions: bool,
    author: &Author,
) -> Result<Option<ApiKey>, DbError> {
    if !sql::revoke(tx, tenant, id, sessions, author.now).await? {
        return Ok(None);
    }
    let detail = serde_json::json!({ "revokeSessions": sessions });
    let event = author.event(Action::ApiKeyRevoked, id, None, detail);
    audit::record(tx, tenant.no, &event).await?;
    sql::get(tx, tenant, id).await
}
