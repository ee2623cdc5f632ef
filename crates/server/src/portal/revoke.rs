//! Revoke: one session, or all sessions of a customer. Durable when it returns.

use super::{RevokedReason, sql};
use crate::audit::{self, Action, Actor, NewEvent};
use crate::base::{Ids, PortalSessionId, Time};
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
    actor: Actor,
    ids: Ids,
    now: Time,
) -> Result<(), DbError> {
    let action = match reason {
        RevokedReason::Revoked => Action::PortalSessionRevoked,
        RevokedReason::SignedOut => Action::PortalSessionEnded,
    };
    db.write(Lane::Urgent, async move |tx: &mut Tx<'_, '_>| {
        let Some(customer_id) = sql::revoke(tx, &tenant, sid, reason, now).await? else {
            return Ok(());
        };
        let event = NewEvent {
            id: ids.event(),
            actor,
            action,
            target_id: sid.to_string(),
            customer_id: Some(customer_id),
            detail: json!({}),
            at: now,
        };
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
    actor: Actor,
    ids: Ids,
    now: Time,
) -> Result<bool, DbError> {
    db.write(Lane::Urgent, async move |tx: &mut Tx<'_, '_>| {
        let Some(customer) = customers::get(tx, &tenant, &customer).await? else {
            return Ok(false);
        };
        let why = SessionsEnd::Revoked;
        let generation = customers::end_sessions(tx, &tenant, customer.no, why, now).await?;
        let event = NewEvent {
            id: ids.event(),
            actor,
            action: Action::CustomerSessionsRevoked,
            target_id: customer.id.to_string(),
            customer_id: Some(customer.id),
            detail: json!({ "generation": generation }),
            at: now,
        };
        audit::record(tx, tenant.no, &event).await?;
        Ok(true)
    })
    .await
}
