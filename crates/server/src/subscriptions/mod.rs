//! Subscriptions: a customer's plan, and the period that it is in.
//!
//! The record, its statements and the pure rules: `calendar`, `proration` and `rating`. What changes
//! a subscription together with money, usage or credits is in `flows`. Every instant here is billing
//! time (`test_clock::now`).

pub mod calendar;
pub mod http;
mod notices;
pub mod proration;
pub mod rating;
mod sql;

pub use notices::{NOTICES, Notice};
pub use sql::{
    all_of_customer, delete_pending, due as all_due, ended_in_window, erase, first_due, get,
    had_one_off, had_trial, insert, is_noticed, live_of_customer, note_one_off, note_trial,
    postpone, retry_now, set_collection_method, update,
};

use crate::audit::Action;
use crate::base::words::words;
use crate::base::{
    CollectionMethod, Currency, CustomerId, InvoiceId, LineDiscount, Overflow, Owned, Period,
    PlanId, ProductId, SubscriptionId, Time, Viewer,
};
use crate::catalog::{self, Interval, Plan};
use crate::coupons::Discount;
use crate::customers;
use crate::db::{DbError, FromRow, ToRow, Tx};
use crate::invoices::{InvoiceReason, Line, NewInvoice};
use crate::organizations::Tenant;
use crate::work::{BillingError, Work};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A form waits this long for its customer.
const FORM_SECONDS: i64 = 23 * 3_600;

#[derive(Clone, Debug, FromRow, ToRow)]
pub struct Subscription {
    #[record(insert_only)]
    pub customer_no: i64,
    #[record(computed)]
    pub customer_id: CustomerId,
    #[record(insert_only)]
    pub id: SubscriptionId,
    #[record(insert_only)]
    pub product_id: ProductId,
    pub plan_id: PlanId,
    pub quantity: i64,
    pub status: SubscriptionStatus,
    pub billing_interval: Interval,
    #[record(insert_only)]
    pub currency: Currency,
    #[record(insert_only)]
    pub collection_method: CollectionMethod,
    /// The start of the first period after the trial; boundaries are counted from it.
    pub anchor: Option<Time>,
    #[record(prefix = "current_period_")]
    pub current_period: Option<Period>,
    #[record(prefix = "usage_period_")]
    pub usage_period: Option<Period>,
    pub trial_end: Option<Time>,
    /// The instant at which it began, with its trial if it has one; `None` while it is pending.
    pub started_at: Option<Time>,
    /// Set after the end: until then late events count, and the last usage is not billed yet.
    pub usage_grace_until: Option<Time>,
    pub cancel_at_period_end: bool,
    /// Why billing of it has stopped.
    pub attention: Option<Attention>,
    pub cancel_reason: Option<String>,
    pub canceled_at: Option<Time>,
    /// The change that takes effect at the end of the period.
    #[record(prefix = "scheduled_")]
    pub scheduled: Option<Scheduled>,
    /// The coupon that lowers the price of its periods.
    #[record(json)]
    pub discount: Option<Discount>,
    /// The part of the whole current period's price that a coupon took off: only the rest was charged.
    #[record(json)]
    pub period_discount: Option<LineDiscount>,
    /// The number of failed automatic charges of the oldest unpaid invoice.
    pub dunning_failures: i64,
    /// The first of these failures.
    pub dunning_since: Option<Time>,
    /// The next retry; `None` while one is in progress.
    pub dunning_next_at: Option<Time>,
    /// A JSON object of strings.
    #[record(insert_only)]
    pub metadata: String,
    #[record(insert_only)]
    pub created_at: Time,
    pub updated_at: Time,
}

/// A plan and a quantity that take effect later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromRow, ToRow)]
pub struct Scheduled {
    pub plan_id: PlanId,
    pub quantity: i64,
}

words! {
    SubscriptionStatus {
        Trialing = "trialing",
        Active = "active",
        PastDue = "past_due",
        /// Waits for the customer's form. Grants nothing.
        Pending = "pending",
        Canceled = "canceled",
    }
}

words! {
    /// Why billing of a subscription has stopped until somebody looks at it.
    Attention as SubscriptionAttention {
        /// An invoice would come to more than an amount may be.
        AmountOutOfRange = "amount_out_of_range",
    }
}

/// Audits a write on a subscription.
pub async fn note(
    work: &mut Work<'_, '_, '_>,
    subscription: &Subscription,
    action: Action,
    detail: Value,
) -> Result<(), DbError> {
    work.note(subscription.customer_id, action, subscription.id, detail).await
}

/// Marks a subscription whose billing has stopped; audited once.
pub async fn needs_attention(
    work: &mut Work<'_, '_, '_>,
    subscription: &mut Subscription,
    why: Attention,
) -> Result<(), DbError> {
    if subscription.attention.replace(why) == Some(why) {
        return Ok(());
    }
    let detail = serde_json::json!({ "attention": why.as_str() });
    note(work, subscription, Action::SubscriptionNeedsAttention, detail).await
}

