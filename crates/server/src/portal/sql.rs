//! SQL statements for portal sessions.

use super::invoice_link::Linked;
use super::{
    NewSession, PortalSession, RevokedReason, SessionOrigin, SessionRecord, SessionStatus, Token,
};
use crate::base::{CustomerId, InvoiceId, PageQuery, PortalSessionId, Time};
use crate::db::{
    Command, DbError, Pages, Query, Scalar, Sql, ToRow, Tx, command, pages, query, scalar, sql,
    text_columns, word_columns,
};
use crate::organizations::Tenant;
use crate::signing::InvoiceLink;
use std::sync::Arc;

/// The authentication statement: by `sid` only, all by primary keys.
const RECORD: Query<Box<SessionRecord>> = query!(
    Box<SessionRecord>,
    "SELECT {s, session: s, tenant: t, customer: c, billing: b} FROM portal_sessions s \
     JOIN customers c ON c.no = s.customer_no \
     JOIN tenants t ON t.no = s.tenant_no \
     JOIN organizations o ON o.id = t.organization_id \
     LEFT JOIN api_keys a ON a.id = s.api_key_id \
     JOIN signing_keys k ON k.kid = s.kid \
     LEFT JOIN signing_keys p ON p.kid = s.previous_kid \
     LEFT JOIN customer_billing b ON b.customer_no = c.no \
     LEFT JOIN invoices i ON i.tenant_no = s.tenant_no AND i.id = s.invoice_id \
     WHERE s.sid = $1",
    customer_id = "c.id",
    organization_suspended = "o.suspended",
    api_key_id = "a.id",
    key_sessions_revoked = "COALESCE(a.sessions_revoked, FALSE)",
    signing_key = "k.status",
    previous_signing_key = "p.status",
    session_events = "t.session_events",
    invoice_status = "i.status",
);
/// The invoice of a link, which knows its tenant.
const LINKED: Query<Box<Linked>> = query!(
    Box<Linked>,
    "SELECT {tenant: t, customer: c, billing: b} FROM invoices i \
     JOIN customers c ON c.no = i.customer_no \
     JOIN tenants t ON t.no = i.tenant_no \
     JOIN organizations o ON o.id = t.organization_id \
     LEFT JOIN customer_billing b ON b.customer_no = c.no \
     WHERE i.tenant_no = $1 AND i.id = $2",
    invoice_status = "i.status",
    organization_suspended = "o.suspended",
    session_events = "t.session_events",
);
const WAS_REVOKED: Sql = sql("SELECT 1 FROM portal_sessions WHERE tenant_no = $1 \
     AND customer_no = $2 AND sid >= $3 AND invoice_id = $4 AND revoked_reason = 'revoked'");

/// The serialisation point with revoke-all: the row takes the customer's generation as it stands
/// in this very statement. A revocation that commits later makes the row old, one that committed
/// before is in it.
const INSERT: Command<NewRow> = command!(
    NewRow,
    "INSERT INTO portal_sessions (sid, tenant_no, customer_no, generation, \
     api_key_id, origin, invoice_id, scopes, allowed_origins, metadata, created_at, ttl_seconds, \
     absolute_expires_at, page, kid, digest, issued_at, expires_at, issuer) \
     SELECT CAST({sid} AS TEXT), c.tenant_no, c.no, c.generation, \
     COALESCE(CAST({api_key_id} AS TEXT), ''), CAST({origin} AS TEXT), \
     CAST({invoice_id} AS TEXT), CAST({scopes} AS TEXT), CAST({allowed_origins} AS TEXT), CAST({metadata} AS TEXT), \
     CAST({created_at} AS BIGINT), CAST({ttl_seconds} AS BIGINT), \
     CAST({absolute_expires_at} AS BIGINT), CAST({page} AS TEXT), k.kid, {digest}, \
     CAST({issued_at} AS BIGINT), CAST({expires_at} AS BIGINT), CAST({issuer} AS TEXT) \
     FROM customers c JOIN signing_keys k ON k.kid = {kid} AND k.status = 'active' \
     WHERE c.tenant_no = $1 AND c.id = {customer_id} AND c.archived_at IS NULL \
     AND c.generation = COALESCE(CAST($2 AS BIGINT), c.generation) \
     ON CONFLICT (sid) DO NOTHING"
);

const ADVANCE: Command<Token> = command!(
    Token,
    "UPDATE portal_sessions SET previous_kid = kid, previous_digest = digest, \
     previous_issued_at = issued_at, previous_expires_at = expires_at, previous_issuer = issuer, \
     refresh_count = refresh_count + 1, {set} \
     WHERE tenant_no = $1 AND customer_no = $2 AND sid = $3 AND refresh_count = $4 \
     AND revoked_at IS NULL \
     AND NOT EXISTS (SELECT 1 FROM signing_keys o WHERE o.kid = portal_sessions.kid \
     AND o.status = 'revoked') \
     AND EXISTS (SELECT 1 FROM signing_keys k WHERE k.kid = {kid} AND k.status = 'active')"
);

