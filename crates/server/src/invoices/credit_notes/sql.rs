//! SQL statements for credit notes and their refunds.

use super::{CreditNote, CreditNoteReason, CreditNoteStatus, Refund, RefundStatus, Refundable};
use crate::base::{CreditNoteId, CustomerId, InvoiceId, PageQuery, RefundId, Time};
use crate::db::{
    Command, DbError, FromRow, Pages, Query, Sql, Tx, command, pages, query, sql, word_columns,
};
use crate::organizations::Tenant;

macro_rules! notes {
    ($make:ident, $rest:literal) => {
        $make!(
            CreditNote,
            concat!(
                "SELECT {n} FROM credit_notes n JOIN customers c ON c.no = n.customer_no ",
                $rest
            ),
            customer_id = "c.id",
        )
    };
}

const GET: Query<CreditNote> = notes!(query, "WHERE n.tenant_no = $1 AND n.id = $2");
const OF_INVOICE: Query<CreditNote> =
    notes!(query, "WHERE n.tenant_no = $1 AND n.invoice_id = $2 ORDER BY n.id");
/// An empty text is no filter.
const OF_TENANT: Pages<CreditNote> = notes!(
    pages,
    "WHERE n.tenant_no = $1 AND n.id < $2 AND n.id > $3 \
     AND (CAST($4 AS TEXT) = '' OR n.invoice_id = $4) ORDER BY n.id {order} LIMIT $5"
);
const OF_CUSTOMER: Pages<CreditNote> = pages!(
    CreditNote,
    "SELECT {n} FROM credit_notes n WHERE n.tenant_no = $2 AND n.customer_no = $3 \
     AND n.id < $4 AND n.id > $5 AND (CAST($6 AS TEXT) = '' OR n.invoice_id = $6) \
     ORDER BY n.id {order} LIMIT $7",
    customer_id = "CAST($1 AS TEXT)",
);
const INSERT: Command<CreditNote> =
    command!(CreditNote, "INSERT INTO credit_notes (tenant_no, {columns}) VALUES ($1, {values})");
const STORE_VOIDED: Command<CreditNote> = command!(
    CreditNote,
    "UPDATE credit_notes SET status = {status}, voided_at = {voided_at} \
     WHERE tenant_no = $1 AND id = {id}"
);
/// A payment without a reference is a charge. The newest first.
const REFUNDABLE: Query<Refundable> = query!(
    Refundable,
    "SELECT {p} FROM payments p WHERE p.tenant_no = $1 AND p.invoice_id = $2 \
     AND p.reference IS NULL ORDER BY p.id DESC",
    refunded = "(SELECT CAST(COALESCE(SUM(r.amount), 0) AS BIGINT) FROM refunds r \
         WHERE r.tenant_no = p.tenant_no AND r.attempt_id = p.id AND r.status <> 'failed')",
    is_held = "EXISTS (SELECT 1 FROM disputes d \
         WHERE d.tenant_no = p.tenant_no AND d.invoice_id = p.invoice_id AND d.attempt_id = p.id \
         AND d.status IN ('needs_response', 'under_review', 'lost'))",
);
macro_rules! refunds {
    ($rest:literal) => {
        query!(
            Refund,
            concat!("SELECT {r} FROM refunds r JOIN customers c ON c.no = r.customer_no ", $rest),
            customer_id = "c.id",
        )
    };
}
const REFUND: Query<Refund> = refunds!("WHERE r.tenant_no = $1 AND r.id = $2");
const REFUNDS: Query<Refund> =
    refunds!("WHERE r.tenant_no = $1 AND r.credit_note_id = $2 ORDER BY r.id");
const INSERT_REFUND: Command<Refund> = command!(
    Refund,
    "INSERT INTO refunds (tenant_no, {columns}, updated_at) VALUES ($1, {values}, {created_at})"
);
const STORE_REFUND: Command<Refund> = command!(
    Refund,
    "UPDATE refunds SET {set}, updated_at = $1 WHERE tenant_no = $2 AND id = {id}"
);
/// Of the whole installation: the refunds of all tenants that any node may continue.
const DUE_REFUNDS: Query<DueRefund> = query!(
    DueRefund,
    "SELECT {r, tenant: t} FROM refunds r JOIN tenants t ON t.no = r.tenant_no \
     WHERE r.next_at <= $1 ORDER BY r.next_at LIMIT $2"
);
const TAKE_UP_REFUND: Sql = sql("UPDATE refunds SET next_at = $1 \
     WHERE tenant_no = $2 AND id = $3 AND next_at <= $4");

