//! Judging events: whether and where an event counts. Pure, over data read for the whole request.

use super::sql::InPeriod;
use super::{NewUsageEvent, QUANTITY, Quantity, RejectionReason};
use crate::base::money::divide_up;
use crate::base::{
    CreditCurrencyId, Decimal, FeatureId, MetricId, Period, PlanId, ProductId, SubscriptionId, Time,
};
use crate::catalog::{Aggregation, EntitlementValue};
use crate::customers::CustomerRef;
use crate::db::FromRow;
use serde_json::Value;
use std::collections::HashMap;

const AHEAD_SECONDS: i64 = 5 * 60;
const LATE_DAYS: i64 = 7;
const MAX_VALUE_BYTES: usize = 200;

/// Data by which the events of a request are judged.
#[derive(Debug, Default)]
pub struct World {
    /// Numbers of the customers that are not archived.
    pub customers: HashMap<CustomerRef, i64>,
    /// Subscriptions with access or in their grace, the last started first, by the customer's
    /// number.
    pub subscriptions: HashMap<i64, Vec<Subscribed>>,
    pub metrics: HashMap<String, Vec<Measure>>,
    /// Credit features, by metric.
    pub features: HashMap<MetricId, Vec<CreditFeature>>,
    /// Metered features, by metric.
    pub metered: HashMap<MetricId, Vec<FeatureId>>,
    /// The entitlements of plans to these features.
    pub given: HashMap<(PlanId, FeatureId), EntitlementValue>,
}

#[derive(Clone, Debug, FromRow)]
pub struct Subscribed {
    pub id: SubscriptionId,
    pub product_id: ProductId,
    pub plan_id: PlanId,
    #[record(prefix = "usage_period_")]
    pub usage_period: Option<Period>,
    pub started_at: Option<Time>,
    pub trial_end: Option<Time>,
    pub canceled_at: Option<Time>,
    /// Set while the last usage window of a canceled subscription accepts late events.
    pub usage_grace_until: Option<Time>,
}

#[derive(Clone, Debug, FromRow)]
pub struct Measure {
    #[record(name = "id")]
    pub metric_id: MetricId,
    pub product_id: ProductId,
    pub aggregation: Aggregation,
    pub property: Option<String>,
}

#[derive(Clone, Debug, FromRow)]
pub struct CreditFeature {
    pub id: FeatureId,
    #[record(name = "credit_currency_id")]
    pub currency_id: CreditCurrencyId,
    #[record(name = "credit_cost")]
    pub cost: Decimal,
}

/// The instants with which an event's timestamp is compared.
#[derive(Clone, Copy, Debug)]
pub struct Now {
    pub billing: Time,
    pub real: Time,
}

/// The result of an event that counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counted {
    pub at: Time,
    pub parts: Vec<Part>,
    /// Credits to debit, per currency.
    pub debits: Vec<(CreditCurrencyId, i64)>,
}

/// An addition to a metric in a usage period.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    pub subscription_id: SubscriptionId,
    pub metric_id: MetricId,
    pub period_start: Time,
    /// Never billed: credits paid for it, or it lies in a trial or before the start.
    pub in_credits: bool,
    pub adds: Adds,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Adds {
    Sum(Quantity),
    Max(Quantity),
    /// One, if the value is new in the period.
    Value(String),
}

impl Part {
    /// Returns the place of the sum or maximum that it is added to.
    pub const fn place(&self, customer_no: i64) -> InPeriod {
        InPeriod {
            customer_no,
            subscription_id: self.subscription_id,
            metric_id: self.metric_id,
            period_start: self.period_start,
            in_credits: self.in_credits,
        }
    }
}

/// A reason why an event does not count, and which field is wrong, if one is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotCounted {
    pub reason: RejectionReason,
    pub detail: Option<String>,
}

impl NotCounted {
    fn invalid(detail: impl Into<String>) -> Self {
        Self { reason: RejectionReason::Invalid, detail: Some(detail.into()) }
    }
}

