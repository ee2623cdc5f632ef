//! The behaviour of each sandbox token, and the state that the sandbox stores.

use super::super::processor::{
    Card, ChargeOrder, ChargeResult, DeclineReason, ProcessorEvent, month,
};
use crate::base::{Currency, PaymentAttemptId, Time};
use crate::db::{FromRow, ToRow};

/// The behaviour of the tokens `pm_sandbox_…`, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behaviour {
    Visa,
    Mastercard,
    Declined,
    /// Is declined for good, as a lost card is.
    Lost,
    RequiresForm,
    /// Expires at the end of the month after it was added.
    Expires,
    /// Charges, but the first response is lost.
    Timeout,
    /// Charges. A refund is pending first and then fails.
    RefundFails,
}

/// A charge or form as stored by the sandbox.
#[derive(Clone, Debug, FromRow, ToRow)]
pub struct Intent {
    pub reference: String,
    pub customer: String,
    pub key: Option<PaymentAttemptId>,
    pub method: Option<String>,
    pub amount: Option<i64>,
    pub currency: Option<Currency>,
    pub status: IntentStatus,
    pub decline_reason: Option<DeclineReason>,
    pub client_secret: Option<String>,
    pub created_at: Time,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IntentStatus {
    RequiresForm,
    Succeeded,
    Declined,
    Refunded,
}

impl Behaviour {
    pub const ALL: [Self; 8] = [
        Self::Visa,
        Self::Mastercard,
        Self::Declined,
        Self::Lost,
        Self::RequiresForm,
        Self::Expires,
        Self::Timeout,
        Self::RefundFails,
    ];

    pub const fn token(self) -> &'static str {
        match self {
            Self::Visa => "pm_sandbox_visa",
            Self::Mastercard => "pm_sandbox_mastercard",
            Self::Declined => "pm_sandbox_declined",
            Self::Lost => "pm_sandbox_lost",
            Self::RequiresForm => "pm_sandbox_requires_form",
            Self::Expires => "pm_sandbox_expires",
            Self::Timeout => "pm_sandbox_timeout",
            Self::RefundFails => "pm_sandbox_refund_fails",
        }
    }

    /// A payment method's reference is its token, `:` and a unique suffix.
    pub fn of_reference(reference: &str) -> Option<Self> {
        let token = reference.split(':').next()?;
        Self::ALL.into_iter().find(|known| known.token() == token)
    }

    pub fn card(self, reference: String, at: Time) -> Card {
        let (brand, last4) = match self {
            Self::Visa => ("visa", "4242"),
            Self::Mastercard => ("mastercard", "4444"),
            Self::Declined => ("visa", "0002"),
            Self::Lost => ("visa", "9987"),
            Self::RequiresForm => ("visa", "3220"),
            Self::Expires => ("visa", "0069"),
            Self::Timeout => ("visa", "0119"),
            Self::RefundFails => ("visa", "5126"),
        };
        let month = month(at);
        let (reference, expires) = match self {
            Self::Expires => (format!("{reference}:{}", month + 1), month + 1),
            Self::Visa
            | Self::Mastercard
            | Self::Declined
            | Self::Lost
            | Self::RequiresForm
            | Self::Timeout
            | Self::RefundFails => (reference, (month.div_euclid(12) + 4) * 12 + 11),
        };
        Card {
            reference,
            brand: brand.to_owned(),
            last4: last4.to_owned(),
            exp_month: expires.rem_euclid(12) + 1,
            exp_year: expires.div_euclid(12),
        }
    }
}

