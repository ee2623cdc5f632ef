//! The payment processors of an organization over HTTP: what is connected, never a secret.

use super::stripe::{Connection, accounts};
use super::{remote, sandbox, stripe};
use crate::app::App;
use crate::auth::SecretKey;
use crate::base::Time;
use crate::base::words::words;
use crate::http::{Json, Problem};
use crate::keys::KeyScopes;
use crate::organizations::Environment;
use axum::extract::State;
use http::StatusCode;
use std::sync::Arc;
use unitpay_request::response;

/// The processors of the caller's organization and environment.
#[response]
#[schema(as = ProcessorList)]
pub struct ProcessorsResponse {
    pub data: Vec<ProcessorResponse>,
}

#[response]
#[schema(as = Processor)]
pub struct ProcessorResponse {
    /// Its name, as payment methods and forms carry it.
    pub processor: &'static str,
    pub status: ProcessorStatus,
    /// Whether new payments go to this processor.
    pub is_used: bool,
    /// The base URL of a processor over HTTP.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The processor's id of the account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// The last four characters of the secret key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_key_last4: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub publishable_key: Option<String>,
    /// Where the processor has to send its webhooks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub webhook_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<Time>,
}

words! {
    ProcessorStatus {
        /// Part of this server.
        BuiltIn = "built_in",
        Connected = "connected",
        /// Its credentials were deleted; the customers' references to it are kept.
        Disconnected = "disconnected",
    }
}

type Reader = SecretKey<{ KeyScopes::PAYMENT_METHODS_READ }>;

/// Lists the payment processors of the organization.
#[utoipa::path(get, path = "/v1/processors", tag = "processors", operation_id = "listProcessors",
    responses((status = 200, body = ProcessorsResponse)))]
pub async fn list(
    State(app): State<Arc<App>>,
    caller: Reader,
) -> Result<Json<ProcessorsResponse>, Problem> {
    let tenant = caller.tenant();
    let mut tx = app.db.read().await?;
    let used = app.processors.choose(&mut tx, &tenant).await?.map(|processor| processor.name());
    let remote = remote::of_tenant(&mut tx, &tenant).await?;
    let stripe = accounts::of_tenant(&mut tx, &tenant).await?;
    let mut data = Vec::new();
    data.extend(remote.map(|connection| of_remote(connection, &app.issuer)));
    data.extend(stripe.map(|connection| of_stripe(connection, &app.issuer)));
    if tenant.environment == Environment::Sandbox {
        data.push(ProcessorResponse::new(sandbox::NAME, ProcessorStatus::BuiltIn));
    }
    for processor in &mut data {
        processor.is_used = used == Some(processor.processor);
    }
    Ok(Json(StatusCode::OK, ProcessorsResponse { data }))
}

const fn status(is_connected: bool) -> ProcessorStatus {
    match is_connected {
        true => ProcessorStatus::Connected,
        false => ProcessorStatus::Disconnected,
    }
}

fn of_remote(connection: remote::Connection, issuer: &str) -> ProcessorResponse {
    let status = status(connection.is_connected());
    ProcessorResponse {
        webhook_url: Some(connection.webhook_url(issuer)),
        url: Some(connection.url),
        account: Some(connection.account),
        updated_at: Some(connection.updated_at),
        ..ProcessorResponse::new(remote::NAME, status)
    }
}

fn of_stripe(connection: Connection, issuer: &str) -> ProcessorResponse {
    let connected = connection.is_connected();
    ProcessorResponse {
        webhook_url: Some(connection.webhook_url(issuer)),
        account: Some(connection.account),
        secret_key_last4: connected.then_some(connection.last_four),
        publishable_key: connected.then_some(connection.publishable_key),
        updated_at: Some(connection.updated_at),
        ..ProcessorResponse::new(stripe::NAME, status(connected))
    }
}

impl ProcessorResponse {
    const fn new(processor: &'static str, status: ProcessorStatus) -> Self {
        Self {
            processor,
            status,
            is_used: false,
            url: None,
            account: None,
            secret_key_last4: None,
            publishable_key: None,
            webhook_url: None,
            updated_at: None,
        }
    }
}
