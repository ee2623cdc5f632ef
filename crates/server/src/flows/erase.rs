//! Erases a customer's personal data.

use super::archive_customer;
use crate::audit::Action;
use crate::customers::{self, Customer, CustomerRef};
use crate::db::DbError;
use crate::payments::PaymentMethod;
use crate::work::Work;
use crate::{
    emails, events, idempotency, invoices, payments, portal, subscriptions, usage, webhooks,
};
use serde_json::json;

/// Archives a customer and erases its personal data; `None` if there is no such customer. Issued
/// documents, payments, ledgers and the audit log stay, because the law asks for them. Idempotent.
/// Returns the removed payment methods, which the processor still has.
pub async fn erase_customer(
    work: &mut Work<'_, '_, '_>,
    reference: &CustomerRef,
) -> Result<Option<(Customer, Vec<PaymentMethod>)>, DbError> {
    let Some(mut customer) = archive_customer(work, reference).await? else { return Ok(None) };
    if customer.erased_at.is_some() {
        return Ok(Some((customer, Vec::new())));
    }
    let (tenant, no, id) = (work.tenant, customer.no, customer.id);
    let methods = payments::of_customer(work.tx, tenant, no).await?;
    for method in &methods {
        payments::forget(work, id, method).await?;
    }
    subscriptions::erase(work.tx, tenant, no).await?;
    invoices::erase(work.tx, tenant, no).await?;
    portal::erase(work.tx, tenant, no).await?;
    usage::erase(work.tx, no).await?;
    events::erase(work.tx, tenant, id).await?;
    webhooks::erase(work.tx, tenant, id).await?;
    emails::erase(work.tx, tenant, id, &customer.email).await?;
    idempotency::erase(work.tx, &id.to_string()).await?;
    customers::erase(work.tx, tenant, &mut customer, work.by.now).await?;
    work.note(id, Action::CustomerErased, id, json!({})).await?;
    Ok(Some((customer, methods)))
}
