//! Wallets as returned by the API.

use super::{Account, Grant};
use crate::base::{
    CreditPackageId, Currency, CustomerId, GrantId, InvoiceId, PaymentAttemptId, PaymentMethodId,
    Time,
};
use crate::db::{FromRow, ToRow};

#[derive(Clone, Debug, FromRow)]
pub struct AccountView {
    #[record(join)]
    pub account: Account,
    #[record(computed)]
    pub customer_id: CustomerId,
    #[record(join)]
    pub currency: CurrencyView,
    /// Decides whether a paused automatic top-up resumes.
    #[record(computed)]
    pub default_method: Option<PaymentMethodId>,
    /// The grants with a remainder, in the order in which they are used.
    #[record(skip)]
    pub grants: Vec<Grant>,
}

/// The credit currency of a balance.
#[derive(Clone, Debug, FromRow)]
pub struct CurrencyView {
    pub slug: String,
    pub name: String,
    pub denomination: String,
    pub minor_unit_scale: i64,
}

/// The sums of a ledger on a UTC day, counted from 1970.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromRow)]
pub struct DayView {
    pub day: i64,
    pub granted: i64,
    /// Without refunds.
    pub used: i64,
    /// Expired or reversed.
    pub expired: i64,
}

/// A purchase of credits, whatever its result.
#[derive(Clone, Debug, FromRow, ToRow)]
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
    /// The credits that it bought, once they are granted.
    pub grant_id: Option<GrantId>,
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
