//! Disputes: a lost one takes a payment back from its invoice, a won one restores it. What follows
//! for the subscription is a setting of the environment (`billing_settings`).

use crate::app::App;
use crate::audit::{Action, Actor};
use crate::base::{AfterLostDispute, DisputeStatus, PaymentAttemptId, ReportedDispute};
use crate::billing_settings;
use crate::customers;
use crate::db::{DbError, Lane, Tx};
use crate::flows::{cancel, pay, settle, settled};
use crate::invoices::credit_notes::{self, Refund};
use crate::invoices::disputes::{self, Dispute};
use crate::invoices::{self, Invoice, InvoiceStatus, balance};
use crate::organizations::Tenant;
use crate::settlement::{self, Attempt, close_form};
use crate::subscriptions;
use crate::test_clock;
use crate::work::{BillingError, Work};
use serde_json::json;

const MISSING: DbError = DbError::Broken("there is no such payment attempt");

/// Records a dispute of a charge that is known to have succeeded, in one transaction. Idempotent.
pub async fn record(
    app: &App,
    tenant: &Tenant,
    key: PaymentAttemptId,
    report: ReportedDispute,
) -> Result<(), BillingError> {
    let (owner, by) = (*tenant, app.by(Actor::System));
    let last = app.db.write(Lane::Usual, async move |tx: &mut Tx<'_, '_>| {
        let attempt = settlement::get(tx, &owner, key).await?.ok_or(MISSING)?;
        customers::lock_no(tx, &owner, attempt.customer_no).await?;
        let attempt = settlement::get(tx, &owner, key).await?.ok_or(MISSING)?;
        let at = test_clock::now(tx, &owner, by.now).await?;
        let mut work = Work { tx, tenant: &owner, at, by: &by };
        take_report(&mut work, &attempt, &report).await
    });
    if let Some(attempt) = last.await? {
        // The last usage of a subscription that ended.
        settle::run(app, tenant, attempt).await?;
    }
    Ok(())
}

/// Returns an attempt that the caller carries out.
async fn take_report(
    work: &mut Work<'_, '_, '_>,
    attempt: &Attempt,
    report: &ReportedDispute,
) -> Result<Option<PaymentAttemptId>, BillingError> {
    let (processor, reference) = (&attempt.processor, &report.reference);
    let known = disputes::get(work.tx, work.tenant, processor, reference).await?;
    if known.as_ref().is_some_and(|known| known.attempt_id != attempt.id) {
        return Ok(None);
    }
    let mut dispute = known.clone().unwrap_or_else(|| opened(work, attempt, report));
    dispute.status = dispute.status.then(report.status);
    dispute.amount = report.amount.unwrap_or(attempt.amount);
    dispute.reason.clone_from(&report.reason);
    dispute.due_by = report.due_by;
    if known.as_ref().is_some_and(|known| known.says_the_same(&dispute)) {
        return Ok(None);
    }
    dispute.updated_at = work.at;
    note(work, attempt, &dispute, Action::PaymentDisputed).await?;
    let mut last = None;
    // A charge that was given up has paid for no invoice.
    if let Some(mut invoice) = invoices::get(work.tx, work.tenant, attempt.invoice_id).await? {
        invoice.dispute_status = Some(dispute.status);
        let status = invoice.status;
        if status != InvoiceStatus::Draft {
            invoices::set_status(work.tx, work.tenant, &mut invoice, status, work.at).await?;
        }
        match dispute.status {
            DisputeStatus::Lost if dispute.reversed == 0 => {
                last = reverse(work, attempt, &mut dispute, &mut invoice).await?;
            }
            DisputeStatus::Won if dispute.reversed > 0 => {
                restore(work, attempt, &mut dispute, &mut invoice).await?;
            }
            DisputeStatus::Inquiry
            | DisputeStatus::NeedsResponse
            | DisputeStatus::UnderReview
            | DisputeStatus::Won
            | DisputeStatus::Lost
            | DisputeStatus::Closed => {}
        }
    }
    match known {
        Some(_) => disputes::store(work.tx, work.tenant, &dispute).await?,
        None => disputes::insert(work.tx, work.tenant, &dispute).await?,
    }
    Ok(last)
}

fn opened(work: &Work<'_, '_, '_>, attempt: &Attempt, report: &ReportedDispute) -> Dispute {
    Dispute {
        customer_no: attempt.customer_no,
        invoice_id: attempt.invoice_id,
        attempt_id: attempt.id,
        processor: attempt.processor.clone(),
        reference: report.reference.clone(),
        amount: 0,
        reason: String::new(),
        status: report.status,
        due_by: None,
        reversed: 0,
        created_at: work.at,
        updated_at: work.at,
    }
}