#[derive(FromRow)]
struct DueRefund {
    id: RefundId,
    #[record(join)]
    tenant: Tenant,
}

pub async fn get(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    id: CreditNoteId,
) -> Result<Option<CreditNote>, DbError> {
    tx.fetch_one(&GET, &[tenant.no.into(), id.into()]).await
}

/// Returns the credit notes of an invoice, the oldest first.
pub async fn of_invoice(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    invoice: InvoiceId,
) -> Result<Vec<CreditNote>, DbError> {
    tx.fetch(&OF_INVOICE, &[tenant.no.into(), invoice.into()]).await
}

/// Returns a page of a tenant's or of one customer's credit notes, of one invoice or of all.
pub async fn page(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    customer: Option<(i64, CustomerId)>,
    invoice: Option<InvoiceId>,
    query: &PageQuery,
) -> Result<Vec<CreditNote>, DbError> {
    let (before, after, newer) = query.bounds();
    let invoice = invoice.map_or_else(String::new, |id| id.to_string());
    let (mut values, statements) = match customer {
        Some((no, id)) => (vec![id.into(), tenant.no.into(), no.into()], &OF_CUSTOMER),
        None => (vec![tenant.no.into()], &OF_TENANT),
    };
    values.extend([before.into(), after.into(), invoice.into(), query.fetch().into()]);
    tx.fetch(&statements[usize::from(newer)], &values).await
}

pub async fn insert(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    note: &CreditNote,
) -> Result<(), DbError> {
    tx.store(&INSERT, note, &[tenant.no.into()]).await.map(|_| ())
}

/// Stores that a credit note is void; nothing else of it ever changes.
pub async fn store_voided(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    note: &CreditNote,
) -> Result<(), DbError> {
    tx.store(&STORE_VOIDED, note, &[tenant.no.into()]).await.map(|_| ())
}

/// Returns the charges of an invoice, the newest first.
pub async fn refundable(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    invoice: InvoiceId,
) -> Result<Vec<Refundable>, DbError> {
    tx.fetch(&REFUNDABLE, &[tenant.no.into(), invoice.into()]).await
}

pub async fn refund(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    id: RefundId,
) -> Result<Option<Refund>, DbError> {
    tx.fetch_one(&REFUND, &[tenant.no.into(), id.into()]).await
}

/// Returns the refunds of a credit note, in the order in which they were begun.
pub async fn refunds(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    note: CreditNoteId,
) -> Result<Vec<Refund>, DbError> {
    tx.fetch(&REFUNDS, &[tenant.no.into(), note.into()]).await
}

pub async fn insert_refund(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    refund: &Refund,
) -> Result<(), DbError> {
    tx.store(&INSERT_REFUND, refund, &[tenant.no.into()]).await.map(|_| ())
}

/// Stores the fields of a refund that change.
pub async fn store_refund(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    refund: &Refund,
    now: Time,
) -> Result<(), DbError> {
    tx.store(&STORE_REFUND, refund, &[now.into(), tenant.no.into()]).await.map(|_| ())
}

/// Returns the refunds that any node may continue, the longest waiting first.
pub async fn due_refunds(
    tx: &mut Tx<'_, '_>,
    now: Time,
    limit: i64,
) -> Result<Vec<(RefundId, Tenant)>, DbError> {
    let due = tx.fetch(&DUE_REFUNDS, &[now.into(), limit.into()]).await?;
    Ok(due.into_iter().map(|DueRefund { id, tenant }| (id, tenant)).collect())
}

/// Leases a refund until `until`; returns `false` if another node has it.
pub async fn take_up_refund(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    id: RefundId,
    now: Time,
    until: Time,
) -> Result<bool, DbError> {
    let values = [until.into(), tenant.no.into(), id.into(), now.into()];
    Ok(tx.execute(&TAKE_UP_REFUND, &values).await? == 1)
}

word_columns!(CreditNoteReason, CreditNoteStatus, RefundStatus);