impl From<RejectionReason> for NotCounted {
    fn from(reason: RejectionReason) -> Self {
        Self { reason, detail: None }
    }
}

impl Now {
    /// Returns the instant at which an event counts.
    fn instant(self, stamp: Option<Time>) -> Result<Time, NotCounted> {
        let stamp = stamp.unwrap_or(self.billing);
        let ahead = self.billing.seconds() != self.real.seconds();
        if ahead && (stamp.0 - self.real.0).abs() <= AHEAD_SECONDS * 1_000_000 {
            // The sender of events knows nothing of the test clock.
            return Ok(self.billing);
        }
        if stamp > self.billing.plus_seconds(AHEAD_SECONDS) {
            return Err(NotCounted::invalid("timestamp must be at most 5 minutes ahead."));
        }
        Ok(stamp)
    }
}

impl World {
    /// Judges an event of this customer.
    pub fn judge(
        &self,
        customer_no: i64,
        event: &NewUsageEvent,
        now: Now,
    ) -> Result<Counted, NotCounted> {
        let metrics = self.metrics.get(&event.name).ok_or(RejectionReason::NoMetric)?;
        let at = now.instant(event.timestamp)?;
        let subscriptions = self.subscriptions.get(&customer_no).map_or(&[][..], Vec::as_slice);
        let mut counted = Counted { at, parts: Vec::new(), debits: Vec::new() };
        let mut why_not = RejectionReason::NoSubscription;
        for metric in metrics {
            let Some((subscription, billed)) = place(subscriptions, metric.product_id, at, now)
            else {
                continue;
            };
            let Some(period_start) = period_start(subscription.usage_period, at) else {
                why_not = RejectionReason::TooLate;
                continue;
            };
            let adds = metric.adds(event).ok_or_else(|| NotCounted::invalid(metric.wants()))?;
            let mut in_credits = !billed;
            for feature in self.features.get(&metric.metric_id).into_iter().flatten() {
                if self.given.contains_key(&(subscription.plan_id, feature.id)) {
                    let measured = match &adds {
                        Adds::Sum(quantity) if metric.aggregation == Aggregation::Sum => *quantity,
                        Adds::Sum(_) | Adds::Max(_) | Adds::Value(_) => event.quantity,
                    };
                    let amount =
                        feature.debit(measured).ok_or(RejectionReason::InsufficientCredits)?;
                    counted.debits.push((feature.currency_id, amount));
                    in_credits = true;
                }
            }
            let (subscription_id, metric_id) = (subscription.id, metric.metric_id);
            let part = Part { subscription_id, metric_id, period_start, in_credits, adds };
            counted.parts.push(part);
        }
        if counted.parts.is_empty() { Err(why_not.into()) } else { Ok(counted) }
    }
}

impl World {
    pub fn aggregation(&self, place: &InPeriod) -> Option<Aggregation> {
        let mut metrics = self.metrics.values().flatten();
        metrics.find(|one| one.metric_id == place.metric_id).map(|one| one.aggregation)
    }

    /// Returns the largest limit of a metric that the customer's plans give; `None` if one gives it
    /// without a limit, or if none gives it.
    pub fn limit(&self, customer_no: i64, metric_id: MetricId) -> Option<i64> {
        let features = self.metered.get(&metric_id)?;
        let live = self.subscriptions.get(&customer_no)?.iter();
        let plans = live.filter(|one| one.canceled_at.is_none()).map(|one| one.plan_id);
        let given = plans.flat_map(|plan| {
            features.iter().filter_map(move |feature| self.given.get(&(plan, *feature)))
        });
        let limits = given.filter_map(|value| match value {
            EntitlementValue::Metered { limit } => Some(*limit),
            EntitlementValue::Boolean
            | EntitlementValue::Credit
            | EntitlementValue::Config { .. }
            | EntitlementValue::Enum { .. } => None,
        });
        let limits: Vec<Option<i64>> = limits.collect();
        let unlimited = limits.contains(&None);
        limits.into_iter().flatten().max().filter(|_| !unlimited)
    }
}