impl ChargeOrder {
    /// Returns the behaviour of a token.
    fn decided(&self) -> (IntentStatus, Option<DeclineReason>) {
        let declined = |reason| (IntentStatus::Declined, Some(reason));
        let form = |reason| match self.off_session {
            true => declined(reason),
            false => (IntentStatus::RequiresForm, None),
        };
        let Some(method) = &self.method else {
            return form(DeclineReason::PaymentMethodRequired);
        };
        match Behaviour::of_reference(method) {
            None | Some(Behaviour::Declined | Behaviour::Lost) => {
                declined(DeclineReason::CardDeclined)
            }
            Some(Behaviour::RequiresForm) => form(DeclineReason::AuthenticationRequired),
            Some(Behaviour::Expires) if self.method_has_expired() => {
                declined(DeclineReason::ExpiredCard)
            }
            Some(
                Behaviour::Visa
                | Behaviour::Mastercard
                | Behaviour::Expires
                | Behaviour::Timeout
                | Behaviour::RefundFails,
            ) => (IntentStatus::Succeeded, None),
        }
    }

    /// Whether the expiry month in the payment method's reference has passed.
    fn method_has_expired(&self) -> bool {
        let last = self.method.as_deref().and_then(|method| method.split_once(':'));
        last.and_then(|(_, last)| last.parse().ok()).is_some_and(|last: i64| month(self.at) > last)
    }
}

impl Intent {
    /// Returns the result of a charge; `secret` opens its form, if it needs one.
    pub fn from_charge(charge: &ChargeOrder, secret: String, now: Time) -> Self {
        let (status, decline_reason) = charge.decided();
        Self {
            reference: String::new(),
            customer: charge.customer.clone(),
            key: Some(charge.key),
            method: charge.method.clone(),
            amount: Some(charge.amount),
            currency: Some(charge.currency),
            status,
            decline_reason,
            client_secret: (status == IntentStatus::RequiresForm).then_some(secret),
            created_at: now,
        }
    }

    /// A form for a payment method only.
    pub fn setup(reference: String, customer: String, secret: String, now: Time) -> Self {
        Self {
            reference,
            customer,
            key: None,
            method: None,
            amount: None,
            currency: None,
            status: IntentStatus::RequiresForm,
            decline_reason: None,
            client_secret: Some(secret),
            created_at: now,
        }
    }

    pub fn result(&self) -> ChargeResult {
        match (self.status, &self.client_secret, self.decline_reason) {
            (IntentStatus::Declined, _, reason) => {
                let reason = reason.unwrap_or(DeclineReason::CardDeclined);
                match self.method.as_deref().and_then(Behaviour::of_reference) {
                    Some(Behaviour::Lost) => ChargeResult::DeclinedForGood(reason),
                    Some(_) | None => ChargeResult::Declined(reason),
                }
            }
            (IntentStatus::RequiresForm, Some(secret), _) => ChargeResult::RequiresForm {
                reference: self.reference.clone(),
                client_secret: secret.clone(),
            },
            (IntentStatus::RequiresForm, None, _) => ChargeResult::Unknown,
            (IntentStatus::Succeeded | IntentStatus::Refunded, ..) => {
                ChargeResult::Succeeded { reference: self.reference.clone(), card: self.card() }
            }
        }
    }

    /// Returns the card from the form if there was no payment method: a new one for each form.
    fn card(&self) -> Option<Card> {
        let reference = format!("{}:{}", Behaviour::Visa.token(), self.reference);
        self.method.is_none().then(|| Behaviour::Visa.card(reference, self.created_at))
    }

    pub fn event(&self) -> ProcessorEvent {
        match self.key {
            Some(key) => ProcessorEvent::Charged {
                key,
                reference: self.reference.clone(),
                card: self.card(),
            },
            None => ProcessorEvent::SetUp {
                customer: self.customer.clone(),
                card: Behaviour::Visa.card(
                    format!("{}:{}", Behaviour::Visa.token(), self.reference),
                    self.created_at,
                ),
            },
        }
    }
}

impl IntentStatus {
    pub const ALL: [Self; 4] =
        [Self::RequiresForm, Self::Succeeded, Self::Declined, Self::Refunded];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RequiresForm => "requires_form",
            Self::Succeeded => "succeeded",
            Self::Declined => "declined",
            Self::Refunded => "refunded",
        }
    }
}
