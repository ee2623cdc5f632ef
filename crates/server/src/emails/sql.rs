//! SQL statements for e-mails and paused addresses.

use super::settings::{EmailSettings, Kinds};
use super::{Email, EmailKind, EmailStatus, NewEmail};
use crate::base::{CustomerId, EmailId, PageQuery, Time};
use crate::db::{
    Command, DbError, FromRow, Pages, Query, Scalar, Sql, ToRow, Tx, command, pages, query, scalar,
    sql, text_columns, word_columns,
};
use crate::organizations::Tenant;

const INSERT: Command<NewEmail> = command!(NewEmail, "INSERT INTO emails ({columns}) {rows}");
const GET: Query<Email> = query!(Email, "SELECT {} FROM emails WHERE tenant_no = $1 AND id = $2");
const OF_TENANT: Pages<Email> = pages!(
    Email,
    "SELECT {} FROM emails WHERE tenant_no = $1 AND id < $2 AND id > $3 ORDER BY id {order} LIMIT $4"
);
const OF_CUSTOMER: Pages<Email> = pages!(
    Email,
    "SELECT {} FROM emails WHERE tenant_no = $1 AND customer_id = $2 AND id < $3 AND id > $4 \
     ORDER BY id {order} LIMIT $5"
);
const LINKS: Query<Object> = query!(
    Object,
    "SELECT {} FROM emails WHERE tenant_no = $1 AND customer_id = $2 AND id > $3 \
     AND kind IN ('portal_link', 'invoice_link') ORDER BY id DESC LIMIT 100"
);
/// Starts from the id of the e-mail: the caller has its link and no other credential.
const SENT_LINK: Scalar<String> =
    scalar("SELECT object_id FROM emails WHERE id = $1 AND kind = 'portal_link'");
/// Of the whole installation: the e-mails that any node may send.
const DUE: Query<Due> = query!(
    Due,
    "SELECT {email: e, tenant: t} FROM emails e JOIN tenants t ON t.no = e.tenant_no \
     WHERE e.next_at <= $1 ORDER BY e.next_at, e.id LIMIT $2"
);
const CLAIM: Sql =
    sql("UPDATE emails SET claim = $1, next_at = $2 WHERE id = $3 AND next_at <= $4");
const RECORD: Command<Attempted> =
    command!(Attempted, "UPDATE emails SET {set} WHERE id = {id} AND claim = $1");
const IS_PAUSED: Sql =
    sql("SELECT address FROM paused_addresses WHERE tenant_no = $1 AND address = $2");
const PAUSE: Sql = sql("INSERT INTO paused_addresses (tenant_no, address, created_at) \
     VALUES ($1, $2, $3) ON CONFLICT DO NOTHING");
const UNPAUSE: Sql = sql("DELETE FROM paused_addresses WHERE tenant_no = $1 AND address = $2");
const SETTINGS: Query<EmailSettings> =
    query!(EmailSettings, "SELECT {} FROM email_settings WHERE tenant_no = $1");
const PUT_SETTINGS: Command<EmailSettings> = command!(
    EmailSettings,
    "INSERT INTO email_settings (tenant_no, {columns}) VALUES ($1, {values}) \
     ON CONFLICT (tenant_no) DO UPDATE SET {set excluded}"
);
const DELETE_OLD: Sql = sql("DELETE FROM emails WHERE id IN \
     (SELECT id FROM emails WHERE id < $1 ORDER BY id LIMIT $2)");
const ERASE: Sql = sql("DELETE FROM emails WHERE tenant_no = $1 AND customer_id = $2");

#[derive(Clone, Debug, FromRow)]
struct Object {
    object_id: String,
}

/// An e-mail whose next attempt is due.
#[derive(Clone, Debug, FromRow)]
pub struct Due {
    #[record(join)]
    pub email: Email,
    #[record(join)]
    pub tenant: Tenant,
}

/// The result of an attempt.
#[derive(Clone, Debug, ToRow)]
pub struct Attempted {
    #[record(insert_only)]
    pub id: EmailId,
    pub status: EmailStatus,
    pub recipient: Option<String>,
    pub attempts: i64,
    pub next_at: Option<Time>,
    pub error: Option<String>,
    pub sent_at: Option<Time>,
}

pub async fn insert(tx: &mut Tx<'_, '_>, emails: &[NewEmail]) -> Result<(), DbError> {
    if emails.is_empty() {
        return Ok(());
    }
    tx.store_each(&INSERT, emails).await.map(|_| ())
}

