//! SQL statements for customers.

use super::billing::{BillingProfile, CustomerType, TaxStatus};
use super::search::CustomerSearch;
use super::{Customer, CustomerRef, NewCustomer, SessionsEnd};
use crate::base::{Currency, CustomerId, PageQuery, PaymentMethodId, Time};
use crate::db::{
    Command, DbError, FromRow, Pages, Query, Scalar, Sql, Tx, command, pages, query, scalar, sql,
    word_columns,
};
use crate::organizations::Tenant;

const BY_ID: Query<Customer> =
    query!(Customer, "SELECT {} FROM customers WHERE tenant_no = $1 AND id = $2");
const BY_EXTERNAL_ID: Query<Customer> =
    query!(Customer, "SELECT {} FROM customers WHERE tenant_no = $1 AND external_id = $2");
const LOCK_BY_ID: Query<Customer> =
    query!(Customer, "SELECT {} FROM customers WHERE tenant_no = $1 AND id = $2 {lock}");
const LOCK_BY_EXTERNAL_ID: Query<Customer> =
    query!(Customer, "SELECT {} FROM customers WHERE tenant_no = $1 AND external_id = $2 {lock}");
const LOCK_BY_NO: Query<Customer> =
    query!(Customer, "SELECT {} FROM customers WHERE tenant_no = $1 AND no = $2 {lock}");
const BY_NO: Query<Customer> =
    query!(Customer, "SELECT {} FROM customers WHERE tenant_no = $1 AND no = $2");
const WITH_EMAIL: Query<Customer> = query!(
    Customer,
    "SELECT {} FROM customers WHERE tenant_no = $1 AND lower(email) = $2 \
     AND archived_at IS NULL ORDER BY no LIMIT $3"
);
const PAGE: Pages<WithBilling> = pages!(
    WithBilling,
    "SELECT {customer: c, billing: b} FROM customers c \
     LEFT JOIN customer_billing b ON b.customer_no = c.no \
     WHERE c.tenant_no = $1 AND (CAST($2 AS BOOLEAN) IS NULL OR (c.archived_at IS NOT NULL) = $2) \
     AND c.id < $3 AND c.id > $4 ORDER BY c.id {order} LIMIT $5"
);
const PAGE_WITH_EMAIL: Pages<WithBilling> = pages!(
    WithBilling,
    "SELECT {customer: c, billing: b} FROM customers c \
     LEFT JOIN customer_billing b ON b.customer_no = c.no \
     WHERE c.tenant_no = $1 AND lower(c.email) = $2 \
     AND (CAST($3 AS BOOLEAN) IS NULL OR (c.archived_at IS NOT NULL) = $3) \
     AND c.id < $4 AND c.id > $5 ORDER BY c.id {order} LIMIT $6"
);
const INSERT: Command<NewCustomer> = command!(
    NewCustomer,
    "INSERT INTO customers (tenant_no, id, created_at, updated_at, {columns}) \
     VALUES ($1, $2, $3, $3, {values}) ON CONFLICT DO NOTHING"
);
const UPDATE: Command<Customer> =
    command!(Customer, "UPDATE customers SET {set} WHERE tenant_no = $1 AND no = {no}");
const RAISE: Scalar<i64> = scalar(
    "UPDATE customers SET generation = generation + 1 \
     WHERE tenant_no = $1 AND no = $2 RETURNING generation",
);
const NOTE_ENDED: Sql = sql("INSERT INTO ended_generations \
     (customer_no, generation, ended_at, reason) VALUES ($1, $2, $3, $4)");
/// For `new-epoch`, of the whole installation: the only statements here without a tenant.
const NOTE_ALL_ENDED: Sql = sql("INSERT INTO ended_generations \
     (customer_no, generation, ended_at, reason) SELECT no, generation - 1, CAST($1 AS BIGINT), \
     CAST($2 AS TEXT) FROM customers WHERE generation > 0 ON CONFLICT DO NOTHING");
const RAISE_ALL: Sql = sql("UPDATE customers SET generation = generation + 1");
const DELETE_ENDED: Sql = sql("DELETE FROM ended_generations WHERE (customer_no, generation) IN \
     (SELECT customer_no, generation FROM ended_generations WHERE ended_at < $1 LIMIT $2)");
const BILLING: Query<BillingProfile> = query!(
    BillingProfile,
    "SELECT {} FROM customer_billing WHERE tenant_no = $1 AND customer_no = $2"
);
const PUT_BILLING: Command<BillingProfile> = command!(
    BillingProfile,
    "INSERT INTO customer_billing (tenant_no, customer_no, {columns}) VALUES ($1, $2, {values}) \
     ON CONFLICT (customer_no) DO UPDATE SET {set excluded}"
);
const SET_CURRENCY: Sql = sql("INSERT INTO customer_billing (tenant_no, customer_no, currency) \
     VALUES ($1, $2, $3) ON CONFLICT (customer_no) DO UPDATE \
     SET currency = excluded.currency");
const SET_DEFAULT_PAYMENT_METHOD: Sql = sql("INSERT INTO customer_billing \
     (tenant_no, customer_no, default_payment_method_id) VALUES ($1, $2, $3) \
     ON CONFLICT (customer_no) DO UPDATE SET \
     default_payment_method_id = excluded.default_payment_method_id");

/// A customer with its billing profile.
#[derive(FromRow)]
struct WithBilling {
    #[record(join)]
    customer: Customer,
    #[record(join, default)]
    billing: BillingProfile,
}

pub async fn get(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    reference: &CustomerRef,
) -> Result<Option<Customer>, DbError> {
    find(tx, tenant, reference, &BY_ID, &BY_EXTERNAL_ID).await
}

