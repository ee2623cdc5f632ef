//! The payment processors of an organization over HTTP: what is connected, never a secret.

use super::stripe::{Connection, accounts};
use crate::app::App;
use crate::auth::SecretKey;
use crate::base::Time;
use crate::base::words::words;
use crate::http::{Json, Problem};
use crate::keys::KeyScopes;
use crate::organizations::Environment;
use crate::payments::{sandbox, stripe};
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
    let connection = accounts::of_tenant(&mut app.db.read().await?, &tenant).await?;
    let connected = connection.as_ref().is_some_and(Connection::is_connected);
    let mut data = Vec::new();
    data.extend(connection.map(|connection| of_stripe(connection, &app.issuer)));
    if tenant.environment == Environment::Sandbox {
        data.push(built_in(!connected));
    }
    Ok(Json(StatusCode::OK, ProcessorsResponse { data }))
}

fn of_stripe(connection: Connection, issuer: &str) -> ProcessorResponse {
    let connected = connection.is_connected();
    ProcessorResponse {
        processor: stripe::NAME,
        status: match connected {
            true => ProcessorStatus::Connected,
            false => ProcessorStatus::Disconnected,
        },
        is_used: connected,
        webhook_url: Some(connection.webhook_url(issuer)),
        account: Some(connection.account),
        secret_key_last4: connected.then_some(connection.last_four),
        publishable_key: connected.then_some(connection.publishable_key),
        updated_at: Some(connection.updated_at),
    }
}

const fn built_in(is_used: bool) -> ProcessorResponse {
    ProcessorResponse {
        processor: sandbox::NAME,
        status: ProcessorStatus::BuiltIn,
        is_used,
        account: None,
        secret_key_last4: None,
        publishable_key: None,
        webhook_url: None,
        updated_at: None,
    }
}
