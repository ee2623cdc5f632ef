//! SQL statements for webhook deliveries.

use crate::base::{CustomerId, EventId, PageQuery, Time, WebhookDeliveryId};
use crate::db::{
    Command, DbError, FromRow, Pages, Query, Sql, ToRow, Tx, command, pages, query, sql,
    word_columns,
};
use crate::events::{Event, EventType};
use crate::organizations::Tenant;
use crate::webhooks::{Delivery, DeliveryStatus, NewDelivery};

/// Queues a delivery, or begins one again whose attempts all failed.
const QUEUE: Command<NewDelivery> = command!(
    NewDelivery,
    "INSERT INTO webhook_deliveries ({columns}) {rows} \
     ON CONFLICT (endpoint_no, event_no) DO UPDATE SET status = 'pending', attempts = 0, \
     next_at = excluded.next_at WHERE webhook_deliveries.status = 'failed'"
);
const DUE: Query<Due> = query!(
    Due,
    "SELECT {d, event: e} FROM webhook_deliveries d \
     LEFT JOIN events e ON e.no = d.event_no \
     WHERE d.endpoint_no = $1 AND d.next_at <= $2 ORDER BY d.next_at, d.event_no LIMIT $3"
);
const RECORD: Command<Attempted> = command!(
    Attempted,
    sqlite = "UPDATE webhook_deliveries SET {set} WHERE id = {id}",
    postgres = "UPDATE webhook_deliveries d SET {set w} \
         FROM unnest({arrays}) AS w({columns}) WHERE d.id = w.id",
);
const MISSED: Query<Missed> = query!(
    Missed,
    "SELECT {e} FROM events e WHERE e.tenant_no = $1 AND e.sequence > $2 AND e.created_at >= $3 \
     AND e.endpoint_id IS NULL AND NOT EXISTS (SELECT 1 FROM webhook_deliveries d \
     WHERE d.endpoint_no = $4 AND d.event_no = e.no AND d.status <> 'failed') \
     ORDER BY e.sequence LIMIT $5"
);

macro_rules! deliveries {
    ($make:ident, $rest:literal) => {
        $make!(
            Delivery,
            concat!(
                "SELECT {d} FROM webhook_deliveries d LEFT JOIN events e ON e.no = d.event_no ",
                $rest
            ),
            event_id = "e.id",
            event_type = "e.type",
        )
    };
}

const GET: Query<Delivery> = deliveries!(query, "WHERE d.endpoint_no = $1 AND d.id = $2");
const PAGE: Pages<Delivery> = deliveries!(
    pages,
    "WHERE d.endpoint_no = $1 AND d.id < $2 AND d.id > $3 AND (d.status = $4 OR $4 = '') \
     AND (e.id = $5 OR $5 = '') ORDER BY d.id {order} LIMIT $6"
);
/// The failure of the newest event; while an endpoint fails, each new event is attempted at once.
const LAST_FAILURE: Query<Failure> = query!(
    Failure,
    "SELECT {} FROM webhook_deliveries WHERE endpoint_no = $1 AND status <> 'succeeded' \
     AND attempted_at IS NOT NULL ORDER BY id DESC LIMIT 1"
);
const RESEND: Sql = sql("UPDATE webhook_deliveries SET status = 'pending', attempts = 0, \
     next_at = $1 WHERE endpoint_no = $2 AND id = $3");
const DELETE_OLD: Sql = sql("DELETE FROM webhook_deliveries WHERE id IN \
     (SELECT id FROM webhook_deliveries WHERE id < $1 ORDER BY id LIMIT $2)");
const ERASE: Sql = sql("UPDATE webhook_deliveries SET response_body = NULL \
     WHERE tenant_no = $1 AND customer_id = $2");

/// A delivery whose next attempt is due, with its event.
#[derive(Debug, FromRow)]
pub struct Due {
    pub id: WebhookDeliveryId,
    pub customer_id: Option<CustomerId>,
    pub attempts: i64,
    /// `None` if the event's retention is over.
    #[record(join)]
    pub event: Option<Event>,
}

/// The result of an attempt.
#[derive(Clone, Debug, ToRow)]
pub struct Attempted {
    #[record(insert_only)]
    pub id: WebhookDeliveryId,
    pub status: DeliveryStatus,
    pub attempts: i64,
    pub next_at: Option<Time>,
    pub attempted_at: Option<Time>,
    pub response_status: Option<i64>,
    pub response_body: Option<String>,
    pub error: Option<String>,
}

