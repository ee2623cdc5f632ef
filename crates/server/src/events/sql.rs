//! SQL statements for events.

use super::{Event, EventType, NewEvent, Unpublished};
use crate::base::{CustomerId, EventId, PageQuery, Time};
use crate::db::{
    Command, DbError, FromRow, Pages, Query, Sql, ToRow, Tx, command, pages, query, sql,
    sql_of_each, word_columns,
};
use crate::organizations::Tenant;

const INSERT: Command<NewEvent> =
    command!(NewEvent, "INSERT INTO events (tenant_no, {columns}) VALUES ($1, {values})");
const INSERT_EACH: Command<Row<'_>> =
    command!(Row<'static>, "INSERT INTO events ({columns}) {rows}");
const WITH_UNPUBLISHED: Query<Tenant> = query!(
    Tenant,
    "SELECT {} FROM tenants WHERE no IN (SELECT tenant_no FROM events WHERE sequence IS NULL) \
     ORDER BY no"
);
const UNPUBLISHED: Query<Unpublished> = query!(
    Unpublished,
    "SELECT {} FROM events WHERE tenant_no = $1 AND sequence IS NULL ORDER BY no LIMIT $2"
);
/// Takes the next numbers of a tenant. The row stays locked, so the events of a tenant are published
/// by one node at a time, and the time of publication never decreases.
const NUMBER: Query<Numbers> = query!(
    Numbers,
    "INSERT INTO event_sequences (tenant_no, last, published_at) VALUES ($1, $2, $3) \
     ON CONFLICT (tenant_no) DO UPDATE SET last = event_sequences.last + excluded.last, \
     published_at = CASE WHEN event_sequences.published_at > excluded.published_at \
     THEN event_sequences.published_at ELSE excluded.published_at END RETURNING {}"
);
const PUBLISH: Sql = sql_of_each(
    "UPDATE events SET sequence = $1, object = COALESCE(object, $2) \
     WHERE tenant_no = $3 AND no = $4 AND sequence IS NULL",
    "UPDATE events e SET sequence = w.sequence, object = COALESCE(e.object, w.object) \
     FROM unnest($1::BIGINT[], $2::TEXT[], $3::BIGINT[], $4::BIGINT[]) \
     AS w(sequence, object, tenant_no, no) \
     WHERE e.tenant_no = w.tenant_no AND e.no = w.no AND e.sequence IS NULL",
);
const GET: Query<Event> = query!(
    Event,
    "SELECT {} FROM events WHERE tenant_no = $1 AND id = $2 AND sequence IS NOT NULL"
);
const OF_TENANT: Pages<Event> = pages!(
    Event,
    "SELECT {} FROM events WHERE tenant_no = $1 AND sequence < $2 AND sequence > $3 \
     AND (type = $4 OR $4 = '') ORDER BY sequence {order} LIMIT $5"
);
const OF_CUSTOMER: Pages<Event> = pages!(
    Event,
    "SELECT {} FROM events WHERE tenant_no = $1 AND customer_id = $2 \
     AND sequence < $3 AND sequence > $4 AND (type = $5 OR $5 = '') \
     ORDER BY sequence {order} LIMIT $6"
);
/// An event that no node published stays, however old it is.
const DELETE_OLD: Sql = sql("DELETE FROM events WHERE id IN \
     (SELECT id FROM events WHERE id < $1 AND sequence IS NOT NULL ORDER BY id LIMIT $2)");
const ERASE: Sql = sql("UPDATE events SET object = '{\"id\":\"' || object_id || '\"}' \
     WHERE tenant_no = $1 AND customer_id = $2");

#[derive(ToRow)]
struct Row<'a> {
    tenant_no: i64,
    #[record(prefix = "")]
    event: &'a NewEvent,
}

#[derive(Clone, Copy, Debug, FromRow)]
pub struct Numbers {
    /// The last number that was taken.
    pub last: i64,
    pub published_at: Time,
}

