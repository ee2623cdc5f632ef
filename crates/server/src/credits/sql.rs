//! SQL statements for wallets. Accounts are found by tenant and customer; grants, entries and the
//! rest by the account's number.

mod lists;

pub(super) use lists::granted;

pub use lists::{
    days, entry, grant, is_undone, ledger, open_top_up, page, paid_top_up, top_ups, view,
};

use super::wallet::{Drip, Wallet};
use super::{
    Account, Alert, AutoTopUp, EntryKind, Grant, GrantSource, LedgerEntry, TopUp, TopUpStatus, day,
};
use crate::base::{CreditAccountId, CreditCurrencyId, CustomerId, LedgerEntryId, Owned, Time};
use crate::catalog::Cadence;
use crate::db::{
    Command, DbError, FromRow, Query, Sql, ToRow, Tx, Value, command, json_columns, query, sql,
    word_columns,
};
use crate::organizations::Tenant;
use crate::work::Work;
use std::collections::{BTreeMap, HashMap};

const MAKE: Sql = sql("INSERT INTO credit_accounts \
     (tenant_no, customer_no, id, credit_currency_id, created_at, updated_at) \
     VALUES ($1, $2, $3, $4, $5, $5) ON CONFLICT DO NOTHING");
const LOCK: Query<Account> = query!(
    Account,
    sqlite = "SELECT {a} FROM credit_accounts a \
         WHERE a.tenant_no = $1 AND a.customer_no = $2 AND a.credit_currency_id = $3",
    postgres = "SELECT {a} FROM unnest($1::BIGINT[], $2::BIGINT[], $3::TEXT[]) \
         AS w(tenant_no, customer_no, currency) \
         JOIN credit_accounts a ON a.tenant_no = w.tenant_no \
         AND a.customer_no = w.customer_no AND a.credit_currency_id = w.currency \
         ORDER BY a.no FOR NO KEY UPDATE OF a",
);
const OF_CUSTOMER: Query<Key> = query!(
    Key,
    "SELECT {} FROM credit_accounts WHERE tenant_no = $1 AND customer_no = $2 ORDER BY no"
);
const DUE_OF_CUSTOMER: Query<Key> = query!(
    Key,
    "SELECT {} FROM credit_accounts WHERE tenant_no = $1 AND customer_no = $2 AND next_due_at <= $3 ORDER BY no"
);
const DUE_OF_TENANT: Query<Key> = query!(
    Key,
    "SELECT {} FROM credit_accounts WHERE tenant_no = $1 AND next_due_at <= $2 ORDER BY next_due_at LIMIT $3"
);
const OPEN_GRANTS: Query<GrantOf> = query!(
    GrantOf,
    sqlite = "SELECT {g} FROM credit_grants g WHERE g.account_no = $1 AND g.is_open",
    postgres = "SELECT {g} FROM unnest($1::BIGINT[]) AS w(account_no) \
         JOIN credit_grants g ON g.account_no = w.account_no AND g.is_open",
);
const DRIPS: Query<DripOf> = query!(
    DripOf,
    sqlite = "SELECT {d} FROM credit_drips d \
         JOIN subscriptions s ON s.tenant_no = $1 AND s.id = d.subscription_id \
         WHERE d.account_no = $2",
    postgres = "SELECT {d} FROM unnest($1::BIGINT[], $2::BIGINT[]) AS w(tenant_no, account_no) \
         JOIN credit_drips d ON d.account_no = w.account_no \
         JOIN subscriptions s ON s.tenant_no = w.tenant_no AND s.id = d.subscription_id",
    until = "s.current_period_end",
    paused = "s.status = 'past_due'",
);
const SAVE_ACCOUNT: Command<AccountRow<'_>> = command!(
    AccountRow<'static>,
    sqlite = "UPDATE credit_accounts SET {set} WHERE no = {no}",
    postgres = "UPDATE credit_accounts a SET {set w} FROM unnest({arrays}) AS w({columns}) \
         WHERE a.no = w.no",
);
const SAVE_GRANT: Command<GrantRow<'_>> = command!(
    GrantRow<'static>,
    "INSERT INTO credit_grants ({columns}) {rows} \
     ON CONFLICT (account_no, id) DO UPDATE SET {set excluded}"
);
const ADD_ENTRY: Command<EntryRow<'_>> =
    command!(EntryRow<'static>, "INSERT INTO credit_ledger ({columns}) {rows}");
const ADD_DAY: Command<Day> = command!(
    Day,
    "INSERT INTO credit_days ({columns}) {rows} ON CONFLICT (account_no, day) DO UPDATE SET \
     granted = credit_days.granted + excluded.granted, used = credit_days.used + excluded.used, \
     expired = credit_days.expired + excluded.expired"
);
const SAVE_DRIP: Command<Drip> = command!(
    Drip,
    "INSERT INTO credit_drips (account_no, {columns}) VALUES ($1, {values}) \
     ON CONFLICT (account_no, subscription_id) DO UPDATE SET {set excluded}"
);
const END_DRIP: Sql =
    sql("DELETE FROM credit_drips WHERE account_no = $1 AND subscription_id = $2");
const KEY: Query<Key> =
    query!(Key, "SELECT {} FROM credit_accounts WHERE tenant_no = $1 AND id = $2");
const SET_FROZEN: Sql = sql("UPDATE credit_accounts SET frozen = $1, updated_at = $2 \
     WHERE tenant_no = $3 AND id = $4");
const ADD_TOP_UP: Command<TopUp> = command!(
    TopUp,
    "INSERT INTO credit_top_ups (account_no, {columns}, updated_at) \
     VALUES ($1, {values}, {created_at})"
);
const END_TOP_UP: Command<TopUp> = command!(
    TopUp,
    "UPDATE credit_top_ups SET status = {status}, invoice_id = {invoice_id}, \
     grant_id = {grant_id}, updated_at = $1 WHERE account_no = $2 AND id = {id}"
);
const FREEZE_ALL: Sql =
    sql("UPDATE credit_accounts SET frozen = TRUE WHERE tenant_no = $1 AND customer_no = $2");
const AUTO_TOP_UPS: Query<Rule> = query!(
    Rule,
    "SELECT {} FROM credit_accounts \
     WHERE tenant_no = $1 AND customer_no = $2 AND auto_top_up IS NOT NULL ORDER BY id"
);
const BALANCES: Query<Balance> = query!(
    Balance,
    "SELECT {} FROM credit_accounts WHERE tenant_no = $1 AND customer_no = $2 ORDER BY no"
);

const CUSTOMER_IDS: Query<CustomerOf> = query!(
    CustomerOf,
    sqlite = "SELECT {} FROM customers WHERE no = $1",
    postgres = "SELECT {c} FROM unnest($1::BIGINT[]) AS w(no) JOIN customers c ON c.no = w.no",
);

#[derive(FromRow)]
struct CustomerOf {
    no: i64,
    id: CustomerId,
}

#[derive(FromRow)]
struct Key {
    customer_no: i64,
    credit_currency_id: CreditCurrencyId,
}

#[derive(FromRow)]
struct GrantOf {
    account_no: i64,
    #[record(prefix = "")]
    grant: Grant,
}

#[derive(FromRow)]
struct DripOf {
    account_no: i64,
    #[record(prefix = "")]
    drip: Drip,
}

#[derive(ToRow)]
struct AccountRow<'a> {
    #[record(insert_only)]
    no: i64,
    balance: i64,
    last_entry_id: Option<LedgerEntryId>,
    next_due_at: Option<Time>,
    auto_top_up: Option<&'a AutoTopUp>,
    alerted: Alert,
    used_early: i64,
    updated_at: Time,
}

