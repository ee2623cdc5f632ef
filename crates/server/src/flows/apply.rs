//! Applies the result of a payment in the transaction that records it.

use crate::credits;
use crate::flows::{payment_methods, settled};
use crate::invoices::{self, InvoiceStatus, Payment};
use crate::payments::Card;
use crate::settlement::{self, Attempt, AttemptStatus, Effect, abandon};
use crate::work::{BillingError, Work};

/// Applies the effect and pays the invoice, which takes its number last. `false` if the invoice no
/// longer accepts the payment.
pub async fn succeeded(
    work: &mut Work<'_, '_, '_>,
    attempt: &mut Attempt,
    new_card: Option<&Card>,
) -> Result<bool, BillingError> {
    let invoice = invoices::get(work.tx, work.tenant, attempt.invoice_id).await?;
    let wants = |status: InvoiceStatus| status == InvoiceStatus::Draft || status.is_payable();
    let Some(mut invoice) = invoice.filter(|invoice| wants(invoice.status)) else {
        return Ok(false);
    };
    match new_card {
        Some(card) if attempt.effect.keeps_card() => {
            let (no, processor) = (attempt.customer_no, &attempt.processor);
            let method = payment_methods::add(work, no, processor, card, false).await?;
            (attempt.payment_method_id, attempt.card) = (Some(method.id), Some(method.card));
        }
        // For the receipt. Nothing can be charged to it.
        Some(card) => attempt.card = Some(Card { reference: String::new(), ..card.clone() }),
        None => {}
    }
    let wanted = match &attempt.effect {
        Effect::StartSubscription { subscription_id } => {
            settled::started(work, *subscription_id, &mut invoice).await?
        }
        Effect::ChangePlan(change) => {
            let by_form = attempt.status == AttemptStatus::RequiresForm;
            settled::changed(work, change, &mut invoice, by_form).await?
        }
        Effect::TopUp { .. } | Effect::CollectInvoice | Effect::PayInvoice { .. } => {
            credits::topped_up(work, &invoice).await?
        }
    };
    if !wanted {
        if let Effect::ChangePlan(change) = &attempt.effect {
            settlement::release_coupon(work, attempt.customer_id, change).await?;
        }
        invoices::delete_draft(work, &invoice).await?;
        credits::top_up_failed(work, &invoice, attempt.payment_method_id).await?;
        return Ok(false);
    }
    if invoice.status == InvoiceStatus::Draft {
        invoices::issue(work, &mut invoice).await?;
    }
    // A late job charges as of the period's end; the invoice is dated later, and paid then.
    let at = invoice.issued_at.map_or(work.at, |issued| issued.max(work.at));
    let card = attempt.card.as_ref();
    let payment = Payment {
        id: attempt.id,
        amount: attempt.amount,
        paid_at: at,
        brand: card.map(|card| card.brand.clone()),
        last4: card.map(|card| card.last4.clone()),
        reference: None,
        reversed: 0,
    };
    invoices::mark_paid(&mut work.as_of(at), &mut invoice, &payment).await?;
    if let Some(id) = invoice.subscription_id {
        settled::invoice_paid(work, id).await?;
    }
    Ok(true)
}

/// A decline changes nothing: a draft is deleted, an issued invoice stays open.
pub async fn declined(work: &mut Work<'_, '_, '_>, attempt: &Attempt) -> Result<(), BillingError> {
    let Some(mut invoice) = invoices::get(work.tx, work.tenant, attempt.invoice_id).await? else {
        return Ok(());
    };
    if invoice.status == InvoiceStatus::Draft {
        invoices::delete_draft(work, &invoice).await?;
        let mut work = work.as_of(attempt.billed_at);
        credits::top_up_failed(&mut work, &invoice, attempt.payment_method_id).await?;
    }
    match (&attempt.effect, invoice.subscription_id) {
        (Effect::StartSubscription { subscription_id }, _) => {
            settled::not_started(work, *subscription_id).await?;
        }
        (Effect::CollectInvoice, Some(id)) => {
            let mut work = work.as_of(attempt.billed_at);
            settled::invoice_declined(&mut work, id, &mut invoice).await?;
        }
        (Effect::ChangePlan(change), _) => {
            settlement::release_coupon(work, attempt.customer_id, change).await?;
        }
        (Effect::CollectInvoice, None) | (Effect::PayInvoice { .. } | Effect::TopUp { .. }, _) => {}
    }
    Ok(())
}

/// Applies a charge that is below the minimum of the processor's account. The amount of an automatic
/// one moves to the customer's next invoice and counts as no failed retry. Any other is declined.
pub async fn too_small(work: &mut Work<'_, '_, '_>, attempt: &Attempt) -> Result<(), BillingError> {
    let invoice = invoices::get(work.tx, work.tenant, attempt.invoice_id).await?;
    let is_collected = attempt.effect == Effect::CollectInvoice;
    let Some(mut invoice) = invoice.filter(|invoice| is_collected && invoice.status.is_payable())
    else {
        return declined(work, attempt).await;
    };
    let mut work = work.as_of(attempt.billed_at);
    invoices::move_to_next(&mut work, &mut invoice).await?;
    match invoice.subscription_id {
        Some(id) => settled::invoice_paid(&mut work, id).await,
        None => Ok(()),
    }
}

/// Closes a form that was not completed.
pub async fn expired(
    work: &mut Work<'_, '_, '_>,
    attempt: &mut Attempt,
) -> Result<(), BillingError> {
    abandon(work, attempt).await?;
    if let Effect::StartSubscription { subscription_id } = attempt.effect {
        settled::expired(work, subscription_id).await?;
    }
    Ok(())
}
