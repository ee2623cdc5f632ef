//! Credit notes: issued with their parts, previewed, voided.
//!
//! A part lowers what is still due, the rest is refunded, added to the balance or paid back
//! elsewhere. Refunds are pending rows of this transaction; [`refunds`](super::refunds) carries them
//! out. Every step holds the customer's lock, so that two credit notes never credit the same.

use crate::audit::Action;
use crate::base::{CreditNoteId, InvoiceId, PaymentAttemptId, RefundId};
use crate::credits;
use crate::customers::Customer;
use crate::db::{DbError, Tx};
use crate::events::EventType;
use crate::flows::dunning;
use crate::flows::pay::end_debt;
use crate::invoices::balance::{self, BalanceEntryType, Change};
use crate::invoices::credit_notes::{
    self, CreditNote, CreditNoteStatus, CreditOrder, Draft, Refund, RefundStatus,
};
use crate::invoices::{self, Invoice, InvoiceReason, InvoiceStatus};
use crate::organizations::Tenant;
use crate::settlement::{TAKEN_UP_AFTER_SECONDS, close_form};
use crate::work::{BillingError, Work};
use serde_json::json;

/// Prices a credit note. Writes nothing.
pub async fn preview_credit_note(
    work: &mut Work<'_, '_, '_>,
    invoice: &Invoice,
    order: &CreditOrder,
) -> Result<Draft, BillingError> {
    plan(work, invoice, order).await.map(|(draft, _)| draft)
}

/// Returns what a credit note credits, and what it refunds of each charge.
async fn plan(
    work: &mut Work<'_, '_, '_>,
    invoice: &Invoice,
    order: &CreditOrder,
) -> Result<(Draft, Vec<(PaymentAttemptId, i64)>), BillingError> {
    let notes = credit_notes::of_invoice(work.tx, work.tenant, invoice.id).await?;
    let draft = credit_notes::draft(invoice, &notes, order)?;
    let charges = credit_notes::refundable(work.tx, work.tenant, invoice.id).await?;
    let (mut left, mut refunds) = (draft.parts.refund, Vec::new());
    for charge in &charges {
        let part = charge.rest().min(left);
        if part > 0 {
            left -= part;
            refunds.push((charge.attempt_id, part));
        }
    }
    match left {
        0 => Ok((draft, refunds)),
        left => Err(BillingError::RefundTooHigh { rest: draft.parts.refund - left }),
    }
}

/// Issues a credit note. The caller carries out its refunds.
pub async fn issue_credit_note(
    work: &mut Work<'_, '_, '_>,
    id: InvoiceId,
    order: &CreditOrder,
) -> Result<CreditNoteId, BillingError> {
    let found = invoices::lock(work.tx, work.tenant, id).await?;
    let (customer, mut invoice) = found.ok_or(BillingError::NotFound)?;
    let (draft, refunds) = plan(work, &invoice, order).await?;
    if draft.parts.due > 0 {
        // A charge of the old amount may be under way.
        close_form(work, &invoice).await?;
    }
    let before = invoice.credited_net + invoice.credited_tax;
    let credited = (before, before + draft.split.total());
    let taken = credits::take_back(work, &invoice, credited).await?;
    let credits = (taken.map(|back| back.taken), taken.map(|back| back.used));
    let note = credit_notes::issue(work, &invoice, order, &draft, credits).await?;
    invoice.credited_net += draft.split.net;
    invoice.credited_tax += draft.split.tax;
    invoice.credited_due += draft.parts.due;
    let closes = draft.parts.due > 0 && invoice.amount_due() == 0;
    if closes {
        (invoice.status, invoice.paid_at) = (InvoiceStatus::Paid, Some(work.at));
    }
    let status = invoice.status;
    invoices::set_status(work.tx, work.tenant, &mut invoice, status, work.at).await?;
    let parts = draft.parts;
    let detail = json!({
        "number": note.number_text(), "invoiceId": id, "currency": note.currency,
        "totalAmount": note.total_amount, "amountDueReduction": parts.due,
        "refundAmount": parts.refund, "creditAmount": parts.balance,
        "outOfBandAmount": parts.out_of_band, "reason": note.reason.as_str(),
    });
    work.note(customer.id, Action::CreditNoteIssued, note.id, detail).await?;
    work.announce(customer.id, EventType::InvoiceCredited, id).await?;
    if parts.balance > 0 {
        let change = Change::of_note(&note, BalanceEntryType::CreditNote, parts.balance);
        balance::change(work, customer.no, change).await?;
    }
    for (attempt_id, amount) in refunds {
        begin_refund(work, &note, attempt_id, amount).await?;
    }
    let is_small = parts.due > 0 && !closes && dunning::is_too_small(work, &invoice).await?;
    if is_small {
        invoices::move_to_next(work, &mut invoice).await?;
    }
    if closes || is_small {
        end_debt(work, &invoice).await?;
    }
    Ok(note.id)
}

