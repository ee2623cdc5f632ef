//! The statements on payment attempts.

use super::{Attempt, AttemptStatus};
use crate::base::{InvoiceId, PaymentAttemptId, Time};
use crate::db::{Columns, DbError, JsonText, Sql, Tx, sql, word_columns};
use crate::organizations::{Tenant, read_tenant};
use serde::Serialize;

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT a.customer_no, c.id, a.id, a.invoice_id, a.payment_method_id, a.card, \
             a.processor, a.amount, a.currency, a.effect, a.status, a.charge_reference, a.client_secret, \
             a.decline_reason, a.billed_at, a.next_at, a.created_at \
             FROM payment_attempts a JOIN customers c ON c.no = a.customer_no ",
            $rest
        )
    };
}

const GET: Sql = sql(select!("WHERE a.tenant_no = $1 AND a.id = $2"));
const LIVE: Sql = sql(select!(
    "WHERE a.tenant_no = $1 AND a.invoice_id = $2 AND a.status IN ('pending', 'requires_form')"
));
const LIVE_OF_CUSTOMER: Sql = sql(select!(
    "WHERE a.tenant_no = $1 AND a.customer_no = $2 AND a.status IN ('pending', 'requires_form')"
));
const INSERT: Sql = sql("INSERT INTO payment_attempts (id, tenant_no, customer_no, invoice_id, \
     payment_method_id, card, processor, amount, currency, effect, status, billed_at, next_at, \
     created_at, updated_at) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $14)");
const STORE: Sql = sql("UPDATE payment_attempts SET status = $1, charge_reference = $2, \
     client_secret = $3, decline_reason = $4, payment_method_id = $5, card = $6, next_at = $7, \
     updated_at = $8 WHERE tenant_no = $9 AND id = $10");
/// The installation's whole: what any node may go on with, of all tenants.
const DUE: Sql = sql("SELECT a.id, t.no, t.organization_id, t.env FROM payment_attempts a \
     JOIN tenants t ON t.no = a.tenant_no WHERE a.next_at <= $1 ORDER BY a.next_at LIMIT $2");
const TAKE_UP: Sql = sql("UPDATE payment_attempts SET next_at = $1 \
     WHERE tenant_no = $2 AND id = $3 AND next_at <= $4");

pub async fn get(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    id: PaymentAttemptId,
) -> Result<Option<Attempt>, DbError> {
    tx.one(&GET, &[tenant.no.into(), id.into()], read).await
}

/// The one attempt on an invoice that may still come to something.
pub async fn live(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    invoice: InvoiceId,
) -> Result<Option<Attempt>, DbError> {
    tx.one(&LIVE, &[tenant.no.into(), invoice.into()], read).await
}

pub async fn live_of_customer(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    customer_no: i64,
) -> Result<Vec<Attempt>, DbError> {
    tx.all(&LIVE_OF_CUSTOMER, &[tenant.no.into(), customer_no.into()], read).await
}

pub async fn insert(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    attempt: &Attempt,
) -> Result<(), DbError> {
    let values = [
        attempt.id.into(),
        tenant.no.into(),
        attempt.customer_no.into(),
        attempt.invoice_id.into(),
        attempt.payment_method_id.into(),
        json(&attempt.card)?.into(),
        (&attempt.processor).into(),
        attempt.amount.into(),
        attempt.currency.into(),
        json(&attempt.effect)?.into(),
        attempt.status.into(),
        attempt.billed_at.into(),
        attempt.next_at.into(),
        attempt.created_at.into(),
    ];
    tx.execute(&INSERT, &values).await.map(|_| ())
}

/// Stores what changes of an attempt.
pub async fn store(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    attempt: &Attempt,
    now: Time,
) -> Result<(), DbError> {
    let values = [
        attempt.status.into(),
        attempt.charge_reference.as_ref().into(),
        attempt.client_secret.as_ref().into(),
        attempt.decline_reason.into(),
        attempt.payment_method_id.into(),
        json(&attempt.card)?.into(),
        attempt.next_at.into(),
        now.into(),
        tenant.no.into(),
        attempt.id.into(),
    ];
    tx.execute(&STORE, &values).await.map(|_| ())
}

/// The attempts that any node may go on with, longest waiting first.
pub async fn due(
    tx: &mut Tx<'_, '_>,
    now: Time,
    limit: i64,
) -> Result<Vec<(PaymentAttemptId, Tenant)>, DbError> {
    tx.all(&DUE, &[now.into(), limit.into()], |row| Ok((row.take()?, read_tenant(row)?))).await
}

/// Takes an attempt up until `until`; `false` where another node has.
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

fn json(value: &impl Serialize) -> Result<String, DbError> {
    serde_json::to_string(value).map_err(|error| DbError::Unexpected(error.into()))
}

fn read(row: &mut Columns<'_>) -> Result<Attempt, DbError> {
    Ok(Attempt {
        customer_no: row.take()?,
        customer_id: row.take()?,
        id: row.take()?,
        invoice_id: row.take()?,
        payment_method_id: row.take()?,
        card: row.take::<JsonText<_>>()?.0,
        processor: row.take()?,
        amount: row.take()?,
        currency: row.take()?,
        effect: row.take::<JsonText<_>>()?.0,
        status: row.take()?,
        charge_reference: row.take()?,
        client_secret: row.take()?,
        decline_reason: row.take()?,
        billed_at: row.take()?,
        next_at: row.take()?,
        created_at: row.take()?,
    })
}

word_columns!(AttemptStatus);
