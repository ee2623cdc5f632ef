//! HTTP handlers for credit notes. A portal token reads those of its own customer.

use crate::app::App;
use crate::auth::{Caller, SecretKey};
use crate::base::{
    CreditNoteId, Currency, CustomerId, InvoiceId, PaymentAttemptId, RefundId, TaxRate, Time,
};
use crate::branding;
use crate::customers::CustomerRef;
use crate::db::Stored;
use crate::flows::credit_notes::{
    issue_credit_note, open_refunds, preview_credit_note, void_credit_note,
};
use crate::flows::refunds::run_refund;
use crate::http::leaves::{Amount, Item, List, ShortText, Text};
use crate::http::page::{ListQuery, ListResponse, path_id};
use crate::http::wire::Request;
use crate::http::{Body, Fields, IdempotencyKey, Json, NoBody, PathText, Problem, REPLAYED};
use crate::invoices::credit_notes::{
    self, Credit, CreditNote, CreditNoteItem, CreditNoteReason, CreditNoteStatus, CreditOrder,
    Draft, LineCredit, Refund, RefundStatus, WantedParts, pdf,
};
use crate::invoices::{Buyer, Invoice, Seller};
use crate::keys::KeyScopes;
use crate::portal::PortalScopes;
use crate::test_clock;
use crate::work::Work;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use std::sync::Arc;
use unitpay_request::response;
use utoipa::ToSchema;

type Reader = Caller<{ KeyScopes::INVOICES_READ }, { PortalScopes::INVOICES_READ }>;
type KeyReader = SecretKey<{ KeyScopes::INVOICES_READ }>;
type Writer = SecretKey<{ KeyScopes::INVOICES_WRITE }>;

/// Lines of an invoice are its first hundred items at most.
const MAX_LINES: usize = 100;

#[response]
#[schema(as = CreditNote)]
pub struct CreditNoteResponse {
    pub id: CreditNoteId,
    /// `CN-000001`, from a series without gaps.
    pub credit_note_number: String,
    pub customer_id: CustomerId,
    pub invoice_id: InvoiceId,
    pub invoice_number: String,
    pub status: CreditNoteStatus,
    pub reason: CreditNoteReason,
    pub currency: Currency,
    #[serde(flatten)]
    pub amounts: CreditNoteAmounts,
    /// The invoice's rate.
    pub tax: Option<TaxRate>,
    pub memo: Option<String>,
    pub seller: Stored<Seller>,
    pub customer: Stored<Buyer>,
    /// Takes the same credential as the credit note.
    pub pdf_url: String,
    /// Of a purchase of credits: how many of them were taken back, in proportion.
    pub credits_taken_back: Option<i64>,
    /// Credits that could not be taken back, because they were used or have expired.
    pub credits_used: Option<i64>,
    /// The refunds that `refundAmount` consists of; absent in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refunds: Option<Vec<RefundResponse>>,
    pub issued_at: Time,
    pub voided_at: Option<Time>,
}

/// The amount of a credit note, and where it goes: `totalAmount` is the sum of `amountDueReduction`,
/// `refundAmount`, `creditAmount` and `outOfBandAmount`.
#[response]
pub struct CreditNoteAmounts {
    /// The credited parts of lines; empty if an amount was credited.
    pub items: Vec<CreditNoteItem>,
    pub subtotal: i64,
    pub tax_amount: i64,
    pub total_amount: i64,
    /// Lowers the amount due of the invoice.
    pub amount_due_reduction: i64,
    /// Is refunded to the cards that were charged. What a processor cannot refund goes to the
    /// balance.
    pub refund_amount: i64,
    /// Is added to the customer's balance.
    pub credit_amount: i64,
    /// Is paid back outside of UnitPay.
    pub out_of_band_amount: i64,
}

/// A refund of a charge.
#[response]
#[schema(as = Refund)]
pub struct RefundResponse {
    pub id: RefundId,
    pub payment_attempt_id: PaymentAttemptId,
    pub amount: i64,
    /// `pending`: the processor has not made it yet. `failed`: the amount is in the customer's
    /// balance instead.
    pub status: RefundStatus,
    /// In real time.
    pub created_at: Time,
}