/// Locks the customer and reads a subscription: other writers on the customer's billing wait.
pub async fn lock(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    id: SubscriptionId,
) -> Result<Option<Subscription>, DbError> {
    let Some(subscription) = sql::get(tx, tenant, id).await? else { return Ok(None) };
    customers::lock_no(tx, tenant, subscription.customer_no).await?;
    sql::get(tx, tenant, id).await
}

/// Reads a subscription that this viewer may reach.
pub async fn get_reachable(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    viewer: Viewer,
    id: SubscriptionId,
) -> Result<Subscription, BillingError> {
    viewer.reach(sql::get(tx, tenant, id).await?).ok_or(BillingError::NotFound)
}

/// Reads it with the customer locked.
pub async fn lock_reachable(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    viewer: Viewer,
    id: SubscriptionId,
) -> Result<Subscription, BillingError> {
    get_reachable(tx, tenant, viewer, id).await?;
    lock(tx, tenant, id).await?.ok_or(BillingError::NotFound)
}

impl Owned for Subscription {
    fn owner(&self) -> i64 {
        self.customer_no
    }
}

/// Reads the plan of a subscription, whatever its status by now.
pub async fn plan(tx: &mut Tx<'_, '_>, tenant: &Tenant, id: PlanId) -> Result<Plan, DbError> {
    let plan = catalog::plan(tx, tenant, id).await?;
    plan.ok_or(DbError::Broken("a subscription's plan is missing"))
}

/// A quoted change; stored with its payment attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanSwitch {
    pub subscription_id: SubscriptionId,
    pub old_plan_id: PlanId,
    pub old_quantity: i64,
    pub plan_id: PlanId,
    pub quantity: i64,
    /// The instant of proration.
    pub at: Time,
    /// Whether a new period starts with it.
    pub restarts: bool,
    /// The discount after the change.
    #[serde(default)]
    pub discount: Option<Discount>,
    #[serde(default)]
    pub period_discount: Option<LineDiscount>,
}

/// An item that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    pub tenant: Tenant,
    pub what: What,
    pub at: Time,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// A period's end, a retry, or an expired form.
    Subscription(SubscriptionId),
    /// A sent invoice that was not paid in time.
    Invoice(InvoiceId),
}

impl Subscription {
    /// Makes it pending until the customer has a payment method.
    pub const fn wait_for_payment_method(&mut self) {
        self.status = SubscriptionStatus::Pending;
        (self.anchor, self.trial_end, self.started_at) = (None, None, None);
        (self.current_period, self.usage_period) = (None, None);
    }

    /// Begins a period on its plan, which its discount lowers if it has periods left. A discount that
    /// has none is removed.
    pub fn begin_priced(&mut self, plan: &Plan) -> Result<(), Overflow> {
        let price = rating::recurring_total(plan, self.quantity)?;
        (self.discount, self.period_discount) = begun(self.discount.take(), plan, price)?;
        Ok(())
    }

    /// Returns an invoice of this subscription. An invoice that falls due has a key of its own, so that
    /// there is never a second one.
    pub fn invoice(
        &self,
        reason: InvoiceReason,
        lines: Vec<Line>,
        period: Option<Period>,
    ) -> NewInvoice {
        let key = |period: Period| format!("{} {} {}", self.id, period.start, reason.as_str());
        let due_key = match reason {
            InvoiceReason::Renewal | InvoiceReason::Usage => period.map(key),
            InvoiceReason::Create
            | InvoiceReason::Change
            | InvoiceReason::TopUp
            | InvoiceReason::Manual => None,
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

    /// Returns the earliest instant at which something falls due.
    pub fn next_due_at(&self) -> Option<Time> {
        let periods = [self.current_period, self.usage_period].into_iter().flatten();
        match self.status {
            SubscriptionStatus::Canceled => {
                self.usage_grace_until.into_iter().chain(self.dunning_next_at).min()
            }
            SubscriptionStatus::Pending => Some(self.created_at.plus_seconds(FORM_SECONDS)),
            SubscriptionStatus::Trialing
            | SubscriptionStatus::Active
            | SubscriptionStatus::PastDue => {
                periods.map(|period| period.end).chain(self.dunning_next_at).min()
            }
        }
    }
}

/// Begins a period with a discount: returns the discount from then on, and what it takes off.
pub fn begun(
    discount: Option<Discount>,
    plan: &Plan,
    price: i64,
) -> Result<(Option<Discount>, Option<LineDiscount>), Overflow> {
    let Some(mut discount) = discount.filter(Discount::has_periods_left) else {
        return Ok((None, None));
    };
    let lowered = discount.begin(plan, price)?;
    Ok((Some(discount), lowered))
}

impl PlanSwitch {
    /// Whether the subscription still matches the quoted change.
    pub fn fits(&self, subscription: &Subscription) -> bool {
        let within = |period: Period| period.start <= self.at && self.at < period.end;
        matches!(subscription.status, SubscriptionStatus::Trialing | SubscriptionStatus::Active)
            && (subscription.plan_id, subscription.quantity)
                == (self.old_plan_id, self.old_quantity)
            && subscription.current_period.is_some_and(within)
    }
}

impl SubscriptionStatus {
    /// Whether its entitlements and grants count.
    pub const fn gives_access(self) -> bool {
        matches!(self, Self::Trialing | Self::Active | Self::PastDue)
    }
}
