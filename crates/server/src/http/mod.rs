//! HTTP: reading requests, problems, the listener. The rules of the slices do not depend on it.

pub mod body;
pub mod description;
pub mod fields;
pub mod gzip;
mod impatient;
pub mod leaves;
pub mod listener;
pub mod operation;
pub mod page;
pub mod problem;
pub mod request;
pub mod strict;
pub mod wire;
pub mod words;

pub use body::{Body, IdempotencyKey, NoBody, PathText, PathTexts, RawJsonBody};
pub use fields::Fields;
pub use problem::{Code, ParamError, Problem};

use crate::idempotency::Outcome;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;

/// A JSON response.
#[derive(Debug)]
pub struct Json<T>(pub StatusCode, pub T);

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        // Most responses fit, so the buffer need not grow.
        let mut body = Vec::with_capacity(1024);
        match serde_json::to_writer(&mut body, &self.1) {
            Ok(()) => {
                let json = (header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
                (self.0, [json], body).into_response()
            }
            Err(error) => Problem::internal(error).into_response(),
        }
    }
}

/// The response of an idempotent creation: 201, with a header on a replay.
impl IntoResponse for Outcome {
    fn into_response(self) -> Response {
        match self {
            Self::Fresh(body) => Json(StatusCode::CREATED, body).into_response(),
            Self::Replay(body) => (REPLAYED, Json(StatusCode::CREATED, body)).into_response(),
        }
    }
}

/// Marks a replayed response.
pub const REPLAYED: [(&str, &str); 1] = [("idempotent-replayed", "true")];
