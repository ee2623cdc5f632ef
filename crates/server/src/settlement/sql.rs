//! The statements on payment attempts.

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

word_columns!(AttemptStatus);
