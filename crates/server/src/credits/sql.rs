//! The statements on wallets. Accounts are found under their tenant and customer; grants, entries
//! and the rest go by the account's number.

mod lists;

pub use lists::{days, entry, given, grant, is_undone, ledger, open_top_up, page, top_ups, view};

use super::wallet::{Drip, Wallet};
use super::{Account, AutoTopUp, EntryKind, Grant, Source, TopUp, TopUpStatus, day};
use crate::base::{CreditAccountId, CreditCurrencyId, Ids, Time};
use crate::catalog::Cadence;
use crate::db::{Columns, DbError, JsonText, Sql, Tx, Value, sql, sql_of_each, word_columns};
use crate::organizations::Tenant;
use crate::subscriptions::Status;
use std::collections::BTreeMap;

macro_rules! select_account {
    ($rest:literal) => {
        concat!(
            "SELECT a.no, a.customer_no, a.id, a.credit_currency_id, a.balance, a.frozen, \
             a.last_entry_id, a.next_due_at, a.auto_top_up, a.created_at, a.updated_at",
            $rest
        )
    };
}
use select_account;

const MAKE: Sql = sql("INSERT INTO credit_accounts \
     (tenant_no, customer_no, id, credit_currency_id, created_at, updated_at) \
     VALUES ($1, $2, $3, $4, $5, $5) ON CONFLICT DO NOTHING");
const LOCK: Sql = sql_of_each(
    select_account!(
        " FROM credit_accounts a \
         WHERE a.tenant_no = $1 AND a.customer_no = $2 AND a.credit_currency_id = $3"
    ),
    select_account!(
        " FROM unnest($1::BIGINT[], $2::BIGINT[], $3::TEXT[]) AS w(tenant_no, customer_no, currency) \
         JOIN credit_accounts a ON a.tenant_no = w.tenant_no \
         AND a.customer_no = w.customer_no AND a.credit_currency_id = w.currency \
         ORDER BY a.no FOR NO KEY UPDATE OF a"
    ),
);
const OF_CUSTOMER: Sql = sql("SELECT customer_no, credit_currency_id FROM credit_accounts \
     WHERE tenant_no = $1 AND customer_no = $2 ORDER BY no");
const DUE_OF_CUSTOMER: Sql = sql("SELECT customer_no, credit_currency_id FROM credit_accounts \
     WHERE tenant_no = $1 AND customer_no = $2 AND next_due_at <= $3 ORDER BY no");
const DUE_OF_TENANT: Sql = sql("SELECT customer_no, credit_currency_id FROM credit_accounts \
     WHERE tenant_no = $1 AND next_due_at <= $2 ORDER BY next_due_at LIMIT $3");
