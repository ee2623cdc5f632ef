//! Buying credits, now or whenever few are left.

use crate::app::App;
use crate::auth::Caller;
use crate::base::CreditCurrencyId;
use crate::credits::http::CreditAccountResponse;
use crate::credits::{self, AutoTopUp, Purchase};
use crate::customers::{self, Customer};
use crate::db::{Lane, Tx};
use crate::flows::http::answer::{SettleOutcomeResponse, answer};
use crate::http::page::path_id;
use crate::http::{Fields, IdempotencyKey, Json, JsonBody, PathText, PathTexts, Problem};
use crate::keys::KeyScopes;
use crate::portal::PortalScopes;
use crate::work::Work;
use crate::{flows, settlement, test_clock};
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use std::sync::Arc;
use utoipa::ToSchema;

type Writer = Caller<{ KeyScopes::CREDITS_WRITE }, { PortalScopes::CREDITS_WRITE }>;

/// The most packages that one top-up may have.
const MAX_QUANTITY: i64 = 1000;
const MAX_PER_MONTH: i64 = 1000;

#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
#[allow(dead_code)] // Describes what `top_up` reads.
pub struct TopUpRequest {
    credit_currency_id: String,
    /// What to spend, in minor units; for credits that are worth money. Or `packageId`.
    #[schema(minimum = 1, nullable = false)]
    amount: Option<i64>,
    #[schema(nullable = false)]
    package_id: Option<String>,
    /// Of the package; 1 unless it says so.
    #[schema(minimum = 1, maximum = 1000, nullable = false)]
    quantity: Option<i64>,
}

#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
#[allow(dead_code)] // Describes what `set_rule` reads.
pub struct AutoTopUpRequest {
    enabled: bool,
    #[schema(value_type = crate::credits::http::AutoTopUpMode)]
    mode: String,
    /// A top-up begins when the balance is below.
    #[schema(minimum = 1)]
    threshold: i64,
    /// What one costs, in minor units; with the mode `amount`.
    #[schema(minimum = 1, nullable = false)]
    amount: Option<i64>,
    /// With the mode `package`.
    #[schema(nullable = false)]
    package_id: Option<String>,
    /// Of the package; 1 unless it says so.
    #[schema(minimum = 1, maximum = 1000, nullable = false)]
    quantity: Option<i64>,
    /// 10 unless it says so.
    #[schema(minimum = 1, maximum = 1000, nullable = false)]
    max_per_month: Option<i64>,
}

#[derive(Clone, Copy)]
enum Mode {
    Amount,
    Package,
}

impl Fields {
    /// Reads what is bought: an amount or a package, as `mode` says or as is there.
    fn purchase(&mut self, mode: Option<Mode>) -> Option<Purchase> {
        let by_package = match mode {
            Some(Mode::Package) => true,
            Some(Mode::Amount) => false,
            None => self.has("packageId"),
        };
        if by_package {
            self.required(&["packageId"]);
            let package_id = self.parsed("packageId", "the id of a credit package");
            let quantity = match self.has("quantity") {
                true => self.integer("quantity", 1..=MAX_QUANTITY),
                false => Some(1),
            };
            let (package_id, quantity) = package_id.zip(quantity)?;
            return Some(Purchase::Package { package_id, quantity });
        }
        if mode.is_none() && !self.has("amount") {
            self.wrong("amount", "is required, or packageId");
        } else {
            self.required(&["amount"]);
        }
        self.amount("amount", 1).map(|amount| Purchase::Amount { amount })
    }
}

/// Buys credits. Without a card, or where it asks for more, a form answers.
#[utoipa::path(post, path = "/v1/customers/{id}/top-ups", tag = "credits", operation_id = "topUpCredits",
    security(("secretKey" = ["credits:write"]), ("portalToken" = ["credits:write"])),
    params(("id" = String, Path,), ("Idempotency-Key" = Option<String>, Header,)),
    request_body = TopUpRequest,
    responses((status = 200, body = SettleOutcomeResponse)))]