/// Finds the subscription of a product that an event counts for, and whether it is billed.
///
/// An event of an ended subscription counts in its window until its grace is over. When the customer
/// came back within that window, the window moved on, and the event with it.
fn place(
    subscriptions: &[Subscribed],
    product: ProductId,
    at: Time,
    now: Now,
) -> Option<(&Subscribed, bool)> {
    let mut of_product = subscriptions.iter().filter(|one| one.product_id == product);
    let late = |one: &&Subscribed| {
        let end = one.canceled_at.zip(one.usage_grace_until);
        end.is_some_and(|(end, until)| at < end && now.billing < until) && one.bills(at)
    };
    if let Some(ended) = of_product.clone().find(late) {
        let follows = |one: &&Subscribed| {
            let window = ended.usage_period.zip(one.started_at);
            one.trial_end.is_none() && window.is_some_and(|(window, start)| start < window.end)
        };
        return Some((of_product.find(follows).unwrap_or(ended), true));
    }
    let live = of_product.find(|one| one.canceled_at.is_none())?;
    Some((live, live.bills(at)))
}

impl Subscribed {
    /// Whether usage of this instant is billed: after the start, and after the trial.
    fn bills(&self, at: Time) -> bool {
        self.trial_end.or(self.started_at).is_some_and(|from| from <= at)
    }
}

/// Returns the start of the period in which an event counts: the open period, also if the event is a
/// little late, or the next one if the event is past the end and the renewal has not run yet.
fn period_start(open: Option<Period>, at: Time) -> Option<Time> {
    let Period { start, end } = open?;
    if at >= end {
        return Some(end);
    }
    (at >= start.plus_days(-LATE_DAYS)).then_some(start)
}

impl Measure {
    /// Returns what an event must have, for one that lacks it.
    fn wants(&self) -> String {
        let field = match &self.property {
            Some(property) => format!("properties.{property}"),
            None => "quantity".to_owned(),
        };
        let what = match self.aggregation {
            Aggregation::Sum | Aggregation::Max | Aggregation::Count => QUANTITY.to_owned(),
            Aggregation::Unique => {
                format!("must be a number, a boolean, or a string of 1 to {MAX_VALUE_BYTES} bytes")
            }
        };
        format!("{field} {what}.")
    }

    /// Returns `None` if the event lacks the measured property.
    fn adds(&self, event: &NewUsageEvent) -> Option<Adds> {
        let properties = event.properties.as_ref();
        let value = self.property.as_ref().map(|name| properties?.get(name));
        let measured = || match value {
            None => Some(event.quantity),
            Some(value) => number(value?),
        };
        match self.aggregation {
            Aggregation::Sum => measured().map(Adds::Sum),
            Aggregation::Max => measured().map(Adds::Max),
            Aggregation::Count => Some(Adds::Sum(Quantity::ONE)),
            Aggregation::Unique => text(value??).map(Adds::Value),
        }
    }
}

impl CreditFeature {
    /// Returns the price of one event, rounded up; `None` if it is out of range.
    fn debit(&self, measured: Quantity) -> Option<i64> {
        let units = measured.to_decimal().units().checked_mul(self.cost.units())?;
        divide_up(units, Decimal::ONE * Decimal::ONE).ok()
    }
}

fn number(value: &Value) -> Option<Quantity> {
    match value {
        Value::Number(number) => Quantity::parse(&number.to_string()).ok(),
        Value::String(text) => Quantity::parse(text).ok(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

fn text(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(_) | Value::Bool(_) => value.to_string(),
        Value::Null | Value::Array(_) | Value::Object(_) => return None,
    };
    (1..=MAX_VALUE_BYTES).contains(&text.len()).then_some(text)
}
