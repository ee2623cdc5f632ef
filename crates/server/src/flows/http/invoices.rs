//! Requests that move money, over HTTP: one answer for all of them, and what is done to invoices.

use super::{Attempt, Kept, SettleOutcome, Subject, Unsettled, outcome, pay as begin_to_pay};
use super::{replay, run, transfer as record_transfer, void as void_invoice};
use crate::app::{App, By};
use crate::base::{InvoiceId, PaymentMethodId, SubscriptionId, Time};
use crate::credits::http::CreditAccountResponse;
use crate::db::{Lane, Tx};
use crate::http::page::path_id;
use crate::http::{
    Caller, Code, IdempotencyKey, Json, JsonBody, NoBody, PathText, Problem, REPLAYED, SecretKey,
};
use crate::idempotency::{self, Outcome};
use crate::invoices::http::{InvoiceResponse, seen};
use crate::invoices::{self, Invoice};
use crate::keys::KeyScopes;
use crate::organizations::Tenant;
use crate::payments::http::ClientResponse;
use crate::portal::PortalScopes;
use crate::subscriptions::http::SubscriptionResponse;
use crate::{credits, subscriptions, test_clock};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;

/// What a request that moves money came to.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[schema(as = SettleOutcome)]
pub enum SettleOutcomeResponse {
    /// Charged and done.
    ChargedInline {
        #[schema(required = true)]
        subscription: Option<Box<SubscriptionResponse>>,
        invoice: Box<InvoiceResponse>,
    },
    /// The customer has to fill in the processor's form; then it goes on by itself. What the form
    /// is for stands in one of the last members.
    #[serde(rename_all = "camelCase")]
    RequiresForm {
        client: ClientResponse,
        #[schema(value_type = FormReasonName)]
        reason: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        subscription: Option<Box<SubscriptionResponse>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        invoice: Option<Box<InvoiceResponse>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        credit_account: Option<Box<CreditAccountResponse>>,
    },
    /// To be paid by its due date.
    InvoiceSent { invoice: Box<InvoiceResponse> },
    /// Too little to charge now; the next invoice has it.
    InvoiceAdded {
        #[schema(required = true)]
        subscription: Option<Box<SubscriptionResponse>>,
    },
    /// It comes into force later.
    #[serde(rename_all = "camelCase")]
    Deferred {
        subscription: Box<SubscriptionResponse>,
        #[schema(value_type = String, format = DateTime)]
        effective_at: Time,
    },
    /// Done, and nothing was to be paid.
    CreatedNoCharge { subscription: Box<SubscriptionResponse> },
    /// It was so already.
    NoAction,
}

#[derive(Debug, ToSchema)]
#[schema(rename_all = "snake_case")]
#[allow(dead_code)] // Describes `SettleOutcomeResponse::RequiresForm`.
pub enum FormReasonName {
    PaymentMethodRequired,
    AuthenticationRequired,
}

#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
#[allow(dead_code)] // Describes what `pay` reads.
pub struct PayInvoiceRequest {
    /// Default: the customer's default payment method.
    #[schema(nullable = false)]
    payment_method_id: Option<String>,
}

#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
#[allow(dead_code)] // Describes what `transfer` reads.
pub struct RecordPaymentRequest {
    /// In minor units, at most what is due.
    #[schema(minimum = 1)]
    amount: i64,
    /// What the transfer said.
    #[schema(min_length = 1, max_length = 200)]
    reference: String,
}

type Payer = Caller<{ KeyScopes::INVOICES_WRITE }, { PortalScopes::INVOICES_PAY }>;
type Writer = SecretKey<{ KeyScopes::INVOICES_WRITE }>;

/// Pays all that is due of an invoice.
#[utoipa::path(post, path = "/v1/invoices/{id}/pay", tag = "invoices", operation_id = "payInvoice",
    security(("secretKey" = ["invoices:write"]), ("portalToken" = ["invoices:pay"])),
    params(("id" = String, Path,), ("Idempotency-Key" = Option<String>, Header,)),
    request_body = Option<PayInvoiceRequest>,
    responses((status = 200, body = SettleOutcomeResponse)))]