/// An event that an endpoint has not accepted and that is not queued for it.
#[derive(Clone, Copy, Debug, FromRow)]
pub struct Missed {
    pub no: i64,
    #[record(name = "type")]
    pub event_type: EventType,
    pub customer_id: Option<CustomerId>,
    pub sequence: i64,
}

/// The result of a failed attempt: a status, or a word if there was no answer.
#[derive(Clone, Debug, FromRow)]
pub struct Failure {
    pub response_status: Option<i64>,
    pub error: Option<String>,
}

/// The filters of a list.
#[derive(Clone, Copy, Debug)]
pub struct Filter {
    pub status: Option<DeliveryStatus>,
    pub event: Option<EventId>,
}

/// Queues deliveries and returns how many are new or begin again.
pub async fn queue(tx: &mut Tx<'_, '_>, deliveries: &[NewDelivery]) -> Result<u64, DbError> {
    tx.store_each(&QUEUE, deliveries).await
}

/// Returns the next due deliveries of an endpoint, in the order of their events.
pub async fn due(
    tx: &mut Tx<'_, '_>,
    endpoint_no: i64,
    now: Time,
    limit: i64,
) -> Result<Vec<Due>, DbError> {
    tx.fetch(&DUE, &[endpoint_no.into(), now.into(), limit.into()]).await
}

pub async fn record(tx: &mut Tx<'_, '_>, attempts: &[Attempted]) -> Result<(), DbError> {
    tx.store_each(&RECORD, attempts).await.map(|_| ())
}

/// Returns events after a sequence number that happened at or after an instant and that an endpoint
/// missed.
pub async fn missed(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    endpoint_no: i64,
    (since, after): (Time, i64),
    limit: i64,
) -> Result<Vec<Missed>, DbError> {
    let values = [tenant.no.into(), after.into(), since.into(), endpoint_no.into(), limit.into()];
    tx.fetch(&MISSED, &values).await
}

pub async fn delivery(
    tx: &mut Tx<'_, '_>,
    endpoint_no: i64,
    id: WebhookDeliveryId,
) -> Result<Option<Delivery>, DbError> {
    tx.fetch_one(&GET, &[endpoint_no.into(), id.into()]).await
}

pub async fn page_of_deliveries(
    tx: &mut Tx<'_, '_>,
    endpoint_no: i64,
    filter: Filter,
    query: &PageQuery,
) -> Result<Vec<Delivery>, DbError> {
    let (before, after, newer) = query.bounds();
    let event = filter.event.map(|id| id.to_string()).unwrap_or_default();
    let values = [
        endpoint_no.into(),
        before.into(),
        after.into(),
        filter.status.map_or("", DeliveryStatus::as_str).into(),
        event.into(),
        query.fetch().into(),
    ];
    tx.fetch(&PAGE[usize::from(newer)], &values).await
}

pub async fn last_failure(
    tx: &mut Tx<'_, '_>,
    endpoint_no: i64,
) -> Result<Option<Failure>, DbError> {
    tx.fetch_one(&LAST_FAILURE, &[endpoint_no.into()]).await
}

/// Makes a delivery due at once, with all attempts ahead.
pub async fn resend(
    tx: &mut Tx<'_, '_>,
    endpoint_no: i64,
    id: WebhookDeliveryId,
    now: Time,
) -> Result<bool, DbError> {
    Ok(tx.execute(&RESEND, &[now.into(), endpoint_no.into(), id.into()]).await? == 1)
}

/// Deletes at most `limit` deliveries created before this instant, oldest first.
pub async fn delete_deliveries_before(
    tx: &mut Tx<'_, '_>,
    before: Time,
    limit: i64,
) -> Result<u64, DbError> {
    let before = WebhookDeliveryId::first_at(before);
    tx.execute(&DELETE_OLD, &[before.into(), limit.into()]).await
}

/// Erases what receivers answered to a customer's events.
pub async fn erase(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    customer: CustomerId,
) -> Result<(), DbError> {
    tx.execute(&ERASE, &[tenant.no.into(), customer.into()]).await.map(|_| ())
}

word_columns!(DeliveryStatus);
