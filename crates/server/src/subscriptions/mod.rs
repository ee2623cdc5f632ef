//! Subscriptions: who pays for which plan, and what period it is in.
//!
//! The pure rules are `calendar`, `proration` and `rating`. `create`, `change` and `cancel` are what
//! callers ask for, `renewal` and `dunning` what time brings, `settled` what payments bring about,
//! `due` finds what is due and runs it. Every instant here is billing time (`test_clock::now`).

pub mod calendar;
mod cancel;
mod change;
mod create;
pub mod due;
mod dunning;
pub mod http;
mod lines;
mod preview;
pub mod proration;
pub mod rating;
mod renewal;
mod settled;
mod sql;

pub use cancel::{CancelMode, cancel, end_all_of_customer, uncancel};
pub use change::{ChangeRequest, PlanChange, change};
pub use create::{NewSubscription, create};
pub use preview::{Preview, Upcoming, preview, preview_change, upcoming};
pub use settled::{changed, expired, invoice_declined, invoice_paid, not_started, started};
pub use sql::{get, live_of_customer};

use crate::app::By;
use crate::audit::Action;
use crate::base::{Currency, CustomerId, Overflow, PlanId, ProductId, SubscriptionId, Time};
use crate::catalog::{self, Interval, Plan, Viewer};
use crate::customers;
use crate::db::{DbError, Tx};
use crate::idempotency::KeyReused;
use crate::invoices::{InvoiceError, Line, NewInvoice, Reason};
use crate::organizations::Tenant;
use crate::settlement::SettleError;
use crate::test_clock::Advancing;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// How long a form may wait for its customer.
const FORM_SECONDS: i64 = 23 * 3_600;

#[derive(Clone, Debug)]
pub struct Subscription {
    pub customer_no: i64,
    pub customer_id: CustomerId,
    pub id: SubscriptionId,
    pub product_id: ProductId,
    pub plan_id: PlanId,
    pub quantity: i64,
    pub status: Status,
    pub billing_interval: Interval,
    pub currency: Currency,
    pub collection_method: CollectionMethod,
    /// The start of the first period that is no trial; boundaries are counted from it.
    pub anchor: Option<Time>,
    pub current_period: Option<Period>,
    pub usage_period: Option<Period>,
    pub trial_end: Option<Time>,
    pub cancel_at_period_end: bool,
    pub cancel_reason: Option<String>,
    pub canceled_at: Option<Time>,
    /// What comes into force at the period's end.
    pub scheduled: Option<(PlanId, i64)>,
    /// How often the oldest unpaid invoice was tried by the clock, and failed.
    pub dunning_failures: i64,
    /// The first of these failures.
    pub dunning_since: Option<Time>,
    /// The next try; none while one is under way.
    pub dunning_next_at: Option<Time>,
    /// A JSON object of texts.
    pub metadata: String,
    pub created_at: Time,
    pub updated_at: Time,
}

/// `[start, end)`, whole seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Period {
    pub start: Time,
    pub end: Time,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Trialing,
    Active,
    PastDue,
    /// Waits for the customer's form; grants nothing.
    Pending,
    Canceled,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CollectionMethod {
    ChargeAutomatically,
    SendInvoice,
}

#[derive(Debug)]
pub enum SubscriptionError {
    Db(DbError),
    Invoice(InvoiceError),
    Settle(SettleError),
    KeyReused,
    Advancing,
    CustomerNotFound,
    CustomerArchived,
    /// There is no such subscription or plan, or not for this caller.
    NotFound,
    /// A draft or an archived plan.
    PlanNotAvailable,
    /// A plan of another product than the subscription's.
    OtherProduct,
    CurrencyMismatch,
    /// The customer has a live subscription of this product.
    Exists,
    /// It is canceled.
    NotActive,
    /// It is pending or past due.
    Unpaid,
    /// Older than ten minutes or than the last change, in the future, or of another period.
    ProrationDate,
    OutOfRange,
}

/// Records what was done to a subscription.
async fn note(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    subscription: &Subscription,
    action: Action,
    detail: Value,
    by: &By,
) -> Result<(), DbError> {
    by.note(tx, tenant, subscription.customer_id, action, subscription.id, detail).await
}

