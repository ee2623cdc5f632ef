//! Revoke: one session, or all sessions of a customer. Durable when it returns.

use super::{RevokedReason, sql};
use crate::audit::{self, Action, Author};
use crate::base::PortalSessionId;
use crate::customers::{self, CustomerRef, SessionsEnd};
use crate::db::{Db, DbError, Lane, Tx};
use crate::organizations::Tenant;
use serde_json::json;

/// Ends one session of a tenant. No-op if it is unknown, foreign or has ended.
pub async fn revoke_session(
    db: &Db,
    tenant: Tenant,
    sid: PortalSessionId,
    reason: RevokedReason,
    author: Author,
) -> Result<(), DbError> {
    let action = match reason {
        RevokedReason::Revoked => Action::PortalSessionRevoked,
        RevokedReason::SignedOut => Action::PortalSessionEnded,
    };
    db.write(Lane::Urgent, async move |tx: &mut Tx<'_, '_>| {
        let Some(customer_id) = sql::revoke(tx, &tenant, sid, reason, author.now).await? else {
            return Ok(());
        };
        let event = author.event(action, sid, Some(customer_id), json!({}));
        audit::record(tx, tenant.no, &event).await
    })
    .await
}

/// Ends all earlier sessions of a customer in one write; `false` if the tenant has no such
/// customer.
pub async fn revoke_customer(
    db: &Db,
    tenant: Tenant,
    customer: CustomerRef,
    author: Author,
) -> Result<bool, DbError> {
    db.write(Lane::Urgent, async move |tx: &mut Tx<'_, '_>| {
        let Some(customer) = customers::get(tx, &tenant, &customer).await? else {
            return Ok(false);
        };
        let why = SessionsEnd::Revoked;
        let generation = customers::end_sessions(tx, &tenant, customer.no, why, author.now).await?;
        let (id, detail) = (customer.id, json!({ "generation": generation }));
        let event = author.event(Action::CustomerSessionsRevoked, id, Some(id), detail);
        audit::record(tx, tenant.no, &event).await?;
        Ok(true)
    })
    .await
}
