//! HTTP handlers for invoices that a backend writes, and for items that wait.

use crate::app::App;
use crate::auth::SecretKey;
use crate::base::{Currency, CustomerId, InvoiceId, PaymentAttemptId};
use crate::customers::{self, CustomerRef};
use crate::flows::invoicing::{InvoiceOrder, Item, add_item, write_invoice};
use crate::flows::run;
use crate::http::leaves::{Amount, Integer, Item as ListItem, List, Text};
use crate::http::wire::Request;
use crate::http::{Body, Fields, IdempotencyKey, Json, Problem, REPLAYED};
use crate::idempotency::Outcome;
use crate::invoices;
use crate::invoices::InvoiceItem;
use crate::invoices::http::InvoiceResponse;
use crate::keys::KeyScopes;
use crate::work::Work;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use unitpay_request::response;
use utoipa::ToSchema;

type Writer = SecretKey<{ KeyScopes::INVOICES_WRITE }>;
type Quantity = Integer<1, 1_000_000>;

const MAX_ITEMS: usize = 100;

/// An item to bill.
#[derive(Debug, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BilledItem {
    pub description: String,
    /// Default 1.
    #[schema(required = false, nullable = false, minimum = 1)]
    pub quantity: Option<i64>,
    /// In minor units, before tax.
    #[schema(minimum = 0)]
    pub unit_amount: i64,
}

impl ListItem for BilledItem {
    fn read(fields: &mut Fields) -> Option<Self> {
        fields.required(&["description", "unitAmount"]);
        let description = fields.text("description", 1..=200);
        let quantity = fields.integer("quantity", 1..=1_000_000);
        let unit_amount = fields.amount("unitAmount", 0);
        Some(Self { description: description?, quantity, unit_amount: unit_amount? })
    }
}

impl From<BilledItem> for Item {
    fn from(item: BilledItem) -> Self {
        let quantity = item.quantity.unwrap_or(1);
        Self { description: item.description, quantity, unit_amount: item.unit_amount }
    }
}

#[derive(Debug, Request)]
pub struct CreateInvoiceRequest {
    customer_id: CustomerRef,
    /// Default: the customer's.
    currency: Option<Currency>,
    #[request(with = List<BilledItem, MAX_ITEMS>)]
    items: Vec<BilledItem>,
    /// The days until it is due if it is sent. Default: the customer's `netDays`.
    #[request(with = Integer<0, 365>)]
    due_in_days: Option<i64>,
    /// Whether the customer's default payment method is charged. Default false: the invoice is sent.
    #[request(default = false)]
    auto_collect: bool,
}

#[derive(Debug, Request)]
pub struct CreateInvoiceItemRequest {
    customer_id: CustomerRef,
    /// Default: the customer's.
    currency: Option<Currency>,
    #[request(with = Text<1, 200>)]
    description: String,
    /// Default 1.
    #[request(with = Quantity, default = 1)]
    quantity: i64,
    /// In minor units, before tax.
    #[request(with = Amount<1>)]
    unit_amount: i64,
}

/// The lines that wait for a customer's next invoice.
#[response]
pub struct WaitingItems {
    pub customer_id: CustomerId,
    pub currency: Currency,
    pub items: Vec<InvoiceItem>,
}

/// The result of the first transaction, as it is kept for a replay.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Written {
    invoice: InvoiceId,
    attempt: Option<PaymentAttemptId>,
}

/// Issues an invoice of items. It is sent, or charged at once; a decline leaves it open, which its
/// status shows.
#[utoipa::path(post, path = "/v1/invoices", tag = "invoices", operation_id = "createInvoice",
    responses((status = 201, body = InvoiceResponse)))]
pub async fn create(
    State(app): State<Arc<App>>,
    caller: Writer,
    idempotency: IdempotencyKey,
    body: Body<CreateInvoiceRequest>,
) -> Result<Response, Problem> {
    let (request, raw) = body.read()?;
    let (tenant, by) = (caller.tenant(), app.by(caller.actor()));
    let idempotency = idempotency.bind(caller.id(), &raw, by.now);
    let named = request.customer_id;
    let order = InvoiceOrder {
        customer_no: 0,
        currency: request.currency,
        items: request.items.into_iter().map(Item::from).collect(),
        due_in_days: request.due_in_days,
        auto_collect: request.auto_collect,
    };
    let written = app.write(tenant, by, idempotency, async move |work: &mut Work<'_, '_, '_>| {
        let customer = customers::get(work.tx, work.tenant, &named).await?;
        let customer_no = customer.ok_or_else(Problem::customer_not_found)?.no;
        let order = InvoiceOrder { customer_no, ..order.clone() };
        let (invoice, attempt) = write_invoice(work, &order).await?;
        Ok::<_, Problem>(Written { invoice, attempt })
    });
    let written = written.await?;
    let Written { invoice: id, attempt } = written.answer;
    if let Some(attempt) = attempt {
        // The invoice stands whatever the result of the charge.
        run(&app, &tenant, attempt).await?;
    }
    let mut tx = app.db.read().await?;
    let invoice = invoices::get(&mut tx, &tenant, id).await?.ok_or_else(Problem::not_found)?;
    let received = invoices::received(&mut tx, &tenant, id).await?;
    let whole = InvoiceResponse::whole(&app, invoice, received, true);
    let answer = Json(StatusCode::CREATED, whole);
    Ok(if written.is_replay { (REPLAYED, answer).into_response() } else { answer.into_response() })
}

/// Keeps an item for the customer's next invoice, and returns all items that wait for it.
#[utoipa::path(post, path = "/v1/invoice-items", tag = "invoices", operation_id = "createInvoiceItem",
    responses((status = 201, body = WaitingItems)))]
pub async fn create_item(
    State(app): State<Arc<App>>,
    caller: Writer,
    idempotency: IdempotencyKey,
    body: Body<CreateInvoiceItemRequest>,
) -> Result<Response, Problem> {
    let (request, raw) = body.read()?;
    let (tenant, by) = (caller.tenant(), app.by(caller.actor()));
    let idempotency = idempotency.bind(caller.id(), &raw, by.now);
    let CreateInvoiceItemRequest { customer_id: named, currency, description, .. } = request;
    let item = Item { description, quantity: request.quantity, unit_amount: request.unit_amount };
    let written = app.write(tenant, by, idempotency, async move |work: &mut Work<'_, '_, '_>| {
        let customer = customers::get(work.tx, work.tenant, &named).await?;
        let customer = customer.ok_or_else(Problem::customer_not_found)?;
        let (currency, waiting) = add_item(work, customer.no, currency, &item).await?;
        let items = waiting.into_iter().map(InvoiceItem::from).collect();
        let body = WaitingItems { customer_id: customer.id, currency, items };
        serde_json::to_value(body).map_err(Problem::internal)
    });
    Ok(Outcome::from(written.await?).into_response())
}