pub async fn pay(
    State(app): State<Arc<App>>,
    caller: Payer,
    PathText(id): PathText,
    idempotency: IdempotencyKey,
    body: Option<JsonBody>,
) -> Result<Response, Problem> {
    let tenant = caller.tenant();
    let (mut fields, raw) = body.map(|body| (body.fields, body.raw)).unwrap_or_default();
    let named = fields.text("paymentMethodId", 1..=64);
    fields.finish()?;
    let method = named.as_deref().map(path_id::<PaymentMethodId>).transpose()?;
    let id = seen(&mut app.db.read().await?, &caller, path_id(&id)?).await?.id;
    let by = By::new(&app, caller.actor());
    let idempotency = idempotency.of(caller.idempotency_scope(), &raw, by.now);
    let done = app.db.write(Lane::Usual, async move |tx: &mut Tx<'_, '_>| {
        let idempotency = idempotency.as_ref();
        if let Some(kept) = replay::<Problem>(tx, idempotency).await? {
            return Ok((kept, true));
        }
        let at = test_clock::write_now::<Problem>(tx, &tenant, by.now).await?;
        let kept = begin_to_pay(tx, &tenant, id, method, at, &by).await?;
        super::keep(tx, idempotency, &kept).await?;
        Ok::<_, Problem>((kept, false))
    });
    let (kept, replayed) = done.await?;
    answer(&app, &tenant, caller.only_customer().is_none(), kept, replayed).await
}

/// Records a transfer: money that came in by another way than the processor's.
#[utoipa::path(post, path = "/v1/invoices/{id}/payments", tag = "invoices", operation_id = "recordInvoicePayment",
    security(("secretKey" = ["invoices:write"])),
    params(("id" = String, Path,), ("Idempotency-Key" = Option<String>, Header,)),
    request_body = RecordPaymentRequest,
    responses((status = 201, body = InvoiceResponse)))]
pub async fn transfer(
    State(app): State<Arc<App>>,
    caller: Writer,
    PathText(id): PathText,
    idempotency: IdempotencyKey,
    JsonBody { mut fields, raw }: JsonBody,
) -> Result<Response, Problem> {
    fields.required(&["amount"]);
    let amount = fields.amount("amount", 1).unwrap_or_default();
    let reference = fields.required_text("reference", 1..=200);
    fields.finish()?;
    let (tenant, id) = (caller.tenant(), path_id::<InvoiceId>(&id)?);
    let by = By::new(&app, caller.actor());
    let idempotency = idempotency.of(caller.id(), &raw, by.now);
    let shared = Arc::clone(&app);
    let done = app.db.write(Lane::Usual, async move |tx: &mut Tx<'_, '_>| {
        let idempotency = idempotency.as_ref();
        idempotency::wait_for_twin(tx, idempotency).await?;
        if let Some(kept) = idempotency::replay::<Problem>(tx, idempotency).await? {
            return Ok(Outcome::Replay(kept));
        }
        let at = test_clock::write_now::<Problem>(tx, &tenant, by.now).await?;
        let invoice = record_transfer(tx, &tenant, id, amount, &reference, at, &by).await?;
        let payments = invoices::payments(tx, &tenant, id).await?;
        let whole = InvoiceResponse::whole(&shared, invoice, payments, true);
        let body = serde_json::to_value(whole).map_err(Problem::internal)?;
        idempotency::keep(tx, idempotency, &body).await?;
        Ok::<_, Problem>(Outcome::Fresh(body))
    });
    done.await.map(Outcome::into_response)
}

/// Voids an invoice of which nothing was paid. It keeps its number.
#[utoipa::path(post, path = "/v1/invoices/{id}/void", tag = "invoices", operation_id = "voidInvoice",
    security(("secretKey" = ["invoices:write"])),
    params(("id" = String, Path,)),
    responses((status = 200, body = InvoiceResponse)))]
pub async fn void(
    State(app): State<Arc<App>>,
    caller: Writer,
    PathText(id): PathText,
    _: NoBody,
) -> Result<Json<InvoiceResponse>, Problem> {
    let (tenant, id) = (caller.tenant(), path_id::<InvoiceId>(&id)?);
    let by = By::new(&app, caller.actor());
    let done = app.db.write(Lane::Usual, async move |tx: &mut Tx<'_, '_>| {
        let at = test_clock::write_now::<Problem>(tx, &tenant, by.now).await?;
        Ok::<Invoice, Problem>(void_invoice(tx, &tenant, id, at, &by).await?)
    });
    let invoice = done.await?;
    Ok(Json(StatusCode::OK, InvoiceResponse::whole(&app, invoice, Vec::new(), true)))
}

/// Answers a request that moves money: goes on with its attempt, if there is one, and shows what it
/// came to. `backend` sees metadata.
pub async fn answer(
    app: &App,
    tenant: &Tenant,
    backend: bool,
    kept: Kept,
    replayed: bool,
) -> Result<Response, Problem> {
    let answer = match settled(app, tenant, kept).await {
        Ok(outcome) => {
            let body = Shown { app, tenant, backend }.outcome(outcome).await?;
            Json(StatusCode::OK, body).into_response()
        }
        // A decline is an answer like any other.
        Err(problem) if problem.code == Code::PaymentDeclined => problem.into_response(),
        Err(problem) => return Err(problem),
    };
    Ok(if replayed { (REPLAYED, answer).into_response() } else { answer })
}

