//! API keys over HTTP.

use super::{ApiKey, KeyKind, KeyScopes, NewApiKey, sql};
use crate::app::App;
use crate::auth::SecretKey;
use crate::base::{ApiKeyId, Secret, Time};
use crate::db::{Lane, Tx};
use crate::http::page::{ListResponse, path_id, query};
use crate::http::{Code, Fields, IdempotencyKey, Json, JsonBody, PathText, Problem, description};
use crate::idempotency::{self, Outcome};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, Uri};
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ApiKey)]
pub struct ApiKeyResponse {
    #[schema(value_type = String)]
    pub id: ApiKeyId,
    #[schema(value_type = ApiKeyKind)]
    pub kind: &'static str,
    pub name: String,
    #[schema(value_type = Env)]
    pub env: &'static str,
    #[schema(schema_with = scopes_schema)]
    pub scopes: KeyScopes,
    pub last_four: String,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Time,
    #[schema(value_type = Option<String>, format = DateTime, required = true)]
    pub expires_at: Option<Time>,
    /// Noted within half a minute.
    #[schema(value_type = Option<String>, format = DateTime, required = true)]
    pub last_used_at: Option<Time>,
    #[schema(value_type = Option<String>, format = DateTime, required = true)]
    pub revoked_at: Option<Time>,
    /// The key itself: once, in the answer that made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    pub secret: Option<Secret>,
}

#[derive(Debug, ToSchema)]
#[schema(rename_all = "lowercase")]
#[allow(dead_code)] // Describes `ApiKeyResponse::env`.
pub enum Env {
    Sandbox,
    Live,
}

#[derive(Debug, ToSchema)]
#[schema(rename_all = "lowercase")]
#[allow(dead_code)] // Describes `ApiKeyResponse::kind`.
pub enum ApiKeyKind {
    Secret,
    Publishable,
}

fn scopes_schema() -> utoipa::openapi::schema::Array {
    description::names(KeyScopes::NAMES)
}

#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
#[allow(dead_code)] // Describes what `create` reads.
pub struct CreateApiKeyRequest {
    #[schema(min_length = 1, max_length = 100)]
    name: String,
    /// At most what the calling key may do; without it all of that but `api_keys:write`.
    #[schema(schema_with = scopes_schema)]
    #[schema(nullable = false)]
    scopes: Option<Vec<String>>,
    /// Not later than the calling key's own.
    #[schema(format = DateTime, nullable = false)]
    expires_at: Option<String>,
}

#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
#[allow(dead_code)] // Describes what `revoke` reads.
pub struct RevokeApiKeyRequest {
    /// Ends the sessions that the key minted, too.
    #[schema(nullable = false)]
    revoke_sessions: Option<bool>,
}

fn response(key: &ApiKey, env: &'static str) -> ApiKeyResponse {
    ApiKeyResponse {
        id: key.id,
        kind: key.kind.as_str(),
        name: key.name.clone(),
        env,
        scopes: key.scopes,
        last_four: key.last_four.clone(),
        created_at: key.created_at,
        expires_at: key.expires_at,
        last_used_at: key.last_used_at,
        revoked_at: key.revoked_at,
        secret: None,
    }
}

impl Fields {
    fn key_scopes(&mut self) -> Option<KeyScopes> {
        let names = self.texts("scopes", KeyScopes::NAMES.len())?;
        let scopes = names.iter().try_fold(KeyScopes::default(), |set, name| set.with_name(name));
        let scopes = scopes.filter(|scopes| !scopes.is_empty());
        if scopes.is_none() {
            self.wrong("scopes", format!("must be some of {}", KeyScopes::NAMES.join(", ")));
        }
        scopes
    }
}

/// Makes a secret key of the caller's organization and environment. Its secret is in this answer alone.
#[utoipa::path(post, path = "/v1/api-keys", tag = "apiKeys", operation_id = "createApiKey",
    security(("secretKey" = ["api_keys:write"])),
    params(("Idempotency-Key" = Option<String>, Header,)),
    request_body = CreateApiKeyRequest,
    responses((status = 201, body = ApiKeyResponse)))]