/// A part of a line of the invoice.
#[derive(Debug, ToSchema)]
pub struct CreditNoteLine {
    /// The place of the line among the invoice's `items`, from 0.
    #[schema(minimum = 0)]
    pub item: usize,
    /// Before tax, in minor units. Default: all that is left of the line.
    #[schema(required = false, nullable = false, minimum = 1)]
    pub amount: Option<i64>,
}

impl Item for CreditNoteLine {
    fn read(fields: &mut Fields) -> Option<Self> {
        fields.required(&["item"]);
        let (item, amount) = (fields.integer("item", 0..=99_999), fields.amount("amount", 1));
        Some(Self { item: usize::try_from(item?).ok()?, amount })
    }
}

#[derive(Debug, Request)]
#[request(before = Self::check)]
pub struct CreateCreditNoteRequest {
    /// Amount to credit, with its tax, in minor units. Excludes `lines`.
    #[request(with = Amount<1>)]
    amount: Option<i64>,
    /// The lines to credit, without their tax, which is added. Excludes `amount`.
    #[request(with = List<CreditNoteLine, MAX_LINES>)]
    lines: Option<Vec<CreditNoteLine>>,
    reason: CreditNoteReason,
    /// The part to refund to the cards that were charged.
    #[request(with = Amount<0>)]
    refund_amount: Option<i64>,
    /// The part to add to the customer's balance. Default without the other two: all that does not
    /// lower the amount due.
    #[request(with = Amount<0>)]
    credit_amount: Option<i64>,
    /// The part that you pay back yourself.
    #[request(with = Amount<0>)]
    out_of_band_amount: Option<i64>,
    /// Printed on the document.
    #[request(with = Text<1, 500>)]
    memo: Option<String>,
}

impl CreateCreditNoteRequest {
    fn check(fields: &mut Fields) {
        match (fields.has("amount"), fields.has("lines")) {
            (true, true) => fields.wrong("lines", "must not be used with amount"),
            (false, false) => fields.wrong("amount", "is required unless lines is given"),
            (true, false) | (false, true) => {}
        }
    }

    fn order(self) -> CreditOrder {
        let part = |line: CreditNoteLine| LineCredit { item: line.item, amount: line.amount };
        let lines = self.lines.unwrap_or_default().into_iter().map(part).collect();
        CreditOrder {
            credit: self.amount.map_or(Credit::Lines(lines), Credit::Amount),
            reason: self.reason,
            parts: WantedParts {
                refund: self.refund_amount,
                balance: self.credit_amount,
                out_of_band: self.out_of_band_amount,
            },
            memo: self.memo,
        }
    }
}

#[derive(Debug, Request)]
pub struct CreditNoteFilter {
    customer_id: Option<CustomerRef>,
    #[request(with = ShortText<128>)]
    invoice_id: Option<String>,
}

impl CreditNoteAmounts {
    fn of_note(note: &CreditNote) -> Result<Self, Problem> {
        Ok(Self {
            items: note.lines.read()?,
            subtotal: note.subtotal,
            tax_amount: note.tax_amount,
            total_amount: note.total_amount,
            amount_due_reduction: note.parts.due,
            refund_amount: note.parts.refund,
            credit_amount: note.parts.balance,
            out_of_band_amount: note.parts.out_of_band,
        })
    }
}

impl From<Draft> for CreditNoteAmounts {
    fn from(draft: Draft) -> Self {
        Self {
            subtotal: draft.split.net,
            tax_amount: draft.split.tax,
            total_amount: draft.split.total(),
            amount_due_reduction: draft.parts.due,
            refund_amount: draft.parts.refund,
            credit_amount: draft.parts.balance,
            out_of_band_amount: draft.parts.out_of_band,
            items: draft.lines,
        }
    }
}

impl From<Refund> for RefundResponse {
    fn from(refund: Refund) -> Self {
        Self {
            id: refund.id,
            payment_attempt_id: refund.attempt_id,
            amount: refund.amount,
            status: refund.status,
            created_at: refund.created_at,
        }
    }
}

