//! The statements that show wallets: in pages, with what their names say.

use super::{read_account, read_grant, select_account};
use crate::base::{
    CreditAccountId, CreditCurrencyId, CustomerId, GrantId, InvoiceId, LedgerEntryId, PageQuery,
    ProductId, Time,
};
use crate::catalog::Cadence;
use crate::credits::{AccountView, CurrencyView, DayView, Entry, Grant, TopUp};
use crate::db::{Columns, DbError, Sql, Tx, Value, list, sql, sql_of_each};
use crate::organizations::Tenant;
use std::collections::{BTreeMap, HashMap};

macro_rules! accounts {
    ($where:literal) => {
        sql(concat!(
            select_account!(
                ", c.id, u.slug, u.name, u.denomination, u.minor_unit_scale, \
                 b.default_payment_method_id FROM credit_accounts a \
                 JOIN customers c ON c.no = a.customer_no \
                 JOIN credit_currencies u ON u.tenant_no = a.tenant_no \
                 AND u.id = a.credit_currency_id \
                 LEFT JOIN customer_billing b ON b.customer_no = a.customer_no \
                 WHERE a.tenant_no = $1 "
            ),
            $where
        ))
    };
}

const BY_ID: Sql = accounts!("AND a.id = $2");
const OF_TENANT: [Sql; 2] = [
    accounts!("AND a.id < $2 AND a.id > $3 ORDER BY a.id DESC LIMIT $4"),
    accounts!("AND a.id < $2 AND a.id > $3 ORDER BY a.id ASC LIMIT $4"),
];
const OF_CUSTOMER: [Sql; 2] = [
    accounts!("AND a.id < $2 AND a.id > $3 AND a.customer_no = $4 ORDER BY a.id DESC LIMIT $5"),
    accounts!("AND a.id < $2 AND a.id > $3 AND a.customer_no = $4 ORDER BY a.id ASC LIMIT $5"),
];
const REMAINING: Sql = sql_of_each(
    "SELECT account_no, id, subscription_id, source, cadence, amount, remaining, lapsed, \
     expires_at, created_at FROM credit_grants \
     WHERE account_no = $1 AND is_open AND remaining > 0",
    "SELECT g.account_no, g.id, g.subscription_id, g.source, g.cadence, g.amount, g.remaining, \
     g.lapsed, g.expires_at, g.created_at FROM unnest($1::BIGINT[]) AS w(account_no) \
     JOIN credit_grants g ON g.account_no = w.account_no AND g.is_open AND g.remaining > 0",
);
const GIVEN: Sql = sql("SELECT a.credit_currency_id, g.cadence, g.amount \
     FROM credit_accounts a JOIN credit_grants g ON g.account_no = a.no \
     JOIN subscriptions s ON s.tenant_no = a.tenant_no AND s.id = g.subscription_id \
     WHERE a.tenant_no = $1 AND a.customer_no = $2 AND s.product_id = $3 AND g.expires_at > $4 \
     AND g.source IN ('plan', 'daily')");
const GRANT: Sql = sql("SELECT id, subscription_id, source, cadence, amount, remaining, lapsed, \
     expires_at, created_at FROM credit_grants WHERE account_no = $1 AND id = $2");
const LEDGER: [Sql; 2] = list!(
    "SELECT id, type, amount, balance_after, grant_id, usage_event_id, description, undoes, at \
     FROM credit_ledger WHERE account_no = $1 AND id < $2 AND id > $3",
    "id",
    "$4"
);
const ENTRY: Sql = sql("SELECT id, type, amount, balance_after, grant_id, usage_event_id, \
     description, undoes, at FROM credit_ledger WHERE account_no = $1 AND id = $2");
const IS_UNDONE: Sql = sql("SELECT id FROM credit_ledger WHERE account_no = $1 AND undoes = $2");
const TOP_UPS: [Sql; 2] = list!(
    "SELECT id, invoice_id, status, credits, amount, currency, package_id, automatic, created_at \
     FROM credit_top_ups WHERE account_no = $1 AND id < $2 AND id > $3",
    "id",
    "$4"
);
/// A customer has few wallets, and a wallet few top-ups: a draft or an invoice is found among them.
const OPEN_TOP_UP: Sql = sql("SELECT a.credit_currency_id, t.id, t.invoice_id, t.status, \
     t.credits, t.amount, t.currency, t.package_id, t.automatic, t.created_at \
     FROM credit_accounts a JOIN credit_top_ups t ON t.account_no = a.no \
     WHERE a.tenant_no = $1 AND a.customer_no = $2 AND t.invoice_id = $3 AND t.status = 'pending'");
const DAYS: Sql = sql("SELECT day, granted, used, expired FROM credit_days \
     WHERE account_no = $1 AND day >= $2 ORDER BY day");

/// A wallet as it is shown; `None` where the tenant has no such wallet.
pub async fn view(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    id: CreditAccountId,
) -> Result<Option<AccountView>, DbError> {
    let found = tx.all(&BY_ID, &[tenant.no.into(), id.into()], read_view).await?;
    Ok(with_grants(tx, found).await?.pop())
}

/// A page of a tenant's wallets, or of one customer's.
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
    let found = tx.all(&statements[usize::from(newer)], &values, read_view).await?;
    with_grants(tx, found).await
}

