//! HTTP: who may call, what is read, how it is answered. The rules of a slice know nothing of it.

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

/// A JSON answer.
#[derive(Debug)]
pub struct Json<T>(pub StatusCode, pub T);

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        // Most answers fit, and need not grow while they are written.
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

/// A creation that may have been done before: 201, and a header that tells a repetition.
impl IntoResponse for Outcome {
    fn into_response(self) -> Response {
        match self {
            Self::Fresh(body) => Json(StatusCode::CREATED, body).into_response(),
            Self::Replay(body) => (REPLAYED, Json(StatusCode::CREATED, body)).into_response(),
        }
    }
}

/// Tells that an answer repeats an earlier one.
pub const REPLAYED: [(&str, &str); 1] = [("idempotent-replayed", "true")];
