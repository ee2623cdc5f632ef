//! HTTP handlers for issued invoices: pay, record a transfer, void.

use crate::app::App;
use crate::auth::{Caller, INVOICE_LINK, SecretKey};
use crate::base::{InvoiceId, PaymentMethodId, Viewer};
use crate::flows::http::answer::{SettleOutcomeResponse, answer};
use crate::flows::pay::{
    PayWith, Transfer, pay as begin_to_pay, transfer as record_transfer, void as void_invoice,
};
use crate::http::leaves::{Amount, ShortText, Text};
use crate::http::page::path_id;
use crate::http::wire::Request;
use crate::http::{Body, IdempotencyKey, Json, NoBody, PathText, Problem};
use crate::idempotency::Outcome;
use crate::invoices;
use crate::invoices::http::InvoiceResponse;
use crate::keys::KeyScopes;
use crate::portal::PortalScopes;
use crate::work::Work;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use std::sync::Arc;

#[derive(Debug, Request)]
pub struct PayInvoiceRequest {
    /// Default: the customer's default payment method.
    #[request(with = ShortText<64>)]
    payment_method_id: Option<String>,
}

#[derive(Debug, Request)]
pub struct RecordPaymentRequest {
    /// In minor units, at most the amount due unless `excessToBalance` is set.
    #[request(with = Amount<1>)]
    amount: i64,
    /// The reference of the transfer.
    #[request(with = Text<1, 200>)]
    reference: String,
    /// Whether what is above the amount due goes to the customer's balance. Default false: more than
    /// the amount due is refused.
    #[request(default = false)]
    excess_to_balance: bool,
}

type Payer = Caller<{ KeyScopes::INVOICES_WRITE }, { PortalScopes::INVOICES_PAY | INVOICE_LINK }>;
type Writer = SecretKey<{ KeyScopes::INVOICES_WRITE }>;

/// Pays the whole amount due of an invoice. By a link to the invoice it is paid in a form, with a card that
/// is not kept: the holder of a link charges no saved payment method.
#[utoipa::path(post, path = "/v1/invoices/{id}/pay", tag = "invoices", operation_id = "payInvoice",
    responses((status = 200, body = SettleOutcomeResponse)))]
pub async fn pay(
    State(app): State<Arc<App>>,
    caller: Payer,
    PathText(id): PathText,
    idempotency: IdempotencyKey,
    body: Option<Body<PayInvoiceRequest>>,
) -> Result<Response, Problem> {
    let tenant = caller.tenant();
    let (request, raw) = Body::read_optional(body)?;
    let named = request.payment_method_id;
    let method = named.as_deref().map(path_id::<PaymentMethodId>).transpose()?;
    let found = invoices::get(&mut app.db.read().await?, &tenant, path_id(&id)?).await?;
    let id = caller.reach(found)?.id;
    let with = match (caller.viewer(), method) {
        (Viewer::Invoice(..), None) => PayWith::CardOnce,
        (Viewer::Invoice(..), Some(_)) => return Err(Problem::not_found()),
        (_, None) => PayWith::Default,
        (_, Some(id)) => PayWith::Method(id),
    };
    let by = app.by(caller.actor());
    let idempotency = idempotency.bind(caller.idempotency_scope(), &raw, by.now);
    let rule = async move |work: &mut Work<'_, '_, '_>| {
        Ok::<_, Problem>(begin_to_pay(work, id, with).await?)
    };
    let written = app.write(tenant, by, idempotency, rule).await?;
    answer(&app, &tenant, caller.viewer(), written).await
}

/// Records a transfer: a payment outside the processor.
#[utoipa::path(post, path = "/v1/invoices/{id}/payments", tag = "invoices", operation_id = "recordInvoicePayment",
    responses((status = 201, body = InvoiceResponse)))]
pub async fn transfer(
    State(app): State<Arc<App>>,
    caller: Writer,
    PathText(id): PathText,
    idempotency: IdempotencyKey,
    body: Body<RecordPaymentRequest>,
) -> Result<Response, Problem> {
    let (RecordPaymentRequest { amount, reference, excess_to_balance }, raw) = body.read()?;
    let transfer = Transfer { amount, reference, excess_to_balance };
    let (tenant, id) = (caller.tenant(), path_id::<InvoiceId>(&id)?);
    let by = app.by(caller.actor());
    let idempotency = idempotency.bind(caller.id(), &raw, by.now);
    let shared = Arc::clone(&app);
    let rule = async move |work: &mut Work<'_, '_, '_>| {
        let invoice = record_transfer(work, id, &transfer).await?;
        let received = invoices::received(work.tx, work.tenant, id).await?;
        let whole = InvoiceResponse::whole(&shared, invoice, received, true);
        serde_json::to_value(whole).map_err(Problem::internal)
    };
    let written = app.write(tenant, by, idempotency, rule).await?;
    Ok(Outcome::from(written).into_response())
}

/// Voids an invoice without payments. It keeps its number.
#[utoipa::path(post, path = "/v1/invoices/{id}/void", tag = "invoices", operation_id = "voidInvoice",
    responses((status = 200, body = InvoiceResponse)))]
pub async fn void(
    State(app): State<Arc<App>>,
    caller: Writer,
    PathText(id): PathText,
    _: NoBody,
) -> Result<Json<InvoiceResponse>, Problem> {
    let (tenant, id) = (caller.tenant(), path_id::<InvoiceId>(&id)?);
    let by = app.by(caller.actor());
    let done = app.work(tenant, by, async move |work: &mut Work<'_, '_, '_>| {
        let invoice = void_invoice(work, id).await?;
        Ok::<_, Problem>((invoice, invoices::received(work.tx, work.tenant, id).await?))
    });
    let (invoice, received) = done.await?;
    Ok(Json(StatusCode::OK, InvoiceResponse::whole(&app, invoice, received, true)))
}
