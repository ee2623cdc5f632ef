//! The statements on payment methods and on customers at processors.

use super::{Card, DeclineReason, PaymentMethod};
use crate::base::{PageQuery, PaymentMethodId, Time};
use crate::db::{Columns, DbError, Sql, Tx, sql, word_columns};
use crate::organizations::Tenant;

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT m.customer_no, m.id, m.processor, m.reference, m.brand, m.last4, m.exp_month, \
             m.exp_year, COALESCE(b.default_payment_method_id = m.id, FALSE), m.metadata, \
             m.created_at, m.updated_at FROM payment_methods m \
             LEFT JOIN customer_billing b ON b.customer_no = m.customer_no ",
            $rest
        )
    };
}

const GET: Sql = sql(select!("WHERE m.tenant_no = $1 AND m.id = $2"));
const DEFAULT: Sql = sql(select!(
    "WHERE m.tenant_no = $1 AND m.customer_no = $2 AND m.id = b.default_payment_method_id"
));
const BY_REFERENCE: Sql = sql(select!(
    "WHERE m.tenant_no = $1 AND m.customer_no = $2 AND m.processor = $3 AND m.reference = $4"
));
const PAGE: [Sql; 2] = [
    sql(select!(
        "WHERE m.tenant_no = $1 AND m.customer_no = $2 AND m.id < $3 AND m.id > $4 \
         ORDER BY m.id DESC LIMIT $5"
    )),
    sql(select!(
        "WHERE m.tenant_no = $1 AND m.customer_no = $2 AND m.id < $3 AND m.id > $4 \
         ORDER BY m.id ASC LIMIT $5"
    )),
];
const INSERT: Sql = sql("INSERT INTO payment_methods (tenant_no, customer_no, id, processor, \
     reference, type, brand, last4, exp_month, exp_year, metadata, created_at, updated_at) \
     VALUES ($1, $2, $3, $4, $5, 'card', $6, $7, $8, $9, '{}', $10, $10) ON CONFLICT DO NOTHING");
const DELETE: Sql = sql("DELETE FROM payment_methods WHERE tenant_no = $1 AND id = $2");
const REFERENCE: Sql = sql("SELECT reference FROM processor_customers \
     WHERE tenant_no = $1 AND customer_no = $2 AND processor = $3");
const OF_REFERENCE: Sql = sql("SELECT customer_no FROM processor_customers \
     WHERE tenant_no = $1 AND processor = $2 AND reference = $3");
const KEEP_REFERENCE: Sql = sql("INSERT INTO processor_customers \
     (customer_no, processor, tenant_no, reference) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING");

pub async fn get(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    id: PaymentMethodId,
) -> Result<Option<PaymentMethod>, DbError> {
    tx.one(&GET, &[tenant.no.into(), id.into()], read).await
}

/// The payment method that is charged unless another is named.
pub async fn default_of(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    customer_no: i64,
) -> Result<Option<PaymentMethod>, DbError> {
    tx.one(&DEFAULT, &[tenant.no.into(), customer_no.into()], read).await
}

pub async fn by_reference(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    customer_no: i64,
    processor: &str,
    reference: &str,
) -> Result<Option<PaymentMethod>, DbError> {
    let values = [tenant.no.into(), customer_no.into(), processor.into(), reference.into()];
    tx.one(&BY_REFERENCE, &values, read).await
}

pub async fn page(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    customer_no: i64,
    query: &PageQuery,
) -> Result<Vec<PaymentMethod>, DbError> {
    let (before, after, newer) = query.bounds();
    let values =
        [tenant.no.into(), customer_no.into(), before.into(), after.into(), query.fetch().into()];
    tx.all(&PAGE[usize::from(newer)], &values, read).await
}

/// Keeps a payment method; `false` where the customer has it already.
pub async fn insert(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    customer_no: i64,
    id: PaymentMethodId,
    processor: &str,
    card: &Card,
    now: Time,
) -> Result<bool, DbError> {
    let values = [
        tenant.no.into(),
        customer_no.into(),
        id.into(),
        processor.into(),
        (&card.reference).into(),
        (&card.brand).into(),
        (&card.last4).into(),
        card.exp_month.into(),
        card.exp_year.into(),
        now.into(),
    ];
    Ok(tx.execute(&INSERT, &values).await? == 1)
}

pub async fn delete(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    id: PaymentMethodId,
) -> Result<(), DbError> {
    tx.execute(&DELETE, &[tenant.no.into(), id.into()]).await.map(|_| ())
}

pub async fn reference(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    customer_no: i64,
    processor: &str,
) -> Result<Option<String>, DbError> {
    let values = [tenant.no.into(), customer_no.into(), processor.into()];
    tx.one(&REFERENCE, &values, |row| row.take()).await
}

pub async fn customer_of_reference(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    processor: &str,
    reference: &str,
) -> Result<Option<i64>, DbError> {
    let values = [tenant.no.into(), processor.into(), reference.into()];
    tx.one(&OF_REFERENCE, &values, |row| row.take()).await
}

/// Keeps the processor's reference of a customer, unless there is one.
pub async fn keep_reference(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    customer_no: i64,
    processor: &str,
    reference: &str,
) -> Result<(), DbError> {
    let values = [customer_no.into(), processor.into(), tenant.no.into(), reference.into()];
    tx.execute(&KEEP_REFERENCE, &values).await.map(|_| ())
}

fn read(row: &mut Columns<'_>) -> Result<PaymentMethod, DbError> {
    Ok(PaymentMethod {
        customer_no: row.take()?,
        id: row.take()?,
        processor: row.take()?,
        card: Card {
            reference: row.take()?,
            brand: row.take()?,
            last4: row.take()?,
            exp_month: row.take()?,
            exp_year: row.take()?,
        },
        is_default: row.take()?,
        metadata: row.take()?,
        created_at: row.take()?,
        updated_at: row.take()?,
    })
}

word_columns!(DeclineReason);