const OPEN_GRANTS: Sql = sql_of_each(
    "SELECT account_no, id, subscription_id, source, cadence, amount, remaining, lapsed, \
     expires_at, created_at FROM credit_grants WHERE account_no = $1 AND is_open",
    "SELECT g.account_no, g.id, g.subscription_id, g.source, g.cadence, g.amount, g.remaining, \
     g.lapsed, g.expires_at, g.created_at FROM unnest($1::BIGINT[]) AS w(account_no) \
     JOIN credit_grants g ON g.account_no = w.account_no AND g.is_open",
);
const DRIPS: Sql = sql_of_each(
    "SELECT d.account_no, d.subscription_id, d.amount, d.rollover_cap, d.next_at, \
     s.current_period_end, s.status FROM credit_drips d \
     JOIN subscriptions s ON s.tenant_no = $1 AND s.id = d.subscription_id \
     WHERE d.account_no = $2",
    "SELECT d.account_no, d.subscription_id, d.amount, d.rollover_cap, d.next_at, \
     s.current_period_end, s.status FROM unnest($1::BIGINT[], $2::BIGINT[]) \
     AS w(tenant_no, account_no) JOIN credit_drips d ON d.account_no = w.account_no \
     JOIN subscriptions s ON s.tenant_no = w.tenant_no AND s.id = d.subscription_id",
);
const SAVE_ACCOUNT: Sql = sql_of_each(
    "UPDATE credit_accounts SET balance = $1, last_entry_id = $2, next_due_at = $3, \
     auto_top_up = $4, updated_at = $5 WHERE no = $6",
    "UPDATE credit_accounts a SET balance = w.balance, last_entry_id = w.last_entry_id, \
     next_due_at = w.next_due_at, auto_top_up = w.auto_top_up, updated_at = w.updated_at \
     FROM unnest($1::BIGINT[], $2::TEXT[], $3::BIGINT[], $4::TEXT[], $5::BIGINT[], $6::BIGINT[]) \
     AS w(balance, last_entry_id, next_due_at, auto_top_up, updated_at, no) WHERE a.no = w.no",
);
const SAVE_GRANT: Sql = sql_of_each(
    "INSERT INTO credit_grants (account_no, id, subscription_id, source, cadence, amount, \
     remaining, lapsed, expires_at, is_open, created_at) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) \
     ON CONFLICT (account_no, id) DO UPDATE SET remaining = excluded.remaining, \
     lapsed = excluded.lapsed, is_open = excluded.is_open",
    "INSERT INTO credit_grants (account_no, id, subscription_id, source, cadence, amount, \
     remaining, lapsed, expires_at, is_open, created_at) \
     SELECT * FROM unnest($1::BIGINT[], $2::TEXT[], $3::TEXT[], $4::TEXT[], $5::TEXT[], \
     $6::BIGINT[], $7::BIGINT[], $8::BIGINT[], $9::BIGINT[], $10::BOOLEAN[], $11::BIGINT[]) \
     ON CONFLICT (account_no, id) DO UPDATE SET remaining = excluded.remaining, \
     lapsed = excluded.lapsed, is_open = excluded.is_open",
);
const ADD_ENTRY: Sql = sql_of_each(
    "INSERT INTO credit_ledger (account_no, id, type, amount, balance_after, grant_id, \
     usage_event_id, description, undoes, at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
    "INSERT INTO credit_ledger (account_no, id, type, amount, balance_after, grant_id, \
     usage_event_id, description, undoes, at) SELECT * FROM unnest($1::BIGINT[], $2::TEXT[], \
     $3::TEXT[], $4::BIGINT[], $5::BIGINT[], $6::TEXT[], $7::TEXT[], $8::TEXT[], $9::TEXT[], \
     $10::BIGINT[])",
);
const ADD_DAY: Sql = sql_of_each(
    "INSERT INTO credit_days (account_no, day, granted, used, expired) \
     VALUES ($1, $2, $3, $4, $5) ON CONFLICT (account_no, day) DO UPDATE SET \
     granted = credit_days.granted + excluded.granted, used = credit_days.used + excluded.used, \
     expired = credit_days.expired + excluded.expired",
    "INSERT INTO credit_days (account_no, day, granted, used, expired) \
     SELECT * FROM unnest($1::BIGINT[], $2::BIGINT[], $3::BIGINT[], $4::BIGINT[], $5::BIGINT[]) \
     ON CONFLICT (account_no, day) DO UPDATE SET \
     granted = credit_days.granted + excluded.granted, used = credit_days.used + excluded.used, \
     expired = credit_days.expired + excluded.expired",
);
const SAVE_DRIP: Sql = sql("INSERT INTO credit_drips \
     (account_no, subscription_id, amount, rollover_cap, next_at) VALUES ($1, $2, $3, $4, $5) \
     ON CONFLICT (account_no, subscription_id) DO UPDATE SET amount = excluded.amount, \
     rollover_cap = excluded.rollover_cap, next_at = excluded.next_at");
const END_DRIP: Sql =
    sql("DELETE FROM credit_drips WHERE account_no = $1 AND subscription_id = $2");