/// A session that something else ended is left as it is, except one that a signing key's revocation
/// ended: a refresh in progress may still move it on. No clock is asked: an expired session is marked
/// too, because another node, whose clock is behind, may still accept it.
const REVOKE: Scalar<CustomerId> = scalar(
    "UPDATE portal_sessions SET revoked_at = $1, revoked_reason = $2 \
     WHERE tenant_no = $3 AND sid = $4 AND revoked_at IS NULL \
     AND NOT EXISTS (SELECT 1 FROM customers c WHERE c.no = customer_no \
     AND c.generation > portal_sessions.generation) \
     AND NOT EXISTS (SELECT 1 FROM api_keys a WHERE a.id = api_key_id AND a.sessions_revoked) \
     RETURNING (SELECT c.id FROM customers c WHERE c.no = customer_no)",
);
/// A code opens the page once: of two concurrent uses, one finds it unused.
const USE_CODE: Sql = sql("UPDATE portal_sessions SET code_used_at = $1 \
     WHERE tenant_no = $2 AND customer_no = $3 AND sid = $4 AND code_used_at IS NULL");
const IS_CODE_USED: Sql = sql("SELECT 1 FROM portal_sessions \
     WHERE tenant_no = $1 AND customer_no = $2 AND sid = $3 AND code_used_at IS NOT NULL");

/// The instant at which the session ended early, whether itself, its generation, its API key or its
/// signing key was revoked, or its invoice is not owed any more.
macro_rules! revoked_at {
    () => {
        "COALESCE(s.revoked_at, e.ended_at, CASE WHEN a.sessions_revoked THEN a.revoked_at END, \
         CASE WHEN k.status = 'revoked' THEN k.ended_at END, \
         CASE WHEN i.status IN ('paid', 'void') THEN COALESCE(i.paid_at, i.updated_at) END)"
    };
}

const REVOKED_REASON: &str = "COALESCE(s.revoked_reason, e.reason, \
     CASE WHEN a.sessions_revoked THEN 'api_key_revoked' END, \
     CASE WHEN k.status = 'revoked' THEN 'signing_key_revoked' END, \
     CASE WHEN i.status IN ('paid', 'void') THEN 'invoice_closed' END)";

/// A session as it is listed.
macro_rules! listed {
    ($rest:expr) => {
        concat!(
            "SELECT {s, tenant: t} FROM portal_sessions s \
             JOIN customers c ON c.no = s.customer_no \
             JOIN tenants t ON t.no = s.tenant_no \
             LEFT JOIN api_keys a ON a.id = s.api_key_id \
             JOIN signing_keys k ON k.kid = s.kid \
             LEFT JOIN ended_generations e \
             ON e.customer_no = s.customer_no AND e.generation = s.generation \
             LEFT JOIN invoices i ON i.tenant_no = s.tenant_no AND i.id = s.invoice_id \
             WHERE s.tenant_no = $1 ",
            $rest
        )
    };
}

const GET: Query<PortalSession> = query!(
    PortalSession,
    listed!("AND s.sid = $2"),
    customer_id = "c.id",
    api_key_id = "a.id",
    revoked_at = revoked_at!(),
    revoked_reason = REVOKED_REASON,
);

/// A page of sessions, of one status or, if that is empty, of all.
macro_rules! page {
    ($customer:literal, $now:literal, $status:literal, $limit:literal) => {
        pages!(
            PortalSession,
            concat!(
                listed!("AND s.sid < $2 AND s.sid > $3 "),
                $customer,
                " AND (CASE WHEN ",
                revoked_at!(),
                " IS NOT NULL THEN 'revoked' WHEN s.expires_at <= ",
                $now,
                " THEN 'expired' ELSE 'active' END = ",
                $status,
                " OR ",
                $status,
                " = '') ORDER BY s.sid {order} LIMIT ",
                $limit
            ),
            customer_id = "c.id",
            api_key_id = "a.id",
            revoked_at = revoked_at!(),
            revoked_reason = REVOKED_REASON,
        )
    };
}

const OF_TENANT: Pages<PortalSession> = page!("", "$4", "$5", "$6");
const OF_CUSTOMER: Pages<PortalSession> = page!("AND s.customer_no = $4", "$5", "$6", "$7");

const DELETE_OLD: Sql = sql("DELETE FROM portal_sessions WHERE sid IN \
     (SELECT sid FROM portal_sessions WHERE sid < $1 ORDER BY sid LIMIT $2)");
const ERASE: Sql =
    sql("UPDATE portal_sessions SET metadata = '{}' WHERE tenant_no = $1 AND customer_no = $2");

/// A row to insert.
#[derive(Clone, Debug, ToRow)]
pub struct NewRow {
    pub sid: PortalSessionId,
    pub customer_id: CustomerId,
    pub created_at: Time,
    pub absolute_expires_at: Time,
    #[record(prefix = "")]
    pub new: Arc<NewSession>,
    #[record(prefix = "")]
    pub token: Token,
}

