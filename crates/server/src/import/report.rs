//! The report: one JSON object a line, and the totals of both sides.

use super::ImportError;
use super::code::Code;
use crate::base::words::words;
use crate::base::{Currency, CustomerId, PlanId, SubscriptionId, Time};
use serde::Serialize;
use std::collections::BTreeMap;

words! {
    Outcome {
        Imported = "imported",
        /// A customer here that had no Stripe customer yet.
        Linked = "linked",
        /// It was moved before.
        Known = "known",
        Refused = "refused",
    }
}

/// A line of the report.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Line {
    Customer(CustomerLine),
    Subscription(SubscriptionLine),
    /// The result of ending a subscription at Stripe with its period.
    Pause(PauseLine),
    Total(Total),
    /// The reason that the import stopped. The lines above it are done.
    Failure(Failure),
    Summary(Summary),
}

#[derive(Clone, Debug, Serialize)]
pub struct Failure {
    pub code: &'static str,
    pub message: String,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CustomerLine {
    pub stripe_customer: String,
    /// Absent in a dry run, unless it is here already.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub customer_id: Option<CustomerId>,
    pub result: Outcome,
    pub codes: Vec<Code>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SubscriptionLine {
    pub stripe_subscription: String,
    pub stripe_customer: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subscription_id: Option<SubscriptionId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan_id: Option<PlanId>,
    pub result: Outcome,
    pub codes: Vec<Code>,
    pub next_billing_at: Time,
    pub currency: Option<Currency>,
    /// The next invoice at Stripe, before discounts and tax.
    pub stripe_amount: Option<i64>,
    /// The next invoice here, tax included.
    pub amount: Option<i64>,
    /// Whether both sides charge it when this period ends.
    pub both_active: bool,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PauseLine {
    pub stripe_subscription: String,
    pub paused: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<Code>,
}

/// The next invoices in one currency.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Total {
    pub currency: String,
    /// Of the subscriptions that move or were moved.
    pub subscriptions: i64,
    pub stripe_amount: i64,
    pub amount: i64,
    pub difference: i64,
    /// Of the subscriptions that stay at Stripe.
    pub left_subscriptions: i64,
    pub left_amount: i64,
}

#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    pub dry_run: bool,
    /// The numbers of customers and subscriptions by result.
    pub customers: BTreeMap<&'static str, i64>,
    pub subscriptions: BTreeMap<&'static str, i64>,
    pub codes: BTreeMap<&'static str, i64>,
    pub both_active: i64,
}

/// A subscription that was moved and that Stripe still charges.
#[derive(Clone, Debug)]
pub struct StillActive {
    pub stripe_subscription: String,
    pub subscription_id: SubscriptionId,
    pub until: Time,
}

/// Writes the lines and counts them.
pub struct Report<'a> {
    emit: &'a mut dyn FnMut(&Line),
    totals: BTreeMap<String, Total>,
    pub summary: Summary,
    pub still_active: Vec<StillActive>,
}

impl<'a> Report<'a> {
    pub fn new(dry_run: bool, emit: &'a mut dyn FnMut(&Line)) -> Self {
        let summary = Summary { dry_run, ..Summary::default() };
        Self { emit, totals: BTreeMap::new(), summary, still_active: Vec::new() }
    }

    pub fn customer(&mut self, line: CustomerLine) {
        count(&mut self.summary.customers, line.result.as_str());
        self.count_codes(&line.codes);
        (self.emit)(&Line::Customer(line));
    }

    pub fn subscription(&mut self, line: SubscriptionLine) {
        count(&mut self.summary.subscriptions, line.result.as_str());
        self.count_codes(&line.codes);
        if let Some(currency) = line.currency {
            let code = currency.as_str().to_owned();
            let total = self.totals.entry(code.clone()).or_default();
            total.currency = code;
            let theirs = line.stripe_amount.unwrap_or_default();
            if line.result == Outcome::Refused {
                total.left_subscriptions += 1;
                total.left_amount = total.left_amount.saturating_add(theirs);
            } else {
                total.subscriptions += 1;
                total.stripe_amount = total.stripe_amount.saturating_add(theirs);
                total.amount = total.amount.saturating_add(line.amount.unwrap_or_default());
                total.difference = total.amount.saturating_sub(total.stripe_amount);
            }
        }
        if line.both_active {
            self.summary.both_active += 1;
        }
        (self.emit)(&Line::Subscription(line));
    }

    pub fn pause(&mut self, line: PauseLine) {
        if line.paused {
            self.summary.both_active -= 1;
        }
        self.count_codes(line.code.as_slice());
        (self.emit)(&Line::Pause(line));
    }

    /// Says why the import stopped.
    pub fn fail(&mut self, error: &ImportError) {
        let failure = Failure { code: error.code(), message: error.to_string() };
        (self.emit)(&Line::Failure(failure));
    }

    /// Writes the totals and the summary.
    pub fn close(self) -> Summary {
        for total in self.totals.into_values() {
            (self.emit)(&Line::Total(total));
        }
        (self.emit)(&Line::Summary(self.summary.clone()));
        self.summary
    }

    fn count_codes(&mut self, codes: &[Code]) {
        for code in codes {
            count(&mut self.summary.codes, code.as_str());
        }
    }
}

impl Summary {
    /// Whether everything moved or was moved before.
    pub fn is_whole(&self) -> bool {
        let refused = Outcome::Refused.as_str();
        !self.customers.contains_key(refused) && !self.subscriptions.contains_key(refused)
    }
}

fn count(numbers: &mut BTreeMap<&'static str, i64>, name: &'static str) {
    *numbers.entry(name).or_default() += 1;
}