/// Takes the payment back, as far as it was not refunded.
async fn reverse(
    work: &mut Work<'_, '_, '_>,
    attempt: &Attempt,
    dispute: &mut Dispute,
    invoice: &mut Invoice,
) -> Result<Option<PaymentAttemptId>, BillingError> {
    let charges = credit_notes::refundable(work.tx, work.tenant, invoice.id).await?;
    let charge = charges.iter().find(|charge| charge.attempt_id == attempt.id);
    let amount = charge.map_or(0, |charge| charge.kept().min(dispute.amount));
    if amount <= 0 {
        return Ok(None);
    }
    // A charge of the old amount may be under way.
    close_form(work, invoice).await?;
    let was_paid = invoice.status == InvoiceStatus::Paid;
    disputes::reverse(work, invoice, attempt.id, amount).await?;
    dispute.reversed = amount;
    note(work, attempt, dispute, Action::PaymentReversed).await?;
    follow(work, invoice, was_paid).await
}

/// Applies the environment's setting.
async fn follow(
    work: &mut Work<'_, '_, '_>,
    invoice: &mut Invoice,
    was_paid: bool,
) -> Result<Option<PaymentAttemptId>, BillingError> {
    let subscription = match invoice.subscription_id {
        Some(id) => subscriptions::get(work.tx, work.tenant, id).await?,
        None => None,
    };
    let settings = billing_settings::get(work.tx, work.tenant).await?;
    match (settings.after_lost_dispute.unwrap_or(work.by.after_lost_dispute), subscription) {
        (AfterLostDispute::PastDue, Some(subscription)) if was_paid => {
            settled::invoice_declined(work, subscription.id, invoice).await?;
            Ok(None)
        }
        (AfterLostDispute::PastDue, None) if was_paid => {
            invoices::overdue(work, invoice).await?;
            Ok(None)
        }
        (AfterLostDispute::Cancel, Some(mut subscription)) => {
            uncollectible(work, invoice, was_paid).await?;
            match subscription.status.gives_access() {
                true => cancel::end(work, &mut subscription).await,
                false => Ok(None),
            }
        }
        (AfterLostDispute::Keep | AfterLostDispute::Cancel | AfterLostDispute::PastDue, _) => {
            uncollectible(work, invoice, was_paid).await?;
            Ok(None)
        }
    }
}

/// Gives up an invoice that was paid. One that was not is collected as before.
async fn uncollectible(
    work: &mut Work<'_, '_, '_>,
    invoice: &mut Invoice,
    was_paid: bool,
) -> Result<(), DbError> {
    if was_paid { invoices::uncollectible(work, invoice).await } else { Ok(()) }
}

/// Takes the part of a failed refund back that lost disputes of its charge cover, because the bank has
/// returned it to the customer. Returns the rest.
pub async fn take_back_refund(
    work: &mut Work<'_, '_, '_>,
    refund: &Refund,
) -> Result<i64, DbError> {
    let mut rest = refund.amount;
    for mut dispute in disputes::of_invoice(work.tx, work.tenant, refund.invoice_id).await? {
        let is_lost = dispute.status == DisputeStatus::Lost;
        let part = rest.min(dispute.amount - dispute.reversed);
        if !is_lost || dispute.attempt_id != refund.attempt_id || part <= 0 {
            continue;
        }
        dispute.reversed += part;
        disputes::store(work.tx, work.tenant, &dispute).await?;
        rest -= part;
    }
    Ok(rest)
}

/// Restores the payment. What the customer has paid again meanwhile goes to the balance.
async fn restore(
    work: &mut Work<'_, '_, '_>,
    attempt: &Attempt,
    dispute: &mut Dispute,
    invoice: &mut Invoice,
) -> Result<(), BillingError> {
    let amount = dispute.reversed;
    let due = if invoice.status.is_payable() { invoice.amount_due() } else { 0 };
    let part = amount.min(due);
    if part > 0 {
        close_form(work, invoice).await?;
        disputes::restore(work, invoice, attempt.id, part).await?;
    }
    if amount > part {
        balance::overpaid(work, invoice, amount - part, &dispute.reference).await?;
    }
    note(work, attempt, dispute, Action::PaymentRestored).await?;
    dispute.reversed = 0;
    if part > 0 && invoice.status == InvoiceStatus::Paid {
        pay::end_debt(work, invoice).await?;
    }
    Ok(())
}

async fn note(
    work: &mut Work<'_, '_, '_>,
    attempt: &Attempt,
    dispute: &Dispute,
    action: Action,
) -> Result<(), DbError> {
    let detail = json!({
        "invoiceId": dispute.invoice_id, "reference": dispute.reference,
        "amount": dispute.amount, "currency": attempt.currency, "reason": dispute.reason,
        "status": dispute.status, "amountReversed": dispute.reversed,
    });
    work.note(attempt.customer_id, action, attempt.id, detail).await
}
