//! HTTP handlers of an environment's settings of billing.

use super::BillingSettings;
use crate::app::App;
use crate::auth::SecretKey;
use crate::base::{AfterLostDispute, Time};
use crate::db::{DbError, Lane, Tx};
use crate::http::wire::Request;
use crate::http::{Body, Json, Problem};
use crate::keys::KeyScopes;
use axum::extract::State;
use http::StatusCode;
use std::sync::Arc;
use unitpay_request::response;

#[response]
#[schema(as = BillingSettings)]
pub struct BillingSettingsResponse {
    /// The consequence of a lost dispute for the subscription that the payment was for.
    pub after_lost_dispute: AfterLostDispute,
    pub updated_at: Option<Time>,
}

#[derive(Debug, Request)]
pub struct PutBillingSettingsRequest {
    /// The consequence of a lost dispute for the subscription that the payment was for. `keep`: it goes
    /// on, and the invoice is uncollectible. `past_due`: it is past due, and the invoice is charged
    /// again. `cancel`: it ends, and the invoice is uncollectible. Default: as the installation is
    /// configured.
    after_lost_dispute: Option<AfterLostDispute>,
}

/// Reads the settings of billing.
#[utoipa::path(get, path = "/v1/billing-settings", tag = "subscriptions",
    operation_id = "getBillingSettings",
    responses((status = 200, body = BillingSettingsResponse)))]
pub async fn get(
    State(app): State<Arc<App>>,
    caller: SecretKey<{ KeyScopes::SUBSCRIPTIONS_READ }>,
) -> Result<Json<BillingSettingsResponse>, Problem> {
    let settings = super::get(&mut app.db.read().await?, &caller.tenant()).await?;
    Ok(Json(StatusCode::OK, response(&app, &settings)))
}

/// Replaces the settings of billing: a field that is absent is reset.
#[utoipa::path(put, path = "/v1/billing-settings", tag = "subscriptions",
    operation_id = "putBillingSettings",
    responses((status = 200, body = BillingSettingsResponse)))]
pub async fn put(
    State(app): State<Arc<App>>,
    caller: SecretKey<{ KeyScopes::SUBSCRIPTIONS_WRITE }>,
    body: Body<PutBillingSettingsRequest>,
) -> Result<Json<BillingSettingsResponse>, Problem> {
    let (new, _) = body.read()?;
    let new = BillingSettings { after_lost_dispute: new.after_lost_dispute, updated_at: None };
    let (tenant, author) = (caller.tenant(), app.author(caller.actor()));
    let step = async move |tx: &mut Tx<'_, '_>| super::put(tx, &tenant, &new, &author).await;
    let stored = app.db.write::<_, DbError, _>(Lane::Usual, step).await?;
    Ok(Json(StatusCode::OK, response(&app, &stored)))
}

fn response(app: &App, settings: &BillingSettings) -> BillingSettingsResponse {
    let default = app.config.billing.after_lost_dispute;
    BillingSettingsResponse {
        after_lost_dispute: settings.after_lost_dispute.unwrap_or(default),
        updated_at: settings.updated_at,
    }
}