async fn settled(app: &App, tenant: &Tenant, kept: Kept) -> Result<SettleOutcome, Problem> {
    let attempt = match kept {
        Kept::Outcome(outcome) => return Ok(outcome),
        Kept::Attempt(id) => run(app, tenant, id).await?,
    };
    let invoice = invoices::get(&mut app.db.read().await?, tenant, attempt.invoice_id).await?;
    outcome(&attempt, invoice.and_then(|invoice| invoice.subscription_id)).map_err(|unsettled| {
        match unsettled {
            Unsettled::Declined(reason) => {
                Problem::new(Code::PaymentDeclined, "The payment was declined.")
                    .with("declineReason", reason.as_str())
            }
            Unsettled::Unknown => Problem::unavailable("the processor could not tell of a charge"),
            Unsettled::Abandoned => {
                let detail = "The payment was given up meanwhile; use a new Idempotency-Key.";
                Problem::new(Code::Conflict, detail)
            }
        }
    })
}

/// Shows objects to a caller as they are now.
struct Shown<'a> {
    app: &'a App,
    tenant: &'a Tenant,
    backend: bool,
}

impl Shown<'_> {
    async fn outcome(&self, outcome: SettleOutcome) -> Result<SettleOutcomeResponse, Problem> {
        Ok(match outcome {
            SettleOutcome::ChargedInline { subscription_id, invoice_id } => {
                SettleOutcomeResponse::ChargedInline {
                    subscription: self.if_any(subscription_id).await?,
                    invoice: self.invoice(invoice_id).await?,
                }
            }
            SettleOutcome::RequiresForm { attempt_id } => {
                let mut tx = self.app.db.read().await?;
                let attempt = super::get(&mut tx, self.tenant, attempt_id).await?;
                self.form(&attempt.ok_or_else(gone)?).await?
            }
            SettleOutcome::InvoiceSent { invoice_id } => {
                SettleOutcomeResponse::InvoiceSent { invoice: self.invoice(invoice_id).await? }
            }
            SettleOutcome::InvoiceAdded { subscription_id } => {
                let subscription = self.if_any(subscription_id).await?;
                SettleOutcomeResponse::InvoiceAdded { subscription }
            }
            SettleOutcome::Deferred { subscription_id, effective_at } => {
                let subscription = self.subscription(subscription_id).await?;
                SettleOutcomeResponse::Deferred { subscription, effective_at }
            }
            SettleOutcome::CreatedNoCharge { subscription_id } => {
                let subscription = self.subscription(subscription_id).await?;
                SettleOutcomeResponse::CreatedNoCharge { subscription }
            }
            SettleOutcome::NoAction => SettleOutcomeResponse::NoAction,
        })
    }

    async fn form(&self, attempt: &Attempt) -> Result<SettleOutcomeResponse, Problem> {
        let (subscription, invoice, credit_account) = match attempt.subject() {
            Subject::Subscription(id) => (Some(self.subscription(id).await?), None, None),
            Subject::Invoice(id) => (None, Some(self.invoice(id).await?), None),
            Subject::CreditAccount(id) => {
                let view = credits::view(&mut self.app.db.read().await?, self.tenant, id).await?;
                (None, None, Some(Box::new(view.ok_or_else(gone)?.into())))
            }
        };
        Ok(SettleOutcomeResponse::RequiresForm {
            client: attempt.client(self.app).ok_or_else(gone)?.into(),
            reason: attempt.form_reason().as_str(),
            subscription,
            invoice,
            credit_account,
        })
    }

    async fn if_any(
        &self,
        id: Option<SubscriptionId>,
    ) -> Result<Option<Box<SubscriptionResponse>>, Problem> {
        match id {
            None => Ok(None),
            Some(id) => self.subscription(id).await.map(Some),
        }
    }

    async fn subscription(&self, id: SubscriptionId) -> Result<Box<SubscriptionResponse>, Problem> {
        let found = subscriptions::get(&mut self.app.db.read().await?, self.tenant, id).await?;
        let found = found.ok_or_else(gone)?;
        Ok(Box::new(match self.backend {
            true => SubscriptionResponse::to_backend(&found),
            false => SubscriptionResponse::to_browser(&found),
        }))
    }

    async fn invoice(&self, id: InvoiceId) -> Result<Box<InvoiceResponse>, Problem> {
        let mut tx = self.app.db.read().await?;
        let found = invoices::get(&mut tx, self.tenant, id).await?.ok_or_else(gone)?;
        let payments = invoices::payments(&mut tx, self.tenant, id).await?;
        Ok(Box::new(InvoiceResponse::whole(self.app, found, payments, self.backend)))
    }
}

/// What an outcome names is never deleted.
fn gone() -> Problem {
    Problem::internal("what an outcome names is missing")
}