#[derive(ToRow)]
struct GrantRow<'a> {
    #[record(insert_only)]
    account_no: i64,
    #[record(prefix = "")]
    grant: &'a Grant,
    is_open: bool,
}

#[derive(ToRow)]
struct EntryRow<'a> {
    account_no: i64,
    #[record(prefix = "")]
    entry: &'a LedgerEntry,
}

#[derive(ToRow)]
struct Day {
    account_no: i64,
    day: i64,
    granted: i64,
    used: i64,
    expired: i64,
}

#[derive(FromRow)]
struct Rule {
    id: CreditAccountId,
    auto_top_up: AutoTopUp,
}

#[derive(FromRow)]
struct Balance {
    credit_currency_id: CreditCurrencyId,
    balance: i64,
    frozen: bool,
}

/// Identifies a wallet: customer number and credit currency.
pub type WalletKey = (i64, CreditCurrencyId);

impl Owned for WalletKey {
    fn owner(&self) -> i64 {
        self.0
    }
}

/// Creates a customer's wallet, unless there is one.
pub async fn make(work: &mut Work<'_, '_, '_>, key: WalletKey) -> Result<(), DbError> {
    let (customer_no, currency_id) = key;
    let values = [
        work.tenant.no.into(),
        customer_no.into(),
        work.by.ids.credit_account().into(),
        currency_id.into(),
        work.at.into(),
    ];
    work.tx.execute(&MAKE, &values).await.map(|_| ())
}

/// Locks the existing ones of these wallets and writes their due entries.
pub async fn lock_all(
    work: &mut Work<'_, '_, '_>,
    keys: &[WalletKey],
) -> Result<Vec<Wallet>, DbError> {
    load(work, keys, false).await
}

