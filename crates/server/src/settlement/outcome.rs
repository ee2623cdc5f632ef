//! The outcome of a request that moves money, as stored under its idempotency key.
//!
//! It refers to objects by id, so that a replay returns their current state. An interrupted attempt
//! is continued.

use super::{Attempt, AttemptStatus, Effect};
use crate::base::words::words;
use crate::base::{CreditAccountId, InvoiceId, PaymentAttemptId, SubscriptionId, Time};
use crate::invoices::{Invoice, Status};
use crate::payments::DeclineReason;
use serde::{Deserialize, Serialize};

/// The result of the first transaction of such a request, in its stored form.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kept {
    Attempt(PaymentAttemptId),
    Outcome(SettleOutcome),
}

/// A successful outcome, in its stored form.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum SettleOutcome {
    ChargedInline {
        subscription_id: Option<SubscriptionId>,
        invoice_id: InvoiceId,
        /// Absent when nothing had to be charged, and in outcomes kept before it was recorded.
        #[serde(default)]
        attempt_id: Option<PaymentAttemptId>,
    },
    /// The customer must complete a form, whose secret is in the attempt.
    RequiresForm {
        attempt_id: PaymentAttemptId,
    },
    /// The customer must enter a payment method before the subscription starts.
    RequiresPaymentMethod {
        subscription_id: SubscriptionId,
    },
    InvoiceSent {
        invoice_id: InvoiceId,
    },
    InvoiceAdded {
        subscription_id: Option<SubscriptionId>,
    },
    Deferred {
        subscription_id: SubscriptionId,
        effective_at: Time,
    },
    CreatedNoCharge {
        subscription_id: SubscriptionId,
    },
    NoAction,
}

/// The reason that there is no outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unsettled {
    Declined(DeclineReason),
    /// The processor's result is unknown. A retry continues the attempt.
    Unknown,
    /// The attempt was given up meanwhile.
    Abandoned,
}

/// The object that a form is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    Subscription(SubscriptionId),
    Invoice(InvoiceId),
    CreditAccount(CreditAccountId),
}

words! {
    FormReason as FormReasonName {
        PaymentMethodRequired = "payment_method_required",
        AuthenticationRequired = "authentication_required",
    }
}

impl SettleOutcome {
    /// Returns the outcome of an invoice that was issued without a charge.
    pub fn of_issued(invoice: &Invoice, subscription_id: Option<SubscriptionId>) -> Self {
        let invoice_id = invoice.id;
        match invoice.status == Status::Paid {
            true => Self::ChargedInline { subscription_id, invoice_id, attempt_id: None },
            false => Self::InvoiceSent { invoice_id },
        }
    }
}

/// Returns the outcome of an attempt.
pub fn outcome(
    attempt: &Attempt,
    subscription_of_invoice: Option<SubscriptionId>,
) -> Result<SettleOutcome, Unsettled> {
    match attempt.status {
        AttemptStatus::Succeeded => Ok(SettleOutcome::ChargedInline {
            subscription_id: attempt.effect.subscription_id().or(subscription_of_invoice),
            invoice_id: attempt.invoice_id,
            attempt_id: Some(attempt.id),
        }),
        AttemptStatus::RequiresForm => Ok(SettleOutcome::RequiresForm { attempt_id: attempt.id }),
        AttemptStatus::Declined => {
            Err(Unsettled::Declined(attempt.decline_reason.unwrap_or(DeclineReason::CardDeclined)))
        }
        AttemptStatus::Pending => Err(Unsettled::Unknown),
        AttemptStatus::Abandoned | AttemptStatus::RefundDue | AttemptStatus::Refunded => {
            Err(Unsettled::Abandoned)
        }
    }
}

impl Attempt {
    pub const fn form_reason(&self) -> FormReason {
        match self.card {
            None => FormReason::PaymentMethodRequired,
            Some(_) => FormReason::AuthenticationRequired,
        }
    }

    pub const fn subject(&self) -> Subject {
        match self.effect {
            Effect::StartSubscription { subscription_id } => Subject::Subscription(subscription_id),
            Effect::ChangePlan(ref change) => Subject::Subscription(change.subscription_id),
            Effect::CollectInvoice | Effect::PayInvoice => Subject::Invoice(self.invoice_id),
            Effect::TopUp { credit_account_id, .. } => Subject::CreditAccount(credit_account_id),
        }
    }
}
