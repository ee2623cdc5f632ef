//! The refunds of a credit note: each is of one charge, whole or in part.

use crate::base::words::words;
use crate::base::{
    CreditNoteId, Currency, CustomerId, InvoiceId, PaymentAttemptId, RefundId, Time,
};
use crate::db::{FromRow, ToRow};

#[derive(Clone, Debug, FromRow, ToRow)]
pub struct Refund {
    #[record(insert_only)]
    pub customer_no: i64,
    #[record(computed)]
    pub customer_id: CustomerId,
    /// Also the processor's idempotency key.
    #[record(insert_only)]
    pub id: RefundId,
    #[record(insert_only)]
    pub invoice_id: InvoiceId,
    #[record(insert_only)]
    pub credit_note_id: CreditNoteId,
    /// The charge.
    #[record(insert_only)]
    pub attempt_id: PaymentAttemptId,
    #[record(insert_only)]
    pub amount: i64,
    #[record(insert_only)]
    pub currency: Currency,
    pub status: RefundStatus,
    /// The instant from which any node may continue it.
    pub next_at: Option<Time>,
    /// Real time, like `next_at`.
    #[record(insert_only)]
    pub created_at: Time,
}

words! {
    RefundStatus {
        Pending = "pending",
        Succeeded = "succeeded",
        Failed = "failed",
    }
}

/// A charge of an invoice, and what was refunded of it.
#[derive(Clone, Copy, Debug, FromRow)]
pub struct Refundable {
    #[record(name = "id")]
    pub attempt_id: PaymentAttemptId,
    pub amount: i64,
    /// The part that disputes have taken back.
    pub reversed: i64,
    #[record(computed)]
    pub refunded: i64,
    /// Whether a bank holds the money because of a dispute.
    #[record(computed)]
    pub is_held: bool,
}

impl Refundable {
    /// Returns the part that was neither refunded nor taken back.
    pub const fn kept(&self) -> i64 {
        self.amount - self.refunded - self.reversed
    }

    /// Returns the part that can be refunded.
    pub const fn rest(&self) -> i64 {
        if self.is_held { 0 } else { self.kept() }
    }
}
