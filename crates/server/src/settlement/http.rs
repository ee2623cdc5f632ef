//! A payment attempt over HTTP, for a page that waits to see what became of a payment.

use super::{Attempt, AttemptStatus, Effect};
use crate::app::App;
use crate::auth::{Caller, INVOICE_LINK};
use crate::base::{
    CreditAccountId, Currency, CustomerId, InvoiceId, PaymentAttemptId, PaymentMethodId,
    SubscriptionId, Time,
};
use crate::http::page::path_id;
use crate::http::{Json, PathText, Problem};
use crate::keys::KeyScopes;
use crate::payments::DeclineReason;
use axum::extract::State;
use http::StatusCode;
use std::sync::Arc;
use unitpay_request::response;

/// A portal token needs no scope: it may have started the payment with any of several.
type Reader = Caller<{ KeyScopes::INVOICES_READ }, INVOICE_LINK>;

#[response]
#[schema(as = PaymentAttempt)]
pub struct PaymentAttemptResponse {
    pub id: PaymentAttemptId,
    pub customer_id: CustomerId,
    /// The invoice that the payment is for. A portal token cannot read it before it is issued.
    pub invoice_id: InvoiceId,
    /// The subscription that a success starts or changes.
    pub subscription_id: Option<SubscriptionId>,
    /// The wallet that a success tops up.
    pub credit_account_id: Option<CreditAccountId>,
    /// `null` until a form has supplied one.
    pub payment_method_id: Option<PaymentMethodId>,
    /// `pending`: the processor has not answered yet. `requires_form`: the customer has to fill in
    /// the form. `succeeded`: charged, and done what it was for. `declined`: not charged.
    /// `abandoned`: replaced or expired. `refund_due` and `refunded`: charged after it was
    /// abandoned.
    pub status: AttemptStatus,
    /// In minor units.
    pub amount: i64,
    pub currency: Currency,
    /// The processor's reason for a decline.
    pub decline_reason: Option<&'static str>,
    /// In real time, also in a sandbox with a test clock.
    pub created_at: Time,
}

impl From<Attempt> for PaymentAttemptResponse {
    fn from(attempt: Attempt) -> Self {
        let credit_account_id = match attempt.effect {
            Effect::TopUp { credit_account_id, .. } => Some(credit_account_id),
            Effect::StartSubscription { .. }
            | Effect::ChangePlan(_)
            | Effect::CollectInvoice
            | Effect::PayInvoice { .. } => None,
        };
        Self {
            id: attempt.id,
            customer_id: attempt.customer_id,
            invoice_id: attempt.invoice_id,
            subscription_id: attempt.effect.subscription_id(),
            credit_account_id,
            payment_method_id: attempt.payment_method_id,
            status: attempt.status,
            amount: attempt.amount,
            currency: attempt.currency,
            decline_reason: attempt.decline_reason.map(DeclineReason::as_str),
            created_at: attempt.created_at,
        }
    }
}

/// Returns a payment attempt: what became of a charge or of its form. A portal token of any scope
/// reads those of its own customer.
#[utoipa::path(get, path = "/v1/payment-attempts/{id}", tag = "invoices", operation_id = "getPaymentAttempt",
    responses((status = 200, body = PaymentAttemptResponse)))]
pub async fn get(
    State(app): State<Arc<App>>,
    caller: Reader,
    PathText(id): PathText,
) -> Result<Json<PaymentAttemptResponse>, Problem> {
    let found = super::get(&mut app.db.read().await?, &caller.tenant(), path_id(&id)?).await?;
    Ok(Json(StatusCode::OK, caller.reach(found)?.into()))
}
