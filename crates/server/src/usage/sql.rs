//! SQL statements for usage. Hot statements use the customer number, which was resolved within its
//! tenant.

use super::judge::{CreditFeature, Measure, Subscribed, World};
use super::{MILLIONTH, NewUsageEvent, Quantity, Segment, UsageEvent};
use crate::base::{
    CreditCurrencyId, CustomerId, Decimal, EventId, FeatureId, MetricId, Period, PlanId,
    SubscriptionId, Time,
};
use crate::catalog::{Aggregation, Entitlement, EntitlementValue};
use crate::customers::CustomerRef;
use crate::db::{
    Command, DbError, FromRow, Query, Scalar, Sql, ToColumn, ToRow, Tx, Value, command, query,
    scalar, sql, sql_of_each,
};
use crate::organizations::Tenant;
use crate::subscriptions::Subscription;
use std::collections::{HashMap, HashSet};

/// Locks the customers, as every write on a customer's billing does: what is counted in a usage
/// period is there when the period is rated.
const BY_ID: Query<ById> = query!(
    ById,
    sqlite = "SELECT {} FROM customers \
         WHERE tenant_no = $1 AND id = $2 AND archived_at IS NULL",
    postgres = "SELECT {c} FROM unnest($1::BIGINT[], $2::TEXT[]) AS w(tenant_no, id) \
         JOIN customers c ON c.tenant_no = w.tenant_no AND c.id = w.id \
         WHERE c.archived_at IS NULL ORDER BY c.no FOR NO KEY UPDATE OF c",
);
const BY_EXTERNAL_ID: Query<ByExternalId> = query!(
    ByExternalId,
    sqlite = "SELECT {} FROM customers \
         WHERE tenant_no = $1 AND external_id = $2 AND archived_at IS NULL",
    postgres = "SELECT {c} FROM unnest($1::BIGINT[], $2::TEXT[]) AS w(tenant_no, id) \
         JOIN customers c ON c.tenant_no = w.tenant_no AND c.external_id = w.id \
         WHERE c.archived_at IS NULL ORDER BY c.no FOR NO KEY UPDATE OF c",
);
const SUBSCRIPTIONS: Query<SubscribedOf> = query!(
    SubscribedOf,
    sqlite = "SELECT {s} FROM subscriptions s WHERE s.tenant_no = $1 AND s.customer_no = $2 \
         AND (s.status IN ('trialing', 'active', 'past_due') OR s.usage_grace_until IS NOT NULL) \
         ORDER BY s.started_at DESC, s.id DESC",
    postgres = "SELECT {s} FROM unnest($1::BIGINT[], $2::BIGINT[]) AS w(tenant_no, customer_no) \
         JOIN subscriptions s ON s.tenant_no = w.tenant_no AND s.customer_no = w.customer_no \
         WHERE s.status IN ('trialing', 'active', 'past_due') OR s.usage_grace_until IS NOT NULL \
         ORDER BY s.started_at DESC, s.id DESC",
);
const METRICS: Query<MeasureOf> = query!(
    MeasureOf,
    sqlite = "SELECT {} FROM billable_metrics WHERE tenant_no = $1 AND event_name = $2",
    postgres = "SELECT {m} FROM unnest($1::BIGINT[], $2::TEXT[]) AS w(tenant_no, name) \
         JOIN billable_metrics m ON m.tenant_no = w.tenant_no AND m.event_name = w.name",
);
const FEATURES: Query<FeatureOf> = query!(
    FeatureOf,
    sqlite = "SELECT {} FROM features \
         WHERE tenant_no = $1 AND metric_id = $2 AND type IN ('credit', 'metered')",
    postgres = "SELECT {f} FROM unnest($1::BIGINT[], $2::TEXT[]) AS w(tenant_no, metric_id) \
         JOIN features f ON f.tenant_no = w.tenant_no AND f.metric_id = w.metric_id \
         WHERE f.type IN ('credit', 'metered')",
);
const ENTITLEMENTS: Query<PlanRow> = query!(
    PlanRow,
    sqlite = "SELECT {} FROM plans WHERE tenant_no = $1 AND id = $2",
    postgres = "SELECT {p} FROM unnest($1::BIGINT[], $2::TEXT[]) AS w(tenant_no, id) \
         JOIN plans p ON p.tenant_no = w.tenant_no AND p.id = w.id",
);
const ADD_EVENT: Command<ToStore<'_>> = command!(
    ToStore<'static>,
    "INSERT INTO usage_events ({columns}) {rows} ON CONFLICT DO NOTHING"
);
const FIND_EVENT: Query<Found> = query!(
    Found,
    sqlite = "SELECT {} FROM usage_events WHERE customer_no = $1 AND key = $2",
    postgres = "SELECT {e} FROM unnest($1::BIGINT[], $2::TEXT[]) AS w(customer_no, key) \
         JOIN usage_events e ON e.customer_no = w.customer_no AND e.key = w.key",
);
const EVENTS: Query<UsageEvent> = query!(
    UsageEvent,
    "SELECT {} FROM usage_events WHERE customer_no = $1 AND key > $2 ORDER BY key LIMIT $3"
);
const DELETE_EVENT: Sql = sql_of_each(
    "DELETE FROM usage_events WHERE customer_no = $1 AND key = $2",
    "DELETE FROM usage_events e USING unnest($1::BIGINT[], $2::TEXT[]) AS w(customer_no, key) \
     WHERE e.customer_no = w.customer_no AND e.key = w.key",
);
const ADD_VALUE: Query<InPeriod> = query!(
    InPeriod,
    sqlite = "INSERT INTO usage_values \
         (customer_no, subscription_id, metric_id, period_start, in_credits, value) \
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING RETURNING {}",
    postgres = "INSERT INTO usage_values \
         (customer_no, subscription_id, metric_id, period_start, in_credits, value) \
         SELECT * FROM unnest($1::BIGINT[], $2::TEXT[], $3::TEXT[], $4::BIGINT[], $5::BOOLEAN[], \
         $6::TEXT[]) ON CONFLICT DO NOTHING RETURNING {}",
);
const ADD: Command<PeriodRow> = command!(
    PeriodRow,
    "INSERT INTO usage_periods ({columns}) {rows} \
     ON CONFLICT (customer_no, subscription_id, metric_id, period_start, in_credits) \
     DO UPDATE SET whole = usage_periods.whole + excluded.whole, \
     millionths = usage_periods.millionths + excluded.millionths"
);
const RAISE: Command<PeriodRow> = command!(
    PeriodRow,
    "INSERT INTO usage_periods ({columns}) {rows} \
     ON CONFLICT (customer_no, subscription_id, metric_id, period_start, in_credits) \
     DO UPDATE SET whole = excluded.whole, millionths = excluded.millionths \
     WHERE (usage_periods.whole, usage_periods.millionths) \
     < (excluded.whole, excluded.millionths)"
);
const ADD_DAY: Command<DayRow<'_>> = command!(
    DayRow<'static>,
    "INSERT INTO usage_days ({columns}) {rows} \
     ON CONFLICT (customer_no, day, event_name) DO UPDATE SET \
     whole = usage_days.whole + excluded.whole, \
     millionths = usage_days.millionths + excluded.millionths"
);

