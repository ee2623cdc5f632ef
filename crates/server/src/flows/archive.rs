//! Archives a customer, with its sessions, subscriptions and payments.

use super::cancel::end_all_of_customer;
use crate::audit::Action;
use crate::credits;
use crate::customers::{self, Customer, CustomerRef, SessionsEnd};
use crate::db::DbError;
use crate::work::Work;
use serde_json::json;

/// Archives a customer and permanently ends its sessions and subscriptions, without further
/// charges. Idempotent.
pub async fn archive_customer(
    work: &mut Work<'_, '_, '_>,
    reference: &CustomerRef,
) -> Result<Option<Customer>, DbError> {
    let now = work.by.now;
    let Some(mut customer) = customers::lock(work.tx, work.tenant, reference).await? else {
        return Ok(None);
    };
    if customer.archived_at.is_none() {
        customer.generation =
            customers::end_sessions(work.tx, work.tenant, customer.no, SessionsEnd::Archived, now)
                .await?;
        customer.archived_at = Some(now);
        customer.updated_at = now;
        customers::store(work.tx, work.tenant, &customer).await?;
        work.note(customer.id, Action::CustomerArchived, customer.id, json!({})).await?;
        end_all_of_customer(work, customer.no).await?;
        credits::freeze_all(work.tx, work.tenant, customer.no).await?;
    }
    Ok(Some(customer))
}
