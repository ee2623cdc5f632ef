//! The statements on portal sessions.

use super::{NewSession, PortalSession, RevokedReason, SessionRecord, SessionStatus, Token};
use crate::base::{CustomerId, PageQuery, PortalSessionId, Time};
use crate::customers::{self, billing};
use crate::db::{Columns, DbError, Sql, Tx, sql, text_columns};
use crate::organizations::{Tenant, read_tenant};
use crate::signing::KeyStatus;
use std::sync::Arc;

/// The authentication statement: by `sid` alone, all by primary keys.
const RECORD: Sql = sql("SELECT s.sid, t.no, t.organization_id, t.env, s.customer_no, c.id, \
     s.api_key_id, s.scopes, s.allowed_origins, s.metadata, s.created_at, s.ttl_seconds, \
     s.absolute_expires_at, s.refresh_count, s.kid, s.digest, s.issued_at, s.expires_at, s.issuer, \
     s.previous_kid, s.previous_digest, s.previous_issued_at, s.previous_expires_at, s.previous_issuer, s.revoked_at, s.revoked_reason, \
     s.page, s.generation, c.no, c.id, c.external_id, c.name, c.email, c.metadata, c.archived_at, \
     c.generation, c.created_at, c.updated_at, b.type, b.locale, b.address, b.tax_ids, \
     b.tax_status, b.tax_rate, b.default_payment_method_id, b.currency, b.collection_method, \
     b.net_days, o.suspended, a.sessions_revoked, k.status, p.status \
     FROM portal_sessions s \
     JOIN customers c ON c.no = s.customer_no \
     JOIN tenants t ON t.no = s.tenant_no \
     JOIN organizations o ON o.id = t.organization_id \
     JOIN api_keys a ON a.id = s.api_key_id \
     JOIN signing_keys k ON k.kid = s.kid \
     LEFT JOIN signing_keys p ON p.kid = s.previous_kid \
     LEFT JOIN customer_billing b ON b.customer_no = c.no \
     WHERE s.sid = $1");

/// One serialisation point with revoke-all: the row takes the customer's generation as it stands
/// in this very statement. A revocation that commits after it makes the row old, one that
/// committed before is in it.
const INSERT: Sql = sql("INSERT INTO portal_sessions (sid, tenant_no, customer_no, generation, \
     api_key_id, scopes, allowed_origins, metadata, created_at, ttl_seconds, \
     absolute_expires_at, page, kid, digest, issued_at, expires_at, issuer) \
     SELECT CAST($1 AS TEXT), c.tenant_no, c.no, c.generation, CAST($2 AS TEXT), \
     CAST($3 AS TEXT), CAST($4 AS TEXT), CAST($5 AS TEXT), CAST($6 AS BIGINT), \
     CAST($7 AS BIGINT), CAST($8 AS BIGINT), CAST($9 AS TEXT), k.kid, $10, CAST($11 AS BIGINT), \
     CAST($12 AS BIGINT), CAST($13 AS TEXT) \
     FROM customers c JOIN signing_keys k ON k.kid = $14 AND k.status = 'active' \
     WHERE c.tenant_no = $15 AND c.id = $16 AND c.archived_at IS NULL");

const ADVANCE: Sql =
    sql("UPDATE portal_sessions SET previous_kid = kid, previous_digest = digest, \
     previous_issued_at = issued_at, previous_expires_at = expires_at, previous_issuer = issuer, \
     refresh_count = refresh_count + 1, kid = $1, digest = $2, \
     issued_at = $3, expires_at = $4, issuer = $5 \
     WHERE tenant_no = $6 AND customer_no = $7 AND sid = $8 AND refresh_count = $9 \
     AND revoked_at IS NULL \
     AND NOT EXISTS (SELECT 1 FROM signing_keys o WHERE o.kid = portal_sessions.kid \
     AND o.status = 'revoked') \
     AND EXISTS (SELECT 1 FROM signing_keys k WHERE k.kid = $1 AND k.status = 'active')");

/// A session that something else ended is left as it is, except one that a signing key's revocation
/// ended: a refresh in progress may still move it on. No clock is asked: an expired session is marked
/// too, because another node, whose clock is behind, may still accept it.
const REVOKE: Sql = sql("UPDATE portal_sessions SET revoked_at = $1, revoked_reason = $2 \
     WHERE tenant_no = $3 AND sid = $4 AND revoked_at IS NULL \
     AND NOT EXISTS (SELECT 1 FROM customers c WHERE c.no = customer_no \
     AND c.generation > portal_sessions.generation) \
     AND NOT EXISTS (SELECT 1 FROM api_keys a WHERE a.id = api_key_id AND a.sessions_revoked) \
     RETURNING (SELECT c.id FROM customers c WHERE c.no = customer_no)");
/// A code opens the page once: of two who try, one finds it unused.
const USE_CODE: Sql = sql("UPDATE portal_sessions SET code_used_at = $1 \
     WHERE tenant_no = $2 AND customer_no = $3 AND sid = $4 AND code_used_at IS NULL");
