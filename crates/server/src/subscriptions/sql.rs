//! SQL statements for subscriptions.

use super::{Attention, Due, Subscription, SubscriptionStatus, What};
use crate::base::{
    CollectionMethod, CustomerId, InvoiceId, PageQuery, PlanId, ProductId, SubscriptionId, Time,
};
use crate::db::{
    Command, DbError, FromRow, Pages, Query, Sql, Tx, command, pages, query, sql, word_columns,
};
use crate::invoices::end_of_day;
use crate::organizations::Tenant;

macro_rules! subscriptions {
    ($make:ident, $rest:literal) => {
        $make!(
            Subscription,
            concat!(
                "SELECT {s} FROM subscriptions s JOIN customers c ON c.no = s.customer_no ",
                $rest
            ),
            customer_id = "c.id",
        )
    };
}

const GET: Query<Subscription> = subscriptions!(query, "WHERE s.tenant_no = $1 AND s.id = $2");
const LIVE: Query<Subscription> = subscriptions!(
    query,
    "WHERE s.tenant_no = $1 AND s.customer_no = $2 \
     AND s.status IN ('trialing', 'active', 'past_due', 'pending') ORDER BY s.id"
);
const ALL_OF_CUSTOMER: Query<Subscription> =
    subscriptions!(query, "WHERE s.tenant_no = $1 AND s.customer_no = $2 ORDER BY s.id");
const ENDED_IN_WINDOW: Query<Subscription> = subscriptions!(
    query,
    "WHERE s.tenant_no = $1 AND s.customer_no = $2 AND s.product_id = $3 \
     AND s.status = 'canceled' AND s.usage_period_end > $4 \
     ORDER BY s.canceled_at DESC, s.id DESC LIMIT 1"
);
/// An empty text is no filter.
const OF_TENANT: Pages<Subscription> = subscriptions!(
    pages,
    "WHERE s.tenant_no = $1 AND s.id < $2 AND s.id > $3 \
     AND (CAST($4 AS TEXT) = '' OR s.status = $4) ORDER BY s.id {order} LIMIT $5"
);
const OF_CUSTOMER: Pages<Subscription> = subscriptions!(
    pages,
    "WHERE s.tenant_no = $1 AND s.customer_no = $2 AND s.id < $3 AND s.id > $4 \
     AND (CAST($5 AS TEXT) = '' OR s.status = $5) ORDER BY s.id {order} LIMIT $6"
);
const INSERT: Command<Subscription> = command!(
    Subscription,
    "INSERT INTO subscriptions (tenant_no, {columns}, next_due_at) VALUES ($1, {values}, $2) \
     ON CONFLICT DO NOTHING"
);
const UPDATE: Command<Subscription> = command!(
    Subscription,
    "UPDATE subscriptions SET {set}, next_due_at = $1 WHERE tenant_no = $2 AND id = {id}"
);
const DELETE: Sql =
    sql("DELETE FROM subscriptions WHERE tenant_no = $1 AND id = $2 AND status = 'pending'");
const RETRY_NOW: Sql = sql("UPDATE subscriptions SET dunning_next_at = $1, \
     next_due_at = CASE WHEN next_due_at < $1 THEN next_due_at ELSE $1 END \
     WHERE tenant_no = $2 AND customer_no = $3 AND dunning_next_at > $1");
const SET_COLLECTION_METHOD: Sql = sql("UPDATE subscriptions SET collection_method = $1 \
     WHERE tenant_no = $2 AND customer_no = $3 \
     AND status IN ('trialing', 'active', 'past_due', 'pending')");
const HAD_ONE_OFF: Sql =
    sql("SELECT 1 FROM one_off_charges WHERE customer_no = $1 AND plan_id = $2");
const NOTE_ONE_OFF: Sql = sql("INSERT INTO one_off_charges (customer_no, plan_id, charged_at) \
     VALUES ($1, $2, $3) ON CONFLICT DO NOTHING");
const NOTE_TRIAL: Sql = sql("INSERT INTO trials (customer_no, product_id, tenant_no, started_at) \
     VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING");
const HAD_TRIAL: Sql =
    sql("SELECT started_at FROM trials WHERE tenant_no = $1 AND customer_no = $2 \
     AND product_id = $3");

/// A payment that has been pending for longer delays no renewal.
const PENDING_DAYS: i64 = 1;

