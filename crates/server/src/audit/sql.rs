//! The statements on audit events.

use super::{Event, NewEvent};
use crate::base::{CustomerId, PageQuery, Time};
use crate::db::{DbError, Sql, Tx, list, sql};
use crate::organizations::Tenant;

const INSERT: Sql = sql("INSERT INTO audit_events \
     (id, tenant_no, actor_type, actor_id, action, target_id, customer_id, detail, created_at) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)");
const OF_TENANT: [Sql; 2] = list!(
    "SELECT id, actor_type, actor_id, action, target_id, customer_id, detail, created_at \
     FROM audit_events WHERE tenant_no = $1 AND id < $2 AND id > $3",
    "id",
    "$4"
);
const OF_CUSTOMER: [Sql; 2] = list!(
    "SELECT id, actor_type, actor_id, action, target_id, customer_id, detail, created_at \
     FROM audit_events WHERE tenant_no = $1 AND id < $2 AND id > $3 AND customer_id = $4",
    "id",
    "$5"
);
const DELETE_OLD: Sql = sql("DELETE FROM audit_events WHERE id IN \
     (SELECT id FROM audit_events WHERE id < $1 ORDER BY id LIMIT $2)");

pub async fn insert(tx: &mut Tx<'_, '_>, tenant_no: i64, event: &NewEvent) -> Result<(), DbError> {
    let values = [
        event.id.into(),
        tenant_no.into(),
        event.actor.kind().into(),
        event.actor.id().into(),
        event.action.as_str().into(),
        (&event.target_id).into(),
        event.customer_id.into(),
        event.detail.to_string().into(),
        event.at.into(),
    ];
    tx.execute(&INSERT, &values).await.map(|_| ())
}

/// A page of a tenant's events, or of one customer's.
pub async fn page(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    customer: Option<CustomerId>,
    query: &PageQuery,
) -> Result<Vec<Event>, DbError> {
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
    tx.all(&statements[usize::from(newer)], &values, |row| {
        Ok(Event {
            id: row.take()?,
            actor_type: row.take()?,
            actor_id: row.take()?,
            action: row.take()?,
            target_id: row.take()?,
            customer_id: row.take()?,
            detail: row.take()?,
            created_at: row.take()?,
        })
    })
    .await
}

/// Deletes at most `limit` events made before this instant, oldest first: ids carry their time.
pub async fn delete_before(tx: &mut Tx<'_, '_>, before: Time, limit: i64) -> Result<u64, DbError> {
    tx.execute(&DELETE_OLD, &[crate::base::EventId::first_at(before).into(), limit.into()]).await
}