pub async fn top_up(
    State(app): State<Arc<App>>,
    caller: Writer,
    PathText(id): PathText,
    idempotency: IdempotencyKey,
    JsonBody { mut fields, raw }: JsonBody,
) -> Result<Response, Problem> {
    fields.required(&["creditCurrencyId"]);
    let currency_id = fields.parsed("creditCurrencyId", "the id of a credit currency");
    let purchase = fields.purchase(None);
    let (currency_id, purchase) = fields.made(|| currency_id.zip(purchase))?;
    let (tenant, backend) = (caller.tenant(), caller.only_customer().is_none());
    let by = app.by(caller.actor());
    let idempotency = idempotency.of(caller.idempotency_scope(), &raw, by.now);
    let done = app.db.write(Lane::Usual, async move |tx: &mut Tx<'_, '_>| {
        let idempotency = idempotency.as_ref();
        if let Some(kept) = settlement::replay::<Problem>(tx, idempotency).await? {
            return Ok((kept, true));
        }
        let customer_no = customer(tx, &caller, &id).await?.no;
        let at = test_clock::write_now::<Problem>(tx, &tenant, by.now).await?;
        let kept = flows::top_up(
            &mut Work { tx, tenant: &tenant, at, by: &by },
            customer_no,
            currency_id,
            &purchase,
        )
        .await?;
        settlement::keep(tx, idempotency, &kept).await?;
        Ok::<_, Problem>((kept, false))
    });
    let (kept, replayed) = done.await?;
    answer(&app, &tenant, backend, kept, replayed).await
}

/// Sets when a wallet tops itself up. Saved again it goes on where a decline had paused it.
#[utoipa::path(put, path = "/v1/customers/{id}/auto-topup-rules/{creditCurrencyId}", tag = "credits",
    operation_id = "setAutoTopUp",
    security(("secretKey" = ["credits:write"]), ("portalToken" = ["credits:write"])),
    params(("id" = String, Path,), ("creditCurrencyId" = String, Path,)),
    request_body = AutoTopUpRequest,
    responses((status = 200, body = CreditAccountResponse)))]
pub async fn set_auto_top_up(
    State(app): State<Arc<App>>,
    caller: Writer,
    PathTexts(id, currency_id): PathTexts,
    JsonBody { mut fields, .. }: JsonBody,
) -> Result<Json<CreditAccountResponse>, Problem> {
    fields.required(&["enabled", "mode", "threshold"]);
    let enabled = fields.boolean("enabled");
    let mode = fields.word("mode", &[Mode::Amount, Mode::Package], |mode| match mode {
        Mode::Amount => "amount",
        Mode::Package => "package",
    });
    let threshold = fields.amount("threshold", 1);
    let purchase = fields.purchase(mode);
    let max_per_month = match fields.has("maxPerMonth") {
        true => fields.integer("maxPerMonth", 1..=MAX_PER_MONTH),
        false => Some(10),
    };
    let rule = fields.made(|| {
        Some(AutoTopUp {
            enabled: enabled?,
            threshold: threshold?,
            purchase: purchase?,
            max_per_month: max_per_month?,
            month: 0,
            count: 0,
            pending: false,
            paused: false,
            paused_card: None,
        })
    })?;
    let currency_id = path_id::<CreditCurrencyId>(&currency_id)?;
    let (tenant, customer_no) =
        (caller.tenant(), customer(&mut app.db.read().await?, &caller, &id).await?.no);
    let by = app.by(caller.actor());
    let done = app.db.write(Lane::Usual, async move |tx: &mut Tx<'_, '_>| {
        let at = test_clock::write_now::<Problem>(tx, &tenant, by.now).await?;
        let mut work = Work { tx, tenant: &tenant, at, by: &by };
        let set = flows::set_auto_top_up(&mut work, customer_no, currency_id, rule.clone());
        let id = set.await?;
        Ok::<_, Problem>(credits::view(tx, &tenant, id).await?)
    });
    let view = done.await?.ok_or_else(Problem::not_found)?;
    Ok(Json(StatusCode::OK, view.into()))
}

async fn customer(tx: &mut Tx<'_, '_>, caller: &Writer, id: &str) -> Result<Customer, Problem> {
    customers::http::of_caller(tx, caller, Some(customers::http::reference(id))).await
}