/// Of the whole installation: the subscriptions due by each tenant's own clock, where no organization
/// is suspended and no clock is being advanced. A customer's pending payment comes first, because
/// credits come with it; one that has been pending for long delays nothing.
const DUE: Query<OfTenant<DueSubscription>> = query!(
    OfTenant<DueSubscription>,
    "SELECT {tenant: t, due: s} FROM tenants t \
     JOIN organizations o ON o.id = t.organization_id \
     LEFT JOIN billing_clocks b ON b.tenant_no = t.no \
     JOIN subscriptions s ON s.tenant_no = t.no \
     WHERE NOT o.suspended AND b.advancing_to IS NULL AND s.next_due_at <= \
     CAST($1 AS BIGINT) + COALESCE(b.offset_seconds, 0) * 1000000 \
     AND NOT EXISTS (SELECT 1 FROM payment_attempts a WHERE a.tenant_no = s.tenant_no \
     AND a.customer_no = s.customer_no AND a.status = 'pending' AND a.created_at > $2) \
     ORDER BY s.next_due_at, s.id LIMIT $3"
);
const OVERDUE: Query<OfTenant<DueInvoice>> = query!(
    OfTenant<DueInvoice>,
    "SELECT {tenant: t, due: i} FROM tenants t \
     JOIN organizations o ON o.id = t.organization_id \
     LEFT JOIN billing_clocks b ON b.tenant_no = t.no \
     JOIN invoices i ON i.tenant_no = t.no \
     WHERE NOT o.suspended AND b.advancing_to IS NULL AND i.status IN ('issued', 'partially_paid') \
     AND i.collection_method = 'send_invoice' AND i.due_date < \
     (CAST($1 AS BIGINT) + COALESCE(b.offset_seconds, 0) * 1000000) / 86400000000 * 86400000000 \
     ORDER BY i.due_date, i.id LIMIT $2"
);
/// The subscriptions of one tenant that are due first, by a given instant.
const FIRST_DUE: Query<DueSubscription> = query!(
    DueSubscription,
    "SELECT {} FROM subscriptions \
     WHERE tenant_no = $1 AND next_due_at = (SELECT MIN(next_due_at) FROM subscriptions \
     WHERE tenant_no = $1 AND next_due_at <= $2) ORDER BY id LIMIT $3"
);
const FIRST_OVERDUE: Query<DueInvoice> = query!(
    DueInvoice,
    "SELECT {} FROM invoices WHERE tenant_no = $1 AND status IN ('issued', 'partially_paid') \
     AND collection_method = 'send_invoice' AND due_date < $2 ORDER BY due_date, id LIMIT 1"
);
const POSTPONE: Sql = sql("UPDATE subscriptions SET next_due_at = $1 \
     WHERE tenant_no = $2 AND id = $3 AND next_due_at <= $4");
/// Trials at least as long as the notice that end within a range, the start exclusive.
const TRIALS_ENDING: Query<Noticed> = query!(
    Noticed,
    "SELECT {s} FROM subscriptions s JOIN customers c ON c.no = s.customer_no \
     WHERE s.tenant_no = $1 AND s.current_period_end > $2 AND s.current_period_end <= $3 \
     AND s.status = 'trialing' AND s.noticed_end <> s.current_period_end \
     AND s.current_period_end - s.current_period_start >= $4 AND NOT s.cancel_at_period_end \
     ORDER BY s.current_period_end, s.id LIMIT $5",
    customer_id = "c.id",
);
/// Yearly periods that end within a range, the start exclusive, and are followed by another one.
const RENEWALS: Query<Noticed> = query!(
    Noticed,
    "SELECT {s} FROM subscriptions s JOIN customers c ON c.no = s.customer_no \
     WHERE s.tenant_no = $1 AND s.current_period_end > $2 AND s.current_period_end <= $3 \
     AND s.billing_interval = 'year' AND s.noticed_end <> s.current_period_end \
     AND s.status IN ('active', 'past_due') AND NOT s.cancel_at_period_end \
     ORDER BY s.current_period_end, s.id LIMIT $4",
    customer_id = "c.id",
);
/// Repeats the conditions: the subscription may have changed since it was found.
const SET_NOTICED: Sql = sql("UPDATE subscriptions SET noticed_end = current_period_end \
     WHERE tenant_no = $1 AND id = $2 AND noticed_end <> current_period_end \
     AND current_period_end = $3 AND (status = 'trialing') = CAST($4 AS BOOLEAN) \
     AND status IN ('trialing', 'active', 'past_due') AND NOT cancel_at_period_end");
const IS_NOTICED: Sql = sql("SELECT 1 FROM subscriptions \
     WHERE tenant_no = $1 AND id = $2 AND noticed_end = current_period_end \
     AND status IN ('trialing', 'active', 'past_due') AND NOT cancel_at_period_end");