async fn begin_refund(
    work: &mut Work<'_, '_, '_>,
    note: &CreditNote,
    attempt_id: PaymentAttemptId,
    amount: i64,
) -> Result<(), DbError> {
    let refund = Refund {
        customer_no: note.customer_no,
        customer_id: note.customer_id,
        id: work.by.ids.refund(),
        invoice_id: note.invoice_id,
        credit_note_id: note.id,
        attempt_id,
        amount,
        currency: note.currency,
        status: RefundStatus::Pending,
        next_at: Some(work.by.now.plus_seconds(TAKEN_UP_AFTER_SECONDS)),
        created_at: work.by.now,
    };
    credit_notes::insert_refund(work.tx, work.tenant, &refund).await?;
    note_refund(work, &refund, Action::RefundStarted).await
}

/// Audits what happens to a refund.
pub async fn note_refund(
    work: &mut Work<'_, '_, '_>,
    refund: &Refund,
    action: Action,
) -> Result<(), DbError> {
    let detail = json!({
        "invoiceId": refund.invoice_id, "creditNoteId": refund.credit_note_id,
        "paymentAttemptId": refund.attempt_id, "amount": refund.amount,
        "currency": refund.currency,
    });
    work.note(refund.customer_id, action, refund.id, detail).await
}

/// Voids a credit note of which nothing went out: its invoice owes the amount again, and the balance
/// gives back what it got.
pub async fn void_credit_note(
    work: &mut Work<'_, '_, '_>,
    id: CreditNoteId,
) -> Result<CreditNote, BillingError> {
    let note = credit_notes::get(work.tx, work.tenant, id).await?.ok_or(BillingError::NotFound)?;
    let found = invoices::lock(work.tx, work.tenant, note.invoice_id).await?;
    let (customer, mut invoice) = found.ok_or(BillingError::NotFound)?;
    let note = credit_notes::get(work.tx, work.tenant, id).await?;
    let mut note = note.ok_or(BillingError::NotFound)?;
    check_voidable(&note, &invoice)?;
    if note.parts.due > 0 {
        close_form(work, &invoice).await?;
        reopen(&mut invoice, &note);
    }
    take_from_balance(work, &customer, &note).await?;
    invoice.credited_net -= note.subtotal;
    invoice.credited_tax -= note.tax_amount;
    let status = invoice.status;
    invoices::set_status(work.tx, work.tenant, &mut invoice, status, work.at).await?;
    (note.status, note.voided_at) = (CreditNoteStatus::Void, Some(work.at));
    credit_notes::store_voided(work.tx, work.tenant, &note).await?;
    let detail = json!({ "number": note.number_text(), "invoiceId": note.invoice_id });
    work.note(customer.id, Action::CreditNoteVoided, id, detail).await?;
    Ok(note)
}

/// Refuses to void a credit note of which something went out.
fn check_voidable(note: &CreditNote, invoice: &Invoice) -> Result<(), BillingError> {
    let went_out = note.parts.refund > 0 || note.parts.out_of_band > 0;
    // The purchase of the invoice that it closed was given up, or its credits were granted.
    let ended_purchase = invoice.reason == InvoiceReason::TopUp && !invoice.status.is_payable();
    match note.status {
        CreditNoteStatus::Void => Err(BillingError::NotVoidable),
        CreditNoteStatus::Issued if went_out || ended_purchase => Err(BillingError::NotVoidable),
        CreditNoteStatus::Issued => Ok(()),
    }
}

/// Raises the amount due again by what a credit note had lowered it.
fn reopen(invoice: &mut Invoice, note: &CreditNote) {
    invoice.credited_due -= note.parts.due;
    if invoice.status == InvoiceStatus::Paid {
        let paid = invoice.amount_paid > 0;
        invoice.status = if paid { InvoiceStatus::PartiallyPaid } else { InvoiceStatus::Issued };
        invoice.paid_at = None;
    }
}

async fn take_from_balance(
    work: &mut Work<'_, '_, '_>,
    customer: &Customer,
    note: &CreditNote,
) -> Result<(), BillingError> {
    let part = note.parts.balance;
    if part == 0 {
        return Ok(());
    }
    let (tx, tenant) = (&mut *work.tx, work.tenant);
    if balance::available(tx, tenant, customer.no, note.currency).await? < part {
        return Err(BillingError::NotVoidable);
    }
    let change = Change::of_note(note, BalanceEntryType::CreditNoteVoided, -part);
    Ok(balance::change(work, customer.no, change).await.map(|_| ())?)
}

/// Returns the refunds of a credit note that are still to be carried out.
pub async fn open_refunds(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    id: CreditNoteId,
) -> Result<Vec<RefundId>, DbError> {
    let refunds = credit_notes::refunds(tx, tenant, id).await?;
    let open = refunds.into_iter().filter(|refund| refund.status == RefundStatus::Pending);
    Ok(open.map(|refund| refund.id).collect())
}
