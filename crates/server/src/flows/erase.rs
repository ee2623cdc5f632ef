//! Erases a customer's personal data.

use super::archive_customer;
use crate::audit::Action;
use crate::customers::{self, Customer, CustomerRef};
use crate::db::DbError;
use crate::payments::PaymentMethod;
use crate::work::Work;
use crate::{
    emails, events, idempotency, invoices, logins, payments, portal, subscriptions, usage, webhooks,
};
use serde_json::json;

/// Archives a customer and erases its personal data; `None` if there is no such customer. Issued
/// documents, payments, ledgers and the audit log stay, because the law asks for them. Idempotent.
/// Returns the removed payment methods, which the processor still has.
pub async fn erase_customer(
    work: &mut Work<'_, '_, '_>,
    reference: &CustomerRef,
) -> Result<Option<(Customer, Vec<PaymentMethod>)>, DbError> {
    let (tenant, found) = (work.tenant, customers::lock(work.tx, work.tenant, reference).await?);
    let Some(found) = found else { return Ok(None) };
    if found.erased_at.is_some() {
        return Ok(Some((found, Vec::new())));
    }
    let (no, id) = (found.no, found.id);
    // Before the events of the erasure itself, which are published without personal data.
    events::erase(work.tx, tenant, id).await?;
    let archived = archive_customer(work, &CustomerRef::Id(id)).await?;
    let Some(mut customer) = archived else { return Ok(None) };
    let methods = payments::of_customer(work.tx, tenant, no).await?;
    for method in &methods {
        payments::forget(work, id, method).await?;
    }
    subscriptions::erase(work.tx, tenant, no).await?;
    invoices::erase(work.tx, tenant, no).await?;
    portal::erase(work.tx, tenant, no).await?;
    usage::erase(work.tx, no).await?;
    webhooks::erase(work.tx, tenant, id).await?;
    emails::erase(work.tx, tenant, id, &customer.email).await?;
    logins::erase(work.tx, tenant, &customer.email).await?;
    idempotency::erase(work.tx, &id.to_string()).await?;
    customers::erase(work.tx, tenant, &mut customer, work.by.now).await?;
    work.note(id, Action::CustomerErased, id, json!({})).await?;
    Ok(Some((customer, methods)))
}
