//! What a result brings about, in the transaction that records it: the one place where settlement
//! calls the slices whose effects it carries.

use crate::base::Time;
use crate::credits;
use crate::db::Tx;
use crate::flows::settled;
use crate::invoices::{self, Payment, Status};
use crate::organizations::Tenant;
use crate::payments::{self, Card};
use crate::settlement::{Attempt, Effect, abandon};
use crate::work::{BillingError, By};

/// Carries out the effect and pays the invoice, which takes its number last. `false` where the
/// invoice no longer wants the money.
pub async fn succeeded(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    attempt: &mut Attempt,
    new_card: Option<&Card>,
    at: Time,
    by: &By,
) -> Result<bool, BillingError> {
    let invoice = invoices::get(tx, tenant, attempt.invoice_id).await?;
    let wants = |status: Status| status == Status::Draft || status.is_payable();
    let Some(mut invoice) = invoice.filter(|invoice| wants(invoice.status)) else {
        return Ok(false);
    };
    if let Some(card) = new_card {
        let (no, processor) = (attempt.customer_no, &attempt.processor);
        let method = payments::add(tx, tenant, no, processor, card, false, by).await?;
        (attempt.payment_method_id, attempt.card) = (Some(method.id), Some(method.card));
    }
    let wanted = match &attempt.effect {
        Effect::StartSubscription { subscription_id } => {
            settled::started(tx, tenant, *subscription_id, &mut invoice, at, by).await?
        }
        Effect::ChangePlan(change) => settled::changed(tx, tenant, change, at, by).await?,
        Effect::TopUp { .. } | Effect::CollectInvoice | Effect::PayInvoice => {
            credits::topped_up(tx, tenant, &invoice, at, by).await?
        }
    };
    if !wanted {
        invoices::delete_draft(tx, tenant, &invoice).await?;
        credits::top_up_failed(tx, tenant, &invoice, attempt.payment_method_id, at, by).await?;
        return Ok(false);
    }
    if invoice.status == Status::Draft {
        invoices::issue(tx, tenant, &mut invoice, at, by).await?;
    }
    let card = attempt.card.as_ref();
    let payment = Payment {
        id: attempt.id,
        amount: attempt.amount,
        paid_at: at,
        brand: card.map(|card| card.brand.clone()),
        last4: card.map(|card| card.last4.clone()),
        reference: None,
    };
    invoices::mark_paid(tx, tenant, &mut invoice, &payment, at).await?;
    if let Some(id) = invoice.subscription_id {
        settled::invoice_paid(tx, tenant, id, at, by).await?;
    }
    Ok(true)
}

/// A decline leaves everything as it was: a draft goes, an issued invoice stays open.
pub async fn declined(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    attempt: &Attempt,
    by: &By,
) -> Result<(), BillingError> {
    let Some(mut invoice) = invoices::get(tx, tenant, attempt.invoice_id).await? else {
        return Ok(());
    };
    if invoice.status == Status::Draft {
        invoices::delete_draft(tx, tenant, &invoice).await?;
        let (card, at) = (attempt.payment_method_id, attempt.billed_at);
        credits::top_up_failed(tx, tenant, &invoice, card, at, by).await?;
    }
    match (&attempt.effect, invoice.subscription_id) {
        (Effect::StartSubscription { subscription_id }, _) => {
            settled::not_started(tx, tenant, *subscription_id).await?;
        }
        (Effect::CollectInvoice, Some(id)) => {
            let at = attempt.billed_at;
            settled::invoice_declined(tx, tenant, id, &mut invoice, at, by).await?;
        }
        (Effect::CollectInvoice, None)
        | (Effect::ChangePlan(_) | Effect::PayInvoice | Effect::TopUp { .. }, _) => {}
    }
    Ok(())
}

/// A form that nobody filled in is given up.
pub async fn expired(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    attempt: &mut Attempt,
    at: Time,
    by: &By,
) -> Result<(), BillingError> {
    abandon(tx, tenant, attempt, by).await?;
    if let Effect::StartSubscription { subscription_id } = attempt.effect {
        settled::expired(tx, tenant, subscription_id, at, by).await?;
    }
    Ok(())
}