/// The filters of a list.
#[derive(Clone, Copy, Debug)]
pub struct Filter {
    pub customer: Option<CustomerId>,
    pub event_type: Option<EventType>,
    /// Only events with a greater sequence number.
    pub after: i64,
}

pub async fn insert(tx: &mut Tx<'_, '_>, tenant_no: i64, event: &NewEvent) -> Result<(), DbError> {
    tx.store(&INSERT, event, &[tenant_no.into()]).await.map(|_| ())
}

/// Inserts several events at once, in their order.
pub async fn insert_each(
    tx: &mut Tx<'_, '_>,
    tenant_no: i64,
    events: &[NewEvent],
) -> Result<(), DbError> {
    let rows: Vec<_> = events.iter().map(|event| Row { tenant_no, event }).collect();
    tx.store_each(&INSERT_EACH, &rows).await.map(|_| ())
}

/// Returns the tenants that have unpublished events.
pub async fn with_unpublished(tx: &mut Tx<'_, '_>) -> Result<Vec<Tenant>, DbError> {
    tx.fetch(&WITH_UNPUBLISHED, &[]).await
}

/// Returns a tenant's oldest unpublished events.
pub async fn unpublished(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    limit: i64,
) -> Result<Vec<Unpublished>, DbError> {
    tx.fetch(&UNPUBLISHED, &[tenant.no.into(), limit.into()]).await
}

/// Numbers these events in order and stores their objects, unless they were erased meanwhile. Returns the time of publication, or
/// `None` if another node published one of them; then the caller rolls back.
pub async fn publish(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    events: &[(i64, String)],
    now: Time,
) -> Result<Option<Time>, DbError> {
    let count = i64::try_from(events.len()).unwrap_or(i64::MAX);
    let numbers = tx.fetch_one(&NUMBER, &[tenant.no.into(), count.into(), now.into()]).await?;
    let numbers = numbers.ok_or(DbError::Broken("an upsert returned no row"))?;
    let rows = events.iter().zip(numbers.last - count + 1..).map(|((no, object), sequence)| {
        [sequence.into(), object.into(), tenant.no.into(), (*no).into()]
    });
    let rows: Vec<_> = rows.collect();
    let changed = tx.execute_each(&PUBLISH, &rows).await?;
    Ok((changed == count.unsigned_abs()).then_some(numbers.published_at))
}

/// Returns a published event by its number in the store.
pub async fn get(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    id: EventId,
) -> Result<Option<Event>, DbError> {
    tx.fetch_one(&GET, &[tenant.no.into(), id.into()]).await
}

/// Reads a page of published events. The cursor holds a sequence number.
pub async fn page(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    filter: Filter,
    query: &PageQuery,
) -> Result<Vec<Event>, DbError> {
    let (before, after, newer) = query.bounds();
    let before = before.parse().unwrap_or(i64::MAX);
    let after = after.parse().unwrap_or(0).max(filter.after);
    let event_type = filter.event_type.map_or("", EventType::as_str);
    let mut values = vec![tenant.no.into()];
    let statements = match filter.customer {
        Some(customer) => {
            values.push(customer.into());
            &OF_CUSTOMER
        }
        None => &OF_TENANT,
    };
    values.extend([before.into(), after.into(), event_type.into(), query.fetch().into()]);
    tx.fetch(&statements[usize::from(newer)], &values).await
}

/// Deletes at most `limit` published events created before this instant, oldest first. Ids contain
/// their creation time.
pub async fn delete_before(tx: &mut Tx<'_, '_>, before: Time, limit: i64) -> Result<u64, DbError> {
    tx.execute(&DELETE_OLD, &[EventId::first_at(before).into(), limit.into()]).await
}

/// Reduces the objects of a customer's events to their ids, also of those that are not published yet.
pub async fn erase(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    customer: CustomerId,
) -> Result<(), DbError> {
    tx.execute(&ERASE, &[tenant.no.into(), customer.into()]).await.map(|_| ())
}

word_columns!(EventType);
