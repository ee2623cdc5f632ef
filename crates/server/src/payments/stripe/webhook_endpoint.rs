//! Registers the address to which Stripe sends an account's webhooks.

use super::client::{API_VERSION, Call, CallError};
use super::{Stripe, events};
use crate::base::Secret;
use std::error::Error;
use std::fmt;

#[derive(Debug)]
pub enum RegisterError {
    Call(CallError),
    /// An endpoint with this address exists; only its creator knows its secret.
    Exists,
    /// Stripe refused with this status.
    Refused(u16),
}

/// Creates a webhook endpoint with this address at Stripe and returns the secret that signs its events.
pub async fn register(stripe: &Stripe, url: &str) -> Result<Secret, RegisterError> {
    let known = stripe.send(Call::get("/v1/webhook_endpoints").with("limit", "100")).await?;
    if !known.is_success() {
        return Err(RegisterError::Refused(known.status));
    }
    let rows = known.body["data"].as_array().map(Vec::as_slice).unwrap_or_default();
    if rows.iter().any(|row| row["url"] == url) {
        return Err(RegisterError::Exists);
    }
    let mut call = Call::post("/v1/webhook_endpoints")
        .with("url", url)
        .with("api_version", API_VERSION)
        .with("description", "UnitPay");
    for event_type in events::TYPES {
        call = call.with("enabled_events[]", event_type);
    }
    let made = stripe.send(call).await?;
    match made.body["secret"].as_str() {
        Some(secret) if made.is_success() => Ok(Secret::new(secret.to_owned())),
        Some(_) | None => Err(RegisterError::Refused(made.status)),
    }
}

impl From<CallError> for RegisterError {
    fn from(error: CallError) -> Self {
        Self::Call(error)
    }
}

impl fmt::Display for RegisterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Call(error) => write!(f, "Stripe could not be asked: {error}"),
            Self::Exists => f.write_str(
                "an endpoint with this address exists at Stripe: delete it there and connect again, \
                 or give its secret to `unitpay processors rotate`",
            ),
            Self::Refused(401 | 403) => {
                f.write_str("the key may not write webhook endpoints; docs/stripe.md lists the permissions")
            }
            Self::Refused(status) => {
                write!(f, "Stripe answered {status} to the registration of the webhook endpoint")
            }
        }
    }
}

impl Error for RegisterError {}
