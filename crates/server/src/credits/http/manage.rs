//! The backend's operations on a wallet.

use super::shown::{CreditAccountResponse, GrantResponse, LedgerEntryResponse};
use crate::app::App;
use crate::auth::SecretKey;
use crate::base::{CreditAccountId, LedgerEntryId, Time};
use crate::credits::{self, sql};
use crate::http::leaves::{Amount, ShortText, Text};
use crate::http::page::path_id;
use crate::http::wire::Request;
use crate::http::{Body, IdempotencyKey, Json, NoBody, PathText, Problem};
use crate::idempotency::Outcome;
use crate::keys::KeyScopes;
use crate::work::Work;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use std::sync::Arc;

type Writer = SecretKey<{ KeyScopes::CREDITS_WRITE }>;

#[derive(Debug, Request)]
pub struct GrantCreditsRequest {
    /// In the credit currency's smallest unit.
    #[request(with = Amount<1>)]
    amount: i64,
    /// Default: the credits never expire.
    expires_at: Option<Time>,
    #[request(with = Text<1, 200>)]
    description: Option<String>,
}

#[derive(Debug, Request)]
pub struct RefundCreditsRequest {
    /// A debit, which is reversed, or a grant, whose remaining credits are removed.
    #[request(with = ShortText<128>)]
    ledger_entry_id: String,
    /// Refunds a deduction to a new grant that expires then. Absent: to the grant that it came from,
    /// with which it expires, at once if that grant has expired.
    expires_at: Option<Time>,
}

/// Grants promotional credits.
#[utoipa::path(post, path = "/v1/credit-accounts/{id}/grants", tag = "credits", operation_id = "grantCredits",
    responses((status = 201, body = GrantResponse)))]
pub async fn grant(
    State(app): State<Arc<App>>,
    caller: Writer,
    PathText(id): PathText,
    idempotency: IdempotencyKey,
    body: Body<GrantCreditsRequest>,
) -> Result<Response, Problem> {
    let (GrantCreditsRequest { amount, expires_at, description }, raw) = body.read()?;
    let (tenant, id) = (caller.tenant(), path_id::<CreditAccountId>(&id)?);
    let by = app.by(caller.actor());
    let idempotency = idempotency.bind(caller.id(), &raw, by.now);
    let rule = async move |work: &mut Work<'_, '_, '_>| {
        let note = description.clone();
        let grant = credits::grant_by_hand(work, id, amount, expires_at, note).await?;
        serde_json::to_value(GrantResponse::from(&grant)).map_err(Problem::internal)
    };
    let written = app.write(tenant, by, idempotency, rule).await?;
    Ok(Outcome::from(written).into_response())
}

/// Undoes an entry of the ledger, once.
#[utoipa::path(post, path = "/v1/credit-accounts/{id}/refunds", tag = "credits", operation_id = "refundCredits",
    responses((status = 201, body = LedgerEntryResponse)))]
pub async fn refund(
    State(app): State<Arc<App>>,
    caller: Writer,
    PathText(id): PathText,
    idempotency: IdempotencyKey,
    body: Body<RefundCreditsRequest>,
) -> Result<Response, Problem> {
    let (RefundCreditsRequest { ledger_entry_id: entry, expires_at }, raw) = body.read()?;
    let (tenant, id) = (caller.tenant(), path_id::<CreditAccountId>(&id)?);
    let entry = path_id::<LedgerEntryId>(&entry)?;
    let by = app.by(caller.actor());
    let idempotency = idempotency.bind(caller.id(), &raw, by.now);
    let rule = async move |work: &mut Work<'_, '_, '_>| {
        let undone = credits::undo(work, id, entry, expires_at).await?;
        let body = LedgerEntryResponse::from(undone);
        serde_json::to_value(body).map_err(Problem::internal)
    };
    let written = app.write(tenant, by, idempotency, rule).await?;
    Ok(Outcome::from(written).into_response())
}

/// Freezes a wallet: nothing is debited from it or bought for it. Grants and expiries continue.
#[utoipa::path(post, path = "/v1/credit-accounts/{id}/freeze", tag = "credits", operation_id = "freezeCreditAccount",
    responses((status = 200, body = CreditAccountResponse)))]
pub async fn freeze(
    State(app): State<Arc<App>>,
    caller: Writer,
    PathText(id): PathText,
    _: NoBody,
) -> Result<Json<CreditAccountResponse>, Problem> {
    set_frozen(&app, &caller, &id, true).await
}

/// Unfreezes a wallet.
#[utoipa::path(post, path = "/v1/credit-accounts/{id}/unfreeze", tag = "credits", operation_id = "unfreezeCreditAccount",
    responses((status = 200, body = CreditAccountResponse)))]
pub async fn unfreeze(
    State(app): State<Arc<App>>,
    caller: Writer,
    PathText(id): PathText,
    _: NoBody,
) -> Result<Json<CreditAccountResponse>, Problem> {
    set_frozen(&app, &caller, &id, false).await
}

async fn set_frozen(
    app: &App,
    caller: &Writer,
    id: &str,
    frozen: bool,
) -> Result<Json<CreditAccountResponse>, Problem> {
    let (tenant, id) = (caller.tenant(), path_id::<CreditAccountId>(id)?);
    let by = app.by(caller.actor());
    let done = app.work(tenant, by, async move |work: &mut Work<'_, '_, '_>| {
        credits::set_frozen(work, id, frozen).await?;
        Ok::<_, Problem>(sql::view(work.tx, work.tenant, id).await?)
    });
    let view = done.await?.ok_or_else(Problem::not_found)?;
    Ok(Json(StatusCode::OK, view.into()))
}
