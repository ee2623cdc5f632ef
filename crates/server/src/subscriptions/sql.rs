//! The statements on subscriptions.

use super::{Status, Subscription};
use crate::base::{CollectionMethod, PageQuery, Period, PlanId, ProductId, SubscriptionId, Time};
use crate::db::{Columns, DbError, Sql, Tx, sql, word_columns};
use crate::organizations::{Tenant, read_tenant};
use crate::subscriptions::{Due, What};

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT s.customer_no, c.id, s.id, s.product_id, s.plan_id, s.quantity, s.status, \
             s.billing_interval, s.currency, s.collection_method, s.anchor, \
             s.current_period_start, s.current_period_end, s.usage_period_start, \
             s.usage_period_end, s.trial_end, s.started_at, s.cancel_at_period_end, s.cancel_reason, \
             s.canceled_at, s.scheduled_plan_id, s.scheduled_quantity, s.dunning_failures, \
             s.dunning_since, s.dunning_next_at, s.metadata, s.created_at, s.updated_at \
             FROM subscriptions s JOIN customers c ON c.no = s.customer_no ",
            $rest
        )
    };
}

const GET: Sql = sql(select!("WHERE s.tenant_no = $1 AND s.id = $2"));
const LIVE: Sql = sql(select!(
    "WHERE s.tenant_no = $1 AND s.customer_no = $2 \
     AND s.status IN ('trialing', 'active', 'past_due', 'pending') ORDER BY s.id"
));
const ENDED_IN_WINDOW: Sql = sql("SELECT id, usage_period_start, usage_period_end \
     FROM subscriptions WHERE tenant_no = $1 AND customer_no = $2 AND product_id = $3 \
     AND status = 'canceled' AND usage_period_end > $4 ORDER BY canceled_at DESC, id DESC LIMIT 1");
/// No filter is an empty text.
const OF_TENANT: [Sql; 2] = [
    sql(select!(
        "WHERE s.tenant_no = $1 AND s.id < $2 AND s.id > $3 \
         AND (CAST($4 AS TEXT) = '' OR s.status = $4) ORDER BY s.id DESC LIMIT $5"
    )),
    sql(select!(
        "WHERE s.tenant_no = $1 AND s.id < $2 AND s.id > $3 \
         AND (CAST($4 AS TEXT) = '' OR s.status = $4) ORDER BY s.id ASC LIMIT $5"
    )),
];
const OF_CUSTOMER: [Sql; 2] = [
    sql(select!(
        "WHERE s.tenant_no = $1 AND s.customer_no = $2 AND s.id < $3 AND s.id > $4 \
         AND (CAST($5 AS TEXT) = '' OR s.status = $5) ORDER BY s.id DESC LIMIT $6"
    )),
    sql(select!(
        "WHERE s.tenant_no = $1 AND s.customer_no = $2 AND s.id < $3 AND s.id > $4 \
         AND (CAST($5 AS TEXT) = '' OR s.status = $5) ORDER BY s.id ASC LIMIT $6"
    )),
];
const INSERT: Sql = sql("INSERT INTO subscriptions (tenant_no, customer_no, id, product_id, \
     plan_id, quantity, status, billing_interval, currency, collection_method, anchor, \
     current_period_start, current_period_end, usage_period_start, usage_period_end, trial_end, \
     next_due_at, metadata, created_at, updated_at, started_at) VALUES ($1, $2, $3, $4, $5, $6, \
     $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21) \
     ON CONFLICT DO NOTHING");
const UPDATE: Sql = sql("UPDATE subscriptions SET plan_id = $1, quantity = $2, status = $3, \
     billing_interval = $4, anchor = $5, current_period_start = $6, current_period_end = $7, \
     usage_period_start = $8, usage_period_end = $9, trial_end = $10, \
     cancel_at_period_end = $11, cancel_reason = $12, canceled_at = $13, \
     scheduled_plan_id = $14, scheduled_quantity = $15, dunning_failures = $16, \
     dunning_since = $17, dunning_next_at = $18, next_due_at = $19, updated_at = $20, \
     started_at = $21 WHERE tenant_no = $22 AND id = $23");
const DELETE: Sql =
    sql("DELETE FROM subscriptions WHERE tenant_no = $1 AND id = $2 AND status = 'pending'");
const NOTE_TRIAL: Sql = sql("INSERT INTO trials (customer_no, product_id, tenant_no, started_at) \
     VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING");
const HAD_TRIAL: Sql =
    sql("SELECT started_at FROM trials WHERE tenant_no = $1 AND customer_no = $2 \
     AND product_id = $3");

