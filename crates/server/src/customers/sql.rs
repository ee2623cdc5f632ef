//! The statements on customers.

use super::billing::{BillingProfile, CustomerType, TaxStatus};
use super::{Customer, CustomerRef, NewCustomer, SessionsEnd};
use crate::base::{Currency, CustomerId, PageQuery, PaymentMethodId, Time};
use crate::db::{Columns, DbError, JsonText, Sql, Tx, json, list, sql, sql_of_each, word_columns};
use crate::organizations::Tenant;

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT no, id, external_id, name, email, metadata, archived_at, generation, \
             created_at, updated_at FROM customers ",
            $rest
        )
    };
}

const BY_ID: Sql = sql(select!("WHERE tenant_no = $1 AND id = $2"));
const BY_EXTERNAL_ID: Sql = sql(select!("WHERE tenant_no = $1 AND external_id = $2"));
// The embedded store has one writer, so a row read in a write is locked as it is.
const LOCK_BY_ID: Sql = sql_of_each(
    select!("WHERE tenant_no = $1 AND id = $2"),
    select!("WHERE tenant_no = $1 AND id = $2 FOR NO KEY UPDATE"),
);
const LOCK_BY_EXTERNAL_ID: Sql = sql_of_each(
    select!("WHERE tenant_no = $1 AND external_id = $2"),
    select!("WHERE tenant_no = $1 AND external_id = $2 FOR NO KEY UPDATE"),
);
const LOCK_BY_NO: Sql = sql_of_each(
    select!("WHERE tenant_no = $1 AND no = $2"),
    select!("WHERE tenant_no = $1 AND no = $2 FOR NO KEY UPDATE"),
);
const BY_NO: Sql = sql(select!("WHERE tenant_no = $1 AND no = $2"));
const PAGE: [Sql; 2] = list!(
    "SELECT c.no, c.id, c.external_id, c.name, c.email, c.metadata, c.archived_at, c.generation, \
     c.created_at, c.updated_at, b.type, b.locale, b.address, b.tax_ids, b.tax_status, b.tax_rate, \
     b.default_payment_method_id, b.currency, b.collection_method, b.net_days \
     FROM customers c LEFT JOIN customer_billing b ON b.customer_no = c.no \
     WHERE c.tenant_no = $1 AND (CAST($2 AS BOOLEAN) IS NULL OR (c.archived_at IS NOT NULL) = $2) \
     AND c.id < $3 AND c.id > $4",
    "c.id",
    "$5"
);
const INSERT: Sql = sql("INSERT INTO customers \
     (tenant_no, id, external_id, name, email, metadata, created_at, updated_at) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $7) \
     ON CONFLICT DO NOTHING");
const UPDATE: Sql = sql("UPDATE customers SET external_id = $1, name = $2, email = $3, \
     metadata = $4, archived_at = $5, updated_at = $6 WHERE tenant_no = $7 AND no = $8");
const RAISE: Sql = sql("UPDATE customers SET generation = generation + 1 \
     WHERE tenant_no = $1 AND no = $2 RETURNING generation");
const NOTE_ENDED: Sql = sql("INSERT INTO ended_generations \
     (customer_no, generation, ended_at, reason) VALUES ($1, $2, $3, $4)");
/// The installation's whole: the only statements here without a tenant, for `new-epoch`.
const NOTE_ALL_ENDED: Sql = sql("INSERT INTO ended_generations \
     (customer_no, generation, ended_at, reason) SELECT no, generation - 1, CAST($1 AS BIGINT), \
     CAST($2 AS TEXT) FROM customers WHERE generation > 0 ON CONFLICT DO NOTHING");
const RAISE_ALL: Sql = sql("UPDATE customers SET generation = generation + 1");
const DELETE_ENDED: Sql = sql("DELETE FROM ended_generations WHERE (customer_no, generation) IN \
     (SELECT customer_no, generation FROM ended_generations WHERE ended_at < $1 LIMIT $2)");
