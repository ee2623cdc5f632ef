//! What people do with an issued invoice: pay it, record a transfer for it, void it.

use crate::audit::Action;
use crate::base::{InvoiceId, PaymentMethodId, Time};
use crate::customers::Customer;
use crate::db::Tx;
use crate::flows::settled;
use crate::invoices::{self, Invoice, Payment, Status};
use crate::organizations::Tenant;
use crate::settlement::{self, AttemptStatus, Effect, Kept, begin, close_form};
use crate::work::{BillingError, By};
use crate::{credits, payments};
use serde_json::json;

/// Begins to charge all that is due, by the method named or the default one. A form that is open
/// for the same is shown again.
pub async fn pay(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    id: InvoiceId,
    method: Option<PaymentMethodId>,
    at: Time,
    by: &By,
) -> Result<Kept, BillingError> {
    let (customer, invoice) = payable(tx, tenant, id).await?;
    if customer.archived_at.is_some() {
        return Err(BillingError::CustomerArchived);
    }
    let method = match method {
        None => payments::default_of(tx, tenant, customer.no).await?,
        Some(id) => {
            let named = payments::get(tx, tenant, id).await?;
            let own = named.filter(|method| method.customer_no == customer.no);
            Some(own.ok_or(BillingError::NotFound)?)
        }
    };
    if let Some(live) = settlement::live(tx, tenant, id).await?
        && live.status == AttemptStatus::RequiresForm
        && live.payment_method_id == method.as_ref().map(|method| method.id)
    {
        return Ok(Kept::Attempt(live.id));
    }
    let attempt = begin(tx, tenant, &invoice, method.as_ref(), Effect::PayInvoice, at, by).await?;
    Ok(Kept::Attempt(attempt.id))
}

/// Records money that came in by another way than a processor.
pub async fn transfer(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    id: InvoiceId,
    amount: i64,
    reference: &str,
    at: Time,
    by: &By,
) -> Result<Invoice, BillingError> {
    let (customer, mut invoice) = payable(tx, tenant, id).await?;
    close_form(tx, tenant, &invoice, by).await?;
    let payment = Payment {
        id: by.ids.payment_attempt(),
        amount,
        paid_at: at,
        brand: None,
        last4: None,
        reference: Some(reference.to_owned()),
    };
    invoices::mark_paid(tx, tenant, &mut invoice, &payment, at).await?;
    let detail = json!({ "amount": amount, "reference": reference });
    by.note(tx, tenant, customer.id, Action::InvoiceTransferReceived, id, detail).await?;
    if invoice.status == Status::Paid {
        settled(tx, tenant, &invoice, at, by).await?;
    }
    Ok(invoice)
}

/// Voids an invoice of which nothing was paid; it keeps its number.
pub async fn void(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    id: InvoiceId,
    at: Time,
    by: &By,
) -> Result<Invoice, BillingError> {
    let (customer, mut invoice) = payable(tx, tenant, id).await?;
    if invoice.amount_paid > 0 {
        return Err(BillingError::NotPayable);
    }
    close_form(tx, tenant, &invoice, by).await?;
    invoices::set_status(tx, tenant, &mut invoice, Status::Void, at).await?;
    by.note(tx, tenant, customer.id, Action::InvoiceVoided, id, json!({})).await?;
    settled(tx, tenant, &invoice, at, by).await?;
    Ok(invoice)
}

/// Nothing is owed on an invoice any more: what it was for comes, unless it was voided, and its
/// subscription is told.
async fn settled(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    invoice: &Invoice,
    at: Time,
    by: &By,
) -> Result<(), BillingError> {
    if invoice.status == Status::Paid {
        credits::topped_up(tx, tenant, invoice, at, by).await?;
    } else {
        let card = payments::default_of(tx, tenant, invoice.customer_no).await?;
        let card = card.map(|card| card.id);
        credits::top_up_failed(tx, tenant, invoice, card, at, by).await?;
    }
    match invoice.subscription_id {
        None => Ok(()),
        Some(id) => Ok(settled::invoice_paid(tx, tenant, id, at, by).await?),
    }
}

/// An invoice on which money is owed, behind its customer.
async fn payable(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    id: InvoiceId,
) -> Result<(Customer, Invoice), BillingError> {
    let found = invoices::lock(tx, tenant, id).await?.ok_or(BillingError::NotFound)?;
    match found.1.status.is_payable() {
        true => Ok(found),
        false => Err(BillingError::NotPayable),
    }
}
