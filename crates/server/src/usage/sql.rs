//! The statements on usage. The hot ones go by the customer's number, which its tenant resolved.

use crate::base::{Decimal, MetricId, SubscriptionId, Time};
use crate::db::{Columns, DbError, Sql, Tx, sql};
use crate::organizations::Tenant;
use crate::subscriptions::{Period, Subscription};

/// A millionth, in the trillionths of a [`Decimal`].
const MILLIONTH: i128 = Decimal::ONE / 1_000_000;

const UNITS: Sql = sql("SELECT whole, millionths FROM usage_periods \
     WHERE customer_no = $1 AND subscription_id = $2 AND metric_id = $3 AND period_start = $4");
const USED: Sql = sql("SELECT p.whole, p.millionths FROM billable_metrics m \
     JOIN subscriptions s ON s.tenant_no = m.tenant_no AND s.product_id = m.product_id \
     JOIN usage_periods p ON p.customer_no = s.customer_no AND p.subscription_id = s.id \
     AND p.metric_id = m.id \
     WHERE m.tenant_no = $1 AND m.id = $2 AND s.customer_no = $3 \
     AND s.status IN ('trialing', 'active', 'past_due') \
     AND p.period_start = CASE WHEN s.usage_period_end > $4 THEN s.usage_period_start \
     ELSE s.usage_period_end END");
const CLOSE: Sql = sql("DELETE FROM usage_periods \
     WHERE customer_no = $1 AND subscription_id = $2 AND period_start = $3");
const CLOSE_VALUES: Sql = sql("DELETE FROM usage_values \
     WHERE customer_no = $1 AND subscription_id = $2 AND period_start = $3");

/// What a metric measured in a usage period that is not rated yet. Whoever rates has the
/// subscription locked, as `track` does while it counts, and calls [`period_closed`] after.
pub async fn units(
    tx: &mut Tx<'_, '_>,
    customer_no: i64,
    subscription_id: SubscriptionId,
    metric_id: MetricId,
    period: Period,
) -> Result<Decimal, DbError> {
    let values =
        [customer_no.into(), subscription_id.into(), metric_id.into(), period.start.into()];
    Ok(tx.one(&UNITS, &values, read_units).await?.unwrap_or_default())
}

/// What a metric has measured of a customer so far in the current usage period.
pub async fn used(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    customer_no: i64,
    metric_id: MetricId,
    at: Time,
) -> Result<Decimal, DbError> {
    let values = [tenant.no.into(), metric_id.into(), customer_no.into(), at.into()];
    Ok(tx.one(&USED, &values, read_units).await?.unwrap_or_default())
}

/// Forgets what was measured in a period that is rated: nothing counts in it any more.
pub async fn period_closed(
    tx: &mut Tx<'_, '_>,
    subscription: &Subscription,
    period: Period,
) -> Result<(), DbError> {
    let values = [subscription.customer_no.into(), subscription.id.into(), period.start.into()];
    tx.execute(&CLOSE, &values).await?;
    tx.execute(&CLOSE_VALUES, &values).await.map(|_| ())
}

fn read_units(row: &mut Columns<'_>) -> Result<Decimal, DbError> {
    let (whole, millionths): (i64, i64) = (row.take()?, row.take()?);
    let units = i128::from(whole) * Decimal::ONE + i128::from(millionths) * MILLIONTH;
    Ok(Decimal::from_units(units))
}
