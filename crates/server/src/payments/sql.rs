//! SQL statements for payment methods, and for customers at processors.

use super::{Card, DeclineReason, PaymentMethod};
use crate::base::{CustomerId, PageQuery, PaymentMethodId, Time};
use crate::db::{
    Command, DbError, FromRow, Pages, Query, Scalar, Sql, Tx, command, pages, query, scalar, sql,
    word_columns,
};
use crate::organizations::Tenant;

macro_rules! methods {
    ($make:ident, $rest:literal) => {
        $make!(
            PaymentMethod,
            concat!(
                "SELECT {m} FROM payment_methods m \
                 LEFT JOIN customer_billing b ON b.customer_no = m.customer_no ",
                $rest
            ),
            is_default = "COALESCE(b.default_payment_method_id = m.id, FALSE)",
            is_declined = "COALESCE((SELECT a.status = 'declined' FROM payment_attempts a \
                 WHERE a.tenant_no = m.tenant_no AND a.customer_no = m.customer_no \
                 AND a.payment_method_id = m.id \
                 AND a.status NOT IN ('pending', 'requires_form', 'abandoned') \
                 ORDER BY a.id DESC LIMIT 1), FALSE)",
        )
    };
}

const GET: Query<PaymentMethod> = methods!(query, "WHERE m.tenant_no = $1 AND m.id = $2");
const DEFAULT: Query<PaymentMethod> = methods!(
    query,
    "WHERE m.tenant_no = $1 AND m.customer_no = $2 AND m.id = b.default_payment_method_id"
);
const BY_REFERENCE: Query<PaymentMethod> = methods!(
    query,
    "WHERE m.tenant_no = $1 AND m.customer_no = $2 AND m.processor = $3 AND m.reference = $4"
);
const OF_CUSTOMER: Query<PaymentMethod> =
    methods!(query, "WHERE m.tenant_no = $1 AND m.customer_no = $2 ORDER BY m.id");
const PAGE: Pages<PaymentMethod> = methods!(
    pages,
    "WHERE m.tenant_no = $1 AND m.customer_no = $2 AND m.id < $3 AND m.id > $4 \
     ORDER BY m.id {order} LIMIT $5"
);
const INSERT: Command<Card> = command!(
    Card,
    "INSERT INTO payment_methods (tenant_no, customer_no, id, processor, type, {columns}, \
     metadata, created_at, updated_at) \
     VALUES ($1, $2, $3, $4, 'card', {values}, '{}', $5, $5) ON CONFLICT DO NOTHING"
);
const SET_CARD: Command<Card> = command!(
    Card,
    "UPDATE payment_methods SET {set}, declined_for_good = FALSE, updated_at = $1 \
     WHERE tenant_no = $2 AND id = $3"
);
const SET_DECLINED_FOR_GOOD: Sql = sql("UPDATE payment_methods SET declined_for_good = $1 \
     WHERE tenant_no = $2 AND id = $3 AND declined_for_good <> $4");
const EXPIRING: Query<Expiring> = query!(
    Expiring,
    "SELECT {m} FROM payment_methods m JOIN customers c ON c.no = m.customer_no \
     WHERE m.tenant_no = $1 AND (m.exp_year, m.exp_month) > ($2, $3) \
     AND (m.exp_year, m.exp_month) <= ($4, $5) \
     AND m.expiry_announced <> m.exp_year * 12 + m.exp_month AND c.archived_at IS NULL \
     ORDER BY m.exp_year, m.exp_month, m.id LIMIT $6",
    customer_id = "c.id",
);
const SET_ANNOUNCED: Sql = sql("UPDATE payment_methods \
     SET expiry_announced = exp_year * 12 + exp_month WHERE tenant_no = $1 AND id = $2 \
     AND expiry_announced <> exp_year * 12 + exp_month");
const DELETE: Sql = sql("DELETE FROM payment_methods WHERE tenant_no = $1 AND id = $2");
const REFERENCE: Scalar<String> = scalar(
    "SELECT reference FROM processor_customers \
     WHERE tenant_no = $1 AND customer_no = $2 AND processor = $3",
);
const OF_REFERENCE: Scalar<i64> = scalar(
    "SELECT customer_no FROM processor_customers \
     WHERE tenant_no = $1 AND processor = $2 AND reference = $3",
);
const KEEP_REFERENCE: Sql = sql("INSERT INTO processor_customers \
     (customer_no, processor, tenant_no, reference) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING");

const DELETE_REFERENCE: Sql = sql("DELETE FROM processor_customers \
     WHERE tenant_no = $1 AND customer_no = $2 AND processor = $3");