const REACHED: Query<Reached> = query!(
    Reached,
    sqlite = "SELECT {} FROM usage_periods WHERE customer_no = $1 AND subscription_id = $2 \
         AND metric_id = $3 AND period_start = $4",
    postgres = "SELECT {p} FROM unnest($1::BIGINT[], $2::TEXT[], $3::TEXT[], $4::BIGINT[]) \
         AS w(customer_no, subscription_id, metric_id, period_start) \
         JOIN usage_periods p ON p.customer_no = w.customer_no \
         AND p.subscription_id = w.subscription_id AND p.metric_id = w.metric_id \
         AND p.period_start = w.period_start",
);
const SET_REACHED: Sql = sql("UPDATE usage_periods SET reached_limit = $1 \
     WHERE customer_no = $2 AND subscription_id = $3 AND metric_id = $4 AND period_start = $5");
const SEGMENT: Query<SegmentRow> = query!(
    SegmentRow,
    "SELECT {} FROM usage_periods WHERE customer_no = $1 AND subscription_id = $2 \
     AND metric_id = $3 AND period_start = $4 AND NOT in_credits"
);
const USED: Query<Used> = query!(
    Used,
    "SELECT {p} FROM billable_metrics m \
     JOIN subscriptions s ON s.tenant_no = m.tenant_no AND s.product_id = m.product_id \
     JOIN usage_periods p ON p.customer_no = s.customer_no AND p.subscription_id = s.id \
     AND p.metric_id = m.id \
     WHERE m.tenant_no = $1 AND m.id = $2 AND s.customer_no = $3 \
     AND s.status IN ('trialing', 'active', 'past_due') \
     AND p.period_start = CASE WHEN s.usage_period_end > $4 THEN s.usage_period_start \
     ELSE s.usage_period_end END",
    aggregation = "m.aggregation",
);
const VALUES: Scalar<i64> = scalar(
    "SELECT COUNT(DISTINCT value) FROM usage_values \
     WHERE customer_no = $1 AND subscription_id = $2 AND metric_id = $3 AND period_start = $4",
);
const DAYS: Query<Day> =
    query!(Day, "SELECT {} FROM usage_days WHERE customer_no = $1 AND day >= $2 AND day <= $3");
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
const ERASE_PROPERTIES: Sql =
    sql("UPDATE usage_events SET properties = NULL WHERE customer_no = $1");
