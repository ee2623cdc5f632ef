//! SQL statements for audit events.

use super::{AuditEvent, NewAuditEvent};
use crate::base::{CustomerId, PageQuery, Time};
use crate::db::{Command, DbError, Pages, Sql, Tx, command, pages, sql};
use crate::organizations::Tenant;

const INSERT: Command<NewAuditEvent> = command!(
    NewAuditEvent,
    "INSERT INTO audit_events (tenant_no, actor_type, actor_id, {columns}) \
     VALUES ($1, $2, $3, {values})"
);
const OF_TENANT: Pages<AuditEvent> = pages!(
    AuditEvent,
    "SELECT {} FROM audit_events WHERE tenant_no = $1 AND id < $2 AND id > $3 \
     ORDER BY id {order} LIMIT $4"
);
const OF_CUSTOMER: Pages<AuditEvent> = pages!(
    AuditEvent,
    "SELECT {} FROM audit_events WHERE tenant_no = $1 AND id < $2 AND id > $3 \
     AND customer_id = $4 ORDER BY id {order} LIMIT $5"
);
const DELETE_OLD: Sql = sql("DELETE FROM audit_events WHERE id IN \
     (SELECT id FROM audit_events WHERE id < $1 ORDER BY id LIMIT $2)");

pub async fn insert(
    tx: &mut Tx<'_, '_>,
    tenant_no: i64,
    event: &NewAuditEvent,
) -> Result<(), DbError> {
    let given = [tenant_no.into(), event.actor.kind().into(), event.actor.id().into()];
    tx.store(&INSERT, event, &given).await.map(|_| ())
}

/// Reads a page of the events of a tenant or of one customer.
pub async fn page(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    customer: Option<CustomerId>,
    query: &PageQuery,
) -> Result<Vec<AuditEvent>, DbError> {
    let (before, after, newer) = query.bounds();
    let mut values = vec![tenant.no.into(), before.into(), after.into()];
    let statements = match customer {
        Some(customer) => {
            values.push(customer.into());
            &OF_CUSTOMER
        }
        None => &OF_TENANT,
    };
    values.push(query.fetch().into());
    tx.fetch(&statements[usize::from(newer)], &values).await
}

/// Deletes at most `limit` events created before this instant, oldest first. Ids contain their
/// creation time.
pub async fn delete_before(tx: &mut Tx<'_, '_>, before: Time, limit: i64) -> Result<u64, DbError> {
    tx.execute(&DELETE_OLD, &[crate::base::EventId::first_at(before).into(), limit.into()]).await
}