const KEY: Sql = sql("SELECT customer_no, credit_currency_id FROM credit_accounts \
     WHERE tenant_no = $1 AND id = $2");
const SET_FROZEN: Sql = sql("UPDATE credit_accounts SET frozen = $1, updated_at = $2 \
     WHERE tenant_no = $3 AND id = $4");
const ADD_TOP_UP: Sql = sql("INSERT INTO credit_top_ups (account_no, id, invoice_id, status, \
     credits, amount, currency, package_id, automatic, created_at, updated_at) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10)");
const END_TOP_UP: Sql = sql("UPDATE credit_top_ups SET status = $1, invoice_id = $2, \
     updated_at = $3 WHERE account_no = $4 AND id = $5");
const FREEZE_ALL: Sql =
    sql("UPDATE credit_accounts SET frozen = TRUE WHERE tenant_no = $1 AND customer_no = $2");
const AUTO_TOP_UPS: Sql = sql("SELECT id, auto_top_up FROM credit_accounts \
     WHERE tenant_no = $1 AND customer_no = $2 AND auto_top_up IS NOT NULL ORDER BY id");
const BALANCES: Sql = sql("SELECT credit_currency_id, balance, frozen FROM credit_accounts \
     WHERE tenant_no = $1 AND customer_no = $2 ORDER BY no");

/// Names a wallet: the customer's number and the credit currency.
pub type WalletKey = (i64, CreditCurrencyId);

/// Makes a customer's wallet where there is none.
pub async fn make(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    customer_no: i64,
    currency_id: CreditCurrencyId,
    at: Time,
    ids: &Ids,
) -> Result<(), DbError> {
    let values = [
        tenant.no.into(),
        customer_no.into(),
        ids.credit_account().into(),
        currency_id.into(),
        at.into(),
    ];
    tx.execute(&MAKE, &values).await.map(|_| ())
}

/// Reads wallets for change, with what is due until now written into them; those that there are.
pub async fn lock_all(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    keys: &[WalletKey],
    at: Time,
    ids: &Ids,
) -> Result<Vec<Wallet>, DbError> {
    load(tx, tenant, keys, false, at, ids).await
}

/// As [`lock_all`], every wallet of a customer and always with the daily grants to come.
pub async fn all_of_customer(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    customer_no: i64,
    at: Time,
    ids: &Ids,
) -> Result<Vec<Wallet>, DbError> {
    let keys = tx.all(&OF_CUSTOMER, &[tenant.no.into(), customer_no.into()], read_key).await?;
    load(tx, tenant, &keys, true, at, ids).await
}

