//! Buying credits, now or automatically when few are left.

use crate::app::App;
use crate::auth::Caller;
use crate::base::{CreditCurrencyId, CreditPackageId};
use crate::credits::http::{AutoTopUpMode, CreditAccountResponse};
use crate::credits::{self, AutoTopUp, Purchase};
use crate::customers::{self, Customer};
use crate::db::Tx;
use crate::flows::TopUpOrder;
use crate::flows::http::answer::{SettleOutcomeResponse, answer};
use crate::http::leaves::{Amount, Integer};
use crate::http::page::path_id;
use crate::http::wire::{Description, Presence, Request};
use crate::http::{Body, Fields, IdempotencyKey, Json, PathText, PathTexts, Problem};
use crate::keys::KeyScopes;
use crate::portal::PortalScopes;
use crate::work::Work;
use crate::{flows, test_clock};
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use std::sync::Arc;

type Writer = Caller<{ KeyScopes::CREDITS_WRITE }, { PortalScopes::CREDITS_WRITE }>;

type Quantity = Integer<1, 1_000>;

#[derive(Debug, Request)]
pub struct TopUpRequest {
    credit_currency_id: CreditCurrencyId,
    #[request(flatten)]
    purchase: Purchase,
    /// The price before tax that the customer was shown, in minor units. If the price is another one
    /// by now, nothing is charged and the answer is `price_changed`, with the new price.
    #[request(with = Amount<0>)]
    expected_amount: Option<i64>,
}

#[derive(Debug, Request)]
pub struct AutoTopUpRequest {
    enabled: bool,
    /// A top-up begins when the balance is below it.
    #[request(with = Amount<1>)]
    threshold: i64,
    #[request(flatten)]
    purchase: AutoPurchase,
    /// Default 10.
    #[request(with = Integer<1, 1_000>, default = 10)]
    max_per_month: i64,
}

/// An amount or a package, whichever is there.
impl Request for Purchase {
    const NAME: &'static str = "Purchase";
    const DESCRIPTION: &'static str = "";

    fn read(fields: &mut Fields) -> Option<Self> {
        fields.purchase(None)
    }

    fn describe(description: &mut Description) {
        let optional = Presence::Optional;
        let text = "What to spend, in minor units; for credits that are worth money. \
                    Excludes `packageId`.";
        description.field::<Amount<1>>("amount", text, optional, false);
        description.field::<CreditPackageId>("packageId", "", optional, false);
        let text = "How many packages; default 1.";
        description.field::<Quantity>("quantity", text, optional, false);
    }
}

/// An amount or a package, as `mode` says.
#[derive(Debug)]
pub struct AutoPurchase(Purchase);

impl Request for AutoPurchase {
    const NAME: &'static str = "AutoPurchase";
    const DESCRIPTION: &'static str = "";

    fn read(fields: &mut Fields) -> Option<Self> {
        let mode = fields.required_field::<AutoTopUpMode>("mode");
        let purchase = fields.purchase(mode);
        mode.and(purchase).map(Self)
    }

    fn describe(description: &mut Description) {
        description.field::<AutoTopUpMode>("mode", "", Presence::Required, false);
        Purchase::describe(description);
    }
}

impl Fields {
    /// Reads an amount or a package, as `mode` says; without a mode, whichever is there.
    fn purchase(&mut self, mode: Option<AutoTopUpMode>) -> Option<Purchase> {
        let by_package = match mode {
            Some(AutoTopUpMode::Package) => true,
            Some(AutoTopUpMode::Amount) => false,
            None => self.has("packageId"),
        };
        if by_package {
            self.required(&["packageId"]);
            let package_id = self.parsed("packageId", "the id of a credit package");
            let quantity = self.optional_field::<Quantity>("quantity");
            let (package_id, quantity) = package_id.zip(quantity)?;
            return Some(Purchase::Package { package_id, quantity: quantity.unwrap_or(1) });
        }
        if mode.is_none() && !self.has("amount") {
            self.wrong("amount", "is required unless packageId is given");
        } else {
            self.required(&["amount"]);
        }
        self.amount("amount", 1).map(|amount| Purchase::Amount { amount })
    }
}

/// Buys credits. Without a card, or if the card needs authentication, the answer is a form.
#[utoipa::path(post, path = "/v1/customers/{id}/top-ups", tag = "credits", operation_id = "topUpCredits",
    responses((status = 200, body = SettleOutcomeResponse)))]
pub async fn top_up(
    State(app): State<Arc<App>>,
    caller: Writer,
    PathText(id): PathText,
    idempotency: IdempotencyKey,
    body: Body<TopUpRequest>,
) -> Result<Response, Problem> {
    let (request, raw) = body.read()?;
    let order = TopUpOrder {
        currency_id: request.credit_currency_id,
        purchase: request.purchase,
        expected_amount: request.expected_amount,
    };
    let (tenant, viewer) = (caller.tenant(), caller.viewer());
    let by = app.by(caller.actor());
    let idempotency = idempotency.bind(caller.idempotency_scope(), &raw, by.now);
    // The customer comes first: an unknown one is missing even while the test clock advances.
    let written = app.once(idempotency, async move |tx: &mut Tx<'_, '_>| {
        let customer_no = customer(tx, &caller, &id).await?.no;
        let at = test_clock::write_now::<Problem>(tx, &tenant, by.now).await?;
        let mut work = Work { tx, tenant: &tenant, at, by: &by };
        Ok::<_, Problem>(flows::top_up(&mut work, customer_no, &order).await?)
    });
    answer(&app, &tenant, viewer, written.await?).await
}

/// Sets the automatic top-up rule of a wallet. Saving it resumes a paused rule.
#[utoipa::path(put, path = "/v1/customers/{id}/auto-topup-rules/{creditCurrencyId}", tag = "credits",
    operation_id = "setAutoTopUp",
    responses((status = 200, body = CreditAccountResponse)))]
pub async fn set_auto_top_up(
    State(app): State<Arc<App>>,
    caller: Writer,
    PathTexts(id, currency_id): PathTexts,
    body: Body<AutoTopUpRequest>,
) -> Result<Json<CreditAccountResponse>, Problem> {
    let (request, _) = body.read()?;
    let rule = AutoTopUp {
        enabled: request.enabled,
        threshold: request.threshold,
        purchase: request.purchase.0,
        max_per_month: request.max_per_month,
        month: 0,
        count: 0,
        pending: false,
        paused: false,
        paused_card: None,
    };
    let currency_id = path_id::<CreditCurrencyId>(&currency_id)?;
    let (tenant, customer_no) =
        (caller.tenant(), customer(&mut app.db.read().await?, &caller, &id).await?.no);
    let by = app.by(caller.actor());
    let done = app.work(tenant, by, async move |work: &mut Work<'_, '_, '_>| {
        let set = flows::set_auto_top_up(work, customer_no, currency_id, rule.clone());
        let id = set.await?;
        Ok::<_, Problem>(credits::view(work.tx, work.tenant, id).await?)
    });
    let view = done.await?.ok_or_else(Problem::not_found)?;
    Ok(Json(StatusCode::OK, view.into()))
}

async fn customer(tx: &mut Tx<'_, '_>, caller: &Writer, id: &str) -> Result<Customer, Problem> {
    caller.reach_customer(tx, Some(&customers::http::reference(id))).await
}
