//! SQL statements for disputes.

use super::Dispute;
use crate::base::{DisputeStatus, InvoiceId, PaymentAttemptId};
use crate::db::{Command, DbError, Query, Sql, Tx, command, query, sql, word_columns};
use crate::organizations::Tenant;

const GET: Query<Dispute> = query!(
    Dispute,
    "SELECT {} FROM disputes WHERE tenant_no = $1 AND processor = $2 AND reference = $3"
);
const OF_INVOICE: Query<Dispute> = query!(
    Dispute,
    "SELECT {} FROM disputes WHERE tenant_no = $1 AND invoice_id = $2 \
     ORDER BY created_at, reference"
);
const INSERT: Command<Dispute> =
    command!(Dispute, "INSERT INTO disputes (tenant_no, {columns}) VALUES ($1, {values})");
const STORE: Command<Dispute> = command!(
    Dispute,
    "UPDATE disputes SET {set} WHERE tenant_no = $1 AND processor = {processor} \
     AND reference = {reference}"
);
const REVERSE: Sql = sql("UPDATE payments SET reversed = reversed + $1 \
     WHERE tenant_no = $2 AND invoice_id = $3 AND id = $4");

pub async fn get(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    processor: &str,
    reference: &str,
) -> Result<Option<Dispute>, DbError> {
    tx.fetch_one(&GET, &[tenant.no.into(), processor.into(), reference.into()]).await
}

/// Returns the disputes of an invoice's payments, the oldest first.
pub async fn of_invoice(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    invoice: InvoiceId,
) -> Result<Vec<Dispute>, DbError> {
    tx.fetch(&OF_INVOICE, &[tenant.no.into(), invoice.into()]).await
}

pub async fn insert(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    dispute: &Dispute,
) -> Result<(), DbError> {
    tx.store(&INSERT, dispute, &[tenant.no.into()]).await.map(|_| ())
}

/// Stores the fields of a dispute that change.
pub async fn store(tx: &mut Tx<'_, '_>, tenant: &Tenant, dispute: &Dispute) -> Result<(), DbError> {
    tx.store(&STORE, dispute, &[tenant.no.into()]).await.map(|_| ())
}

/// Adds to the part of a payment that was taken back.
pub async fn reverse(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    invoice: InvoiceId,
    (charge, amount): (PaymentAttemptId, i64),
) -> Result<(), DbError> {
    let values = [amount.into(), tenant.no.into(), invoice.into(), charge.into()];
    match tx.execute(&REVERSE, &values).await? {
        1 => Ok(()),
        _ => Err(DbError::Broken("there is no payment to take back")),
    }
}

word_columns!(DisputeStatus);