async fn load(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    keys: &[WalletKey],
    with_drips: bool,
    at: Time,
    ids: &Ids,
) -> Result<Vec<Wallet>, DbError> {
    let rows: Vec<_> = keys
        .iter()
        .map(|(customer_no, currency)| {
            [tenant.no.into(), (*customer_no).into(), (*currency).into()]
        })
        .collect();
    let accounts = tx.each(&LOCK, &rows, read_account).await?;
    let numbers: Vec<[Value<'_>; 1]> = accounts.iter().map(|account| [account.no.into()]).collect();
    let grants = tx.each(&OPEN_GRANTS, &numbers, |row| Ok((row.take()?, read_grant(row)?))).await?;
    let mut wallets: BTreeMap<i64, Wallet> =
        accounts.into_iter().map(|account| (account.no, Wallet::new(account))).collect();
    for (account_no, grant) in grants {
        wallets.entry(account_no).and_modify(|wallet| wallet.grants.push(grant));
    }
    let is_due =
        |wallet: &Wallet| with_drips || wallet.account.next_due_at.is_some_and(|due| due <= at);
    let due: Vec<i64> =
        wallets.iter().filter(|(_, wallet)| is_due(wallet)).map(|(no, _)| *no).collect();
    let rows: Vec<_> = due.iter().map(|no| [tenant.no.into(), (*no).into()]).collect();
    let drips = tx.each(&DRIPS, &rows, |row| Ok((row.take()?, read_drip(row)?))).await?;
    for no in due {
        wallets.entry(no).and_modify(|wallet| wallet.drips = Some(Vec::new()));
    }
    for (account_no, drip) in drips {
        wallets
            .entry(account_no)
            .and_modify(|wallet| wallet.drips.get_or_insert_default().push(drip));
    }
    let mut wallets: Vec<Wallet> = wallets.into_values().collect();
    for wallet in wallets.iter_mut().filter(|wallet| wallet.drips.is_some()) {
        wallet.write_due(at, ids);
    }
    Ok(wallets)
}

/// Writes what happened to these wallets.
pub async fn save_all(tx: &mut Tx<'_, '_>, wallets: &[Wallet], at: Time) -> Result<(), DbError> {
    let changed: Vec<&Wallet> = wallets.iter().filter(|wallet| wallet.is_changed()).collect();
    let accounts: Vec<_> = changed.iter().map(|wallet| account_row(wallet, at)).collect();
    tx.execute_each(&SAVE_ACCOUNT, &accounts).await?;
    let grants: Vec<_> = changed
        .iter()
        .flat_map(|wallet| {
            let touched = wallet.grants.iter().filter(|grant| wallet.changed.contains(&grant.id));
            touched.map(|grant| grant_row(wallet.account.no, grant))
        })
        .collect();
    tx.execute_each(&SAVE_GRANT, &grants).await?;
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
            entries.push(entry_row(no, entry));
        }
    }
    tx.execute_each(&ADD_ENTRY, &entries).await?;
    let days: Vec<_> = days
        .iter()
        .map(|((no, day), [granted, used, expired])| {
            [*no, *day, *granted, *used, *expired].map(Value::from)
        })
        .collect();
    tx.execute_each(&ADD_DAY, &days).await?;
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
        let values = [
            no.into(),
            drip.subscription_id.into(),
            drip.amount.into(),
            drip.rollover_cap.into(),
            drip.next_at.into(),
        ];
        tx.execute(&SAVE_DRIP, &values).await?;
    }
    Ok(())
}

/// The wallets of a customer that have an entry due.
pub async fn due_of_customer(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    customer_no: i64,
    at: Time,
) -> Result<Vec<WalletKey>, DbError> {
    tx.all(&DUE_OF_CUSTOMER, &[tenant.no.into(), customer_no.into(), at.into()], read_key).await
}

/// The customer's number and the credit currency of a wallet.
pub async fn key(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    id: CreditAccountId,
) -> Result<Option<WalletKey>, DbError> {
    tx.one(&KEY, &[tenant.no.into(), id.into()], read_key).await
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
    let values = [
        account_no.into(),
        top_up.id.into(),
        top_up.invoice_id.into(),
        top_up.status.into(),
        top_up.credits.into(),
        top_up.amount.into(),
        top_up.currency.into(),
        top_up.package_id.into(),
        top_up.automatic.into(),
        top_up.created_at.into(),
    ];
    tx.execute(&ADD_TOP_UP, &values).await.map(|_| ())
}

/// Notes what became of a top-up.
pub async fn end_top_up(
    tx: &mut Tx<'_, '_>,
    account_no: i64,
    top_up: &TopUp,
    at: Time,
) -> Result<(), DbError> {
    let values = [
        top_up.status.into(),
        top_up.invoice_id.into(),
        at.into(),
        account_no.into(),
        top_up.id.into(),
    ];
    tx.execute(&END_TOP_UP, &values).await.map(|_| ())
}

/// The balances of a customer's wallets as they are written, and whether each is frozen.
pub async fn balances(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    customer_no: i64,
) -> Result<Vec<(CreditCurrencyId, i64, bool)>, DbError> {
    tx.all(&BALANCES, &[tenant.no.into(), customer_no.into()], |row| {
        Ok((row.take()?, row.take()?, row.take()?))
    })
    .await
}

