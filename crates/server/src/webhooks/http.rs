//! HTTP handlers of webhook endpoints.

use super::{Endpoint, EndpointChange, MAX_ENDPOINTS, SEALED_FOR, Types, WebhookError, sql};
use crate::app::App;
use crate::auth::SecretKey;
use crate::base::{EventId, Secret, Time, WebhookEndpointId};
use crate::db::{Lane, Tx};
use crate::events::EventType;
use crate::http::leaves::{Text, TextUpTo, string};
use crate::http::page::{ListQuery, ListResponse, Unfiltered, path_id};
use crate::http::wire::{Field, Request};
use crate::http::{Body, Code, Fields, IdempotencyKey, Json, NoBody, PathText, Problem, REPLAYED};
use crate::keys::KeyScopes;
use crate::outbound::Target;
use crate::signing::SigningSecrets;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use std::sync::Arc;
use unitpay_request::response;
use utoipa::openapi::schema::ArrayBuilder;
use utoipa::openapi::{RefOr, Schema};

pub type Reader = SecretKey<{ KeyScopes::WEBHOOKS_READ }>;
pub type Writer = SecretKey<{ KeyScopes::WEBHOOKS_WRITE }>;

#[response]
#[schema(as = WebhookEndpoint)]
pub struct WebhookEndpointResponse {
    pub id: WebhookEndpointId,
    pub url: String,
    pub description: String,
    /// The types that are delivered. Empty: all except `portal_session.created` and
    /// `portal_session.refreshed`.
    pub types: Vec<EventType>,
    /// `false` if it was disabled, or has failed for five days.
    pub enabled: bool,
    /// The first failure since the last success.
    pub failing_since: Option<Time>,
    pub created_at: Time,
    pub updated_at: Time,
    /// The signing secret, `whsec_…`; only in the response that creates or rotates it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<Secret>,
}

#[response]
pub struct WebhookTestResponse {
    /// The event that is sent. Its delivery is listed a moment later.
    pub event_id: EventId,
}

#[response]
pub struct WebhookRecoveryResponse {
    /// The number of events that are sent again.
    pub queued: u64,
}

#[derive(Debug, Request)]
pub struct CreateWebhookEndpointRequest {
    /// An https URL on port 443 or from 1024, without credentials and fragment, at a public address.
    #[request(with = Text<1, 2_048>)]
    url: String,
    #[request(with = TextUpTo<200>, default = String::new())]
    description: String,
    /// Default, and if it is empty: all except `portal_session.created` and
    /// `portal_session.refreshed`.
    #[request(default = Types::default())]
    types: Types,
}

#[derive(Debug, Request)]
#[request(patch)]
pub struct UpdateWebhookEndpointRequest {
    #[request(with = Text<1, 2_048>)]
    url: Option<String>,
    #[request(with = TextUpTo<200>)]
    description: Option<String>,
    /// Replaces all of them.
    types: Option<Types>,
    /// A disabled endpoint gets no new events; pending deliveries wait.
    enabled: Option<bool>,
}

#[derive(Debug, Request)]
pub struct RecoverWebhookEndpointRequest {
    /// The start of the time whose events are sent again, if the endpoint did not accept them.
    since: Time,
}

impl Field for Types {
    type Value = Self;

    fn read(fields: &mut Fields, name: &str) -> Option<Self> {
        let names = fields.texts(name, EventType::ALL.len())?;
        let types: Option<Vec<EventType>> = names.iter().map(|name| subscribable(name)).collect();
        let Some(mut types) = types else {
            fields.wrong(name, "must be types of events");
            return None;
        };
        types.dedup();
        Some(Self(types))
    }

    fn schema() -> RefOr<Schema> {
        let names = EventType::ALL.into_iter().filter(|event| is_subscribable(*event));
        let item = string().enum_values(Some(names.map(EventType::as_str)));
        ArrayBuilder::new().items(item).into()
    }
}

/// A test event goes to the endpoint that is tested, whatever types it asks for.
fn is_subscribable(event: EventType) -> bool {
    event != EventType::WebhookEndpointTested
}

fn subscribable(name: &str) -> Option<EventType> {
    EventType::ALL.into_iter().find(|event| event.as_str() == name && is_subscribable(*event))
}

impl WebhookEndpointResponse {
    pub fn new(endpoint: Endpoint) -> Self {
        Self {
            id: endpoint.id,
            url: endpoint.url,
            description: endpoint.description,
            types: endpoint.types.0,
            enabled: endpoint.enabled,
            failing_since: endpoint.failing_since,
            created_at: endpoint.created_at,
            updated_at: endpoint.updated_at,
            secret: None,
        }
    }
}