/// Reads a session with everything that can end it.
pub async fn record(
    tx: &mut Tx<'_, '_>,
    sid: PortalSessionId,
) -> Result<Option<Box<SessionRecord>>, DbError> {
    tx.fetch_one(&RECORD, &[sid.into()]).await
}

/// Reads the invoice of a link.
pub async fn linked(
    tx: &mut Tx<'_, '_>,
    link: &InvoiceLink,
) -> Result<Option<Box<Linked>>, DbError> {
    tx.fetch_one(&LINKED, &[link.tenant_no.into(), link.invoice_id.into()]).await
}

/// Whether a backend has revoked a session of the invoice that was opened since an instant.
pub async fn was_revoked(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    customer_no: i64,
    invoice: InvoiceId,
    since: Time,
) -> Result<bool, DbError> {
    let first = PortalSessionId::first_at(since);
    let values = [tenant.no.into(), customer_no.into(), first.into(), invoice.into()];
    tx.exists(&WAS_REVOKED, &values).await
}

/// Stores a session; returns `false` if it exists, the customer is missing, archived or of another
/// generation, or the signing key not active. With `alone`, the write consists of this statement only.
pub async fn insert(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    row: &NewRow,
    alone: bool,
) -> Result<bool, DbError> {
    let given = [tenant.no.into(), row.new.generation.into()];
    let inserted = match alone {
        true => tx.store_alone(&INSERT, row, &given).await?,
        false => tx.store(&INSERT, row, &given).await?,
    };
    Ok(inserted == 1)
}

/// Makes the token of `next` the current one; returns `false` if another refresh was first, the
/// session was revoked or the signing key is no longer active.
pub async fn advance(tx: &mut Tx<'_, '_>, next: &PortalSession) -> Result<bool, DbError> {
    let given = [
        next.tenant.no.into(),
        next.customer_no.into(),
        next.sid.into(),
        (next.refresh_count - 1).into(),
    ];
    Ok(tx.store(&ADVANCE, &next.current, &given).await? == 1)
}

/// Revokes one session and returns its customer, or `None` if there is no session to end.
pub async fn revoke(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    sid: PortalSessionId,
    reason: RevokedReason,
    now: Time,
) -> Result<Option<CustomerId>, DbError> {
    let values = [now.into(), reason.as_str().into(), tenant.no.into(), sid.into()];
    tx.scalar(&REVOKE, &values).await
}

/// Marks the code of a session as used; returns `false` if it was used before.
pub async fn use_code(
    tx: &mut Tx<'_, '_>,
    session: &PortalSession,
    now: Time,
) -> Result<bool, DbError> {
    let values =
        [now.into(), session.tenant.no.into(), session.customer_no.into(), session.sid.into()];
    Ok(tx.execute(&USE_CODE, &values).await? == 1)
}

/// Whether the code of a session was used.
pub async fn is_code_used(tx: &mut Tx<'_, '_>, session: &PortalSession) -> Result<bool, DbError> {
    let values = [session.tenant.no.into(), session.customer_no.into(), session.sid.into()];
    tx.exists(&IS_CODE_USED, &values).await
}

pub async fn get(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    sid: PortalSessionId,
) -> Result<Option<PortalSession>, DbError> {
    tx.fetch_one(&GET, &[tenant.no.into(), sid.into()]).await
}

/// Chooses the sessions of one customer or of all, that have one status at `now` or any.
#[derive(Clone, Copy, Debug)]
pub struct SessionFilter {
    pub customer_no: Option<i64>,
    pub status: Option<SessionStatus>,
    pub now: Time,
}

/// Reads a page of the sessions of a tenant or of one customer, of all or of one status.
pub async fn page(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    filter: &SessionFilter,
    query: &PageQuery,
) -> Result<Vec<PortalSession>, DbError> {
    let (before, after, newer) = query.bounds();
    let mut values = vec![tenant.no.into(), before.into(), after.into()];
    let statements = match filter.customer_no {
        Some(no) => {
            values.push(no.into());
            &OF_CUSTOMER
        }
        None => &OF_TENANT,
    };
    let status = filter.status.map_or("", SessionStatus::as_str);
    values.extend([filter.now.into(), status.into(), query.fetch().into()]);
    tx.fetch(&statements[usize::from(newer)], &values).await
}

/// Deletes at most `limit` sessions minted before this instant, oldest first.
pub async fn delete_before(tx: &mut Tx<'_, '_>, before: Time, limit: i64) -> Result<u64, DbError> {
    tx.execute(&DELETE_OLD, &[PortalSessionId::first_at(before).into(), limit.into()]).await
}

/// Erases what the backend noted about a customer's sessions.
pub async fn erase(tx: &mut Tx<'_, '_>, tenant: &Tenant, customer_no: i64) -> Result<(), DbError> {
    tx.execute(&ERASE, &[tenant.no.into(), customer_no.into()]).await.map(|_| ())
}

text_columns!(super::PortalScopes);
word_columns!(SessionOrigin);
