//! SQL statements for logins and their settings.

use super::{Candidates, Login, LoginPage, LoginSettings, MAX_TRIES, comparable};
use crate::base::{LoginId, Time};
use crate::db::{
    Command, DbError, FromRow, Query, Scalar, Sql, ToRow, Tx, command, json_columns, query, scalar,
    sql,
};
use crate::organizations::{Environment, Tenant};

const SETTINGS: Query<LoginSettings> =
    query!(LoginSettings, "SELECT {} FROM login_settings WHERE tenant_no = $1");
const PUT_SETTINGS: Command<LoginSettings> = command!(
    LoginSettings,
    "INSERT INTO login_settings (tenant_no, {columns}) VALUES ($1, {values}) \
     ON CONFLICT (tenant_no) DO UPDATE SET {set excluded}"
);

macro_rules! page {
    ($where:literal) => {
        query!(
            LoginPage,
            concat!(
                "SELECT {tenant: t, settings: s} FROM tenants t \
                 JOIN organizations o ON o.id = t.organization_id \
                 LEFT JOIN login_settings s ON s.tenant_no = t.no WHERE ",
                $where
            ),
            suspended = "o.suspended",
            session_events = "t.session_events",
        )
    };
}

/// These two start from an organization's name: nobody is known yet.
const PAGE_BY_NAME: Query<LoginPage> = page!("(o.id = $1 OR o.name = $1) AND t.env = $2");
const PAGE_BY_NO: Query<LoginPage> = page!("t.no = $1");

const INSERT: Command<NewLogin> =
    command!(NewLogin, "INSERT INTO logins ({columns}) VALUES ({values})");
const COUNT: Scalar<i64> =
    scalar("SELECT COUNT(*) FROM logins WHERE tenant_no = $1 AND address_digest = $2 AND id > $3");
/// Of the whole installation: the addresses that any node may look up.
const WAITING: Query<Waiting> = query!(
    Waiting,
    "SELECT {l, tenant: t} FROM logins l JOIN tenants t ON t.no = l.tenant_no \
     WHERE l.address IS NOT NULL ORDER BY l.id LIMIT $1"
);
const TAKE_UP: Sql =
    sql("UPDATE logins SET address = NULL, candidates = $1 WHERE id = $2 AND address IS NOT NULL");
/// These start from the login's id: the caller has its cookie and no other credential. Each try is
/// counted before its code is compared, in the row, so that all nodes together allow no more.
const TRY: Query<Login> = query!(
    Login,
    "UPDATE logins SET tries = tries + 1 WHERE id = $1 AND created_at > $2 AND tries < $3 \
     AND verified_at IS NULL RETURNING {}"
);
const VERIFIED: Query<Login> = query!(
    Login,
    "SELECT {} FROM logins WHERE id = $1 AND created_at > $2 AND verified_at IS NOT NULL \
     AND used_at IS NULL"
);
const VERIFY: Sql = sql("UPDATE logins SET verified_at = $1 WHERE id = $2 AND verified_at IS NULL");
const USE: Sql = sql("UPDATE logins SET verified_at = COALESCE(verified_at, $1), used_at = $1 \
     WHERE id = $2 AND used_at IS NULL");
const DELETE_OLD: Sql = sql("DELETE FROM logins WHERE id IN \
     (SELECT id FROM logins WHERE id < $1 ORDER BY id LIMIT $2)");
const ERASE: Sql = sql("DELETE FROM logins WHERE tenant_no = $1 AND address = $2");

#[derive(Clone, Debug, ToRow)]
pub struct NewLogin {
    pub id: LoginId,
    pub tenant_no: i64,
    pub address: String,
    pub address_digest: [u8; 32],
    pub created_at: Time,
}

/// A login whose address was not looked up yet.
#[derive(Clone, Debug, FromRow)]
pub struct Waiting {
    pub id: LoginId,
    #[record(join)]
    pub tenant: Tenant,
    pub address: String,
}