/// Reads a subscription for change, behind its customer: whoever else bills that customer waits.
pub async fn lock(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    id: SubscriptionId,
) -> Result<Option<Subscription>, DbError> {
    let Some(seen) = sql::get(tx, tenant, id).await? else { return Ok(None) };
    customers::lock_no(tx, tenant, seen.customer_no).await?;
    sql::get(tx, tenant, id).await
}

/// A subscription that this caller may reach: a customer its own alone.
pub async fn own(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    viewer: Viewer,
    id: SubscriptionId,
) -> Result<Subscription, SubscriptionError> {
    let reachable = |subscription: &Subscription| match viewer {
        Viewer::Backend => true,
        Viewer::Customer(no) => subscription.customer_no == no,
        Viewer::Public => false,
    };
    let found = sql::get(tx, tenant, id).await?.filter(reachable);
    found.ok_or(SubscriptionError::NotFound)
}

/// The same for change.
pub async fn lock_own(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    viewer: Viewer,
    id: SubscriptionId,
) -> Result<Subscription, SubscriptionError> {
    own(tx, tenant, viewer, id).await?;
    lock(tx, tenant, id).await?.ok_or(SubscriptionError::NotFound)
}

/// A plan that a subscription names, whatever its status by now.
async fn plan(tx: &mut Tx<'_, '_>, tenant: &Tenant, id: PlanId) -> Result<Plan, DbError> {
    let plan = catalog::plan(tx, tenant, id).await?;
    plan.ok_or(DbError::Broken("a subscription's plan is missing"))
}

impl Subscription {
    /// An invoice of this subscription. What time brings has a key of its own, so that there is
    /// never a second one of the same.
    fn invoice(&self, reason: Reason, lines: Vec<Line>, period: Option<Period>) -> NewInvoice {
        let key = |period: Period| format!("{} {} {}", self.id, period.start, reason.as_str());
        let due_key = match reason {
            Reason::Renewal | Reason::Usage => period.map(key),
            Reason::Create | Reason::Change | Reason::TopUp => None,
        };
        NewInvoice {
            subscription_id: Some(self.id),
            reason,
            currency: self.currency,
            lines,
            period,
            collection_method: self.collection_method,
            due_key,
        }
    }

    /// When time has something to do here: the earliest of all that may fall due.
    pub fn next_due_at(&self) -> Option<Time> {
        let periods = [self.current_period, self.usage_period].into_iter().flatten();
        match self.status {
            Status::Canceled => None,
            Status::Pending => Some(self.created_at.plus_seconds(FORM_SECONDS)),
            Status::Trialing | Status::Active | Status::PastDue => {
                periods.map(|period| period.end).chain(self.dunning_next_at).min()
            }
        }
    }
}

impl Status {
    pub const ALL: [Self; 5] =
        [Self::Trialing, Self::Active, Self::PastDue, Self::Pending, Self::Canceled];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Trialing => "trialing",
            Self::Active => "active",
            Self::PastDue => "past_due",
            Self::Pending => "pending",
            Self::Canceled => "canceled",
        }
    }

    /// Whether its entitlements and grants count.
    pub const fn gives_access(self) -> bool {
        matches!(self, Self::Trialing | Self::Active | Self::PastDue)
    }
}

impl CollectionMethod {
    pub const ALL: [Self; 2] = [Self::ChargeAutomatically, Self::SendInvoice];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ChargeAutomatically => "charge_automatically",
            Self::SendInvoice => "send_invoice",
        }
    }
}

impl From<DbError> for SubscriptionError {
    fn from(error: DbError) -> Self {
        Self::Db(error)
    }
}

impl From<InvoiceError> for SubscriptionError {
    fn from(error: InvoiceError) -> Self {
        Self::Invoice(error)
    }
}

impl From<SettleError> for SubscriptionError {
    fn from(error: SettleError) -> Self {
        Self::Settle(error)
    }
}

impl From<Overflow> for SubscriptionError {
    fn from(_: Overflow) -> Self {
        Self::OutOfRange
    }
}

impl From<KeyReused> for SubscriptionError {
    fn from(_: KeyReused) -> Self {
        Self::KeyReused
    }
}

impl From<Advancing> for SubscriptionError {
    fn from(_: Advancing) -> Self {
        Self::Advancing
    }
}