const ERASE_VALUES: Sql = sql("DELETE FROM usage_values WHERE customer_no = $1");

#[derive(FromRow)]
struct ById {
    no: i64,
    id: CustomerId,
}

#[derive(FromRow)]
struct ByExternalId {
    no: i64,
    external_id: String,
}

#[derive(FromRow)]
struct SubscribedOf {
    customer_no: i64,
    #[record(prefix = "")]
    subscribed: Subscribed,
}

#[derive(FromRow)]
struct MeasureOf {
    event_name: String,
    #[record(prefix = "")]
    measure: Measure,
}

#[derive(FromRow)]
struct FeatureOf {
    metric_id: MetricId,
    id: FeatureId,
    /// Set for credit features.
    credit_currency_id: Option<CreditCurrencyId>,
    credit_cost: Option<Decimal>,
}

#[derive(FromRow)]
struct PlanRow {
    id: PlanId,
    entitlements: Vec<Entitlement>,
}

#[derive(FromRow)]
struct Found {
    customer_no: i64,
    key: String,
    #[record(prefix = "")]
    stored: Stored,
}

/// A quantity as it is stored.
#[derive(Clone, Copy, FromRow, ToRow)]
struct Units {
    whole: i64,
    millionths: i64,
}

#[derive(FromRow)]
struct SegmentRow {
    rated_until: Option<Time>,
    #[record(prefix = "rated_")]
    from: Units,
    #[record(prefix = "")]
    to: Units,
}

#[derive(FromRow)]
struct Used {
    #[record(computed)]
    aggregation: Aggregation,
    subscription_id: SubscriptionId,
    period_start: Time,
    #[record(prefix = "")]
    units: Units,
}

/// A sum or maximum, and the limit that it was announced to have reached.
#[derive(FromRow)]
pub struct Reached {
    #[record(prefix = "")]
    pub place: InPeriod,
    #[record(prefix = "")]
    units: Units,
    pub reached_limit: Option<i64>,
}

#[derive(FromRow)]
struct Day {
    day: i64,
    event_name: String,
    #[record(prefix = "")]
    units: Units,
}

#[derive(ToRow)]
struct PeriodRow {
    #[record(prefix = "")]
    place: InPeriod,
    #[record(prefix = "")]
    units: Units,
}

