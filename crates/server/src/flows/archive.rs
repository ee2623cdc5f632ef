//! Archiving a customer: its sessions, its subscriptions and its payments end with it.

use super::cancel::end_all_of_customer;
use crate::audit::Action;
use crate::customers::{self, Customer, CustomerRef, SessionsEnd};
use crate::db::{DbError, Tx};
use crate::organizations::Tenant;
use crate::work::By;
use crate::{credits, test_clock};
use serde_json::json;

/// Archives a customer and ends for good every session and subscription, charging nothing more;
/// again, it changes nothing.
pub async fn archive_customer(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    reference: &CustomerRef,
    by: &By,
) -> Result<Option<Customer>, DbError> {
    let now = by.now;
    let Some(mut customer) = customers::lock(tx, tenant, reference).await? else { return Ok(None) };
    if customer.archived_at.is_none() {
        customer.generation =
            customers::end_sessions(tx, tenant, customer.no, SessionsEnd::Archived, now).await?;
        customer.archived_at = Some(now);
        customer.updated_at = now;
        customers::store(tx, tenant, &customer).await?;
        by.note(tx, tenant, customer.id, Action::CustomerArchived, customer.id, json!({})).await?;
        let at = test_clock::now(tx, tenant, now).await?;
        end_all_of_customer(tx, tenant, customer.no, at, by).await?;
        credits::freeze_all(tx, tenant, customer.no).await?;
    }
    Ok(Some(customer))
}
