//! Reads usage: a metric against its limit, and quantities per day.

use super::sql;
use crate::base::{Decimal, Time};
use crate::catalog::{self, EntitlementValue, FeatureType, Metric};
use crate::db::{DbError, Tx};
use crate::organizations::Tenant;
use crate::subscriptions;
use std::collections::{BTreeMap, BTreeSet};

/// The maximum number of days in a chart.
pub const MAX_DAYS: i64 = 92;

/// The usage of a metric in the usage period, and its limit.
#[derive(Clone, Debug)]
pub struct Meter {
    pub metric: Metric,
    pub usage: Decimal,
    /// `None` is unlimited.
    pub limit: Option<i64>,
}

impl Meter {
    /// The percentage of the limit, rounded down, so that 100 means reached.
    pub fn percentage(&self) -> Option<i64> {
        let limit = i128::from(self.limit?);
        let used = self.usage.units().saturating_mul(100) / Decimal::ONE;
        let percentage = if limit == 0 { 100 } else { used / limit };
        Some(i64::try_from(percentage).unwrap_or(i64::MAX))
    }
}

pub async fn read(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    customer_no: i64,
    metric: Metric,
    at: Time,
) -> Result<Meter, DbError> {
    let usage = sql::used(tx, tenant, customer_no, metric.id, at).await?;
    let limit = limit(tx, tenant, customer_no, &metric).await?;
    Ok(Meter { metric, usage, limit })
}

/// Returns the largest limit of the metered features in the customer's plans, 0 without any;
/// unlimited if one is, or if the metric is only priced.
async fn limit(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    customer_no: i64,
    metric: &Metric,
) -> Result<Option<i64>, DbError> {
    let features = catalog::features_of_metric(tx, tenant, metric.id).await?;
    let metered = features.iter().any(|feature| feature.kind.r#type() == FeatureType::Metered);
    let mut limits = vec![Some(0)];
    for subscription in subscriptions::live_of_customer(tx, tenant, customer_no).await? {
        if !subscription.status.gives_access() {
            continue;
        }
        if !metered && subscription.product_id == metric.product_id {
            limits.push(None);
        }
        let Some(plan) = catalog::plan(tx, tenant, subscription.plan_id).await? else { continue };
        for entitlement in plan.entitlements {
            let measured = features.iter().any(|feature| feature.id == entitlement.feature_id);
            if let EntitlementValue::Metered { limit } = entitlement.value
                && measured
            {
                limits.push(limit);
            }
        }
    }
    let unlimited = limits.contains(&None);
    Ok(limits.into_iter().flatten().max().filter(|_| !unlimited))
}

/// Returns each day of the range, in order, for each event name that occurred.
pub async fn history(
    tx: &mut Tx<'_, '_>,
    customer_no: i64,
    from: i64,
    to: i64,
) -> Result<Vec<(i64, String, Decimal)>, DbError> {
    let totals: BTreeMap<(i64, String), Decimal> =
        sql::days(tx, customer_no, from, to).await?.into_iter().collect();
    let names: BTreeSet<&String> = totals.keys().map(|(_, name)| name).collect();
    let all = names.into_iter().flat_map(|name| (from..=to).map(move |day| (day, name.clone())));
    Ok(all
        .map(|key| {
            let total = totals.get(&key).copied().unwrap_or_default();
            (key.0, key.1, total)
        })
        .collect())
}

/// Formats a day, counted from 1970, as `2030-01-31`.
pub fn date(day: i64) -> String {
    let mut text = Time::from_seconds(day * 86_400).to_string();
    text.truncate(10);
    text
}