/// Notes what is wrong with the URL of a request.
fn check_url(fields: &mut Fields, app: &App) {
    let checked = fields.peek("url").map(|url| Target::parse(url, app.outbound.policy()));
    if let Some(Err(error)) = checked {
        fields.wrong("url", error.message());
    }
}

/// Creates a webhook endpoint. Only this response contains its signing secret.
#[utoipa::path(post, path = "/v1/webhook-endpoints", tag = "webhookEndpoints", operation_id = "createWebhookEndpoint",
    responses((status = 201, body = WebhookEndpointResponse)))]
pub async fn create(
    State(app): State<Arc<App>>,
    caller: Writer,
    idempotency: IdempotencyKey,
    mut body: Body<CreateWebhookEndpointRequest>,
) -> Result<Response, Problem> {
    check_url(&mut body.fields, &app);
    let (new, raw) = body.read()?;
    let (tenant, author) = (caller.tenant(), app.author(caller.actor()));
    let idempotency = idempotency.bind(caller.id(), &raw, author.now);
    let secrets = SigningSecrets::generate(&app.random);
    let id = app.ids.webhook_endpoint();
    let seal = app.signing.seal_for(SEALED_FOR);
    let sealed = secrets.seal(&seal, &Endpoint::bound_to(&tenant, id));
    let endpoint = Endpoint {
        no: 0,
        id,
        url: new.url,
        description: new.description,
        types: new.types,
        sealed: Some(sealed.map_err(Problem::internal)?),
        enabled: true,
        failing_since: None,
        created_at: author.now,
        updated_at: author.now,
        deleted_at: None,
    };
    let step = async move |tx: &mut Tx<'_, '_>| {
        super::create(tx, &tenant, &endpoint, &author).await?;
        let response = WebhookEndpointResponse::new(endpoint.clone());
        serde_json::to_value(response).map_err(Problem::internal)
    };
    let mut written = app.once(idempotency, step).await?;
    if written.is_replay {
        return Ok((REPLAYED, Json(StatusCode::CREATED, written.answer)).into_response());
    }
    if let Some(object) = written.answer.as_object_mut() {
        object.insert("secret".to_owned(), secrets.reveal().reveal().into());
    }
    Ok(Json(StatusCode::CREATED, written.answer).into_response())
}

/// Lists webhook endpoints, newest first.
#[utoipa::path(get, path = "/v1/webhook-endpoints", tag = "webhookEndpoints", operation_id = "listWebhookEndpoints",
    responses((status = 200, body = ListResponse<WebhookEndpointResponse>)))]
pub async fn list(
    State(app): State<Arc<App>>,
    caller: Reader,
    query: ListQuery<Unfiltered>,
) -> Result<Json<ListResponse<WebhookEndpointResponse>>, Problem> {
    let tenant = caller.tenant();
    let (_, page) = query.read(&tenant, "webhook-endpoints")?;
    let rows = sql::page(&mut app.db.read().await?, &tenant, &page).await?;
    let page = page.page(rows, |endpoint| endpoint.id.to_string());
    Ok(Json(StatusCode::OK, page.map(WebhookEndpointResponse::new).into()))
}

/// Returns a webhook endpoint.
#[utoipa::path(get, path = "/v1/webhook-endpoints/{id}", tag = "webhookEndpoints", operation_id = "getWebhookEndpoint",
    responses((status = 200, body = WebhookEndpointResponse)))]
pub async fn get(
    State(app): State<Arc<App>>,
    caller: Reader,
    PathText(id): PathText,
) -> Result<Json<WebhookEndpointResponse>, Problem> {
    let mut tx = app.db.read().await?;
    let found = sql::get(&mut tx, &caller.tenant(), path_id(&id)?).await?;
    let endpoint = found.ok_or_else(Problem::not_found)?;
    Ok(Json(StatusCode::OK, WebhookEndpointResponse::new(endpoint)))
}

/// Changes a webhook endpoint.
#[utoipa::path(patch, path = "/v1/webhook-endpoints/{id}", tag = "webhookEndpoints", operation_id = "updateWebhookEndpoint",
    responses((status = 200, body = WebhookEndpointResponse)))]
pub async fn update(
    State(app): State<Arc<App>>,
    caller: Writer,
    PathText(id): PathText,
    mut body: Body<UpdateWebhookEndpointRequest>,
) -> Result<Json<WebhookEndpointResponse>, Problem> {
    check_url(&mut body.fields, &app);
    let (new, _) = body.read()?;
    let change = EndpointChange {
        url: new.url,
        description: new.description,
        types: new.types,
        enabled: new.enabled,
    };
    let (id, tenant) = (path_id(&id)?, caller.tenant());
    let author = app.author(caller.actor());
    let step =
        async move |tx: &mut Tx<'_, '_>| super::update(tx, &tenant, id, &change, &author).await;
    let endpoint = app.db.write(Lane::Usual, step).await?;
    Ok(Json(StatusCode::OK, WebhookEndpointResponse::new(endpoint)))
}

