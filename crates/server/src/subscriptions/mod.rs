//! Subscriptions: who pays for which plan, and what period it is in.
//!
//! The pure rules are `calendar`, `proration` and `rating`. `create`, `change` and `cancel` are what
//! callers ask for, `renewal` and `dunning` what time brings, `settled` what payments bring about,
//! `due` finds what is due and runs it. Every instant here is billing time (`test_clock::now`).

pub mod calendar;
pub mod http;
pub mod proration;
pub mod rating;
mod sql;

pub use sql::{get, live_of_customer, lock};

use crate::base::{Currency, CustomerId, PlanId, ProductId, SubscriptionId, Time};
use crate::catalog::Interval;
use serde::{Deserialize, Serialize};

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

impl Subscription {
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