/// Reads a customer and locks its row until the transaction ends.
pub async fn lock(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    reference: &CustomerRef,
) -> Result<Option<Customer>, DbError> {
    find(tx, tenant, reference, &LOCK_BY_ID, &LOCK_BY_EXTERNAL_ID).await
}

/// The same, by number. Every write on a customer's billing begins with this, so that they run one
/// after the other.
pub async fn lock_no(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    no: i64,
) -> Result<Option<Customer>, DbError> {
    tx.fetch_one(&LOCK_BY_NO, &[tenant.no.into(), no.into()]).await
}

/// Reads a customer by the number that other slices store.
pub async fn by_no(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    no: i64,
) -> Result<Option<Customer>, DbError> {
    tx.fetch_one(&BY_NO, &[tenant.no.into(), no.into()]).await
}

/// Returns the oldest customers with an address, which is in lower case. Archived ones do not count.
pub async fn with_email(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    address: &str,
    limit: i64,
) -> Result<Vec<Customer>, DbError> {
    tx.fetch(&WITH_EMAIL, &[tenant.no.into(), address.into(), limit.into()]).await
}

async fn find(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    reference: &CustomerRef,
    by_id: &Query<Customer>,
    by_external_id: &Query<Customer>,
) -> Result<Option<Customer>, DbError> {
    match reference {
        CustomerRef::Id(id) => tx.fetch_one(by_id, &[tenant.no.into(), (*id).into()]).await,
        CustomerRef::External(id) => {
            tx.fetch_one(by_external_id, &[tenant.no.into(), id.into()]).await
        }
    }
}

/// Returns a page of customers with their billing profiles, by status and e-mail address only.
pub async fn page(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    filter: &CustomerSearch,
    query: &PageQuery,
) -> Result<Vec<(Customer, BillingProfile)>, DbError> {
    let (before, after, newer) = query.bounds();
    let (mut values, statements) = match &filter.email {
        None => (vec![tenant.no.into()], &PAGE),
        Some(email) => {
            (vec![tenant.no.into(), email.to_ascii_lowercase().into()], &PAGE_WITH_EMAIL)
        }
    };
    values.extend([filter.archived.into(), before.into(), after.into(), query.fetch().into()]);
    let rows = tx.fetch(&statements[usize::from(newer)], &values).await?;
    Ok(rows.into_iter().map(|row| (row.customer, row.billing)).collect())
}

/// Stores a customer; returns `false` if the external id is taken.
pub async fn insert(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    id: CustomerId,
    new: &NewCustomer,
    now: Time,
) -> Result<bool, DbError> {
    let given = [tenant.no.into(), id.into(), now.into()];
    Ok(tx.store(&INSERT, new, &given).await? == 1)
}

/// Stores every field of a customer except its generation.
pub async fn update(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    customer: &Customer,
) -> Result<(), DbError> {
    tx.store(&UPDATE, customer, &[tenant.no.into()]).await.map(|_| ())
}

/// Increments the generation and returns it.
pub async fn raise_generation(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    customer_no: i64,
) -> Result<i64, DbError> {
    tx.scalar(&RAISE, &[tenant.no.into(), customer_no.into()])
        .await?
        .ok_or(DbError::Broken("no customer to raise the generation of"))
}

pub async fn note_ended_generation(
    tx: &mut Tx<'_, '_>,
    customer_no: i64,
    generation: i64,
    why: SessionsEnd,
    now: Time,
) -> Result<(), DbError> {
    let values = [customer_no.into(), generation.into(), now.into(), why.as_str().into()];
    tx.execute(&NOTE_ENDED, &values).await.map(|_| ())
}

/// Raises every customer's generation. The update runs before the insert: it waits for concurrent
/// revocations and blocks new ones, so that each ended generation is recorded once.
pub async fn raise_all_generations(tx: &mut Tx<'_, '_>, now: Time) -> Result<u64, DbError> {
    let raised = tx.execute(&RAISE_ALL, &[]).await?;
    tx.execute(&NOTE_ALL_ENDED, &[now.into(), SessionsEnd::NewEpoch.as_str().into()]).await?;
    Ok(raised)
}

/// Deletes at most `limit` records of generations that ended before this instant.
pub async fn delete_ended_before(
    tx: &mut Tx<'_, '_>,
    before: Time,
    limit: i64,
) -> Result<u64, DbError> {
    tx.execute(&DELETE_ENDED, &[before.into(), limit.into()]).await
}

/// Returns a customer's billing profile, or the defaults if none is stored.
pub async fn billing(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    customer_no: i64,
) -> Result<BillingProfile, DbError> {
    let found = tx.fetch_one(&BILLING, &[tenant.no.into(), customer_no.into()]).await?;
    Ok(found.unwrap_or_default())
}

/// Stores the fields of a billing profile that a PATCH may set.
pub async fn put_billing(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    customer_no: i64,
    profile: &BillingProfile,
) -> Result<(), DbError> {
    let given = [tenant.no.into(), customer_no.into()];
    tx.store(&PUT_BILLING, profile, &given).await.map(|_| ())
}

/// Sets the currency that a customer pays in, unless it is set. The first purchase decides it.
pub async fn set_currency(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    customer_no: i64,
    currency: Currency,
) -> Result<(), DbError> {
    let values = [tenant.no.into(), customer_no.into(), currency.into()];
    tx.execute(&SET_CURRENCY, &values).await.map(|_| ())
}

pub async fn set_default_payment_method(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    customer_no: i64,
    id: Option<PaymentMethodId>,
) -> Result<(), DbError> {
    let values = [tenant.no.into(), customer_no.into(), id.into()];
    tx.execute(&SET_DEFAULT_PAYMENT_METHOD, &values).await.map(|_| ())
}

word_columns!(CustomerType, TaxStatus);
