//! SQL statements for payment attempts.

use super::{Attempt, AttemptStatus};
use crate::base::{InvoiceId, PaymentAttemptId, Time};
use crate::db::{Command, DbError, FromRow, Query, Sql, Tx, command, query, sql, word_columns};
use crate::organizations::Tenant;

macro_rules! attempts {
    ($rest:literal) => {
        query!(
            Attempt,
            concat!(
                "SELECT {a} FROM payment_attempts a JOIN customers c ON c.no = a.customer_no ",
                $rest
            ),
            customer_id = "c.id",
        )
    };
}

const GET: Query<Attempt> = attempts!("WHERE a.tenant_no = $1 AND a.id = $2");
const LIVE: Query<Attempt> = attempts!(
    "WHERE a.tenant_no = $1 AND a.invoice_id = $2 AND a.status IN ('pending', 'requires_form')"
);
const LIVE_OF_CUSTOMER: Query<Attempt> = attempts!(
    "WHERE a.tenant_no = $1 AND a.customer_no = $2 AND a.status IN ('pending', 'requires_form')"
);
/// By the index on live attempts, of which open forms are a part.
const OPEN_FORMS: Query<OpenForm> = query!(
    OpenForm,
    "SELECT {a} FROM payment_attempts a WHERE a.tenant_no = $1 \
     AND a.status IN ('pending', 'requires_form') AND a.status = 'requires_form' \
     AND a.processor = $2 AND a.id > $3 ORDER BY a.id LIMIT $4"
);
const INSERT: Command<Attempt> = command!(
    Attempt,
    "INSERT INTO payment_attempts (tenant_no, {columns}, updated_at) \
     VALUES ($1, {values}, {created_at})"
);
const STORE: Command<Attempt> = command!(
    Attempt,
    "UPDATE payment_attempts SET {set}, updated_at = $1 WHERE tenant_no = $2 AND id = {id}"
);
/// Of the whole installation: the attempts of all tenants that any node may continue.
const DUE: Query<DueAttempt> = query!(
    DueAttempt,
    "SELECT {a, tenant: t} FROM payment_attempts a JOIN tenants t ON t.no = a.tenant_no \
     WHERE a.next_at <= $1 ORDER BY a.next_at LIMIT $2"
);
const TAKE_UP: Sql = sql("UPDATE payment_attempts SET next_at = $1 \
     WHERE tenant_no = $2 AND id = $3 AND next_at <= $4");

const KEEP_EVENT: Sql = sql("INSERT INTO processor_events (tenant_no, id, processor, body, \
     received_at, next_at) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING");
const WAITING_EVENT: Query<WaitingEvent> = query!(
    WaitingEvent,
    "SELECT {} FROM processor_events WHERE tenant_no = $1 AND id = $2 AND next_at IS NOT NULL"
);
/// The body holds personal data that nothing needs any more.
const EVENT_DONE: Sql = sql("UPDATE processor_events SET body = '', next_at = NULL \
     WHERE tenant_no = $1 AND id = $2");
const DUE_EVENTS: Query<DueEvent> = query!(
    DueEvent,
    "SELECT {e, tenant: t} FROM processor_events e JOIN tenants t ON t.no = e.tenant_no \
     WHERE e.next_at <= $1 ORDER BY e.next_at LIMIT $2"
);
const TAKE_UP_EVENT: Sql = sql("UPDATE processor_events SET next_at = $1 \
     WHERE tenant_no = $2 AND id = $3 AND next_at <= $4");
const DELETE_OLD_EVENTS: Sql = sql("DELETE FROM processor_events WHERE (tenant_no, id) IN \
     (SELECT tenant_no, id FROM processor_events WHERE received_at < $1 LIMIT $2)");

/// An event that was not applied yet.
#[derive(FromRow)]
pub struct WaitingEvent {
    pub processor: String,
    pub body: String,
}

/// An event that any node may apply.
#[derive(FromRow)]
pub struct DueEvent {
    pub id: String,
    pub received_at: Time,
    #[record(join)]
    pub tenant: Tenant,
}

#[derive(FromRow)]
struct OpenForm {
    id: PaymentAttemptId,
}

#[derive(FromRow)]
struct DueAttempt {
    id: PaymentAttemptId,
    #[record(join)]
    tenant: Tenant,
}

pub async fn get(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    id: PaymentAttemptId,
) -> Result<Option<Attempt>, DbError> {
    tx.fetch_one(&GET, &[tenant.no.into(), id.into()]).await
}

