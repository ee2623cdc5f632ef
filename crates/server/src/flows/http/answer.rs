//! The response of every request that moves money.

use crate::app::{App, Written};
use crate::base::{InvoiceId, PaymentAttemptId, SubscriptionId, Time, Viewer};
use crate::credits::http::CreditAccountResponse;
use crate::flows::payment_methods;
use crate::flows::settle::run;
use crate::http::{Code, Json, Problem, REPLAYED};
use crate::invoices::http::InvoiceResponse;
use crate::organizations::Tenant;
use crate::payments::http::ClientResponse;
use crate::payments::{Client, ClientKind, DeclineReason};
use crate::settlement::{Attempt, AttemptStatus, FormReason, FormSubject, SettleOutcome};
use crate::subscriptions::http::SubscriptionResponse;
use crate::{credits, customers, invoices, subscriptions};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

/// The outcome of a request that moves money.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[schema(as = SettleOutcome)]
pub enum SettleOutcomeResponse {
    /// Charged successfully.
    #[serde(rename_all = "camelCase")]
    ChargedInline {
        #[schema(required = true)]
        subscription: Option<Box<SubscriptionResponse>>,
        invoice: Box<InvoiceResponse>,
        /// The charge; `null` when nothing had to be charged.
        #[schema(value_type = Option<String>, required = true)]
        payment_attempt_id: Option<PaymentAttemptId>,
    },
    /// The customer must complete the processor's form. The operation continues automatically
    /// afterwards. One of the last members names its object.
    #[serde(rename_all = "camelCase")]
    RequiresForm {
        client: ClientResponse,
        reason: FormReason,
        /// The charge that waits for the form: `GET /v1/payment-attempts/{id}` returns its status.
        /// `null` if the form only asks for a payment method, with which the subscription starts.
        #[schema(value_type = Option<String>, required = true)]
        payment_attempt_id: Option<PaymentAttemptId>,
        #[serde(skip_serializing_if = "Option::is_none")]
        subscription: Option<Box<SubscriptionResponse>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        invoice: Option<Box<InvoiceResponse>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        credit_account: Option<Box<CreditAccountResponse>>,
    },
    /// To be paid by its due date.
    InvoiceSent { invoice: Box<InvoiceResponse> },
    /// Below the processor's minimum: added to the next invoice.
    InvoiceAdded {
        #[schema(required = true)]
        subscription: Option<Box<SubscriptionResponse>>,
    },
    /// Applies later.
    #[serde(rename_all = "camelCase")]
    Deferred {
        subscription: Box<SubscriptionResponse>,
        #[schema(value_type = String, format = DateTime)]
        effective_at: Time,
    },
    /// Done without a payment.
    CreatedNoCharge { subscription: Box<SubscriptionResponse> },
    /// Nothing to do.
    NoAction,
}

/// Answers a request that moves money: continues its attempt, if there is one, and returns the
/// outcome as the viewer sees it: a backend with metadata, the holder of a link to the invoice without the
/// subscription.
pub async fn answer(
    app: &App,
    tenant: &Tenant,
    viewer: Viewer,
    written: Written<SettleOutcome>,
) -> Result<Response, Problem> {
    let answer = match (Shown { app, tenant, viewer }).outcome(written.answer).await {
        Ok(body) => Json(StatusCode::OK, body).into_response(),
        // A decline is returned as a response.
        Err(problem) if problem.code == Code::PaymentDeclined => problem.into_response(),
        Err(problem) => return Err(problem),
    };
    Ok(if written.is_replay { (REPLAYED, answer).into_response() } else { answer })
}

/// Builds the response from the current objects.
struct Shown<'a> {
    app: &'a App,
    tenant: &'a Tenant,
    viewer: Viewer,
}

