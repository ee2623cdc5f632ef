//! What an event counts for, if anything. Pure: it looks at what was read for the whole request.

use super::{NewEvent, Quantity, Reason};
use crate::base::money::divide_up;
use crate::base::{
    CreditCurrencyId, Decimal, FeatureId, MetricId, Period, PlanId, ProductId, SubscriptionId, Time,
};
use crate::catalog::Aggregation;
use crate::customers::CustomerRef;
use crate::db::FromRow;
use serde_json::Value;
use std::collections::{HashMap, HashSet};

const AHEAD_SECONDS: i64 = 5 * 60;
const LATE_DAYS: i64 = 7;
const MAX_VALUE_BYTES: usize = 200;

/// What the events of a request are measured by.
#[derive(Debug, Default)]
pub struct World {
    /// Numbers of customers that are not archived.
    pub customers: HashMap<CustomerRef, i64>,
    /// Subscriptions with access, by the customer's number.
    pub subscriptions: HashMap<i64, Vec<Subscribed>>,
    pub metrics: HashMap<String, Vec<Measure>>,
    /// Credit features, by metric.
    pub features: HashMap<MetricId, Vec<CreditFeature>>,
    /// Which credit features a plan gives.
    pub given: HashSet<(PlanId, FeatureId)>,
}

#[derive(Clone, Debug, FromRow)]
pub struct Subscribed {
    pub id: SubscriptionId,
    pub product_id: ProductId,
    pub plan_id: PlanId,
    #[record(prefix = "usage_period_")]
    pub usage_period: Option<Period>,
    /// Usage before this instant is never billed: it lies in a trial or before the start.
    #[record(computed)]
    pub billed_from: Option<Time>,
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

/// The instants that an event's timestamp is held against.
#[derive(Clone, Copy, Debug)]
pub struct Now {
    pub billing: Time,
    pub real: Time,
}

/// What an event counts for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counted {
    pub at: Time,
    pub parts: Vec<Part>,
    /// Credits to be debited, by currency.
    pub debits: Vec<(CreditCurrencyId, i64)>,
}

/// What an event adds to a metric in a usage period.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    pub subscription_id: SubscriptionId,
    pub metric_id: MetricId,
    pub period_start: Time,
    /// Never billed: credits paid for it, or it lies before `billed_from`.
    pub in_credits: bool,
    pub adds: Adds,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Adds {
    Sum(Quantity),
    Max(Quantity),
    /// One, where the value is new to the period.
    Value(String),
}

impl Now {
    /// When an event counts as having happened.
    fn instant(self, stamp: Option<Time>) -> Result<Time, Reason> {
        let stamp = stamp.unwrap_or(self.billing);
        let ahead = self.billing.seconds() != self.real.seconds();
        if ahead && (stamp.0 - self.real.0).abs() <= AHEAD_SECONDS * 1_000_000 {
            // Whoever sends events knows nothing of the test clock.
            return Ok(self.billing);
        }
        if stamp > self.billing.plus_seconds(AHEAD_SECONDS) {
            return Err(Reason::Invalid);
        }
        Ok(stamp)
    }
}

impl World {
    /// What an event of this customer counts for.
    pub fn judge(&self, customer_no: i64, event: &NewEvent, now: Now) -> Result<Counted, Reason> {
        let metrics = self.metrics.get(&event.name).ok_or(Reason::NoMetric)?;
        let at = now.instant(event.timestamp)?;
        let subscriptions = self.subscriptions.get(&customer_no).map_or(&[][..], Vec::as_slice);
        let mut counted = Counted { at, parts: Vec::new(), debits: Vec::new() };
        let mut why_not = Reason::NoSubscription;
        for metric in metrics {
            let Some(of) = subscriptions.iter().find(|s| s.product_id == metric.product_id) else {
                continue;
            };
            let Some(period_start) = period_start(of.usage_period, at) else {
                why_not = Reason::TooLate;
                continue;
            };
            let adds = metric.adds(event).ok_or(Reason::Invalid)?;
            let mut in_credits = of.billed_from.is_none_or(|from| at < from);
            for feature in self.features.get(&metric.metric_id).into_iter().flatten() {
                if self.given.contains(&(of.plan_id, feature.id)) {
                    let measured = match &adds {
                        Adds::Sum(quantity) if metric.aggregation == Aggregation::Sum => *quantity,
                        Adds::Sum(_) | Adds::Max(_) | Adds::Value(_) => event.quantity,
                    };
                    let amount = feature.debit(measured).ok_or(Reason::InsufficientCredits)?;
                    counted.debits.push((feature.currency_id, amount));
                    in_credits = true;
                }
            }
            let (subscription_id, metric_id) = (of.id, metric.metric_id);
            let part = Part { subscription_id, metric_id, period_start, in_credits, adds };
            counted.parts.push(part);
        }
        if counted.parts.is_empty() { Err(why_not) } else { Ok(counted) }
    }
}

/// The period that an event counts in: the open one, a little late too, or the one that follows
/// where the clock has passed the end and the renewal has yet to come.
fn period_start(open: Option<Period>, at: Time) -> Option<Time> {
    let Period { start, end } = open?;
    if at >= end {
        return Some(end);
    }
    (at >= start.plus_days(-LATE_DAYS)).then_some(start)
}

impl Measure {
    /// `None` where the event lacks what is measured.
    fn adds(&self, event: &NewEvent) -> Option<Adds> {
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
    /// The price of one event, rounded up; `None` beyond all credits.
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