const BILLING: Sql = sql("SELECT type, locale, address, tax_ids, tax_status, tax_rate, \
     default_payment_method_id, currency, collection_method, net_days \
     FROM customer_billing WHERE tenant_no = $1 AND customer_no = $2");
const PUT_BILLING: Sql =
    sql("INSERT INTO customer_billing (tenant_no, customer_no, type, locale, \
     address, tax_ids, tax_status, tax_rate, collection_method, net_days) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (customer_no) DO UPDATE SET \
     type = excluded.type, locale = excluded.locale, address = excluded.address, \
     tax_ids = excluded.tax_ids, tax_status = excluded.tax_status, tax_rate = excluded.tax_rate, \
     collection_method = excluded.collection_method, net_days = excluded.net_days");
const SET_CURRENCY: Sql = sql("INSERT INTO customer_billing (tenant_no, customer_no, currency) \
     VALUES ($1, $2, $3) ON CONFLICT (customer_no) DO UPDATE \
     SET currency = COALESCE(customer_billing.currency, excluded.currency)");
const SET_DEFAULT_PAYMENT_METHOD: Sql = sql("INSERT INTO customer_billing \
     (tenant_no, customer_no, default_payment_method_id) VALUES ($1, $2, $3) \
     ON CONFLICT (customer_no) DO UPDATE SET \
     default_payment_method_id = excluded.default_payment_method_id");

pub async fn get(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    reference: &CustomerRef,
) -> Result<Option<Customer>, DbError> {
    find(tx, tenant, reference, &BY_ID, &BY_EXTERNAL_ID).await
}

/// Reads a customer for change: whoever else wants to change it waits.
pub async fn lock(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    reference: &CustomerRef,
) -> Result<Option<Customer>, DbError> {
    find(tx, tenant, reference, &LOCK_BY_ID, &LOCK_BY_EXTERNAL_ID).await
}

/// The same, by number: what every write on a customer's billing begins with, so that they run one
/// after the other.
pub async fn lock_no(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    no: i64,
) -> Result<Option<Customer>, DbError> {
    tx.one(&LOCK_BY_NO, &[tenant.no.into(), no.into()], read).await
}

/// Reads a customer by the number that other slices' rows carry.
pub async fn by_no(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    no: i64,
) -> Result<Option<Customer>, DbError> {
    tx.one(&BY_NO, &[tenant.no.into(), no.into()], read).await
}

async fn find(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    reference: &CustomerRef,
    by_id: &Sql,
    by_external_id: &Sql,
) -> Result<Option<Customer>, DbError> {
    match reference {
        CustomerRef::Id(id) => tx.one(by_id, &[tenant.no.into(), (*id).into()], read).await,
        CustomerRef::External(id) => {
            tx.one(by_external_id, &[tenant.no.into(), id.into()], read).await
        }
    }
}

/// A page of customers with what billing knows of them; `archived` filters.
pub async fn page(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    archived: Option<bool>,
    query: &PageQuery,
) -> Result<Vec<(Customer, BillingProfile)>, DbError> {
    let (before, after, newer) = query.bounds();
    let values =
        [tenant.no.into(), archived.into(), before.into(), after.into(), query.fetch().into()];
    let read = |row: &mut Columns<'_>| Ok((read(row)?, read_billing(row)?));
    tx.all(&PAGE[usize::from(newer)], &values, read).await
}

/// Stores a customer; `false` where the external id is taken.
pub async fn insert(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    id: CustomerId,
    new: &NewCustomer,
    now: Time,
) -> Result<bool, DbError> {
    let values = [
        tenant.no.into(),
        id.into(),
        new.external_id.as_ref().into(),
        (&new.name).into(),
        (&new.email).into(),
        (&new.metadata).into(),
        now.into(),
    ];
    Ok(tx.execute(&INSERT, &values).await? == 1)
}

