//! The statements that list and show wallets.

use super::GrantOf;
use crate::base::{
    CreditAccountId, CreditCurrencyId, GrantId, InvoiceId, LedgerEntryId, PageQuery, ProductId,
    Time,
};
use crate::credits::subscription::Granted;
use crate::credits::{AccountView, DayView, Grant, LedgerEntry, TopUp};
use crate::db::{DbError, FromRow, Pages, Query, Sql, Tx, Value, pages, query, sql};
use crate::organizations::Tenant;
use std::collections::HashMap;

macro_rules! accounts {
    ($make:ident, $rest:literal) => {
        $make!(
            AccountView,
            concat!(
                "SELECT {account: a, currency: u} FROM credit_accounts a \
                 JOIN customers c ON c.no = a.customer_no \
                 JOIN credit_currencies u ON u.tenant_no = a.tenant_no \
                 AND u.id = a.credit_currency_id \
                 LEFT JOIN customer_billing b ON b.customer_no = a.customer_no \
                 WHERE a.tenant_no = $1 ",
                $rest
            ),
            customer_id = "c.id",
            default_method = "b.default_payment_method_id",
        )
    };
}

const BY_ID: Query<AccountView> = accounts!(query, "AND a.id = $2");
const OF_TENANT: Pages<AccountView> =
    accounts!(pages, "AND a.id < $2 AND a.id > $3 ORDER BY a.id {order} LIMIT $4");
const OF_CUSTOMER: Pages<AccountView> = accounts!(
    pages,
    "AND a.id < $2 AND a.id > $3 AND a.customer_no = $4 ORDER BY a.id {order} LIMIT $5"
);
const REMAINING: Query<GrantOf> = query!(
    GrantOf,
    sqlite = "SELECT {g} FROM credit_grants g \
         WHERE g.account_no = $1 AND g.is_open AND g.remaining > 0",
    postgres = "SELECT {g} FROM unnest($1::BIGINT[]) AS w(account_no) JOIN credit_grants g \
         ON g.account_no = w.account_no AND g.is_open AND g.remaining > 0",
);
const GRANTED: Query<Granted> = query!(
    Granted,
    "SELECT {g} FROM credit_accounts a JOIN credit_grants g ON g.account_no = a.no \
     JOIN subscriptions s ON s.tenant_no = a.tenant_no AND s.id = g.subscription_id \
     WHERE a.tenant_no = $1 AND a.customer_no = $2 AND s.product_id = $3 AND g.expires_at > $4 \
     AND g.source IN ('plan', 'daily') ORDER BY g.account_no, g.id",
    currency_id = "a.credit_currency_id",
);
const GRANT: Query<Grant> =
    query!(Grant, "SELECT {} FROM credit_grants WHERE account_no = $1 AND id = $2");
const LEDGER: Pages<LedgerEntry> = pages!(
    LedgerEntry,
    "SELECT {} FROM credit_ledger WHERE account_no = $1 AND id < $2 AND id > $3 \
     ORDER BY id {order} LIMIT $4"
);
const ENTRY: Query<LedgerEntry> =
    query!(LedgerEntry, "SELECT {} FROM credit_ledger WHERE account_no = $1 AND id = $2");
const IS_UNDONE: Sql = sql("SELECT id FROM credit_ledger WHERE account_no = $1 AND undoes = $2");
const TOP_UPS: Pages<TopUp> = pages!(
    TopUp,
    "SELECT {} FROM credit_top_ups WHERE account_no = $1 AND id < $2 AND id > $3 \
     ORDER BY id {order} LIMIT $4"
);
/// A customer has few wallets and a wallet few top-ups, so a scan finds the draft or invoice.
const OPEN_TOP_UP: Query<TopUpOf> = query!(
    TopUpOf,
    "SELECT {top_up: t} FROM credit_accounts a JOIN credit_top_ups t ON t.account_no = a.no \
     WHERE a.tenant_no = $1 AND a.customer_no = $2 AND t.invoice_id = $3 AND t.status = 'pending'",
    credit_currency_id = "a.credit_currency_id",
);
const PAID_TOP_UP: Query<TopUpOf> = query!(
    TopUpOf,
    "SELECT {top_up: t} FROM credit_accounts a JOIN credit_top_ups t ON t.account_no = a.no \
     WHERE a.tenant_no = $1 AND a.customer_no = $2 AND t.invoice_id = $3 AND t.status = 'succeeded'",
    credit_currency_id = "a.credit_currency_id",
);
const DAYS: Query<DayView> =
    query!(DayView, "SELECT {} FROM credit_days WHERE account_no = $1 AND day >= $2 ORDER BY day");

#[derive(FromRow)]
struct TopUpOf {
    #[record(computed)]
    credit_currency_id: CreditCurrencyId,
    #[record(join)]
    top_up: TopUp,
}

