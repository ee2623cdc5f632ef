//! The outcome of a request that moves money, as stored under its idempotency key.
//!
//! It refers to objects by id, so that a replay returns their current state. An interrupted attempt
//! is continued.

use super::{Attempt, Effect};
use crate::base::words::words;
use crate::base::{CreditAccountId, InvoiceId, PaymentAttemptId, SubscriptionId, Time};
use crate::invoices::{Invoice, InvoiceStatus};
use serde::{Deserialize, Serialize};

/// An outcome in its stored form.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum SettleOutcome {
    /// There is something to charge: what becomes of the attempt is the outcome.
    Attempt {
        attempt_id: PaymentAttemptId,
    },
    /// The invoice is paid without a charge.
    ChargedInline {
        subscription_id: Option<SubscriptionId>,
        invoice_id: InvoiceId,
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

/// The object that a form is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FormSubject {
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
        match invoice.status == InvoiceStatus::Paid {
            true => Self::ChargedInline { subscription_id, invoice_id },
            false => Self::InvoiceSent { invoice_id },
        }
    }

    /// Returns the attempt that is to be continued.
    pub const fn attempt_id(&self) -> Option<PaymentAttemptId> {
        match *self {
            Self::Attempt { attempt_id } => Some(attempt_id),
            Self::ChargedInline { .. }
            | Self::RequiresPaymentMethod { .. }
            | Self::InvoiceSent { .. }
            | Self::InvoiceAdded { .. }
            | Self::Deferred { .. }
            | Self::CreatedNoCharge { .. }
            | Self::NoAction => None,
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

    pub const fn subject(&self) -> FormSubject {
        match self.effect {
            Effect::StartSubscription { subscription_id } => {
                FormSubject::Subscription(subscription_id)
            }
            Effect::ChangePlan(ref change) => FormSubject::Subscription(change.subscription_id),
            Effect::CollectInvoice | Effect::PayInvoice { .. } => {
                FormSubject::Invoice(self.invoice_id)
            }
            Effect::TopUp { credit_account_id, .. } => {
                FormSubject::CreditAccount(credit_account_id)
            }
        }
    }
}
