//! Disputes of an invoice's payments, and the payments that they take back.

mod sql;

pub use sql::{get, insert, of_invoice, store};

use super::{Invoice, InvoiceStatus};
use crate::base::{DisputeStatus, InvoiceId, PaymentAttemptId, Time};
use crate::db::{DbError, FromRow, ToRow};
use crate::events::EventType;
use crate::work::Work;

#[derive(Clone, Debug, FromRow, ToRow)]
pub struct Dispute {
    #[record(insert_only)]
    pub customer_no: i64,
    #[record(insert_only)]
    pub invoice_id: InvoiceId,
    /// The charge.
    #[record(insert_only)]
    pub attempt_id: PaymentAttemptId,
    #[record(insert_only)]
    pub processor: String,
    /// The processor's id.
    #[record(insert_only)]
    pub reference: String,
    pub amount: i64,
    pub reason: String,
    pub status: DisputeStatus,
    pub due_by: Option<Time>,
    /// The part of the payment that it has taken back.
    pub reversed: i64,
    #[record(insert_only)]
    pub created_at: Time,
    pub updated_at: Time,
}

impl Dispute {
    /// Whether another version differs in nothing that a processor reports.
    pub fn says_the_same(&self, other: &Self) -> bool {
        (self.amount, &self.reason, self.status, self.due_by)
            == (other.amount, &other.reason, other.status, other.due_by)
    }
}

/// Takes this part of a charge back from its invoice, which is due again. The caller decides what
/// follows.
pub async fn reverse(
    work: &mut Work<'_, '_, '_>,
    invoice: &mut Invoice,
    charge: PaymentAttemptId,
    amount: i64,
) -> Result<(), DbError> {
    sql::reverse(work.tx, work.tenant, invoice.id, (charge, amount)).await?;
    invoice.amount_paid -= amount;
    invoice.paid_at = None;
    let status = match invoice.status {
        InvoiceStatus::Paid | InvoiceStatus::PartiallyPaid if invoice.amount_paid == 0 => {
            InvoiceStatus::Issued
        }
        InvoiceStatus::Paid => InvoiceStatus::PartiallyPaid,
        InvoiceStatus::Draft
        | InvoiceStatus::Issued
        | InvoiceStatus::PartiallyPaid
        | InvoiceStatus::Overdue
        | InvoiceStatus::Void
        | InvoiceStatus::Uncollectible => invoice.status,
    };
    super::set_status(work.tx, work.tenant, invoice, status, work.at).await
}

/// Restores a part of a charge that was taken back: at most the amount due.
pub async fn restore(
    work: &mut Work<'_, '_, '_>,
    invoice: &mut Invoice,
    charge: PaymentAttemptId,
    amount: i64,
) -> Result<(), DbError> {
    sql::reverse(work.tx, work.tenant, invoice.id, (charge, -amount)).await?;
    invoice.amount_paid += amount;
    let whole = invoice.amount_due() == 0;
    let status = match invoice.status {
        _ if whole => InvoiceStatus::Paid,
        InvoiceStatus::Issued => InvoiceStatus::PartiallyPaid,
        InvoiceStatus::Draft
        | InvoiceStatus::PartiallyPaid
        | InvoiceStatus::Paid
        | InvoiceStatus::Overdue
        | InvoiceStatus::Void
        | InvoiceStatus::Uncollectible => invoice.status,
    };
    invoice.paid_at = whole.then_some(work.at);
    super::set_status(work.tx, work.tenant, invoice, status, work.at).await?;
    if whole {
        work.announce(invoice.customer_id, EventType::InvoicePaid, invoice.id).await?;
    }
    Ok(())
}