const ERASE: Sql =
    sql("UPDATE subscriptions SET metadata = '{}' WHERE tenant_no = $1 AND customer_no = $2");

#[derive(FromRow)]
struct OfTenant<R: FromRow> {
    #[record(join)]
    tenant: Tenant,
    #[record(join)]
    due: R,
}

#[derive(FromRow)]
struct DueSubscription {
    id: SubscriptionId,
    next_due_at: Time,
}

/// A subscription whose period end is to be announced.
#[derive(Clone, Copy, Debug, FromRow)]
pub struct Noticed {
    pub id: SubscriptionId,
    #[record(computed)]
    pub customer_id: CustomerId,
    #[record(name = "current_period_end")]
    pub end: Time,
}

#[derive(FromRow)]
struct DueInvoice {
    id: InvoiceId,
    due_date: Time,
}

impl DueSubscription {
    const fn due(self, tenant: Tenant) -> Due {
        Due { tenant, what: What::Subscription(self.id), at: self.next_due_at }
    }
}

impl DueInvoice {
    const fn due(self, tenant: Tenant) -> Due {
        Due { tenant, what: What::Invoice(self.id), at: end_of_day(self.due_date) }
    }
}

pub async fn get(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    id: SubscriptionId,
) -> Result<Option<Subscription>, DbError> {
    tx.fetch_one(&GET, &[tenant.no.into(), id.into()]).await
}

/// Returns the subscriptions that are trialing, active, past due or pending: at most one for each
/// product.
pub async fn live_of_customer(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    customer_no: i64,
) -> Result<Vec<Subscription>, DbError> {
    tx.fetch(&LIVE, &[tenant.no.into(), customer_no.into()]).await
}

/// Returns all of a customer's subscriptions, ended ones too.
pub async fn all_of_customer(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    customer_no: i64,
) -> Result<Vec<Subscription>, DbError> {
    tx.fetch(&ALL_OF_CUSTOMER, &[tenant.no.into(), customer_no.into()]).await
}

/// Returns the customer's last subscription of a product that ended within a usage window which has
/// not ended at this instant.
pub async fn ended_in_window(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    customer_no: i64,
    product: ProductId,
    at: Time,
) -> Result<Option<Subscription>, DbError> {
    let values = [tenant.no.into(), customer_no.into(), product.into(), at.into()];
    tx.fetch_one(&ENDED_IN_WINDOW, &values).await
}

/// Returns a page of a tenant's subscriptions, or of one customer's.
pub async fn page(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    customer_no: Option<i64>,
    status: Option<SubscriptionStatus>,
    query: &PageQuery,
) -> Result<Vec<Subscription>, DbError> {
    let (before, after, newer) = query.bounds();
    let status = status.map_or("", SubscriptionStatus::as_str);
    let mut values = vec![tenant.no.into()];
    values.extend(customer_no.map(Into::into));
    values.extend([before.into(), after.into(), status.into(), query.fetch().into()]);
    let statements = if customer_no.is_some() { &OF_CUSTOMER } else { &OF_TENANT };
    tx.fetch(&statements[usize::from(newer)], &values).await
}

/// Stores a new subscription. If the customer has a live one of the product by now, the whole
/// transaction runs again and sees it.
pub async fn insert(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    subscription: &Subscription,
) -> Result<(), DbError> {
    let given = [tenant.no.into(), subscription.next_due_at().into()];
    match tx.store(&INSERT, subscription, &given).await? {
        0 => Err(tx.again()),
        _ => Ok(()),
    }
}

/// Stores every field that may change, and when the subscription is due next.
pub async fn update(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    subscription: &Subscription,
) -> Result<(), DbError> {
    let given = [subscription.next_due_at().into(), tenant.no.into()];
    tx.store(&UPDATE, subscription, &given).await.map(|_| ())
}

/// Deletes a pending subscription that was never paid for.
pub async fn delete_pending(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    id: SubscriptionId,
) -> Result<(), DbError> {
    tx.execute(&DELETE, &[tenant.no.into(), id.into()]).await.map(|_| ())
}

/// Makes the retries that a customer's subscriptions wait for due now.
pub async fn retry_now(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    customer_no: i64,
    at: Time,
) -> Result<(), DbError> {
    let values = [at.into(), tenant.no.into(), customer_no.into()];
    tx.execute(&RETRY_NOW, &values).await.map(|_| ())
}

/// Sets how the next invoices of a customer's live subscriptions are collected.
pub async fn set_collection_method(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    customer_no: i64,
    method: CollectionMethod,
) -> Result<(), DbError> {
    let values = [method.into(), tenant.no.into(), customer_no.into()];
    tx.execute(&SET_COLLECTION_METHOD, &values).await.map(|_| ())
}