/// Deletes a webhook endpoint and its signing secrets.
#[utoipa::path(delete, path = "/v1/webhook-endpoints/{id}", tag = "webhookEndpoints", operation_id = "deleteWebhookEndpoint",
    responses((status = 204)))]
pub async fn delete(
    State(app): State<Arc<App>>,
    caller: Writer,
    PathText(id): PathText,
) -> Result<StatusCode, Problem> {
    let (id, tenant) = (path_id(&id)?, caller.tenant());
    let author = app.author(caller.actor());
    let step = async move |tx: &mut Tx<'_, '_>| super::delete(tx, &tenant, id, &author).await;
    app.db.write(Lane::Usual, step).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Replaces the signing secret. For a day, each request is signed with the new secret and with the
/// one that it replaces.
#[utoipa::path(post, path = "/v1/webhook-endpoints/{id}/rotate-secret", tag = "webhookEndpoints",
    operation_id = "rotateWebhookSecret", responses((status = 200, body = WebhookEndpointResponse)))]
pub async fn rotate_secret(
    State(app): State<Arc<App>>,
    caller: Writer,
    PathText(id): PathText,
    _: NoBody,
) -> Result<Json<WebhookEndpointResponse>, Problem> {
    let (id, tenant) = (path_id(&id)?, caller.tenant());
    let author = app.author(caller.actor());
    let (seal, random) = (app.signing.seal_for(SEALED_FOR), app.random.clone());
    let step = async move |tx: &mut Tx<'_, '_>| {
        super::rotate(tx, &tenant, id, (&seal, &random), &author).await
    };
    let (endpoint, secrets) = app.db.write(Lane::Usual, step).await?;
    let secret = Some(secrets.reveal());
    let response = WebhookEndpointResponse { secret, ..WebhookEndpointResponse::new(endpoint) };
    Ok(Json(StatusCode::OK, response))
}

/// Sends a `webhook_endpoint.tested` event to this endpoint only.
#[utoipa::path(post, path = "/v1/webhook-endpoints/{id}/test", tag = "webhookEndpoints",
    operation_id = "testWebhookEndpoint", responses((status = 200, body = WebhookTestResponse)))]
pub async fn test(
    State(app): State<Arc<App>>,
    caller: Writer,
    PathText(id): PathText,
    _: NoBody,
) -> Result<Json<WebhookTestResponse>, Problem> {
    let (id, tenant) = (path_id(&id)?, caller.tenant());
    let author = app.author(caller.actor());
    let step = async move |tx: &mut Tx<'_, '_>| super::test(tx, &tenant, id, &author).await;
    let event_id = app.db.write(Lane::Usual, step).await?;
    Ok(Json(StatusCode::OK, WebhookTestResponse { event_id }))
}

/// Sends the events since an instant again that the endpoint did not accept or was never sent.
#[utoipa::path(post, path = "/v1/webhook-endpoints/{id}/recover", tag = "webhookEndpoints",
    operation_id = "recoverWebhookEndpoint", responses((status = 200, body = WebhookRecoveryResponse)))]
pub async fn recover(
    State(app): State<Arc<App>>,
    caller: Writer,
    PathText(id): PathText,
    body: Body<RecoverWebhookEndpointRequest>,
) -> Result<Json<WebhookRecoveryResponse>, Problem> {
    let (request, _) = body.read()?;
    let tenant = caller.tenant();
    let found = sql::get(&mut app.db.read().await?, &tenant, path_id(&id)?).await?;
    let endpoint = Arc::new(found.ok_or_else(Problem::not_found)?);
    let (mut queued, mut next) = (0, Some(0));
    while let Some(after) = next {
        let (endpoint, since) = (Arc::clone(&endpoint), request.since);
        let (ids, now) = (app.ids.clone(), app.clock.now());
        let step = async move |tx: &mut Tx<'_, '_>| {
            super::recover(tx, &tenant, &endpoint, (since, after), (&ids, now)).await
        };
        let (more, last) = app.db.write::<_, crate::db::DbError, _>(Lane::Usual, step).await?;
        queued += more;
        next = last;
    }
    Ok(Json(StatusCode::OK, WebhookRecoveryResponse { queued }))
}

impl From<WebhookError> for Problem {
    fn from(error: WebhookError) -> Self {
        match error {
            WebhookError::Db(error) => error.into(),
            WebhookError::NotFound => Self::not_found(),
            WebhookError::TooMany => Self::new(
                Code::Conflict,
                format!("An environment has at most {MAX_ENDPOINTS} webhook endpoints."),
            ),
        }
    }
}