/// As [`lock_all`], for every wallet of a customer, always with the daily grants to come.
pub async fn all_of_customer(
    work: &mut Work<'_, '_, '_>,
    customer_no: i64,
) -> Result<Vec<Wallet>, DbError> {
    let keys = work.tx.fetch(&OF_CUSTOMER, &[work.tenant.no.into(), customer_no.into()]).await?;
    load(work, &wallet_keys(keys), true).await
}

async fn load(
    work: &mut Work<'_, '_, '_>,
    keys: &[WalletKey],
    with_drips: bool,
) -> Result<Vec<Wallet>, DbError> {
    let (stamp, tenant) = (work.stamp(), work.tenant);
    let tx = &mut *work.tx;
    let rows: Vec<_> = keys
        .iter()
        .map(|(customer_no, currency)| {
            [tenant.no.into(), (*customer_no).into(), (*currency).into()]
        })
        .collect();
    let accounts = tx.fetch_each(&LOCK, &rows).await?;
    let numbers: Vec<[Value<'_>; 1]> = accounts.iter().map(|account| [account.no.into()]).collect();
    let grants = tx.fetch_each(&OPEN_GRANTS, &numbers).await?;
    let mut wallets: BTreeMap<i64, Wallet> =
        accounts.into_iter().map(|account| (account.no, Wallet::new(account))).collect();
    for GrantOf { account_no, grant } in grants {
        wallets.entry(account_no).and_modify(|wallet| wallet.grants.push(grant));
    }
    let is_due = |wallet: &Wallet| {
        with_drips || wallet.account.next_due_at.is_some_and(|due| due <= stamp.at)
    };
    let due: Vec<i64> =
        wallets.iter().filter(|(_, wallet)| is_due(wallet)).map(|(no, _)| *no).collect();
    let rows: Vec<_> = due.iter().map(|no| [tenant.no.into(), (*no).into()]).collect();
    let drips = tx.fetch_each(&DRIPS, &rows).await?;
    for no in due {
        wallets.entry(no).and_modify(|wallet| wallet.drips = Some(Vec::new()));
    }
    for DripOf { account_no, drip } in drips {
        wallets
            .entry(account_no)
            .and_modify(|wallet| wallet.drips.get_or_insert_default().push(drip));
    }
    let mut wallets: Vec<Wallet> = wallets.into_values().collect();
    for wallet in wallets.iter_mut().filter(|wallet| wallet.drips.is_some()) {
        wallet.write_due(stamp);
    }
    Ok(wallets)
}

/// Stores the changes of these wallets.
pub async fn save_all(tx: &mut Tx<'_, '_>, wallets: &[Wallet], at: Time) -> Result<(), DbError> {
    let changed: Vec<&Wallet> = wallets.iter().filter(|wallet| wallet.is_changed()).collect();
    let accounts: Vec<_> = changed.iter().map(|wallet| account_row(wallet, at)).collect();
    tx.store_each(&SAVE_ACCOUNT, &accounts).await?;
    let grants: Vec<_> = changed
        .iter()
        .flat_map(|wallet| {
            let touched = wallet.grants.iter().filter(|grant| wallet.changed.contains(&grant.id));
            touched.map(|grant| GrantRow {
                account_no: wallet.account.no,
                grant,
                is_open: grant.is_open(),
            })
        })
        .collect();
    tx.store_each(&SAVE_GRANT, &grants).await?;
    let mut entries = Vec::new();
    let mut days: BTreeMap<(i64, i64), [i64; 3]> = BTreeMap::new();
    for wallet in &changed {
        let no = wallet.account.no;
        for entry in &wallet.entries {
            let place = match entry.kind {
                EntryKind::Grant => 0,
                EntryKind::Deduction | EntryKind::Refund => 1,
                EntryKind::Expiry | EntryKind::Reversal => 2,
            };
            let signed = if place == 0 { entry.amount } else { -entry.amount };
            days.entry((no, day(entry.at))).or_default()[place] += signed;
            entries.push(EntryRow { account_no: no, entry });
        }
    }
    tx.store_each(&ADD_ENTRY, &entries).await?;
    let days: Vec<Day> = days
        .into_iter()
        .map(|((account_no, day), [granted, used, expired])| Day {
            account_no,
            day,
            granted,
            used,
            expired,
        })
        .collect();
    tx.store_each(&ADD_DAY, &days).await?;
    for wallet in &changed {
        save_drips(tx, wallet).await?;
    }
    Ok(())
}

async fn save_drips(tx: &mut Tx<'_, '_>, wallet: &Wallet) -> Result<(), DbError> {
    let no = wallet.account.no;
    for drip in wallet.drips.iter().flatten() {
        if drip.amount == 0 {
            tx.execute(&END_DRIP, &[no.into(), drip.subscription_id.into()]).await?;
            continue;
        }
        tx.store(&SAVE_DRIP, drip, &[no.into()]).await?;
    }
    Ok(())
}

/// Reads the customer's wallets that have a due entry.
pub async fn due_of_customer(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    customer_no: i64,
    at: Time,
) -> Result<Vec<WalletKey>, DbError> {
    let values = [tenant.no.into(), customer_no.into(), at.into()];
    tx.fetch(&DUE_OF_CUSTOMER, &values).await.map(wallet_keys)
}

/// Returns the customer number and the credit currency of a wallet.
pub async fn key(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    id: CreditAccountId,
) -> Result<Option<WalletKey>, DbError> {
    let key = tx.fetch_one(&KEY, &[tenant.no.into(), id.into()]).await?;
    Ok(key.map(|key| (key.customer_no, key.credit_currency_id)))
}

pub async fn set_frozen(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    id: CreditAccountId,
    frozen: bool,
    at: Time,
) -> Result<(), DbError> {
    let values = [frozen.into(), at.into(), tenant.no.into(), id.into()];
    tx.execute(&SET_FROZEN, &values).await.map(|_| ())
}

pub async fn add_top_up(
    tx: &mut Tx<'_, '_>,
    account_no: i64,
    top_up: &TopUp,
) -> Result<(), DbError> {
    tx.store(&ADD_TOP_UP, top_up, &[account_no.into()]).await.map(|_| ())
}

/// Stores the result of a top-up.
pub async fn end_top_up(
    tx: &mut Tx<'_, '_>,
    account_no: i64,
    top_up: &TopUp,
    at: Time,
) -> Result<(), DbError> {
    tx.store(&END_TOP_UP, top_up, &[at.into(), account_no.into()]).await.map(|_| ())
}

/// Returns the stored balances of a customer's wallets, and whether each is frozen.
pub async fn balances(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    customer_no: i64,
) -> Result<Vec<(CreditCurrencyId, i64, bool)>, DbError> {
    let balances = tx.fetch(&BALANCES, &[tenant.no.into(), customer_no.into()]).await?;
    Ok(balances.into_iter().map(|b| (b.credit_currency_id, b.balance, b.frozen)).collect())
}

/// Returns at most `limit` wallets of a tenant that have an entry due, the longest due first.
pub async fn due_of_tenant(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    at: Time,
    limit: i64,
) -> Result<Vec<WalletKey>, DbError> {
    let values = [tenant.no.into(), at.into(), limit.into()];
    tx.fetch(&DUE_OF_TENANT, &values).await.map(wallet_keys)
}

/// Returns the wallets of a customer that are topped up automatically.
pub async fn with_auto_top_up(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    customer_no: i64,
) -> Result<Vec<CreditAccountId>, DbError> {
    let values = [tenant.no.into(), customer_no.into()];
    let rules = tx.fetch(&AUTO_TOP_UPS, &values).await?.into_iter();
    Ok(rules.filter(|rule| rule.auto_top_up.enabled).map(|rule| rule.id).collect())
}

/// Returns the ids of customers by their numbers.
pub(super) async fn customer_ids(
    tx: &mut Tx<'_, '_>,
    numbers: impl Iterator<Item = i64>,
) -> Result<HashMap<i64, CustomerId>, DbError> {
    let rows: Vec<[Value<'_>; 1]> = numbers.map(|no| [no.into()]).collect();
    let found = tx.fetch_each(&CUSTOMER_IDS, &rows).await?.into_iter();
    Ok(found.map(|row| (row.no, row.id)).collect())
}

/// Freezes every wallet of a customer: no more debits or top-ups.
pub async fn freeze_all(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    customer_no: i64,
) -> Result<(), DbError> {
    tx.execute(&FREEZE_ALL, &[tenant.no.into(), customer_no.into()]).await.map(|_| ())
}

fn wallet_keys(keys: Vec<Key>) -> Vec<WalletKey> {
    keys.into_iter().map(|key| (key.customer_no, key.credit_currency_id)).collect()
}

fn account_row(wallet: &Wallet, at: Time) -> AccountRow<'_> {
    let account = &wallet.account;
    AccountRow {
        no: account.no,
        balance: account.balance,
        last_entry_id: account.last_entry_id,
        next_due_at: wallet.next_due(),
        auto_top_up: account.auto_top_up.as_ref(),
        alerted: wallet.alert(),
        used_early: account.used_early,
        updated_at: at,
    }
}

word_columns!(Alert, GrantSource, EntryKind, Cadence, TopUpStatus);
json_columns!(AutoTopUp);