/// Whether the customer was billed the one-off charges of a plan.
pub async fn had_one_off(
    tx: &mut Tx<'_, '_>,
    customer_no: i64,
    plan: PlanId,
) -> Result<bool, DbError> {
    let values = [customer_no.into(), plan.into()];
    tx.exists(&HAD_ONE_OFF, &values).await
}

pub async fn note_one_off(
    tx: &mut Tx<'_, '_>,
    customer_no: i64,
    plan: PlanId,
    at: Time,
) -> Result<(), DbError> {
    let values = [customer_no.into(), plan.into(), at.into()];
    tx.execute(&NOTE_ONE_OFF, &values).await.map(|_| ())
}

pub async fn had_trial(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    customer_no: i64,
    product: ProductId,
) -> Result<bool, DbError> {
    let values = [tenant.no.into(), customer_no.into(), product.into()];
    tx.exists(&HAD_TRIAL, &values).await
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

/// Returns the due subscriptions and the overdue sent invoices of the whole installation; at most
/// `limit` of each, the longest due first.
pub async fn due(tx: &mut Tx<'_, '_>, now: Time, limit: i64) -> Result<Vec<Due>, DbError> {
    let now = Time::from_seconds(now.seconds());
    let recently = now.plus_days(-PENDING_DAYS);
    let due = tx.fetch(&DUE, &[now.into(), recently.into(), limit.into()]).await?;
    let overdue = tx.fetch(&OVERDUE, &[now.into(), limit.into()]).await?;
    let due = due.into_iter().map(|row| row.due.due(row.tenant));
    Ok(due.chain(overdue.into_iter().map(|row| row.due.due(row.tenant))).collect())
}

/// Returns the items of a tenant that are due first by an instant: all of one moment, at most `limit`.
pub async fn first_due(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    until: Time,
    limit: i64,
) -> Result<Vec<Due>, DbError> {
    let values = [tenant.no.into(), until.into(), limit.into()];
    let due = tx.fetch(&FIRST_DUE, &values).await?;
    // At one instant, renewals come before invoices become overdue.
    let until = due.first().map_or(until, |first| first.next_due_at.plus_seconds(-1));
    let day = Time::from_seconds(until.seconds().div_euclid(86_400) * 86_400);
    let overdue = tx.fetch(&FIRST_OVERDUE, &[tenant.no.into(), day.into()]).await?;
    Ok(if overdue.is_empty() {
        due.into_iter().map(|due| due.due(*tenant)).collect()
    } else {
        overdue.into_iter().map(|due| due.due(*tenant)).collect()
    })
}

/// Postpones a subscription that could not be run.
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

/// Returns the trials of at least `least` seconds that end after an instant and by another one, and
/// whose end was not announced.
pub async fn trials_ending(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    (after, until): (Time, Time),
    least_seconds: i64,
    limit: i64,
) -> Result<Vec<Noticed>, DbError> {
    let least = least_seconds * 1_000_000;
    let values = [tenant.no.into(), after.into(), until.into(), least.into(), limit.into()];
    tx.fetch(&TRIALS_ENDING, &values).await
}

/// Returns the yearly periods that end after an instant and by another one, and whose end was not
/// announced.
pub async fn renewals(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    (after, until): (Time, Time),
    limit: i64,
) -> Result<Vec<Noticed>, DbError> {
    tx.fetch(&RENEWALS, &[tenant.no.into(), after.into(), until.into(), limit.into()]).await
}

/// Marks the end of a subscription's period as announced; `false` if it is already, or if the end is
/// another one by now.
pub async fn set_noticed(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    noticed: &Noticed,
    is_trial: bool,
) -> Result<bool, DbError> {
    let values = [tenant.no.into(), noticed.id.into(), noticed.end.into(), is_trial.into()];
    Ok(tx.execute(&SET_NOTICED, &values).await? == 1)
}

/// Whether the end that was announced last is still ahead.
pub async fn is_noticed(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    id: SubscriptionId,
) -> Result<bool, DbError> {
    tx.exists(&IS_NOTICED, &[tenant.no.into(), id.into()]).await
}

/// Erases what the backend noted about a customer's subscriptions.
pub async fn erase(tx: &mut Tx<'_, '_>, tenant: &Tenant, customer_no: i64) -> Result<(), DbError> {
    tx.execute(&ERASE, &[tenant.no.into(), customer_no.into()]).await.map(|_| ())
}

word_columns!(Attention, CollectionMethod, SubscriptionStatus);