impl Shown<'_> {
    fn is_backend(&self) -> bool {
        self.viewer == Viewer::Backend
    }

    async fn outcome(&self, outcome: SettleOutcome) -> Result<SettleOutcomeResponse, Problem> {
        Ok(match outcome {
            SettleOutcome::Attempt { attempt_id } => {
                self.attempt(&run(self.app, self.tenant, attempt_id).await?).await?
            }
            SettleOutcome::ChargedInline { subscription_id, invoice_id } => {
                SettleOutcomeResponse::ChargedInline {
                    subscription: self.if_any(subscription_id).await?,
                    invoice: self.invoice(invoice_id).await?,
                    payment_attempt_id: None,
                }
            }
            SettleOutcome::RequiresPaymentMethod { subscription_id } => {
                self.setup(subscription_id).await?
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

    async fn attempt(&self, attempt: &Attempt) -> Result<SettleOutcomeResponse, Problem> {
        let problem = match attempt.status {
            AttemptStatus::Succeeded => return self.charged(attempt).await,
            AttemptStatus::RequiresForm => return self.form(attempt).await,
            AttemptStatus::Declined => {
                let reason = attempt.decline_reason.unwrap_or(DeclineReason::CardDeclined);
                Problem::new(Code::PaymentDeclined, "The payment was declined.")
                    .with("declineReason", reason.as_str())
            }
            // The processor's result is unknown. A retry continues the attempt.
            AttemptStatus::Pending => {
                Problem::unavailable("the processor could not tell of a charge")
            }
            AttemptStatus::Abandoned | AttemptStatus::RefundDue | AttemptStatus::Refunded => {
                let detail = "This payment was abandoned meanwhile. Use a new Idempotency-Key.";
                Problem::new(Code::Conflict, detail)
            }
        };
        Err(problem.with("paymentAttemptId", attempt.id.to_string()))
    }

    async fn charged(&self, attempt: &Attempt) -> Result<SettleOutcomeResponse, Problem> {
        let invoice = self.invoice(attempt.invoice_id).await?;
        let subscription_id = attempt.effect.subscription_id().or(invoice.subscription_id);
        Ok(SettleOutcomeResponse::ChargedInline {
            subscription: self.if_any(subscription_id).await?,
            invoice,
            payment_attempt_id: Some(attempt.id),
        })
    }

    /// Opens a form for the payment method that a pending subscription waits for. If it has started
    /// by now, there is nothing left to do.
    async fn setup(&self, id: SubscriptionId) -> Result<SettleOutcomeResponse, Problem> {
        let mut tx = self.app.db.read().await?;
        let found = subscriptions::get(&mut tx, self.tenant, id).await?.ok_or_else(gone)?;
        let customer = customers::by_no(&mut tx, self.tenant, found.customer_no).await?;
        let customer = customer.ok_or_else(gone)?;
        drop(tx);
        let subscription = self.subscription(id).await?;
        if found.status != subscriptions::SubscriptionStatus::Pending {
            return Ok(SettleOutcomeResponse::CreatedNoCharge { subscription });
        }
        Ok(SettleOutcomeResponse::RequiresForm {
            client: payment_methods::setup(self.app, self.tenant, &customer).await?.into(),
            reason: FormReason::PaymentMethodRequired,
            payment_attempt_id: None,
            subscription: Some(subscription),
            invoice: None,
            credit_account: None,
        })
    }

    async fn form(&self, attempt: &Attempt) -> Result<SettleOutcomeResponse, Problem> {
        let (subscription, invoice, credit_account) = match attempt.subject() {
            FormSubject::Subscription(id) => (Some(self.subscription(id).await?), None, None),
            FormSubject::Invoice(id) => (None, Some(self.invoice(id).await?), None),
            FormSubject::CreditAccount(id) => {
                let view = credits::view(&mut self.app.db.read().await?, self.tenant, id).await?;
                (None, None, Some(Box::new(view.ok_or_else(gone)?.into())))
            }
        };
        Ok(SettleOutcomeResponse::RequiresForm {
            client: self.client(attempt).await?.into(),
            reason: attempt.form_reason(),
            payment_attempt_id: Some(attempt.id),
            subscription,
            invoice,
            credit_account,
        })
    }

    /// Returns the data that a browser needs to show the open form.
    async fn client(&self, attempt: &Attempt) -> Result<Client, Problem> {
        let mut tx = self.app.db.read().await?;
        let processors = &self.app.processors;
        let processor = processors.by_name(&mut tx, self.tenant, &attempt.processor).await?;
        let (processor, secret) = processor.zip(attempt.client_secret.clone()).ok_or_else(gone)?;
        Ok(Client {
            processor: processor.name(),
            kind: ClientKind::Payment,
            secret,
            publishable_key: processor.publishable_key(),
        })
    }

    async fn if_any(
        &self,
        id: Option<SubscriptionId>,
    ) -> Result<Option<Box<SubscriptionResponse>>, Problem> {
        match (id, self.viewer) {
            (None, _) | (_, Viewer::Invoice(..)) => Ok(None),
            (Some(id), _) => self.subscription(id).await.map(Some),
        }
    }

    async fn subscription(&self, id: SubscriptionId) -> Result<Box<SubscriptionResponse>, Problem> {
        let found = subscriptions::get(&mut self.app.db.read().await?, self.tenant, id).await?;
        let found = found.ok_or_else(gone)?;
        Ok(Box::new(match self.is_backend() {
            true => SubscriptionResponse::to_backend(&found),
            false => SubscriptionResponse::to_browser(&found),
        }))
    }

    async fn invoice(&self, id: InvoiceId) -> Result<Box<InvoiceResponse>, Problem> {
        let mut tx = self.app.db.read().await?;
        let found = invoices::get(&mut tx, self.tenant, id).await?.ok_or_else(gone)?;
        let received = invoices::received(&mut tx, self.tenant, id).await?;
        Ok(Box::new(InvoiceResponse::whole(self.app, found, received, self.is_backend())))
    }
}

/// Objects of an outcome are never deleted.
fn gone() -> Problem {
    Problem::internal("what an outcome names is missing")
}
