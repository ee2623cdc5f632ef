//! Callers describe themselves: the credential and scope in a handler's signature are the
//! operation's `security`.

use super::{Anyone, Caller, CatalogCaller, Portal, RevokingKey, SecretKey};
use crate::http::operation::Describe;
use crate::http::wire::Components;
use crate::keys::KeyScopes;
use crate::portal::PortalScopes;
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::SecurityRequirement;

fn allow(operation: &mut Operation, credential: &str, scopes: impl Iterator<Item = &'static str>) {
    let requirement = SecurityRequirement::new(credential, scopes);
    operation.security.get_or_insert_default().push(requirement);
}

fn allow_key(operation: &mut Operation, scope: u32) {
    allow(operation, "secretKey", KeyScopes::from_bits(scope).names());
}

fn allow_token(operation: &mut Operation, scope: u32) {
    allow(operation, "portalToken", PortalScopes::from_bits(scope).names());
}

impl Describe for Anyone {}

impl<const SCOPE: u32> Describe for SecretKey<SCOPE> {
    fn describe(operation: &mut Operation, _: &mut Components) {
        allow_key(operation, SCOPE);
    }
}

impl Describe for RevokingKey {
    fn describe(operation: &mut Operation, _: &mut Components) {
        allow_key(operation, KeyScopes::PORTAL_SESSIONS_WRITE);
    }
}

impl<const SCOPE: u32> Describe for Portal<SCOPE> {
    fn describe(operation: &mut Operation, _: &mut Components) {
        allow_token(operation, SCOPE);
    }
}

impl<const K: u32, const P: u32> Describe for Caller<K, P> {
    fn describe(operation: &mut Operation, _: &mut Components) {
        allow_key(operation, K);
        allow_token(operation, P);
    }
}

impl<const P: u32> Describe for CatalogCaller<P> {
    fn describe(operation: &mut Operation, _: &mut Components) {
        allow_key(operation, KeyScopes::CATALOG_READ);
        allow_token(operation, 0);
        allow(operation, "publishableKey", std::iter::empty());
    }
}
