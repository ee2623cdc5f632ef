//! HTTP handlers that read invoices. A portal token sees its own customer's invoices, without
//! drafts.

use super::{
    Buyer, Dispute, Invoice, InvoiceItem, InvoiceReason, InvoiceStatus, Line, PaidBy, Payment,
    Received, Seller, pdf, received, sql,
};
use crate::app::App;
use crate::auth::{Caller, INVOICE_LINK};
use crate::base::{
    Currency, CustomerId, DisputeStatus, InvoiceId, PaymentAttemptId, SubscriptionId, TaxRate, Time,
};
use crate::branding;
use crate::customers::{self, Customer, CustomerRef};
use crate::db::{Stored, Tx};
use crate::http::leaves::{Day, string};
use crate::http::page::{ListQuery, ListResponse, Paging, path_id};
use crate::http::wire::{Field, Request};
use crate::http::{Fields, Json, PathText, Problem};
use crate::keys::KeyScopes;
use crate::portal::PortalScopes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde_json::Value;
use std::sync::Arc;
use unitpay_request::response;
use utoipa::openapi::{RefOr, Schema};

type Reader = Caller<{ KeyScopes::INVOICES_READ }, { PortalScopes::INVOICES_READ }>;
/// Also the holder of a link to the invoice.
type ReaderOfOne =
    Caller<{ KeyScopes::INVOICES_READ }, { PortalScopes::INVOICES_READ | INVOICE_LINK }>;

#[response]
#[schema(as = Invoice)]
pub struct InvoiceResponse {
    pub id: InvoiceId,
    pub customer_id: CustomerId,
    pub subscription_id: Option<SubscriptionId>,
    /// `INV-000042`; set when it is issued.
    pub invoice_number: Option<String>,
    pub status: InvoiceStatus,
    pub reason: InvoiceReason,
    pub currency: Currency,
    pub subtotal: i64,
    /// The rate that `taxAmount` is computed with, except for items with a rate of their own.
    pub tax: Option<TaxRate>,
    pub tax_amount: i64,
    pub total_amount: i64,
    pub amount_paid: i64,
    /// The part of `totalAmount` that was paid from the customer's balance.
    pub balance_applied: i64,
    /// Sum of its credit notes, with tax.
    pub amount_credited: i64,
    /// The part of `amountCredited` that lowered the amount due.
    pub amount_due_reduction: i64,
    /// A remainder too small to charge, which is on the customer's next invoice instead.
    pub amount_moved: i64,
    /// The status of the dispute of a payment that changed last; `null` if none was disputed.
    pub dispute_status: Option<DisputeStatus>,
    /// `totalAmount` less `balanceApplied`, `amountDueReduction`, `amountPaid` and `amountMoved`.
    pub amount_due: i64,
    pub issued_at: Option<Time>,
    pub due_date: Option<Time>,
    pub paid_at: Option<Time>,
    pub period_start: Option<Time>,
    pub period_end: Option<Time>,
    pub seller: Stored<Seller>,
    pub customer: Stored<Buyer>,
    /// Takes the same credential as the invoice; `null` for a draft.
    pub pdf_url: Option<String>,
    /// Absent in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<InvoiceItem>>, required = false)]
    pub items: Option<Stored<Vec<Line>>>,
    /// Payments received; absent in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payments: Option<Vec<InvoicePayment>>,
    /// Disputes of these payments, the oldest first; absent in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disputes: Option<Vec<DisputeResponse>>,
    /// The integrator's own notes; absent with a portal token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Value>,
    pub created_at: Time,
    pub updated_at: Time,
}

#[response]
pub struct InvoicePayment {
    pub amount: i64,
    pub paid_at: Time,
    pub method: PaidBy,
    /// `null` for a transfer, like `last4`.
    pub brand: Option<String>,
    pub last4: Option<String>,
    /// The reference of a transfer; else `null`.
    pub reference: Option<String>,
    /// The part that lost disputes took back. `amountPaid` of the invoice does not contain it.
    pub amount_reversed: i64,
}

/// A payment that the cardholder disputes at the bank.
#[response]
#[schema(as = Dispute)]
pub struct DisputeResponse {
    /// The processor's id of the dispute.
    pub reference: String,
    pub payment_attempt_id: PaymentAttemptId,
    /// The disputed amount, in the invoice's currency.
    pub amount: i64,
    /// The cardholder's reason in the processor's words, such as `fraudulent`.
    pub reason: String,
    /// `inquiry`: the bank asks, and no money has moved. `needs_response` and `under_review`: the
    /// bank holds the money until it decides. `lost`: the payment was taken back. `won` and
    /// `closed`: the money stays.
    pub status: DisputeStatus,
    /// The end of the time for evidence.
    pub due_by: Option<Time>,
    /// The part of the payment that is taken back.
    pub amount_reversed: i64,
    pub created_at: Time,
    pub updated_at: Time,
}

