//! Requests: rendered once before the measurement, or individually when no two may be equal.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

/// The requests to send. Clones share them.
#[derive(Clone)]
pub(crate) enum Requests {
    /// One buffer and the ranges in it, used cyclically.
    Listed { bytes: Arc<[u8]>, ranges: Arc<[Range<usize>]> },
    /// Rendered when sent, on the load's core.
    Made(Arc<Make>),
}

type Make = dyn Fn(usize) -> Vec<u8> + Send + Sync;

impl Requests {
    pub(crate) fn made(make: impl Fn(usize) -> Vec<u8> + Send + Sync + 'static) -> Requests {
        Requests::Made(Arc::new(make))
    }

    /// Returns the request at this position.
    pub(crate) fn get(&self, place: usize) -> Cow<'_, [u8]> {
        match self {
            Requests::Listed { bytes, ranges } => {
                Cow::Borrowed(&bytes[ranges[place % ranges.len()].clone()])
            }
            Requests::Made(make) => Cow::Owned(make(place)),
        }
    }
}

impl FromIterator<Vec<u8>> for Requests {
    fn from_iter<T: IntoIterator<Item = Vec<u8>>>(requests: T) -> Self {
        let mut bytes = Vec::new();
        let mut ranges = Vec::new();
        for request in requests {
            let start = bytes.len();
            bytes.extend_from_slice(&request);
            ranges.push(start..bytes.len());
        }
        Requests::Listed { bytes: bytes.into(), ranges: ranges.into() }
    }
}

pub(crate) fn ready() -> Vec<u8> {
    b"GET /readyz HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n".to_vec()
}

pub(crate) fn customer(key: &str, number: usize) -> Vec<u8> {
    let body = format!(r#"{{"name":"Customer {number}","email":"customer{number}@example.com"}}"#);
    post("/v1/customers", key, &body)
}

pub(crate) fn mint(key: &str, customer: &str) -> Vec<u8> {
    post("/v1/portal-sessions", key, &format!(r#"{{"customerId":"{customer}"}}"#))
}

pub(crate) fn revoke_session(key: &str, jti: &str) -> Vec<u8> {
    post("/v1/portal-sessions/revoke", key, &format!(r#"{{"jti":"{jti}"}}"#))
}

pub(crate) fn revoke_customer(key: &str, customer: &str) -> Vec<u8> {
    post("/v1/portal-sessions/revoke", key, &format!(r#"{{"customerId":"{customer}"}}"#))
}

/// Builds the verified read.
pub(crate) fn current(token: &str) -> Vec<u8> {
    get("/v1/portal-sessions/current", token)
}

/// Builds a read with a portal token.
pub(crate) fn get(path: &str, token: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {token}\r\n\r\n")
        .into_bytes()
}

/// Builds a read with a secret key.
pub(crate) fn get_by_key(path: &str, key: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nx-api-key: {key}\r\n\r\n").into_bytes()
}

pub(crate) fn post(path: &str, key: &str, body: &str) -> Vec<u8> {
    with_body("POST", path, &format!("x-api-key: {key}"), body)
}

/// Turns sign-in by e-mail on.
pub(crate) fn turn_logins_on(key: &str) -> Vec<u8> {
    with_body("PUT", "/v1/login-settings", &format!("x-api-key: {key}"), r#"{"enabled":true}"#)
}

pub(crate) fn start_login(email: &str) -> Vec<u8> {
    let body = format!(r#"{{"organization":"default","environment":"sandbox","email":"{email}"}}"#);
    with_body("POST", "/v1/logins", "accept: */*", &body)
}

/// Sends a code that is wrong but for one in a million.
pub(crate) fn enter_login(id: &str, cookie: &str) -> Vec<u8> {
    let body = format!(r#"{{"id":"{id}","code":"000000"}}"#);
    with_body("POST", "/v1/logins/enter", &format!("cookie: {cookie}"), &body)
}

fn with_body(method: &str, path: &str, header: &str, body: &str) -> Vec<u8> {
    format!(
        "{method} {path} HTTP/1.1\r\nhost: 127.0.0.1\r\n{header}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}