pub async fn get(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    id: EmailId,
) -> Result<Option<Email>, DbError> {
    tx.fetch_one(&GET, &[tenant.no.into(), id.into()]).await
}

/// Returns the sessions and invoices of the new links that were sent to a customer since an instant.
pub async fn links(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    customer: CustomerId,
    since: Time,
) -> Result<Vec<String>, DbError> {
    let values = [tenant.no.into(), customer.into(), EmailId::first_at(since).into()];
    let found = tx.fetch(&LINKS, &values).await?;
    Ok(found.into_iter().map(|row| row.object_id).collect())
}

/// Returns the session that the link of an e-mail continues.
pub async fn sent_link(tx: &mut Tx<'_, '_>, id: EmailId) -> Result<Option<String>, DbError> {
    tx.scalar(&SENT_LINK, &[id.into()]).await
}

/// Reads a page of the e-mails of a tenant or of one customer.
pub async fn page(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    customer: Option<CustomerId>,
    query: &PageQuery,
) -> Result<Vec<Email>, DbError> {
    let (before, after, newer) = query.bounds();
    let mut values = vec![tenant.no.into()];
    let statements = match customer {
        Some(customer) => {
            values.push(customer.into());
            &OF_CUSTOMER
        }
        None => &OF_TENANT,
    };
    values.extend([before.into(), after.into(), query.fetch().into()]);
    tx.fetch(&statements[usize::from(newer)], &values).await
}

/// Returns at most `limit` e-mails that are due, longest due first.
pub async fn due(tx: &mut Tx<'_, '_>, now: Time, limit: i64) -> Result<Vec<Due>, DbError> {
    tx.fetch(&DUE, &[now.into(), limit.into()]).await
}

/// Claims a due e-mail until an instant; `false` if another node has it.
pub async fn claim(
    tx: &mut Tx<'_, '_>,
    id: EmailId,
    claim: &str,
    (now, until): (Time, Time),
) -> Result<bool, DbError> {
    let values = [claim.into(), until.into(), id.into(), now.into()];
    Ok(tx.execute(&CLAIM, &values).await? == 1)
}

/// Stores the result of an attempt; `false` if the claim ended and another node has taken over.
pub async fn record(
    tx: &mut Tx<'_, '_>,
    claim: &str,
    attempted: &Attempted,
) -> Result<bool, DbError> {
    Ok(tx.store(&RECORD, attempted, &[claim.into()]).await? == 1)
}

pub async fn is_paused(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    address: &str,
) -> Result<bool, DbError> {
    tx.exists(&IS_PAUSED, &[tenant.no.into(), address.into()]).await
}

/// Pauses an address; `false` if it is paused already.
pub async fn pause(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    address: &str,
    now: Time,
) -> Result<bool, DbError> {
    let values = [tenant.no.into(), address.into(), now.into()];
    Ok(tx.execute(&PAUSE, &values).await? == 1)
}

pub async fn unpause(tx: &mut Tx<'_, '_>, tenant: &Tenant, address: &str) -> Result<(), DbError> {
    tx.execute(&UNPAUSE, &[tenant.no.into(), address.into()]).await.map(|_| ())
}

pub async fn settings(tx: &mut Tx<'_, '_>, tenant: &Tenant) -> Result<EmailSettings, DbError> {
    Ok(tx.fetch_one(&SETTINGS, &[tenant.no.into()]).await?.unwrap_or_default())
}

pub async fn put_settings(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    settings: &EmailSettings,
) -> Result<(), DbError> {
    tx.store(&PUT_SETTINGS, settings, &[tenant.no.into()]).await.map(|_| ())
}

/// Deletes at most `limit` e-mails created before this instant, oldest first. Retries end a day
/// after the creation, long before.
pub async fn delete_before(tx: &mut Tx<'_, '_>, before: Time, limit: i64) -> Result<u64, DbError> {
    tx.execute(&DELETE_OLD, &[EmailId::first_at(before).into(), limit.into()]).await
}

/// Deletes a customer's e-mails, also those that are still to be sent, and what is known of its address.
pub async fn erase(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    customer: CustomerId,
    address: &str,
) -> Result<(), DbError> {
    tx.execute(&ERASE, &[tenant.no.into(), customer.into()]).await?;
    unpause(tx, tenant, address).await
}

word_columns!(EmailKind, EmailStatus);
text_columns!(Kinds);
