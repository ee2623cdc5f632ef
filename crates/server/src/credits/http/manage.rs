//! The backend's operations on a wallet.

use super::shown::{CreditAccountResponse, GrantResponse, LedgerEntryResponse};
use crate::app::App;
use crate::auth::SecretKey;
use crate::base::{CreditAccountId, LedgerEntryId, Time};
use crate::credits::{self, sql};
use crate::db::{Lane, Tx};
use crate::http::leaves::{Amount, ShortText, Text};
use crate::http::page::path_id;
use crate::http::wire::Request;
use crate::http::{Body, IdempotencyKey, Json, NoBody, PathText, Problem};
use crate::idempotency::{self, Outcome};
use crate::keys::KeyScopes;
use crate::test_clock;
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
    let idempotency = idempotency.of(caller.id(), &raw, by.now);
    let done = app.db.write(Lane::Usual, async move |tx: &mut Tx<'_, '_>| {
        let idempotency = idempotency.as_ref();
        idempotency::wait_for_twin(tx, idempotency).await?;
        if let Some(kept) = idempotency::replay::<Problem>(tx, idempotency).await? {
            return Ok(Outcome::Replay(kept));
        }
        let at = test_clock::write_now::<Problem>(tx, &tenant, by.now).await?;
        let note = description.clone();
        let grant = credits::grant_by_hand(
            &mut Work { tx, tenant: &tenant, at, by: &by },
            id,
            amount,
            expires_at,
            note,
        )
        .await?;
        let body = serde_json::to_value(GrantResponse::from(&grant)).map_err(Problem::internal)?;
        idempotency::keep(tx, idempotency, &body).await?;
        Ok::<_, Problem>(Outcome::Fresh(body))
    });
    done.await.map(Outcome::into_response)
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
    let idempotency = idempotency.of(caller.id(), &raw, by.now);
    let done = app.db.write(Lane::Usual, async move |tx: &mut Tx<'_, '_>| {
        let idempotency = idempotency.as_ref();
        idempotency::wait_for_twin(tx, idempotency).await?;
        if let Some(kept) = idempotency::replay::<Problem>(tx, idempotency).await? {
            return Ok(Outcome::Replay(kept));
        }
        let at = test_clock::write_now::<Problem>(tx, &tenant, by.now).await?;
        let mut work = Work { tx, tenant: &tenant, at, by: &by };
        let undone = credits::undo(&mut work, id, entry, expires_at).await?;
        let body = LedgerEntryResponse::from(undone);
        let body = serde_json::to_value(body).map_err(Problem::internal)?;
        idempotency::keep(tx, idempotency, &body).await?;
        Ok::<_, Problem>(Outcome::Fresh(body))
    });
    done.await.map(Outcome::into_response)
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
    let done = app.db.write(Lane::Usual, async move |tx: &mut Tx<'_, '_>| {
        let at = test_clock::write_now::<Problem>(tx, &tenant, by.now).await?;
        credits::set_frozen(&mut Work { tx, tenant: &tenant, at, by: &by }, id, frozen).await?;
        Ok::<_, Problem>(sql::view(tx, &tenant, id).await?)
    });
    let view = done.await?.ok_or_else(Problem::not_found)?;
    Ok(Json(StatusCode::OK, view.into()))
}