#[derive(ToRow)]
struct DayRow<'a> {
    customer_no: i64,
    day: i64,
    event_name: &'a str,
    #[record(prefix = "")]
    units: Units,
}

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
    let segment = tx.fetch_one(&SEGMENT, &values).await?.map(|row| Segment {
        since: row.rated_until.unwrap_or(window.start),
        from: row.from.to_decimal(),
        to: row.to.to_decimal(),
    });
    let none = Segment { since: window.start, from: Decimal::ZERO, to: Decimal::ZERO };
    Ok(segment.unwrap_or(none))
}

/// Returns a customer's quantity of a metric in the current usage period so far.
pub async fn used(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    customer_no: i64,
    metric_id: MetricId,
    at: Time,
) -> Result<Decimal, DbError> {
    let values = [tenant.no.into(), metric_id.into(), customer_no.into(), at.into()];
    let mut parts = tx.fetch(&USED, &values).await?.into_iter();
    let Some(part) = parts.next() else { return Ok(Decimal::ZERO) };
    let one = part.units.to_decimal();
    let Some(other) = parts.next() else { return Ok(one) };
    let other = other.units.to_decimal();
    // Part of it was paid in credits and the rest was not, because the customer's plan changed in
    // between.
    match part.aggregation {
        Aggregation::Sum | Aggregation::Count => {
            Ok(Decimal::from_units(one.units() + other.units()))
        }
        Aggregation::Max => Ok(one.max(other)),
        Aggregation::Unique => {
            let place = InPeriod {
                customer_no,
                subscription_id: part.subscription_id,
                metric_id,
                period_start: part.period_start,
                in_credits: false,
            };
            distinct_values(tx, &place).await
        }
    }
}

/// Returns the number of different values in a usage period, whether or not in credits.
pub async fn distinct_values(tx: &mut Tx<'_, '_>, place: &InPeriod) -> Result<Decimal, DbError> {
    let values = [
        place.customer_no.into(),
        place.subscription_id.into(),
        place.metric_id.into(),
        place.period_start.into(),
    ];
    let values = tx.scalar(&VALUES, &values).await?;
    Ok(Decimal::from_integer(values.unwrap_or_default()))
}

