//! HTTP handlers of API keys.

use super::{ApiKey, KeyKind, KeyScopes, NewApiKey, sql};
use crate::app::App;
use crate::auth::SecretKey;
use crate::base::words::words;
use crate::base::{ApiKeyId, Secret, Time};
use crate::db::{Lane, Tx};
use crate::http::leaves::{Name, scope_set};
use crate::http::page::{ListQuery, ListResponse, Unfiltered, path_id};
use crate::http::wire::Request;
use crate::http::{Body, Code, IdempotencyKey, Json, PathText, Problem, description};
use crate::idempotency::Outcome;
use crate::organizations::Environment;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use std::sync::Arc;
use unitpay_request::response;

#[response]
#[schema(as = ApiKey)]
pub struct ApiKeyResponse {
    pub id: ApiKeyId,
    pub kind: KeyKind,
    pub name: String,
    pub env: Env,
    #[schema(schema_with = scopes_schema)]
    pub scopes: KeyScopes,
    pub last_four: String,
    pub created_at: Time,
    pub expires_at: Option<Time>,
    /// Up to half a minute late.
    pub last_used_at: Option<Time>,
    pub revoked_at: Option<Time>,
    /// The key itself; only in the answer that created it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<Secret>,
}

words! {
    Env {
        Sandbox = "sandbox",
        Live = "live",
    }
}

impl From<Environment> for Env {
    fn from(environment: Environment) -> Self {
        match environment {
            Environment::Sandbox => Self::Sandbox,
            Environment::Live => Self::Live,
        }
    }
}

#[derive(Debug, Request)]
pub struct CreateApiKeyRequest {
    #[request(with = Name<100>)]
    name: String,
    /// At most the scopes of the calling key; default all of them except `api_keys:write`.
    scopes: Option<KeyScopes>,
    /// Not later than the end of the calling key.
    expires_at: Option<Time>,
}

#[derive(Debug, Request)]
pub struct RevokeApiKeyRequest {
    /// Also ends the sessions that the key minted.
    revoke_sessions: Option<bool>,
}

fn scopes_schema() -> utoipa::openapi::schema::Array {
    description::names(KeyScopes::NAMES)
}

fn response(key: &ApiKey, env: Env) -> ApiKeyResponse {
    ApiKeyResponse {
        id: key.id,
        kind: key.kind,
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

scope_set!(KeyScopes);

/// Creates a secret key of the caller's organization and environment. Only this answer shows the key
/// itself.
#[utoipa::path(post, path = "/v1/api-keys", tag = "apiKeys", operation_id = "createApiKey",
    responses((status = 201, body = ApiKeyResponse)))]
pub async fn create(
    State(app): State<Arc<App>>,
    caller: SecretKey<{ KeyScopes::API_KEYS_WRITE }>,
    idempotency: IdempotencyKey,
    mut body: Body<CreateApiKeyRequest>,
) -> Result<Response, Problem> {
    app.check_billing_clock()?;
    let now = app.clock.now();
    let creator = caller.record();
    let end = body.fields.peek_time("expiresAt");
    if end.is_some_and(|end| end <= now) {
        body.fields.wrong("expiresAt", "must be in the future");
    }
    if creator.expires_at.is_some_and(|last| end.is_some_and(|end| end > last)) {
        body.fields.wrong("expiresAt", "must not be later than the calling key's");
    }
    let (request, raw) = body.read()?;
    let scopes = request.scopes.unwrap_or(creator.scopes.and(KeyScopes::USUAL));
    if !scopes.is_subset_of(creator.scopes) {
        let detail = "This API key cannot create a key with scopes that it does not have.";
        return Err(Problem::new(Code::InsufficientScope, detail));
    }
    let new = NewApiKey {
        kind: KeyKind::Secret,
        name: request.name,
        scopes,
        expires_at: request.expires_at.or(creator.expires_at),
    };
    let made = Arc::new(super::make(&new, &app.ids, &app.random, now));
    let (tenant, actor, ids) = (caller.tenant(), caller.actor(), app.ids.clone());
    let env = Env::from(tenant.environment);
    let idempotency = idempotency.bind(caller.id(), &raw, now);
    let stored = Arc::clone(&made);
    let body = serde_json::to_value(response(&made.key, env)).map_err(Problem::internal)?;
    let written = app.once(idempotency, async move |tx: &mut Tx<'_, '_>| {
        super::store(tx, &tenant, &stored, actor, &ids).await?;
        Ok::<_, Problem>(body.clone())
    });
    Ok(match Outcome::from(written.await?) {
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
    responses((status = 200, body = ListResponse<ApiKeyResponse>)))]
pub async fn list(
    State(app): State<Arc<App>>,
    caller: SecretKey<{ KeyScopes::API_KEYS_READ }>,
    query: ListQuery<Unfiltered>,
) -> Result<Json<ListResponse<ApiKeyResponse>>, Problem> {
    let tenant = caller.tenant();
    let (_, page) = query.read(&tenant, "api-keys")?;
    let keys = sql::page(&mut app.db.read().await?, &tenant, &page).await?;
    let page = page.page(keys, |key| key.id.to_string());
    let env = Env::from(tenant.environment);
    Ok(Json(StatusCode::OK, page.map(|key| response(&key, env)).into()))
}

/// Revokes a key immediately, and on request the sessions that it minted.
#[utoipa::path(post, path = "/v1/api-keys/{id}/revoke", tag = "apiKeys", operation_id = "revokeApiKey",
    responses((status = 200, body = ApiKeyResponse)))]
pub async fn revoke(
    State(app): State<Arc<App>>,
    caller: SecretKey<{ KeyScopes::API_KEYS_WRITE }>,
    PathText(id): PathText,
    body: Option<Body<RevokeApiKeyRequest>>,
) -> Result<Json<ApiKeyResponse>, Problem> {
    let (request, _) = Body::read_optional(body)?;
    let sessions = request.revoke_sessions.unwrap_or(false);
    let id: ApiKeyId = path_id(&id)?;
    let (tenant, author) = (caller.tenant(), app.author(caller.actor()));
    let revoked = app
        .db
        .write(Lane::Urgent, async move |tx: &mut Tx<'_, '_>| {
            super::revoke(tx, &tenant, id, sessions, &author).await
        })
        .await?;
    let key = revoked.ok_or_else(Problem::not_found)?;
    Ok(Json(StatusCode::OK, response(&key, tenant.environment.into())))
}