/// The installation's whole: what is due by each tenant's own clock, where no organization is
/// suspended and no clock is being advanced.
const DUE: Sql = sql("SELECT t.no, t.organization_id, t.env, s.id, s.next_due_at FROM tenants t \
     JOIN organizations o ON o.id = t.organization_id \
     LEFT JOIN billing_clocks b ON b.tenant_no = t.no \
     JOIN subscriptions s ON s.tenant_no = t.no \
     WHERE NOT o.suspended AND b.advancing_to IS NULL AND s.next_due_at <= \
     CAST($1 AS BIGINT) + COALESCE(b.offset_seconds, 0) * 1000000 \
     ORDER BY s.next_due_at, s.id LIMIT $2");
const OVERDUE: Sql = sql("SELECT t.no, t.organization_id, t.env, i.id, i.due_date FROM tenants t \
     JOIN organizations o ON o.id = t.organization_id \
     LEFT JOIN billing_clocks b ON b.tenant_no = t.no \
     JOIN invoices i ON i.tenant_no = t.no \
     WHERE NOT o.suspended AND b.advancing_to IS NULL AND i.status IN ('issued', 'partially_paid') \
     AND i.collection_method = 'send_invoice' AND i.due_date <= \
     CAST($1 AS BIGINT) + COALESCE(b.offset_seconds, 0) * 1000000 \
     ORDER BY i.due_date, i.id LIMIT $2");
/// Those of one tenant that are due first, by a given instant.
const FIRST_DUE: Sql = sql("SELECT id, next_due_at FROM subscriptions \
     WHERE tenant_no = $1 AND next_due_at = (SELECT MIN(next_due_at) FROM subscriptions \
     WHERE tenant_no = $1 AND next_due_at <= $2) ORDER BY id LIMIT $3");
const FIRST_OVERDUE: Sql = sql("SELECT id, due_date FROM invoices WHERE tenant_no = $1 \
     AND status IN ('issued', 'partially_paid') AND collection_method = 'send_invoice' AND due_date <= $2 \
     ORDER BY due_date, id LIMIT 1");
const POSTPONE: Sql = sql("UPDATE subscriptions SET next_due_at = $1 \
     WHERE tenant_no = $2 AND id = $3 AND next_due_at <= $4");

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

/// Returns the customer's last subscription of a product that ended within a usage window which has
/// not ended at this instant, and that window.
pub async fn ended_in_window(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    customer_no: i64,
    product: ProductId,
    at: Time,
) -> Result<Option<(SubscriptionId, Period)>, DbError> {
    let values = [tenant.no.into(), customer_no.into(), product.into(), at.into()];
    tx.one(&ENDED_IN_WINDOW, &values, |row| {
        Ok((row.take()?, Period { start: row.take()?, end: row.take()? }))
    })
    .await
}

/// A page of a tenant's subscriptions, or of one customer's.
pub async fn page(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    customer_no: Option<i64>,
    status: Option<Status>,
    query: &PageQuery,
) -> Result<Vec<Subscription>, DbError> {
    let (before, after, newer) = query.bounds();
    let status = status.map_or("", Status::as_str);
    let mut values = vec![tenant.no.into()];
    values.extend(customer_no.map(Into::into));
    values.extend([before.into(), after.into(), status.into(), query.fetch().into()]);
    let statements = if customer_no.is_some() { &OF_CUSTOMER } else { &OF_TENANT };
    tx.all(&statements[usize::from(newer)], &values, read).await
}

/// Stores a new subscription. Where the customer has a live one of the product by now, the whole
/// transaction runs again and sees it.
pub async fn insert(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    subscription: &Subscription,
) -> Result<(), DbError> {
    let s = subscription;
    let values = [
        tenant.no.into(),
        s.customer_no.into(),
        s.id.into(),
        s.product_id.into(),
        s.plan_id.into(),
        s.quantity.into(),
        s.status.into(),
        s.billing_interval.into(),
        s.currency.into(),
        s.collection_method.into(),
        s.anchor.into(),
        s.current_period.map(|period| period.start).into(),
        s.current_period.map(|period| period.end).into(),
        s.usage_period.map(|period| period.start).into(),
        s.usage_period.map(|period| period.end).into(),
        s.trial_end.into(),
        s.next_due_at().into(),
        (&s.metadata).into(),
        s.created_at.into(),
        s.updated_at.into(),
        s.started_at.into(),
    ];
    match tx.execute(&INSERT, &values).await? {
        0 => Err(tx.again()),
        _ => Ok(()),
    }
}

