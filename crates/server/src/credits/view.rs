//! Wallets as they are shown.

use super::{Account, Grant};
use crate::base::{
    CreditPackageId, Currency, CustomerId, InvoiceId, PaymentAttemptId, PaymentMethodId, Time,
};

#[derive(Clone, Debug)]
pub struct AccountView {
    pub account: Account,
    pub customer_id: CustomerId,
    pub currency: CurrencyView,
    /// It tells whether the automatic top-up goes on.
    pub default_method: Option<PaymentMethodId>,
    /// Those that something remains of, in the order in which they are used.
    pub grants: Vec<Grant>,
}

/// What a balance is counted in.
#[derive(Clone, Debug)]
pub struct CurrencyView {
    pub slug: String,
    pub name: String,
    pub denomination: String,
    pub minor_unit_scale: i64,
}

/// What a ledger says of a UTC day, counted from 1970.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DayView {
    pub day: i64,
    pub granted: i64,
    /// Without what was given back.
    pub used: i64,
    /// Ended, or taken back.
    pub expired: i64,
}

/// Credits that were bought, or tried to.
#[derive(Clone, Debug)]
pub struct TopUp {
    pub id: PaymentAttemptId,
    pub invoice_id: Option<InvoiceId>,
    pub status: TopUpStatus,
    pub credits: i64,
    /// The price before tax.
    pub amount: i64,
    pub currency: Currency,
    pub package_id: Option<CreditPackageId>,
    pub automatic: bool,
    pub created_at: Time,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TopUpStatus {
    Pending,
    Succeeded,
    Failed,
}

impl TopUpStatus {
    pub const ALL: [Self; 3] = [Self::Pending, Self::Succeeded, Self::Failed];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
        }
    }
}