impl CreditNoteResponse {
    fn build(app: &App, note: CreditNote, refunds: Option<Vec<Refund>>) -> Result<Self, Problem> {
        let id = note.id.to_string();
        Ok(Self {
            amounts: CreditNoteAmounts::of_note(&note)?,
            credit_note_number: note.number_text(),
            invoice_number: note.invoice_number_text(),
            id: note.id,
            customer_id: note.customer_id,
            invoice_id: note.invoice_id,
            status: note.status,
            reason: note.reason,
            currency: note.currency,
            tax: note.tax,
            memo: note.memo,
            seller: note.seller,
            customer: note.buyer,
            credits_taken_back: note.credits_taken_back,
            credits_used: note.credits_used,
            pdf_url: [&*app.issuer, "/v1/credit-notes/", &id, "/pdf"].concat(),
            refunds: refunds.map(|all| all.into_iter().map(RefundResponse::from).collect()),
            issued_at: note.issued_at,
            voided_at: note.voided_at,
        })
    }
}

/// Issues a credit note of an invoice. What is still due is lowered first; the rest is refunded,
/// added to the balance or paid back by you.
#[utoipa::path(post, path = "/v1/invoices/{id}/credit-notes", tag = "creditNotes", operation_id = "createCreditNote",
    responses((status = 201, body = CreditNoteResponse)))]
pub async fn create(
    State(app): State<Arc<App>>,
    caller: Writer,
    PathText(id): PathText,
    idempotency: IdempotencyKey,
    body: Body<CreateCreditNoteRequest>,
) -> Result<Response, Problem> {
    let (request, raw) = body.read()?;
    let (tenant, id) = (caller.tenant(), path_id::<InvoiceId>(&id)?);
    let (by, order) = (app.by(caller.actor()), request.order());
    let idempotency = idempotency.bind(caller.id(), &raw, by.now);
    let rule = async move |work: &mut Work<'_, '_, '_>| {
        Ok::<_, Problem>(issue_credit_note(work, id, &order).await?)
    };
    let written = app.write(tenant, by, idempotency, rule).await?;
    let id = written.answer;
    for refund in open_refunds(&mut app.db.read().await?, &tenant, id).await? {
        // The credit note stands whatever the processor answers.
        run_refund(&app, &tenant, refund).await?;
    }
    let mut tx = app.db.read().await?;
    let note = credit_notes::get(&mut tx, &tenant, id).await?.ok_or_else(Problem::not_found)?;
    let refunds = credit_notes::refunds(&mut tx, &tenant, id).await?;
    let body = CreditNoteResponse::build(&app, note, Some(refunds))?;
    let answer = Json(StatusCode::CREATED, body);
    Ok(if written.is_replay { (REPLAYED, answer).into_response() } else { answer.into_response() })
}

/// Previews a credit note: its amounts, and where they would go. Changes nothing.
#[utoipa::path(post, path = "/v1/invoices/{id}/credit-notes/preview", tag = "creditNotes", operation_id = "previewCreditNote",
    responses((status = 200, body = CreditNoteAmounts)))]
pub async fn preview(
    State(app): State<Arc<App>>,
    caller: KeyReader,
    PathText(id): PathText,
    body: Body<CreateCreditNoteRequest>,
) -> Result<Json<CreditNoteAmounts>, Problem> {
    let (request, _) = body.read()?;
    let (tenant, id) = (caller.tenant(), path_id::<InvoiceId>(&id)?);
    let (by, order) = (app.by(caller.actor()), request.order());
    let mut tx = app.db.read().await?;
    let invoice = crate::invoices::get(&mut tx, &tenant, id).await?;
    let invoice: Invoice = invoice.ok_or_else(Problem::not_found)?;
    let at = test_clock::now(&mut tx, &tenant, by.now).await?;
    let mut work = Work { tx: &mut tx, tenant: &tenant, at, by: &by };
    let draft = preview_credit_note(&mut work, &invoice, &order).await?;
    Ok(Json(StatusCode::OK, draft.into()))
}

/// Voids a credit note as long as nothing of it went out: it was neither refunded nor paid back, and
/// the balance still has what it got.
#[utoipa::path(post, path = "/v1/credit-notes/{id}/void", tag = "creditNotes", operation_id = "voidCreditNote",
    responses((status = 200, body = CreditNoteResponse)))]