impl InvoiceResponse {
    /// Builds the response of an invoice, with lines and payments or as in a list; `backend`
    /// includes metadata.
    fn build(app: &App, invoice: Invoice, received: Option<Received>, backend: bool) -> Self {
        let items = received.is_some();
        let (payments, disputes) =
            received.map(|Received { payments, disputes }| (payments, disputes)).unzip();
        let metadata = backend.then(|| serde_json::from_str(&invoice.metadata).unwrap_or_default());
        let pdf_url = || [&*app.issuer, "/v1/invoices/", &invoice.id.to_string(), "/pdf"].concat();
        let pdf_url = invoice.number.map(|_| pdf_url());
        Self {
            id: invoice.id,
            customer_id: invoice.customer_id,
            subscription_id: invoice.subscription_id,
            invoice_number: invoice.number_text(),
            status: invoice.status,
            reason: invoice.reason,
            currency: invoice.currency,
            subtotal: invoice.totals.subtotal,
            tax_amount: invoice.totals.tax_amount,
            total_amount: invoice.totals.total,
            amount_paid: invoice.amount_paid,
            balance_applied: invoice.balance_applied,
            amount_credited: invoice.credited_net + invoice.credited_tax,
            amount_due_reduction: invoice.credited_due,
            amount_moved: invoice.amount_moved,
            dispute_status: invoice.dispute_status,
            amount_due: invoice.amount_due(),
            issued_at: invoice.issued_at,
            due_date: invoice.due_date,
            paid_at: invoice.paid_at,
            period_start: invoice.period.map(|period| period.start),
            period_end: invoice.period.map(|period| period.end),
            tax: invoice.totals.tax,
            seller: invoice.seller,
            customer: invoice.buyer,
            pdf_url,
            items: items.then_some(invoice.lines),
            payments: payments.map(|list| list.into_iter().map(InvoicePayment::from).collect()),
            disputes: disputes.map(|list| list.into_iter().map(DisputeResponse::from).collect()),
            metadata,
            created_at: invoice.created_at,
            updated_at: invoice.updated_at,
        }
    }

    /// Builds the complete response.
    pub fn whole(app: &App, invoice: Invoice, received: Received, backend: bool) -> Self {
        Self::build(app, invoice, Some(received), backend)
    }
}

impl From<Payment> for InvoicePayment {
    fn from(payment: Payment) -> Self {
        Self {
            amount: payment.amount,
            method: payment.method(),
            paid_at: payment.paid_at,
            brand: payment.brand,
            last4: payment.last4,
            reference: payment.reference,
            amount_reversed: payment.reversed,
        }
    }
}

impl From<Dispute> for DisputeResponse {
    fn from(dispute: Dispute) -> Self {
        Self {
            reference: dispute.reference,
            payment_attempt_id: dispute.attempt_id,
            amount: dispute.amount,
            reason: dispute.reason,
            status: dispute.status,
            due_by: dispute.due_by,
            amount_reversed: dispute.reversed,
            created_at: dispute.created_at,
            updated_at: dispute.updated_at,
        }
    }
}

/// An invoice's number: `INV-000042` or `42`.
pub struct Number;

impl Field for Number {
    type Value = i64;

    fn read(fields: &mut Fields, name: &str) -> Option<i64> {
        let text = fields.text(name, 1..=24)?;
        let digits = text.strip_prefix("INV-").unwrap_or(&text);
        let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
        let number = digits.parse().ok().filter(|number| is_number && *number > 0);
        if number.is_none() {
            fields.wrong(name, "must be the number of an invoice, such as INV-000042 or 42");
        }
        number
    }

    fn schema() -> RefOr<Schema> {
        string().into()
    }
}

#[derive(Debug, Request)]
pub struct InvoiceFilter {
    customer_id: Option<CustomerRef>,
    status: Option<InvoiceStatus>,
    /// `INV-000042` or `42`.
    #[request(with = Number)]
    number: Option<i64>,
    /// The first day of issue, UTC.
    #[request(with = Day)]
    issued_from: Option<i64>,
    /// The last day of issue, UTC.
    #[request(with = Day)]
    issued_to: Option<i64>,
}

#[derive(Debug, Request)]
pub struct CustomerInvoiceFilter {
    status: Option<InvoiceStatus>,
    /// `INV-000042` or `42`.
    #[request(with = Number)]
    number: Option<i64>,
    /// The first day of issue, UTC.
    #[request(with = Day)]
    issued_from: Option<i64>,
    /// The last day of issue, UTC.
    #[request(with = Day)]
    issued_to: Option<i64>,
}

impl From<CustomerInvoiceFilter> for InvoiceFilter {
    fn from(filter: CustomerInvoiceFilter) -> Self {
        let CustomerInvoiceFilter { status, number, issued_from, issued_to } = filter;
        Self { customer_id: None, status, number, issued_from, issued_to }
    }
}

