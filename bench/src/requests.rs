//! Requests rendered once, before the clock starts: one buffer and the ranges in it.

use std::ops::Range;
use std::sync::Arc;

/// A list of rendered requests; a clone shares the bytes.
#[derive(Clone)]
pub(crate) struct Requests {
    bytes: Arc<[u8]>,
    ranges: Arc<[Range<usize>]>,
}

impl Requests {
    /// The request at `index`, counted round and round.
    pub(crate) fn get(&self, index: usize) -> &[u8] {
        &self.bytes[self.ranges[index % self.ranges.len()].clone()]
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
        Requests { bytes: bytes.into(), ranges: ranges.into() }
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

/// The verified read.
pub(crate) fn current(token: &str) -> Vec<u8> {
    format!(
        "GET /v1/portal-sessions/current HTTP/1.1\r\nhost: 127.0.0.1\r\n\
         authorization: Bearer {token}\r\n\r\n"
    )
    .into_bytes()
}

fn post(path: &str, key: &str, body: &str) -> Vec<u8> {
    format!(
        "POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nx-api-key: {key}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}
