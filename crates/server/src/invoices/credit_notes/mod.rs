//! Credit notes: documents that take back a part of an issued invoice, with its tax in proportion.
//! They never change, and their numbers are a gapless series of their own. All credit notes of an
//! invoice together never credit more than it charged.
//!
//! [`draft`] decides and prices both the preview and the credit note, so that the two agree.

mod draft;
pub mod pdf;
mod refund;
mod sql;
mod taxes;

pub use draft::{Credit, CreditOrder, Draft, LineCredit, WantedParts, draft};
pub use refund::{Refund, RefundStatus, Refundable};
pub use sql::{
    due_refunds, get, insert_refund, of_invoice, page, refund, refundable, refunds, store_refund,
    store_voided, take_up_refund,
};

use crate::base::words::words;
use crate::base::{CreditNoteId, Currency, CustomerId, InvoiceId, Owned, TaxRate, Time};
use crate::db::{DbError, FromRow, Stored, ToRow};
use crate::invoices::sql::{Series, next_number};
use crate::invoices::{Buyer, Invoice, Seller, Tax};
use crate::test_clock;
use crate::work::Work;
use serde::Deserialize;
use unitpay_request::response;

#[derive(Clone, Debug, FromRow, ToRow)]
pub struct CreditNote {
    pub customer_no: i64,
    #[record(computed)]
    pub customer_id: CustomerId,
    pub id: CreditNoteId,
    pub invoice_id: InvoiceId,
    pub invoice_number: i64,
    pub number: i64,
    pub status: CreditNoteStatus,
    pub reason: CreditNoteReason,
    pub currency: Currency,
    pub subtotal: i64,
    #[record(json)]
    pub tax: Option<TaxRate>,
    pub tax_amount: i64,
    /// `tax_amount` by rate. Empty on credit notes of earlier versions.
    pub taxes: Stored<Vec<Tax>>,
    pub total_amount: i64,
    #[record(prefix = "")]
    pub parts: Parts,
    pub memo: Option<String>,
    /// As on the invoice.
    pub seller: Stored<Seller>,
    #[record(name = "customer")]
    pub buyer: Stored<Buyer>,
    /// Empty if an amount was credited.
    #[record(name = "items")]
    pub lines: Stored<Vec<CreditNoteItem>>,
    /// Of a purchase of credits: those that were taken back with it.
    pub credits_taken_back: Option<i64>,
    /// Those that should have been, but were used or have expired.
    pub credits_used: Option<i64>,
    pub issued_at: Time,
    pub voided_at: Option<Time>,
}

impl Owned for CreditNote {
    fn owner(&self) -> i64 {
        self.customer_no
    }
}

/// Where the total of a credit note goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromRow, ToRow)]
pub struct Parts {
    /// Lowers the amount due of an invoice that is not paid.
    #[record(name = "due_reduction")]
    pub due: i64,
    /// Is refunded to the cards that were charged.
    #[record(name = "refund_amount")]
    pub refund: i64,
    /// Is added to the customer's balance.
    #[record(name = "credit_amount")]
    pub balance: i64,
    /// Is paid back outside of UnitPay.
    #[record(name = "out_of_band_amount")]
    pub out_of_band: i64,
}

/// A credited part of a line of the invoice, in the form in which it is stored and returned.
#[response]
#[derive(Clone, PartialEq, Eq, Deserialize)]
pub struct CreditNoteItem {
    /// The place of the line among the invoice's `items`, from 0.
    pub item: usize,
    pub description: String,
    /// Before tax.
    pub amount: i64,
}

words! {
    CreditNoteStatus {
        Issued = "issued",
        Void = "void",
    }
}

words! {
    CreditNoteReason {
        Duplicate = "duplicate",
        Fraudulent = "fraudulent",
        OrderChange = "order_change",
        ProductUnsatisfactory = "product_unsatisfactory",
        Other = "other",
    }
}

impl CreditNote {
    /// `CN-000001`.
    pub fn number_text(&self) -> String {
        format!("CN-{:06}", self.number)
    }

    /// The number of the invoice, `INV-000042`.
    pub fn invoice_number_text(&self) -> String {
        format!("INV-{:06}", self.invoice_number)
    }
}

/// Issues a credit note as drafted: takes the next number; the date is today's. The caller has taken
/// credits back, carries out the parts, and holds the lock on the customer.
pub async fn issue(
    work: &mut Work<'_, '_, '_>,
    invoice: &Invoice,
    order: &CreditOrder,
    draft: &Draft,
    (credits_taken_back, credits_used): (Option<i64>, Option<i64>),
) -> Result<CreditNote, DbError> {
    let invoice_number = invoice.number.ok_or(DbError::Broken("a credited draft"))?;
    let now = test_clock::now(work.tx, work.tenant, work.by.now).await?.max(work.at);
    let id = work.by.ids.credit_note();
    let series = Series::CreditNotes;
    let (number, issued_at) = next_number(work.tx, work.tenant, series, now).await?;
    let note = CreditNote {
        customer_no: invoice.customer_no,
        customer_id: invoice.customer_id,
        id,
        invoice_id: invoice.id,
        invoice_number,
        number,
        status: CreditNoteStatus::Issued,
        reason: order.reason,
        currency: invoice.currency,
        subtotal: draft.split.net,
        tax: invoice.totals.tax.clone(),
        tax_amount: draft.split.tax,
        taxes: Stored::new(&draft.taxes)?,
        total_amount: draft.split.total(),
        parts: draft.parts,
        memo: order.memo.clone(),
        seller: invoice.seller.clone(),
        buyer: invoice.buyer.clone(),
        lines: Stored::new(&draft.lines)?,
        credits_taken_back,
        credits_used,
        issued_at,
        voided_at: None,
    };
    sql::insert(work.tx, work.tenant, &note).await?;
    Ok(note)
}
