//! The statements on subscriptions.

use super::{CollectionMethod, Period, Status, Subscription};
use crate::base::{PlanId, SubscriptionId, Time};
use crate::db::{Columns, DbError, Sql, Tx, sql, word_columns};
use crate::organizations::Tenant;

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT customer_no, id, product_id, plan_id, quantity, status, billing_interval, \
             currency, collection_method, anchor, current_period_start, current_period_end, \
             usage_period_start, usage_period_end, trial_end, cancel_at_period_end, \
             cancel_reason, canceled_at, scheduled_plan_id, scheduled_quantity, dunning_since, \
             dunning_failures, next_due_at, metadata, created_at, updated_at FROM subscriptions ",
            $rest
        )
    };
}

const GET: Sql = sql(select!("WHERE tenant_no = $1 AND id = $2"));
const LIVE: Sql = sql(select!(
    "WHERE tenant_no = $1 AND customer_no = $2 \
     AND status IN ('trialing', 'active', 'past_due', 'pending') ORDER BY id"
));

pub async fn get(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    id: SubscriptionId,
) -> Result<Option<Subscription>, DbError> {
    tx.one(&GET, &[tenant.no.into(), id.into()], read).await
}

/// Those that are trialing, active, past due or pending: at most one for each product.
pub async fn live_of_customer(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    customer_no: i64,
) -> Result<Vec<Subscription>, DbError> {
    tx.all(&LIVE, &[tenant.no.into(), customer_no.into()], read).await
}

fn read(row: &mut Columns<'_>) -> Result<Subscription, DbError> {
    Ok(Subscription {
        customer_no: row.take()?,
        id: row.take()?,
        product_id: row.take()?,
        plan_id: row.take()?,
        quantity: row.take()?,
        status: row.take()?,
        billing_interval: row.take()?,
        currency: row.take()?,
        collection_method: row.take()?,
        anchor: row.take()?,
        current_period: period(row)?,
        usage_period: period(row)?,
        trial_end: row.take()?,
        cancel_at_period_end: row.take()?,
        cancel_reason: row.take()?,
        canceled_at: row.take()?,
        scheduled: row.take::<Option<PlanId>>()?.zip(row.take::<Option<i64>>()?),
        dunning_since: row.take()?,
        dunning_failures: row.take()?,
        next_due_at: row.take()?,
        metadata: row.take()?,
        created_at: row.take()?,
        updated_at: row.take()?,
    })
}

fn period(row: &mut Columns<'_>) -> Result<Option<Period>, DbError> {
    let (start, end) = (row.take::<Option<Time>>()?, row.take::<Option<Time>>()?);
    Ok(start.zip(end).map(|(start, end)| Period { start, end }))
}

word_columns!(CollectionMethod, Status);