pub async fn create(
    State(app): State<Arc<App>>,
    caller: SecretKey<{ KeyScopes::API_KEYS_WRITE }>,
    idempotency: IdempotencyKey,
    JsonBody { mut fields, raw }: JsonBody,
) -> Result<Response, Problem> {
    app.check_billing_clock()?;
    let now = app.clock.now();
    let own = caller.record();
    let name = fields.required_text("name", 1..=100);
    let scopes = fields.key_scopes().unwrap_or(own.scopes.and(KeyScopes::USUAL));
    let expires_at = fields.time("expiresAt");
    if expires_at.is_some_and(|end| end <= now) {
        fields.wrong("expiresAt", "must be in the future");
    }
    if own.expires_at.is_some_and(|own| expires_at.is_some_and(|end| end > own)) {
        fields.wrong("expiresAt", "must not be later than the calling key's");
    }
    fields.finish()?;
    if !scopes.is_subset_of(own.scopes) {
        let detail = "A key cannot make one that may do more than itself.";
        return Err(Problem::new(Code::InsufficientScope, detail));
    }
    let new = NewApiKey {
        kind: KeyKind::Secret,
        name,
        scopes,
        expires_at: expires_at.or(own.expires_at),
    };
    let made = Arc::new(super::make(&new, &app.ids, &app.random, now));
    let (tenant, actor, ids) = (caller.tenant(), caller.actor(), app.ids.clone());
    let env = tenant.environment.as_str();
    let idempotency = idempotency.of(caller.id(), &raw, now);
    let stored = Arc::clone(&made);
    let body = serde_json::to_value(response(&made.key, env)).map_err(Problem::internal)?;
    let outcome = app
        .db
        .write(Lane::Usual, async move |tx: &mut Tx<'_, '_>| {
            let idempotency = idempotency.as_ref();
            if let Some(kept) = idempotency::replay::<Problem>(tx, idempotency).await? {
                return Ok(Outcome::Replay(kept));
            }
            super::store(tx, &tenant, &stored, actor, &ids).await?;
            idempotency::keep(tx, idempotency, &body).await?;
            Ok::<_, Problem>(Outcome::Fresh(body.clone()))
        })
        .await?;
    Ok(match outcome {
        Outcome::Fresh(_) => {
            let secret = Some(Secret::new(made.secret.reveal().to_owned()));
            let body = ApiKeyResponse { secret, ..response(&made.key, env) };
            Json(StatusCode::CREATED, body).into_response()
        }
        replay @ Outcome::Replay(_) => replay.into_response(),
    })
}

/// Lists the keys of the caller's organization and environment, newest first.
#[utoipa::path(get, path = "/v1/api-keys", tag = "apiKeys", operation_id = "listApiKeys",
    security(("secretKey" = ["api_keys:read"])),
    params(("limit" = Option<i64>, Query, minimum = 1, maximum = 100), ("cursor" = Option<String>, Query,)),
    responses((status = 200, body = ListResponse<ApiKeyResponse>)))]
pub async fn list(
    State(app): State<Arc<App>>,
    caller: SecretKey<{ KeyScopes::API_KEYS_READ }>,
    uri: Uri,
) -> Result<Json<ListResponse<ApiKeyResponse>>, Problem> {
    let tenant = caller.tenant();
    let mut fields = query(&uri)?;
    let page = fields.page(&tenant, "api-keys");
    fields.finish()?;
    let keys = sql::page(&mut app.db.read().await?, &tenant, &page).await?;
    let page = page.page(keys, |key| key.id.to_string());
    let env = tenant.environment.as_str();
    Ok(Json(StatusCode::OK, page.map(|key| response(&key, env)).into()))
}

/// Ends a key at once, and on request the sessions that it minted.
#[utoipa::path(post, path = "/v1/api-keys/{id}/revoke", tag = "apiKeys", operation_id = "revokeApiKey",
    security(("secretKey" = ["api_keys:write"])),
    params(("id" = String, Path,)),
    request_body = Option<RevokeApiKeyRequest>,
    responses((status = 200, body = ApiKeyResponse)))]
pub async fn revoke(
    State(app): State<Arc<App>>,
    caller: SecretKey<{ KeyScopes::API_KEYS_WRITE }>,
    PathText(id): PathText,
    body: Option<JsonBody>,
) -> Result<Json<ApiKeyResponse>, Problem> {
    let mut fields = body.map(|body| body.fields).unwrap_or_default();
    let sessions = fields.boolean("revokeSessions").unwrap_or(false);
    fields.finish()?;
    let id: ApiKeyId = path_id(&id)?;
    let (tenant, actor, ids, now) =
        (caller.tenant(), caller.actor(), app.ids.clone(), app.clock.now());
    let revoked = app
        .db
        .write(Lane::Urgent, async move |tx: &mut Tx<'_, '_>| {
            super::revoke(tx, &tenant, id, sessions, actor, &ids, now).await
        })
        .await?;
    let key = revoked.ok_or_else(Problem::not_found)?;
    Ok(Json(StatusCode::OK, response(&key, tenant.environment.as_str())))
}