/// Returns the days of a range that have quantities, by event name.
pub async fn days(
    tx: &mut Tx<'_, '_>,
    customer_no: i64,
    from: i64,
    to: i64,
) -> Result<Vec<((i64, String), Decimal)>, DbError> {
    let values = [customer_no.into(), from.into(), to.into()];
    let days = tx.fetch(&DAYS, &values).await?.into_iter();
    Ok(days.map(|day| ((day.day, day.event_name), day.units.to_decimal())).collect())
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
    ended: &Subscription,
    next: &Subscription,
    window: Period,
) -> Result<(), DbError> {
    let Some(open) = ended.usage_period else { return Ok(()) };
    let values = [
        next.id.into(),
        window.start.into(),
        next.customer_no.into(),
        ended.id.into(),
        open.start.into(),
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

impl Units {
    fn to_decimal(self) -> Decimal {
        let units = i128::from(self.whole) * Decimal::ONE + i128::from(self.millionths) * MILLIONTH;
        Decimal::from_units(units)
    }
}

impl Reached {
    pub fn quantity(&self) -> Decimal {
        self.units.to_decimal()
    }
}

/// An event that is stored under its customer and key.
#[derive(Clone, Debug, FromRow)]
pub struct Stored {
    pub id: EventId,
    pub content: [u8; 16],
}

/// An event to store.
#[derive(Clone, Copy, Debug, ToRow)]
pub struct ToStore<'a> {
    pub customer_no: i64,
    pub id: EventId,
    #[record(prefix = "")]
    pub event: &'a NewUsageEvent,
    pub at: Time,
}

/// The key of a metric's sum or maximum: a usage period, separately for usage paid in credits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, FromRow, ToRow)]
pub struct InPeriod {
    pub customer_no: i64,
    pub subscription_id: SubscriptionId,
    pub metric_id: MetricId,
    pub period_start: Time,
    pub in_credits: bool,
}

impl InPeriod {
    /// The same period, whether or not in credits.
    pub const fn any_payment(self) -> Self {
        Self { in_credits: false, ..self }
    }
}

/// Reads the data by which these events are judged, in one statement for each kind of record.
pub async fn world(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    events: &[NewUsageEvent],
) -> Result<World, DbError> {
    let mut world = World { customers: customers(tx, tenant, events).await?, ..World::default() };
    let numbers: HashSet<i64> = world.customers.values().copied().collect();
    let rows: Vec<_> = numbers.into_iter().map(|no| [tenant.no.into(), no.into()]).collect();
    for row in tx.fetch_each(&SUBSCRIPTIONS, &rows).await? {
        world.subscriptions.entry(row.customer_no).or_default().push(row.subscribed);
    }
    let names: HashSet<&str> = events.iter().map(|event| event.name.as_str()).collect();
    let rows: Vec<_> = names.into_iter().map(|name| [tenant.no.into(), name.into()]).collect();
    let metrics = tx.fetch_each(&METRICS, &rows).await?;
    let rows: Vec<_> =
        metrics.iter().map(|row| [tenant.no.into(), row.measure.metric_id.into()]).collect();
    for row in tx.fetch_each(&FEATURES, &rows).await? {
        let id = row.id;
        match row.credit_currency_id.zip(row.credit_cost) {
            Some((currency_id, cost)) => {
                let feature = CreditFeature { id, currency_id, cost };
                world.features.entry(row.metric_id).or_default().push(feature);
            }
            None => world.metered.entry(row.metric_id).or_default().push(id),
        }
    }
    for row in metrics {
        world.metrics.entry(row.event_name).or_default().push(row.measure);
    }
    if !world.features.is_empty() || !world.metered.is_empty() {
        world.given = given(tx, tenant, &world).await?;
    }
    Ok(world)
}

async fn customers(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    events: &[NewUsageEvent],
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
    let ours = tx.fetch_each(&BY_ID, &ours).await?;
    let theirs = tx.fetch_each(&BY_EXTERNAL_ID, &theirs).await?;
    let ours = ours.into_iter().map(|row| (CustomerRef::Id(row.id), row.no));
    let theirs = theirs.into_iter().map(|row| (CustomerRef::External(row.external_id), row.no));
    Ok(ours.chain(theirs).collect())
}

/// Returns what each plan gives of each feature.
async fn given(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    world: &World,
) -> Result<HashMap<(PlanId, FeatureId), EntitlementValue>, DbError> {
    let plans: HashSet<PlanId> =
        world.subscriptions.values().flatten().map(|subscription| subscription.plan_id).collect();
    let rows: Vec<_> = plans.into_iter().map(|id| [tenant.no.into(), id.into()]).collect();
    let plans = tx.fetch_each(&ENTITLEMENTS, &rows).await?.into_iter();
    let features = |plan: PlanRow| {
        let given = plan.entitlements.into_iter();
        given.map(move |one| ((plan.id, one.feature_id), one.value))
    };
    Ok(plans.flat_map(features).collect())
}

/// Stores the events whose keys are free and returns their number.
pub async fn store(tx: &mut Tx<'_, '_>, events: &[ToStore<'_>]) -> Result<u64, DbError> {
    tx.store_each(&ADD_EVENT, events).await
}

/// Returns a customer's events after this key, in the order of keys.
pub async fn events(
    tx: &mut Tx<'_, '_>,
    customer_no: i64,
    after: &str,
    limit: usize,
) -> Result<Vec<UsageEvent>, DbError> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    tx.fetch(&EVENTS, &[customer_no.into(), after.into(), limit.into()]).await
}

/// Returns the events that are stored under these keys.
pub async fn find<'a>(
    tx: &mut Tx<'_, '_>,
    keys: impl Iterator<Item = (i64, &'a str)>,
) -> Result<HashMap<(i64, String), Stored>, DbError> {
    let rows: Vec<_> = keys.map(|(no, key)| [no.into(), key.into()]).collect();
    let found = tx.fetch_each(&FIND_EVENT, &rows).await?.into_iter();
    Ok(found.map(|row| ((row.customer_no, row.key), row.stored)).collect())
}

pub async fn delete(tx: &mut Tx<'_, '_>, events: &[ToStore<'_>]) -> Result<(), DbError> {
    let rows: Vec<_> = events
        .iter()
        .map(|stored| [stored.customer_no.into(), (&stored.event.key).into()])
        .collect();
    tx.execute_each(&DELETE_EVENT, &rows).await.map(|_| ())
}

/// Stores values and returns the period of each new one.
pub async fn add_values(
    tx: &mut Tx<'_, '_>,
    values: &[(InPeriod, &str)],
) -> Result<Vec<InPeriod>, DbError> {
    let rows: Vec<_> = values
        .iter()
        .map(|(place, value)| {
            [
                place.customer_no.into(),
                place.subscription_id.into(),
                place.metric_id.into(),
                place.period_start.into(),
                place.in_credits.into(),
                (*value).into(),
            ]
        })
        .collect();
    tx.fetch_each(&ADD_VALUE, &rows).await
}

/// Adds to the sums of metrics in usage windows.
pub async fn add(
    tx: &mut Tx<'_, '_>,
    sums: impl Iterator<Item = (InPeriod, [i64; 2])>,
) -> Result<(), DbError> {
    tx.store_each(&ADD, &period_rows(sums)).await.map(|_| ())
}

/// Raises the maxima of metrics in usage windows.
pub async fn raise(
    tx: &mut Tx<'_, '_>,
    maxima: impl Iterator<Item = (InPeriod, [i64; 2])>,
) -> Result<(), DbError> {
    tx.store_each(&RAISE, &period_rows(maxima)).await.map(|_| ())
}

fn period_rows(counted: impl Iterator<Item = (InPeriod, [i64; 2])>) -> Vec<PeriodRow> {
    let row = |(place, [whole, millionths]): (InPeriod, [i64; 2])| PeriodRow {
        place,
        units: Units { whole, millionths },
    };
    counted.map(row).collect()
}

/// Returns what is counted in these usage periods, whether or not in credits.
pub async fn reached(tx: &mut Tx<'_, '_>, places: &[InPeriod]) -> Result<Vec<Reached>, DbError> {
    let rows: Vec<_> = places
        .iter()
        .map(|place| {
            [
                place.customer_no.into(),
                place.subscription_id.into(),
                place.metric_id.into(),
                place.period_start.into(),
            ]
        })
        .collect();
    tx.fetch_each(&REACHED, &rows).await
}

/// Stores the limit that a usage period has reached.
pub async fn set_reached(tx: &mut Tx<'_, '_>, place: &InPeriod, limit: i64) -> Result<(), DbError> {
    let values = [
        limit.into(),
        place.customer_no.into(),
        place.subscription_id.into(),
        place.metric_id.into(),
        place.period_start.into(),
    ];
    tx.execute(&SET_REACHED, &values).await.map(|_| ())
}

/// Adds to the daily quantities of event names.
pub async fn add_days<'a>(
    tx: &mut Tx<'_, '_>,
    days: impl Iterator<Item = ((i64, i64, &'a str), [i64; 2])>,
) -> Result<(), DbError> {
    let rows: Vec<_> = days
        .map(|((customer_no, day, event_name), [whole, millionths])| DayRow {
            customer_no,
            day,
            event_name,
            units: Units { whole, millionths },
        })
        .collect();
    tx.store_each(&ADD_DAY, &rows).await.map(|_| ())
}

impl ToColumn for Quantity {
    const TYPE: &'static str = "TEXT";

    fn to_column(&self) -> Value<'_> {
        self.to_string().into()
    }
}

impl ToColumn for serde_json::Map<String, serde_json::Value> {
    const TYPE: &'static str = "TEXT";

    fn to_column(&self) -> Value<'_> {
        super::json(self).into()
    }
}

/// Erases the properties of a customer's events and the values that distinct counts are made of.
pub async fn erase(tx: &mut Tx<'_, '_>, customer_no: i64) -> Result<(), DbError> {
    tx.execute(&ERASE_PROPERTIES, &[customer_no.into()]).await?;
    tx.execute(&ERASE_VALUES, &[customer_no.into()]).await.map(|_| ())
}