pub async fn void(
    State(app): State<Arc<App>>,
    caller: Writer,
    PathText(id): PathText,
    _: NoBody,
) -> Result<Json<CreditNoteResponse>, Problem> {
    let (tenant, id) = (caller.tenant(), path_id::<CreditNoteId>(&id)?);
    let by = app.by(caller.actor());
    let done = app.work(tenant, by, async move |work: &mut Work<'_, '_, '_>| {
        Ok::<_, Problem>(void_credit_note(work, id).await?)
    });
    let note = done.await?;
    Ok(Json(StatusCode::OK, CreditNoteResponse::build(&app, note, Some(Vec::new()))?))
}

/// Lists credit notes, newest first. A portal token lists those of its own customer.
#[utoipa::path(get, path = "/v1/credit-notes", tag = "creditNotes", operation_id = "listCreditNotes",
    responses((status = 200, body = ListResponse<CreditNoteResponse>)))]
pub async fn list(
    State(app): State<Arc<App>>,
    caller: Reader,
    query: ListQuery<CreditNoteFilter>,
) -> Result<Json<ListResponse<CreditNoteResponse>>, Problem> {
    let (filter, paging) = query.begin()?;
    let tenant = caller.tenant();
    let invoice = filter.invoice_id.as_deref().map(path_id::<InvoiceId>).transpose()?;
    let mut tx = app.db.read().await?;
    let customer = caller.reach_customers(&mut tx, filter.customer_id.as_ref()).await?;
    let customer = customer.map(|customer| (customer.no, customer.id));
    let no = customer.map(|(no, _)| no);
    let page = paging.read(&tenant, &format!("credit-notes {no:?} {invoice:?}"))?;
    let rows = credit_notes::page(&mut tx, &tenant, customer, invoice, &page).await?;
    let page = page.page(rows, |note| note.id.to_string());
    let (mut data, rows) = (Vec::new(), page.data);
    for note in rows {
        data.push(CreditNoteResponse::build(&app, note, None)?);
    }
    let (next_cursor, prev_cursor) = (page.next_cursor, page.prev_cursor);
    let list = ListResponse { data, has_more: page.has_more, next_cursor, prev_cursor };
    Ok(Json(StatusCode::OK, list))
}

/// Reads a credit note with its refunds.
#[utoipa::path(get, path = "/v1/credit-notes/{id}", tag = "creditNotes", operation_id = "getCreditNote",
    responses((status = 200, body = CreditNoteResponse)))]
pub async fn get(
    State(app): State<Arc<App>>,
    caller: Reader,
    PathText(id): PathText,
) -> Result<Json<CreditNoteResponse>, Problem> {
    let mut tx = app.db.read().await?;
    let note = credit_notes::get(&mut tx, &caller.tenant(), path_id(&id)?).await?;
    let note = caller.reach(note)?;
    let refunds = credit_notes::refunds(&mut tx, &caller.tenant(), note.id).await?;
    Ok(Json(StatusCode::OK, CreditNoteResponse::build(&app, note, Some(refunds))?))
}

/// Returns a credit note as a PDF document, in the customer's language.
#[utoipa::path(get, path = "/v1/credit-notes/{id}/pdf", tag = "creditNotes", operation_id = "getCreditNotePdf",
    responses((status = 200, body = Vec<u8>, content_type = "application/pdf")))]
pub async fn document(
    State(app): State<Arc<App>>,
    caller: Reader,
    PathText(id): PathText,
) -> Result<Response, Problem> {
    let mut tx = app.db.read().await?;
    let note = credit_notes::get(&mut tx, &caller.tenant(), path_id(&id)?).await?;
    let note = caller.reach(note)?;
    let branding = branding::get(&mut tx, &caller.tenant()).await?;
    drop(tx);
    let bytes = app.invoices.render(pdf::document(&note, &branding)?).await;
    let bytes = bytes.map_err(Problem::internal)?;
    let name = format!("inline; filename=\"{}.pdf\"", note.number_text());
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/pdf")),
        (header::CONTENT_DISPOSITION, HeaderValue::from_str(&name).map_err(Problem::internal)?),
    ];
    Ok((headers, bytes).into_response())
}