/// Returns the attempt on an invoice that is not decided yet.
pub async fn live(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    invoice: InvoiceId,
) -> Result<Option<Attempt>, DbError> {
    tx.fetch_one(&LIVE, &[tenant.no.into(), invoice.into()]).await
}

pub async fn live_of_customer(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    customer_no: i64,
) -> Result<Vec<Attempt>, DbError> {
    tx.fetch(&LIVE_OF_CUSTOMER, &[tenant.no.into(), customer_no.into()]).await
}

/// Returns the attempts whose forms are open at a processor, after one of them.
pub async fn open_forms(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    processor: &str,
    after: PaymentAttemptId,
    limit: i64,
) -> Result<Vec<PaymentAttemptId>, DbError> {
    let values = [tenant.no.into(), processor.into(), after.into(), limit.into()];
    let open = tx.fetch(&OPEN_FORMS, &values).await?;
    Ok(open.into_iter().map(|OpenForm { id }| id).collect())
}

pub async fn insert(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    attempt: &Attempt,
) -> Result<(), DbError> {
    tx.store(&INSERT, attempt, &[tenant.no.into()]).await.map(|_| ())
}

/// Stores the fields of an attempt that change.
pub async fn store(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    attempt: &Attempt,
    now: Time,
) -> Result<(), DbError> {
    tx.store(&STORE, attempt, &[now.into(), tenant.no.into()]).await.map(|_| ())
}

/// Returns the attempts that any node may continue, the longest waiting first.
pub async fn due(
    tx: &mut Tx<'_, '_>,
    now: Time,
    limit: i64,
) -> Result<Vec<(PaymentAttemptId, Tenant)>, DbError> {
    let due = tx.fetch(&DUE, &[now.into(), limit.into()]).await?;
    Ok(due.into_iter().map(|DueAttempt { id, tenant }| (id, tenant)).collect())
}

/// Leases an attempt until `until`; returns `false` if another node has it.
pub async fn take_up(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    id: PaymentAttemptId,
    now: Time,
    until: Time,
) -> Result<bool, DbError> {
    let values = [until.into(), tenant.no.into(), id.into(), now.into()];
    Ok(tx.execute(&TAKE_UP, &values).await? == 1)
}

/// A processor's event to store. It is applied again at `next_at` if it was not applied by then.
#[derive(Clone, Debug)]
pub struct ReceivedEvent {
    pub processor: String,
    pub id: String,
    pub body: String,
    pub received_at: Time,
    pub next_at: Time,
}

/// Stores an event, unless it was stored before.
pub async fn keep_event(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    event: &ReceivedEvent,
) -> Result<(), DbError> {
    let ReceivedEvent { processor, id, body, received_at, next_at } = event;
    let values = [
        tenant.no.into(),
        id.into(),
        processor.into(),
        body.into(),
        (*received_at).into(),
        (*next_at).into(),
    ];
    tx.execute(&KEEP_EVENT, &values).await.map(|_| ())
}

/// Returns an event that was not applied yet.
pub async fn waiting_event(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    id: &str,
) -> Result<Option<WaitingEvent>, DbError> {
    tx.fetch_one(&WAITING_EVENT, &[tenant.no.into(), id.into()]).await
}

pub async fn event_done(tx: &mut Tx<'_, '_>, tenant: &Tenant, id: &str) -> Result<(), DbError> {
    tx.execute(&EVENT_DONE, &[tenant.no.into(), id.into()]).await.map(|_| ())
}

pub async fn due_events(
    tx: &mut Tx<'_, '_>,
    now: Time,
    limit: i64,
) -> Result<Vec<DueEvent>, DbError> {
    tx.fetch(&DUE_EVENTS, &[now.into(), limit.into()]).await
}

/// Takes an event up until `until`; returns `false` if another node has.
pub async fn take_up_event(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    id: &str,
    now: Time,
    until: Time,
) -> Result<bool, DbError> {
    let values = [until.into(), tenant.no.into(), id.into(), now.into()];
    Ok(tx.execute(&TAKE_UP_EVENT, &values).await? == 1)
}

pub async fn delete_events_before(
    tx: &mut Tx<'_, '_>,
    before: Time,
    limit: i64,
) -> Result<u64, DbError> {
    tx.execute(&DELETE_OLD_EVENTS, &[before.into(), limit.into()]).await
}

word_columns!(AttemptStatus);
