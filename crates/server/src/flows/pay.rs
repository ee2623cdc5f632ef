//! Writes on an issued invoice: pay it, record a transfer, void it.

use crate::audit::Action;
use crate::base::{InvoiceId, PaymentMethodId};
use crate::customers::Customer;
use crate::db::Tx;
use crate::flows::{dunning, settled};
use crate::invoices::{self, Invoice, InvoiceStatus, Payment, balance};
use crate::organizations::Tenant;
use crate::settlement::{self, AttemptStatus, Effect, SettleOutcome, begin, close_form};
use crate::work::{BillingError, Work};
use crate::{credits, payments};
use serde_json::json;

/// The payment method for an invoice.
#[derive(Clone, Copy, Debug)]
pub enum PayWith {
    /// The customer's default; a form if there is none.
    Default,
    Method(PaymentMethodId),
    /// A card from a form, which is not kept.
    CardOnce,
}

/// Begins to charge the amount due. A form that is open for the same is returned again.
pub async fn pay(
    work: &mut Work<'_, '_, '_>,
    id: InvoiceId,
    with: PayWith,
) -> Result<SettleOutcome, BillingError> {
    let (customer, invoice) = payable(work.tx, work.tenant, id).await?;
    if customer.archived_at.is_some() {
        return Err(BillingError::CustomerArchived);
    }
    let method = match with {
        PayWith::CardOnce => None,
        PayWith::Default => payments::default_of(work.tx, work.tenant, customer.no).await?,
        PayWith::Method(id) => {
            let named = payments::get(work.tx, work.tenant, id).await?;
            let named = named.filter(|method| method.customer_no == customer.no);
            Some(named.ok_or(BillingError::NotFound)?)
        }
    };
    let effect = Effect::PayInvoice { once: matches!(with, PayWith::CardOnce) };
    if let Some(live) = settlement::live(work.tx, work.tenant, id).await?
        && live.status == AttemptStatus::RequiresForm
        && live.effect.keeps_card() == effect.keeps_card()
        && live.payment_method_id == method.as_ref().map(|method| method.id)
    {
        return Ok(SettleOutcome::Attempt { attempt_id: live.id });
    }
    let attempt = begin(work, &invoice, method.as_ref(), effect).await?;
    Ok(SettleOutcome::Attempt { attempt_id: attempt.id })
}

/// A transfer that was received.
#[derive(Clone, Debug)]
pub struct Transfer {
    pub amount: i64,
    pub reference: String,
    /// Whether what is above the amount due goes to the customer's balance.
    pub excess_to_balance: bool,
}

/// Records money that did not come in through a processor.
pub async fn transfer(
    work: &mut Work<'_, '_, '_>,
    id: InvoiceId,
    received: &Transfer,
) -> Result<Invoice, BillingError> {
    let Transfer { amount: whole, reference, excess_to_balance } = received;
    let (customer, mut invoice) = payable(work.tx, work.tenant, id).await?;
    close_form(work, &invoice).await?;
    let excess = if *excess_to_balance { (whole - invoice.amount_due()).max(0) } else { 0 };
    let amount = whole - excess;
    if excess > 0 {
        balance::overpaid(work, &invoice, excess, reference).await?;
    }
    let payment = Payment {
        id: work.by.ids.payment_attempt(),
        amount,
        paid_at: work.at,
        brand: None,
        last4: None,
        reference: Some(reference.clone()),
        reversed: 0,
    };
    invoices::mark_paid(work, &mut invoice, &payment).await?;
    let detail = json!({ "amount": amount, "reference": reference, "toBalance": excess });
    work.note(customer.id, Action::InvoiceTransferReceived, id, detail).await?;
    if invoice.status != InvoiceStatus::Paid && dunning::is_too_small(work, &invoice).await? {
        invoices::move_to_next(work, &mut invoice).await?;
    }
    if invoice.status == InvoiceStatus::Paid {
        end_debt(work, &invoice).await?;
    }
    Ok(invoice)
}

/// Voids an invoice without payments and credit notes of which nothing moved to another one. It keeps
/// its number; what it took from the balance is returned.
pub async fn void(work: &mut Work<'_, '_, '_>, id: InvoiceId) -> Result<Invoice, BillingError> {
    let (customer, mut invoice) = payable(work.tx, work.tenant, id).await?;
    let settled = invoice.amount_paid + invoice.amount_moved;
    if settled > 0 || invoice.credited_net + invoice.credited_tax > 0 {
        return Err(BillingError::NotPayable);
    }
    close_form(work, &invoice).await?;
    balance::give_back(work, &invoice).await?;
    invoice.balance_applied = 0;
    invoices::set_status(work.tx, work.tenant, &mut invoice, InvoiceStatus::Void, work.at).await?;
    work.note(customer.id, Action::InvoiceVoided, id, json!({})).await?;
    end_debt(work, &invoice).await?;
    Ok(invoice)
}

/// Applies the end of a debt: grants the credits that an invoice was for if anything was paid, and
/// updates its subscription.
pub async fn end_debt(work: &mut Work<'_, '_, '_>, invoice: &Invoice) -> Result<(), BillingError> {
    let received = invoice.amount_paid + invoice.balance_applied > 0;
    if invoice.status == InvoiceStatus::Paid && received {
        credits::topped_up(work, invoice).await?;
    } else {
        let card = payments::default_of(work.tx, work.tenant, invoice.customer_no).await?;
        let card = card.map(|card| card.id);
        credits::top_up_failed(work, invoice, card).await?;
    }
    match invoice.subscription_id {
        None => Ok(()),
        Some(id) => Ok(settled::invoice_paid(work, id).await?),
    }
}

/// Locks the customer and reads an invoice on which money is owed.
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
