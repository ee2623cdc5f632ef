//! The statements on usage. The hot ones go by the customer's number, which its tenant resolved.

use super::judge::{CreditFeature, Measure, Subscribed, World};
use super::{MILLIONTH, NewEvent, Segment};
use crate::base::{Decimal, EventId, FeatureId, MetricId, Period, PlanId, SubscriptionId, Time};
use crate::catalog::{Aggregation, Entitlement};
use crate::customers::CustomerRef;
use crate::db::{Columns, DbError, JsonText, Sql, Tx, Value, sql, sql_of_each};
use crate::organizations::Tenant;
use crate::subscriptions::Subscription;
use std::collections::{HashMap, HashSet};

/// Locked, as by every write on a customer's billing: what is counted in a usage period is there
/// when the period is rated.
const BY_ID: Sql = sql_of_each(
    "SELECT no, id FROM customers WHERE tenant_no = $1 AND id = $2 AND archived_at IS NULL",
    "SELECT c.no, c.id FROM unnest($1::BIGINT[], $2::TEXT[]) AS w(tenant_no, id) \
     JOIN customers c ON c.tenant_no = w.tenant_no AND c.id = w.id WHERE c.archived_at IS NULL \
     ORDER BY c.no FOR NO KEY UPDATE OF c",
);
const BY_EXTERNAL_ID: Sql = sql_of_each(
    "SELECT no, external_id FROM customers \
     WHERE tenant_no = $1 AND external_id = $2 AND archived_at IS NULL",
    "SELECT c.no, c.external_id FROM unnest($1::BIGINT[], $2::TEXT[]) AS w(tenant_no, id) \
     JOIN customers c ON c.tenant_no = w.tenant_no AND c.external_id = w.id \
     WHERE c.archived_at IS NULL ORDER BY c.no FOR NO KEY UPDATE OF c",
);
const SUBSCRIPTIONS: Sql = sql_of_each(
    "SELECT customer_no, id, product_id, plan_id, usage_period_start, usage_period_end, \
     COALESCE(trial_end, started_at) FROM subscriptions WHERE tenant_no = $1 AND customer_no = $2 \
     AND status IN ('trialing', 'active', 'past_due')",
    "SELECT s.customer_no, s.id, s.product_id, s.plan_id, s.usage_period_start, \
     s.usage_period_end, COALESCE(s.trial_end, s.started_at) FROM unnest($1::BIGINT[], $2::BIGINT[]) AS w(tenant_no, customer_no) \
     JOIN subscriptions s ON s.tenant_no = w.tenant_no AND s.customer_no = w.customer_no \
     WHERE s.status IN ('trialing', 'active', 'past_due')",
);
const METRICS: Sql = sql_of_each(
    "SELECT event_name, id, product_id, aggregation, property FROM billable_metrics \
     WHERE tenant_no = $1 AND event_name = $2",
    "SELECT m.event_name, m.id, m.product_id, m.aggregation, m.property \
     FROM unnest($1::BIGINT[], $2::TEXT[]) AS w(tenant_no, name) \
     JOIN billable_metrics m ON m.tenant_no = w.tenant_no AND m.event_name = w.name",
);
const FEATURES: Sql = sql_of_each(
    "SELECT metric_id, id, credit_currency_id, credit_cost FROM features \
     WHERE tenant_no = $1 AND metric_id = $2 AND type = 'credit'",
    "SELECT f.metric_id, f.id, f.credit_currency_id, f.credit_cost \
     FROM unnest($1::BIGINT[], $2::TEXT[]) AS w(tenant_no, metric_id) \
     JOIN features f ON f.tenant_no = w.tenant_no AND f.metric_id = w.metric_id \
     WHERE f.type = 'credit'",
);
const ENTITLEMENTS: Sql = sql_of_each(
    "SELECT id, entitlements FROM plans WHERE tenant_no = $1 AND id = $2",
    "SELECT p.id, p.entitlements FROM unnest($1::BIGINT[], $2::TEXT[]) AS w(tenant_no, id) \
     JOIN plans p ON p.tenant_no = w.tenant_no AND p.id = w.id",
);
const ADD_EVENT: Sql = sql_of_each(
    "INSERT INTO usage_events (customer_no, key, id, content, event_name, quantity, properties, \
     at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING",
    "INSERT INTO usage_events (customer_no, key, id, content, event_name, quantity, properties, \
     at) SELECT * FROM unnest($1::BIGINT[], $2::TEXT[], $3::TEXT[], $4::BYTEA[], $5::TEXT[], \
     $6::TEXT[], $7::TEXT[], $8::BIGINT[]) ON CONFLICT DO NOTHING",
);
const FIND_EVENT: Sql = sql_of_each(
    "SELECT customer_no, key, id, content FROM usage_events WHERE customer_no = $1 AND key = $2",
    "SELECT e.customer_no, e.key, e.id, e.content \
     FROM unnest($1::BIGINT[], $2::TEXT[]) AS w(customer_no, key) \
     JOIN usage_events e ON e.customer_no = w.customer_no AND e.key = w.key",
);
const DELETE_EVENT: Sql = sql_of_each(
    "DELETE FROM usage_events WHERE customer_no = $1 AND key = $2",
    "DELETE FROM usage_events e USING unnest($1::BIGINT[], $2::TEXT[]) AS w(customer_no, key) \
     WHERE e.customer_no = w.customer_no AND e.key = w.key",
);
const ADD_VALUE: Sql = sql_of_each(
    "INSERT INTO usage_values \
     (customer_no, subscription_id, metric_id, period_start, in_credits, value) \
     VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING \
     RETURNING customer_no, subscription_id, metric_id, period_start, in_credits",
    "INSERT INTO usage_values \
     (customer_no, subscription_id, metric_id, period_start, in_credits, value) \
     SELECT * FROM unnest($1::BIGINT[], $2::TEXT[], $3::TEXT[], $4::BIGINT[], $5::BOOLEAN[], \
     $6::TEXT[]) \
     ON CONFLICT DO NOTHING RETURNING customer_no, subscription_id, metric_id, period_start, in_credits",
);
macro_rules! count_in_period {
    ($values:literal, $set:literal) => {
        concat!(
            "INSERT INTO usage_periods \
             (customer_no, subscription_id, metric_id, period_start, in_credits, whole, \
             millionths) ",
            $values,
            " ON CONFLICT (customer_no, subscription_id, metric_id, period_start, in_credits) \
             DO UPDATE SET ",
            $set
        )
    };
}
macro_rules! count {
    ($set:literal) => {
        sql_of_each(
            count_in_period!("VALUES ($1, $2, $3, $4, $5, $6, $7)", $set),
            count_in_period!(
                "SELECT * FROM unnest($1::BIGINT[], $2::TEXT[], $3::TEXT[], $4::BIGINT[], \
                 $5::BOOLEAN[], $6::BIGINT[], $7::BIGINT[])",
                $set
            ),
        )
    };
}
const ADD: Sql = count!(
    "whole = usage_periods.whole + excluded.whole, \
     millionths = usage_periods.millionths + excluded.millionths"
);
const RAISE: Sql = count!(
    "whole = excluded.whole, millionths = excluded.millionths \
     WHERE (usage_periods.whole, usage_periods.millionths) \
     < (excluded.whole, excluded.millionths)"
);
const ADD_DAY: Sql = sql_of_each(
    "INSERT INTO usage_days (customer_no, day, event_name, whole, millionths) \
     VALUES ($1, $2, $3, $4, $5) ON CONFLICT (customer_no, day, event_name) DO UPDATE SET \
     whole = usage_days.whole + excluded.whole, \
     millionths = usage_days.millionths + excluded.millionths",
    "INSERT INTO usage_days (customer_no, day, event_name, whole, millionths) \
     SELECT * FROM unnest($1::BIGINT[], $2::BIGINT[], $3::TEXT[], $4::BIGINT[], $5::BIGINT[]) \
     ON CONFLICT (customer_no, day, event_name) DO UPDATE SET \
     whole = usage_days.whole + excluded.whole, \
     millionths = usage_days.millionths + excluded.millionths",
);

