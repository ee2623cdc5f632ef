//! SQL statements for customer balances.

use super::{Balance, BalanceEntry, BalanceEntryType};
use crate::base::{Currency, PageQuery};
use crate::db::{Command, DbError, Pages, Query, Tx, command, pages, query, word_columns};
use crate::organizations::Tenant;

const GET: Query<Balance> = query!(
    Balance,
    "SELECT {} FROM customer_balances WHERE tenant_no = $1 AND customer_no = $2 AND currency = $3"
);
const ALL: Query<Balance> = query!(
    Balance,
    "SELECT {} FROM customer_balances WHERE tenant_no = $1 AND customer_no = $2 ORDER BY currency"
);
const PUT: Command<Balance> = command!(
    Balance,
    "INSERT INTO customer_balances (tenant_no, customer_no, {columns}) VALUES ($1, $2, {values}) \
     ON CONFLICT (tenant_no, customer_no, currency) DO UPDATE SET {set excluded}"
);
const APPEND: Command<BalanceEntry> = command!(
    BalanceEntry,
    "INSERT INTO balance_entries (tenant_no, customer_no, {columns}) VALUES ($1, $2, {values})"
);
/// An empty text is no filter.
const PAGE: Pages<BalanceEntry> = pages!(
    BalanceEntry,
    "SELECT {} FROM balance_entries WHERE tenant_no = $1 AND customer_no = $2 \
     AND id < $3 AND id > $4 AND (CAST($5 AS TEXT) = '' OR currency = $5) \
     ORDER BY id {order} LIMIT $6"
);

/// Returns the balance of a customer in a currency; `None` if it never had one.
pub async fn get(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    customer_no: i64,
    currency: Currency,
) -> Result<Option<Balance>, DbError> {
    tx.fetch_one(&GET, &[tenant.no.into(), customer_no.into(), currency.into()]).await
}

/// Returns the balances of a customer.
pub async fn all(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    customer_no: i64,
) -> Result<Vec<Balance>, DbError> {
    tx.fetch(&ALL, &[tenant.no.into(), customer_no.into()]).await
}

/// Appends an entry and stores the balance after it.
pub(super) async fn append(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    customer_no: i64,
    entry: &BalanceEntry,
) -> Result<(), DbError> {
    let key = [tenant.no.into(), customer_no.into()];
    let balance = Balance {
        currency: entry.currency,
        amount: entry.balance_after,
        last_entry_id: entry.id,
        updated_at: entry.created_at,
    };
    tx.store(&APPEND, entry, &key).await?;
    tx.store(&PUT, &balance, &key).await.map(|_| ())
}

/// Returns a page of a customer's entries, in one currency or in all.
pub async fn page(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    customer_no: i64,
    currency: Option<Currency>,
    query: &PageQuery,
) -> Result<Vec<BalanceEntry>, DbError> {
    let (before, after, newer) = query.bounds();
    let currency = currency.map_or_else(String::new, |currency| currency.to_string());
    let values = [
        tenant.no.into(),
        customer_no.into(),
        before.into(),
        after.into(),
        currency.into(),
        query.fetch().into(),
    ];
    tx.fetch(&PAGE[usize::from(newer)], &values).await
}

word_columns!(BalanceEntryType);
