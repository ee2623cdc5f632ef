//! HTTP handlers of an environment's settings for its e-mail.

use super::settings::{self, EmailSettings, Kinds};
use super::{EmailKind, sql};
use crate::app::App;
use crate::auth::SecretKey;
use crate::base::Time;
use crate::db::{DbError, Lane, Tx};
use crate::http::leaves::{Email, string};
use crate::http::wire::{Field, Request};
use crate::http::{Body, Fields, Json, Problem};
use crate::keys::KeyScopes;
use axum::extract::State;
use http::StatusCode;
use std::sync::Arc;
use unitpay_request::response;
use utoipa::openapi::schema::ArrayBuilder;
use utoipa::openapi::{RefOr, Schema};

#[response]
#[schema(as = EmailSettings)]
pub struct EmailSettingsResponse {
    /// The address that e-mail is from; `null`: the server's.
    pub sender: Option<String>,
    /// The address that replies go to; `null`: the `supportEmail` of the branding.
    pub reply_to: Option<String>,
    /// The address of the people who keep the integration running; `null`: they get no e-mail.
    pub alerts_to: Option<String>,
    /// The kinds that are not sent.
    pub disabled_kinds: Vec<EmailKind>,
    pub updated_at: Option<Time>,
}

#[derive(Debug, Request)]
pub struct PutEmailSettingsRequest {
    /// An address of a domain that the server's operator allows.
    #[request(with = Email, nullable)]
    sender: Option<String>,
    #[request(with = Email, nullable)]
    reply_to: Option<String>,
    /// Learns of webhook endpoints that were disabled.
    #[request(with = Email, nullable)]
    alerts_to: Option<String>,
    /// The kinds that are not sent.
    #[request(default = Kinds::default())]
    disabled_kinds: Kinds,
}

impl Field for Kinds {
    type Value = Self;

    fn read(fields: &mut Fields, name: &str) -> Option<Self> {
        let names = fields.texts(name, EmailKind::ALL.len())?;
        let known = |name: &String| EmailKind::ALL.into_iter().find(|kind| kind.as_str() == name);
        let Some(kinds) = names.iter().map(known).collect::<Option<Vec<_>>>() else {
            fields.wrong(name, "must be kinds of e-mail");
            return None;
        };
        Some(Self(EmailKind::ALL.into_iter().filter(|kind| kinds.contains(kind)).collect()))
    }

    fn schema() -> RefOr<Schema> {
        let names = EmailKind::ALL.into_iter().map(EmailKind::as_str);
        ArrayBuilder::new().items(string().enum_values(Some(names))).into()
    }
}

impl From<EmailSettings> for EmailSettingsResponse {
    fn from(settings: EmailSettings) -> Self {
        Self {
            sender: settings.sender,
            reply_to: settings.reply_to,
            alerts_to: settings.alerts_to,
            disabled_kinds: settings.disabled_kinds.0,
            updated_at: settings.updated_at,
        }
    }
}

/// Reads the settings of e-mail.
#[utoipa::path(get, path = "/v1/email-settings", tag = "emails", operation_id = "getEmailSettings",
    responses((status = 200, body = EmailSettingsResponse)))]
pub async fn get(
    State(app): State<Arc<App>>,
    caller: SecretKey<{ KeyScopes::EMAILS_READ }>,
) -> Result<Json<EmailSettingsResponse>, Problem> {
    let settings = sql::settings(&mut app.db.read().await?, &caller.tenant()).await?;
    Ok(Json(StatusCode::OK, settings.into()))
}

/// Replaces the settings of e-mail: a field that is absent or null is reset. E-mail that is queued
/// already is sent by the new settings, except for its kind.
#[utoipa::path(put, path = "/v1/email-settings", tag = "emails", operation_id = "putEmailSettings",
    responses((status = 200, body = EmailSettingsResponse)))]
pub async fn put(
    State(app): State<Arc<App>>,
    caller: SecretKey<{ KeyScopes::EMAILS_WRITE }>,
    mut body: Body<PutEmailSettingsRequest>,
) -> Result<Json<EmailSettingsResponse>, Problem> {
    check_sender(&mut body.fields, &app);
    let (new, _) = body.read()?;
    let new = EmailSettings {
        sender: new.sender,
        reply_to: new.reply_to,
        alerts_to: new.alerts_to,
        disabled_kinds: new.disabled_kinds,
        updated_at: None,
    };
    let (tenant, author) = (caller.tenant(), app.author(caller.actor()));
    let step = async move |tx: &mut Tx<'_, '_>| settings::put(tx, &tenant, &new, &author).await;
    let stored = app.db.write::<_, DbError, _>(Lane::Usual, step).await?;
    Ok(Json(StatusCode::OK, stored.into()))
}

/// An organization may only send from domains of the operator's choice: the SMTP server would send
/// any address with the operator's reputation.
fn check_sender(fields: &mut Fields, app: &App) {
    let allowed = fields.peek("sender").is_none_or(|sender| app.config.email.allows_sender(sender));
    if !allowed {
        fields.wrong("sender", "must be an address of a domain that this server may send from");
    }
}