const SEGMENT: Sql = sql("SELECT rated_until, rated_whole, rated_millionths, whole, millionths \
     FROM usage_periods WHERE customer_no = $1 AND subscription_id = $2 AND metric_id = $3 \
     AND period_start = $4 AND NOT in_credits");
const USED: Sql = sql("SELECT m.aggregation, p.subscription_id, p.period_start, p.whole, \
     p.millionths FROM billable_metrics m \
     JOIN subscriptions s ON s.tenant_no = m.tenant_no AND s.product_id = m.product_id \
     JOIN usage_periods p ON p.customer_no = s.customer_no AND p.subscription_id = s.id \
     AND p.metric_id = m.id \
     WHERE m.tenant_no = $1 AND m.id = $2 AND s.customer_no = $3 \
     AND s.status IN ('trialing', 'active', 'past_due') \
     AND p.period_start = CASE WHEN s.usage_period_end > $4 THEN s.usage_period_start \
     ELSE s.usage_period_end END");
const VALUES: Sql = sql("SELECT COUNT(DISTINCT value) FROM usage_values \
     WHERE customer_no = $1 AND subscription_id = $2 AND metric_id = $3 AND period_start = $4");
const DAYS: Sql = sql("SELECT day, event_name, whole, millionths FROM usage_days \
     WHERE customer_no = $1 AND day >= $2 AND day <= $3");
