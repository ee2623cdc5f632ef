//! Credits: one wallet per customer and credit currency, made of grants, with a ledger.
//!
//! The ledger is append-only. The balance is the sum of the remaining grants and equals the balance
//! of the last entry. Expiry and daily grants happen at known instants. Their entries carry these
//! instants whenever they are written, so no result depends on when a job runs. `usage` decides the
//! cost of usage in credits, `invoices` the price of a top-up.

mod announce;
pub mod http;
mod manage;
mod purchase;
mod sql;
mod subscription;
mod view;
mod wallet;

pub use announce::{Alert, save};
pub use manage::{grant_by_hand, set_frozen, undo};
pub use purchase::{bought, take_back, top_up_failed, topped_up};
pub use sql::{
    add_top_up, balances, freeze_all, ledger, lock_all as lock, make, page, view, with_auto_top_up,
};
pub use subscription::{
    Switched, open_windows, plan_changed, subscription_ended, subscription_started,
};
pub use view::{AccountView, DayView, TopUp, TopUpStatus};
pub use wallet::{LedgerEntry, Wallet};

use crate::base::{
    CreditAccountId, CreditCurrencyId, GrantId, LedgerEntryId, PaymentMethodId, SubscriptionId,
    Time,
};
use crate::catalog::Cadence;
use crate::db::{DbError, FromRow, ToRow, Tx};
use crate::organizations::Tenant;
use crate::work::Work;
use serde::{Deserialize, Serialize};

/// The row of a wallet.
#[derive(Clone, Debug, FromRow)]
pub struct Account {
    pub no: i64,
    pub customer_no: i64,
    pub id: CreditAccountId,
    #[record(name = "credit_currency_id")]
    pub currency_id: CreditCurrencyId,
    pub balance: i64,
    pub frozen: bool,
    pub last_entry_id: Option<LedgerEntryId>,
    /// The instant of the next due entry. Due entries are written before anything else happens.
    pub next_due_at: Option<Time>,
    pub auto_top_up: Option<AutoTopUp>,
    /// The level of the balance that was announced last.
    pub alerted: Alert,
    /// Credits of paid windows that were used before their time and are still to be deducted.
    pub used_early: i64,
    pub created_at: Time,
    pub updated_at: Time,
}

/// Credits that were granted together and expire together.
#[derive(Clone, Debug, PartialEq, Eq, FromRow, ToRow)]
pub struct Grant {
    #[record(insert_only)]
    pub id: GrantId,
    #[record(insert_only)]
    pub subscription_id: Option<SubscriptionId>,
    #[record(insert_only)]
    pub source: GrantSource,
    /// The window that a plan granted it for.
    #[record(insert_only)]
    pub cadence: Option<Cadence>,
    #[record(insert_only)]
    pub amount: i64,
    pub remaining: i64,
    /// The rest at its expiry, until its rollover is decided.
    pub lapsed: i64,
    /// The start of its window, or of the part of it that it was granted for.
    #[record(insert_only)]
    pub starts_at: Time,
    pub expires_at: Option<Time>,
    #[record(insert_only)]
    pub created_at: Time,
}

/// The source of credits, which decides the order of use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GrantSource {
    Plan,
    Daily,
    Rollover,
    Promotional,
    Package,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    Grant,
    Deduction,
    Expiry,
    /// A refunded deduction.
    Refund,
    /// The reversed rest of a grant.
    Reversal,
}

#[derive(Clone, Debug)]
pub struct NewGrant {
    pub source: GrantSource,
    pub amount: i64,
    /// Other than now: the start of the window.
    pub starts_at: Option<Time>,
    pub expires_at: Option<Time>,
    pub subscription_id: Option<SubscriptionId>,
    pub cadence: Option<Cadence>,
    pub description: Option<String>,
}

/// The automatic top-up rule and its state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AutoTopUp {
    pub enabled: bool,
    pub threshold: i64,
    #[serde(flatten)]
    pub purchase: Purchase,
    pub max_per_month: i64,
    /// The month of `count`, counted from year 0.
    pub month: i64,
    pub count: i64,
    pub pending: bool,
    /// Paused after a decline or a form with this default card, until the rule is saved again or
    /// another card becomes the default.
    pub paused: bool,
    pub paused_card: Option<PaymentMethodId>,
}

/// The purchase of a top-up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "mode", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum Purchase {
    /// An amount of money, in minor units.
    Amount {
        amount: i64,
    },
    Package {
        package_id: crate::base::CreditPackageId,
        quantity: i64,
    },
}

impl AutoTopUp {
    pub fn is_paused(&self, default_card: Option<PaymentMethodId>) -> bool {
        self.paused && self.paused_card == default_card
    }

    pub const fn pause(&mut self, card: Option<PaymentMethodId>) {
        (self.paused, self.paused_card) = (true, card);
    }
}

impl GrantSource {
    pub const ALL: [Self; 5] =
        [Self::Plan, Self::Daily, Self::Rollover, Self::Promotional, Self::Package];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Plan => "plan",
            Self::Daily => "daily",
            Self::Rollover => "rollover",
            Self::Promotional => "promotional",
            Self::Package => "package",
        }
    }

    /// Lower values are used first.
    pub const fn priority(self) -> i64 {
        match self {
            Self::Daily => 0,
            Self::Rollover => 5,
            Self::Plan => 10,
            Self::Promotional => 30,
            Self::Package => 50,
        }
    }
}

impl EntryKind {
    pub const ALL: [Self; 5] =
        [Self::Grant, Self::Deduction, Self::Expiry, Self::Refund, Self::Reversal];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Grant => "grant",
            Self::Deduction => "deduction",
            Self::Expiry => "expiry",
            Self::Refund => "refund",
            Self::Reversal => "reversal",
        }
    }
}

/// Writes the due entries of a customer's wallets: expiries and daily grants.
pub async fn write_due(work: &mut Work<'_, '_, '_>, customer_no: i64) -> Result<(), DbError> {
    let due = sql::due_of_customer(work.tx, work.tenant, customer_no, work.at).await?;
    let wallets = lock(work, &due).await?;
    save(work, &wallets).await
}

/// Whether a customer's wallets have due entries. Readers write these first.
pub async fn is_due(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    customer_no: i64,
    at: Time,
) -> Result<bool, DbError> {
    Ok(!sql::due_of_customer(tx, tenant, customer_no, at).await?.is_empty())
}

/// Writes the due entries of up to this many wallets of a tenant, and returns their number.
pub async fn write_all_due(work: &mut Work<'_, '_, '_>, limit: i64) -> Result<usize, DbError> {
    let due = sql::due_of_tenant(work.tx, work.tenant, work.at, limit).await?;
    let wallets = lock(work, &due).await?;
    save(work, &wallets).await?;
    Ok(due.len())
}

/// Returns the UTC day of an instant, counted from 1970.
pub(crate) const fn day(at: Time) -> i64 {
    at.seconds().div_euclid(86_400)
}