#[derive(FromRow)]
struct Expiring {
    id: PaymentMethodId,
    #[record(computed)]
    customer_id: CustomerId,
}

pub async fn get(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    id: PaymentMethodId,
) -> Result<Option<PaymentMethod>, DbError> {
    tx.fetch_one(&GET, &[tenant.no.into(), id.into()]).await
}

/// Returns the payment method that is charged unless another is named.
pub async fn default_of(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    customer_no: i64,
) -> Result<Option<PaymentMethod>, DbError> {
    tx.fetch_one(&DEFAULT, &[tenant.no.into(), customer_no.into()]).await
}

pub async fn by_reference(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    customer_no: i64,
    processor: &str,
    reference: &str,
) -> Result<Option<PaymentMethod>, DbError> {
    let values = [tenant.no.into(), customer_no.into(), processor.into(), reference.into()];
    tx.fetch_one(&BY_REFERENCE, &values).await
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
    tx.fetch(&PAGE[usize::from(newer)], &values).await
}

/// A payment method to store.
#[derive(Clone, Copy, Debug)]
pub struct NewMethod<'a> {
    pub id: PaymentMethodId,
    pub processor: &'a str,
    pub card: &'a Card,
    pub created_at: Time,
}

/// Stores a payment method; returns `false` if the customer has it already.
pub async fn insert(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    customer_no: i64,
    new: &NewMethod<'_>,
) -> Result<bool, DbError> {
    let NewMethod { id, processor, card, created_at } = *new;
    let given =
        [tenant.no.into(), customer_no.into(), id.into(), processor.into(), created_at.into()];
    Ok(tx.store(&INSERT, card, &given).await? == 1)
}

pub async fn set_card(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    id: PaymentMethodId,
    card: &Card,
    now: Time,
) -> Result<(), DbError> {
    let given = [now.into(), tenant.no.into(), id.into()];
    tx.store(&SET_CARD, card, &given).await.map(|_| ())
}

pub async fn set_declined_for_good(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    id: PaymentMethodId,
    declined: bool,
) -> Result<(), DbError> {
    let values = [declined.into(), tenant.no.into(), id.into(), declined.into()];
    tx.execute(&SET_DECLINED_FOR_GOOD, &values).await.map(|_| ())
}

pub async fn delete(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    id: PaymentMethodId,
) -> Result<(), DbError> {
    tx.execute(&DELETE, &[tenant.no.into(), id.into()]).await.map(|_| ())
}

/// A year and its month, from 1.
pub type YearMonth = (i64, i64);

/// Returns payment methods whose expiry was not announced and is in a range of months, the first
/// exclusive.
pub async fn expiring(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    (after, until): (YearMonth, YearMonth),
    limit: i64,
) -> Result<Vec<(PaymentMethodId, CustomerId)>, DbError> {
    let values = [
        tenant.no.into(),
        after.0.into(),
        after.1.into(),
        until.0.into(),
        until.1.into(),
        limit.into(),
    ];
    let found = tx.fetch(&EXPIRING, &values).await?.into_iter();
    Ok(found.map(|row| (row.id, row.customer_id)).collect())
}

/// Marks the expiry of a payment method as announced; `false` if it is already.
pub async fn set_announced(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    id: PaymentMethodId,
) -> Result<bool, DbError> {
    Ok(tx.execute(&SET_ANNOUNCED, &[tenant.no.into(), id.into()]).await? == 1)
}

pub async fn reference(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    customer_no: i64,
    processor: &str,
) -> Result<Option<String>, DbError> {
    let values = [tenant.no.into(), customer_no.into(), processor.into()];
    tx.scalar(&REFERENCE, &values).await
}

pub async fn customer_of_reference(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    processor: &str,
    reference: &str,
) -> Result<Option<i64>, DbError> {
    let values = [tenant.no.into(), processor.into(), reference.into()];
    tx.scalar(&OF_REFERENCE, &values).await
}

/// Stores the processor's reference of a customer, unless there is one.
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

/// Deletes the processor's reference of a customer.
pub(super) async fn delete_reference(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    customer_no: i64,
    processor: &str,
) -> Result<(), DbError> {
    let values = [tenant.no.into(), customer_no.into(), processor.into()];
    tx.execute(&DELETE_REFERENCE, &values).await.map(|_| ())
}

pub async fn of_customer(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    customer_no: i64,
) -> Result<Vec<PaymentMethod>, DbError> {
    tx.fetch(&OF_CUSTOMER, &[tenant.no.into(), customer_no.into()]).await
}

word_columns!(DeclineReason);