const CLOSE_SEGMENT: Sql = sql("UPDATE usage_periods SET rated_whole = whole, \
     rated_millionths = millionths, rated_until = $1 WHERE customer_no = $2 \
     AND subscription_id = $3 AND period_start = $4 AND NOT in_credits");
const CLOSE: Sql = sql("DELETE FROM usage_periods \
     WHERE customer_no = $1 AND subscription_id = $2 AND period_start = $3");
const CLOSE_VALUES: Sql = sql("DELETE FROM usage_values \
     WHERE customer_no = $1 AND subscription_id = $2 AND period_start = $3");
const CARRY: Sql = sql("UPDATE usage_periods SET subscription_id = $1, period_start = $2 \
     WHERE customer_no = $3 AND subscription_id = $4 AND period_start = $5");
const CARRY_VALUES: Sql = sql("UPDATE usage_values SET subscription_id = $1, period_start = $2 \
     WHERE customer_no = $3 AND subscription_id = $4 AND period_start = $5");

/// Returns the open segment of a metric in a usage window. The caller has the customer locked, as
/// `track` has while it counts, and calls [`segment_closed`] or [`period_closed`] once it is billed.
pub async fn segment(
    tx: &mut Tx<'_, '_>,
    subscription: &Subscription,
    metric_id: MetricId,
    window: Period,
) -> Result<Segment, DbError> {
    let values = [
        subscription.customer_no.into(),
        subscription.id.into(),
        metric_id.into(),
        window.start.into(),
    ];
    let segment = tx.one(&SEGMENT, &values, |row| {
        let since = row.take::<Option<Time>>()?.unwrap_or(window.start);
        Ok(Segment { since, from: read_units(row)?, to: read_units(row)? })
    });
    let none = Segment { since: window.start, from: Decimal::ZERO, to: Decimal::ZERO };
    Ok(segment.await?.unwrap_or(none))
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
    let parts = tx.all(&USED, &values, |row| {
        let place: (Aggregation, SubscriptionId, Time) = (row.take()?, row.take()?, row.take()?);
        Ok((place, read_units(row)?))
    });
    let mut parts = parts.await?.into_iter();
    let Some((place, one)) = parts.next() else { return Ok(Decimal::ZERO) };
    let Some((_, other)) = parts.next() else { return Ok(one) };
    // One part was paid in credits, the other was not: the customer's plan changed in between.
    match place {
        (Aggregation::Sum | Aggregation::Count, ..) => {
            Ok(Decimal::from_units(one.units() + other.units()))
        }
        (Aggregation::Max, ..) => Ok(one.max(other)),
        (Aggregation::Unique, subscription, start) => {
            let values = [customer_no.into(), subscription.into(), metric_id.into(), start.into()];
            let values = tx.one(&VALUES, &values, |row| row.take::<i64>()).await?;
            Ok(Decimal::from_integer(values.unwrap_or_default()))
        }
    }
}

/// The days of a range that have quantities, by event name.
pub async fn days(
    tx: &mut Tx<'_, '_>,
    customer_no: i64,
    from: i64,
    to: i64,
) -> Result<Vec<((i64, String), Decimal)>, DbError> {
    let values = [customer_no.into(), from.into(), to.into()];
    tx.all(&DAYS, &values, |row| Ok(((row.take()?, row.take()?), read_units(row)?))).await
}

/// Ends the open segments of a usage window; the next ones begin at the quantities reached so far.
pub async fn segment_closed(
    tx: &mut Tx<'_, '_>,
    subscription: &Subscription,
    window: Period,
    at: Time,
) -> Result<(), DbError> {
    let Subscription { customer_no, id, .. } = subscription;
    let values = [at.into(), (*customer_no).into(), (*id).into(), window.start.into()];
    tx.execute(&CLOSE_SEGMENT, &values).await.map(|_| ())
}

/// Moves an ended subscription's usage window to the subscription that follows it, which goes on
/// counting from the quantities reached so far.
pub async fn window_continued(
    tx: &mut Tx<'_, '_>,
    ended: (SubscriptionId, Period),
    next: &Subscription,
    window: Period,
) -> Result<(), DbError> {
    let values = [
        next.id.into(),
        window.start.into(),
        next.customer_no.into(),
        ended.0.into(),
        ended.1.start.into(),
    ];
    tx.execute(&CARRY, &values).await?;
    tx.execute(&CARRY_VALUES, &values).await.map(|_| ())
}