const IS_CODE_USED: Sql = sql("SELECT 1 FROM portal_sessions \
     WHERE tenant_no = $1 AND customer_no = $2 AND sid = $3 AND code_used_at IS NOT NULL");

/// When a session was revoked, by whatever ended it.
macro_rules! revoked_at {
    () => {
        "COALESCE(s.revoked_at, e.ended_at, CASE WHEN a.sessions_revoked THEN a.revoked_at END, \
         CASE WHEN k.status = 'revoked' THEN k.ended_at END)"
    };
}

/// The columns and tables of a session as it is listed.
macro_rules! listed {
    ($rest:literal) => {
        concat!(
            "SELECT s.sid, t.no, t.organization_id, t.env, s.customer_no, c.id, \
             s.api_key_id, s.scopes, s.allowed_origins, s.metadata, s.created_at, s.ttl_seconds, \
             s.absolute_expires_at, s.refresh_count, s.kid, s.digest, s.issued_at, s.expires_at, s.issuer, \
             s.previous_kid, s.previous_digest, s.previous_issued_at, s.previous_expires_at, \
             s.previous_issuer, ",
            revoked_at!(),
            ", COALESCE(s.revoked_reason, e.reason, \
             CASE WHEN a.sessions_revoked THEN 'api_key_revoked' END, \
             CASE WHEN k.status = 'revoked' THEN 'signing_key_revoked' END), s.page \
             FROM portal_sessions s \
             JOIN customers c ON c.no = s.customer_no \
             JOIN tenants t ON t.no = s.tenant_no \
             JOIN api_keys a ON a.id = s.api_key_id \
             JOIN signing_keys k ON k.kid = s.kid \
             LEFT JOIN ended_generations e \
             ON e.customer_no = s.customer_no AND e.generation = s.generation \
             WHERE s.tenant_no = $1 ",
            $rest
        )
    };
}

const GET: Sql = sql(listed!("AND s.sid = $2"));

/// A page of sessions, of all or those of one status, walking to older rows or to newer ones.
macro_rules! page {
    ($customer:literal, $now:literal, $status:literal, $limit:literal) => {
        [
            page!(@walk $customer, $now, $status, $limit, "DESC"),
            page!(@walk $customer, $now, $status, $limit, "ASC"),
        ]
    };
    (@walk $customer:literal, $now:literal, $status:literal, $limit:literal, $order:literal) => {
        sql(concat!(
            listed!("AND s.sid < $2 AND s.sid > $3 "),
            $customer,
            " AND (CASE WHEN ", revoked_at!(), " IS NOT NULL THEN 'revoked' \
             WHEN s.expires_at <= ", $now, " THEN 'expired' ELSE 'active' END = ", $status,
            " OR ", $status, " = '') ORDER BY s.sid ", $order, " LIMIT ", $limit
        ))
    };
}

const OF_TENANT: [Sql; 2] = page!("", "$4", "$5", "$6");
const OF_CUSTOMER: [Sql; 2] = page!("AND s.customer_no = $4", "$5", "$6", "$7");

const DELETE_OLD: Sql = sql("DELETE FROM portal_sessions WHERE sid IN \
     (SELECT sid FROM portal_sessions WHERE sid < $1 ORDER BY sid LIMIT $2)");

/// A row about to be inserted.
#[derive(Clone, Debug)]
pub struct NewRow {
    pub sid: PortalSessionId,
    pub customer_id: CustomerId,
    pub created_at: Time,
    pub absolute_expires_at: Time,
    pub new: Arc<NewSession>,
    pub token: Token,
}

/// Reads a session and all that can end it.
pub async fn record(
    tx: &mut Tx<'_, '_>,
    sid: PortalSessionId,
) -> Result<Option<Box<SessionRecord>>, DbError> {
    tx.one(&RECORD, &[sid.into()], |row| {
        Ok(Box::new(SessionRecord {
            session: read(row)?,
            generation: row.take()?,
            customer: customers::read(row)?,
            billing: billing::read(row)?,
            organization_suspended: row.take()?,
            key_sessions_revoked: row.take()?,
            signing_key: row.take()?,
            previous_signing_key: row.take::<Option<KeyStatus>>()?,
        }))
    })
    .await
}

/// Stores a session; `false` where the customer is missing or archived, or the key not active.
/// `alone` tells that the write consists of this.
pub async fn insert(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    row: &NewRow,
    alone: bool,
) -> Result<bool, DbError> {
    let values = [
        row.sid.into(),
        row.new.api_key_id.into(),
        row.new.scopes.to_string().into(),
        (&row.new.allowed_origins).into(),
        (&row.new.metadata).into(),
        row.created_at.into(),
        row.new.ttl_seconds.into(),
        row.absolute_expires_at.into(),
        row.new.page.to_json().into(),
        (&row.token.digest).into(),
        row.token.issued_at.into(),
        row.token.expires_at.into(),
        row.token.issuer.as_deref().into(),
        (&row.token.kid).into(),
        tenant.no.into(),
        row.customer_id.into(),
    ];
    let inserted = match alone {
        true => tx.execute_alone(&INSERT, &values).await?,
        false => tx.execute(&INSERT, &values).await?,
    };
    Ok(inserted == 1)
}

