//! HTTP handlers for a customer's balance.

use crate::app::App;
use crate::auth::{Caller, SecretKey};
use crate::base::{
    BalanceEntryId, CreditNoteId, Currency, CustomerId, InvoiceId, MAX_AMOUNT, Time,
};
use crate::customers::{self, http::reference};
use crate::flows::balance::{Adjustment, adjust_balance};
use crate::http::leaves::{Integer, Text};
use crate::http::page::{ListQuery, ListResponse};
use crate::http::wire::Request;
use crate::http::{Body, IdempotencyKey, Json, PathText, Problem};
use crate::idempotency::Outcome;
use crate::invoices::balance::{self, BalanceEntry, BalanceEntryType};
use crate::keys::KeyScopes;
use crate::portal::PortalScopes;
use crate::work::Work;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use std::sync::Arc;
use unitpay_request::response;

type Reader = Caller<{ KeyScopes::INVOICES_READ }, { PortalScopes::INVOICES_READ }>;
type Writer = SecretKey<{ KeyScopes::INVOICES_WRITE }>;

/// The money that a customer has with the seller. The next invoices are paid from it.
#[response]
pub struct CustomerBalance {
    pub customer_id: CustomerId,
    /// One for each currency that the customer ever had money in.
    pub balances: Vec<BalanceAmount>,
}

#[response]
pub struct BalanceAmount {
    pub currency: Currency,
    /// In minor units, never negative.
    pub amount: i64,
    pub updated_at: Time,
}

/// An entry of the ledger of a customer's balance.
#[response]
#[schema(as = BalanceEntry)]
pub struct BalanceEntryResponse {
    pub id: BalanceEntryId,
    /// `adjustment`: changed by a backend. `applied`: paid an invoice, or reserved for one whose
    /// payment is open. `returned`: from an invoice that was voided or whose payment did not come.
    /// `overpayment`: the excess of a transfer, or a payment that a bank gave back after it was paid
    /// again. `credit_note`: added by a credit note, and taken back by `credit_note_voided`.
    /// `refund_failed`: a refund that the processor could not make.
    pub r#type: BalanceEntryType,
    pub currency: Currency,
    /// In minor units, positive if the customer gains.
    pub amount: i64,
    pub balance_after: i64,
    pub invoice_id: Option<InvoiceId>,
    pub credit_note_id: Option<CreditNoteId>,
    /// The description of an adjustment, or the reference of a transfer.
    pub description: Option<String>,
    /// In billing time.
    pub created_at: Time,
}

impl From<BalanceEntry> for BalanceEntryResponse {
    fn from(entry: BalanceEntry) -> Self {
        Self {
            id: entry.id,
            r#type: entry.kind,
            currency: entry.currency,
            amount: entry.amount,
            balance_after: entry.balance_after,
            invoice_id: entry.invoice_id,
            credit_note_id: entry.credit_note_id,
            description: entry.description,
            created_at: entry.created_at,
        }
    }
}

#[derive(Debug, Request)]
pub struct BalanceEntryFilter {
    currency: Option<Currency>,
}

#[derive(Debug, Request)]
pub struct AdjustBalanceRequest {
    /// A currency that the customer may buy in.
    currency: Currency,
    /// In minor units: positive to add, negative to take, not 0.
    #[request(with = Integer<{ -MAX_AMOUNT }, { MAX_AMOUNT }>)]
    amount: i64,
    /// Shown to the customer.
    #[request(with = Text<1, 200>)]
    description: Option<String>,
}

/// Returns a customer's balance in each currency.
#[utoipa::path(get, path = "/v1/customers/{id}/balance", tag = "invoices", operation_id = "getCustomerBalance",
    responses((status = 200, body = CustomerBalance)))]
pub async fn get(
    State(app): State<Arc<App>>,
    caller: Reader,
    PathText(id): PathText,
) -> Result<Json<CustomerBalance>, Problem> {
    let mut tx = app.db.read().await?;
    let customer = caller.reach_customer(&mut tx, Some(&reference(&id))).await?;
    let all = balance::all(&mut tx, &caller.tenant(), customer.no).await?;
    let amount = |balance: balance::Balance| BalanceAmount {
        currency: balance.currency,
        amount: balance.amount,
        updated_at: balance.updated_at,
    };
    let balances = all.into_iter().map(amount).collect();
    Ok(Json(StatusCode::OK, CustomerBalance { customer_id: customer.id, balances }))
}

/// Lists the entries of a customer's balance, newest first.
#[utoipa::path(get, path = "/v1/customers/{id}/balance/entries", tag = "invoices", operation_id = "listBalanceEntries",
    responses((status = 200, body = ListResponse<BalanceEntryResponse>)))]
pub async fn entries(
    State(app): State<Arc<App>>,
    caller: Reader,
    PathText(id): PathText,
    query: ListQuery<BalanceEntryFilter>,
) -> Result<Json<ListResponse<BalanceEntryResponse>>, Problem> {
    let (filter, paging) = query.begin()?;
    let (tenant, currency) = (caller.tenant(), filter.currency);
    let mut tx = app.db.read().await?;
    let customer = caller.reach_customer(&mut tx, Some(&reference(&id))).await?;
    let page = paging.read(&tenant, &format!("balance {} {currency:?}", customer.no))?;
    let rows = balance::page(&mut tx, &tenant, customer.no, currency, &page).await?;
    let page = page.page(rows, |entry| entry.id.to_string());
    Ok(Json(StatusCode::OK, page.map(BalanceEntryResponse::from).into()))
}

/// Adds money to a customer's balance or takes it. A balance is never negative.
#[utoipa::path(post, path = "/v1/customers/{id}/balance/adjustments", tag = "invoices", operation_id = "adjustBalance",
    responses((status = 201, body = BalanceEntryResponse)))]
pub async fn adjust(
    State(app): State<Arc<App>>,
    caller: Writer,
    PathText(id): PathText,
    idempotency: IdempotencyKey,
    body: Body<AdjustBalanceRequest>,
) -> Result<Response, Problem> {
    let (AdjustBalanceRequest { currency, amount, description }, raw) = body.read()?;
    if amount == 0 {
        return Err(Problem::invalid_param("amount", "must not be 0"));
    }
    let (tenant, by) = (caller.tenant(), app.by(caller.actor()));
    let idempotency = idempotency.bind(caller.id(), &raw, by.now);
    let (named, adjustment) = (reference(&id), Adjustment { currency, amount, description });
    let written = app.write(tenant, by, idempotency, async move |work: &mut Work<'_, '_, '_>| {
        let customer = customers::get(work.tx, work.tenant, &named).await?;
        let customer = customer.ok_or_else(Problem::customer_not_found)?;
        let entry = adjust_balance(work, customer.no, adjustment.clone()).await?;
        serde_json::to_value(BalanceEntryResponse::from(entry)).map_err(Problem::internal)
    });
    Ok(Outcome::from(written.await?).into_response())
}