pub async fn settings(tx: &mut Tx<'_, '_>, tenant: &Tenant) -> Result<LoginSettings, DbError> {
    Ok(tx.fetch_one(&SETTINGS, &[tenant.no.into()]).await?.unwrap_or_default())
}

pub async fn put_settings(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    settings: &LoginSettings,
) -> Result<(), DbError> {
    tx.store(&PUT_SETTINGS, settings, &[tenant.no.into()]).await.map(|_| ())
}

pub async fn page(
    tx: &mut Tx<'_, '_>,
    organization: &str,
    environment: Environment,
) -> Result<Option<LoginPage>, DbError> {
    let values = [organization.into(), environment.as_str().into()];
    tx.fetch_one(&PAGE_BY_NAME, &values).await
}

pub async fn page_by_no(tx: &mut Tx<'_, '_>, tenant_no: i64) -> Result<Option<LoginPage>, DbError> {
    tx.fetch_one(&PAGE_BY_NO, &[tenant_no.into()]).await
}

pub async fn insert(tx: &mut Tx<'_, '_>, login: &NewLogin) -> Result<(), DbError> {
    tx.store(&INSERT, login, &[]).await.map(|_| ())
}

/// Counts the logins of an address since an instant.
pub async fn count(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    address_digest: &[u8; 32],
    since: Time,
) -> Result<i64, DbError> {
    let values = [tenant.no.into(), address_digest.into(), LoginId::first_at(since).into()];
    Ok(tx.scalar(&COUNT, &values).await?.unwrap_or(0))
}

/// Returns at most `limit` logins whose address was not looked up yet, oldest first.
pub async fn waiting(tx: &mut Tx<'_, '_>, limit: i64) -> Result<Vec<Waiting>, DbError> {
    tx.fetch(&WAITING, &[limit.into()]).await
}

/// Replaces the address by the customers that have it; `false` if another node did.
pub async fn take_up(
    tx: &mut Tx<'_, '_>,
    id: LoginId,
    candidates: &Candidates,
) -> Result<bool, DbError> {
    let candidates = crate::db::json(candidates);
    Ok(tx.execute(&TAKE_UP, &[candidates.into(), id.into()]).await? == 1)
}

/// Counts a try; `None` if there is no valid login or none is left.
pub async fn count_try(
    tx: &mut Tx<'_, '_>,
    id: LoginId,
    since: Time,
) -> Result<Option<Login>, DbError> {
    tx.fetch_one(&TRY, &[id.into(), since.into(), MAX_TRIES.into()]).await
}

/// Returns a valid login whose code was right and whose customer was not chosen yet.
pub async fn verified(
    tx: &mut Tx<'_, '_>,
    id: LoginId,
    since: Time,
) -> Result<Option<Login>, DbError> {
    tx.fetch_one(&VERIFIED, &[id.into(), since.into()]).await
}

pub async fn verify(tx: &mut Tx<'_, '_>, id: LoginId, now: Time) -> Result<bool, DbError> {
    Ok(tx.execute(&VERIFY, &[now.into(), id.into()]).await? == 1)
}

/// Uses a login up; `false` if it was used before.
pub async fn use_up(tx: &mut Tx<'_, '_>, id: LoginId, now: Time) -> Result<bool, DbError> {
    Ok(tx.execute(&USE, &[now.into(), id.into()]).await? == 1)
}

/// Deletes at most `limit` logins made before this instant, oldest first.
pub async fn delete_before(tx: &mut Tx<'_, '_>, before: Time, limit: i64) -> Result<u64, DbError> {
    tx.execute(&DELETE_OLD, &[LoginId::first_at(before).into(), limit.into()]).await
}

/// Deletes the logins whose address was not looked up yet. Later the row does not have it any more.
pub async fn erase(tx: &mut Tx<'_, '_>, tenant: &Tenant, address: &str) -> Result<(), DbError> {
    tx.execute(&ERASE, &[tenant.no.into(), comparable(address).into()]).await.map(|_| ())
}

json_columns!(Candidates);