/// At most so many wallets of a tenant that have an entry due, the longest due first.
pub async fn due_of_tenant(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    at: Time,
    limit: i64,
) -> Result<Vec<WalletKey>, DbError> {
    tx.all(&DUE_OF_TENANT, &[tenant.no.into(), at.into(), limit.into()], read_key).await
}

/// The wallets of a customer that are topped up by themselves.
pub async fn with_auto_top_up(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    customer_no: i64,
) -> Result<Vec<CreditAccountId>, DbError> {
    let values = [tenant.no.into(), customer_no.into()];
    let rules = tx.all(&AUTO_TOP_UPS, &values, |row| {
        Ok((row.take::<CreditAccountId>()?, row.take::<JsonText<AutoTopUp>>()?.0))
    });
    Ok(rules.await?.into_iter().filter(|(_, rule)| rule.enabled).map(|(id, _)| id).collect())
}

/// Freezes every wallet of a customer: nothing more is debited or bought.
pub async fn freeze_all(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    customer_no: i64,
) -> Result<(), DbError> {
    tx.execute(&FREEZE_ALL, &[tenant.no.into(), customer_no.into()]).await.map(|_| ())
}

fn read_key(row: &mut Columns<'_>) -> Result<WalletKey, DbError> {
    Ok((row.take()?, row.take()?))
}

fn read_account(row: &mut Columns<'_>) -> Result<Account, DbError> {
    Ok(Account {
        no: row.take()?,
        customer_no: row.take()?,
        id: row.take()?,
        currency_id: row.take()?,
        balance: row.take()?,
        frozen: row.take()?,
        last_entry_id: row.take()?,
        next_due_at: row.take()?,
        auto_top_up: row.take::<Option<JsonText<AutoTopUp>>>()?.map(|json| json.0),
        created_at: row.take()?,
        updated_at: row.take()?,
    })
}

fn read_grant(row: &mut Columns<'_>) -> Result<Grant, DbError> {
    Ok(Grant {
        id: row.take()?,
        subscription_id: row.take()?,
        source: row.take()?,
        cadence: row.take()?,
        amount: row.take()?,
        remaining: row.take()?,
        lapsed: row.take()?,
        expires_at: row.take()?,
        created_at: row.take()?,
    })
}

fn read_drip(row: &mut Columns<'_>) -> Result<Drip, DbError> {
    Ok(Drip {
        subscription_id: row.take()?,
        amount: row.take()?,
        rollover_cap: row.take()?,
        next_at: row.take()?,
        until: row.take()?,
        paused: row.take::<Status>()? == Status::PastDue,
    })
}

fn account_row(wallet: &Wallet, at: Time) -> [Value<'static>; 6] {
    let account = &wallet.account;
    let rule = account.auto_top_up.as_ref().and_then(|rule| serde_json::to_string(rule).ok());
    [
        account.balance.into(),
        account.last_entry_id.into(),
        wallet.next_due().into(),
        rule.into(),
        at.into(),
        account.no.into(),
    ]
}

fn grant_row(account_no: i64, grant: &Grant) -> [Value<'static>; 11] {
    [
        account_no.into(),
        grant.id.into(),
        grant.subscription_id.into(),
        grant.source.into(),
        grant.cadence.into(),
        grant.amount.into(),
        grant.remaining.into(),
        grant.lapsed.into(),
        grant.expires_at.into(),
        grant.is_open().into(),
        grant.created_at.into(),
    ]
}

fn entry_row(account_no: i64, entry: &super::Entry) -> [Value<'_>; 10] {
    [
        account_no.into(),
        entry.id.into(),
        entry.kind.into(),
        entry.amount.into(),
        entry.balance_after.into(),
        entry.grant_id.into(),
        entry.usage_event_id.into(),
        entry.description.as_ref().into(),
        entry.undoes.into(),
        entry.at.into(),
    ]
}

word_columns!(Source, EntryKind, Cadence, TopUpStatus);
