//! Compression of long responses: the portal's first data.
//!
//! The length of a compressed response reveals repetitions, so a response with a secret must not
//! contain text that an attacker chose. These responses echo nothing from the request.

use super::{Json, Problem};
use axum::response::{IntoResponse, Response};
use flate2::Compression;
use flate2::write::GzEncoder;
use http::{HeaderMap, HeaderValue, header};
use serde::Serialize;
use std::io;
use std::io::Write;

impl<T: Serialize> Json<T> {
    /// Compresses if the request's headers accept it.
    pub fn compressed_for(self, headers: &HeaderMap) -> Response {
        if !takes_gzip(headers) {
            return self.into_response();
        }
        let encoding = (header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        let json = (header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        match compress(&self.1) {
            Ok(body) => (self.0, [encoding, json], body).into_response(),
            Err(error) => Problem::internal(error).into_response(),
        }
    }
}

fn compress(value: &impl Serialize) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(&serde_json::to_vec(value)?)?;
    encoder.finish()
}

/// Whether the client accepts gzip.
pub fn takes_gzip(headers: &HeaderMap) -> bool {
    headers
        .get_all(header::ACCEPT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|text| text.split(','))
        .any(|coding| {
            let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
            let weight = weight.trim().trim_start_matches("q=").parse();
            name.trim().eq_ignore_ascii_case("gzip") && weight != Ok(0.0)
        })
}