/// Deletes the counts of a usage window that is rated: nothing counts in it any more.
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

/// An event that is stored under its customer's number and key.
#[derive(Clone, Debug)]
pub struct Stored {
    pub id: EventId,
    pub content: [u8; 16],
}

/// An event to be stored.
#[derive(Clone, Copy, Debug)]
pub struct ToStore<'a> {
    pub customer_no: i64,
    pub id: EventId,
    pub event: &'a NewEvent,
    pub at: Time,
}

/// Where a metric's sum or maximum is kept: for a usage period, what was paid in credits apart.
pub type InPeriod = (i64, SubscriptionId, MetricId, Time, bool);

/// Reads what these events are measured by, in a statement for each kind of thing.
pub async fn world(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    events: &[NewEvent],
) -> Result<World, DbError> {
    let mut world = World { customers: customers(tx, tenant, events).await?, ..World::default() };
    let numbers: HashSet<i64> = world.customers.values().copied().collect();
    let rows: Vec<_> = numbers.into_iter().map(|no| [tenant.no.into(), no.into()]).collect();
    for (customer_no, of) in tx.each(&SUBSCRIPTIONS, &rows, read_subscribed).await? {
        world.subscriptions.entry(customer_no).or_default().push(of);
    }
    let names: HashSet<&str> = events.iter().map(|event| event.name.as_str()).collect();
    let rows: Vec<_> = names.into_iter().map(|name| [tenant.no.into(), name.into()]).collect();
    let metrics = tx.each(&METRICS, &rows, read_measure).await?;
    let rows: Vec<_> =
        metrics.iter().map(|(_, metric)| [tenant.no.into(), metric.metric_id.into()]).collect();
    for (metric_id, feature) in tx.each(&FEATURES, &rows, read_feature).await? {
        world.features.entry(metric_id).or_default().push(feature);
    }
    for (name, metric) in metrics {
        world.metrics.entry(name).or_default().push(metric);
    }
    if !world.features.is_empty() {
        world.given = given(tx, tenant, &world).await?;
    }
    Ok(world)
}

async fn customers(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    events: &[NewEvent],
) -> Result<HashMap<CustomerRef, i64>, DbError> {
    let (mut ours, mut theirs) = (HashSet::new(), HashSet::new());
    for event in events {
        match &event.customer {
            CustomerRef::Id(id) => ours.insert(*id),
            CustomerRef::External(id) => theirs.insert(id),
        };
    }
    let ours: Vec<_> = ours.into_iter().map(|id| [tenant.no.into(), id.into()]).collect();
    let theirs: Vec<_> = theirs.into_iter().map(|id| [tenant.no.into(), id.into()]).collect();
    let mut found =
        tx.each(&BY_ID, &ours, |row| Ok((row.take()?, row.take().map(CustomerRef::Id)?))).await?;
    let external =
        |row: &mut Columns<'_>| Ok((row.take()?, row.take().map(CustomerRef::External)?));
    found.extend(tx.each(&BY_EXTERNAL_ID, &theirs, external).await?);
    Ok(found.into_iter().map(|(no, reference)| (reference, no)).collect())
}

/// Which of the credit features the plans give.
async fn given(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    world: &World,
) -> Result<HashSet<(PlanId, FeatureId)>, DbError> {
    let plans: HashSet<PlanId> =
        world.subscriptions.values().flatten().map(|of| of.plan_id).collect();
    let rows: Vec<_> = plans.into_iter().map(|id| [tenant.no.into(), id.into()]).collect();
    let plans = tx.each(&ENTITLEMENTS, &rows, |row| {
        Ok((row.take::<PlanId>()?, row.take::<JsonText<Vec<Entitlement>>>()?.0))
    });
    let all = plans.await?.into_iter();
    Ok(all.flat_map(|(id, list)| list.into_iter().map(move |e| (id, e.feature_id))).collect())
}