/// Lists invoices, newest first. A portal token lists those of its own customer.
#[utoipa::path(get, path = "/v1/invoices", tag = "invoices", operation_id = "listInvoices",
    responses((status = 200, body = ListResponse<InvoiceResponse>)))]
pub async fn list(
    State(app): State<Arc<App>>,
    caller: Reader,
    query: ListQuery<InvoiceFilter>,
) -> Result<Json<ListResponse<InvoiceResponse>>, Problem> {
    let (filter, paging) = query.begin()?;
    let mut tx = app.db.read().await?;
    let customer = caller.reach_customers(&mut tx, filter.customer_id.as_ref()).await?;
    page(&app, &mut tx, &caller, customer.as_ref(), (filter, paging)).await
}

/// Lists a customer's invoices, newest first.
#[utoipa::path(get, path = "/v1/customers/{id}/invoices", tag = "invoices", operation_id = "listCustomerInvoices",
    responses((status = 200, body = ListResponse<InvoiceResponse>)))]
pub async fn list_of_customer(
    State(app): State<Arc<App>>,
    caller: Reader,
    PathText(id): PathText,
    query: ListQuery<CustomerInvoiceFilter>,
) -> Result<Json<ListResponse<InvoiceResponse>>, Problem> {
    let (filter, paging) = query.begin()?;
    let mut tx = app.db.read().await?;
    let named = customers::http::reference(&id);
    let customer = caller.reach_customer(&mut tx, Some(&named)).await?;
    page(&app, &mut tx, &caller, Some(&customer), (filter.into(), paging)).await
}

async fn page(
    app: &App,
    tx: &mut Tx<'_, '_>,
    caller: &Reader,
    customer: Option<&Customer>,
    (filter, paging): (InvoiceFilter, Paging),
) -> Result<Json<ListResponse<InvoiceResponse>>, Problem> {
    let (tenant, customer) = (caller.tenant(), customer.map(|one| (one.no, one.id)));
    let no = customer.map(|(no, _)| no);
    let backend = caller.is_backend();
    let InvoiceFilter { customer_id: _, status, number, issued_from, issued_to } = filter;
    let filters = (status, number, issued_from, issued_to);
    let page = paging.read(&tenant, &format!("invoices {no:?} {filters:?}"))?;
    let start_of = |day: i64| Time::default().plus_days(day);
    let filter = sql::InvoiceFilter {
        customer,
        status,
        number,
        issued_from: issued_from.map(start_of),
        issued_before: issued_to.map(|day| start_of(day + 1)),
        drafts: backend,
    };
    let rows = sql::page(tx, &tenant, filter, &page).await?;
    let page = page.page(rows, |invoice| invoice.id.to_string());
    let short = |invoice| InvoiceResponse::build(app, invoice, None, backend);
    Ok(Json(StatusCode::OK, page.map(short).into()))
}

/// Reads an invoice with its lines and payments.
#[utoipa::path(get, path = "/v1/invoices/{id}", tag = "invoices", operation_id = "getInvoice",
    responses((status = 200, body = InvoiceResponse)))]
pub async fn get(
    State(app): State<Arc<App>>,
    caller: ReaderOfOne,
    PathText(id): PathText,
) -> Result<Json<InvoiceResponse>, Problem> {
    let mut tx = app.db.read().await?;
    let invoice = caller.reach(sql::get(&mut tx, &caller.tenant(), path_id(&id)?).await?)?;
    let received = received(&mut tx, &caller.tenant(), invoice.id).await?;
    let backend = caller.is_backend();
    Ok(Json(StatusCode::OK, InvoiceResponse::whole(&app, invoice, received, backend)))
}

/// Returns an issued invoice as a PDF document, in the customer's language.
#[utoipa::path(get, path = "/v1/invoices/{id}/pdf", tag = "invoices", operation_id = "getInvoicePdf",
    responses((status = 200, body = Vec<u8>, content_type = "application/pdf")))]
pub async fn document(
    State(app): State<Arc<App>>,
    caller: ReaderOfOne,
    PathText(id): PathText,
) -> Result<Response, Problem> {
    let tenant = caller.tenant();
    let mut tx = app.db.read().await?;
    let invoice = caller.reach(sql::get(&mut tx, &caller.tenant(), path_id(&id)?).await?)?;
    let number = invoice.number_text().ok_or_else(Problem::not_found)?;
    let payments = sql::payments(&mut tx, &tenant, invoice.id).await?;
    let branding = branding::get(&mut tx, &tenant).await?;
    drop(tx);
    let document = pdf::document(&invoice, &payments, &branding)?;
    let bytes = app.invoices.render(document).await.map_err(Problem::internal)?;
    let name = HeaderValue::from_str(&format!("inline; filename=\"{number}.pdf\""));
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/pdf")),
        (header::CONTENT_DISPOSITION, name.map_err(Problem::internal)?),
    ];
    Ok((headers, bytes).into_response())
}