async fn with_grants(
    tx: &mut Tx<'_, '_>,
    mut views: Vec<AccountView>,
) -> Result<Vec<AccountView>, DbError> {
    let rows: Vec<_> = views.iter().map(|view| [view.account.no.into()]).collect();
    let grants = tx.each(&REMAINING, &rows, |row| Ok((row.take()?, read_grant(row)?))).await?;
    let mut of: HashMap<i64, Vec<Grant>> = HashMap::new();
    for (account_no, grant) in grants {
        of.entry(account_no).or_default().push(grant);
    }
    for view in &mut views {
        view.grants = of.remove(&view.account.no).unwrap_or_default();
        view.grants.sort_unstable_by_key(Grant::order);
    }
    Ok(views)
}

pub async fn grant(
    tx: &mut Tx<'_, '_>,
    account_no: i64,
    id: GrantId,
) -> Result<Option<Grant>, DbError> {
    tx.one(&GRANT, &[account_no.into(), id.into()], read_grant).await
}

/// What a product has granted a customer, by rules, in windows that have not ended by now: of each
/// credit currency and cadence all of it, spent or not, by whichever subscription.
pub async fn given(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    customer_no: i64,
    product_id: ProductId,
    at: Time,
) -> Result<BTreeMap<(CreditCurrencyId, Cadence), i64>, DbError> {
    let values = [tenant.no.into(), customer_no.into(), product_id.into(), at.into()];
    let read = |row: &mut Columns<'_>| Ok(((row.take()?, row.take()?), row.take::<i64>()?));
    let mut given = BTreeMap::new();
    for (rule, amount) in tx.all(&GIVEN, &values, read).await? {
        let sum = given.entry(rule).or_insert(0_i64);
        *sum = sum.saturating_add(amount);
    }
    Ok(given)
}

/// A page of a wallet's ledger.
pub async fn ledger(
    tx: &mut Tx<'_, '_>,
    account_no: i64,
    query: &PageQuery,
) -> Result<Vec<Entry>, DbError> {
    let (before, after, newer) = query.bounds();
    let values = [account_no.into(), before.into(), after.into(), query.fetch().into()];
    tx.all(&LEDGER[usize::from(newer)], &values, read_entry).await
}

pub async fn entry(
    tx: &mut Tx<'_, '_>,
    account_no: i64,
    id: LedgerEntryId,
) -> Result<Option<Entry>, DbError> {
    tx.one(&ENTRY, &[account_no.into(), id.into()], read_entry).await
}

/// Whether an entry was taken back.
pub async fn is_undone(
    tx: &mut Tx<'_, '_>,
    account_no: i64,
    id: LedgerEntryId,
) -> Result<bool, DbError> {
    let values = [account_no.into(), id.into()];
    let by = tx.one(&IS_UNDONE, &values, |row| row.take::<String>()).await?;
    Ok(by.is_some())
}

/// A page of a wallet's top-ups.
pub async fn top_ups(
    tx: &mut Tx<'_, '_>,
    account_no: i64,
    query: &PageQuery,
) -> Result<Vec<TopUp>, DbError> {
    let (before, after, newer) = query.bounds();
    let values = [account_no.into(), before.into(), after.into(), query.fetch().into()];
    tx.all(&TOP_UPS[usize::from(newer)], &values, read_top_up).await
}

/// The top-up that waits for an invoice to be paid, and in which credit currency.
pub async fn open_top_up(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    customer_no: i64,
    invoice: InvoiceId,
) -> Result<Option<(CreditCurrencyId, TopUp)>, DbError> {
    let values = [tenant.no.into(), customer_no.into(), invoice.into()];
    tx.one(&OPEN_TOP_UP, &values, |row| Ok((row.take()?, read_top_up(row)?))).await
}

fn read_top_up(row: &mut Columns<'_>) -> Result<TopUp, DbError> {
    Ok(TopUp {
        id: row.take()?,
        invoice_id: row.take()?,
        status: row.take()?,
        credits: row.take()?,
        amount: row.take()?,
        currency: row.take()?,
        package_id: row.take()?,
        automatic: row.take()?,
        created_at: row.take()?,
    })
}

/// What the ledger says of each day from this one on; days without an entry are left out.
pub async fn days(
    tx: &mut Tx<'_, '_>,
    account_no: i64,
    from: i64,
) -> Result<Vec<DayView>, DbError> {
    tx.all(&DAYS, &[account_no.into(), from.into()], |row| {
        Ok(DayView {
            day: row.take()?,
            granted: row.take()?,
            used: row.take()?,
            expired: row.take()?,
        })
    })
    .await
}

fn read_view(row: &mut Columns<'_>) -> Result<AccountView, DbError> {
    let account = read_account(row)?;
    let customer_id: CustomerId = row.take()?;
    let currency = CurrencyView {
        slug: row.take()?,
        name: row.take()?,
        denomination: row.take()?,
        minor_unit_scale: row.take()?,
    };
    let default_method = row.take()?;
    Ok(AccountView { account, customer_id, currency, default_method, grants: Vec::new() })
}

fn read_entry(row: &mut Columns<'_>) -> Result<Entry, DbError> {
    Ok(Entry {
        id: row.take()?,
        kind: row.take()?,
        amount: row.take()?,
        balance_after: row.take()?,
        grant_id: row.take()?,
        usage_event_id: row.take()?,
        description: row.take()?,
        undoes: row.take()?,
        at: row.take()?,
    })
}