/// Stores events of keys that are free, and tells how many those were.
pub async fn store(tx: &mut Tx<'_, '_>, events: &[ToStore<'_>]) -> Result<u64, DbError> {
    let rows: Vec<_> = events
        .iter()
        .map(|ToStore { customer_no, id, event, at }| {
            [
                (*customer_no).into(),
                (&event.key).into(),
                (*id).into(),
                (&event.content).into(),
                (&event.name).into(),
                event.quantity.to_string().into(),
                event.properties.as_ref().map(super::json).into(),
                (*at).into(),
            ]
        })
        .collect();
    tx.execute_each(&ADD_EVENT, &rows).await
}

/// What is stored under these keys.
pub async fn find<'a>(
    tx: &mut Tx<'_, '_>,
    keys: impl Iterator<Item = (i64, &'a str)>,
) -> Result<HashMap<(i64, String), Stored>, DbError> {
    let rows: Vec<_> = keys.map(|(no, key)| [no.into(), key.into()]).collect();
    let found = tx.each(&FIND_EVENT, &rows, |row| {
        let key = (row.take()?, row.take()?);
        Ok((key, Stored { id: row.take()?, content: row.take()? }))
    });
    Ok(found.await?.into_iter().collect())
}

pub async fn delete(tx: &mut Tx<'_, '_>, events: &[ToStore<'_>]) -> Result<(), DbError> {
    let rows: Vec<_> = events
        .iter()
        .map(|stored| [stored.customer_no.into(), (&stored.event.key).into()])
        .collect();
    tx.execute_each(&DELETE_EVENT, &rows).await.map(|_| ())
}

/// Stores values and returns where each new one counts.
pub async fn add_values(
    tx: &mut Tx<'_, '_>,
    values: &[(InPeriod, &str)],
) -> Result<Vec<InPeriod>, DbError> {
    let rows: Vec<_> = values
        .iter()
        .map(|((customer_no, subscription, metric, start, in_credits), value)| {
            [
                (*customer_no).into(),
                (*subscription).into(),
                (*metric).into(),
                (*start).into(),
                (*in_credits).into(),
                (*value).into(),
            ]
        })
        .collect();
    let read = |row: &mut Columns<'_>| {
        Ok((row.take()?, row.take()?, row.take()?, row.take()?, row.take()?))
    };
    tx.each(&ADD_VALUE, &rows, read).await
}

/// Adds to what metrics have measured in usage periods.
pub async fn add(
    tx: &mut Tx<'_, '_>,
    sums: impl Iterator<Item = (InPeriod, [i64; 2])>,
) -> Result<(), DbError> {
    tx.execute_each(&ADD, &period_rows(sums)).await.map(|_| ())
}

/// Raises the maxima that metrics have measured in usage periods.
pub async fn raise(
    tx: &mut Tx<'_, '_>,
    maxima: impl Iterator<Item = (InPeriod, [i64; 2])>,
) -> Result<(), DbError> {
    tx.execute_each(&RAISE, &period_rows(maxima)).await.map(|_| ())
}

fn period_rows(counted: impl Iterator<Item = (InPeriod, [i64; 2])>) -> Vec<[Value<'static>; 7]> {
    counted
        .map(|((customer_no, subscription, metric, start, in_credits), [whole, millionths])| {
            [
                customer_no.into(),
                subscription.into(),
                metric.into(),
                start.into(),
                in_credits.into(),
                whole.into(),
                millionths.into(),
            ]
        })
        .collect()
}

/// Adds to the days of event names.
pub async fn add_days<'a>(
    tx: &mut Tx<'_, '_>,
    days: impl Iterator<Item = ((i64, i64, &'a str), [i64; 2])>,
) -> Result<(), DbError> {
    let rows: Vec<_> = days
        .map(|((customer_no, day, name), [whole, millionths])| {
            [customer_no.into(), day.into(), name.into(), whole.into(), millionths.into()]
        })
        .collect();
    tx.execute_each(&ADD_DAY, &rows).await.map(|_| ())
}

fn read_subscribed(row: &mut Columns<'_>) -> Result<(i64, Subscribed), DbError> {
    let customer_no = row.take()?;
    let (id, product_id, plan_id) = (row.take()?, row.take()?, row.take()?);
    let (start, end) = (row.take::<Option<Time>>()?, row.take::<Option<Time>>()?);
    let usage_period = start.zip(end).map(|(start, end)| Period { start, end });
    let billed_from = row.take()?;
    Ok((customer_no, Subscribed { id, product_id, plan_id, usage_period, billed_from }))
}

fn read_measure(row: &mut Columns<'_>) -> Result<(String, Measure), DbError> {
    let name = row.take()?;
    let measure = Measure {
        metric_id: row.take()?,
        product_id: row.take()?,
        aggregation: row.take()?,
        property: row.take()?,
    };
    Ok((name, measure))
}

fn read_feature(row: &mut Columns<'_>) -> Result<(MetricId, CreditFeature), DbError> {
    let metric_id = row.take()?;
    let feature = CreditFeature { id: row.take()?, currency_id: row.take()?, cost: row.take()? };
    Ok((metric_id, feature))
}