/// Makes the token of `next` the current one; `false` where another refresh was first, the session
/// was revoked or the signing key is not active any more.
pub async fn advance(tx: &mut Tx<'_, '_>, next: &PortalSession) -> Result<bool, DbError> {
    let values = [
        (&next.current.kid).into(),
        (&next.current.digest).into(),
        next.current.issued_at.into(),
        next.current.expires_at.into(),
        next.current.issuer.as_deref().into(),
        next.tenant.no.into(),
        next.customer_no.into(),
        next.sid.into(),
        (next.refresh_count - 1).into(),
    ];
    Ok(tx.execute(&ADVANCE, &values).await? == 1)
}

/// Ends one session; `None` where there is none to end, else its customer.
pub async fn revoke(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    sid: PortalSessionId,
    reason: RevokedReason,
    now: Time,
) -> Result<Option<CustomerId>, DbError> {
    let values = [now.into(), reason.as_str().into(), tenant.no.into(), sid.into()];
    tx.one(&REVOKE, &values, |row| row.take()).await
}

/// Uses up the code of a session; `false` where it had been used.
pub async fn use_code(
    tx: &mut Tx<'_, '_>,
    session: &PortalSession,
    now: Time,
) -> Result<bool, DbError> {
    let values =
        [now.into(), session.tenant.no.into(), session.customer_no.into(), session.sid.into()];
    Ok(tx.execute(&USE_CODE, &values).await? == 1)
}

/// Whether the code of a session was used up.
pub async fn is_code_used(tx: &mut Tx<'_, '_>, session: &PortalSession) -> Result<bool, DbError> {
    let values = [session.tenant.no.into(), session.customer_no.into(), session.sid.into()];
    Ok(tx.one(&IS_CODE_USED, &values, |_| Ok(())).await?.is_some())
}

pub async fn get(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    sid: PortalSessionId,
) -> Result<Option<PortalSession>, DbError> {
    tx.one(&GET, &[tenant.no.into(), sid.into()], read).await
}

/// A page of a tenant's sessions, or of one customer's, of all or of one status.
pub async fn page(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    customer_no: Option<i64>,
    status: Option<SessionStatus>,
    query: &PageQuery,
    now: Time,
) -> Result<Vec<PortalSession>, DbError> {
    let (before, after, newer) = query.bounds();
    let mut values = vec![tenant.no.into(), before.into(), after.into()];
    let statements = match customer_no {
        Some(no) => {
            values.push(no.into());
            &OF_CUSTOMER
        }
        None => &OF_TENANT,
    };
    let status = status.map_or("", SessionStatus::as_str);
    values.extend([now.into(), status.into(), query.fetch().into()]);
    tx.all(&statements[usize::from(newer)], &values, read).await
}

/// Deletes at most `limit` sessions minted before this instant, oldest first.
pub async fn delete_before(tx: &mut Tx<'_, '_>, before: Time, limit: i64) -> Result<u64, DbError> {
    tx.execute(&DELETE_OLD, &[PortalSessionId::first_at(before).into(), limit.into()]).await
}

fn read(row: &mut Columns<'_>) -> Result<PortalSession, DbError> {
    let sid = row.take()?;
    let tenant = read_tenant(row)?;
    Ok(PortalSession {
        sid,
        tenant,
        customer_no: row.take()?,
        customer_id: row.take()?,
        api_key_id: row.take()?,
        scopes: row.take()?,
        allowed_origins: row.take()?,
        metadata: row.take()?,
        created_at: row.take()?,
        ttl_seconds: row.take()?,
        absolute_expires_at: row.take()?,
        refresh_count: row.take()?,
        current: Token {
            kid: row.take()?,
            digest: row.take()?,
            issued_at: row.take()?,
            expires_at: row.take()?,
            issuer: row.take()?,
        },
        previous: read_previous(row)?,
        revoked: row.take::<Option<Time>>()?.zip(row.take::<Option<String>>()?),
        page: row.take()?,
    })
}

fn read_previous(row: &mut Columns<'_>) -> Result<Option<Token>, DbError> {
    let kid: Option<String> = row.take()?;
    let digest: Option<[u8; 32]> = row.take()?;
    let issued_at: Option<Time> = row.take()?;
    let expires_at: Option<Time> = row.take()?;
    let issuer: Option<String> = row.take()?;
    let token = kid.zip(digest).zip(issued_at.zip(expires_at));
    Ok(token.map(|((kid, digest), (issued_at, expires_at))| Token {
        kid,
        digest,
        issued_at,
        expires_at,
        issuer,
    }))
}

text_columns!(super::PortalScopes);