/// Stores everything of a customer but its generation.
pub async fn update(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    customer: &Customer,
) -> Result<(), DbError> {
    let values = [
        customer.external_id.as_ref().into(),
        (&customer.name).into(),
        (&customer.email).into(),
        (&customer.metadata).into(),
        customer.archived_at.into(),
        customer.updated_at.into(),
        tenant.no.into(),
        customer.no.into(),
    ];
    tx.execute(&UPDATE, &values).await.map(|_| ())
}

/// Raises the generation and returns the new one.
pub async fn raise_generation(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    customer_no: i64,
) -> Result<i64, DbError> {
    tx.one(&RAISE, &[tenant.no.into(), customer_no.into()], |row| row.take())
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

/// Raises every customer's generation: first, since that waits for revocations under way and keeps
/// others waiting, so that what ended is noted once.
pub async fn raise_all_generations(tx: &mut Tx<'_, '_>, now: Time) -> Result<u64, DbError> {
    let raised = tx.execute(&RAISE_ALL, &[]).await?;
    tx.execute(&NOTE_ALL_ENDED, &[now.into(), SessionsEnd::NewEpoch.as_str().into()]).await?;
    Ok(raised)
}

/// Forgets when generations ended whose sessions are all deleted.
pub async fn delete_ended_before(
    tx: &mut Tx<'_, '_>,
    before: Time,
    limit: i64,
) -> Result<u64, DbError> {
    tx.execute(&DELETE_ENDED, &[before.into(), limit.into()]).await
}

/// Reads `no, id, external_id, name, email, metadata, archived_at, generation, created_at,
/// updated_at`.
pub fn read(row: &mut Columns<'_>) -> Result<Customer, DbError> {
    Ok(Customer {
        no: row.take()?,
        id: row.take()?,
        external_id: row.take()?,
        name: row.take()?,
        email: row.take()?,
        metadata: row.take()?,
        archived_at: row.take()?,
        generation: row.take()?,
        created_at: row.take()?,
        updated_at: row.take()?,
    })
}

/// What billing knows of a customer.
pub async fn billing(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    customer_no: i64,
) -> Result<BillingProfile, DbError> {
    let found = tx.one(&BILLING, &[tenant.no.into(), customer_no.into()], read_billing).await?;
    Ok(found.unwrap_or_default())
}

/// Stores what a PATCH may set of it.
pub async fn put_billing(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    customer_no: i64,
    profile: &BillingProfile,
) -> Result<(), DbError> {
    let values = [
        tenant.no.into(),
        customer_no.into(),
        profile.r#type.into(),
        profile.locale.as_ref().into(),
        profile.address.as_ref().map(json).into(),
        json(&profile.tax_ids).into(),
        profile.tax_status.into(),
        profile.tax_rate.as_ref().map(json).into(),
        profile.collection_method.into(),
        profile.net_days.into(),
    ];
    tx.execute(&PUT_BILLING, &values).await.map(|_| ())
}

/// Notes what a customer pays in, which its first purchase decides.
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

/// Reads `type, locale, address, tax_ids, tax_status, tax_rate, default_payment_method_id,
/// currency, collection_method, net_days`; where a join found no row, the defaults.
pub fn read_billing(row: &mut Columns<'_>) -> Result<BillingProfile, DbError> {
    let default = BillingProfile::default();
    Ok(BillingProfile {
        r#type: row.take::<Option<_>>()?.unwrap_or(default.r#type),
        locale: row.take()?,
        address: row.take::<Option<JsonText<_>>>()?.map(|json| json.0),
        tax_ids: row.take::<Option<JsonText<_>>>()?.map_or(default.tax_ids, |json| json.0),
        tax_status: row.take::<Option<_>>()?.unwrap_or(default.tax_status),
        tax_rate: row.take::<Option<JsonText<_>>>()?.map(|json| json.0),
        default_payment_method_id: row.take()?,
        currency: row.take()?,
        collection_method: row.take::<Option<_>>()?.unwrap_or(default.collection_method),
        net_days: row.take::<Option<_>>()?.unwrap_or(default.net_days),
    })
}

word_columns!(CustomerType, TaxStatus);
