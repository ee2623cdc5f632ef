//! HTTP handlers of the system: health, readiness, API description and public keys.

use crate::app::App;
use crate::auth::Anyone;
use crate::http::{Json, Problem};
use crate::signing::{self, SigningError};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

#[derive(Debug, Serialize, ToSchema)]
pub struct HealthResponse {
    /// `ok`
    pub status: &'static str,
}

/// A set of public keys (RFC 7517).
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct KeySet {
    pub keys: Vec<PublicJwk>,
}

/// An Ed25519 public key (RFC 8037).
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct PublicJwk {
    pub kty: String,
    pub crv: String,
    pub alg: String,
    pub r#use: String,
    pub kid: String,
    pub x: String,
}

/// Returns 200 while the process runs, whatever the state of the store.
#[utoipa::path(get, path = "/healthz", tag = "system", operation_id = "health",
    responses((status = 200, body = HealthResponse)))]
pub async fn health(_: Anyone) -> Json<HealthResponse> {
    Json(StatusCode::OK, HealthResponse { status: "ok" })
}

/// Returns 200 if this node can serve: its store answers and its clock is trusted.
#[utoipa::path(get, path = "/readyz", tag = "system", operation_id = "readiness",
    responses((status = 200, body = HealthResponse)))]
pub async fn readiness(
    State(app): State<Arc<App>>,
    _: Anyone,
) -> Result<Json<HealthResponse>, Problem> {
    app.check_billing_clock()?;
    signing::all(&mut app.db.read().await?).await?;
    Ok(Json(StatusCode::OK, HealthResponse { status: "ok" }))
}

/// Returns the public keys for verifying a token's signature.
#[utoipa::path(get, path = "/.well-known/jwks.json", tag = "system", operation_id = "jwks",
    responses((status = 200, body = KeySet)))]
pub async fn jwks(State(app): State<Arc<App>>, _: Anyone) -> Result<Response, Problem> {
    let keys = signing::all(&mut app.db.read().await?).await?;
    let age = [(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=300"))];
    let keys =
        serde_json::from_value::<KeySet>(signing::jwks(&keys)?).map_err(Problem::internal)?;
    Ok((age, Json(StatusCode::OK, keys)).into_response())
}

impl From<SigningError> for Problem {
    fn from(error: SigningError) -> Self {
        match error {
            SigningError::Db(error) => error.into(),
            SigningError::Seal(_)
            | SigningError::BadKey
            | SigningError::UnknownKey
            | SigningError::KeyExists => Self::internal(error),
        }
    }
}