/// Stores all that may change, and when the subscription is due next.
pub async fn update(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    subscription: &Subscription,
) -> Result<(), DbError> {
    let s = subscription;
    let values = [
        s.plan_id.into(),
        s.quantity.into(),
        s.status.into(),
        s.billing_interval.into(),
        s.anchor.into(),
        s.current_period.map(|period| period.start).into(),
        s.current_period.map(|period| period.end).into(),
        s.usage_period.map(|period| period.start).into(),
        s.usage_period.map(|period| period.end).into(),
        s.trial_end.into(),
        s.cancel_at_period_end.into(),
        s.cancel_reason.as_ref().into(),
        s.canceled_at.into(),
        s.scheduled.map(|(plan, _)| plan).into(),
        s.scheduled.map(|(_, quantity)| quantity).into(),
        s.dunning_failures.into(),
        s.dunning_since.into(),
        s.dunning_next_at.into(),
        s.next_due_at().into(),
        s.updated_at.into(),
        s.started_at.into(),
        tenant.no.into(),
        s.id.into(),
    ];
    tx.execute(&UPDATE, &values).await.map(|_| ())
}

/// Forgets a pending subscription that was never paid for.
pub async fn delete_pending(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    id: SubscriptionId,
) -> Result<(), DbError> {
    tx.execute(&DELETE, &[tenant.no.into(), id.into()]).await.map(|_| ())
}

pub async fn had_trial(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    customer_no: i64,
    product: ProductId,
) -> Result<bool, DbError> {
    let values = [tenant.no.into(), customer_no.into(), product.into()];
    Ok(tx.one(&HAD_TRIAL, &values, |row| row.take::<Time>()).await?.is_some())
}

pub async fn note_trial(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    customer_no: i64,
    product: ProductId,
    at: Time,
) -> Result<(), DbError> {
    let values = [customer_no.into(), product.into(), tenant.no.into(), at.into()];
    tx.execute(&NOTE_TRIAL, &values).await.map(|_| ())
}

/// What is due in the whole installation, of subscriptions and of sent invoices; at most so many of
/// each, the longest due first.
pub async fn due(tx: &mut Tx<'_, '_>, now: Time, limit: i64) -> Result<Vec<Due>, DbError> {
    let values = [Time::from_seconds(now.seconds()).into(), limit.into()];
    let mut due = tx
        .all(&DUE, &values, |row| {
            let (tenant, what) = (read_tenant(row)?, What::Subscription(row.take()?));
            Ok(Due { tenant, what, at: row.take()? })
        })
        .await?;
    let overdue = tx
        .all(&OVERDUE, &values, |row| {
            let (tenant, what) = (read_tenant(row)?, What::Invoice(row.take()?));
            Ok(Due { tenant, what, at: row.take()? })
        })
        .await?;
    due.extend(overdue);
    Ok(due)
}

/// What of a tenant is due first by an instant: all of the same moment, at most so many.
pub async fn first_due(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    until: Time,
    limit: i64,
) -> Result<Vec<Due>, DbError> {
    let values = [tenant.no.into(), until.into(), limit.into()];
    let tenant = *tenant;
    let due = tx
        .all(&FIRST_DUE, &values, |row| {
            Ok(Due { tenant, what: What::Subscription(row.take()?), at: row.take()? })
        })
        .await?;
    let until = due.first().map_or(until, |first| first.at);
    let overdue = tx
        .all(&FIRST_OVERDUE, &[tenant.no.into(), until.into()], |row| {
            Ok(Due { tenant, what: What::Invoice(row.take()?), at: row.take()? })
        })
        .await?;
    Ok(if overdue.is_empty() { due } else { overdue })
}

/// Has a subscription wait that could not be run.
pub async fn postpone(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    id: SubscriptionId,
    due: Time,
    to: Time,
) -> Result<(), DbError> {
    let values = [to.into(), tenant.no.into(), id.into(), due.into()];
    tx.execute(&POSTPONE, &values).await.map(|_| ())
}

fn read(row: &mut Columns<'_>) -> Result<Subscription, DbError> {
    Ok(Subscription {
        customer_no: row.take()?,
        customer_id: row.take()?,
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
        started_at: row.take()?,
        cancel_at_period_end: row.take()?,
        cancel_reason: row.take()?,
        canceled_at: row.take()?,
        scheduled: row.take::<Option<PlanId>>()?.zip(row.take::<Option<i64>>()?),
        dunning_failures: row.take()?,
        dunning_since: row.take()?,
        dunning_next_at: row.take()?,
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