/// Returns a wallet as it is shown, or `None` if the tenant has no such wallet.
pub async fn view(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    id: CreditAccountId,
) -> Result<Option<AccountView>, DbError> {
    let found = tx.fetch(&BY_ID, &[tenant.no.into(), id.into()]).await?;
    Ok(with_grants(tx, found).await?.pop())
}

/// Reads a page of the wallets of a tenant or of one customer.
pub async fn page(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    customer_no: Option<i64>,
    query: &PageQuery,
) -> Result<Vec<AccountView>, DbError> {
    let (before, after, newer) = query.bounds();
    let mut values: Vec<Value<'_>> = vec![tenant.no.into(), before.into(), after.into()];
    let statements = match customer_no {
        None => &OF_TENANT,
        Some(no) => {
            values.push(no.into());
            &OF_CUSTOMER
        }
    };
    values.push(query.fetch().into());
    let found = tx.fetch(&statements[usize::from(newer)], &values).await?;
    with_grants(tx, found).await
}

async fn with_grants(
    tx: &mut Tx<'_, '_>,
    mut views: Vec<AccountView>,
) -> Result<Vec<AccountView>, DbError> {
    let rows: Vec<_> = views.iter().map(|view| [view.account.no.into()]).collect();
    let grants = tx.fetch_each(&REMAINING, &rows).await?;
    let mut by_account: HashMap<i64, Vec<Grant>> = HashMap::new();
    for GrantOf { account_no, grant } in grants {
        by_account.entry(account_no).or_default().push(grant);
    }
    for view in &mut views {
        view.grants = by_account.remove(&view.account.no).unwrap_or_default();
        view.grants.sort_unstable_by_key(Grant::order);
    }
    Ok(views)
}

pub async fn grant(
    tx: &mut Tx<'_, '_>,
    account_no: i64,
    id: GrantId,
) -> Result<Option<Grant>, DbError> {
    tx.fetch_one(&GRANT, &[account_no.into(), id.into()]).await
}

/// Returns what a product has granted a customer for windows that have not ended, spent or not, by
/// each of its subscriptions.
pub async fn granted(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    customer_no: i64,
    product_id: ProductId,
    at: Time,
) -> Result<Vec<Granted>, DbError> {
    let values = [tenant.no.into(), customer_no.into(), product_id.into(), at.into()];
    tx.fetch(&GRANTED, &values).await
}

/// Reads a page of a wallet's ledger.
pub async fn ledger(
    tx: &mut Tx<'_, '_>,
    account_no: i64,
    query: &PageQuery,
) -> Result<Vec<LedgerEntry>, DbError> {
    let (before, after, newer) = query.bounds();
    let values = [account_no.into(), before.into(), after.into(), query.fetch().into()];
    tx.fetch(&LEDGER[usize::from(newer)], &values).await
}

pub async fn entry(
    tx: &mut Tx<'_, '_>,
    account_no: i64,
    id: LedgerEntryId,
) -> Result<Option<LedgerEntry>, DbError> {
    tx.fetch_one(&ENTRY, &[account_no.into(), id.into()]).await
}

/// Whether an entry was reversed.
pub async fn is_undone(
    tx: &mut Tx<'_, '_>,
    account_no: i64,
    id: LedgerEntryId,
) -> Result<bool, DbError> {
    tx.exists(&IS_UNDONE, &[account_no.into(), id.into()]).await
}

/// Reads a page of a wallet's top-ups.
pub async fn top_ups(
    tx: &mut Tx<'_, '_>,
    account_no: i64,
    query: &PageQuery,
) -> Result<Vec<TopUp>, DbError> {
    let (before, after, newer) = query.bounds();
    let values = [account_no.into(), before.into(), after.into(), query.fetch().into()];
    tx.fetch(&TOP_UPS[usize::from(newer)], &values).await
}

/// Returns the pending top-up of an invoice, and its credit currency.
pub async fn open_top_up(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    customer_no: i64,
    invoice: InvoiceId,
) -> Result<Option<(CreditCurrencyId, TopUp)>, DbError> {
    let values = [tenant.no.into(), customer_no.into(), invoice.into()];
    let found = tx.fetch_one(&OPEN_TOP_UP, &values).await?;
    Ok(found.map(|row| (row.credit_currency_id, row.top_up)))
}

/// Returns the paid top-up of an invoice, and its credit currency.
pub async fn paid_top_up(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    customer_no: i64,
    invoice: InvoiceId,
) -> Result<Option<(CreditCurrencyId, TopUp)>, DbError> {
    let values = [tenant.no.into(), customer_no.into(), invoice.into()];
    let found = tx.fetch_one(&PAID_TOP_UP, &values).await?;
    Ok(found.map(|row| (row.credit_currency_id, row.top_up)))
}

/// Returns the sums of the ledger by day, from this day on; days without an entry are left out.
pub async fn days(
    tx: &mut Tx<'_, '_>,
    account_no: i64,
    from: i64,
) -> Result<Vec<DayView>, DbError> {
    tx.fetch(&DAYS, &[account_no.into(), from.into()]).await
}
